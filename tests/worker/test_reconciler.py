"""The reconciler against a real sandbox: the journey, and faults of every kind."""

import asyncio

import pytest

from app.partners import http as http_module
from app.worker.run import reconciler_of
from tests.support.deadlines import hold_deadlines
from tests.support.orders import count
from tests.worker.conftest import WorkerHarness

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


async def test_journey_climbs_each_rung_and_grants_once(harness: WorkerHarness) -> None:
    order_id = await harness.place()
    await harness.work()
    assert (await harness.read(order_id)).status == "TO_BE_CREATED"
    await harness.work(after_seconds=5)
    for rung in ("UNDERPAID", "PAID_UNCONFIRMED", "PAID", "BTC_SENT"):
        await harness.advance(rung)
        assert await harness.balance() == 0
        await harness.work(after_seconds=5)
        assert (await harness.read(order_id)).status == rung
    assert await harness.balance() == 10
    assert await harness.path(order_id) == [
        "TO_BE_CREATED",
        "UNPAID",
        "UNDERPAID",
        "PAID_UNCONFIRMED",
        "PAID",
        "BTC_SENT",
    ]
    assert harness.metric("assay_grants_total") == 1
    assert harness.metric("assay_credits_granted_total") == 10
    polls = await harness.upstream.requests("order_status_query")
    await harness.work(after_seconds=3600)
    assert await harness.upstream.requests("order_status_query") == polls


async def test_ten_orders_are_ten_creations_and_ten_grants(harness: WorkerHarness) -> None:
    """All of them moved at once."""
    placed = [await harness.place(number) for number in range(4, 14)]
    await harness.work()
    await harness.work(after_seconds=5)
    await harness.upstream.press("orders/all/pay")
    await harness.work(after_seconds=5)
    assert {(await harness.read(order_id)).status for order_id in placed} == {"PAID_UNCONFIRMED"}
    await harness.advance("BTC_SENT")
    await harness.work(after_seconds=5)
    assert await harness.upstream.requests("order_create") == 10
    assert await count(harness.database, "ledger_entries", "kind = 'purchase'") == 10
    assert await harness.balance() == 85


async def test_upstream_is_asked_for_the_exact_amount_and_destination(
    harness: WorkerHarness,
) -> None:
    await harness.place(7)
    await harness.work()
    (order,) = await harness.upstream.orders()
    assert (order["btc_amount"], order["btc_dest_address"]) == (
        "0.0035",
        "12Cyjf3qV6qLyXdzpLSLPdRFPUVidvnzFM",
    )


async def test_half_payment_times_out_and_a_late_one_climbs_again(harness: WorkerHarness) -> None:
    order_id = await harness.placed_unpaid()
    await harness.upstream.press("orders/all/pay", amount="0.1")
    await harness.work(after_seconds=5)
    await harness.upstream.press("clock", advance_seconds=901)
    await harness.work(after_seconds=901)
    assert await harness.path(order_id) == ["TO_BE_CREATED", "UNPAID", "UNDERPAID", "TIMED_OUT"]
    assert await harness.balance() == 0
    assert await count(harness.database, "payments", "incoming_amount_total > 0") == 1
    await harness.upstream.press("orders/all/pay", late=True)
    for rung in ("PAID_UNCONFIRMED", "PAID", "BTC_SENT"):
        await harness.work(after_seconds=60)
        assert (await harness.read(order_id)).status == rung
        if rung != "BTC_SENT":
            await harness.upstream.press("orders/all/advance")
    assert await harness.balance() == 10


async def test_timed_out_order_is_looked_at_for_a_day_at_least_every_hour(
    harness: WorkerHarness,
) -> None:
    order_id = await harness.placed_unpaid()
    await harness.upstream.press("orders/all/expire")
    await harness.work(after_seconds=5)
    for _ in range(23):
        polls = await harness.upstream.requests("order_status_query")
        await harness.work(after_seconds=3600)
        assert await harness.upstream.requests("order_status_query") > polls
    assert (await harness.read(order_id)).status == "TIMED_OUT"


async def test_flapping_upstream_grants_once(harness: WorkerHarness) -> None:
    order_id = await harness.placed_unpaid()
    await harness.advance("PAID")
    await harness.work(after_seconds=5)
    for state in ("UNPAID", "PAID", "PAID_UNCONFIRMED", "UNPAID", "BTC_SENT", "UNPAID", "PAID"):
        await harness.advance(state)
        await harness.work(after_seconds=5)
    assert await harness.path(order_id) == ["TO_BE_CREATED", "UNPAID", "PAID", "BTC_SENT"]
    assert ("refused", "illegal_move") in await harness.notes(order_id)
    assert await harness.balance() == 10


async def test_lies_move_nothing_and_are_counted(harness: WorkerHarness) -> None:
    order_id = await harness.placed_unpaid()
    await harness.advance("BTC_SENT")
    for field, lie, reason in LIES:
        counted = harness.metric("assay_reports_refused_total", reason=reason)
        await harness.upstream.press("orders/all/lie", field=field, value=lie)
        await harness.work(after_seconds=5)
        await harness.upstream.press("orders/all/lie", field=field, value=None)
        assert (await harness.read(order_id)).status == "UNPAID"
        assert ("refused", reason) in await harness.notes(order_id)
        assert harness.metric("assay_reports_refused_total", reason=reason) == counted + 1
    assert await harness.balance() == 0
    await harness.work(after_seconds=5)
    assert await harness.balance() == 10


async def test_absurd_amounts_move_nothing(harness: WorkerHarness) -> None:
    order_id = await harness.placed_unpaid()
    await harness.advance("BTC_SENT")
    for lie in (1e308, -0.1, 0):
        await harness.upstream.press("orders/all/lie", field="btc_amount", value=lie)
        await harness.work(after_seconds=5)
        assert (await harness.read(order_id)).status == "UNPAID"
    assert await harness.balance() == 0
    await harness.upstream.press("orders/all/lie", field="btc_amount", value=None)


async def test_equal_amount_as_a_string_is_believed(harness: WorkerHarness) -> None:
    await harness.placed_unpaid()
    await harness.advance("BTC_SENT")
    await harness.upstream.press("orders/all/lie", field="btc_amount", value="0.0050")
    await harness.work(after_seconds=5)
    assert await harness.balance() == 10


async def test_answers_that_are_none_leave_order_and_loop_alive(harness: WorkerHarness) -> None:
    """No wrong move, and the next good answer is used."""
    order_id = await harness.placed_unpaid()
    await harness.advance("BTC_SENT")
    for kind in MALFORMED:
        await harness.upstream.fault(kind, endpoint="order_status_query")
        await harness.work(after_seconds=5)
        assert (await harness.read(order_id)).status == "UNPAID", kind
        assert (await harness.read(order_id)).lease_token is None, kind
    assert set((await harness.upstream.stats())["faults"]) == set(MALFORMED)
    assert await harness.balance() == 0
    await harness.work(after_seconds=5)
    assert (await harness.read(order_id)).status == "BTC_SENT"
    assert await harness.balance() == 10


@pytest.mark.parametrize("kind", ["malformed", "empty", "drop"])
async def test_answer_to_a_creation_that_is_none_shows_one_order_alone(
    harness: WorkerHarness, kind: str
) -> None:
    """The work was done, its answer was lost; the orphan is never shown or paid."""
    order_id = await harness.place()
    await harness.upstream.fault(kind, endpoint="order_create", when="after")
    await harness.work()
    assert (await harness.read(order_id)).status == "TO_BE_CREATED"
    assert await count(harness.database, "payments") == 0
    await harness.work(after_seconds=15)
    await harness.work(after_seconds=5)
    orphan, ours = await harness.upstream.orders()
    assert await count(harness.database, "payments", "uuid = :uuid", uuid=ours["uuid"]) == 1
    assert await count(harness.database, "payments") == 1
    assert orphan["polls"] == 0
    assert (await harness.read(order_id)).status == "UNPAID"


async def test_creation_that_times_out_after_its_work_is_made_again(
    harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    order_id = await harness.place()
    await harness.upstream.fault("timeout", endpoint="order_create")
    with monkeypatch.context() as patch:
        deadlines = hold_deadlines(patch, http_module)
        working = asyncio.create_task(harness.work())
        await harness.until_asked("order_create")
        deadlines.expire()
        await working
    assert (await harness.read(order_id)).lease_token is None
    await harness.work(after_seconds=15)
    assert len(await harness.upstream.orders()) == 2
    assert await count(harness.database, "payments") == 1


async def test_refused_creation_fails_the_order_with_its_reason(harness: WorkerHarness) -> None:
    order_id = await harness.place()
    await harness.upstream.fault("400", endpoint="order_create", code="004")
    await harness.work()
    facts = await harness.read(order_id)
    assert facts.status == "FAILED"
    assert facts.failure_reason == "AEON.to refused the amount of this order"
    await harness.work(after_seconds=3600)
    assert await harness.upstream.requests("order_create") == 1


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
async def test_failed_creation_is_tried_again_and_alarms_when_a_person_is_needed_for_long(
    harness: WorkerHarness, status: str, code: str, alarm: str | None
) -> None:
    order_id = await harness.place()
    await harness.upstream.fault(status, endpoint="order_create", code=code, times=4)
    await harness.work()
    for _ in range(3):
        assert await harness.notes(order_id) == []
        await harness.work(after_seconds=201)
    assert (await harness.read(order_id)).status == "TO_BE_CREATED"
    assert await harness.notes(order_id) == ([("alarm", alarm)] if alarm else [])
    assert harness.metric("assay_alarms_total", kind=alarm or "none") == (1 if alarm else 0)
    await harness.work(after_seconds=15)
    assert await count(harness.database, "payments") == 1


async def test_order_that_is_never_accepted_fails_at_its_deadline(harness: WorkerHarness) -> None:
    order_id = await harness.place()
    await harness.upstream.fault("503", endpoint="order_create", code="008", times=-1)
    await harness.work()
    await harness.work(after_seconds=3600)
    facts = await harness.read(order_id)
    assert (facts.status, facts.failure_reason) == (
        "FAILED",
        "AEON.to did not accept this order in time",
    )


@pytest.mark.parametrize("code", ["001", "007", "008"])
async def test_failing_parameter_query_holds_creations_back_but_never_looks(
    harness: WorkerHarness, code: str
) -> None:
    paid = await harness.placed_unpaid()
    await harness.upstream.fault("503", endpoint="order_parameter_query", code=code)
    await harness.reconciler.refresh_parameters()
    waiting = await harness.place()
    await harness.advance("PAID")
    await harness.work(after_seconds=15)
    assert (await harness.read(paid)).status == "PAID"
    assert await harness.upstream.requests("order_create") == 1
    await harness.reconciler.refresh_parameters()
    await harness.work()
    assert await harness.upstream.requests("order_create") == 2
    assert (await harness.read(waiting)).failure_reason is None


async def test_creations_go_on_when_another_replica_learnt_the_parameters(
    harness: WorkerHarness,
) -> None:
    await harness.upstream.fault("503", endpoint="order_parameter_query", code="008")
    await harness.reconciler.refresh_parameters()
    other = reconciler_of(harness.resources)
    await other.refresh_parameters()
    await harness.reconciler.refresh_parameters()
    assert await harness.upstream.requests("order_parameter_query") == 2
    await harness.place()
    await harness.work()
    assert await harness.upstream.requests("order_create") == 1


async def test_parameters_are_asked_for_when_they_are_half_a_minute_old(
    harness: WorkerHarness,
) -> None:
    for seconds, requests in ((0, 1), (29, 1), (2, 2)):
        harness.clock.leap(seconds)
        await harness.reconciler.refresh_parameters()
        assert await harness.upstream.requests("order_parameter_query") == requests
    assert await count(harness.database, "aeonto_parameters", "upper_limit_btc > 0") == 1


async def test_unusable_parameters_hold_nothing_back(harness: WorkerHarness) -> None:
    await harness.upstream.fault("html", endpoint="order_parameter_query")
    await harness.reconciler.refresh_parameters()
    assert await count(harness.database, "aeonto_parameters") == 0
    await harness.place()
    await harness.work()
    assert await harness.upstream.requests("order_create") == 1


async def test_throttled_look_pauses_the_bucket_for_all_and_moves_nothing(
    harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One probe at a time, and the looks go on once it is answered."""
    monkeypatch.setattr("app.orders.worker.aeonto_rail.TURN_WITHIN_SECONDS", 0.02)
    order_id = await harness.placed_unpaid()
    await harness.advance("PAID")
    await harness.upstream.fault("403", endpoint="order_status_query", code="012", times=1)
    await harness.work(after_seconds=5)
    polls = await harness.upstream.requests("order_status_query")
    await harness.work(after_seconds=60)
    await harness.work(after_seconds=60, reconciler=reconciler_of(harness.resources))
    assert await harness.upstream.requests("order_status_query") == polls
    assert (await harness.read(order_id)).status == "UNPAID"
    assert await harness.notes(order_id) == []
    await harness.place()
    await harness.work()
    assert await harness.upstream.requests("order_create") == 2
    monkeypatch.setattr("app.orders.worker.aeonto_rail.TURN_WITHIN_SECONDS", 3.0)
    await harness.work(after_seconds=5)
    assert (await harness.read(order_id)).status == "PAID"


async def test_order_gone_upstream_is_not_found_only_after_ten_minutes(
    harness: WorkerHarness,
) -> None:
    order_id = await harness.placed_unpaid()
    await harness.upstream.press("orders/all/purge", forget=True)
    for _ in range(3):
        await harness.work(after_seconds=120)
        assert (await harness.read(order_id)).status == "UNPAID"
    await harness.work(after_seconds=601)
    assert (await harness.read(order_id)).status == "NOT_FOUND"


@pytest.mark.parametrize("forget", [True, False], ids=["006", "NOT_FOUND"])
async def test_paid_order_gone_upstream_alarms_and_waits_for_the_operator(
    harness: WorkerHarness, forget: bool
) -> None:
    order_id = await harness.placed_unpaid()
    await harness.advance("PAID")
    await harness.work(after_seconds=5)
    await harness.upstream.press("orders/all/purge", forget=forget)
    for _ in range(4):
        await harness.work(after_seconds=400)
    assert (await harness.read(order_id)).status == "PAID"
    assert ("alarm", "not_found_after_payment") in await harness.notes(order_id)
    assert harness.metric("assay_alarms_total", kind="not_found_after_payment") == 1
