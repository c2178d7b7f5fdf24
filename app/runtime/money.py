"""Coin amounts: exact decimals in, exact decimals out, never a float."""

from decimal import Decimal
from typing import Final

SATOSHI: Final = Decimal("0.00000001")


def in_satoshi(amount_btc: Decimal) -> int:
    """Return an amount of bitcoin in satoshi. Raises ValueError for a part of one."""
    satoshi = amount_btc / SATOSHI
    if satoshi != int(satoshi):
        raise ValueError(f"{plain(amount_btc)} BTC is not a whole number of satoshi")
    return int(satoshi)


def plain(amount: Decimal) -> str:
    """Write an amount in plain digits: no exponent, no trailing zeros, `0.15` for 0.1500."""
    digits = format(amount, "f")
    return digits.rstrip("0").rstrip(".") if "." in digits else digits
