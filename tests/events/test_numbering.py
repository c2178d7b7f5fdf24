"""Numbers of events: without gaps, in the order of what happened, whoever writes at once."""

import asyncio
import itertools
from collections.abc import Sequence

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.events.append import NewEvent, append
from app.events.reading import EventView, read_after
from app.events.types import EventType
from app.ledger import service
from app.ledger.rules import EntryKind
from app.runtime.db.engine import Database
from tests.support.clock import HandClock
from tests.support.databases import connect
from tests.support.people import ACTOR, Person, give_credits, make_access_code, make_user


async def stream_of(database: Database, person: Person) -> Sequence[EventView]:
    """Return all that happened to an account."""
    read = await read_after(database, person.account_id, after=0, limit=10_000)
    assert [event.sequence for event in read.items] == list(range(1, len(read.items) + 1))
    return read.items


async def numbers_of(database: Database, person: Person) -> list[int]:
    """Return the numbers of the things that were told of, in their order."""
    events = await stream_of(database, person)
    return [event.data["number"] for event in events if event.type is EventType.ORDER_UPDATED]


def told(clock: HandClock, owner: Person, number: int, other: Person | None = None) -> NewEvent:
    """Return an event of a thing with a number."""
    return NewEvent(
        EventType.ORDER_UPDATED,
        owner.account_id,
        clock.now(),
        f'{{"number": {number}}}',
        other_id=other.account_id if other else None,
    )


async def test_parallel_writers_of_crossed_streams_leave_no_gap_and_lock_nobody_out(
    committed_database: Database, clock: HandClock
) -> None:
    database = committed_database
    people = [await make_user(database, clock.now()) for _ in range(4)]

    async def write(number: int) -> None:
        pairs = list(itertools.permutations(people, 2))
        async with database.sessions() as session, session.begin():
            for step in range(3):
                owner, other = pairs[(number * 5 + step * 7) % len(pairs)]
                await append(session, [told(clock, owner, number, other)])
            if number % 5 == 0:
                await session.rollback()

    await asyncio.gather(*(write(number) for number in range(60)))
    streams = [await numbers_of(database, person) for person in people]
    assert sum(map(len, streams)) == 48 * 3 * 2  # each of 48 that committed is in two streams


async def test_what_is_undone_leaves_no_number_nor_does_a_savepoint(
    committed_database: Database, clock: HandClock
) -> None:
    database = committed_database
    person = await make_user(database, clock.now())
    async with database.sessions() as session, session.begin():
        await append(session, [told(clock, person, 0)])
        await session.rollback()
    async with database.sessions() as session, session.begin():
        inner = await session.begin_nested()
        await append(session, [told(clock, person, 1)])
        await inner.rollback()
        await append(session, [told(clock, person, 2), told(clock, person, 3)])
        async with session.begin_nested():
            await append(session, [told(clock, person, 4)])
    assert await numbers_of(database, person) == [2, 3, 4]


async def test_events_that_follow_a_number_in_the_same_transaction_get_theirs_too(
    committed_database: Database, clock: HandClock
) -> None:
    database = committed_database
    person = await make_user(database, clock.now())
    async with database.sessions() as session, session.begin():
        await append(session, [told(clock, person, 1)])
        await session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
        await append(session, [told(clock, person, 2)])
    assert await numbers_of(database, person) == [1, 2]


async def test_a_slow_writer_holds_up_nobody_and_comes_after_who_was_faster(
    committed_database: Database, clock: HandClock
) -> None:
    database = committed_database
    person = await make_user(database, clock.now())
    async with database.sessions() as slow, slow.begin():
        await append(slow, [told(clock, person, 1)])
        async with database.sessions() as fast, fast.begin():
            await append(fast, [told(clock, person, 2)])
        assert await numbers_of(database, person) == [2]
    assert await numbers_of(database, person) == [2, 1]


async def test_an_event_of_a_code_is_in_the_stream_of_its_issuer_and_once_where_all_are_one(
    committed_database: Database, clock: HandClock
) -> None:
    database = committed_database
    issuer = await make_user(database, clock.now())
    code = await make_access_code(database, issuer, clock.now())
    stranger = await make_user(database, clock.now())
    before = {one: len(await stream_of(database, one)) for one in (issuer, code, stranger)}
    async with database.sessions() as session, session.begin():
        await append(session, [told(clock, code, 1, issuer), told(clock, issuer, 2)])
    after = {one: len(await stream_of(database, one)) for one in (issuer, code, stranger)}
    assert {one: after[one] - before[one] for one in before} == {issuer: 2, code: 1, stranger: 0}


async def test_each_movement_of_credits_is_told_as_the_ledger_lists_it(
    committed_database: Database, clock: HandClock
) -> None:
    database = committed_database
    issuer = await make_user(database, clock.now())
    code = await make_access_code(database, issuer, clock.now())
    await give_credits(database, issuer.account_id, 5, clock.now())
    clock.advance(1.25)
    async with database.sessions() as session, session.begin():
        await service.transfer(
            session,
            from_account_id=issuer.account_id,
            to_account_id=code.account_id,
            credits_moved=2,
            transfer_id="trf_1",
            actor=ACTOR,
            at=clock.now(),
        )
    moved = EventType.CREDITS_MOVED
    for person, kinds in (
        (issuer, [EntryKind.ADJUSTMENT, EntryKind.TRANSFER]),
        (code, [EntryKind.TRANSFER]),
    ):
        events = [event for event in await stream_of(database, person) if event.type is moved]
        async with database.reading() as connection:
            page = await service.entries_of(connection, person.account_id, cursor=None, limit=9)
        assert [entry.kind for entry in reversed(page.items)] == kinds
        assert [event.at for event in events] == [entry.at for entry in reversed(page.items)]


async def test_streams_are_append_only_and_numbered_by_the_database_alone(
    database_url: str, committed_database: Database, clock: HandClock
) -> None:
    person = await make_user(committed_database, clock.now())
    await give_credits(committed_database, person.account_id, 5, clock.now())
    connection = await connect(database_url)
    for statement in (
        "UPDATE events SET at = now()",
        "UPDATE account_events SET sequence = sequence + 1",
        "DELETE FROM account_events",
        "DELETE FROM events",
        "TRUNCATE events CASCADE",
        "TRUNCATE account_events",
    ):
        for role in ("origin", "replica"):
            await connection.execute(f"SET session_replication_role = {role}")
            with pytest.raises(asyncpg.RestrictViolationError, match="is append-only"):
                await connection.execute(statement)
    await connection.execute("RESET session_replication_role")
    for values in (
        "ARRAY['a'], 'order.lost', now(), '{}'",
        "'{}', 'order.updated', now(), '{}'",
        "ARRAY['a'], 'order.updated', now(), '[]'",
        "ARRAY['nobody'], 'order.updated', now(), '{}'",
    ):
        with pytest.raises(asyncpg.IntegrityConstraintViolationError):
            await connection.execute(
                f"INSERT INTO events (account_ids, type, at, data) VALUES ({values})"  # noqa: S608
            )
    await connection.execute(
        "INSERT INTO account_events (account_id, sequence, event_id, type)"
        " SELECT account_id, 99, event_id, type FROM account_events"
    )
    await connection.close()
    assert len(await stream_of(committed_database, person)) == 4  # each event twice


async def test_a_stream_that_is_locked_too_long_fails_the_commit_and_changes_nothing(
    committed_database: Database, clock: HandClock
) -> None:
    database = committed_database
    person = await make_user(database, clock.now())
    lock = text("SELECT pg_advisory_xact_lock(hashtextextended('event_stream:' || :id, 0))")
    async with database.sessions() as holder, holder.begin():
        await holder.execute(lock, {"id": person.account_id})
        async with database.sessions() as session:
            transaction = await session.begin()
            await session.execute(text("SET LOCAL lock_timeout = '10ms'"))
            await append(session, [told(clock, person, 1)])
            with pytest.raises(DBAPIError, match="lock timeout"):
                await transaction.commit()
    assert await numbers_of(database, person) == []
