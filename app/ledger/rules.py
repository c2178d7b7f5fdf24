"""What an account is: a user or an access code, active or not."""

from enum import StrEnum
from typing import Final

MAX_BALANCE_CREDITS: Final = 10**12


class AccountKind(StrEnum):
    """Who owns the credits."""

    USER = "user"
    ACCESS_CODE = "access_code"


class AccountStatus(StrEnum):
    """Whether an account may act; an inactive access code may still read."""

    ACTIVE = "active"
    INACTIVE = "inactive"


class EntryKind(StrEnum):
    """Why credits moved."""

    PURCHASE = "purchase"
    ASSESSMENT = "assessment"
    REFUND = "refund"
    TRANSFER = "transfer"
    ADJUSTMENT = "adjustment"
