"""What an order looks like in an answer."""

from datetime import datetime

from app.orders.notices import notice_of
from app.orders.payment_responses import late_payment, payment_response
from app.orders.queries import OrderView
from app.orders.rules.bitcoin_payments import Valuation
from app.orders.schemas import OrderResponse
from app.web.labels import shown


def order_response(order: OrderView, valuation: Valuation, now: datetime) -> OrderResponse:
    """Return the answer that shows an order; `valuation` says what money buys today."""
    return OrderResponse(
        order_id=order.id,
        status=order.status,
        settled=order.settled,
        created_at=order.created_at,
        updated_at=order.updated_at,
        number_of_credits=order.number_of_credits,
        credit_price_btc=order.price_btc,
        credits_granted=order.credits_granted,
        grant_price_btc=order.grant_price_btc,
        payment_coin=order.payment_coin,
        payment_network=order.payment_network,
        btc_amount=order.btc_amount,
        failure_reason=order.failure_reason,
        client_reference=order.client_reference,
        metadata=shown(order.metadata),
        notice=notice_of(order, late_payment(order, valuation, now), now),
        payment=payment_response(order, order.payment, valuation, now) if order.payment else None,
    )
