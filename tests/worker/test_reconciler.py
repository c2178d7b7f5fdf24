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


async def test_journey_climbs_each_rung_and_grants_once(stage: WorkerHarness) -> None:
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


async def test_ten_orders_are_ten_creations_and_ten_grants(stage: WorkerHarness) -> None:
    """All of them moved at once."""
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


async def test_upstream_is_asked_for_the_exact_amount_and_destination(stage: WorkerHarness) -> None:
    await stage.place(7)
    await stage.work()
    (order,) = await stage.upstream.orders()
    assert (order["btc_amount"], order["btc_dest_address"]) == (
        "0.0035",
        "12Cyjf3qV6qLyXdzpLSLPdRFPUVidvnzFM",
    )


async def test_half_payment_times_out_and_a_late_one_climbs_again(stage: WorkerHarness) -> None:
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


async def test_timed_out_order_is_looked_at_for_a_day_at_least_every_hour(
    stage: WorkerHarness,
) -> None:
    order_id = await stage.placed_unpaid()
    await stage.upstream.press("orders/all/expire")
    await stage.work(after_seconds=5)
    for _ in range(23):
        polls = await stage.upstream.requests("order_status_query")
        await stage.work(after_seconds=3600)
        assert await stage.upstream.requests("order_status_query") > polls
    assert (await stage.read(order_id)).status == "TIMED_OUT"


async def test_flapping_upstream_grants_once(stage: WorkerHarness) -> None:
    order_id = await stage.placed_unpaid()
    await stage.advance("PAID")
    await stage.work(after_seconds=5)
    for state in ("UNPAID", "PAID", "PAID_UNCONFIRMED", "UNPAID", "BTC_SENT", "UNPAID", "PAID"):
        await stage.advance(state)
        await stage.work(after_seconds=5)
    assert await stage.path(order_id) == ["TO_BE_CREATED", "UNPAID", "PAID", "BTC_SENT"]
    assert ("refused", "illegal_move") in await stage.notes(order_id)
    assert await stage.balance() == 10


async def test_lies_move_nothing_and_are_counted(stage: WorkerHarness) -> None:
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


async def test_absurd_amounts_move_nothing(stage: WorkerHarness) -> None:
    order_id = await stage.placed_unpaid()
    await stage.advance("BTC_SENT")
    for lie in (1e308, -0.1, 0):
        await stage.upstream.press("orders/all/lie", field="btc_amount", value=lie)
        await stage.work(after_seconds=5)
        assert (await stage.read(order_id)).status == "UNPAID"
    assert await stage.balance() == 0
    await stage.upstream.press("orders/all/lie", field="btc_amount", value=None)


async def test_equal_amount_as_a_string_is_believed(stage: WorkerHarness) -> None:
    await stage.placed_unpaid()
    await stage.advance("BTC_SENT")
    await stage.upstream.press("orders/all/lie", field="btc_amount", value="0.0050")
    await stage.work(after_seconds=5)
    assert await stage.balance() == 10


async def test_answers_that_are_none_leave_order_and_loop_alive(stage: WorkerHarness) -> None:
    """No wrong move, and the next good answer is used."""
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
    stage: WorkerHarness, kind: str
) -> None:
    """The work was done, its answer was lost; the orphan is never shown or paid."""
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
    stage: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    order_id = await stage.place()
    await stage.upstream.fault("timeout", endpoint="order_create")
    with monkeypatch.context() as patch:
        deadlines = hold_deadlines(patch, http_module)
        working = asyncio.create_task(stage.work())
        await stage.until_asked("order_create")
        deadlines.expire()
        await working
    assert (await stage.read(order_id)).lease_token is None
    await stage.work(after_seconds=15)
    assert len(await stage.upstream.orders()) == 2
    assert await count(stage.database, "payments") == 1


async def test_refused_creation_fails_the_order_with_its_reason(stage: WorkerHarness) -> None:
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
async def test_failed_creation_is_tried_again_and_alarms_when_a_person_is_needed_for_long(
    stage: WorkerHarness, status: str, code: str, alarm: str | None
) -> None:
    order_id = await stage.place()
    await stage.upstream.fault(status, endpoint="order_create", code=code, times=4)
    await stage.work()
    for _ in range(3):
        assert await stage.notes(order_id) == []
        await stage.work(after_seconds=201)
    assert (await stage.read(order_id)).status == "TO_BE_CREATED"
    assert await stage.notes(order_id) == ([("alarm", alarm)] if alarm else [])
    assert stage.metric("assay_alarms_total", kind=alarm or "none") == (1 if alarm else 0)
    await stage.work(after_seconds=15)
    assert await count(stage.database, "payments") == 1


async def test_order_that_is_never_accepted_fails_at_its_deadline(stage: WorkerHarness) -> None:
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
    stage: WorkerHarness, code: str
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


async def test_creations_go_on_when_another_replica_learnt_the_parameters(
    stage: WorkerHarness,
) -> None:
    await stage.upstream.fault("503", endpoint="order_parameter_query", code="008")
    await stage.reconciler.refresh_parameters()
    other = reconciler_of(stage.resources)
    await other.refresh_parameters()
    await stage.reconciler.refresh_parameters()
    assert await stage.upstream.requests("order_parameter_query") == 2
    await stage.place()
    await stage.work()
    assert await stage.upstream.requests("order_create") == 1


async def test_parameters_are_asked_for_when_they_are_half_a_minute_old(
    stage: WorkerHarness,
) -> None:
    for seconds, requests in ((0, 1), (29, 1), (2, 2)):
        stage.clock.leap(seconds)
        await stage.reconciler.refresh_parameters()
        assert await stage.upstream.requests("order_parameter_query") == requests
    assert await count(stage.database, "aeonto_parameters", "upper_limit_btc > 0") == 1


async def test_unusable_parameters_hold_nothing_back(stage: WorkerHarness) -> None:
    await stage.upstream.fault("html", endpoint="order_parameter_query")
    await stage.reconciler.refresh_parameters()
    assert await count(stage.database, "aeonto_parameters") == 0
    await stage.place()
    await stage.work()
    assert await stage.upstream.requests("order_create") == 1


async def test_throttled_look_pauses_the_bucket_for_all_and_moves_nothing(
    stage: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One probe at a time, and the looks go on once it is answered."""
    monkeypatch.setattr("app.orders.worker.aeonto_rail.TURN_WITHIN_SECONDS", 0.02)
    order_id = await stage.placed_unpaid()
    await stage.advance("PAID")
    await stage.upstream.fault("403", endpoint="order_status_query", code="012", times=1)
    await stage.work(after_seconds=5)
    polls = await stage.upstream.requests("order_status_query")
    await stage.work(after_seconds=60)
    await stage.work(after_seconds=60, reconciler=reconciler_of(stage.resources))
    assert await stage.upstream.requests("order_status_query") == polls
    assert (await stage.read(order_id)).status == "UNPAID"
    assert await stage.notes(order_id) == []
    await stage.place()
    await stage.work()
    assert await stage.upstream.requests("order_create") == 2
    monkeypatch.setattr("app.orders.worker.aeonto_rail.TURN_WITHIN_SECONDS", 3.0)
    await stage.work(after_seconds=5)
    assert (await stage.read(order_id)).status == "PAID"


async def test_order_gone_upstream_is_not_found_only_after_ten_minutes(
    stage: WorkerHarness,
) -> None:
    order_id = await stage.placed_unpaid()
    await stage.upstream.press("orders/all/purge", forget=True)
    for _ in range(3):
        await stage.work(after_seconds=120)
        assert (await stage.read(order_id)).status == "UNPAID"
    await stage.work(after_seconds=601)
    assert (await stage.read(order_id)).status == "NOT_FOUND"


@pytest.mark.parametrize("forget", [True, False], ids=["006", "NOT_FOUND"])
async def test_paid_order_gone_upstream_alarms_and_waits_for_the_operator(
    stage: WorkerHarness, forget: bool
) -> None:
    order_id = await stage.placed_unpaid()
    await stage.advance("PAID")
    await stage.work(after_seconds=5)
    await stage.upstream.press("orders/all/purge", forget=forget)
    for _ in range(4):
        await stage.work(after_seconds=400)
    assert (await stage.read(order_id)).status == "PAID"
    assert ("alarm", "not_found_after_payment") in await stage.notes(order_id)
    assert stage.metric("assay_alarms_total", kind="not_found_after_payment") == 1
