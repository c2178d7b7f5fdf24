"""What an answer says of a payment, in the words of each rail: every field follows from the status.

The status of an order is the one truth. What a rail said before, and what no longer agrees with the
status, is not shown beside it.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from app.orders.queries import OrderView, PaymentFacts
from app.orders.rules.bitcoin_payments import DUST_SATOSHI, Valuation, credits_bought
from app.orders.rules.rails import Rail
from app.orders.rules.states import OrderStatus
from app.orders.schemas import LatePayment, PaymentResponse, PaymentTransaction, payment_uri
from app.orders.wallet.bip21 import bitcoin_uri
from app.runtime.money import SATOSHI, in_satoshi

_WAITING: Final = frozenset({OrderStatus.UNPAID, OrderStatus.UNDERPAID})
_PAID: Final = frozenset({OrderStatus.PAID, OrderStatus.BTC_SENT})
_ENDED_UNPAID: Final = frozenset(
    {OrderStatus.TIMED_OUT, OrderStatus.NOT_FOUND, OrderStatus.FAILED, OrderStatus.CANCELLED}
)
# AEON.to's way to say "not applicable yet".
_NO_CONFIRMATIONS: Final = -1


@dataclass(frozen=True)
class PaymentRequest:
    """Whether an order asks for money.

    `payable`: its buyer should pay now; `over`: it waits for nothing any more, and has not been paid.
    """

    payable: bool
    over: bool


def asked_of(order: OrderView, now: datetime) -> PaymentRequest:
    """Say whether an order asks for money; once its time is over it does not, whatever was seen."""
    expires_at = order.payment.expires_at if order.payment else None
    waiting = order.status in _WAITING
    late = expires_at is not None and now >= expires_at
    return PaymentRequest(
        payable=waiting and not late, over=order.status in _ENDED_UNPAID or (waiting and late)
    )


def vanished(order: OrderView, now: datetime) -> bool:
    """Say whether the chain no longer shows money that brought an order into its status."""
    if order.rail is not Rail.BITCOIN or order.payment is None or order.given:
        return False
    if asked_of(order, now).over:
        return False
    received = order.payment.received_btc or Decimal(0)
    match order.status:
        case OrderStatus.UNDERPAID:
            return received < DUST_SATOSHI * SATOSHI
        case OrderStatus.PAID_UNCONFIRMED:
            return received < order.btc_amount
        case OrderStatus.PAID:
            return received < (order.credits_granted or 0) * (order.grant_price_btc or 0)
        case _:
            return False


def late_payment(order: OrderView, valuation: Valuation, now: datetime) -> LatePayment | None:
    """Say what an order that is over still buys, if all that it costs has come by now."""
    payment = order.payment
    if payment is None or not asked_of(order, now).over:
        return None
    if order.status is OrderStatus.FAILED:
        return LatePayment(credits=0, credit_price_btc=None, until=None)
    if order.rail is Rail.AEONTO:
        return LatePayment(credits=None, credit_price_btc=None, until=None)
    in_grace = payment.late_until is not None and now <= payment.late_until
    price = in_satoshi(order.price_btc) if in_grace else valuation.price_satoshi
    return LatePayment(
        credits=credits_bought(
            order.number_of_credits, in_satoshi(order.btc_amount), price, valuation
        ),
        credit_price_btc=price * SATOSHI,
        until=payment.late_until if in_grace else None,
    )


def payment_response(
    order: OrderView, payment: PaymentFacts, valuation: Valuation, now: datetime
) -> PaymentResponse:
    """Return what an answer says of the payment of an order."""
    write = _in_bitcoin if order.rail is Rail.BITCOIN else _in_aeon
    return write(order, payment, late_payment(order, valuation, now), now)


def _in_aeon(
    order: OrderView, payment: PaymentFacts, late: LatePayment | None, now: datetime
) -> PaymentResponse:
    asked = asked_of(order, now)
    integrated = payment.receiving_integrated_address
    remaining = payment.remaining_amount_incoming
    if not asked.payable:  # a paid order lacks nothing, and what else was said is out of date
        remaining = Decimal(0) if remaining == 0 and not asked.over else None
    return PaymentResponse(
        rail=Rail.AEONTO,
        state=order.status,
        pay_to=integrated if asked.payable else None,
        address=payment.receiving_address,
        payment_id_long=payment.required_payment_id_long,
        integrated_address=integrated,
        payment_id_short=payment.required_payment_id_short,
        amount_total=None if asked.over else payment.incoming_amount_total,
        amount_received=None,  # AEON.to does not say it, and its total may have changed since
        amount_remaining=remaining,
        uri=payment_uri(integrated, remaining) if asked.payable else None,
        expires_at=payment.expires_at,
        seconds_left=_seconds_left(order, payment, now),
        late_until=None,
        late_payment=late,
        vanished=False,
        confirmations_remaining=_confirmations_in_aeon(order.status, payment),
        confirmations_wanted=None,
        confirmations_seen=None,
        btc_transaction_id=payment.btc_transaction_id,
        btc_confirmations=payment.btc_num_confirmations,
        settlement=payment.settlement,
        transactions=[],
    )


def _confirmations_in_aeon(status: OrderStatus, payment: PaymentFacts) -> int | None:
    if status in _PAID:
        return 0
    said = payment.incoming_num_confirmations_remaining
    return said if status is OrderStatus.PAID_UNCONFIRMED and said != _NO_CONFIRMATIONS else None


def _in_bitcoin(
    order: OrderView, payment: PaymentFacts, late: LatePayment | None, now: datetime
) -> PaymentResponse:
    asked, is_vanished = asked_of(order, now), vanished(order, now)
    total, received = order.btc_amount, payment.received_btc or Decimal(0)
    missing = max(total - received, Decimal(0))
    remaining = missing if asked.payable else None
    if not asked.over and not asked.payable and not is_vanished and missing == 0:
        remaining = Decimal(0)
    address = payment.bitcoin_address
    pay_to = address if asked.payable else None
    wanted, remaining_confirmations = _confirmations_in_bitcoin(
        order.status, payment, vanished=is_vanished
    )
    return PaymentResponse(
        rail=Rail.BITCOIN,
        state=order.status,
        pay_to=pay_to,
        address=address,
        payment_id_long=None,
        integrated_address=None,
        payment_id_short=None,
        amount_total=None if asked.over and (late is None or late.until is None) else total,
        amount_received=None if is_vanished else received,
        amount_remaining=remaining,
        uri=bitcoin_uri(pay_to, missing) if pay_to is not None and missing > 0 else None,
        expires_at=payment.expires_at,
        seconds_left=_seconds_left(order, payment, now),
        late_until=payment.late_until,
        late_payment=late,
        vanished=is_vanished,
        confirmations_remaining=remaining_confirmations,
        confirmations_wanted=wanted,
        confirmations_seen=payment.confirmations_seen or 0,
        btc_transaction_id=None,
        btc_confirmations=None,
        settlement=None,
        transactions=[
            PaymentTransaction(
                txid=output.txid,
                output_index=output.output_index,
                amount=output.amount_btc,
                confirmations=output.confirmations,
                gone=output.gone,
            )
            for output in payment.outputs
        ],
    )


def _confirmations_in_bitcoin(
    status: OrderStatus, payment: PaymentFacts, *, vanished: bool
) -> tuple[int, int | None]:
    """Return how many confirmations an amount needs, and how many it lacks, if it is all there."""
    wanted, seen = payment.confirmations_wanted or 0, payment.confirmations_seen or 0
    if vanished or status not in {OrderStatus.PAID, OrderStatus.PAID_UNCONFIRMED}:
        return wanted, None
    if status is OrderStatus.PAID:
        return wanted, 0
    # What somebody may still replace needs one, even where none is wanted.
    wanted = max(wanted, seen + 1)
    return wanted, wanted - seen


def _seconds_left(order: OrderView, payment: PaymentFacts, now: datetime) -> int | None:
    """Return the whole seconds that are left to pay: 0 when it is over, None when it was paid."""
    if order.status not in _WAITING:
        return 0 if asked_of(order, now).over else None
    if payment.expires_at is None:
        return None
    return max(0, int((payment.expires_at - now).total_seconds()))
