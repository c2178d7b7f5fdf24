"""Reading OFAC's `sdn.xml`: an address is an id of a party, whose type names the asset."""

from collections.abc import Iterator
from datetime import date
from typing import Final
from xml.etree.ElementTree import Element

from app.lists.parsers.ofac import (
    SANCTIONS,
    asset_of,
    missed_in,
    not_understood,
    party_page,
    party_type,
    read_date,
    reference_to,
    unique,
)
from app.lists.parsers.xml_records import MalformedList, RecordParser
from app.lists.rules.listings import ListedAddress, ListingFacts


class ClassicReader:
    """Reads `sdn.xml`. It does not say when a party came to the list."""

    ROOT: Final = "sdnList"

    def __init__(self) -> None:
        self.entries: list[ListedAddress] = []
        self.issued: date | None = None
        self.unread: list[str] = []
        # The element's name is misspelt in the file itself.
        names = ("publshInformation", "sdnEntry")
        self._parser = RecordParser(self.ROOT, names, self._keep)
        self.feed = self._parser.feed

    def close(self) -> None:
        """Say that the file has ended; raises MalformedList if it lacks what it must have."""
        self._parser.close()
        if self.issued is None:
            raise MalformedList("it has no Publish_Date")

    def _keep(self, element: Element) -> None:
        if element.tag == "publshInformation":
            month, _, rest = element.findtext("Publish_Date", "").strip().partition("/")
            day, _, year = rest.partition("/")
            self.issued = read_date("Publish_Date", year, month, day)
        else:
            self.entries.extend(_rows(element, self._addresses(element)))

    def _addresses(self, entry: Element) -> list[tuple[str, str]]:
        """Return the addresses of a party with their assets; note what was not understood."""
        found = []
        for item in entry.iterfind("idList/id"):
            kind, text = item.findtext("idType", ""), item.findtext("idNumber", "").strip()
            asset = asset_of(kind)
            if asset is not None and text:
                found.append((text, asset))
            elif asset is None and (missed := not_understood(kind, text)):
                self.unread.append(missed)
        if missed := missed_in(entry.findtext("remarks", "")):
            self.unread.append(missed)
        return found


def _rows(entry: Element, found: list[tuple[str, str]]) -> Iterator[ListedAddress]:
    if not found:
        return
    name, uid, facts = _name(entry), entry.findtext("uid", "").strip(), _facts(entry)
    for address, asset in found:
        yield ListedAddress(
            address=address,
            asset=asset,
            category=SANCTIONS,
            label=name,
            reference=reference_to(uid),
            facts=facts,
        )


def _facts(entry: Element) -> ListingFacts:
    uid = entry.findtext("uid", "").strip()
    aliases = [_name(aka) for aka in entry.iterfind("akaList/aka")]
    programs = [(program.text or "").strip() for program in entry.iterfind("programList/program")]
    return ListingFacts(
        aliases=unique(aliases, but=_name(entry)),
        party_type=party_type(entry.findtext("sdnType", "")),
        list_uid=uid or None,
        programs=unique(programs, but=""),
        source_url=party_page(uid),
    )


def _name(element: Element) -> str:
    parts = (element.findtext(part, "").strip() for part in ("firstName", "lastName"))
    return " ".join(filter(None, parts))
