"""What a report does to an order: each rule, then any sequence of reports."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from app.orders.rules.decision import Decision
from app.orders.rules.facts import AeontoOrder, Sighting
from app.orders.rules.rails import Rail
from app.orders.rules.states import LADDER, MOVES, Move, OrderStatus
from app.orders.rules.transition_aeonto import evaluate_report
from app.partners.aeonto.report import Report
from tests.support.cases import each_case

NOW = datetime(2026, 1, 11, 12, 46, 3, tzinfo=UTC)
UUID = "aeon2btc-1a2b"
DESTINATION = "12Cyjf3qV6qLyXdzpLSLPdRFPUVidvnzFM"
CREDITS = 10
AMOUNT = Decimal("0.00500000")
ONE_SATOSHI = Decimal("0.00000001")

ORDER = AeontoOrder(
    rail=Rail.AEONTO,
    status=OrderStatus.UNPAID,
    status_since=NOW,
    created_at=NOW,
    granting_status=OrderStatus.BTC_SENT,
    number_of_credits=CREDITS,
    uuid=UUID,
    btc_amount=AMOUNT,
    btc_dest_address=DESTINATION,
)
BEFORE_PAYMENT = ("TO_BE_CREATED", "UNPAID", "UNDERPAID")
WITH_PAYMENT = ("PAID_UNCONFIRMED", "PAID", "BTC_SENT")


def in_status(status: str, *, granting: str = "BTC_SENT", granted: bool = False) -> AeontoOrder:
    """Return the order in another state."""
    return replace(
        ORDER,
        status=OrderStatus(status),
        granting_status=OrderStatus(granting),
        credits_granted=CREDITS if granted else None,
    )


def said(state: str) -> Report:
    """Return a report about the order, true in all that it claims."""
    return Report(state=state, uuid=UUID, btc_amount=AMOUNT, btc_dest_address=DESTINATION)


def seen(status: str, *, count: int, minutes_ago: float) -> Sighting:
    """Return what an order remembers of earlier reports."""
    return Sighting(OrderStatus(status), count, NOW - timedelta(minutes=minutes_ago))


def test_climb_of_one_rung_moves_the_order_and_keeps_the_payment() -> None:
    decision = evaluate_report(ORDER, said("UNDERPAID"), NOW)
    assert decision == Decision(move_to=OrderStatus.UNDERPAID, believed=True)


def test_several_rungs_are_climbed_at_once_and_grant() -> None:
    decision = evaluate_report(in_status("TO_BE_CREATED"), said("BTC_SENT"), NOW)
    assert decision == Decision(move_to=OrderStatus.BTC_SENT, grant=True, believed=True)


def test_same_state_again_moves_nothing_and_refreshes_the_payment() -> None:
    assert evaluate_report(ORDER, said("UNPAID"), NOW) == Decision(believed=True)


@each_case("state", [*BEFORE_PAYMENT, *WITH_PAYMENT, "TIMED_OUT"])
@each_case(
    ("name", "wrong"),
    [
        ("uuid", "aeon2btc-1a2c"),
        ("uuid", ""),
        ("btc_dest_address", "1BoatSLRHtKNngkdXEeobR76b53LETtpyT"),
        ("btc_dest_address", DESTINATION.lower()),
        ("btc_amount", AMOUNT + ONE_SATOSHI),
        ("btc_amount", AMOUNT - ONE_SATOSHI),
        ("btc_amount", AMOUNT * 10),
        ("btc_amount", AMOUNT / 10),
        ("btc_amount", -AMOUNT),
        ("btc_amount", Decimal(0)),
        ("btc_amount", Decimal("1e308")),
    ],
)
def test_report_about_something_else_moves_nothing(state: str, name: str, wrong: object) -> None:
    report = replace(said(state), **{name: wrong})  # type: ignore[arg-type]
    assert evaluate_report(in_status("TO_BE_CREATED"), report, NOW) == Decision(
        refused=f"mismatch_{name}"
    )


def test_equal_amount_with_other_digits_is_believed() -> None:
    report = replace(said("BTC_SENT"), btc_amount=Decimal("0.005"))
    assert evaluate_report(ORDER, report, NOW).grant


@each_case("state", WITH_PAYMENT)
@each_case("name", ["uuid", "btc_dest_address", "btc_amount"])
def test_payment_needs_the_full_identity(state: str, name: str) -> None:
    report = replace(said(state), **{name: None})  # type: ignore[arg-type]
    assert evaluate_report(ORDER, report, NOW) == Decision(refused=f"missing_{name}")


@each_case("state", ["UNPAID", "UNDERPAID", "TIMED_OUT"])
def test_states_before_payment_may_leave_the_identity_out(state: str) -> None:
    assert evaluate_report(in_status("TO_BE_CREATED"), Report(state=state), NOW).move_to == state


@each_case("word", ["PAID_TWICE", "paid", "", "FAILED", "SETTLED\x00"])
def test_word_that_is_not_upstreams_is_refused_and_final_for_nobody(word: str) -> None:
    remembered = replace(ORDER, sighting=seen("NOT_FOUND", count=2, minutes_ago=9))
    decision = evaluate_report(remembered, said(word), NOW)
    assert decision == Decision(refused="unknown_state", sighting=remembered.sighting)


@each_case(
    ("before", "after"),
    [
        ("UNPAID", "TO_BE_CREATED"),
        ("UNDERPAID", "UNPAID"),
        ("PAID", "PAID_UNCONFIRMED"),
        ("PAID", "TIMED_OUT"),
        ("BTC_SENT", "PAID"),
        ("BTC_SENT", "UNPAID"),
        ("BTC_SENT", "TIMED_OUT"),
        ("TIMED_OUT", "TO_BE_CREATED"),
        ("FAILED", "PAID"),
        ("FAILED", "BTC_SENT"),
    ],
)
def test_regression_is_refused(before: str, after: str) -> None:
    granted = before == "BTC_SENT"
    decision = evaluate_report(in_status(before, granted=granted), said(after), NOW)
    assert decision == Decision(refused="illegal_move")


@each_case("state", ["UNPAID", "UNDERPAID", "TIMED_OUT"])
def test_reorganisation_is_believed_at_the_third_sighting_after_ten_minutes(state: str) -> None:
    order = in_status("PAID_UNCONFIRMED")
    first = evaluate_report(order, said(state), NOW)
    assert first == Decision(sighting=Sighting(OrderStatus(state), 1, NOW))
    second = evaluate_report(replace(order, sighting=first.sighting), said(state), NOW)
    third = evaluate_report(
        replace(order, sighting=second.sighting), said(state), NOW + timedelta(minutes=10)
    )
    assert third == Decision(
        move_to=OrderStatus(state), alarm="payment_reorganised_away", believed=True
    )


@each_case(("count", "minutes"), [(2, 9.99), (9, 9.99), (1, 60)])
def test_neither_many_sightings_nor_a_long_time_alone_is_enough(count: int, minutes: float) -> None:
    order = replace(
        in_status("PAID_UNCONFIRMED"), sighting=seen("UNPAID", count=count, minutes_ago=minutes)
    )
    decision = evaluate_report(order, said("UNPAID"), NOW)
    assert decision.move_to is None
    assert decision.sighting == seen("UNPAID", count=count + 1, minutes_ago=minutes)


def test_other_report_in_between_begins_the_count_anew() -> None:
    order = replace(in_status("PAID_UNCONFIRMED"), sighting=seen("UNPAID", count=2, minutes_ago=20))
    assert evaluate_report(order, said("PAID_UNCONFIRMED"), NOW).sighting is None
    other = evaluate_report(order, said("UNDERPAID"), NOW)
    assert other == Decision(sighting=Sighting(OrderStatus.UNDERPAID, 1, NOW))


def test_refused_report_in_between_forgets_no_sighting() -> None:
    order = replace(in_status("PAID_UNCONFIRMED"), sighting=seen("UNPAID", count=2, minutes_ago=20))
    lie = replace(said("UNPAID"), btc_amount=AMOUNT + ONE_SATOSHI)
    assert evaluate_report(order, lie, NOW).sighting == order.sighting


@each_case("status", BEFORE_PAYMENT)
def test_not_found_is_believed_at_the_third_sighting_after_ten_minutes(status: str) -> None:
    order = in_status(status)
    first = evaluate_report(order, Report(state="NOT_FOUND"), NOW)
    assert first == Decision(sighting=Sighting(OrderStatus.NOT_FOUND, 1, NOW))
    last = replace(order, sighting=seen("NOT_FOUND", count=2, minutes_ago=10))
    assert evaluate_report(last, Report(state="NOT_FOUND"), NOW) == Decision(
        move_to=OrderStatus.NOT_FOUND
    )


@each_case(("status", "granted"), [("PAID_UNCONFIRMED", False), ("PAID", False), ("PAID", True)])
def test_not_found_after_payment_rings_at_the_third_sighting_after_ten_minutes_and_moves_nothing(
    status: str, granted: bool
) -> None:
    order = in_status(status, granting="PAID", granted=granted)
    report = Report(state="NOT_FOUND")
    first = Sighting(OrderStatus.NOT_FOUND, 1, NOW)
    assert evaluate_report(order, report, NOW) == Decision(sighting=first)
    for count, minutes_ago in ((1, 600), (500, 9.99)):
        few = seen("NOT_FOUND", count=count, minutes_ago=minutes_ago)
        assert evaluate_report(replace(order, sighting=few), report, NOW) == Decision(
            sighting=few.again()
        )
    other = replace(order, sighting=seen("UNPAID", count=99, minutes_ago=999))
    assert evaluate_report(other, report, NOW) == Decision(sighting=first)
    last = replace(order, sighting=seen("NOT_FOUND", count=2, minutes_ago=10))
    assert evaluate_report(last, report, NOW) == Decision(
        refused="not_found_after_payment", alarm="not_found_after_payment"
    )


@pytest.mark.parametrize("status", ["PAID_UNCONFIRMED", "PAID"])
def test_report_that_knows_a_paid_order_again_begins_the_sightings_anew(status: str) -> None:
    order = replace(in_status(status), sighting=seen("NOT_FOUND", count=2, minutes_ago=10))
    assert evaluate_report(order, said(status), NOW) == Decision(believed=True)


@each_case(
    ("status", "granted"),
    [
        ("BTC_SENT", True),
        ("TIMED_OUT", False),
        ("FAILED", False),
        ("NOT_FOUND", False),
    ],
)
def test_not_found_changes_nothing_once_it_no_longer_matters(status: str, granted: bool) -> None:
    order = in_status(status, granting="PAID", granted=granted)
    assert evaluate_report(order, Report(state="NOT_FOUND"), NOW) == Decision()


@each_case("rung", LADDER[1:])
@each_case("status", ["TIMED_OUT", "NOT_FOUND"])
def test_late_payment_climbs_from_any_rung(status: str, rung: OrderStatus) -> None:
    decision = evaluate_report(in_status(status), said(rung), NOW)
    assert decision == Decision(move_to=rung, grant=rung == "BTC_SENT", believed=True)


def test_order_granted_at_paid_is_followed_to_btc_sent_without_a_second_grant() -> None:
    first = evaluate_report(in_status("PAID_UNCONFIRMED", granting="PAID"), said("PAID"), NOW)
    assert first == Decision(move_to=OrderStatus.PAID, grant=True, believed=True)
    then = evaluate_report(in_status("PAID", granting="PAID", granted=True), said("BTC_SENT"), NOW)
    assert then == Decision(move_to=OrderStatus.BTC_SENT, grant=False, believed=True)


def test_order_that_grants_at_paid_grants_when_paid_was_never_seen() -> None:
    assert evaluate_report(in_status("UNPAID", granting="PAID"), said("BTC_SENT"), NOW).grant


# Any sequence of reports


@dataclass
class Store:
    """Executes decisions as a store of orders must."""

    facts: AeontoOrder
    grants: int = 0

    def hear(self, report: Report, now: datetime) -> None:
        decision = evaluate_report(self.facts, report, now)
        before = self.facts.status
        if decision.move_to is not None:
            assert MOVES[before, decision.move_to] in (Move.AT_ONCE, Move.AFTER_SIGHTINGS)
            assert decision.refused is None
        self.grants += decision.grant
        self.facts = replace(
            self.facts,
            status=decision.move_to or before,
            credits_granted=CREDITS if decision.grant else self.facts.credits_granted,
            sighting=decision.sighting,
        )


_claims = {
    "uuid": st.sampled_from([UUID, UUID, UUID, "another", None]),
    "btc_amount": st.sampled_from([AMOUNT, AMOUNT, AMOUNT, AMOUNT * 2, None]),
    "btc_dest_address": st.sampled_from([DESTINATION, DESTINATION, DESTINATION, "1Other", None]),
}
_reports = st.builds(Report, state=st.sampled_from([*OrderStatus, "SETTLED"]), **_claims)
_heard = st.lists(st.tuples(_reports, st.integers(0, 900)), max_size=40)


@settings(
    max_examples=200,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.generate, Phase.shrink),  # explaining a failure would take minutes
)
@given(heard=_heard, granting=st.sampled_from([OrderStatus.PAID, OrderStatus.BTC_SENT]))
def test_no_sequence_of_reports_grants_twice_or_moves_back_what_was_granted(
    heard: list[tuple[Report, int]], granting: OrderStatus
) -> None:
    store = Store(replace(ORDER, status=OrderStatus.TO_BE_CREATED, granting_status=granting))
    now = NOW
    for report, seconds in heard:
        now += timedelta(seconds=seconds)
        store.hear(report, now)
        reached = store.facts.status in LADDER[LADDER.index(granting) :]
        assert store.grants == store.facts.granted == reached
        assert store.facts.status != "FAILED"
