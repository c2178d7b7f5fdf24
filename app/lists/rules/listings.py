"""Lists of addresses: what a file says of each, and what is found when an address is looked up."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final, Protocol


class PartyType(StrEnum):
    """What kind of party an address belongs to, as its list says."""

    INDIVIDUAL = "individual"
    ENTITY = "entity"
    VESSEL = "vessel"
    AIRCRAFT = "aircraft"


@dataclass(frozen=True, kw_only=True, slots=True)
class ListingFacts:
    """What a list says of the party beside its name; empty or None is what it does not say.

    `list_uid` is the list's own id of the party, `listed_on` the day on which the party came to
    the list, and `source_url` the page that says so. Rows of one party share these facts.
    """

    aliases: tuple[str, ...] = ()
    party_type: PartyType | None = None
    list_uid: str | None = None
    programs: tuple[str, ...] = ()
    listed_on: date | None = None
    source_url: str | None = None

    @property
    def count(self) -> int:
        """Count the facts that the list gives."""
        return sum(bool(getattr(self, name)) for name in self.__slots__)


NO_FACTS: Final = ListingFacts()
# By so much the clocks of whoever dates a list and whoever reads it may differ.
_CLOCKS_DIFFER: Final = timedelta(days=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedAddress:
    """One row of a list, as it was published: wrong asset or checksum and all.

    `category` is a word of ours. `label` says whose address it is and `reference` where that
    stands; both may be empty. `noted_on` is the date of the row itself, if it has one.
    `confidence` is how sure the list is of it, in percent (None: it does not say); `is_mention`
    says that the address was only seen in such a place, and need not belong there.
    """

    address: str
    asset: str
    category: str
    label: str = ""
    reference: str = ""
    noted_on: date | None = None
    facts: ListingFacts = NO_FACTS
    confidence: int | None = None
    is_mention: bool = False

    @property
    def fact_count(self) -> int:
        """Count what the row says of whose address it is."""
        return bool(self.label) + self.facts.count


@dataclass(frozen=True, kw_only=True, slots=True)
class ListVersion:
    """One state of a list. `issued` is the list's own date, None where it says none.

    `effective_on` is that date, or else the day of the import: from then on, this is what the
    list says. Versions of a source are numbered from 1; 0 is the sample that comes with Assay.
    `url` is where it was fetched from, None for a file. `is_sanctions` says that it is a sanctions
    list; a tag pack is none, whatever its tags are. `assets` are those under which it files
    addresses, None where that is not known.
    """

    source: str
    number: int
    issued: date | None
    effective_on: date
    sha256: str
    imported_at: datetime
    entries: int
    url: str | None = None
    is_sanctions: bool = field(default=True, compare=False)
    assets: frozenset[str] | None = field(default=None, compare=False)

    @property
    def is_sample(self) -> bool:
        """Say whether it is no list that anybody imported."""
        return self.number == 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Listing:
    """A row that was found, and the version of the list that has it."""

    row: ListedAddress
    version: ListVersion

    @property
    def source_url(self) -> str | None:
        """The page that says so, or else where the list was fetched from."""
        return self.row.facts.source_url or self.version.url


@dataclass(frozen=True, kw_only=True, slots=True)
class Lookup:
    """What the lists say of one address, and which versions were asked; one for each source."""

    listings: tuple[Listing, ...]
    versions: tuple[ListVersion, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Lookups:
    """What the same versions say of several addresses; one that no list has is left out."""

    listings: Mapping[str, tuple[Listing, ...]]
    versions: tuple[ListVersion, ...]


def most_told_first(listings: Iterable[Listing]) -> list[Listing]:
    """Return listings with that first which says most of whose address it is."""
    return sorted(listings, key=lambda listing: -listing.row.fact_count)


def is_in_future(effective_on: date, today: date) -> bool:
    """Say whether a list is dated later than the clocks of two places may differ."""
    return effective_on > today + _CLOCKS_DIFFER


def edition_of(versions: Iterable[ListVersion]) -> str:
    """Return what two sets of versions share only if they say the same.

    The same file, read in another way, is another version of its source.
    """
    marks = sorted(f"{version.sha256}:{version.number}" for version in versions)
    return hashlib.sha256("".join(marks).encode()).hexdigest()[:16]


@dataclass(frozen=True, kw_only=True)
class RequiredLists:
    """The lists that an operator wants in force, by name, and how old each may be at most.

    `max_age` counts from the list's own date, or else its import; None: any age will do.
    """

    names: tuple[str, ...] = ()
    max_age: timedelta | None = None

    def missing(self, versions: Iterable[ListVersion]) -> list[str]:
        """Return which are not in force."""
        held = {version.source for version in versions}
        return [name for name in self.names if name not in held]

    def old(self, versions: Iterable[ListVersion], today: date) -> dict[str, int]:
        """Return by name how many days old those are that are too old."""
        ages = {version.source: (today - version.effective_on).days for version in versions}
        if self.max_age is None:
            return {}
        return {
            name: ages[name]
            for name in self.names
            if timedelta(days=ages.get(name, 0)) > self.max_age
        }

    def future(self, versions: Iterable[ListVersion], today: date) -> dict[str, date]:
        """Return by name the dates of those that are dated in the future."""
        return {
            version.source: version.effective_on
            for version in versions
            if version.source in self.names and is_in_future(version.effective_on, today)
        }

    def faults(self, versions: Iterable[ListVersion], today: date) -> list[str]:
        """Say in words which are missing, too old, or dated in the future."""
        held = tuple(versions)
        most = self.max_age.days if self.max_age is not None else None
        missing = [f"the required list {name} is not in force" for name in self.missing(held)]
        old = [
            f"the required list {name} is {age} days old, more than {most}"
            for name, age in self.old(held, today).items()
        ]
        future = [
            f"the required list {name} is dated {day}, which is in the future"
            for name, day in self.future(held, today).items()
        ]
        return [*missing, *old, *future]


class ListFinder(Protocol):
    """Whatever finds addresses in lists; in the sample, as long as no list was imported."""

    async def find(self, address: str, as_of: date | None = None) -> Lookup:
        """Look an address up in the current versions, or in those that held on a day (UTC).

        A source whose first version is later than that day is not among the versions asked.
        """
        ...

    async def find_many(self, addresses: Iterable[str]) -> Lookups:
        """Look addresses up in the current versions, all in the same ones."""
        ...

    async def versions(self) -> tuple[ListVersion, ...]:
        """Return the current version of each source."""
        ...
