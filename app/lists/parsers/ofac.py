"""What both formats of OFAC's list share: their words, and what a reader of one is."""

import re
from datetime import date
from typing import Final, Protocol

from app.addresses import currencies_of
from app.lists.parsers.xml_records import MalformedList
from app.lists.rules.list_texts import visible
from app.lists.rules.listings import ListedAddress, PartyType

SANCTIONS: Final = "sanctions"
# "Digital Currency Address - XBT", with any dash and in any case.
_ASSET: Final = re.compile(
    r"digital currency address(?:es)? ?[-:\u2010-\u2015\u2212\u2043\u30fc] ?([a-z0-9]{2,16})",
    re.IGNORECASE,
)
_OF_CURRENCY: Final = re.compile(
    r"(digital|virtual|crypto) ?-?(currenc|asset|coin|wallet)|crypto|blockchain|wallet",
    re.IGNORECASE,
)
_IN_REMARKS: Final = re.compile(
    r"(?:digital|virtual|crypto) ?-?currency (?:address|wallet)", re.IGNORECASE
)
_LIKE_ADDRESS: Final = re.compile(r"(bitcoincash:)?[0-9A-Za-z]{26,110}")
_PARTY_PAGE: Final = "https://sanctionssearch.ofac.treas.gov/Details.aspx?id="


class OfacReader(Protocol):
    """Takes the bytes of a file in pieces; `entries` and `issued` are whole after `close`.

    `unread` are texts that speak of digital currency, or are addresses, and were not understood.
    """

    entries: list[ListedAddress]
    issued: date | None
    unread: list[str]

    def feed(self, piece: bytes) -> None:
        """Read on; raises MalformedList."""
        ...

    def close(self) -> None:
        """Say that the file has ended; raises MalformedList if its text has not."""
        ...


def asset_of(kind: str) -> str | None:
    """Return the asset that a type of feature or of id names; None: it is no address of one."""
    match = _ASSET.fullmatch(visible(kind))
    return match[1].upper() if match else None


def not_understood(kind: str, text: str = "") -> str | None:
    """Return what a type says, or a text under it, if an address may have been missed."""
    if _OF_CURRENCY.search(visible(kind)):
        return visible(kind)
    plain = visible(text).replace(" ", "")
    if _LIKE_ADDRESS.fullmatch(plain) and currencies_of(plain):
        return f"{visible(kind)}: {plain}"
    return None


def missed_in(remark: str) -> str | None:
    """Return a remark that names an address, which ought to stand in a field of its own."""
    words = visible(remark)
    return words if _IN_REMARKS.search(words) else None


def party_type(*words: str) -> PartyType | None:
    """Return the type of a party that the first of OFAC's words names which names one."""
    known = {str(one): one for one in PartyType}
    named = (known.get(word.strip().lower()) for word in words)
    return next(filter(None, named), None)


def party_page(uid: str) -> str | None:
    """Return the URL of a party's page at OFAC, if its uid is a number."""
    return f"{_PARTY_PAGE}{uid}" if uid.isascii() and uid.isdigit() else None


def reference_to(uid: str) -> str:
    """Return where a party stands, for people."""
    return f"uid {uid}" if uid else ""


def unique(names: list[str], *, but: str) -> tuple[str, ...]:
    """Return names in their order, each once, without the empty ones and one of them."""
    return tuple(name for name in dict.fromkeys(names) if name and name != but)


def read_date(name: str, year: str, month: str, day: str) -> date:
    """Return a date from its parts. Raises MalformedList, which calls it by its name."""
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        raise MalformedList(f"its {name} is not a date") from None
