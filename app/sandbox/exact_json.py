"""JSON whose numbers keep their exact decimal digits: a float is never made of them."""

import json
from decimal import Decimal, InvalidOperation
from typing import Final, NoReturn

from app.runtime.money import plain

# Beyond this many digits a number is written with an exponent.
_PLAIN_DIGITS: Final = 30


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _exact(digits: str) -> Decimal:
    try:
        return Decimal(digits)
    except InvalidOperation:
        raise ValueError("a number has an exponent beyond all bounds") from None


def read(text: bytes | str) -> object:
    """Read JSON; numbers with a fraction or an exponent become Decimal.

    Raises ValueError (UnicodeDecodeError included) or RecursionError for what is not JSON.
    """
    return json.loads(text, parse_float=_exact, parse_constant=_refuse_constant)


def write(value: object) -> str:
    """Write JSON; a Decimal always shows its point (`20.0`), as amounts do in AEON.to API v3."""
    match value:
        case dict():
            members = (f"{json.dumps(name)}: {write(member)}" for name, member in value.items())
            return "{" + ", ".join(members) + "}"
        case list():
            return "[" + ", ".join(write(item) for item in value) + "]"
        case Decimal():
            return _number(value)
        case _:
            return json.dumps(value)


def _number(value: Decimal) -> str:
    if value.is_nan():
        return "NaN"
    if abs(value.adjusted()) > _PLAIN_DIGITS:
        return str(value)
    digits = plain(value)
    return digits if "." in digits else f"{digits}.0"
