"""The whole of what follows from an observation, in one record, with neither database nor network."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from app.orders.rules.bitcoin_payments import Invoice, Valuation
from app.orders.rules.dispatch import transition
from app.orders.rules.facts import (
    AeontoObservation,
    BitcoinObservation,
    BitcoinOrder,
    Failures,
    RefusedForGood,
    RequestFailed,
)
from app.orders.rules.poll_schedule import NextPoll, Urgency
from app.orders.rules.prior_money import EarlierSighting
from app.orders.rules.rails import Rail
from app.orders.rules.settlement import SettlementFault, Unverified, Verified
from app.orders.rules.states import OrderStatus
from app.orders.rules.transition import Grant, OrderFailureReason, Transition
from tests.orders.test_reports import AMOUNT, DESTINATION, NOW, ORDER, UUID, in_status, said
from tests.support.bitcoin_orders import DUE_SATOSHI, PRICE_SATOSHI, output

PLACED = NOW - timedelta(minutes=1)
LATER = NOW + timedelta(hours=1)
NEW = replace(ORDER, status=OrderStatus.TO_BE_CREATED, uuid=None)
IN_BITCOIN = BitcoinOrder(
    rail=Rail.BITCOIN,
    status=OrderStatus.UNPAID,
    status_since=PLACED,
    created_at=PLACED,
    granting_status=OrderStatus.PAID,
    number_of_credits=10,
    btc_amount=AMOUNT,
    btc_dest_address=DESTINATION,
    invoice=Invoice(
        due_satoshi=DUE_SATOSHI,
        number_of_credits=10,
        price_satoshi=PRICE_SATOSHI,
        expires_at=LATER,
        late_until=LATER,
        confirmations_wanted=2,
    ),
    seen_at=PLACED,
    outputs={},
    settled=(),
    known_height=None,
    valuation=Valuation(price_satoshi=PRICE_SATOSHI, excess_to_credits=False),
)


def test_answer_to_a_creation_becomes_the_payment_of_the_order() -> None:
    report = replace(said("UNPAID"), receiving_address="Sm6", created_at=PLACED, expires_at=LATER)
    change = transition(NEW, AeontoObservation(report), NOW)
    assert (change.move_to, change.reason, change.grant) == (OrderStatus.UNPAID, "reported", None)
    assert change.payment == {
        "uuid": UUID,
        "btc_amount": AMOUNT,
        "btc_dest_address": DESTINATION,
        "state": "UNPAID",
        "receiving_address": "Sm6",
        "upstream_created_at": PLACED,
        "expires_at": LATER,
        "seen_at": NOW,
    }
    assert change.next_poll == NextPoll(NOW + timedelta(seconds=5), Urgency.OPEN)


def test_answer_to_a_creation_about_another_order_changes_no_payment_and_is_asked_for_again() -> (
    None
):
    again = NextPoll(NOW + timedelta(seconds=10), Urgency.ADDRESS)
    for order, report, fault in (
        (NEW, replace(said("UNPAID"), uuid=None), "missing_uuid"),
        (replace(NEW, uuid_is_taken=True), said("UNPAID"), "uuid_of_another_order"),
        (NEW, replace(said("UNPAID"), btc_amount=AMOUNT * 2), "mismatch_btc_amount"),
        (NEW, said("PAID"), "state_at_creation"),
    ):
        change = transition(order, AeontoObservation(report), NOW)
        assert (change.refused, change.move_to, change.payment) == (fault, None, {})
        assert change.next_poll == again


def test_report_that_is_not_believed_changes_no_payment_and_leaves_its_evidence() -> None:
    lie = replace(said("PAID"), btc_amount=AMOUNT * 2, receiving_address="Sm6")
    change = transition(ORDER, AeontoObservation(lie), NOW)
    assert (change.refused, change.payment) == ("mismatch_btc_amount", {})
    assert change.evidence == {
        "state": "PAID",
        "uuid": UUID,
        "btc_amount": "0.01",
        "btc_dest_address": DESTINATION,
        "receiving_address": "Sm6",
    }


def test_settlement_is_wanted_only_for_a_move_to_btc_sent() -> None:
    verified = Verified("ab" * 32, (1, 0), 3)
    sent = transition(in_status("PAID"), AeontoObservation(said("BTC_SENT"), verified), NOW)
    assert (sent.move_to, sent.grant, sent.settlement) == ("BTC_SENT", Grant(10), verified)
    stays = in_status("BTC_SENT", granted=True)
    assert transition(stays, AeontoObservation(said("BTC_SENT"), verified), NOW).settlement is None


def test_first_claim_that_the_chain_does_not_bear_out_keeps_its_time() -> None:
    unverified = Unverified(SettlementFault.UNVERIFIED, "a test")
    claim = AeontoObservation(said("BTC_SENT"), unverified)
    first = transition(in_status("PAID"), claim, NOW)
    assert first.payment["settlement_claimed_at"] == NOW
    again = transition(replace(in_status("PAID"), claimed_at=PLACED), claim, NOW)
    assert again.payment["settlement_claimed_at"] == PLACED


def test_money_at_its_address_grants_what_it_buys_and_keeps_every_output() -> None:
    paid = output(block_height=7)
    change = transition(IN_BITCOIN, BitcoinObservation([paid]), NOW)
    assert (change.move_to, change.alarm) == (OrderStatus.PAID, None)
    assert change.grant == Grant(10, Decimal("0.0005"))
    assert change.payment == {
        "state": "PAID",
        "received_btc": AMOUNT,
        "confirmed_btc": AMOUNT,
        "confirmations_seen": 2,
        "confirmations_needed": 2,
        "seen_at": NOW,
    }
    assert change.outputs == {
        paid.id: {
            "value_btc": AMOUNT,
            "confirmations": 2,
            "replaceable": False,
            "is_coinbase": False,
            "gone_at": None,
            "arrived_at": NOW,
            "before_order": False,
            "block_height": 7,
        }
    }
    assert change.unseen_for == timedelta(minutes=1)
    assert change.next_poll == NextPoll(NOW + timedelta(minutes=10), Urgency.AFTERMATH)


def test_output_that_settled_another_order_pays_nothing_and_raises_an_alarm() -> None:
    paid = output()
    change = transition(replace(IN_BITCOIN, settled={paid.id}), BitcoinObservation([paid]), NOW)
    assert (change.move_to, change.alarm) == (None, "money_before_order")
    assert change.outputs[paid.id]["before_order"] is True


def test_output_that_is_gone_keeps_the_time_at_which_it_went() -> None:
    known = EarlierSighting(before_order=False, block_height=None, arrived_at=PLACED)
    for gone_at, expected in ((None, NOW), (PLACED, PLACED)):
        outputs = {("ab" * 32, 0): replace(known, gone_at=gone_at)}
        change = transition(replace(IN_BITCOIN, outputs=outputs), BitcoinObservation([]), NOW)
        assert change.outputs == {("ab" * 32, 0): {"confirmations": 0, "gone_at": expected}}


def test_what_credits_were_granted_for_is_not_judged_again() -> None:
    paid = output(confirmations=3, block_height=5)
    order = replace(
        IN_BITCOIN,
        status=OrderStatus.PAID,
        credits_granted=10,
        grant_price_btc=Decimal("0.0005"),
        outputs={paid.id: EarlierSighting(False, 7, PLACED)},
    )
    change = transition(order, BitcoinObservation([paid]), NOW)
    assert change.outputs[paid.id].keys() == {
        "confirmations", "replaceable", "is_coinbase", "gone_at",
    }  # fmt: skip


def test_request_that_failed_changes_nothing_but_the_next_look_and_the_count() -> None:
    failed = RequestFailed(timedelta(seconds=9), "aeonto_Forbidden", "403", creating=False)
    assert transition(ORDER, failed, NOW) == Transition(
        reported="UNPAID",
        evidence={"failure": "403"},
        failures=Failures(1, NOW),
        next_poll=NextPoll(NOW + timedelta(seconds=9), Urgency.OPEN),
    )


def test_order_that_is_refused_for_good_fails_unless_it_was_cancelled() -> None:
    failed = transition(NEW, RefusedForGood(), NOW)
    assert (failed.move_to, failed.failure_reason) == ("FAILED", OrderFailureReason.REFUSED)
    cancelled = transition(replace(NEW, status=OrderStatus.CANCELLED), RefusedForGood(), NOW)
    assert (cancelled.move_to, cancelled.next_poll) == (None, None)


def test_observation_of_another_rail_is_refused() -> None:
    with pytest.raises(TypeError, match="BitcoinObservation is no observation of the rail aeonto"):
        transition(ORDER, BitcoinObservation([]), NOW)
    with pytest.raises(TypeError, match="AeontoObservation is no observation of the rail bitcoin"):
        transition(IN_BITCOIN, AeontoObservation(said("PAID")), NOW)
