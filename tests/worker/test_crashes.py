"""Crashes between any two steps of the reconciler, several replicas at once, and the slots they share."""

import asyncio
from decimal import Decimal
from functools import partial

import pytest
from structlog.testing import capture_logs

from app.orders.rules.rails import Rail
from app.runtime.db.engine import Database
from app.runtime.rate_limit.rules import Bucket
from app.worker.run import reconciler_of
from tests.support.orders import count, end_leases
from tests.support.sandbox import HeldClock, serving_upstream
from tests.worker.conftest import WorkerHarness, open_stage


async def crash_between_call_and_apply(harness: WorkerHarness, endpoint: str) -> None:
    """Let the worker send its next request, and end it before the answer is applied."""
    await harness.upstream.fault("timeout", endpoint=endpoint, when="after")
    asked = await harness.upstream.requests(endpoint)
    await harness.reconciler.create_next()
    await harness.reconciler.poll_next(Rail.AEONTO)
    await harness.until_asked(endpoint, asked + 1)
    for task in list(harness.reconciler._in_flight):
        task.cancel()
    await harness.reconciler.drain()


async def test_order_of_a_dead_replica_is_granted_by_another_once(harness: WorkerHarness) -> None:
    """BTC_SENT was seen, and the process died before it granted."""
    order_id = await harness.placed_unpaid()
    await harness.advance("BTC_SENT")
    harness.clock.leap(5)
    await crash_between_call_and_apply(harness, "order_status_query")
    held = await harness.read(order_id)
    assert (held.status, held.lease_token is None) == ("UNPAID", False)
    survivor = reconciler_of(harness.resources)
    await harness.work(after_seconds=60, reconciler=survivor)
    assert (await harness.read(order_id)).status == "UNPAID"
    await end_leases(harness.database)
    await harness.work(reconciler=survivor)
    assert (await harness.read(order_id)).status == "BTC_SENT"
    assert await harness.balance() == 10


async def test_creation_of_a_dead_replica_costs_one_orphan_that_nobody_saw(
    harness: WorkerHarness,
) -> None:
    """The process died between the call and its application."""
    order_id = await harness.place()
    await crash_between_call_and_apply(harness, "order_create")
    survivor = reconciler_of(harness.resources)
    await harness.work(after_seconds=1, reconciler=survivor)
    assert len(await harness.upstream.orders()) == 1
    await end_leases(harness.database)
    await harness.work(reconciler=survivor)
    await harness.work(after_seconds=5, reconciler=survivor)
    orphan, ours = await harness.upstream.orders()
    assert (await harness.read(order_id)).status == "UNPAID"
    assert (orphan["polls"], ours["polls"]) == (0, 1)
    assert await count(harness.database, "payments", "uuid = :uuid", uuid=ours["uuid"]) == 1


async def test_three_replicas_grant_each_of_nine_orders_once(harness: WorkerHarness) -> None:
    for _ in range(9):
        await harness.place()
    await harness.work()
    await harness.advance("BTC_SENT")
    harness.clock.leap(5)
    replicas = [reconciler_of(harness.resources) for _ in range(3)]
    await asyncio.gather(*(harness.work(reconciler=replica) for replica in replicas))
    assert await count(harness.database, "ledger_entries", "kind = 'purchase'") == 9
    assert await harness.balance() == 90
    assert harness.metric("assay_grants_total") == 9


async def test_late_answer_after_the_lease_was_taken_over_is_thrown_away(
    harness: WorkerHarness, held: HeldClock
) -> None:
    order_id = await harness.placed_unpaid()
    await harness.advance("BTC_SENT")
    await harness.upstream.fault("timeout", endpoint="order_status_query")
    asked = await harness.upstream.requests("order_status_query")
    harness.clock.leap(5)
    await harness.reconciler.poll_next(Rail.AEONTO)
    await harness.until_asked("order_status_query", asked + 1)
    await end_leases(harness.database)
    await harness.work(reconciler=reconciler_of(harness.resources))
    assert (await harness.read(order_id)).status == "BTC_SENT"
    held.wake()
    with capture_logs() as logs:
        await harness.reconciler.drain()
    assert [line["event"] for line in logs] == ["lease_lost"]
    assert await harness.balance() == 10


async def test_fault_in_one_job_stops_neither_the_others_nor_the_loop(
    harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = await harness.place()

    def fail(*_args: object) -> None:
        raise RuntimeError("a bug")

    with monkeypatch.context() as patched, capture_logs() as logs:
        patched.setattr("app.orders.rules.transition_aeonto.transition", fail)
        await harness.work()
    assert [line["event"] for line in logs] == ["job_failed", "alarm"]
    other = await harness.place()
    await harness.work()
    assert (await harness.read(other)).lease_token is None
    assert await count(harness.database, "payments", "order_id = :order", order=other) == 1
    await harness.work(after_seconds=15)
    assert await count(harness.database, "payments", "order_id = :order", order=broken) == 1


# Slots


async def test_no_slot_means_no_claim(
    harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.orders.worker.aeonto_rail.TURN_WITHIN_SECONDS", 0.02)
    order_id = await harness.place()
    slot = await harness.resources.pace.reserve(Bucket.ORDER_CREATE, within_seconds=1)
    parameters = await harness.resources.pace.reserve(Bucket.ORDER_PARAMETERS, within_seconds=1)
    assert slot is not None
    assert parameters is not None
    await harness.resources.pace.throttled(slot)
    await harness.resources.pace.throttled(parameters)
    assert not await harness.reconciler.create_next()
    assert not await harness.reconciler.refresh_parameters()
    assert (await harness.read(order_id)).lease_token is None
    assert await harness.upstream.requests("order_create") == 0
    assert await harness.upstream.requests("order_parameter_query") == 0


@pytest.mark.parametrize("what", ["creation", "poll"])
async def test_slot_of_an_order_that_another_took_meanwhile_is_given_back(
    harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    await harness.placed_unpaid()
    await harness.place()
    harness.clock.leap(5)

    async def gone(*_args: object, **_named: object) -> None:
        return None

    monkeypatch.setattr(f"app.orders.leases.claim_{what}", gone)
    kept = "SELECT count(*) FROM upstream_limits, jsonb_array_elements(slots)"
    before = await count(harness.database, f"({kept}) AS kept", "count > 0")
    reconciler = harness.reconciler
    poll_next = partial(reconciler.poll_next, Rail.AEONTO)
    tick = reconciler.create_next if what == "creation" else poll_next
    assert not await tick()
    assert await count(harness.database, f"({kept}) AS kept", "count > 0") == before
    monkeypatch.undo()


async def test_real_limits_are_kept_without_a_single_012(committed_database: Database) -> None:
    async with (
        serving_upstream(rate_scale=Decimal(1)) as upstream,
        open_stage(committed_database, upstream, rate_scale=Decimal(1)) as harness,
    ):
        for _ in range(4):
            await harness.place()
        await harness.work()
        await harness.work(after_seconds=5)
        stats = await upstream.stats()
    looks = stats["endpoints"]["order_status_query"]
    assert (looks["requests"], looks["largest_window"], looks["refused_012"]) == (4, 3, 0)
    assert stats["endpoints"]["order_create"]["largest_window"] == 4
    assert stats["over_limit"] == 0


async def test_drain_cuts_off_what_takes_too_long(
    harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    order_id = await harness.placed_unpaid()
    await harness.upstream.fault("timeout", endpoint="order_status_query")
    harness.clock.leap(5)
    await harness.reconciler.poll_next(Rail.AEONTO)
    monkeypatch.setattr("app.orders.worker.reconciler._DRAIN_SECONDS", 0.02)
    await harness.reconciler.drain()
    assert (await harness.read(order_id)).lease_token is not None
    harness.clock.leap(30)
