"""Lists with a memory: imported as versions, found as they are now and as they were on a day."""

import asyncio
from datetime import date
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError
from typing_extensions import override

from app.addresses import encode_base58check
from app.addresses.spelling import SPELLING_RULES
from app.ledger.models import AuditLine
from app.lists import importing
from app.lists.lookup import POLL_SECONDS, Lists, changes
from app.lists.models import ListEntry
from app.lists.parsers.files import READING, ListUnreadable
from app.lists.rules.listings import ListedAddress, ListingFacts, Lookup, PartyType
from app.lists.selfcheck import check_assets, check_random
from app.lists.versions import etag_of, history
from app.runtime.db.engine import Database
from tests.support.clock import HandClock
from tests.support.lists import NOW, import_rows, listed

SPRING, SUMMER, AUTUMN = date(2025, 3, 1), date(2025, 7, 1), date(2025, 10, 1)
SATOSHI = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"
EVM = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
SAMPLED = "149w62rY42aZBox8fGcmqNsXUzSStKeq8C"
TRON = "TUCsTq7TofTCJRRoHk6RvhMoS2mJLm5Yzq"


def numbered(count: int) -> list[ListedAddress]:
    return [listed(one) for one in addresses_of(count)]


def addresses_of(count: int, version: int = 0) -> list[str]:
    """Return so many addresses of bitcoin: of two versions, no two are the same."""
    return [
        encode_base58check(b"\0", version.to_bytes(4) + number.to_bytes(16))
        for number in range(count)
    ]


async def found_in(finder: Lists, address: str, as_of: date | None = None) -> list[tuple[str, int]]:
    found = await finder.find(address, as_of)
    return [(one.row.address, one.version.number) for one in found.listings]


async def test_address_is_found_in_every_spelling_whatever_asset_it_is_filed_under(
    database: Database,
) -> None:
    facts = ListingFacts(
        aliases=("ROE, Jane", "颜"),
        party_type=PartyType.INDIVIDUAL,
        list_uid="1",
        programs=("CYBER2",),
        listed_on=SPRING,
        source_url="https://lists.example/1",
    )
    noted = {
        **{"label": "DOE Jane", "reference": "uid 1", "noted_on": SPRING, "facts": facts},
        **{"confidence": 60, "is_mention": True},
    }
    await import_rows(database, [listed(TRON), listed(EVM, "ETH", **noted)], issued=SUMMER)
    finder = Lists(database, HandClock(NOW))
    assert await found_in(finder, f" {TRON}\n") == [(TRON, 1)]
    (found,) = (await finder.find(EVM.lower())).listings
    assert found.row == listed(EVM, "ETH", **noted)
    assert (found.version.source, found.version.issued) == ("a list", SUMMER)
    (then,) = (await finder.find(EVM.lower(), SUMMER)).listings
    assert then == found
    assert (await finder.find(SATOSHI)).listings == ()


async def test_day_is_answered_by_the_version_that_was_in_force_on_it(database: Database) -> None:
    await import_rows(database, [listed(SATOSHI), listed(EVM, "ETH")], issued=SPRING)
    await import_rows(database, [listed(SATOSHI), listed(TRON)], issued=SUMMER)
    await import_rows(database, [listed(SATOSHI), listed(TRON), listed(EVM, "ETH")], issued=AUTUMN)
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
        found = [await found_in(finder, address, day) for address in (SATOSHI, EVM, TRON)]
        assert tuple([number for _, number in one] for one in found) == wanted, day
    assert [await found_in(finder, address) for address in (SATOSHI, EVM, TRON)] == [
        [(SATOSHI, 3)],
        [(EVM, 3)],
        [(TRON, 3)],
    ]


async def test_answer_names_every_version_that_was_asked_and_no_other(database: Database) -> None:
    await import_rows(database, [listed(SATOSHI)], issued=SPRING, source="first")
    await import_rows(database, [listed(SATOSHI), listed(TRON)], issued=AUTUMN, source="first")
    await import_rows(database, [listed(SATOSHI)], issued=SUMMER, source="second")
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
    imported = await import_rows(database, [listed(SATOSHI)])
    assert (imported.version.issued, imported.version.effective_on) == (None, NOW.date())
    finder = Lists(database, HandClock(NOW))
    assert await found_in(finder, SATOSHI, NOW.date()) == [(SATOSHI, 1)]
    assert await found_in(finder, SATOSHI, date(2026, 1, 10)) == []


async def test_versions_that_differ_little_take_little_room(database: Database) -> None:
    rows = numbered(1000)
    for number in range(20):
        await import_rows(
            database,
            [*rows, listed(addresses_of(1, number + 1)[0])],
            issued=date(2025, 1, 1 + number),
        )
    async with database.reading() as connection:
        kept = await connection.scalar(select(func.count()).select_from(ListEntry))
        facts = await history(connection)
    assert kept == 1020
    assert [(one.version.number, one.added, one.removed) for one in facts] == [
        *((number, 1, 1) for number in range(20, 1, -1)),
        (1, 1001, 0),
    ]


async def test_same_content_again_makes_no_version(database: Database) -> None:
    first = await import_rows(database, [listed(SATOSHI)], issued=SUMMER)
    again = await import_rows(database, [listed(SATOSHI)], issued=SUMMER)
    assert (first.is_new, again.is_new) == (True, False)
    assert again.version == first.version
    async with database.reading() as connection:
        assert len(await history(connection)) == 1
        lines = await connection.execute(select(AuditLine.action, AuditLine.subject))
        assert lines.all() == [("list.import", "a list")]


async def test_same_content_that_an_earlier_program_read_otherwise_is_read_again(
    database: Database,
) -> None:
    await import_rows(database, [listed(SATOSHI)], issued=SUMMER, sha256="a" * 64, reading="1")
    rows = [listed(SATOSHI, facts=ListingFacts(list_uid="1"))]
    again = await import_rows(database, rows, issued=SUMMER, sha256="a" * 64, etag='"v1"')
    assert (again.is_new, again.version.number) == (True, 2)
    async with database.reading() as connection:
        assert await etag_of(connection, "a/path", READING) == '"v1"'
        assert await etag_of(connection, "a/path", "1") is None


async def test_list_from_a_url_is_its_own_source_where_a_row_names_none(
    database: Database,
) -> None:
    rows = [listed(SATOSHI), listed(TRON, facts=ListingFacts(source_url="https://a.example/1"))]
    await import_rows(database, rows, origin="https://lists.example/a.txt")
    finder = Lists(database, HandClock(NOW))
    urls = [(await finder.find(one)).listings[0].source_url for one in (SATOSHI, TRON)]
    assert urls == ["https://lists.example/a.txt", "https://a.example/1"]


@pytest.mark.parametrize(("left", "is_taken"), [(100, True), (80, True), (79, False), (1, False)])
async def test_list_that_shrinks_too_much_is_refused_unless_confirmed(
    database: Database, left: int, is_taken: bool
) -> None:
    await import_rows(database, numbered(100), issued=SPRING)
    rows = numbered(left)
    if is_taken:
        assert (await import_rows(database, rows, issued=SUMMER)).removed == 100 - left
        return
    with pytest.raises(ListUnreadable, match=rf"has {left} addresses, and version 1 .* has 100"):
        await import_rows(database, rows, issued=SUMMER)
    finder = Lists(database, HandClock(NOW))
    assert len((await finder.find(addresses_of(100)[99])).listings) == 1
    confirmed = await import_rows(database, rows, issued=SUMMER, confirm_shrink=True)
    assert (confirmed.version.number, confirmed.removed) == (2, 100 - left)


@pytest.mark.parametrize(
    ("kept", "came", "flags"),
    [
        (17, 500, ["confirm_churn"]),
        (413, 104, ["confirm_churn"]),
        (450, 0, []),
        (414, 103, []),
        (380, 60, ["confirm_churn"]),
        (100, 200, ["confirm_shrink", "confirm_churn"]),
    ],
)
async def test_list_of_which_most_rows_are_replaced_is_refused_unless_confirmed(
    database: Database, kept: int, came: int, flags: list[str]
) -> None:
    await import_rows(database, numbered(517), issued=SPRING)
    rows = [*numbered(kept), *map(listed, addresses_of(came, 1))]
    given: dict[str, Any] = {}
    for flag in flags:
        with pytest.raises(ListUnreadable, match=flag.replace("_", "-")):
            await import_rows(database, rows, issued=SUMMER, **given)
        given[flag] = True
    assert (await import_rows(database, rows, issued=SUMMER, **given)).removed == 517 - kept


async def test_list_of_which_many_rows_are_of_another_asset_is_refused_unless_confirmed(
    database: Database,
) -> None:
    rows = [*numbered(7), *(listed(EVM[:-1] + digit) for digit in "abc")]
    with pytest.raises(ListUnreadable, match=r"3 of 10 rows are no address .* --confirm-misfiled"):
        await import_rows(database, rows, issued=SUMMER)
    taken = await import_rows(database, rows, issued=SUMMER, confirm_misfiled=True)
    assert len(taken.misfiled) == 3


async def test_row_that_other_rules_spelt_is_found_and_stays_the_same_row(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "canonicalize", str.lower)
    monkeypatch.setattr(importing, "SPELLING_RULES", SPELLING_RULES - 1)
    await import_rows(database, [listed(SATOSHI)], issued=SPRING)
    monkeypatch.undo()
    finder = Lists(database, HandClock(NOW))
    assert await found_in(finder, SATOSHI, SUMMER) == [(SATOSHI, 1)]
    again = await import_rows(database, [listed(SATOSHI)], issued=SUMMER, reading="later")
    assert (again.added, again.removed) == (0, 0)
    assert await found_in(finder, SATOSHI, SUMMER) == [(SATOSHI, 2)]


async def test_row_of_sanctions_that_no_question_can_name_is_reported_and_fails_the_check(
    database: Database,
) -> None:
    odd = [listed(f"{SATOSHI} x"), listed("1A1zP1\u200beP5QGefi2DMPTfTL5SLmv7DivfNa")]
    rows = [*numbered(10), *odd, listed("and a tag", category="other")]
    imported = await import_rows(database, rows, issued=SPRING, confirm_misfiled=True)
    assert imported.unaskable == tuple(odd)
    (check,) = await check_assets(database, Lists(database, HandClock(NOW)), None)
    assert (check.listed, check.found, check.is_right) == (13, 13, False)
    assert set(check.unaskable) == {row.address for row in odd}


async def test_date_of_issue_does_not_go_back_even_when_a_loss_is_confirmed(
    database: Database,
) -> None:
    await import_rows(database, numbered(10), issued=SUMMER)
    with pytest.raises(ListUnreadable, match=r"dated 2025-03-01, .* dates must not go back"):
        await import_rows(database, numbered(9), issued=SPRING, confirm_shrink=True)
    assert (await import_rows(database, numbered(9), issued=SUMMER)).version.number == 2


async def test_list_from_the_future_or_without_an_address_is_refused(database: Database) -> None:
    with pytest.raises(ListUnreadable, match="in the future"):
        await import_rows(database, numbered(1), issued=date(2026, 1, 13))
    with pytest.raises(ListUnreadable, match="holds no address"):
        await import_rows(database, [])
    await import_rows(database, numbered(1), issued=date(2026, 1, 12))


async def test_import_reports_assets_that_nobody_checks_and_rows_that_are_misfiled(
    database: Database,
) -> None:
    rows = [
        listed(SATOSHI),
        listed(TRON),
        listed("nc-1", "NEWCOIN"),
        listed("nc-2", "NEWCOIN"),
        listed(SATOSHI),
    ]
    imported = await import_rows(database, rows)
    assert imported.assets == {"NEWCOIN": 2, "XBT": 2}
    assert imported.unknown_assets == {"NEWCOIN": 2}
    assert imported.misfiled == (listed(TRON),)
    assert imported.version.entries == imported.added == 4


async def test_row_that_changes_ends_and_begins_again(database: Database) -> None:
    await import_rows(database, [listed(SATOSHI, label="DOE"), listed(TRON)], issued=SPRING)
    await import_rows(database, [listed(SATOSHI, label="ROE"), listed(TRON)], issued=SUMMER)
    finder = Lists(database, HandClock(NOW))
    for day, label in ((SPRING, "DOE"), (SUMMER, "ROE"), (None, "ROE")):
        (found,) = (await finder.find(SATOSHI, day)).listings
        assert found.row.label == label
    async with database.reading() as connection:
        assert await changes(connection, "a list", 2) == (
            [listed(SATOSHI, label="ROE")],
            [listed(SATOSHI, label="DOE")],
        )


async def test_process_notices_a_new_version_within_ten_seconds_and_asks_no_more_often(
    database: Database,
) -> None:
    clock = HandClock(NOW)
    finder = Lists(database, clock)
    assert await found_in(finder, SATOSHI) == []
    await import_rows(database, [listed(SATOSHI)], issued=SPRING)
    assert await found_in(finder, SATOSHI) == []
    clock.advance(POLL_SECONDS - 0.1)
    assert await found_in(finder, SATOSHI) == []
    clock.advance(0.1)
    assert await found_in(finder, SATOSHI) == [(SATOSHI, 1)]
    await import_rows(database, [listed(TRON)], issued=SUMMER)
    clock.advance(POLL_SECONDS)
    assert await found_in(finder, SATOSHI) == []
    assert await found_in(finder, TRON) == [(TRON, 2)]


async def test_etag_is_that_of_the_newest_version_only(database: Database) -> None:
    await import_rows(database, [listed(SATOSHI)], issued=SPRING, etag='"v1"')
    async with database.reading() as connection:
        assert await etag_of(connection, "a/path", READING) == '"v1"'
        assert await etag_of(connection, "another", READING) is None
    await import_rows(database, [listed(SATOSHI), listed(TRON)], issued=SUMMER)
    async with database.reading() as connection:
        assert await etag_of(connection, "a/path", READING) is None


async def test_imports_take_turns_and_the_second_finds_what_the_first_made(
    committed_database: Database,
) -> None:
    imported = await asyncio.gather(
        *(
            import_rows(committed_database, [listed(SATOSHI), listed(TRON)], issued=SPRING)
            for _ in range(4)
        ),
        *(
            import_rows(committed_database, [listed(EVM, "ETH")], source=f"list {n}")
            for n in range(4)
        ),
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
        "UPDATE list_entries SET listed_on = '2020-01-01' WHERE last_version IS NULL",
        "UPDATE list_entries SET programs = '{X}' WHERE last_version IS NULL",
        "UPDATE list_entries SET last_version = 1, label = 'x' WHERE last_version IS NULL",
        "UPDATE list_entries SET last_version = NULL WHERE last_version = 1",
        "UPDATE list_entries SET last_version = 2 WHERE last_version = 1",
    ],
)
async def test_database_lets_nobody_rewrite_what_a_list_said(
    database: Database, statement: str
) -> None:
    await import_rows(database, [listed(SATOSHI), listed(EVM, "ETH")], issued=SPRING)
    await import_rows(database, [listed(SATOSHI), listed(TRON)], issued=SUMMER)
    with pytest.raises(IntegrityError, match=r"can only|append-only"):
        async with database.sessions() as session, session.begin():
            await session.execute(text(statement))


async def test_until_a_list_is_imported_the_sample_answers_and_never_after(
    database: Database,
) -> None:
    clock = HandClock(NOW)
    finder = Lists(database, clock)
    found = await finder.find(SAMPLED)
    assert [one.row.address for one in found.listings] == [SAMPLED]
    assert [version.is_sample for version in found.versions] == [True]
    assert (await finder.find(SAMPLED, NOW.date())).versions == ()
    await import_rows(database, [listed(SATOSHI)], issued=SPRING)
    clock.advance(POLL_SECONDS)
    assert await found_in(finder, SAMPLED) == []
    assert [(one.source, one.number) for one in await finder.versions()] == [("a list", 1)]


async def test_many_addresses_are_looked_up_in_the_same_versions(database: Database) -> None:
    await import_rows(database, [listed(SATOSHI), listed(EVM, "ETH")], issued=SPRING)
    finder = Lists(database, HandClock(NOW))
    found = await finder.find_many([EVM.upper().replace("X", "x"), TRON, SATOSHI])
    assert {address: one[0].row.address for address, one in found.listings.items()} == {
        EVM.upper().replace("X", "x"): EVM,
        SATOSHI: SATOSHI,
    }
    assert found.versions == await finder.versions()


async def test_check_counts_what_is_found_dropped_and_misfiled(database: Database) -> None:
    await import_rows(database, [listed(SATOSHI), listed(TRON), listed(EVM, "ETH")], issued=SPRING)
    await import_rows(
        database, [listed(SATOSHI), listed(TRON), listed("nc", "NEWCOIN")], issued=SUMMER
    )
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
    await import_rows(database, [listed(SATOSHI)], issued=SPRING)
    finder = Lists(database, HandClock(NOW))
    await finder.find(SATOSHI)
    await import_rows(database, [listed(SATOSHI), listed(TRON)], issued=SUMMER)
    fresh = Lists(database, HandClock(NOW))

    class Stale(Lists):
        @override
        async def find(self, address: str, as_of: date | None = None) -> Lookup:
            return await (finder if address else fresh).find(address, as_of)

    (check,) = await check_assets(database, Stale(database, HandClock(NOW)), None)
    assert (check.listed, check.found, check.is_right) == (2, 1, False)
