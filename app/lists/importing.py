"""Importing a list: a file becomes the next version of its source, or is refused.

Imports take turns, behind a lock of the table, so that versions of all sources appear in the
order of their commits and a process that counts them misses none.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from itertools import islice
from typing import Any, Final, TypeVar

from sqlalchemy import insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.addresses import SUPPORTED, AddressForm, check_address
from app.addresses.spelling import SPELLING_RULES, canonicalize
from app.ledger import audit_log
from app.ledger.actors import Actor
from app.lists import versions
from app.lists.models import ImportedVersion, ListEntry
from app.lists.parsers.files import ListFile, ListUnreadable
from app.lists.rules.list_texts import can_be_asked
from app.lists.rules.listings import NO_FACTS, ListedAddress, ListVersion, is_in_future
from app.lists.rules.risk import SANCTIONS
from app.lists.selfcheck import is_askable
from app.runtime.db.engine import Database

_BATCH: Final = 2000
# Real lists have a few rows under the wrong asset; another file has nearly all.
_MISFILED_SHARE: Final = Decimal("0.2")
_MANY: Final = 3  # fewer rows than this say nothing about a list
_SHOWN: Final = 60  # characters of a row in a message
_SHOWN_TEXTS: Final = 5

_T = TypeVar("_T")


@dataclass(frozen=True, kw_only=True)
class Import:
    """What an operator asks for: a file that was read, and what he says of it.

    `origin` is the path or URL as it is kept, `etag` what the server called the file. `source`
    and `issued`, where given, stand in the place of what the file says. What he confirms is that
    many rows are gone, replaced or misfiled, or that texts were not understood.
    """

    file: ListFile
    origin: str
    etag: str | None = None
    source: str | None = None
    issued: date | None = None
    confirm_shrink: bool = False
    confirm_churn: bool = False
    confirm_misfiled: bool = False
    confirm_unread: bool = False


@dataclass(frozen=True, kw_only=True)
class Imported:
    """What became of an import. `is_new` is false when the newest version has the same content.

    `assets` counts addresses by the asset that they are filed under; of those in `unknown_assets`
    no address is checked. `misfiled` are rows that are no address of their asset, `unaskable`
    those rows of sanctions that no question can hit.
    """

    version: ListVersion
    is_new: bool
    added: int
    removed: int
    assets: dict[str, int]
    unknown_assets: dict[str, int]
    misfiled: tuple[ListedAddress, ...]
    unaskable: tuple[ListedAddress, ...]


async def import_list(
    database: Database, asked: Import, *, max_shrink: Decimal, actor: Actor, now: datetime
) -> Imported:
    """Keep a file as the next version of its source, in one transaction.

    Raises ListUnreadable for a list without an address, one that is dated before the newest
    version or in the future; and, unless it was confirmed, for one that has lost more than
    `max_shrink` (a share, from 0 to 1) of its addresses, or has others in their place, one of which
    many rows are misfiled, and one with texts that were not understood.
    """
    rows = {_digest(entry): entry for entry in asked.file.entries}
    if not rows:
        raise ListUnreadable(asked.origin, "it holds no address")
    misfiled = tuple(entry for entry in rows.values() if _is_misfiled(entry))
    assets = _count_assets(rows.values())
    new = _first_version(asked, len(rows), now)
    _refuse_unread(asked)
    _refuse_misfiled(asked, misfiled, len(rows))
    async with database.sessions() as session, session.begin():
        await _lock_imports(session)
        newest = await versions.newest(session, new.source)
        is_new = newest is None or not await _is_same(session, newest, asked.file)
        added = removed = 0
        if newest is not None and is_new:
            _refuse_older(asked, newest, new.effective_on)
            known = await _known_spellings(session, new.source)
            _refuse_changed(asked, newest, known, _spellings(rows.values()), max_shrink)
            new = replace(new, number=newest.number + 1)
        if newest is None or is_new:
            newest = new
            added, removed = await _keep(session, new, asked, rows, assets)
            await audit_log.record(
                session, actor=actor, action="list.import", subject=new.source, at=now
            )
    return Imported(
        version=newest,
        is_new=is_new,
        added=added,
        removed=removed,
        assets=assets,
        unknown_assets={name: n for name, n in assets.items() if name not in SUPPORTED},
        misfiled=misfiled,
        unaskable=_unaskable(rows.values(), misfiled, assets),
    )


def _first_version(asked: Import, entries: int, now: datetime) -> ListVersion:
    """Return what a file is if nothing came before it. Raises ListUnreadable."""
    issued = asked.issued or asked.file.issued
    effective_on = issued or now.date()
    if is_in_future(effective_on, now.date()):  # it would keep every right one out
        raise ListUnreadable(asked.origin, f"it is dated {effective_on}, which is in the future")
    return ListVersion(
        source=asked.source or asked.file.source,
        number=1,
        issued=issued,
        effective_on=effective_on,
        sha256=asked.file.sha256,
        imported_at=now,
        entries=entries,
    )


async def _lock_imports(session: AsyncSession) -> None:
    """Wait for an import that is at work; a long list takes its time."""
    await session.execute(text("SET LOCAL lock_timeout = '60s'"))
    await session.execute(text("LOCK TABLE list_versions IN SHARE ROW EXCLUSIVE MODE"))


async def _is_same(session: AsyncSession, newest: ListVersion, file: ListFile) -> bool:
    """Say whether a version was made of the same file, read in the same way."""
    reading = await session.scalar(
        select(ImportedVersion.reading).where(
            ImportedVersion.source == newest.source, ImportedVersion.number == newest.number
        )
    )
    return newest.sha256 == file.sha256 and reading == file.reading


def _refuse_older(asked: Import, newest: ListVersion, effective_on: date) -> None:
    if effective_on < newest.effective_on:
        raise ListUnreadable(
            asked.origin,
            f"it is dated {effective_on}, but version {newest.number} of {newest.source!r} is of"
            f" {newest.effective_on}: dates must not go back",
        )


def _refuse_changed(
    asked: Import, newest: ListVersion, known: set[str], new: set[str], max_shrink: Decimal
) -> None:
    """Refuse a list of which too many addresses are gone, whether or not others came."""
    most, gone = max_shrink * len(known), len(known - new)
    lost = max(0, len(known) - len(new))
    replaced = gone - lost
    is_churn = replaced > most or (gone > most and not asked.confirm_shrink)
    version = f"version {newest.number} of {newest.source!r}"
    if lost > most and not asked.confirm_shrink:
        reason = f"it has {len(new)} addresses, and {version} has {len(known)}"
        flag = "--confirm-shrink"
    elif is_churn and replaced >= _MANY and not asked.confirm_churn:
        reason = f"it lacks {gone} of the {len(known)} addresses of {version}, and has others"
        flag = "--confirm-churn"
    else:
        return
    raise ListUnreadable(asked.origin, f"{reason}: if that is right, import it with {flag}")


def _refuse_misfiled(asked: Import, misfiled: Sequence[ListedAddress], rows: int) -> None:
    """Refuse a list of which many rows are no address of their asset: it may be something else."""
    count = len(misfiled)
    if asked.confirm_misfiled or count < _MANY or count <= rows * _MISFILED_SHARE:
        return
    first = misfiled[0]
    line = asked.file.lines.get(first.address)
    where = f" in line {line}" if line else ""
    raise ListUnreadable(
        asked.origin,
        f"{count} of {rows} rows are no address of their asset, as {first.address[:_SHOWN]!r} under"
        f" {first.asset}{where}: if that is right, import it with --confirm-misfiled",
    )


def _refuse_unread(asked: Import) -> None:
    if asked.file.unread and not asked.confirm_unread:
        texts = "; ".join(repr(text) for text in asked.file.unread[:_SHOWN_TEXTS])
        raise ListUnreadable(
            asked.origin,
            f"it speaks of digital currency in a way that is not understood: {texts}; to import the"
            " rest, use --confirm-unread",
        )


async def _known_spellings(session: AsyncSession, source: str) -> set[str]:
    """Return the spellings of the newest version, as they are made today."""
    addresses = await session.scalars(
        select(ListEntry.address).where(
            ListEntry.source == source, ListEntry.last_version.is_(None)
        )
    )
    return {canonicalize(address) for address in addresses}


def _spellings(entries: Iterable[ListedAddress]) -> set[str]:
    return {canonicalize(entry.address) for entry in entries}


async def _keep(
    session: AsyncSession,
    version: ListVersion,
    asked: Import,
    rows: dict[bytes, ListedAddress],
    assets: dict[str, int],
) -> tuple[int, int]:
    """Write a version, and what it adds and ends; return how many rows those are."""
    known = {
        digest: entry_id
        for entry_id, digest in await session.execute(
            select(ListEntry.id, ListEntry.digest).where(
                ListEntry.source == version.source, ListEntry.last_version.is_(None)
            )
        )
    }
    added = [(digest, entry) for digest, entry in rows.items() if digest not in known]
    ended = [entry_id for digest, entry_id in known.items() if digest not in rows]
    await session.execute(
        insert(ImportedVersion).values(
            source=version.source,
            number=version.number,
            issued=version.issued,
            effective_on=version.effective_on,
            sha256=version.sha256,
            origin=asked.origin,
            etag=asked.etag,
            imported_at=version.imported_at,
            entries=version.entries,
            added=len(added),
            removed=len(ended),
            assets=assets,
            reading=asked.file.reading,
        )
    )
    for ids in _batches(ended):
        await session.execute(
            update(ListEntry)
            .where(ListEntry.id.in_(ids))
            .values(last_version=version.number - 1)
            .execution_options(synchronize_session=False)
        )
    for batch in _batches(added):
        values = [_values(version, digest, entry) for digest, entry in batch]
        await session.execute(insert(ListEntry), values)
    return len(added), len(ended)


def _values(version: ListVersion, digest: bytes, entry: ListedAddress) -> dict[str, Any]:
    return {
        "source": version.source,
        "first_version": version.number,
        "spelling": canonicalize(entry.address),
        "spelling_rules": SPELLING_RULES,
        "address": entry.address,
        "asset": entry.asset,
        "category": entry.category,
        "label": entry.label,
        "reference": entry.reference,
        "noted_on": entry.noted_on,
        "digest": digest,
        "aliases": list(entry.facts.aliases),
        "party_type": entry.facts.party_type,
        "list_uid": entry.facts.list_uid,
        "programs": list(entry.facts.programs),
        "listed_on": entry.facts.listed_on,
        "source_url": entry.facts.source_url,
        "confidence": entry.confidence,
        "is_mention": entry.is_mention,
    }


def _digest(entry: ListedAddress) -> bytes:
    """Return what two rows share if and only if they say the same."""
    noted_on = entry.noted_on.isoformat() if entry.noted_on else ""
    parts = [entry.address, entry.asset, entry.category, entry.label, entry.reference, noted_on]
    if (entry.facts, entry.confidence, entry.is_mention) != (NO_FACTS, None, False):
        parts.append(_facts_text(entry))
    return hashlib.sha256("\0".join(parts).encode()).digest()


def _facts_text(entry: ListedAddress) -> str:
    facts = entry.facts
    return json.dumps(
        [
            *(facts.aliases, facts.party_type, facts.list_uid, facts.programs),
            *(facts.listed_on and facts.listed_on.isoformat(), facts.source_url),
            *(entry.confidence, entry.is_mention),
        ]
    )


def _count_assets(entries: Iterable[ListedAddress]) -> dict[str, int]:
    pairs = {(entry.asset, canonicalize(entry.address)) for entry in entries}
    return dict(sorted(Counter(asset for asset, _ in pairs).items()))


def _unaskable(
    rows: Iterable[ListedAddress], misfiled: Iterable[ListedAddress], assets: Iterable[str]
) -> tuple[ListedAddress, ...]:
    """Return the rows of sanctions that no question can hit."""
    odd = dict.fromkeys((*misfiled, *(row for row in rows if not can_be_asked(row.address))))
    return tuple(
        row for row in odd if row.category == SANCTIONS and not is_askable(row.address, assets)
    )


def _is_misfiled(entry: ListedAddress) -> bool:
    return check_address(entry.asset, entry.address) is AddressForm.INVALID


def _batches(items: Sequence[_T]) -> Iterator[list[_T]]:
    rest = iter(items)
    while batch := list(islice(rest, _BATCH)):
        yield batch
