"""What a report of BTC_SENT does, by what the chain says of it."""

from dataclasses import replace
from datetime import timedelta
from itertools import product

import pytest

from app.orders.rules.decision import Decision
from app.orders.rules.settlement import (
    ALARM_AFTER,
    ALL_TAKEN,
    Settlement,
    SettlementFault,
    Unverified,
    Verified,
)
from app.orders.rules.states import MOVES, Move, OrderStatus
from app.orders.rules.transition_aeonto import evaluate_report
from tests.orders.test_reports import NOW, in_status, said
from tests.support.cases import all_cases, each_case

VERIFIED = Verified("a" * 64, (0,), 1)
FAULTS = tuple(SettlementFault)
WRONG = (SettlementFault.WRONG, SettlementFault.OUTPUT_TAKEN)
WAITING = tuple(fault for fault in FAULTS if fault not in WRONG)
CLIMBING = [status for status in OrderStatus if MOVES[status, OrderStatus.BTC_SENT] is Move.AT_ONCE]
GRANTING = ("PAID", "BTC_SENT")


def granted_in(status: str, granting: str) -> bool:
    return status == "PAID" and granting == "PAID"


def not_verified(fault: SettlementFault) -> Unverified:
    return Unverified(fault, "a test")


@each_case("granting", GRANTING)
@each_case("fault", FAULTS)
@each_case("status", CLIMBING)
def test_unverified_claim_climbs_to_paid_and_no_further(
    status: str, fault: SettlementFault, granting: str
) -> None:
    order = in_status(status, granting=granting, granted=granted_in(status, granting))
    decision = evaluate_report(order, said("BTC_SENT"), NOW, not_verified(fault))
    climbs = status != "PAID"
    assert decision == Decision(
        move_to=OrderStatus.PAID if climbs else None,
        grant=climbs and granting == "PAID",
        refused=fault,
        alarm=fault if fault in WRONG else None,
        believed=True,
        unsettled=True,
    )


@each_case("granting", GRANTING)
@each_case("settlement", [VERIFIED, None])
@each_case("status", CLIMBING)
def test_verified_claim_moves_and_grants_as_one_that_nobody_asks_about(
    status: str, settlement: Settlement | None, granting: str
) -> None:
    granted = granted_in(status, granting)
    order = in_status(status, granting=granting, granted=granted)
    decision = evaluate_report(order, said("BTC_SENT"), NOW, settlement)
    assert decision == Decision(move_to=OrderStatus.BTC_SENT, grant=not granted, believed=True)


def test_chain_changes_nothing_but_a_climb_to_btc_sent() -> None:
    settlements: tuple[Settlement, ...] = (VERIFIED, ALL_TAKEN, *map(not_verified, FAULTS))
    with all_cases() as cases:
        for status, state, settlement in product(
            OrderStatus, (*OrderStatus, "EXPLODED"), settlements
        ):
            climbs = state == "BTC_SENT" and status in CLIMBING
            if climbs and isinstance(settlement, Unverified):
                continue
            order = in_status(status)
            with cases.case(status, state, settlement):
                assert evaluate_report(order, said(state), NOW, settlement) == evaluate_report(
                    order, said(state), NOW
                )


def test_verified_payment_of_another_order_is_refused_all_the_same() -> None:
    report = replace(said("BTC_SENT"), uuid="another")
    assert evaluate_report(in_status("PAID"), report, NOW, VERIFIED) == Decision(
        refused="mismatch_uuid"
    )


@each_case("fault", WAITING)
def test_claim_that_waits_rings_after_an_hour(fault: SettlementFault) -> None:
    moment = timedelta(microseconds=1)
    for waited, alarm in (
        (timedelta(0), None),
        (ALARM_AFTER - moment, None),
        (ALARM_AFTER, "settlement_unverified"),
        (timedelta(days=1), "settlement_unverified"),
    ):
        order = replace(in_status("PAID"), claimed_at=NOW - waited)
        assert evaluate_report(order, said("BTC_SENT"), NOW, not_verified(fault)).alarm == alarm


@pytest.mark.parametrize("fault", WRONG)
def test_claim_that_cannot_come_true_rings_at_once(fault: SettlementFault) -> None:
    for claimed_at in (None, NOW - 2 * ALARM_AFTER):
        order = replace(in_status("PAID"), claimed_at=claimed_at)
        assert evaluate_report(order, said("BTC_SENT"), NOW, not_verified(fault)).alarm == fault
