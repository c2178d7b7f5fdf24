"""What an order looks like in an answer, and what one may be: in the words of each rail."""

from datetime import datetime
from decimal import Decimal
from typing import Final

from app.bitcoin.bip21 import bitcoin_uri
from app.domain.rails import Rail
from app.domain.states import OrderStatus
from app.schemas.orders import (
    OrderResponse,
    PaymentResponse,
    PaymentTransaction,
    RailParameters,
    payment_uri,
    seconds_left,
)
from app.services.aeonto_parameters import KnownParameters
from app.services.order_views import OrderView, PaymentFacts
from app.services.terms import Terms

_OVER: Final = (OrderStatus.PAID, OrderStatus.FAILED)


def order_response(order: OrderView, now: datetime) -> OrderResponse:
    """Return the answer that shows an order."""
    return OrderResponse(
        order_id=order.id,
        status=order.status,
        created_at=order.created_at,
        updated_at=order.updated_at,
        number_of_credits=order.number_of_credits,
        credits_granted=order.credits_granted,
        payment_coin=order.payment_coin,
        payment_network=order.payment_network,
        btc_amount=order.btc_amount,
        failure_reason=order.failure_reason,
        payment=_payment(order, order.payment, now) if order.payment else None,
    )


def _payment(order: OrderView, payment: PaymentFacts, now: datetime) -> PaymentResponse:
    if order.rail is Rail.BITCOIN:
        return _in_bitcoin(order, payment, now)
    return _in_aeon(payment, now)


def _in_aeon(payment: PaymentFacts, now: datetime) -> PaymentResponse:
    total, remaining = payment.incoming_amount_total, payment.remaining_amount_incoming
    confirmations = payment.incoming_num_confirmations_remaining
    return PaymentResponse(
        rail=Rail.AEONTO,
        state=payment.state,
        address=payment.receiving_address,
        payment_id_long=payment.required_payment_id_long,
        integrated_address=payment.receiving_integrated_address,
        payment_id_short=payment.required_payment_id_short,
        amount_total=total,
        amount_received=None if total is None or remaining is None else total - remaining,
        amount_remaining=remaining,
        uri=payment_uri(payment.receiving_integrated_address, remaining),
        expires_at=payment.expires_at,
        seconds_left=seconds_left(payment.expires_at, now),
        # -1 is AEON.to's way to say "not applicable yet"
        confirmations_remaining=None if confirmations == -1 else confirmations,
        confirmations_wanted=None,
        confirmations_seen=None,
        btc_transaction_id=payment.btc_transaction_id,
        btc_confirmations=payment.btc_num_confirmations,
        settlement=payment.settlement,
        transactions=[],
    )


def _in_bitcoin(order: OrderView, payment: PaymentFacts, now: datetime) -> PaymentResponse:
    total, address = order.btc_amount, payment.bitcoin_address
    received = payment.received_btc or Decimal(0)
    wanted, seen = payment.confirmations_wanted or 0, payment.confirmations_seen or 0
    remaining = max(total - received, Decimal(0))
    # Nobody is asked to pay for what an operator gave or closed, or what was granted before.
    asked = remaining > 0 and order.status not in _OVER
    return PaymentResponse(
        rail=Rail.BITCOIN,
        state=payment.state,
        address=address,
        payment_id_long=None,
        integrated_address=None,
        payment_id_short=None,
        amount_total=total,
        amount_received=received,
        amount_remaining=remaining,
        uri=bitcoin_uri(address, remaining) if address is not None and asked else None,
        expires_at=payment.expires_at,
        seconds_left=seconds_left(payment.expires_at, now),
        confirmations_remaining=max(wanted - seen, 0) if received >= total else None,
        confirmations_wanted=wanted,
        confirmations_seen=seen,
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


def rail_parameters(known: KnownParameters, terms: Terms) -> list[RailParameters]:
    """Return what an order may be on each rail that is offered; `known` is of AEON.to."""
    price_btc = terms.credit_price_btc
    least, most = known.credit_range(price_btc, terms.max_credits_per_order)
    rails = [
        RailParameters(
            rail=Rail.AEONTO,
            payment_coin="AEON",
            payment_network="AEON",
            min_number_of_credits=least,
            max_number_of_credits=most,
            lower_limit_btc=known.lower_limit_btc,
            upper_limit_btc=known.upper_limit_btc,
            payment_window_seconds=None,
            confirmations=None,
        )
    ]
    if terms.bitcoin is not None:
        least, most = terms.credits_in_bitcoin()
        rails.append(
            RailParameters(
                rail=Rail.BITCOIN,
                payment_coin="BTC",
                payment_network="BTC",
                min_number_of_credits=least,
                max_number_of_credits=most,
                lower_limit_btc=least * price_btc,
                upper_limit_btc=most * price_btc,
                payment_window_seconds=int(terms.bitcoin.payment_window.total_seconds()),
                confirmations=terms.bitcoin.confirmations,
            )
        )
    return rails
