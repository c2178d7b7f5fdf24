"""The payment rails: the ways in which an order can be paid."""

from enum import StrEnum


class Rail(StrEnum):
    """How the money of an order travels."""

    AEONTO = "aeonto"  # the buyer pays AEON to AEON.to, which sends bitcoin to the merchant
    BITCOIN = "bitcoin"  # the buyer pays bitcoin to an address of the merchant's own wallet
