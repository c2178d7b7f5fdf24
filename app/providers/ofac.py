"""What both formats of OFAC's list share: their words, and what a reader of one is."""

from datetime import date
from typing import Final, Protocol

from app.domain.listings import ListedAddress, PartyType
from app.providers.xml_records import MalformedList

SANCTIONS: Final = "sanctions"
ASSET_PREFIX: Final = "Digital Currency Address - "
_PARTY_PAGE: Final = "https://sanctionssearch.ofac.treas.gov/Details.aspx?id="


class OfacReader(Protocol):
    """Takes the bytes of a file in pieces; `entries` and `issued` are whole after `close`."""

    entries: list[ListedAddress]
    issued: date | None

    def feed(self, piece: bytes) -> None:
        """Read on; raises MalformedList."""
        ...

    def close(self) -> None:
        """Say that the file has ended; raises MalformedList if its text has not."""
        ...


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
