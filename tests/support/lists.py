"""Lists in memory, and lists in a database, for tests of what looks in them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final

from app.addresses.spelling import canonicalize
from app.lists.importing import Import, Imported, import_list
from app.lists.parsers.files import READING, ListFile
from app.lists.rules.listings import (
    ListedAddress,
    ListFinder,
    Listing,
    ListVersion,
    Lookup,
    Lookups,
)
from app.runtime.db.engine import Database
from tests.support.people import ACTOR

NOW: Final = datetime(2026, 1, 11, 12, 46, 3, tzinfo=UTC)


def version_of(source: str, number: int = 1, issued: date | None = None) -> ListVersion:
    """Return a version of a list, with a hash of its own."""
    return ListVersion(
        source=source,
        number=number,
        issued=issued,
        effective_on=issued or NOW.date(),
        sha256=f"{number:064x}",
        imported_at=NOW,
        entries=1,
    )


def listed(address: str, asset: str = "XBT", **more: Any) -> ListedAddress:  # noqa: ANN401
    """Return a row of a list; a sanction, unless it says another category."""
    return ListedAddress(address=address, asset=asset, **{"category": "sanctions", **more})


@dataclass(frozen=True)
class HeldLists:
    """A ListFinder of what it is given; on any day it says the same."""

    held: Sequence[ListVersion]
    listings: Sequence[Listing]

    async def find(self, address: str, as_of: date | None = None) -> Lookup:
        held = [one for one in self.held if as_of is None or one.effective_on <= as_of]
        return Lookup(
            listings=tuple(one for one in self._listings(address) if one.version in held),
            versions=tuple(held),
        )

    async def find_many(self, addresses: Iterable[str]) -> Lookups:
        found = {address: self._listings(address) for address in addresses}
        return Lookups(
            listings={address: its for address, its in found.items() if its},
            versions=tuple(self.held),
        )

    async def versions(self) -> tuple[ListVersion, ...]:
        return tuple(self.held)

    def _listings(self, address: str) -> tuple[Listing, ...]:
        spelling = canonicalize(address)
        return tuple(one for one in self.listings if canonicalize(one.row.address) == spelling)


_: ListFinder = HeldLists((), ())


async def import_rows(
    database: Database,
    rows: Sequence[ListedAddress],
    *,
    issued: date | None = None,
    source: str = "a list",
    sha256: str | None = None,
    now: datetime = NOW,
    reading: str = READING,
    **asked: Any,  # noqa: ANN401
) -> Imported:
    """Import rows as the next version; a file of other rows has another hash."""
    name = sha256 or f"{abs(hash((source, tuple(rows)))):064x}"
    file = ListFile(source=source, issued=issued, sha256=name, entries=list(rows), reading=reading)
    return await import_list(
        database,
        Import(file=file, **{"origin": "a/path", **asked}),
        max_shrink=Decimal("0.2"),
        actor=ACTOR,
        now=now,
    )
