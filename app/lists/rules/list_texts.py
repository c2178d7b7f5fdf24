"""Cleaning what lists write where an address is meant: invisible characters, quotes, two in one."""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from app.addresses import AddressForm, check_address, currencies_of

_UNSEEN: Final = frozenset({"Cf", "Mn"})  # zero-width characters, soft hyphens, variation selectors
_AROUND: Final = " :*\u2022\"'`\u201c\u201d\u2018\u2019\u00ab\u00bb<>()[]{},;.|"
_BETWEEN: Final = re.compile(r"[,;|]+|\s+(?:and|or|&|/)\s+", re.IGNORECASE)
_BARE_HEX: Final = re.compile(r"[0-9a-fA-F]{40}")
_IS_ADDRESS: Final = (AddressForm.VALID, AddressForm.NOT_CHECKABLE)
# What no address of any currency has, so that no question with it is taken.
_NEVER: Final = re.compile(r"[^!-~]|[\"'`,;|<>(){}\[\]\\]")
_SHORTEST: Final = 20  # characters of an address, of whatever currency
_PLAIN: Final = re.compile(r"[0-9A-Za-z:]+")


def visible(text: str) -> str:
    """Return a text without what nobody sees, full-width forms as plain ones, blanks as one."""
    if _PLAIN.fullmatch(text):
        return text
    composed = unicodedata.normalize("NFKC", text)
    seen = "".join(one for one in composed if unicodedata.category(one) not in _UNSEEN)
    return " ".join(seen.split())


def addresses_in(asset: str, text: str) -> tuple[str, ...]:
    """Return the addresses of an asset that a field holds; what cannot be read stays one text.

    A blank within an address is taken out, several addresses are parted, and words beside one,
    which are too short to be an address, are left out.
    """
    found = tuple(address for part in _parts(asset, text) for address in _read(asset, part))
    if len(found) == 1:
        return found
    return tuple(one for one in found if len(one) >= _SHORTEST) or found


def can_be_asked(address: str) -> bool:
    """Say whether a text has only characters that an address may have."""
    return bool(address) and _NEVER.search(address) is None


def _parts(asset: str, text: str) -> Iterator[str]:
    for part in _BETWEEN.split(visible(text)):
        stripped = part.strip(_AROUND)
        pieces = stripped.split("/")
        if len(pieces) > 1 and all(_is_address(asset, piece) for piece in pieces):
            yield from pieces
        elif stripped:
            yield stripped


def _read(asset: str, part: str) -> tuple[str, ...]:
    words = tuple(word.strip(_AROUND) for word in part.split())
    joined = "".join(words)
    if len(words) > 1 and any(_is_address(asset, word) for word in words):
        return tuple(word for word in words if len(word) >= _SHORTEST)
    if len(words) == 1 or _is_address(asset, joined) or _nobody_checks(asset):
        return (_with_prefix(asset, joined),)
    return (part,)


def _with_prefix(asset: str, address: str) -> str:
    if not _BARE_HEX.fullmatch(address):
        return address
    prefixed = f"0x{address}"
    return prefixed if check_address(asset, prefixed) in _IS_ADDRESS else address


def _is_address(asset: str, text: str) -> bool:
    return check_address(asset, text) in _IS_ADDRESS or bool(currencies_of(text))


def _nobody_checks(asset: str) -> bool:
    return check_address(asset, "0") is AddressForm.NOT_CHECKED
