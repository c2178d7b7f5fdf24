"""The versions of lists: which there are, which is the newest of each, and which are sanctions lists."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Final

from sqlalchemy import ColumnElement, func, literal_column, not_, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.lists.download import is_url
from app.lists.models import ImportedVersion, ListEntry
from app.lists.rules.listings import (
    ListVersion,
)
from app.lists.rules.risk import SANCTIONS
from app.lists.sample_list import sample
from app.runtime.db.base import AnyRow, AnySelect

# How the names of tag packs end, packed or not, in a path or in the query of a URL.
_TAG_PACK: Final = r"\.ya?ml(\.gz|\.zip)?([?#&]|$)"
_V = ImportedVersion
_VERSION: Final = (
    _V.source,
    _V.number,
    _V.issued,
    _V.effective_on,
    _V.sha256,
    _V.imported_at,
    _V.entries,
    _V.origin,
    _V.assets,
)


@dataclass(frozen=True)
class VersionFacts:
    """A version as an operator sees it: where it came from, and what it changed."""

    version: ListVersion
    origin: str
    etag: str | None
    added: int
    removed: int
    assets: dict[str, int]


async def newest(connection: AsyncConnection | AsyncSession, source: str) -> ListVersion | None:
    """Return the newest version of a source, if it has one."""
    row = (
        await connection.execute(
            select(*_VERSION).where(_V.source == source).order_by(_V.number.desc()).limit(1)
        )
    ).one_or_none()
    return version_from(row) if row else None


async def history(connection: AsyncConnection) -> list[VersionFacts]:
    """Return every version of every source, the newest of each first."""
    columns = (*_VERSION, _V.etag, _V.added, _V.removed)
    rows = await connection.execute(select(*columns).order_by(_V.source, _V.number.desc()))
    return [
        VersionFacts(version_from(row), row.origin, row.etag, row.added, row.removed, row.assets)
        for row in rows
    ]


async def in_force(connection: AsyncConnection) -> tuple[ListVersion, ...]:
    """Return the newest version of each source, and the sample where it still answers."""
    sanctions = await sanctions_lists(connection)
    rows = await connection.execute(newest_of_each())
    versions = tuple(version_from(row, sanctions) for row in rows)
    return versions if sanctions else (*versions, *sample_versions())


async def etag_of(connection: AsyncConnection, origin: str, reading: str) -> str | None:
    """Return what the server called a URL's file, if that is still a newest version, read so."""
    newest_versions = newest_of_each().add_columns(_V.reading, _V.etag).subquery()
    etag: str | None = await connection.scalar(
        select(newest_versions.c.etag).where(
            newest_versions.c.origin == origin, newest_versions.c.reading == reading
        )
    )
    return etag


async def ages(connection: AsyncConnection, now: datetime) -> dict[str, timedelta]:
    """Return by source how old its newest version is: since its own date, or its import."""
    rows = await connection.execute(newest_of_each())
    return {
        row.source: now - datetime.combine(row.effective_on, time.min, tzinfo=UTC) for row in rows
    }


async def versions_of(session: AsyncSession, source: str, *numbers: int) -> dict[int, ListVersion]:
    """Return versions of a source by their numbers, those that there are."""
    rows = await session.execute(
        select(*_VERSION).where(_V.source == source, _V.number.in_(numbers))
    )
    return {row.number: version_from(row) for row in rows}


async def newest_by(session: AsyncSession, moment: datetime) -> dict[str, ListVersion]:
    """Return by source the newest version that was imported by then."""
    rows = await session.execute(newest_of_each(_V.imported_at <= moment))
    return {row.source: version_from(row) for row in rows}


def newest_of_each(*criteria: ColumnElement[bool]) -> AnySelect:
    """Select the newest version of each source, of those that meet the criteria."""
    statement: AnySelect = select(*_VERSION).ext(distinct_on(_V.source))
    return statement.where(*criteria).order_by(_V.source, _V.number.desc())


def sample_versions() -> set[ListVersion]:
    return {listing.version for listing in sample()}


async def sanctions_lists(connection: AsyncConnection) -> frozenset[str]:
    """Return the sources that are sanctions lists: of sanctions alone, and no tag pack."""
    tag_pack = _V.origin.regexp_match(_TAG_PACK, "i")
    # One row is enough. EXISTS would let PostgreSQL read all such rows of all lists beforehand; and
    # with a parameter in the place of the word it could not use the index of these rows.
    other = (
        select(ListEntry.id)
        .where(
            ListEntry.source == _V.source,
            ListEntry.category != literal_column(f"'{SANCTIONS}'"),
        )
        .limit(1)
        .correlate(_V)
        .scalar_subquery()
    )
    statement = (
        select(_V.source).group_by(_V.source).having(not_(func.bool_or(tag_pack)), other.is_(None))
    )
    return frozenset(await connection.scalars(statement))


def version_from(row: AnyRow, sanctions: Collection[str] = ()) -> ListVersion:
    return ListVersion(
        source=row.source,
        number=row.number,
        issued=row.issued,
        effective_on=row.effective_on,
        sha256=row.sha256,
        imported_at=row.imported_at,
        entries=row.entries,
        url=row.origin if is_url(row.origin) else None,
        is_sanctions=row.source in sanctions,
        assets=frozenset(row.assets),
    )
