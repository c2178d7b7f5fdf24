"""Reading OFAC's list in both its formats: `sdn_advanced.xml`, of over 100 MB, and `sdn.xml`."""

from collections.abc import Iterator
from datetime import date
from typing import Final, Protocol
from xml.etree.ElementTree import Element

from app.domain.listings import ListedAddress
from app.providers.xml_records import MalformedList, RecordParser

_ASSET_PREFIX: Final = "Digital Currency Address - "
_CATEGORY: Final = "sanctions"


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


class AdvancedReader:
    """Reads `sdn_advanced.xml`: the file itself says which features are addresses, of what."""

    ROOT: Final = "Sanctions"

    def __init__(self) -> None:
        self.entries: list[ListedAddress] = []
        self.issued: date | None = None
        self._assets: dict[str, str] = {}
        names = ("DateOfIssue", "FeatureType", "DistinctParty")
        self._parser = RecordParser(self.ROOT, names, self._keep)
        self.feed = self._parser.feed

    def close(self) -> None:
        """Say that the file has ended; raises MalformedList if it lacks what it must have."""
        self._parser.close()
        if self.issued is None:
            raise MalformedList("it has no DateOfIssue")
        if not self._assets:
            raise MalformedList("it defines no digital currency address")

    def _keep(self, element: Element) -> None:
        match element.tag:
            case "DateOfIssue":
                parts = (element.findtext(part, "") for part in ("Year", "Month", "Day"))
                self.issued = _date("DateOfIssue", *parts)
            case "FeatureType":
                text = (element.text or "").strip()
                if text.startswith(_ASSET_PREFIX):
                    self._assets[element.get("ID", "")] = text.removeprefix(_ASSET_PREFIX).strip()
            case _:
                self.entries.extend(self._read_party(element))

    def _read_party(self, party: Element) -> list[ListedAddress]:
        found = [
            (detail.text.strip(), self._assets[feature.get("FeatureTypeID", "")])
            for feature in party.iter("Feature")
            if feature.get("FeatureTypeID", "") in self._assets
            for detail in feature.iter("VersionDetail")
            if detail.text and detail.text.strip()
        ]
        name, reference = (_primary_name(party), _uid(party.get("FixedRef"))) if found else ("", "")
        return [
            ListedAddress(
                address=address, asset=asset, category=_CATEGORY, label=name, reference=reference
            )
            for address, asset in found
        ]


class ClassicReader:
    """Reads `sdn.xml`: an address is an id of a party, whose type names the asset."""

    ROOT: Final = "sdnList"

    def __init__(self) -> None:
        self.entries: list[ListedAddress] = []
        self.issued: date | None = None
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
            self.issued = _date("Publish_Date", year, month, day)
        else:
            self.entries.extend(_read_entry(element))


def _read_entry(entry: Element) -> Iterator[ListedAddress]:
    parts = (entry.findtext(part, "").strip() for part in ("firstName", "lastName"))
    name, reference = " ".join(filter(None, parts)), _uid(entry.findtext("uid"))
    for item in entry.iterfind("idList/id"):
        kind = item.findtext("idType", "").strip()
        address = "".join(item.findtext("idNumber", "").split())
        if kind.startswith(_ASSET_PREFIX) and address:
            yield ListedAddress(
                address=address,
                asset=kind.removeprefix(_ASSET_PREFIX).strip(),
                category=_CATEGORY,
                label=name,
                reference=reference,
            )


def _uid(text: str | None) -> str:
    uid = (text or "").strip()
    return f"uid {uid}" if uid else ""


def _date(name: str, year: str, month: str, day: str) -> date:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        raise MalformedList(f"its {name} is not a date") from None


def _primary_name(party: Element) -> str:
    """Return the first spelling of the primary alias; empty where there is none."""
    for alias in party.iter("Alias"):
        if alias.get("Primary") == "true":
            spelling = alias.find("DocumentedName")
            parts = () if spelling is None else spelling.iter("NamePartValue")
            return " ".join((part.text or "").strip() for part in parts)
    return ""
