"""The database's clock on the process's own: what is measured, when, and when it is right."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from app.runtime.db.clock import DatabaseClock, TimeUnknown
from app.runtime.db.engine import Database, create_database
from app.runtime.db.failures import Unavailable, unavailability
from tests.support.clock import HandClock, SkewedClock
from tests.support.processes import free_port

THERE = datetime(2030, 5, 1, 12, tzinfo=UTC)
SKEWS = [3600.0, -3600.0, 86_400.0, -86_400.0]


@pytest.fixture
def machine() -> HandClock:
    """A machine's clock, which says nothing of the database's."""
    return HandClock()


@pytest.fixture
def clock(machine: HandClock) -> DatabaseClock:
    return DatabaseClock(machine)


def test_before_the_first_answer_there_is_no_time_and_the_database_counts_as_away(
    clock: DatabaseClock,
) -> None:
    with pytest.raises(TimeUnknown) as unknown:
        clock.now()
    assert unavailability(unknown.value) is Unavailable.AWAY
    assert clock.skew_seconds() is None
    assert not clock.is_right()


def test_time_goes_on_from_the_middle_of_the_round_trip(
    machine: HandClock, clock: DatabaseClock
) -> None:
    machine.advance(100)
    clock.learn(THERE, 90, 100)
    assert clock.now() == THERE + timedelta(seconds=5)
    machine.advance(7)
    assert clock.now() == THERE + timedelta(seconds=12)


def test_answer_that_bears_out_what_is_known_changes_nothing(clock: DatabaseClock) -> None:
    clock.learn(THERE, 0, 0)
    for told_after_seconds in (0, 1, 3.5, 4):  # of the four that the answer took
        clock.learn(THERE + timedelta(seconds=told_after_seconds), 0, 4)
    assert clock.now() == THERE


def test_answer_that_contradicts_what_is_known_replaces_it(clock: DatabaseClock) -> None:
    clock.learn(THERE, 0, 0)
    for other in (timedelta(seconds=2), timedelta(hours=-1), timedelta(days=1)):
        clock.learn(THERE + other, 0, 0)
        assert clock.now() == THERE + other


def test_machine_is_right_within_five_seconds_and_again_when_it_is_set_right(
    machine: HandClock, clock: DatabaseClock
) -> None:
    for ahead, right in ((0, True), (5, True), (5.001, False), (-5, True), (-5.001, False)):
        clock.learn(machine.now() - timedelta(seconds=ahead), 0, 0)
        assert clock.skew_seconds() == pytest.approx(ahead)
        assert clock.is_right() is right


def test_clock_of_the_machine_that_is_set_moves_no_time_and_is_seen_at_once() -> None:
    machine = SkewedClock()
    clock = DatabaseClock(machine)
    clock.learn(machine.now(), machine.monotonic(), machine.monotonic())
    before = clock.now()
    machine.ahead = timedelta(hours=1)
    assert clock.now() - before < timedelta(minutes=1)
    assert not clock.is_right()
    machine.ahead = timedelta(0)
    assert clock.is_right()


async def test_first_connection_of_any_kind_knows_the_time(database_url: str) -> None:
    for seconds in SKEWS:
        for way in ("reading", "sessions"):
            database = create_database(database_url, machine_clock=SkewedClock(seconds))
            if way == "reading":
                await _time_is_theirs(database)
            else:
                async with database.sessions() as session, session.begin():
                    told = await session.scalar(text("SELECT now()"))
                assert _is_near(database, told)
            assert database.clock.skew_seconds() == pytest.approx(seconds, abs=60)
            await database.dispose()


async def _time_is_theirs(database: Database) -> None:
    async with database.reading() as connection:
        told = await connection.scalar(text("SELECT now()"))
    assert _is_near(database, told)


def _is_near(database: Database, told: datetime | None) -> bool:
    """Say whether it is about as late as the database told; a busy machine takes a while."""
    return told is not None and abs(database.clock.now() - told) < timedelta(minutes=1)


async def test_new_connection_after_a_failover_measures_again(database_url: str) -> None:
    database = create_database(database_url, pool_size=1)
    for measure_again in (database.dispose, database.measure_clock):
        # as if the server before it had another clock
        database.clock.learn(THERE, database.clock.monotonic(), database.clock.monotonic())
        assert not database.clock.is_right()
        await measure_again()
        await _time_is_theirs(database)
    await database.dispose()


async def test_time_of_a_database_that_was_never_reached_is_not_guessed() -> None:
    database = create_database(f"postgresql+asyncpg://assay@127.0.0.1:{free_port()}/assay")
    with pytest.raises(OSError, match="Connect call failed"):
        await database.measure_clock()
    with pytest.raises(TimeUnknown):
        database.clock.now()
    await database.dispose()
