"""What becomes of an order: moves, grants, refusals, alarms, and what an operator may do."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from app import audit
from app.orders import apply
from app.orders.rules.decision import Decision
from app.orders.rules.failures import ORDER_SET_ASIDE
from app.orders.rules.states import OrderStatus
from app.orders.rules.transition import OrderFailureReason
from app.orders.transitions import ApplyResult
from tests.support.clock import HandClock
from tests.support.databases import LentDatabase
from tests.support.orders import (
    TERMS,
    OneOrder,
    apply_failure,
    apply_refusal,
    apply_report,
    balance_of,
    count,
    end_leases,
    read_order,
)
from tests.support.people import Person, make_access_code

AT_PAID = replace(TERMS, granting_status=OrderStatus.PAID)
PASSING = ApplyResult()


@pytest.fixture(autouse=True)
async def _audited(database: LentDatabase) -> AsyncIterator[None]:
    """Whatever a test did, the rules of money hold afterwards."""
    yield
    async with database.reading() as connection:
        assert await audit.breaches(connection) == []


# Creation


async def test_created_order_keeps_its_uuid_and_is_looked_at_soon(
    database: LentDatabase, clock: HandClock, buyer: Person
) -> None:
    order = await OneOrder.place(database, clock, buyer)
    assert await order.created() == PASSING
    facts = await order.facts()
    assert facts.status == "TO_BE_CREATED"
    assert facts.lease_token is None
    assert facts.next_look_at == clock.now() + timedelta(seconds=2)
    assert await count(database, "payments", "uuid = :uuid", uuid=order.uuid) == 1


async def test_created_order_that_is_already_unpaid_moves_at_once(
    database: LentDatabase, clock: HandClock, buyer: Person
) -> None:
    order = await OneOrder.place(database, clock, buyer)
    await order.created("UNPAID", receiving_integrated_address="WmInt")
    assert await order.path() == ["TO_BE_CREATED", "UNPAID"]
    kept = "receiving_integrated_address = 'WmInt' AND state = 'UNPAID'"
    assert await count(database, "payments", kept) == 1


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"uuid": None}, "missing_uuid"),
        ({"uuid": ""}, "missing_uuid"),
        ({"btc_dest_address": "1BoatSLRHtKNngkdXEeobR76b53LETtpyT"}, "mismatch_btc_dest_address"),
        ({"btc_dest_address": None}, "mismatch_btc_dest_address"),
        ({"btc_amount": Decimal("0.00500001")}, "mismatch_btc_amount"),
        ({"btc_amount": None}, "mismatch_btc_amount"),
        ({"state": "PAID"}, "state_at_creation"),
        ({"state": "BTC_SENT"}, "state_at_creation"),
        ({"state": "TIMED_OUT"}, "state_at_creation"),
    ],
)
async def test_creation_of_something_else_is_refused_and_tried_again(
    database: LentDatabase,
    clock: HandClock,
    buyer: Person,
    changes: dict[str, Any],
    fault: str,
) -> None:
    order = await OneOrder.place(database, clock, buyer)
    assert await order.created(**{"state": "UNPAID", **changes}) == ApplyResult(refused=fault)
    assert await count(database, "payments") == 0
    assert await order.notes() == [("refused", fault)]
    clock.advance(10)
    assert await order.created("UNPAID") == ApplyResult(moved_to=OrderStatus.UNPAID)


async def test_uuid_of_another_order_is_never_taken(
    database: LentDatabase, clock: HandClock, buyer: Person, order: OneOrder
) -> None:
    other = await OneOrder.place(database, clock, buyer)
    applied = await other.created("UNPAID", uuid=order.uuid)
    assert applied == ApplyResult(refused="uuid_of_another_order")
    assert await count(database, "payments") == 1


async def test_order_that_upstream_refused_fails_with_its_reason_and_is_over(
    database: LentDatabase, clock: HandClock, buyer: Person
) -> None:
    order = await OneOrder.place(database, clock, buyer)
    job = await order.claim_creation()
    async with database.sessions() as session:
        applied = await apply_refusal(session, job, clock.now())
    assert applied == ApplyResult(moved_to=OrderStatus.FAILED)
    facts = await order.facts()
    assert (facts.status, facts.next_look_at) == ("FAILED", None)
    assert facts.failure_reason == OrderFailureReason.REFUSED


async def fail_overdue(database: LentDatabase, clock: HandClock) -> list[str]:
    """End what is overdue; return the orders that ended."""
    async with database.reading() as connection:
        overdue = await apply.overdue(connection, clock.now())
    async with database.sessions() as session:
        ended = {
            one: await apply.fail_overdue(session, one, TERMS.valuation(), clock.now())
            for one in overdue
        }
    assert all(applied == ApplyResult(moved_to=OrderStatus.FAILED) for applied in ended.values())
    return list(ended)


async def test_order_that_was_not_accepted_by_its_deadline_fails(
    database: LentDatabase, clock: HandClock, buyer: Person
) -> None:
    late = await OneOrder.place(database, clock, buyer)
    clock.advance(1)
    later = await OneOrder.place(database, clock, buyer)
    clock.advance(3599)
    assert await fail_overdue(database, clock) == [late.id]
    assert (await late.facts()).failure_reason == OrderFailureReason.DEADLINE
    assert (await later.facts()).status == "TO_BE_CREATED"


async def test_deadline_spares_an_order_that_is_being_created_or_was_accepted(
    database: LentDatabase, clock: HandClock, buyer: Person
) -> None:
    accepted = await OneOrder.place(database, clock, buyer)
    await accepted.created()
    in_flight = await OneOrder.place(database, clock, buyer)
    clock.advance(3600)
    await in_flight.claim_creation()
    assert await fail_overdue(database, clock) == []
    await end_leases(database)
    assert await fail_overdue(database, clock) == [in_flight.id]
    assert (await accepted.facts()).status == "TO_BE_CREATED"
    assert (await in_flight.facts()).status == "FAILED"


# Moves and grants


async def test_journey_grants_once_at_the_end(
    database: LentDatabase, buyer: Person, order: OneOrder
) -> None:
    for state in ("UNDERPAID", "PAID_UNCONFIRMED", "PAID"):
        assert (await order.reported(state)).moved_to == state
        assert await balance_of(database, buyer.account_id) == 0
    sent = await order.reported("BTC_SENT")
    assert (sent.moved_to, sent.granted) == ("BTC_SENT", 10)
    facts = await order.facts()
    assert (facts.credits_granted, facts.next_look_at) == (10, None)
    assert await balance_of(database, buyer.account_id) == 10
    assert await order.path() == [
        "TO_BE_CREATED",
        "UNPAID",
        "UNDERPAID",
        "PAID_UNCONFIRMED",
        "PAID",
        "BTC_SENT",
    ]


async def test_order_that_grants_at_paid_is_followed_to_btc_sent(
    database: LentDatabase, clock: HandClock, buyer: Person
) -> None:
    order = await OneOrder.place(database, clock, buyer, terms=AT_PAID)
    await order.created("UNPAID")
    assert (await order.reported("PAID")).granted == 10
    assert (await order.facts()).next_look_at is not None
    sent = await order.reported("BTC_SENT")
    assert (sent.moved_to, sent.granted) == ("BTC_SENT", 0)
    assert sent.unseen_for == timedelta(seconds=5)
    assert await balance_of(database, buyer.account_id) == 10


async def test_gift_is_granted_to_the_code_and_not_to_its_buyer(
    database: LentDatabase, clock: HandClock, buyer: Person
) -> None:
    code = await make_access_code(database, buyer, clock.now())
    order = await OneOrder.place(database, clock, buyer, access_code=code.access_code)
    await order.created("UNPAID")
    await order.reported("BTC_SENT")
    assert await balance_of(database, code.account_id) == 10
    assert await balance_of(database, buyer.account_id) == 0


async def test_grant_has_one_audit_line_that_names_the_lease(
    database: LentDatabase, order: OneOrder
) -> None:
    job = await order.claim_poll()
    await order.apply(job, order.says("BTC_SENT"))
    line = "action = 'ledger.purchase' AND actor = 'worker' AND request_id = :cause"
    assert await count(database, "audit_log", line, cause=job.lease_token) == 1


async def test_move_keeps_the_evidence_that_upstream_gave(
    database: LentDatabase, order: OneOrder
) -> None:
    await order.reported("BTC_SENT", btc_transaction_id="ab" * 32)
    evidence = "to_status = 'BTC_SENT' AND evidence->>'btc_transaction_id' = :txid"
    assert await count(database, "order_events", evidence, txid="ab" * 32) == 1
    amount = "to_status = 'BTC_SENT' AND evidence->>'btc_amount' = '0.005'"
    assert await count(database, "order_events", amount) == 1


async def test_what_a_report_leaves_out_stays_as_it_was_last_said(
    database: LentDatabase, order: OneOrder
) -> None:
    await order.reported("UNPAID", receiving_address="Wm", remaining_amount_incoming=Decimal(3))
    await order.reported("UNDERPAID", remaining_amount_incoming=Decimal("1.5"))
    kept = "receiving_address = 'Wm' AND remaining_amount_incoming = 1.5 AND state = 'UNDERPAID'"
    assert await count(database, "payments", kept) == 1


async def test_late_payment_of_a_timed_out_order_climbs_and_grants_once(
    database: LentDatabase, buyer: Person, order: OneOrder
) -> None:
    await order.reported("UNDERPAID", incoming_amount_total=Decimal(5))
    await order.reported("TIMED_OUT")
    assert await balance_of(database, buyer.account_id) == 0
    assert await count(database, "payments", "incoming_amount_total = 5") == 1
    for state in ("PAID_UNCONFIRMED", "PAID", "BTC_SENT"):
        assert (await order.reported(state)).moved_to == state
    assert (await order.path())[-4:] == ["TIMED_OUT", "PAID_UNCONFIRMED", "PAID", "BTC_SENT"]
    assert await balance_of(database, buyer.account_id) == 10


async def test_timed_out_order_is_looked_at_for_a_day_and_then_never(order: OneOrder) -> None:
    await order.reported("TIMED_OUT")
    since, looks, longest = order.clock.now(), 0, timedelta(0)
    while (due := (await order.facts()).next_look_at) is not None:
        longest = max(longest, due - order.clock.now())
        await order.reported("TIMED_OUT")
        looks += 1
    assert longest == timedelta(hours=1)
    assert order.clock.now() - since >= timedelta(hours=24)
    assert 30 + 9 + 22 <= looks <= 30 + 9 + 22 + 3


async def test_flapping_upstream_grants_once_and_moves_nothing_back(
    database: LentDatabase, buyer: Person, order: OneOrder
) -> None:
    await order.reported("PAID")
    for _ in range(20):
        for state in ("UNPAID", "PAID_UNCONFIRMED", "TIMED_OUT"):
            assert (await order.reported(state)).refused == "illegal_move"
    assert (await order.facts()).status == "PAID"
    await order.reported("BTC_SENT")
    assert (await order.facts()).next_look_at is None
    assert await balance_of(database, buyer.account_id) == 10
    assert await order.path() == ["TO_BE_CREATED", "UNPAID", "PAID", "BTC_SENT"]


async def test_report_after_the_grant_moves_and_grants_nothing(
    database: LentDatabase, buyer: Person, order: OneOrder
) -> None:
    """Two looks can be in flight when a lease ran out: the second finds the order granted."""
    job = await order.claim_poll()
    await order.apply(job, order.says("BTC_SENT"))
    for state in ("BTC_SENT", "UNPAID", "PAID", "NOT_FOUND", "TIMED_OUT"):
        assert await order.apply(job, order.says(state)) == ApplyResult(lease_lost=True)
    assert await balance_of(database, buyer.account_id) == 10


# Refusals, sightings, alarms


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"btc_dest_address": "1BoatSLRHtKNngkdXEeobR76b53LETtpyT"}, "mismatch_btc_dest_address"),
        ({"btc_amount": Decimal("0.0005")}, "mismatch_btc_amount"),
        ({"btc_amount": Decimal("0.05")}, "mismatch_btc_amount"),
        ({"btc_amount": Decimal("1e308")}, "mismatch_btc_amount"),
        ({"btc_amount": Decimal("-0.005")}, "mismatch_btc_amount"),
        ({"btc_amount": Decimal(0)}, "mismatch_btc_amount"),
        ({"uuid": "another"}, "mismatch_uuid"),
        ({"uuid": None}, "missing_uuid"),
        ({"btc_amount": None}, "missing_btc_amount"),
    ],
)
async def test_lie_grants_nothing_and_keeps_nothing(
    database: LentDatabase, buyer: Person, order: OneOrder, changes: dict[str, Any], reason: str
) -> None:
    changes["receiving_address"] = "WmLie"
    assert await order.reported("BTC_SENT", **changes) == ApplyResult(refused=reason)
    assert await balance_of(database, buyer.account_id) == 0
    assert await count(database, "payments", "receiving_address = 'WmLie'") == 0
    assert await order.notes() == [("refused", reason)]


async def test_equal_amount_in_other_digits_is_believed(
    database: LentDatabase, buyer: Person, order: OneOrder
) -> None:
    await order.reported("BTC_SENT", btc_amount=Decimal("0.00500000000"))
    assert await balance_of(database, buyer.account_id) == 10


async def test_refused_report_is_written_once_until_something_else_happens(
    order: OneOrder,
) -> None:
    for _ in range(3):
        await order.reported("SETTLED")
    assert await order.notes() == [("refused", "unknown_state")]
    await order.reported("UNDERPAID")
    await order.reported("SETTLED")
    assert await order.notes() == [("refused", "unknown_state")] * 2


async def test_unknown_state_is_never_final(order: OneOrder) -> None:
    await order.reported("SETTLED")
    facts = await order.facts()
    assert facts.status == "UNPAID"
    assert facts.next_look_at is not None
    assert (await order.reported("PAID")).moved_to == "PAID"


async def test_reorganisation_needs_three_sightings_over_ten_minutes_and_alarms(
    database: LentDatabase, clock: HandClock, buyer: Person, order: OneOrder
) -> None:
    await order.reported("PAID_UNCONFIRMED")
    assert await order.reported("UNPAID") == PASSING
    assert await order.reported("UNPAID") == PASSING
    clock.advance(590)
    assert await order.reported("UNPAID") == PASSING
    clock.advance(30)
    applied = await order.reported("UNPAID")
    assert (applied.moved_to, applied.alarm) == ("UNPAID", "payment_reorganised_away")
    assert await order.notes() == [("alarm", "payment_reorganised_away")]
    await order.reported("BTC_SENT")
    assert await balance_of(database, buyer.account_id) == 10


async def test_order_gone_upstream_is_not_found_after_sightings_and_comes_back(
    clock: HandClock, order: OneOrder
) -> None:
    await order.reported("NOT_FOUND")
    await order.reported("UNPAID")
    clock.advance(3600)
    for _ in range(2):
        assert await order.reported("NOT_FOUND") == PASSING
    clock.advance(600)
    assert (await order.reported("NOT_FOUND")).moved_to == "NOT_FOUND"
    assert (await order.reported("PAID")).moved_to == "PAID"


async def test_not_found_after_payment_alarms_once_it_is_certain_and_waits_for_the_operator(
    clock: HandClock, order: OneOrder
) -> None:
    reason = "not_found_after_payment"
    await order.reported("PAID")
    for _ in range(2):
        assert await order.reported("NOT_FOUND") == PASSING
    await order.reported("PAID")  # it was a slip, and counts no more
    clock.advance(600)
    for alarm in (None, None, reason, None, None, None):
        assert (await order.reported("NOT_FOUND")).alarm == alarm
        clock.advance(300)
    assert (await order.facts()).status == "PAID"
    assert await order.notes() == [("refused", reason), ("alarm", reason)]
    assert (await order.facts()).next_look_at is not None


# Leases


async def test_answer_under_a_lease_that_was_taken_over_does_nothing(
    database: LentDatabase, clock: HandClock, buyer: Person, order: OneOrder
) -> None:
    stale = await order.claim_poll()
    await end_leases(database)
    current = await order.claim_poll()
    assert await order.apply(stale, order.says("BTC_SENT")) == ApplyResult(lease_lost=True)
    assert (await order.facts()).status == "UNPAID"
    assert (await order.facts()).lease_token == current.lease_token
    assert (await order.apply(current, order.says("BTC_SENT"))).granted == 10
    assert await balance_of(database, buyer.account_id) == 10


async def test_stale_holder_creates_fails_and_postpones_nothing(
    database: LentDatabase, clock: HandClock, buyer: Person
) -> None:
    order = await OneOrder.place(database, clock, buyer)
    stale = await order.claim_creation()
    await end_leases(database)
    current = await order.claim_creation()
    lost = ApplyResult(lease_lost=True)
    async with database.sessions() as session:
        now = clock.now()
        assert await apply_report(session, stale, order.says("UNPAID"), now) == lost
        assert await apply_refusal(session, stale, now) == lost
        assert await apply_failure(session, stale, pause=timedelta(0), alarm="x", now=now) == lost
        await apply_report(session, current, order.says("UNPAID"), now)
    assert await order.path() == ["TO_BE_CREATED", "UNPAID"]
    assert await order.notes() == []


async def test_postponed_order_is_free_and_due_later_and_rings_once_when_failures_last(
    database: LentDatabase, clock: HandClock, order: OneOrder
) -> None:
    forbidden, refused = "aeonto_Forbidden", "aeonto_UnknownFailure"
    for alarm, rings in (
        (None, None),
        (forbidden, None),
        (refused, None),
        (None, None),
        (forbidden, forbidden),
        (forbidden, None),
        (refused, refused),
    ):
        job = await order.claim_poll()
        until = clock.now() + timedelta(minutes=5)
        async with database.sessions() as session:
            applied = await apply_failure(
                session, job, pause=timedelta(minutes=5), alarm=alarm, now=clock.now()
            )
        assert applied == ApplyResult(alarm=rings)
        facts = await order.facts()
        assert (facts.next_look_at, facts.lease_token) == (until, None)
    assert await order.notes() == [("alarm", forbidden), ("alarm", refused)]


async def fail_a_look(order: OneOrder, alarm: str) -> ApplyResult:
    """Let a look fail when it is due, and the next one be due 300 seconds later."""
    job = await order.claim_poll()
    async with order.database.sessions() as session:
        return await apply_failure(
            session, job, pause=timedelta(minutes=5), alarm=alarm, now=order.clock.now()
        )


async def test_look_that_is_answered_ends_a_row_of_failures(order: OneOrder) -> None:
    quiet, rung = ApplyResult(), ApplyResult(alarm="chain_needs_operator")
    for answer in ("UNPAID", "EXPLODED", "NOT_FOUND"):
        assert [await fail_a_look(order, "chain_needs_operator") for _ in range(2)] == [quiet] * 2
        await order.reported(answer)
    failed = [await fail_a_look(order, "chain_needs_operator") for _ in range(4)]
    assert failed == [quiet, quiet, rung, quiet]


async def test_answer_to_a_creation_that_is_refused_ends_a_row_of_failures(
    database: LentDatabase, clock: HandClock, buyer: Person
) -> None:
    order = await OneOrder.place(database, clock, buyer)
    rung = []
    for _ in range(2):
        for _ in range(2):
            clock.advance(300)
            async with database.sessions() as session:
                job = await order.claim_creation()
                pause = timedelta(minutes=5)
                applied = await apply_failure(
                    session, job, pause=pause, alarm="aeonto_Forbidden", now=clock.now()
                )
                rung.append(applied.alarm)
        clock.advance(300)
        async with database.sessions() as session:
            job = await order.claim_creation()
            await apply_report(session, job, order.says("UNPAID", btc_amount=None), clock.now())
    assert rung == [None] * 4


async def test_order_that_is_set_aside_rings_at_once(order: OneOrder) -> None:
    assert await fail_a_look(order, ORDER_SET_ASIDE) == ApplyResult(alarm="order_set_aside")


# Below the service


async def test_interrupted_grant_leaves_no_trace(
    database: LentDatabase, buyer: Person, order: OneOrder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Move, event, entry and audit line are one transaction: a fault in the last undoes all."""

    async def fail(*_args: object, **_named: object) -> None:
        raise ConnectionError

    job = await order.claim_poll()
    with monkeypatch.context() as broken:
        broken.setattr("app.ledger.audit_log.record", fail)
        with pytest.raises(ConnectionError):
            await order.apply(job, order.says("BTC_SENT"))
    assert (await order.facts()).status == "UNPAID"
    assert await count(database, "ledger_entries") == 0
    assert (await order.apply(job, order.says("BTC_SENT"))).granted == 10
    assert await balance_of(database, buyer.account_id) == 10


async def test_illegal_move_is_refused_below_the_decision(
    database: LentDatabase, order: OneOrder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even a decision that is wrong cannot take an order off the table of moves."""
    wrong = Decision(move_to=OrderStatus.TO_BE_CREATED)
    monkeypatch.setattr("app.orders.rules.transition_aeonto.evaluate_report", lambda *_known: wrong)
    job = await order.claim_poll()
    with pytest.raises(ValueError, match="may not move from UNPAID to TO_BE_CREATED"):
        await order.apply(job, order.says("UNPAID"))
    assert (await read_order(database, order.id)).status == "UNPAID"


async def test_database_refuses_what_the_service_would_not_do(
    database: LentDatabase, order: OneOrder
) -> None:
    await order.reported("BTC_SENT")
    back = text("UPDATE orders SET status = 'PAID' WHERE id = :order")
    with pytest.raises(IntegrityError, match="granted_in_granting_state"):
        async with database.reading() as connection:
            await connection.execute(back, {"order": order.id})
