"""Lists with a memory: imported as versions, found as they are now and as they were on a day."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from app.db.engine import Database
from app.domain.listings import ListedAddress
from app.models import AuditLine, ListEntry
from app.providers.list_files import ListFile, ListUnreadable
from app.services.list_checks import check_assets, check_random
from app.services.list_imports import Import, Imported, import_list
from app.services.lists import POLL_SECONDS, Lists, changes, etag_of, history
from tests.support.clock import HandClock
from tests.support.people import ACTOR

NOW = datetime(2026, 1, 11, 12, 46, 3, tzinfo=UTC)
SPRING, SUMMER, AUTUMN = date(2025, 3, 1), date(2025, 7, 1), date(2025, 10, 1)
SATOSHI = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"
EVM = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
TRON = "TUCsTq7TofTCJRRoHk6RvhMoS2mJLm5Yzq"


def row(address: str, asset: str = "XBT", **more: Any) -> ListedAddress:  # noqa: ANN401
    return ListedAddress(address=address, asset=asset, category="sanctions", **more)


def numbered(count: int) -> list[ListedAddress]:
    return [row(f"address {number}") for number in range(count)]


async def load(
    database: Database,
    rows: Sequence[ListedAddress],
    *,
    issued: date | None = None,
    source: str = "a list",
    sha256: str | None = None,
    now: datetime = NOW,
    **asked: Any,  # noqa: ANN401
) -> Imported:
    """Import rows; a file of other rows has another hash."""
    name = sha256 or f"{abs(hash((source, tuple(rows)))):064x}"
    file = ListFile(source=source, issued=issued, sha256=name, entries=list(rows))
    return await import_list(
        database,
        Import(file=file, origin="a/path", **asked),
        max_shrink=Decimal("0.2"),
        actor=ACTOR,
        now=now,
    )


async def listed(finder: Lists, address: str, as_of: date | None = None) -> list[tuple[str, int]]:
    found = await finder.find(address, as_of)
    return [(one.row.address, one.version.number) for one in found.listings]


async def test_address_is_found_in_every_spelling_whatever_asset_it_is_filed_under(
    database: Database,
) -> None:
    noted = {"label": "DOE Jane", "reference": "uid 1", "noted_on": SPRING}
    await load(database, [row(TRON), row(EVM, "ETH", **noted)], issued=SUMMER)
    finder = Lists(database, HandClock(NOW))
    assert await listed(finder, f" {TRON}\n") == [(TRON, 1)]
    (found,) = (await finder.find(EVM.lower())).listings
    assert found.row == row(EVM, "ETH", **noted)
    assert (found.version.source, found.version.issued) == ("a list", SUMMER)
    assert (await finder.find(SATOSHI)).listings == ()


async def test_day_is_answered_by_the_version_that_was_in_force_on_it(database: Database) -> None:
    await load(database, [row(SATOSHI), row(EVM, "ETH")], issued=SPRING)
    await load(database, [row(SATOSHI), row(TRON)], issued=SUMMER)
    await load(database, [row(SATOSHI), row(TRON), row(EVM, "ETH")], issued=AUTUMN)
    finder = Lists(database, HandClock(NOW))
    days = {
        date(2025, 2, 28): ([], [], []),
        SPRING: ([1], [1], []),
        date(2025, 6, 30): ([1], [1], []),
        SUMMER: ([2], [], [2]),
        AUTUMN: ([3], [3], [3]),
        date(2030, 1, 1): ([3], [3], [3]),
    }
    for day, wanted in days.items():
        found = [await listed(finder, address, day) for address in (SATOSHI, EVM, TRON)]
        assert tuple([number for _, number in one] for one in found) == wanted, day
    assert [await listed(finder, address) for address in (SATOSHI, EVM, TRON)] == [
        [(SATOSHI, 3)],
        [(EVM, 3)],
        [(TRON, 3)],
    ]


async def test_answer_names_every_version_that_was_asked_and_no_other(database: Database) -> None:
    await load(database, [row(SATOSHI)], issued=SPRING, source="first")
    await load(database, [row(SATOSHI), row(TRON)], issued=AUTUMN, source="first")
    await load(database, [row(SATOSHI)], issued=SUMMER, source="second")
    finder = Lists(database, HandClock(NOW))

    async def asked(day: date | None) -> set[tuple[str, int]]:
        lookup = await finder.find(SATOSHI, day)
        versions = {(one.source, one.number) for one in lookup.versions}
        assert {(one.version.source, one.version.number) for one in lookup.listings} == versions
        return versions

    assert await asked(None) == {("first", 2), ("second", 1)}
    assert await asked(SUMMER) == {("first", 1), ("second", 1)}
    assert await asked(SPRING) == {("first", 1)}
    assert await asked(date(2020, 1, 1)) == set()


async def test_list_without_a_date_is_in_force_from_the_day_of_its_import(
    database: Database,
) -> None:
    imported = await load(database, [row(SATOSHI)])
    assert (imported.version.issued, imported.version.effective_on) == (None, NOW.date())
    finder = Lists(database, HandClock(NOW))
    assert await listed(finder, SATOSHI, NOW.date()) == [(SATOSHI, 1)]
    assert await listed(finder, SATOSHI, date(2026, 1, 10)) == []


async def test_versions_that_differ_little_take_little_room(database: Database) -> None:
    rows = numbered(1000)
    for number in range(20):
        await load(database, [*rows, row(f"new {number}")], issued=date(2025, 1, 1 + number))
    async with database.reading() as connection:
        kept = await connection.scalar(select(func.count()).select_from(ListEntry))
        facts = await history(connection)
    assert kept == 1020
    assert [(one.version.number, one.added, one.removed) for one in facts] == [
        *((number, 1, 1) for number in range(20, 1, -1)),
        (1, 1001, 0),
    ]


async def test_same_content_again_makes_no_version(database: Database) -> None:
    first = await load(database, [row(SATOSHI)], issued=SUMMER)
    again = await load(database, [row(SATOSHI)], issued=SUMMER)
    assert (first.is_new, again.is_new) == (True, False)
    assert again.version == first.version
    async with database.reading() as connection:
        assert len(await history(connection)) == 1
        lines = await connection.execute(select(AuditLine.action, AuditLine.subject))
        assert lines.all() == [("list.import", "a list")]


@pytest.mark.parametrize(("left", "is_taken"), [(100, True), (80, True), (79, False), (1, False)])
async def test_list_that_shrinks_too_much_is_refused_unless_confirmed(
    database: Database, left: int, is_taken: bool
) -> None:
    await load(database, numbered(100), issued=SPRING)
    rows = [row(f"other {number}") for number in range(left)]
    if is_taken:
        assert (await load(database, rows, issued=SUMMER)).removed == 100
        return
    with pytest.raises(ListUnreadable, match=rf"has {left} rows, and version 1 .* has 100"):
        await load(database, rows, issued=SUMMER)
    finder = Lists(database, HandClock(NOW))
    assert len((await finder.find("address 99")).listings) == 1
    confirmed = await load(database, rows, issued=SUMMER, confirm_shrink=True)
    assert (confirmed.version.number, confirmed.removed) == (2, 100)


async def test_date_of_issue_does_not_go_back_even_when_a_loss_is_confirmed(
    database: Database,
) -> None:
    await load(database, numbered(10), issued=SUMMER)
    with pytest.raises(ListUnreadable, match=r"dated 2025-03-01, .* dates must not go back"):
        await load(database, numbered(9), issued=SPRING, confirm_shrink=True)
    assert (await load(database, numbered(9), issued=SUMMER)).version.number == 2


async def test_list_from_the_future_or_without_an_address_is_refused(database: Database) -> None:
    with pytest.raises(ListUnreadable, match="in the future"):
        await load(database, numbered(1), issued=date(2026, 1, 13))
    with pytest.raises(ListUnreadable, match="holds no address"):
        await load(database, [])
    await load(database, numbered(1), issued=date(2026, 1, 12))


async def test_import_reports_assets_that_nobody_checks_and_rows_that_are_misfiled(
    database: Database,
) -> None:
    rows = [row(SATOSHI), row(TRON), row("nc-1", "NEWCOIN"), row("nc-2", "NEWCOIN"), row(SATOSHI)]
    imported = await load(database, rows)
    assert imported.assets == {"NEWCOIN": 2, "XBT": 2}
    assert imported.unknown_assets == {"NEWCOIN": 2}
    assert imported.misfiled == (row(TRON),)
    assert imported.version.entries == imported.added == 4


async def test_row_that_changes_ends_and_begins_again(database: Database) -> None:
    await load(database, [row(SATOSHI, label="DOE"), row(TRON)], issued=SPRING)
    await load(database, [row(SATOSHI, label="ROE"), row(TRON)], issued=SUMMER)
    finder = Lists(database, HandClock(NOW))
    for day, label in ((SPRING, "DOE"), (SUMMER, "ROE"), (None, "ROE")):
        (found,) = (await finder.find(SATOSHI, day)).listings
        assert found.row.label == label
    async with database.reading() as connection:
        assert await changes(connection, "a list", 2) == (
            [row(SATOSHI, label="ROE")],
            [row(SATOSHI, label="DOE")],
        )


async def test_process_notices_a_new_version_within_ten_seconds_and_asks_no_more_often(
    database: Database,
) -> None:
    clock = HandClock(NOW)
    finder = Lists(database, clock)
    assert await listed(finder, SATOSHI) == []
    await load(database, [row(SATOSHI)], issued=SPRING)
    assert await listed(finder, SATOSHI) == []
    clock.advance(POLL_SECONDS - 0.1)
    assert await listed(finder, SATOSHI) == []
    clock.advance(0.1)
    assert await listed(finder, SATOSHI) == [(SATOSHI, 1)]
    await load(database, [row(TRON)], issued=SUMMER)
    clock.advance(POLL_SECONDS)
    assert await listed(finder, SATOSHI) == []
    assert await listed(finder, TRON) == [(TRON, 2)]


async def test_etag_is_that_of_the_newest_version_only(database: Database) -> None:
    await load(database, [row(SATOSHI)], issued=SPRING, etag='"v1"')
    async with database.reading() as connection:
        assert await etag_of(connection, "a/path") == '"v1"'
        assert await etag_of(connection, "another") is None
    await load(database, [row(SATOSHI), row(TRON)], issued=SUMMER)
    async with database.reading() as connection:
        assert await etag_of(connection, "a/path") is None


async def test_imports_take_turns_and_the_second_finds_what_the_first_made(
    committed_database: Database,
) -> None:
    imported = await asyncio.gather(
        *(load(committed_database, [row(SATOSHI), row(TRON)], issued=SPRING) for _ in range(4)),
        *(load(committed_database, [row(EVM, "ETH")], source=f"list {n}") for n in range(4)),
    )
    assert sorted(one.is_new for one in imported[:4]) == [False, False, False, True]
    assert {one.version.number for one in imported} == {1}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE list_versions SET sha256 = repeat('0', 64)",
        "DELETE FROM list_versions",
        "DELETE FROM list_entries",
        "TRUNCATE list_entries",
        "UPDATE list_entries SET address = 'another' WHERE last_version IS NULL",
        "UPDATE list_entries SET last_version = 1, label = 'x' WHERE last_version IS NULL",
        "UPDATE list_entries SET last_version = NULL WHERE last_version = 1",
        "UPDATE list_entries SET last_version = 2 WHERE last_version = 1",
    ],
)
async def test_database_lets_nobody_rewrite_what_a_list_said(
    database: Database, statement: str
) -> None:
    await load(database, [row(SATOSHI), row(EVM, "ETH")], issued=SPRING)
    await load(database, [row(SATOSHI), row(TRON)], issued=SUMMER)
    with pytest.raises(IntegrityError, match=r"can only|append-only"):
        async with database.sessions() as session, session.begin():
            await session.execute(text(statement))


async def test_check_counts_what_is_found_dropped_and_misfiled(database: Database) -> None:
    await load(database, [row(SATOSHI), row(TRON), row(EVM, "ETH")], issued=SPRING)
    await load(database, [row(SATOSHI), row(TRON), row("nc", "NEWCOIN")], issued=SUMMER)
    finder = Lists(database, HandClock(NOW))
    checks = {one.asset: one for one in await check_assets(database, finder, None)}
    assert set(checks) == {"ETH", "NEWCOIN", "XBT"}
    xbt, eth = checks["XBT"], checks["ETH"]
    assert (xbt.listed, xbt.found, xbt.refused, xbt.elsewhere) == (2, 2, 1, 1)
    assert (eth.listed, eth.dropped, eth.dropped_found, eth.dropped_found_then) == (0, 1, 0, 1)
    assert all(one.is_right for one in checks.values())
    then = {one.asset: one for one in await check_assets(database, finder, SPRING)}
    assert (then["ETH"].number, then["ETH"].found, then["ETH"].dropped) == (1, 1, 0)
    assert not any(one.false_hits for one in await check_random(finder, 5))


async def test_check_tells_when_memory_and_list_differ(database: Database) -> None:
    await load(database, [row(SATOSHI)], issued=SPRING)
    finder = Lists(database, HandClock(NOW))
    await finder.find(SATOSHI)
    await load(database, [row(SATOSHI), row(TRON)], issued=SUMMER)
    fresh = Lists(database, HandClock(NOW))

    class Stale:
        async def find(self, address: str, as_of: date | None = None) -> Any:  # noqa: ANN401
            return await (finder if address else fresh).find(address, as_of)

    (check,) = await check_assets(database, Stale(), None)
    assert (check.listed, check.found, check.is_right) == (2, 1, False)
