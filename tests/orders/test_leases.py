"""Who works on which order: one holder at a time, most urgent first, taken over when it dies."""

import asyncio
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from sqlalchemy import text, update

from app.orders import leases
from app.orders.leases import LEASE, CreationTask, OrderPoisoned
from app.orders.models import Order
from app.orders.rules.poll_schedule import Urgency
from app.orders.rules.rails import Rail
from app.runtime.db.engine import Database
from app.runtime.rate_limit.rules import CALL_DEADLINE_SECONDS, LEAVE_WITHIN_SECONDS
from tests.support.clock import HandClock
from tests.support.databases import LentDatabase
from tests.support.orders import OneOrder, end_leases, place_order
from tests.support.people import Person, make_user


async def claim_creation(database: Database, clock: HandClock) -> CreationTask | None:
    """Take the next order to be created."""
    async with database.sessions() as session:
        return await leases.claim_creation(session, clock.now())


async def looked_at(database: Database, clock: HandClock) -> str | None:
    """Take the next order to be looked at; return its id."""
    async with database.sessions() as session:
        job = await leases.claim_poll(session, Rail.AEONTO, clock.now())
    return job.order_id if job else None


def test_lease_outlives_the_slowest_call() -> None:
    assert timedelta(seconds=LEAVE_WITHIN_SECONDS + CALL_DEADLINE_SECONDS) < LEASE


async def test_two_claimers_never_get_the_same_order(
    committed_database: Database, clock: HandClock
) -> None:
    buyer = await make_user(committed_database, clock.now())
    placed = {await place_order(committed_database, buyer, clock.now()) for _ in range(12)}
    claims = await asyncio.gather(*(claim_creation(committed_database, clock) for _ in range(30)))
    taken = [job.order_id for job in claims if job is not None]
    # A claimer that met only locked rows may come back empty; the next round gets the rest.
    while (job := await claim_creation(committed_database, clock)) is not None:
        taken.append(job.order_id)
    assert sorted(taken) == sorted(placed)


async def test_looks_of_two_claimers_are_different_orders(
    committed_database: Database, clock: HandClock
) -> None:
    buyer = await make_user(committed_database, clock.now())
    for _ in range(6):
        order = await OneOrder.place(committed_database, clock, buyer)
        await order.created("UNPAID")
    clock.advance(60)
    claims = await asyncio.gather(*(looked_at(committed_database, clock) for _ in range(12)))
    taken = [order_id for order_id in claims if order_id is not None]
    assert len(taken) == len(set(taken)) > 0


async def test_expired_lease_is_taken_over_under_a_new_token(
    database: LentDatabase, clock: HandClock, buyer: Person
) -> None:
    await place_order(database, buyer, clock.now())
    first = await claim_creation(database, clock)
    assert await claim_creation(database, clock) is None
    clock.advance(LEASE.total_seconds() + 1)
    assert await claim_creation(database, clock) is None, "a replica's clock ends no lease"
    await end_leases(database)
    second = await claim_creation(database, clock)
    assert first is not None
    assert second is not None
    assert second.order_id == first.order_id
    assert second.lease_token != first.lease_token


async def test_lock_is_given_to_the_holder_of_the_lease_alone(
    database: LentDatabase, clock: HandClock, buyer: Person
) -> None:
    order_id = await place_order(database, buyer, clock.now())
    job = await claim_creation(database, clock)
    assert job is not None
    async with database.sessions() as session, session.begin():
        for token in ("", "lease_of_another", job.lease_token.lower()):
            assert await leases.locked_under_lease(session, order_id, token) is None
        assert await leases.locked_under_lease(session, order_id, job.lease_token)


async def test_longest_waiting_order_is_created_first(
    database: LentDatabase, clock: HandClock, buyer: Person
) -> None:
    placed = []
    for _ in range(3):
        placed.append(await place_order(database, buyer, clock.now()))
        clock.advance(1)
    taken = []
    while (job := await claim_creation(database, clock)) is not None:
        taken.append(job.order_id)
    assert taken == placed


async def test_urgent_looks_come_first(
    database: LentDatabase, clock: HandClock, buyer: Person
) -> None:
    """No address yet, then about to expire, then open, then the aftermath, whatever was due first."""
    timed_out = await OneOrder.place(database, clock, buyer)
    await timed_out.created("UNPAID")
    await timed_out.reported("TIMED_OUT")
    clock.advance(120)
    steady = await OneOrder.place(database, clock, buyer)
    await steady.created("UNPAID", expires_at=clock.now() + timedelta(minutes=15))
    clock.advance(1)
    expiring = await OneOrder.place(database, clock, buyer)
    await expiring.created("UNPAID", expires_at=clock.now() + timedelta(seconds=90))
    clock.advance(1)
    waiting = await OneOrder.place(database, clock, buyer)
    await waiting.created("TO_BE_CREATED")
    clock.advance(60)
    taken = [await looked_at(database, clock) for _ in range(5)]
    assert taken == [waiting.id, expiring.id, steady.id, timed_out.id, None]


async def test_nothing_is_claimed_before_it_is_due(
    database: LentDatabase, clock: HandClock, buyer: Person, order: OneOrder
) -> None:
    due_at = await leases.next_poll_at(database, Rail.AEONTO)
    assert due_at is not None
    assert clock.now() < due_at <= clock.now() + timedelta(seconds=30)
    assert await leases.next_creation_at(database) is None
    assert await leases.next_poll_at(database, Rail.BITCOIN) is None
    assert await looked_at(database, clock) is None
    clock.advance(30)
    assert await leases.next_poll_at(database, Rail.AEONTO) == due_at
    assert await looked_at(database, clock) == order.id


async def test_order_that_upstream_accepted_is_never_created_again(
    database: LentDatabase, clock: HandClock, buyer: Person
) -> None:
    order = await OneOrder.place(database, clock, buyer)
    await order.created("TO_BE_CREATED")
    clock.advance(3000)
    assert await claim_creation(database, clock) is None
    assert await looked_at(database, clock) == order.id


async def test_job_carries_what_upstream_is_asked_for(
    database: LentDatabase, clock: HandClock, buyer: Person
) -> None:
    order = await OneOrder.place(database, clock, buyer)
    job = await order.claim_creation()
    assert (str(job.btc_amount), job.btc_dest_address) == (
        "0.00500000",
        "12Cyjf3qV6qLyXdzpLSLPdRFPUVidvnzFM",
    )


async def test_look_carries_the_uuid_that_upstream_gave(order: OneOrder) -> None:
    assert (await order.claim_poll()).uuid == order.uuid


async def due_for(
    database: LentDatabase, clock: HandClock, buyer: Person, late: dict[Urgency, float]
) -> dict[str, Urgency]:
    """Place one order per urgency, each late by so many seconds; return their urgencies by id."""
    orders = {}
    for urgency, seconds in late.items():
        order = await OneOrder.place(database, clock, buyer)
        await order.created("UNPAID")
        async with database.sessions() as session, session.begin():
            await session.execute(
                update(Order)
                .where(Order.id == order.id)
                .values(next_look_at=clock.now() - timedelta(seconds=seconds), look_urgency=urgency)
            )
        orders[order.id] = urgency
    return orders


async def test_of_equally_late_orders_the_more_urgent_is_taken_first(
    database: LentDatabase, clock: HandClock, buyer: Person
) -> None:
    orders = await due_for(database, clock, buyer, dict.fromkeys(Urgency, 10))
    taken = [await looked_at(database, clock) for _ in orders]
    assert [orders[one or ""] for one in taken] == sorted(Urgency, reverse=True)


async def test_least_urgent_order_comes_first_once_it_has_waited_long_enough(
    database: LentDatabase, clock: HandClock, buyer: Person
) -> None:
    late: dict[Urgency, float] = {Urgency.ADDRESS: 10, Urgency.AFTERMATH: 10 * 32 + 1}
    orders = await due_for(database, clock, buyer, late)
    assert orders[await looked_at(database, clock) or ""] is Urgency.AFTERMATH


async def test_overload_stretches_every_rhythm_of_one_urgency_alike(
    database: LentDatabase, clock: HandClock, buyer: Person
) -> None:
    """Ten open orders and one look a second: each is looked at every ten seconds, none starves."""
    orders = [await OneOrder.place(database, clock, buyer) for _ in range(10)]
    for order in orders:
        await order.created("UNPAID")
    seen: dict[str, list[datetime]] = {order.id: [] for order in orders}
    for _ in range(60):
        clock.advance(1)
        async with database.sessions() as session:
            job = await leases.claim_poll(session, Rail.AEONTO, clock.now())
        if job is None:
            continue
        seen[job.order_id].append(clock.now())
        order = next(order for order in orders if order.id == job.order_id)
        await order.apply(job, order.says("UNPAID"))
    gaps = [later - sooner for times in seen.values() for sooner, later in pairwise(times)]
    assert {gap.total_seconds() for gap in gaps} == {10}
    assert all(len(times) >= 5 for times in seen.values())


async def test_order_that_is_set_aside_is_left_to_others(
    database: LentDatabase, clock: HandClock, buyer: Person
) -> None:
    first = await place_order(database, buyer, clock.now())
    first_due_at = await leases.next_creation_at(database)
    assert first_due_at is not None
    clock.advance(1)
    second = await place_order(database, buyer, clock.now())
    async with database.sessions() as session:
        job = await leases.claim_creation(session, clock.now(), quarantined=[first])
        assert job is not None
        assert job.order_id == second
        assert await leases.claim_creation(session, clock.now(), quarantined=[first]) is None
    assert await leases.next_creation_at(database, quarantined=[first]) is None
    assert await leases.next_creation_at(database) == first_due_at


async def test_order_that_cannot_be_leased_is_named(
    database: LentDatabase, clock: HandClock, buyer: Person
) -> None:
    poisoned = await place_order(database, buyer, clock.now())
    async with database.sessions() as session, session.begin():
        await session.execute(
            text(
                "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
                " $$ BEGIN RAISE EXCEPTION 'poisoned'; END $$"
            )
        )
        await session.execute(
            text(
                "CREATE TRIGGER poison BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION refuse()"
            )
        )
    with pytest.raises(OrderPoisoned) as caught:
        await claim_creation(database, clock)
    assert caught.value.order_id == poisoned
