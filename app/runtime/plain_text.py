"""Numbers, truth, times and lists as a person writes them in a setting or an option.

Python's own readers take more than anybody means: digits of every script, `1_000`, `1e3`, `nan`, blanks
around. Here a number is written in ASCII digits, plainly, and anything else is refused with what is
allowed.
"""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final

# Bounded, so that no number is too long to be read.
WHOLE_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,29})")
DECIMAL_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,29})(?:\.[0-9]{1,30})?")
_TRUTH: Final = {
    "true": True, "1": True, "yes": True, "on": True,
    "false": False, "0": False, "no": False, "off": False,
}  # fmt: skip
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
# RFC 3339, section 5.6.
_TIME: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?"
    r"(?:[Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_PART: Final = re.compile("[!-:<-{}~]+")  # visible ASCII but for ; and |, which separate nothing


def whole_number(text: str) -> int:
    """Read a whole number. Raises ValueError, without the text."""
    if not WHOLE_NUMBER.fullmatch(text):
        raise ValueError("must be a whole number, in digits")
    return int(text)


def decimal_number(text: str) -> Decimal:
    """Read a decimal number. Raises ValueError, without the text."""
    if not DECIMAL_NUMBER.fullmatch(text):
        raise ValueError("must be a decimal number, such as 0.0005")
    return Decimal(text)


def truth(text: str) -> bool:
    """Read true or false, also as 1 or 0, yes or no, on or off. Raises ValueError."""
    found = _TRUTH.get(text.lower())
    if found is None:
        raise ValueError("must be true or false")
    return found


def parts(text: str) -> tuple[str, ...]:
    """Split a list at its commas. Raises ValueError, without the text, at another separator."""
    found = tuple(part.strip(" \t") for part in text.split(","))
    if not all(_PART.fullmatch(part) for part in found if part):
        raise ValueError("must be separated by commas, without blanks or other signs between")
    return tuple(part for part in found if part)


def phrases(text: str) -> tuple[str, ...]:
    """Split a list at its commas, where a part may hold blanks."""
    found = (part.strip(" \t") for part in text.split(","))
    return tuple(part for part in found if part)


def day(text: str) -> date:
    """Read a date. Raises ValueError, without the text."""
    if not _DAY.fullmatch(text):
        raise ValueError("must be a date, as in 2025-11-19")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError("must be a date of the calendar, as in 2025-11-19") from None


def time(text: str) -> datetime:
    """Read an RFC 3339 time. Raises ValueError, without the text."""
    if not _TIME.fullmatch(text):
        raise ValueError("must be an RFC 3339 time with an offset, such as 2030-01-31T12:00:00Z")
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("must be a time of the calendar, such as 2030-01-31T12:00:00Z") from None
