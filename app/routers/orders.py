"""Orders: placing them, reading them, and what they may cost."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from app.domain.errors import (
    AccessCodeMismatch,
    InvalidOrderId,
    InvalidParameter,
    MissingParameter,
    UpstreamUnknown,
)
from app.domain.throttles import bad_codes_of
from app.http import idempotency, links
from app.http.deps import (
    COUNTS_ORDER_CODES,
    AnyCaller,
    OrderCaller,
    OrderCredentials,
    Reading,
    Res,
    Session,
    identified,
)
from app.http.front_door import StrictRoute, sent_text
from app.http.idempotency import OrderKey
from app.resources import Resources
from app.routers.order_responses import order_response, rail_parameters
from app.schemas.errors import ORDER_FAULT, responses
from app.schemas.orders import (
    CheckOrderStatusRequest,
    CheckPriceRequest,
    NewOrderRequest,
    OrderPage,
    OrderParametersResponse,
    OrderResponse,
    PriceResponse,
)
from app.schemas.paging import CursorParameter, LimitParameter
from app.services import aeonto_parameters, orders
from app.services.callers import Caller
from app.services.order_placing import Purchase
from app.services.order_views import OrderView
from app.services.paging import read_cursor

router = APIRouter(
    prefix="/api",
    tags=["orders"],
    route_class=StrictRoute,
    responses=responses(400, 403, 429, 500, 503),
)
_TAKES_BODY = responses(408, 413, 415)


@router.post(
    "/new_order",
    status_code=201,
    summary="Create a new order",
    response_model=OrderResponse,
    response_description="The order; its payment address follows within seconds",
    dependencies=[COUNTS_ORDER_CODES],
    responses=_TAKES_BODY | ORDER_FAULT | idempotency.documented(links.ORDER),
)
async def new_order(
    body: NewOrderRequest, caller: OrderCaller, session: Session, resources: Res, key: OrderKey
) -> OrderResponse | Response:
    """Buy credits for oneself or for an access code. The payment is read from the order's status."""
    now = resources.clock.now()
    purchase = Purchase(
        body.number_of_credits, body.payment_coin, body.payment_network, body.access_code
    )
    if key is None:
        order = await orders.create(
            session, caller=caller, purchase=purchase, terms=resources.terms, now=now
        )
        return order_response(order, now)
    kept = await orders.create_once(
        session,
        key=key,
        write=lambda order: idempotency.as_json(order_response(order, now)),
        caller=caller,
        purchase=purchase,
        terms=resources.terms,
        now=now,
    )
    return idempotency.respond(kept)


async def _asked_order(
    request: Request, resources: Res, credentials: OrderCredentials
) -> tuple[Caller, OrderView | None]:
    order_id = await sent_text(request, "order_id")
    now = resources.clock.now()
    return await identified(
        request,
        resources,
        credentials,
        lambda connection, presented: orders.check_status(connection, presented, order_id, now),
    )


@router.post(
    "/check_order_status",
    summary="Check the status of an order",
    response_description="The order and its payment",
    responses=_TAKES_BODY,
)
async def check_order_status(
    body: CheckOrderStatusRequest,
    asked: Annotated[tuple[Caller, OrderView | None], Depends(_asked_order)],
    resources: Res,
) -> OrderResponse:
    """Read an order of which the caller is buyer, beneficiary, or issuer of the access code."""
    caller, order = asked
    if caller.access_code is not None:
        if body.access_code is None:
            raise MissingParameter("access_code")
        if body.access_code != caller.access_code:
            await resources.throttles.count(bad_codes_of(caller.account_id))
            raise AccessCodeMismatch
    if order is None:
        raise InvalidOrderId
    resources.interest.note(order.id)
    return order_response(order, resources.clock.now())


@router.get("/orders", summary="List one's own orders", response_description="Orders, newest first")
async def list_orders(
    caller: AnyCaller,
    connection: Reading,
    resources: Res,
    cursor: CursorParameter = None,
    limit: LimitParameter = 20,
) -> OrderPage:
    """List the orders that the caller bought, receives, or issued the access code of."""
    page = await orders.list_visible(
        connection,
        caller.account_id,
        cursor=read_cursor(cursor) if cursor is not None else None,
        limit=limit,
    )
    now = resources.clock.now()
    return OrderPage(
        items=[order_response(order, now) for order in page.items], next_cursor=page.next_cursor
    )


@router.get(
    "/order_parameters",
    summary="See what an order may be",
    response_description="Limits and price, in credits and in coin",
)
async def order_parameters(
    _caller: AnyCaller, connection: Reading, resources: Res
) -> OrderParametersResponse:
    """Read the limits and the price as AEON.to last stated them, at most 5 minutes ago."""
    known = await _known(connection, resources)
    terms = resources.terms
    price_btc = terms.credit_price_btc
    least, most = known.credit_range(price_btc, terms.max_credits_per_order)
    return OrderParametersResponse(
        payment_coin="AEON",
        payment_network="AEON",
        min_number_of_credits=least,
        max_number_of_credits=most,
        credit_price_btc=price_btc,
        credit_price=known.price_aeon(price_btc),
        lower_limit_btc=known.lower_limit_btc,
        upper_limit_btc=known.upper_limit_btc,
        as_of=known.seen_at,
        rails=rail_parameters(known, terms),
    )


@router.post(
    "/check_price",
    summary="See what credits cost now",
    response_description="The price",
    responses=_TAKES_BODY,
)
async def check_price(
    body: CheckPriceRequest, _caller: AnyCaller, connection: Reading, resources: Res
) -> PriceResponse:
    """Compute a price from what AEON.to last stated, at most 5 minutes ago."""
    known = await _known(connection, resources)
    price_btc, most = resources.terms.credit_price_btc, resources.terms.max_credits_per_order
    least, most = known.credit_range(price_btc, most)
    if not least <= body.number_of_credits <= most:
        raise InvalidParameter("number_of_credits", f"a whole number from {least} to {most}")
    btc_amount = body.number_of_credits * price_btc
    return PriceResponse(
        number_of_credits=body.number_of_credits,
        btc_amount=btc_amount,
        payment_coin="AEON",
        payment_network="AEON",
        amount_total=known.price_aeon(btc_amount),
        as_of=known.seen_at,
    )


async def _known(connection: Reading, resources: Resources) -> aeonto_parameters.KnownParameters:
    known = await aeonto_parameters.known(connection, resources.clock.now())
    if known is None:
        raise UpstreamUnknown
    return known
