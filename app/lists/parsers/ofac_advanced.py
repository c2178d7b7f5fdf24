"""Reading OFAC's `sdn_advanced.xml`, of over 100 MB: the file itself says what its ids mean.

Parties come first, with their names and addresses, and long after them the sanctions entries, with
the days of listing and the programs. So what is known of a party is put together at the end.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
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

_PROGRAM: Final = "Program"  # the type of a measure whose comment is a program


@dataclass(frozen=True)
class _Party:
    """A party with addresses: its profiles, by which sanctions entries name it, and its rows."""

    profiles: tuple[str, ...]
    facts: ListingFacts
    rows: list[ListedAddress]


@dataclass
class _Sanctioned:
    """What the sanctions entries say of a profile."""

    listed_on: date | None = None
    programs: list[str] = field(default_factory=list)


class AdvancedReader:
    """Reads `sdn_advanced.xml`."""

    ROOT: Final = "Sanctions"

    def __init__(self) -> None:
        self.entries: list[ListedAddress] = []
        self.issued: date | None = None
        self.unread: list[str] = []
        self._assets: dict[str, str] = {}
        self._kinds: dict[str, str] = {}  # of features that are no addresses
        self._document_types: dict[str, str] = {}
        self._party_types: dict[str, str] = {}
        self._sub_types: dict[str, tuple[str, str]] = {}
        self._measures: dict[str, str] = {}
        self._parties: list[_Party] = []
        self._sanctioned: dict[str, _Sanctioned] = {}
        self._keepers: Final = {
            "DateOfIssue": self._keep_date,
            "FeatureType": self._keep_feature_type,
            "IDRegDocType": self._keep_document_type,
            "IDRegDocument": self._keep_document,
            "PartyType": self._keep_party_type,
            "PartySubType": self._keep_sub_type,
            "SanctionsType": self._keep_measure,
            "DistinctParty": self._keep_party,
            "SanctionsEntry": self._keep_sanctions_entry,
        }
        self._parser = RecordParser(self.ROOT, self._keepers, self._keep)
        self.feed = self._parser.feed

    def close(self) -> None:
        """Say that the file has ended; raises MalformedList if it lacks what it must have."""
        self._parser.close()
        if self.issued is None:
            raise MalformedList("it has no DateOfIssue")
        if not self._assets:
            raise MalformedList("it defines no digital currency address")
        for party in self._parties:
            facts = self._complete(party)
            self.entries.extend(replace(row, facts=facts) for row in party.rows)

    def _keep(self, element: Element) -> None:
        self._keepers[element.tag](element)

    def _keep_date(self, element: Element) -> None:
        self.issued = _date("DateOfIssue", element)

    def _keep_feature_type(self, element: Element) -> None:
        text, asset = _text(element), asset_of(_text(element))
        if asset is not None:
            self._assets[element.get("ID", "")] = asset
            return
        self._kinds[element.get("ID", "")] = text
        if missed := not_understood(text):
            self.unread.append(missed)

    def _keep_document_type(self, element: Element) -> None:
        self._document_types[element.get("ID", "")] = _text(element)

    def _keep_document(self, document: Element) -> None:
        """Note an address that stands among passports, where the classic format has it."""
        kind = document.get("IDRegDocTypeID", "")
        text = document.findtext("IDRegistrationNo", "").strip()
        if missed := not_understood(self._document_types.get(kind, kind), text):
            self.unread.append(missed)

    def _keep_party_type(self, element: Element) -> None:
        self._party_types[element.get("ID", "")] = _text(element)

    def _keep_sub_type(self, element: Element) -> None:
        kind = element.get("PartyTypeID", "")
        self._sub_types[element.get("ID", "")] = (_text(element), kind)

    def _keep_measure(self, element: Element) -> None:
        self._measures[element.get("ID", "")] = _text(element)

    def _keep_party(self, party: Element) -> None:
        found = self._addresses(party)
        if not found:
            return
        uid, names = party.get("FixedRef", "").strip(), _names(party)
        name = _primary_name(party)
        rows = [
            ListedAddress(
                address=address,
                asset=asset,
                category=SANCTIONS,
                label=name,
                reference=reference_to(uid),
            )
            for address, asset in found
        ]
        profiles = list(party.iter("Profile"))
        words = [word for one in profiles for word in self._type_words(one)]
        facts = ListingFacts(
            aliases=unique(names, but=name),
            party_type=party_type(*words),
            list_uid=uid or None,
            source_url=party_page(uid),
        )
        self._parties.append(_Party(tuple(one.get("ID", "") for one in profiles), facts, rows))

    def _addresses(self, party: Element) -> list[tuple[str, str]]:
        """Return the addresses of a party with their assets; note what was not understood."""
        found = []
        for feature in party.iter("Feature"):
            kind = feature.get("FeatureTypeID", "")
            asset = self._assets.get(kind)
            for detail in feature.iter("VersionDetail"):
                text = _text(detail)
                if asset is not None and text:
                    found.append((text, asset))
                elif text and (missed := not_understood(self._kinds.get(kind, kind), text)):
                    self.unread.append(missed)
        self.unread += filter(None, (missed_in(_text(one)) for one in party.iter("Comment")))
        return found

    def _type_words(self, profile: Element) -> tuple[str, str]:
        """Return the words for a party's type, the narrower first: `Vessel` is a `Transport`."""
        sub_type, kind = self._sub_types.get(profile.get("PartySubTypeID", ""), ("", ""))
        return sub_type, self._party_types.get(kind, "")

    def _keep_sanctions_entry(self, entry: Element) -> None:
        known = self._sanctioned.setdefault(entry.get("ProfileID", ""), _Sanctioned())
        days = [_date("date of an EntryEvent", day) for day in entry.iterfind("EntryEvent/Date")]
        known.listed_on = _earliest([*days, known.listed_on])
        known.programs += [
            measure.findtext("Comment", "").strip()
            for measure in entry.iterfind("SanctionsMeasure")
            if self._measures.get(measure.get("SanctionsTypeID", "")) == _PROGRAM
        ]

    def _complete(self, party: _Party) -> ListingFacts:
        entries = [
            self._sanctioned[profile] for profile in party.profiles if profile in self._sanctioned
        ]
        return replace(
            party.facts,
            programs=unique([one for entry in entries for one in entry.programs], but=""),
            listed_on=_earliest(entry.listed_on for entry in entries),
        )


def _earliest(days: Iterable[date | None]) -> date | None:
    return min((day for day in days if day is not None), default=None)


def _date(name: str, element: Element) -> date:
    return read_date(name, *(element.findtext(part, "") for part in ("Year", "Month", "Day")))


def _text(element: Element) -> str:
    return (element.text or "").strip()


def _names(party: Element) -> list[str]:
    """Return every spelling of every name, in all scripts."""
    return [_spelt(name) for name in party.iter("DocumentedName")]


def _primary_name(party: Element) -> str:
    """Return the first spelling of the primary alias; empty where there is none."""
    for alias in party.iter("Alias"):
        if alias.get("Primary") == "true":
            spelling = alias.find("DocumentedName")
            return "" if spelling is None else _spelt(spelling)
    return ""


def _spelt(name: Element) -> str:
    return " ".join(filter(None, (_text(part) for part in name.iter("NamePartValue"))))
