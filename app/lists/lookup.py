"""Finding addresses in the lists that were imported: as they are now, or as they were on a day.

A process holds the newest versions in memory, and looks every ten seconds whether there are newer
ones. What held on a day is asked of the database. Until a list is imported, there is the sample.
"""

from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Final, TypeVar, cast

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.addresses.spelling import canonicalize
from app.lists.errors import ListsNotInForce
from app.lists.models import ListEntry
from app.lists.respelling import spelling_of, spelt_otherwise
from app.lists.rules.listings import (
    NO_FACTS,
    ListedAddress,
    Listing,
    ListingFacts,
    ListVersion,
    Lookup,
    Lookups,
    PartyType,
    RequiredLists,
)
from app.lists.sample_list import sample
from app.lists.versions import (
    _V,
    newest_of_each,
    sample_versions,
    sanctions_lists,
    version_from,
)
from app.runtime.clock import Clock
from app.runtime.db.base import AnyRow, AnySelect
from app.runtime.db.concurrency import ConcurrencyLimit
from app.runtime.db.engine import Database

POLL_SECONDS: Final = 10.0
# How long the first look of another is waited for. Long lists take seconds to read.
_LOOKED_WITHIN_SECONDS: Final = 10.0
_BATCH: Final = 1000  # rows read at once, so that a long list holds up nobody
_SPELLING: Final = (ListEntry.spelling, ListEntry.spelling_rules)
_ROW: Final = (
    ListEntry.address,
    ListEntry.asset,
    ListEntry.category,
    ListEntry.label,
    ListEntry.reference,
    ListEntry.noted_on,
    ListEntry.aliases,
    ListEntry.party_type,
    ListEntry.list_uid,
    ListEntry.programs,
    ListEntry.listed_on,
    ListEntry.source_url,
    ListEntry.confidence,
    ListEntry.is_mention,
)
_T = TypeVar("_T")


@dataclass(frozen=True)
class _Held:
    """The newest versions, whole. `count` is how many versions of all sources there were.

    `assets` are those, in capitals, that any version ever named.
    """

    count: int
    versions: tuple[ListVersion, ...]
    listings: dict[str, tuple[Listing, ...]]
    assets: frozenset[str]


class Lists:
    """The lists of one process: a ListFinder."""

    def __init__(
        self, database: Database, clock: Clock, required: RequiredLists | None = None
    ) -> None:
        """Read nothing yet: the first look does. `required` are what an operator wants in force."""
        self.required = required or RequiredLists()
        self._database = database
        self._clock = clock
        self._held: _Held | None = None
        self._looked_at = 0.0
        self._looking = ConcurrencyLimit(1, within_seconds=_LOOKED_WITHIN_SECONDS)

    async def find(self, address: str, as_of: date | None = None) -> Lookup:
        """Look an address up, in any spelling, whatever asset it is filed under.

        `as_of` is a day in UTC: what the newest version of each source that was in force then
        says. A source that had none then is not among the versions of the answer.
        """
        spelling = canonicalize(address)
        if as_of is not None:
            return await _find_at(self._database, spelling, as_of)
        held = await self._refreshed()
        return Lookup(listings=held.listings.get(spelling, ()), versions=held.versions)

    async def find_many(self, addresses: Iterable[str]) -> Lookups:
        """Look addresses up in the newest versions; one that no list has is left out."""
        held = await self._refreshed()
        found = {one: held.listings.get(canonicalize(one), ()) for one in addresses}
        listings = {address: its for address, its in found.items() if its}
        return Lookups(listings=listings, versions=held.versions)

    async def versions(self) -> tuple[ListVersion, ...]:
        """Return the newest version of each source."""
        return (await self._refreshed()).versions

    async def refuse_without_required(self) -> None:
        """Raise ListsNotInForce while a list that an operator wants in force is not."""
        if missing := self.required.missing(await self.versions()):
            raise ListsNotInForce(missing)

    async def faults(self) -> list[str]:
        """Say in words which of the lists that an operator wants are missing or too old."""
        return self.required.faults(await self.versions(), self._clock.now().date())

    async def assets(self) -> frozenset[str]:
        """Return the assets, in capitals, under which lists have filed addresses, now or before."""
        return (await self._refreshed()).assets

    async def first_day(self, *, sanctions: bool) -> date | None:
        """Return the first day on which a list, or a sanctions list, was in force; None: never."""
        statement = select(func.min(_V.effective_on))
        async with self._database.reading() as connection:
            if sanctions:
                named = await sanctions_lists(connection)
                statement = statement.where(_V.source.in_(named))
            day: date | None = await connection.scalar(statement)
        return day

    async def _refreshed(self) -> _Held:
        """Return what is held, after a look for newer versions if the last one is long ago.

        Whoever comes while another looks gets what is held. If that is nothing yet, it waits;
        raises ConcurrencyLimitReached when the other takes too long.
        """
        held = self._held
        if held is not None and (
            self._looking.all_taken() or self._clock.monotonic() - self._looked_at < POLL_SECONDS
        ):
            return held
        async with self._looking.one():
            if self._held is None or self._held is held:
                self._held = await _hold(self._database, held)
                self._looked_at = self._clock.monotonic()
            return self._held


async def changes(
    connection: AsyncConnection, source: str, number: int
) -> tuple[list[ListedAddress], list[ListedAddress]]:
    """Return the rows that a version of a source added, and those that it no longer has."""
    added = select(*_ROW).where(ListEntry.source == source, ListEntry.first_version == number)
    gone = select(*_ROW).where(ListEntry.source == source, ListEntry.last_version == number - 1)
    return (
        [_row(row) for row in await connection.execute(added.order_by(ListEntry.id))],
        [_row(row) for row in await connection.execute(gone.order_by(ListEntry.id))],
    )


async def listings_in(
    connection: AsyncConnection | AsyncSession,
    spellings: Collection[str],
    versions: Mapping[str, ListVersion],
) -> dict[str, tuple[Listing, ...]]:
    """Return by spelling what versions of lists, one of each source, have of addresses.

    Rows that other rules spelt are all read, and spelt here.
    """
    rows = await connection.execute(
        select(
            *(ListEntry.source, ListEntry.first_version, ListEntry.last_version),
            *(*_SPELLING, *_ROW),
        )
        .where(or_(ListEntry.spelling.in_(spellings), spelt_otherwise(ListEntry)))
        .order_by(ListEntry.id)
    )
    listings: dict[str, tuple[Listing, ...]] = {}
    for row in rows:
        version = versions.get(row.source)
        if version is not None and _has(version, row):
            _file(listings, spelling_of(row), Listing(row=_row(row), version=version))
    return listings


async def _find_at(database: Database, spelling: str, as_of: date) -> Lookup:
    async with database.reading() as connection:
        sanctions = await sanctions_lists(connection)
        rows = await connection.execute(newest_of_each(_V.effective_on <= as_of))
        versions = {row.source: version_from(row, sanctions) for row in rows}
        listings = await listings_in(connection, [spelling], versions)
    return Lookup(listings=listings.get(spelling, ()), versions=tuple(versions.values()))


def _has(version: ListVersion, row: AnyRow) -> bool:
    last: int | None = row.last_version
    return bool(row.first_version <= version.number and (last is None or version.number <= last))


async def _hold(database: Database, held: _Held | None) -> _Held:
    """Read the newest versions, unless those are held; again if one came while they were read."""
    async with database.reading() as connection:
        count = await _count(connection)
        while held is None or held.count != count:
            sanctions = await sanctions_lists(connection)
            rows = await connection.execute(newest_of_each())
            versions = {row.source: version_from(row, sanctions) for row in rows}
            listings: dict[str, tuple[Listing, ...]] = {}
            pool = _Pool()
            async for row in _current_rows(connection):
                if version := versions.get(row.source):
                    listing = Listing(row=_row(row, pool), version=version)
                    _file(listings, spelling_of(row), listing)
            named = await connection.scalars(select(func.jsonb_object_keys(_V.assets)))
            assets = frozenset(asset.upper() for asset in named)
            held = _Held(count, tuple(versions.values()), listings, assets)
            held = held if sanctions else _with_sample(held)
            count = await _count(connection)
    return held


def _with_sample(held: _Held) -> _Held:
    """Add the sample, which answers, and says so, until a sanctions list is imported."""
    listings = dict(held.listings)
    for listing in sample():
        _file(listings, canonicalize(listing.row.address), listing)
    return replace(
        held,
        versions=(*held.versions, *sample_versions()),
        listings=listings,
        assets=held.assets | {listing.row.asset for listing in sample()},
    )


def _file(listings: dict[str, tuple[Listing, ...]], spelling: str, listing: Listing) -> None:
    listings[spelling] = (*listings.get(spelling, ()), listing)


async def _current_rows(connection: AsyncConnection) -> AsyncIterator[AnyRow]:
    last_id = 0
    statement: AnySelect = (
        select(ListEntry.id, ListEntry.source, *_SPELLING, *_ROW)
        .where(ListEntry.last_version.is_(None))
        .order_by(ListEntry.id)
        .limit(_BATCH)
    )
    while rows := (await connection.execute(statement.where(ListEntry.id > last_id))).all():
        for row in rows:
            yield row
        last_id = rows[-1].id


async def _count(connection: AsyncConnection) -> int:
    return await connection.scalar(select(func.count()).select_from(_V)) or 0


def _row(row: AnyRow, pool: "_Pool | None" = None) -> ListedAddress:
    one = (pool or _Pool()).one
    return ListedAddress(
        address=row.address,
        asset=one(row.asset),
        category=one(row.category),
        label=one(row.label),
        reference=one(row.reference),
        noted_on=one(row.noted_on),
        facts=one(_facts(row)),
        confidence=row.confidence,
        is_mention=row.is_mention,
    )


def _facts(row: AnyRow) -> ListingFacts:
    facts = ListingFacts(
        aliases=tuple(row.aliases),
        party_type=PartyType(row.party_type) if row.party_type else None,
        list_uid=row.list_uid,
        programs=tuple(row.programs),
        listed_on=row.listed_on,
        source_url=row.source_url,
    )
    return facts if facts.count else NO_FACTS


class _Pool:
    """Keeps one of each value that many rows have, so that memory holds it once."""

    def __init__(self) -> None:
        self._values: dict[object, object] = {}

    def one(self, value: _T) -> _T:
        """Return the first value that was equal to this one."""
        return cast("_T", self._values.setdefault(value, value))
