"""The reconciler against a real sandbox: the journey, faults of every kind, crashes in between."""

import asyncio
from decimal import Decimal

import pytest
from structlog.testing import capture_logs

from app.db.engine import Database
from app.domain.pace import Bucket
from app.services import order_leases
from app.worker.reconciler import Reconciler
from tests.support.orders import count
from tests.support.sandbox import serving_upstream
from tests.worker.conftest import Stage, open_stage

LIES = (
    ("btc_dest_address", "1BoatSLRHtKNngkdXEeobR76b53LETtpyT", "mismatch_btc_dest_address"),
    ("btc_amount", 0.0005, "mismatch_btc_amount"),
    ("btc_amount", 0.05, "mismatch_btc_amount"),
    ("btc_amount", "0.00500001", "mismatch_btc_amount"),
    ("uuid", "another", "mismatch_uuid"),
    ("state", "SETTLED", "unknown_state"),
)
MALFORMED = (
    "html",
    "empty",
    "malformed",
    "nan",
    "negative",
    "dupkeys",
    "deep",
    "invalidutf8",
    "huge",
    "drop",
    "reset",
    "500",
)


async def test_journey_climbs_each_rung_and_grants_once(stage: Stage) -> None:
    order_id = await stage.place()
    await stage.work()
    assert (await stage.read(order_id)).status == "TO_BE_CREATED"
    await stage.work(after_seconds=5)
    for rung in ("UNDERPAID", "PAID_UNCONFIRMED", "PAID", "BTC_SENT"):
        await stage.advance(rung)
        assert await stage.balance() == 0
        await stage.work(after_seconds=5)
        assert (await stage.read(order_id)).status == rung
    assert await stage.balance() == 10
    assert await stage.path(order_id) == [
        "TO_BE_CREATED",
        "UNPAID",
        "UNDERPAID",
        "PAID_UNCONFIRMED",
        "PAID",
        "BTC_SENT",
    ]
    assert stage.metric("assay_grants_total") == 1
    assert stage.metric("assay_credits_granted_total") == 10
    polls = await stage.upstream.requests("order_status_query")
    await stage.work(after_seconds=3600)
    assert await stage.upstream.requests("order_status_query") == polls


async def test_ten_orders_are_ten_creations_and_ten_grants(stage: Stage) -> None:
    """R01, all of them moved at once."""
    placed = [await stage.place(number) for number in range(4, 14)]
    await stage.work()
    await stage.work(after_seconds=5)
    await stage.upstream.press("orders/all/pay")
    await stage.work(after_seconds=5)
    assert {(await stage.read(order_id)).status for order_id in placed} == {"PAID_UNCONFIRMED"}
    await stage.advance("BTC_SENT")
    await stage.work(after_seconds=5)
    assert await stage.upstream.requests("order_create") == 10
    assert await count(stage.database, "ledger_entries", "kind = 'purchase'") == 10
    assert await stage.balance() == 85


async def test_upstream_is_asked_for_the_exact_amount_and_destination(stage: Stage) -> None:
    await stage.place(7)
    await stage.work()
    (order,) = await stage.upstream.orders()
    assert (order["btc_amount"], order["btc_dest_address"]) == (
        "0.0035",
        "12Cyjf3qV6qLyXdzpLSLPdRFPUVidvnzFM",
    )


async def test_half_payment_times_out_and_a_late_one_climbs_again(stage: Stage) -> None:
    """R08 and R09."""
    order_id = await stage.placed_unpaid()
    await stage.upstream.press("orders/all/pay", amount="0.1")
    await stage.work(after_seconds=5)
    await stage.upstream.press("clock", advance_seconds=901)
    await stage.work(after_seconds=901)
    assert await stage.path(order_id) == ["TO_BE_CREATED", "UNPAID", "UNDERPAID", "TIMED_OUT"]
    assert await stage.balance() == 0
    assert await count(stage.database, "payments", "incoming_amount_total > 0") == 1
    await stage.upstream.press("orders/all/pay", late=True)
    for rung in ("PAID_UNCONFIRMED", "PAID", "BTC_SENT"):
        await stage.work(after_seconds=60)
        assert (await stage.read(order_id)).status == rung
        if rung != "BTC_SENT":
            await stage.upstream.press("orders/all/advance")
    assert await stage.balance() == 10


async def test_timed_out_order_is_looked_at_for_a_day_at_least_every_hour(stage: Stage) -> None:
    order_id = await stage.placed_unpaid()
    await stage.upstream.press("orders/all/expire")
    await stage.work(after_seconds=5)
    for _ in range(23):
        polls = await stage.upstream.requests("order_status_query")
        await stage.work(after_seconds=3600)
        assert await stage.upstream.requests("order_status_query") > polls
    assert (await stage.read(order_id)).status == "TIMED_OUT"


async def test_flapping_upstream_grants_once(stage: Stage) -> None:
    """R10."""
    order_id = await stage.placed_unpaid()
    await stage.advance("PAID")
    await stage.work(after_seconds=5)
    for state in ("UNPAID", "PAID", "PAID_UNCONFIRMED", "UNPAID", "BTC_SENT", "UNPAID", "PAID"):
        await stage.advance(state)
        await stage.work(after_seconds=5)
    assert await stage.path(order_id) == ["TO_BE_CREATED", "UNPAID", "PAID", "BTC_SENT"]
    assert ("refused", "illegal_move") in await stage.notes(order_id)
    assert await stage.balance() == 10


async def test_lies_move_nothing_and_are_counted(stage: Stage) -> None:
    """R11."""
    order_id = await stage.placed_unpaid()
    await stage.advance("BTC_SENT")
    for field, lie, reason in LIES:
        counted = stage.metric("assay_reports_refused_total", reason=reason)
        await stage.upstream.press("orders/all/lie", field=field, value=lie)
        await stage.work(after_seconds=5)
        await stage.upstream.press("orders/all/lie", field=field, value=None)
        assert (await stage.read(order_id)).status == "UNPAID"
        assert ("refused", reason) in await stage.notes(order_id)
        assert stage.metric("assay_reports_refused_total", reason=reason) == counted + 1
    assert await stage.balance() == 0
    await stage.work(after_seconds=5)
    assert await stage.balance() == 10


async def test_absurd_amounts_move_nothing(stage: Stage) -> None:
    order_id = await stage.placed_unpaid()
    await stage.advance("BTC_SENT")
    for lie in (1e308, -0.1, 0):
        await stage.upstream.press("orders/all/lie", field="btc_amount", value=lie)
        await stage.work(after_seconds=5)
        assert (await stage.read(order_id)).status == "UNPAID"
    assert await stage.balance() == 0
    await stage.upstream.press("orders/all/lie", field="btc_amount", value=None)


async def test_equal_amount_as_a_string_is_believed(stage: Stage) -> None:
    await stage.placed_unpaid()
    await stage.advance("BTC_SENT")
    await stage.upstream.press("orders/all/lie", field="btc_amount", value="0.0050")
    await stage.work(after_seconds=5)
    assert await stage.balance() == 10


async def test_answers_that_are_none_leave_order_and_loop_alive(stage: Stage) -> None:
    """R12: no wrong move, and the next good answer is used."""
    order_id = await stage.placed_unpaid()
    await stage.advance("BTC_SENT")
    for kind in MALFORMED:
        await stage.upstream.fault(kind, endpoint="order_status_query")
        await stage.work(after_seconds=5)
        assert (await stage.read(order_id)).status == "UNPAID", kind
        assert (await stage.read(order_id)).lease_token is None, kind
    assert set((await stage.upstream.stats())["faults"]) == set(MALFORMED)
    assert await stage.balance() == 0
    await stage.work(after_seconds=5)
    assert (await stage.read(order_id)).status == "BTC_SENT"
    assert await stage.balance() == 10


@pytest.mark.parametrize("kind", ["malformed", "empty", "drop"])
async def test_answer_to_a_creation_that_is_none_shows_one_order_alone(
    stage: Stage, kind: str
) -> None:
    """R02 and R12: the work was done, its answer was lost; the orphan is never shown or paid."""
    order_id = await stage.place()
    await stage.upstream.fault(kind, endpoint="order_create", when="after")
    await stage.work()
    assert (await stage.read(order_id)).status == "TO_BE_CREATED"
    assert await count(stage.database, "payments") == 0
    await stage.work(after_seconds=15)
    await stage.work(after_seconds=5)
    orphan, ours = await stage.upstream.orders()
    assert await count(stage.database, "payments", "uuid = :uuid", uuid=ours["uuid"]) == 1
    assert await count(stage.database, "payments") == 1
    assert orphan["polls"] == 0
    assert (await stage.read(order_id)).status == "UNPAID"


async def test_creation_that_times_out_after_its_work_is_made_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.aeonto.client.CALL_DEADLINE_SECONDS", 0.1)
    order_id = await stage.place()
    await stage.upstream.fault("timeout", endpoint="order_create", seconds=0.5)
    await stage.work()
    assert (await stage.read(order_id)).lease_token is None
    monkeypatch.setattr("app.aeonto.client.CALL_DEADLINE_SECONDS", 5)
    await stage.work(after_seconds=15)
    assert len(await stage.upstream.orders()) == 2
    assert await count(stage.database, "payments") == 1


async def test_refused_creation_fails_the_order_with_its_reason(stage: Stage) -> None:
    order_id = await stage.place()
    await stage.upstream.fault("400", endpoint="order_create", code="004")
    await stage.work()
    facts = await stage.read(order_id)
    assert facts.status == "FAILED"
    assert facts.failure_reason == "AEON.to refused the amount of this order"
    await stage.work(after_seconds=3600)
    assert await stage.upstream.requests("order_create") == 1


@pytest.mark.parametrize(
    ("status", "code", "alarm"),
    [
        ("503", "001", None),
        ("503", "007", None),
        ("503", "008", None),
        ("400", "002", "aeonto_MalformedBitcoinAddress"),
        ("400", "005", "aeonto_UnexpectedValidationError"),
        ("403", "002", "aeonto_Forbidden"),
        ("403", "none", "aeonto_Forbidden"),
        ("400", "099", "aeonto_UnknownFailure"),
    ],
)
async def test_failed_creation_is_tried_again_and_alarms_where_a_person_is_needed(
    stage: Stage, status: str, code: str, alarm: str | None
) -> None:
    order_id = await stage.place()
    await stage.upstream.fault(status, endpoint="order_create", code=code, times=2)
    await stage.work()
    await stage.work(after_seconds=15)
    assert (await stage.read(order_id)).status == "TO_BE_CREATED"
    assert await stage.notes(order_id) == ([("alarm", alarm)] if alarm else [])
    assert stage.metric("assay_alarms_total", kind=alarm or "none") == (2 if alarm else 0)
    await stage.work(after_seconds=15)
    assert await count(stage.database, "payments") == 1


async def test_order_that_is_never_accepted_fails_at_its_deadline(stage: Stage) -> None:
    order_id = await stage.place()
    await stage.upstream.fault("503", endpoint="order_create", code="008", times=-1)
    await stage.work()
    await stage.work(after_seconds=3600)
    facts = await stage.read(order_id)
    assert (facts.status, facts.failure_reason) == (
        "FAILED",
        "AEON.to did not accept this order in time",
    )


@pytest.mark.parametrize("code", ["001", "007", "008"])
async def test_failing_parameter_query_holds_creations_back_but_never_looks(
    stage: Stage, code: str
) -> None:
    paid = await stage.placed_unpaid()
    await stage.upstream.fault("503", endpoint="order_parameter_query", code=code)
    await stage.reconciler.refresh_parameters()
    waiting = await stage.place()
    await stage.advance("PAID")
    await stage.work(after_seconds=15)
    assert (await stage.read(paid)).status == "PAID"
    assert await stage.upstream.requests("order_create") == 1
    await stage.reconciler.refresh_parameters()
    await stage.work()
    assert await stage.upstream.requests("order_create") == 2
    assert (await stage.read(waiting)).failure_reason is None


async def test_creations_go_on_when_another_replica_learnt_the_parameters(stage: Stage) -> None:
    await stage.upstream.fault("503", endpoint="order_parameter_query", code="008")
    await stage.reconciler.refresh_parameters()
    other = Reconciler(stage.resources)
    await other.refresh_parameters()
    await stage.reconciler.refresh_parameters()
    assert await stage.upstream.requests("order_parameter_query") == 2
    await stage.place()
    await stage.work()
    assert await stage.upstream.requests("order_create") == 1


async def test_parameters_are_asked_for_when_they_are_half_a_minute_old(stage: Stage) -> None:
    for seconds, requests in ((0, 1), (29, 1), (2, 2)):
        stage.clock.leap(seconds)
        await stage.reconciler.refresh_parameters()
        assert await stage.upstream.requests("order_parameter_query") == requests
    assert await count(stage.database, "aeonto_parameters", "upper_limit_btc > 0") == 1


async def test_unusable_parameters_hold_nothing_back(stage: Stage) -> None:
    await stage.upstream.fault("html", endpoint="order_parameter_query")
    await stage.reconciler.refresh_parameters()
    assert await count(stage.database, "aeonto_parameters") == 0
    await stage.place()
    await stage.work()
    assert await stage.upstream.requests("order_create") == 1


async def test_throttled_look_pauses_the_bucket_for_all_and_moves_nothing(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R14: one probe at a time, and the looks go on once it is answered."""
    monkeypatch.setattr("app.worker.reconciler._SLOT_WAIT_SECONDS", 0.02)
    order_id = await stage.placed_unpaid()
    await stage.advance("PAID")
    await stage.upstream.fault("403", endpoint="order_status_query", code="012", times=1)
    await stage.work(after_seconds=5)
    polls = await stage.upstream.requests("order_status_query")
    await stage.work(after_seconds=60)
    await stage.work(after_seconds=60, reconciler=Reconciler(stage.resources))
    assert await stage.upstream.requests("order_status_query") == polls
    assert (await stage.read(order_id)).status == "UNPAID"
    assert await stage.notes(order_id) == []
    await stage.place()
    await stage.work()
    assert await stage.upstream.requests("order_create") == 2
    monkeypatch.setattr("app.worker.reconciler._SLOT_WAIT_SECONDS", 3.0)
    await stage.work(after_seconds=5)
    assert (await stage.read(order_id)).status == "PAID"


async def test_order_gone_upstream_is_not_found_only_after_ten_minutes(stage: Stage) -> None:
    order_id = await stage.placed_unpaid()
    await stage.upstream.press("orders/all/purge", forget=True)
    for _ in range(3):
        await stage.work(after_seconds=120)
        assert (await stage.read(order_id)).status == "UNPAID"
    await stage.work(after_seconds=601)
    assert (await stage.read(order_id)).status == "NOT_FOUND"


@pytest.mark.parametrize("forget", [True, False], ids=["006", "NOT_FOUND"])
async def test_paid_order_gone_upstream_alarms_and_waits_for_the_operator(
    stage: Stage, forget: bool
) -> None:
    order_id = await stage.placed_unpaid()
    await stage.advance("PAID")
    await stage.work(after_seconds=5)
    await stage.upstream.press("orders/all/purge", forget=forget)
    for _ in range(4):
        await stage.work(after_seconds=400)
    assert (await stage.read(order_id)).status == "PAID"
    assert ("alarm", "not_found_after_payment") in await stage.notes(order_id)
    assert stage.metric("assay_alarms_total", kind="not_found_after_payment") == 4


# Crashes


async def crash_between_call_and_apply(stage: Stage, endpoint: str) -> None:
    """Let the worker send its next request, and end it before the answer is applied."""
    await stage.upstream.fault("timeout", endpoint=endpoint, when="after", seconds=0.3)
    asked = await stage.upstream.requests(endpoint)
    await stage.reconciler.create_next()
    await stage.reconciler.look_next()
    for _ in range(200):
        if await stage.upstream.requests(endpoint) > asked:
            break
        await asyncio.sleep(0.005)
    for task in list(stage.reconciler._in_flight):
        task.cancel()
    await stage.reconciler.drain()


async def test_order_of_a_dead_replica_is_granted_by_another_once(stage: Stage) -> None:
    """R03: BTC_SENT was seen, and the process died before it granted."""
    order_id = await stage.placed_unpaid()
    await stage.advance("BTC_SENT")
    stage.clock.leap(5)
    await crash_between_call_and_apply(stage, "order_status_query")
    held = await stage.read(order_id)
    assert (held.status, held.lease_token is None) == ("UNPAID", False)
    survivor = Reconciler(stage.resources)
    await stage.work(after_seconds=order_leases.LEASE.total_seconds() - 1, reconciler=survivor)
    assert (await stage.read(order_id)).status == "UNPAID"
    await stage.work(after_seconds=2, reconciler=survivor)
    assert (await stage.read(order_id)).status == "BTC_SENT"
    assert await stage.balance() == 10


async def test_creation_of_a_dead_replica_costs_one_orphan_that_nobody_saw(stage: Stage) -> None:
    """R02: the process died between the call and its application."""
    order_id = await stage.place()
    await crash_between_call_and_apply(stage, "order_create")
    survivor = Reconciler(stage.resources)
    await stage.work(after_seconds=1, reconciler=survivor)
    assert len(await stage.upstream.orders()) == 1
    await stage.work(after_seconds=order_leases.LEASE.total_seconds(), reconciler=survivor)
    await stage.work(after_seconds=5, reconciler=survivor)
    orphan, ours = await stage.upstream.orders()
    assert (await stage.read(order_id)).status == "UNPAID"
    assert (orphan["polls"], ours["polls"]) == (0, 1)
    assert await count(stage.database, "payments", "uuid = :uuid", uuid=ours["uuid"]) == 1


async def test_three_replicas_grant_each_of_nine_orders_once(stage: Stage) -> None:
    """R04."""
    for _ in range(9):
        await stage.place()
    await stage.work()
    await stage.advance("BTC_SENT")
    stage.clock.leap(5)
    replicas = [Reconciler(stage.resources) for _ in range(3)]
    await asyncio.gather(*(stage.work(reconciler=replica) for replica in replicas))
    assert await count(stage.database, "ledger_entries", "kind = 'purchase'") == 9
    assert await stage.balance() == 90
    assert stage.metric("assay_grants_total") == 9


async def test_late_answer_after_the_lease_was_taken_over_is_thrown_away(stage: Stage) -> None:
    order_id = await stage.placed_unpaid()
    await stage.advance("BTC_SENT")
    await stage.upstream.fault("timeout", endpoint="order_status_query", seconds=0.3)
    stage.clock.leap(5)
    await stage.reconciler.look_next()
    await stage.work(
        after_seconds=order_leases.LEASE.total_seconds() + 1,
        reconciler=Reconciler(stage.resources),
    )
    assert (await stage.read(order_id)).status == "BTC_SENT"
    with capture_logs() as logs:
        await stage.reconciler.drain()
    assert [line["event"] for line in logs] == ["lease_lost"]
    assert await stage.balance() == 10


async def test_fault_in_one_job_stops_neither_the_others_nor_the_loop(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = await stage.place()

    async def fail(*_args: object, **_named: object) -> None:
        raise RuntimeError("a bug")

    with monkeypatch.context() as patched, capture_logs() as logs:
        patched.setattr("app.services.reconcile.apply_created", fail)
        await stage.work()
    assert [line["event"] for line in logs] == ["job_failed"]
    other = await stage.place()
    await stage.work()
    assert (await stage.read(other)).lease_token is None
    assert await count(stage.database, "payments", "order_id = :order", order=other) == 1
    await stage.work(after_seconds=order_leases.LEASE.total_seconds() + 1)
    assert await count(stage.database, "payments", "order_id = :order", order=broken) == 1


# Slots


async def test_no_slot_means_no_claim(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.worker.reconciler._SLOT_WAIT_SECONDS", 0.02)
    order_id = await stage.place()
    slot = await stage.resources.pace.reserve(Bucket.ORDER_CREATE, within_seconds=1)
    parameters = await stage.resources.pace.reserve(Bucket.ORDER_PARAMETERS, within_seconds=1)
    assert slot is not None
    assert parameters is not None
    await stage.resources.pace.throttled(slot)
    await stage.resources.pace.throttled(parameters)
    assert not await stage.reconciler.create_next()
    assert not await stage.reconciler.refresh_parameters()
    assert (await stage.read(order_id)).lease_token is None
    assert await stage.upstream.requests("order_create") == 0
    assert await stage.upstream.requests("order_parameter_query") == 0


@pytest.mark.parametrize("what", ["creation", "look"])
async def test_slot_of_an_order_that_another_took_meanwhile_is_given_back(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    await stage.placed_unpaid()
    await stage.place()
    stage.clock.leap(5)

    async def gone(*_args: object) -> None:
        return None

    monkeypatch.setattr(f"app.services.order_leases.claim_{what}", gone)
    kept = "SELECT count(*) FROM upstream_limits, jsonb_array_elements(slots)"
    before = await count(stage.database, f"({kept}) AS kept", "count > 0")
    tick = stage.reconciler.create_next if what == "creation" else stage.reconciler.look_next
    assert not await tick()
    assert await count(stage.database, f"({kept}) AS kept", "count > 0") == before
    monkeypatch.undo()


async def test_real_limits_are_kept_without_a_single_012(committed_database: Database) -> None:
    async with (
        serving_upstream(rate_scale=Decimal(1)) as upstream,
        open_stage(committed_database, upstream, rate_scale=Decimal(1)) as stage,
    ):
        for _ in range(4):
            await stage.place()
        await stage.work()
        await stage.work(after_seconds=5)
        stats = await upstream.stats()
    looks = stats["endpoints"]["order_status_query"]
    assert (looks["requests"], looks["largest_window"], looks["refused_012"]) == (4, 3, 0)
    assert stats["endpoints"]["order_create"]["largest_window"] == 4
    assert stats["over_limit"] == 0


async def test_drain_cuts_off_what_takes_too_long(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    order_id = await stage.placed_unpaid()
    await stage.upstream.fault("timeout", endpoint="order_status_query", seconds=0.5)
    stage.clock.leap(5)
    await stage.reconciler.look_next()
    monkeypatch.setattr("app.worker.reconciler._DRAIN_SECONDS", 0.02)
    await stage.reconciler.drain()
    assert (await stage.read(order_id)).lease_token is not None
    stage.clock.leap(30)
