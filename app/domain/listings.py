"""Lists of addresses: what a file says of each, and what is found when an address is looked up."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedAddress:
    """One row of a list, as it was published: wrong asset or checksum and all.

    `category` is a word of ours. `label` says whose address it is and `reference` where that
    stands; both may be empty. `noted_on` is the date of the row itself, if it has one.
    """

    address: str
    asset: str
    category: str
    label: str = ""
    reference: str = ""
    noted_on: date | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ListVersion:
    """One state of a list. `issued` is the list's own date, None where it says none.

    `effective_on` is that date, or else the day of the import: from then on, this is what the
    list says. Versions of a source are numbered from 1; 0 is the sample that comes with Assay.
    """

    source: str
    number: int
    issued: date | None
    effective_on: date
    sha256: str
    imported_at: datetime
    entries: int

    @property
    def is_sample(self) -> bool:
        """Say whether it is no list that anybody imported."""
        return self.number == 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Listing:
    """A row that was found, and the version of the list that has it."""

    row: ListedAddress
    version: ListVersion


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


def edition_of(versions: Iterable[ListVersion]) -> str:
    """Return what two sets of versions share if and only if they say the same."""
    hashes = "".join(sorted(version.sha256 for version in versions))
    return hashlib.sha256(hashes.encode()).hexdigest()[:16]


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
