"""The limit of open unpaid orders as the database holds it, tried with plain SQL."""

import asyncio
from datetime import timedelta

import asyncpg
import pytest

from app.runtime.db.engine import Database
from tests.support.bitcoin_orders import BitcoinOrder
from tests.support.clock import HandClock
from tests.support.databases import connect
from tests.support.orders import OneOrder
from tests.support.people import make_access_code, make_user

# Another order like one that is there: a new id, by a buyer, at a time, under a limit.
ANOTHER = """
    INSERT INTO orders SELECT (jsonb_populate_record(o, jsonb_build_object('id', $2::text,
        'buyer_id', $3::text, 'created_at', $4::timestamptz, 'max_open_orders', $5::int,
        'status', 'TO_BE_CREATED', 'rail', 'aeonto', 'failure_reason', NULL))).*
    FROM orders o WHERE o.id = $1"""
WAITS = "SELECT count(*) FROM pg_locks WHERE NOT granted"


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


async def is_let_in(connection: asyncpg.Connection, *order: object) -> bool:
    """Say whether the database takes an order; it is not kept."""
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute(ANOTHER, *order)
    except asyncpg.CheckViolationError:
        return False
    finally:
        await transaction.rollback()
    return True


async def test_order_beyond_the_limit_is_refused_by_the_database(
    committed_database: Database, database_url: str, clock: HandClock
) -> None:
    now = clock.now()
    buyer, other = [await make_user(committed_database, now) for _ in range(2)]
    code, apart = [await make_access_code(committed_database, buyer, now) for _ in range(2)]
    in_aeon = await OneOrder.place(committed_database, clock, buyer)
    in_bitcoin = await BitcoinOrder.place(committed_database, clock, buyer)
    connection = await connect(database_url)
    await connection.execute(
        "UPDATE accounts SET max_open_orders = 1 WHERE id = $1", apart.account_id
    )
    for by, limit, expected in [
        (buyer, 2, False),
        (buyer, 3, True),
        (buyer, 0, True),
        (buyer, None, True),  # the version before
        (code, 2, False),
        (code, 3, True),
        (apart, 1, True),
        (other, 1, True),
    ]:
        order = (in_aeon.id, "another", by.account_id, now, limit)
        assert await is_let_in(connection, *order) is expected, (by, limit)
    await connection.execute(
        "UPDATE accounts SET max_open_orders = 2 WHERE id = $1", buyer.account_id
    )
    with pytest.raises(asyncpg.CheckViolationError, match=r"has 2 open unpaid .* may have 2"):
        await connection.execute(ANOTHER, in_aeon.id, "another", code.account_id, now, None)
    # What counts: the status of each of the two, one at a time.
    move = "UPDATE orders SET status = $2, failure_reason = $3 WHERE id = $1"
    order = (in_aeon.id, "another", buyer.account_id, now, 20)
    counted = ("TO_BE_CREATED", "UNPAID", "UNDERPAID")
    for order_id in (in_aeon.id, in_bitcoin.id):
        for status in (*counted, "PAID_UNCONFIRMED", "TIMED_OUT", "NOT_FOUND", "FAILED"):
            await connection.execute(
                move, order_id, status, "refused" if status == "FAILED" else None
            )
            assert await is_let_in(connection, *order) is (status not in counted), status
        await connection.execute(move, order_id, "CANCELLED", None)
        assert await is_let_in(connection, *order) is (order_id == in_aeon.id)
        await connection.execute(move, order_id, "UNPAID", None)
    later = now + timedelta(hours=1)
    assert await is_let_in(connection, in_aeon.id, "another", buyer.account_id, later, 20)
    await connection.close()


@pytest.mark.parametrize("kept", [True, False])
async def test_database_counts_an_order_that_another_transaction_has_just_written(
    committed_database: Database, database_url: str, clock: HandClock, kept: bool
) -> None:
    buyer = await make_user(committed_database, clock.now())
    code = await make_access_code(committed_database, buyer, clock.now())
    placed = await OneOrder.place(committed_database, clock, buyer)
    first, second = await connect(database_url), await connect(database_url)
    writing = first.transaction()
    await writing.start()
    await first.execute(ANOTHER, placed.id, "first", buyer.account_id, clock.now(), 2)
    waiting = asyncio.create_task(
        is_let_in(second, placed.id, "second", code.account_id, clock.now(), 2)
    )
    while not waiting.done() and not await first.fetchval(WAITS):
        await asyncio.sleep(0)
    await (writing.commit() if kept else writing.rollback())
    assert await waiting is not kept
    await first.close()
    await second.close()
