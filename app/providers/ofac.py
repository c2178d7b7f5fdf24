"""Reading OFAC's `sdn_advanced.xml` as a stream.

The file has over 100 MB, so only one party is held at a time. Its namespace has changed before:
names are compared without it. Document types are refused, and with them every entity.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

ASSET_PREFIX: Final = "Digital Currency Address - "

_ROOT: Final = "Sanctions"
_DATE: Final = "DateOfIssue"
_FEATURE_TYPE: Final = "FeatureType"
_PARTY: Final = "DistinctParty"


class MalformedList(ValueError):
    """The file is not a list of the expected format; the message says why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OfacEntry:
    """One address of one party, under the asset that OFAC filed it under."""

    address: str
    asset: str
    party: str | None


class OfacReader:
    """Takes the bytes of the file in pieces; `entries` and `issued` are whole after `close`."""

    def __init__(self) -> None:
        self.entries: list[OfacEntry] = []
        self.issued: date | None = None
        self._assets: dict[str, str] = {}
        self._tree: TreeBuilder | None = None
        self._depth = 0  # of the current element inside the one that is being kept
        self._root_seen = False
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartDoctypeDeclHandler = self._refuse_doctype
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text

    def feed(self, piece: bytes) -> None:
        """Read on; raises MalformedList."""
        self._parse(piece, is_last=False)

    def close(self) -> None:
        """Say that the file has ended; raises MalformedList if its text has not."""
        self._parse(b"", is_last=True)
        if self.issued is None:
            raise MalformedList("it has no DateOfIssue")
        if not self._assets:
            raise MalformedList("it defines no digital currency address")

    def _parse(self, piece: bytes, *, is_last: bool) -> None:
        try:
            self._parser.Parse(piece, is_last)
        except expat.ExpatError as error:
            raise MalformedList(f"it is not well-formed XML: {error}") from None

    def _refuse_doctype(
        self, _name: str, _system_id: str | None, _public_id: str | None, _internal: bool
    ) -> None:
        raise MalformedList("it declares a document type, which OFAC's list does not")

    def _start(self, qualified_name: str, attributes: dict[str, str]) -> None:
        name = qualified_name.rpartition(":")[2]
        if not self._root_seen:
            self._root_seen = True
            if name != _ROOT:
                raise MalformedList("its root element is not Sanctions")
        if self._tree is None and name in (_DATE, _FEATURE_TYPE, _PARTY):
            self._tree = TreeBuilder()
        if self._tree is not None:
            self._tree.start(name, attributes)
            self._depth += 1

    def _text(self, text: str) -> None:
        if self._tree is not None:
            self._tree.data(text)

    def _end(self, qualified_name: str) -> None:
        if self._tree is None:
            return
        self._tree.end(qualified_name.rpartition(":")[2])
        self._depth -= 1
        if self._depth == 0:
            element = self._tree.close()
            self._tree = None
            self._keep(element)

    def _keep(self, element: Element) -> None:
        if element.tag == _DATE:
            self.issued = _read_date(element)
        elif element.tag == _FEATURE_TYPE:
            text = (element.text or "").strip()
            if text.startswith(ASSET_PREFIX):
                self._assets[element.get("ID", "")] = text.removeprefix(ASSET_PREFIX)
        else:
            self.entries.extend(self._read_party(element))

    def _read_party(self, party: Element) -> list[OfacEntry]:
        found = [
            (detail.text.strip(), self._assets[feature.get("FeatureTypeID", "")])
            for feature in party.iter("Feature")
            if feature.get("FeatureTypeID", "") in self._assets
            for detail in feature.iter("VersionDetail")
            if detail.text and detail.text.strip()
        ]
        name = _read_name(party) if found else None
        return [OfacEntry(address=address, asset=asset, party=name) for address, asset in found]


def _read_date(element: Element) -> date:
    try:
        year, month, day = (int(element.findtext(part, "")) for part in ("Year", "Month", "Day"))
        return date(year, month, day)
    except ValueError:
        raise MalformedList("its DateOfIssue is not a date") from None


def _read_name(party: Element) -> str | None:
    """Return the first spelling of the primary alias."""
    for alias in party.iter("Alias"):
        if alias.get("Primary") == "true":
            spelling = alias.find("DocumentedName")
            parts = () if spelling is None else spelling.iter("NamePartValue")
            return " ".join((part.text or "").strip() for part in parts) or None
    return None
