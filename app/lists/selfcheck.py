"""Checking that the lists are found: every address of a version, none that it dropped, no other.

What is looked for is read from the database row by row, as it was published, and asked for as a
question would be: what no currency takes as an address counts as not to be found, although a row
that is looked up by its own text always finds itself. What finds it is the same that answers
assessments.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from random import Random
from typing import Final

from sqlalchemy import func, select

from app.addresses import (
    SUPPORTED,
    AddressForm,
    check_address,
    currencies_of,
    is_of_test_network,
)
from app.addresses.samples import SAMPLES
from app.addresses.spelling import canonicalize
from app.lists.models import ImportedVersion, ListEntry
from app.lists.rules.list_texts import can_be_asked
from app.lists.rules.listings import ListFinder, ListVersion, is_in_future
from app.lists.rules.risk import SANCTIONS
from app.runtime.db.engine import Database

_SHOWN: Final = 20  # addresses that cannot be asked for, of one asset
_SEED: Final = 20  # the same addresses each time, so that a hit can be looked at


@dataclass(frozen=True, kw_only=True)
class AssetCheck:
    """Of one asset of one version: how many addresses it lists, and how many are found.

    `refused` are listed addresses that are none of the asset's, so that nobody can ask about them
    as such; `elsewhere` of those belong to another currency, and are found as that. `unaskable`
    are listed addresses of sanctions that no question can name. `dropped` are
    addresses that an earlier version had, and this one lists under no asset: `dropped_found` of
    them are found all the same, which must be 0, and `dropped_found_then`, on the day of the last
    version that had them, which must be all.
    """

    source: str
    number: int
    asset: str
    listed: int
    found: int
    refused: int
    elsewhere: int
    unaskable: list[str]
    dropped: int
    dropped_found: int
    dropped_found_then: int

    @property
    def is_right(self) -> bool:
        """Say whether everything is as it must be."""
        return (
            self.found == self.listed
            and not self.unaskable
            and self.dropped_found == 0
            and self.dropped_found_then == self.dropped
        )


@dataclass(frozen=True, kw_only=True)
class RandomCheck:
    """Of one kind of address: how many random ones were looked up, and how many were found."""

    currency: str
    kind: str
    looked_up: int
    false_hits: int


def is_askable(address: str, assets: Iterable[str]) -> bool:
    """Say whether a question about this very text is taken, under one of the assets or any coin."""
    return can_be_asked(address) and any(
        check_address(currency, address) is not AddressForm.INVALID
        and not is_of_test_network(currency, address)
        for currency in (*assets, *SUPPORTED)
    )


async def check_assets(
    database: Database, finder: ListFinder, as_of: date | None
) -> list[AssetCheck]:
    """Look up every address of the newest versions, or of those in force on a day."""
    versions = (await finder.find("", as_of)).versions
    return [
        check
        for version in versions
        for check in await _check_version(database, finder, version, as_of)
    ]


async def dated_in_future(finder: ListFinder, today: date) -> dict[str, date]:
    """Return by source the dates of the newest versions that are dated in the future."""
    return {
        version.source: version.effective_on
        for version in await finder.versions()
        if not version.is_sample and is_in_future(version.effective_on, today)
    }


async def check_random(finder: ListFinder, each: int) -> list[RandomCheck]:
    """Look up so many random addresses of every kind in the newest versions."""
    random, checks = Random(_SEED), []  # noqa: S311  they protect nothing
    for (currency, kind), sample in SAMPLES.items():
        hits = 0
        for _ in range(each):
            hits += bool((await finder.find(sample(random))).listings)
        checks.append(RandomCheck(currency=currency, kind=kind, looked_up=each, false_hits=hits))
    return checks


async def _check_version(
    database: Database, finder: ListFinder, version: ListVersion, as_of: date | None
) -> list[AssetCheck]:
    listed, sanctioned, dropped = await _rows(database, version)
    source, checks = version.source, []
    for asset in sorted({*listed, *dropped}):
        addresses, gone = listed.get(asset, set()), dropped.get(asset, {})
        refused = [
            address for address in addresses if check_address(asset, address) is AddressForm.INVALID
        ]
        checks.append(
            AssetCheck(
                source=source,
                number=version.number,
                asset=asset,
                listed=len(addresses),
                found=await _count_found(finder, source, dict.fromkeys(addresses, as_of)),
                refused=len(refused),
                elsewhere=sum(bool(currencies_of(address)) for address in refused),
                unaskable=_unaskable(sanctioned.get(asset, set()), (asset, *listed)),
                dropped=len(gone),
                dropped_found=await _count_found(finder, source, dict.fromkeys(gone, as_of)),
                dropped_found_then=await _count_found(finder, source, gone),
            )
        )
    return checks


def _unaskable(addresses: Iterable[str], assets: Sequence[str]) -> list[str]:
    return sorted(address for address in addresses if not is_askable(address, assets))[:_SHOWN]


async def _count_found(
    finder: ListFinder, source: str, addresses: Mapping[str, date | None]
) -> int:
    """Count the addresses that are found in a source, each on its day or now."""
    found = 0
    for address, day in addresses.items():
        lookup = await finder.find(address, day)
        found += any(listing.version.source == source for listing in lookup.listings)
    return found


async def _rows(
    database: Database, version: ListVersion
) -> tuple[dict[str, set[str]], dict[str, set[str]], dict[str, dict[str, date | None]]]:
    """Return by asset what a version lists, what of that is sanctioned, and what it dropped.

    What was dropped has the day on which it last stood there.

    A version that another one replaced on its own day was in force on none, and is left out.
    """
    async with database.reading() as connection:
        days = await connection.execute(
            select(ImportedVersion.effective_on, func.max(ImportedVersion.number))
            .where(ImportedVersion.source == version.source)
            .group_by(ImportedVersion.effective_on)
        )
        in_force = {number: day for day, number in days}
        rows = (
            await connection.execute(
                select(
                    ListEntry.address,
                    ListEntry.asset,
                    ListEntry.last_version,
                    ListEntry.category,
                ).where(
                    ListEntry.source == version.source,
                    ListEntry.first_version <= version.number,
                )
            )
        ).all()
    listed: dict[str, set[str]] = {}
    sanctioned: dict[str, set[str]] = {}
    for address, asset, last, category in rows:
        if last is None or last >= version.number:
            listed.setdefault(asset, set()).add(address)
            if category == SANCTIONS:
                sanctioned.setdefault(asset, set()).add(address)
    spellings = _spellings(address for addresses in listed.values() for address in addresses)
    dropped: dict[str, dict[str, date | None]] = {}
    for address, asset, last, _ in rows:
        if last in in_force and last < version.number and canonicalize(address) not in spellings:
            dropped.setdefault(asset, {})[address] = in_force[last]
    return listed, sanctioned, dropped


def _spellings(addresses: Iterable[str]) -> set[str]:
    return {canonicalize(address) for address in addresses}
