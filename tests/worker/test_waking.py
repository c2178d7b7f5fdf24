"""What wakes a loop: a notification, the time at which something is due, and a slow look all the same."""

import asyncio
from contextlib import AsyncExitStack
from datetime import timedelta
from itertools import count

import pytest

from app.runtime.db.engine import Database
from app.runtime.db.notifications import Notifications
from app.runtime.loops.heartbeats import Heartbeats
from app.runtime.loops.loops import Loop, running
from app.runtime.loops.waking import Waking
from app.runtime.observability.metrics import Metrics
from tests.api.ordering import ORDER
from tests.orders.wallet.keys import BIP84_ZPUB
from tests.support.application import open_application
from tests.support.clock import HandClock
from tests.support.people import make_user
from tests.support.server import learn_parameters
from tests.support.statements import statements_sent
from tests.worker.conftest import WorkerHarness

HOUR = 3600.0


def waking_of(clock: HandClock, *, are_heard: bool = False) -> Waking:
    """What wakes a loop of a process that hears others, or does not."""
    notifications = Notifications("postgresql://127.0.0.1:1/nowhere")
    notifications._own_pid = 1 if are_heard else None
    return Waking(notifications, "channel", "loop", clock)


async def test_loop_that_is_told_looks_at_once() -> None:
    clock = HandClock()
    waking, rounds, looked = waking_of(clock, are_heard=True), count(), asyncio.Event()

    async def tick() -> bool:
        next(rounds)
        looked.set()
        return False

    async with (
        running([Loop("loop", tick, HOUR, waking)], Heartbeats(clock, Metrics())),
        asyncio.timeout(20),
    ):
        for _ in range(3):
            await looked.wait()
            looked.clear()
            waking.wake()
    assert next(rounds) >= 3


async def test_loop_that_was_told_while_it_looked_looks_again() -> None:
    """What became due after it had looked is not left until the next rest is over."""
    clock = HandClock()
    waking, again = waking_of(clock, are_heard=True), asyncio.Event()

    async def tick() -> bool:
        if not again.is_set():
            waking.wake()
            again.set()
            return False
        done.set()
        return False

    done = asyncio.Event()
    async with (
        running([Loop("loop", tick, HOUR, waking)], Heartbeats(clock, Metrics())),
        asyncio.timeout(20),
    ):
        await done.wait()


@pytest.mark.parametrize("are_heard", [True, False], ids=["heard", "behind a pooler"])
def test_rest_ends_when_the_next_thing_is_due_and_is_never_longer_than_the_net(
    *, are_heard: bool
) -> None:
    clock = HandClock()
    waking, longest = waking_of(clock, are_heard=are_heard), 5.0 if are_heard else 0.5
    assert waking.rest_seconds(5.0) == longest
    for late_seconds, rest_seconds in ((-60, longest), (-0.2, 0.2), (0, 0.25), (60, 0.25)):
        waking.expect(clock.now() - timedelta(seconds=late_seconds))
        assert waking.rest_seconds(5.0) == pytest.approx(rest_seconds)
    clock.advance(-3600)  # a clock that was put back holds up nobody for longer
    assert waking.rest_seconds(5.0) == longest


async def test_new_order_wakes_the_loop_that_has_the_first_thing_to_do(
    committed_database: Database,
) -> None:
    opening = open_application(
        committed_database,
        bitcoin_descriptor=BIP84_ZPUB,
        esplora_url=("http://127.0.0.1:9/esplora",),
    )
    async with opening as shop, AsyncExitStack() as stack:
        await learn_parameters(committed_database, shop.clock.now())
        buyer = await make_user(committed_database, shop.clock.now())
        told = {
            loop: stack.enter_context(
                shop.resources.notifications.subscribed("assay_orders_due", loop)
            )
            for loop in ("order_creations", "order_looks", "bitcoin_looks")
        }
        for event in told.values():  # from now on others are heard
            await asyncio.wait_for(event.wait(), 20)
        bitcoin = {**ORDER, "payment_coin": "Bitcoin", "payment_network": "BTC"}
        for body, key, woken in (
            (ORDER, {}, "order_creations"),
            (ORDER, {"Idempotency-Key": "k"}, "order_creations"),
            (bitcoin, {}, "bitcoin_looks"),
        ):
            for event in told.values():
                event.clear()
            headers = buyer.headers | key
            answer = await shop.http.post("/api/new_order", json=body, headers=headers)
            assert answer.status_code == 201, answer.text
            assert [loop for loop, event in told.items() if event.is_set()] == [woken]


async def test_look_that_finds_nothing_due_is_one_statement_and_tells_when_something_is(
    harness: WorkerHarness,
) -> None:
    await harness.placed_unpaid()
    await harness.reconciler.drain()
    loops = {loop.name: loop for loop in harness.reconciler.loops()}
    for name, rests in (("order_creations", HOUR), ("order_looks", 5.0)):
        loop = loops[name]
        with statements_sent() as sent:
            assert not await loop.tick()
        assert len(sent) == 1
        assert loop.waking is not None
        loop.waking._notifications._own_pid = 1  # as one that hears others
        assert 0 < loop.waking.rest_seconds(HOUR) <= rests
