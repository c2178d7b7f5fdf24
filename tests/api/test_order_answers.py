"""No two fields of an answer contradict each other, whatever was seen in whatever status."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import product
from typing import Any, Final

from app.orders.queries import OrderView, PaymentFacts
from app.orders.responses import order_response
from app.orders.rules.bitcoin_payments import Valuation
from app.orders.rules.rails import Rail
from app.orders.rules.states import OrderStatus

NOW: Final = datetime(2026, 1, 11, 12, 0, tzinfo=UTC)
TODAY: Final = Valuation(price_satoshi=100_000, excess_to_credits=False)
PAID: Final = ("PAID", "BTC_SENT")


def answer(
    rail: Rail, status: OrderStatus, payment: PaymentFacts, *, by_hand: bool = False
) -> dict[str, Any]:
    """Write the answer of an order of ten credits at 0.0005 BTC."""
    granted = status in PAID
    view = OrderView(
        id="ord_1",
        rail=rail,
        status=status,
        created_at=NOW,
        updated_at=NOW,
        number_of_credits=10,
        price_btc=Decimal("0.0005"),
        credits_granted=10 if granted else None,
        grant_price_btc=Decimal("0.0005") if granted and not by_hand else None,
        payment_coin="BTC",
        payment_network="BTC",
        btc_amount=Decimal("0.005"),
        failure_reason="closed" if status is OrderStatus.FAILED else None,
        client_reference=None,
        metadata=None,
        watched=True,
        payment=payment,
    )
    return order_response(view, TODAY, NOW).model_dump(mode="json")


def check(order: dict[str, Any]) -> None:
    """Hold every pair of fields that one reader may compare."""
    status, payment = order["status"], order["payment"]
    assert payment["state"] == status
    waiting, over = payment["pay_to"] is not None, payment["late_payment"] is not None
    paid = status in (*PAID, "PAID_UNCONFIRMED")
    assert [waiting, over, paid].count(True) == 1, "it waits, is over, or was paid"
    assert not waiting or status in ("UNPAID", "UNDERPAID")
    assert waiting or payment["uri"] is None
    assert payment["amount_remaining"] in ((None, "0") if paid else (None,)) or waiting
    assert payment["seconds_left"] == (0 if over else None if paid else 60)
    assert (order["notice"] is not None) >= over
    if payment["confirmations_remaining"] is not None:
        assert paid
        assert (payment["confirmations_remaining"] == 0) == (status in PAID)
    received, remaining = payment["amount_received"], payment["amount_remaining"]
    if received is not None and remaining is not None:
        total = Decimal(received) + Decimal(remaining)
        assert total == Decimal(payment["amount_total"])
    assert not (payment["vanished"] and (received is not None or over))


def test_no_fields_contradict_each_other_in_bitcoin() -> None:
    minutes = (1, 0, -1, -61)
    states = [one for one in OrderStatus if one not in ("TO_BE_CREATED", "BTC_SENT")]
    amounts = (Decimal(0), Decimal("0.002"), Decimal("0.005"))
    for status, received, left, wanted, seen, reported in product(
        states, amounts, minutes, (0, 2), (0, 5), ("UNPAID", "PAID", "TIMED_OUT")
    ):
        payment = PaymentFacts(
            last_reported_state=reported,
            expires_at=NOW + timedelta(minutes=left),
            late_until=NOW + timedelta(minutes=left + 60),
            bitcoin_address="bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu",
            received_btc=received,
            confirmations_wanted=wanted,
            confirmations_seen=seen,
        )
        order = answer(Rail.BITCOIN, status, payment)
        check(order)
        told = order["payment"]
        if status in ("PAID", "PAID_UNCONFIRMED"):
            assert told["vanished"] == (received < Decimal("0.005"))
        if told["confirmations_remaining"] and status == "PAID_UNCONFIRMED":
            missing = told["confirmations_wanted"] - told["confirmations_seen"]
            assert told["confirmations_remaining"] == missing


def test_no_fields_contradict_each_other_in_aeon() -> None:
    for status, left, remaining, confirmations, reported in product(
        [one for one in OrderStatus if one != "TO_BE_CREATED"],
        (1, 0, -1),
        (None, Decimal(0), Decimal("14.4")),
        (None, -1, 3),
        ("UNPAID", "BTC_SENT", "TIMED_OUT"),
    ):
        payment = PaymentFacts(
            last_reported_state=reported,
            expires_at=NOW + timedelta(minutes=left),
            receiving_address="plain",
            receiving_integrated_address="integrated",
            incoming_amount_total=Decimal("14.4"),
            remaining_amount_incoming=remaining,
            incoming_num_confirmations_remaining=confirmations,
        )
        order = answer(Rail.AEONTO, status, payment)
        check(order)
        assert order["payment"]["amount_received"] is None
        assert order["payment"]["pay_to"] in (None, "integrated")


def test_what_an_operator_granted_in_bitcoin_vanished_from_nowhere() -> None:
    payment = PaymentFacts(
        last_reported_state="UNPAID",
        expires_at=NOW,
        late_until=NOW,
        bitcoin_address="bc1q",
        received_btc=Decimal(0),
    )
    order = answer(Rail.BITCOIN, OrderStatus.PAID, payment, by_hand=True)
    check(order)
    assert (order["payment"]["vanished"], order["payment"]["amount_received"]) == (False, "0")
