"""The fields of AEON.to's replies: how each is read, and what is refused.

Strict where a mistake could cost money (plausible amounts), lenient where AEON.to and its sister
services differ (numbers or strings).
"""

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Final

from pydantic import BeforeValidator, Field, StringConstraints

MAX_BTC: Final = 21_000_000
MAX_AEON: Final = 10**12
# Amounts have 8 or 12 decimals; a reply in binary floats may show a few more.
MAX_DECIMALS: Final = 30
MAX_COUNT: Final = 2**31 - 1
FIRST_YEAR: Final = 2009
LAST_YEAR: Final = 2200

_NUMBER: Final = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,3})?", re.ASCII)


def _number(value: object) -> Decimal:
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        value = Decimal(value)
    if not isinstance(value, Decimal):
        raise ValueError("must be a number, or a number in a string")  # noqa: TRY004  # for pydantic
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int) or not -MAX_DECIMALS <= exponent <= MAX_DECIMALS:
        raise ValueError("must be a number of plausible size")
    if value < 0:
        raise ValueError("must not be negative")
    return value.copy_abs()  # a remainder of -0.0 is nought


def _count(value: object) -> int:
    if value in (Decimal(-1), "-1"):
        return -1  # "does not apply", as in the example of "Querying order status"
    number = _number(value)
    if number > MAX_COUNT or number != number.to_integral_value():
        raise ValueError("must be a whole number of plausible size")
    return int(number)


def _moment(value: object) -> datetime:
    if not isinstance(value, str):
        raise ValueError("must be a timestamp in a string")  # noqa: TRY004  # for pydantic
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise ValueError("must be an ISO 8601 timestamp") from None
    if moment.tzinfo is None or not FIRST_YEAR <= moment.year < LAST_YEAR:
        raise ValueError("must be a timestamp with a zone, of a plausible year")
    return moment.astimezone(UTC)


Btc = Annotated[Decimal, BeforeValidator(_number), Field(le=MAX_BTC)]
Aeon = Annotated[Decimal, BeforeValidator(_number), Field(le=MAX_AEON)]
Count = Annotated[int, BeforeValidator(_count)]
Moment = Annotated[datetime, BeforeValidator(_moment)]
Word = Annotated[str, StringConstraints(strict=True, max_length=256, pattern=r"^[!-~]+$")]
