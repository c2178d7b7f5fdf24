"""Orders: placing them, reading them, and cancelling them."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from app.accounts.authentication import Caller
from app.accounts.errors import AccessCodeMismatch, InvalidAccessCode
from app.accounts.rules.throttles import bad_codes_of
from app.orders import cancel, due, listing, place, rail_offers, service
from app.orders.errors import InvalidOrderId
from app.orders.list_parameters import OnlyOrders
from app.orders.path_parameters import OrderIdInPath
from app.orders.place import Buyer, Purchase
from app.orders.queries import OrderView
from app.orders.responses import order_response
from app.orders.route import OrderRoute
from app.orders.rules.states import OrderStatus
from app.orders.schemas import (
    CheckOrderStatusRequest,
    OrderPage,
    OrderRequest,
    OrderResponse,
)
from app.runtime.errors import MissingParameter, NotFound
from app.runtime.idempotency import KeptAnswer
from app.runtime.paging import read_cursor
from app.runtime.security import ORDER_ID_PATTERN
from app.web import idempotency, links
from app.web.dependencies import (
    THROTTLE_INVALID_CODES,
    CallerDep,
    ReadConnection,
    ResourcesDep,
    Session,
    actor_of,
    identify,
    resources_of,
)
from app.web.errors import ORDER_FAULT, ORDER_LIMIT, responses
from app.web.idempotency import KeyHeader, PathKey
from app.web.openapi import takes_credentials
from app.web.paging import CursorParameter, LimitParameter
from app.web.request_body import sent_text

router = APIRouter(
    prefix="/api",
    tags=["orders"],
    route_class=OrderRoute,
    responses=responses(400, 403, 429, 500, 503),
)
_TAKES_BODY = responses(408, 413, 415)


@takes_credentials
async def _buyer(request: Request) -> Buyer:
    now = resources_of(request).clock.now()
    asked = place.placing_parameters(
        await sent_text(request, "access_code"), request.headers.get(idempotency.HEADER), now
    )
    buyer = place.buyer_in(*await identify(request, place.PLACING, **asked), now)
    idempotency.refuse_two(request)
    return buyer


@router.post(
    "/new_order",
    status_code=201,
    summary="Create a new order",
    response_model=OrderResponse,
    response_description="The order; its payment address follows within seconds",
    responses=_TAKES_BODY
    | ORDER_LIMIT
    | ORDER_FAULT
    | idempotency.documented(links.ORDER, conflicts=True),
)
async def new_order(
    body: OrderRequest,
    buyer: Annotated[Buyer, Depends(_buyer)],
    request: Request,
    sent: KeyHeader = None,
) -> Response:
    """Buy credits for oneself or for an access code. The payment is read from the order's status."""
    key = await idempotency.bound_to_body(request, buyer.caller, sent)
    resources = resources_of(request)
    database, terms, now = resources.database, resources.terms, resources.clock.now()
    purchase = Purchase(
        body.number_of_credits,
        body.payment_coin,
        body.payment_network,
        body.access_code,
        labels=body.labels,
        unique_reference=body.unique_reference,
    )

    def write(order: OrderView) -> bytes:
        return idempotency.as_json(order_response(order, terms.valuation(), now))

    try:
        if key is None:
            _, body_sent = await service.create(database, buyer, purchase, terms, now, write=write)
            kept = KeptAnswer(HTTPStatus.CREATED, body_sent, replayed=False)
        else:
            kept = await service.create_once(
                database, buyer, purchase, terms, now, key=key, write=write
            )
    except InvalidAccessCode:
        await resources.throttles.count(bad_codes_of(buyer.caller.account_id))
        raise
    rail = rail_offers.rail_of(purchase.payment_coin, purchase.payment_network, terms)
    due.tell_of_new_order(resources.notifications, rail)
    return idempotency.respond(kept)


@takes_credentials
async def _asked_order(request: Request) -> tuple[Caller, OrderView | None]:
    caller, row = await identify(
        request, service.STATUS, order_id=await sent_text(request, "order_id")
    )
    await idempotency.refuse_key_for_read(request)
    return caller, service.order_in(row)


@router.post(
    "/check_order_status",
    summary="Check the status of an order",
    response_description="The order and its payment",
    responses=_TAKES_BODY | idempotency.refused(),
)
async def check_order_status(
    body: CheckOrderStatusRequest,
    asked: Annotated[tuple[Caller, OrderView | None], Depends(_asked_order)],
    request: Request,
) -> OrderResponse:
    """Read an order of which the caller is buyer, beneficiary, or issuer of the access code."""
    resources, (caller, order) = resources_of(request), asked
    if caller.access_code is not None:
        if body.access_code is None:
            raise MissingParameter("access_code")
        if body.access_code != caller.access_code:
            await resources.throttles.count(bad_codes_of(caller.account_id))
            raise AccessCodeMismatch
    if order is None:
        raise InvalidOrderId
    resources.poll_hints.note(order.id)
    return order_response(order, resources.terms.valuation(), resources.clock.now())


@router.get(
    "/orders",
    summary="List one's own orders",
    response_description="Orders, newest first",
    dependencies=[THROTTLE_INVALID_CODES],
)
async def list_orders(
    *,
    caller: CallerDep,
    connection: ReadConnection,
    resources: ResourcesDep,
    only: OnlyOrders,
    cursor: CursorParameter = None,
    limit: LimitParameter = 20,
) -> OrderPage:
    """List the orders that the caller bought, receives, or issued the access code of.

    With `access_code`, only those whose credits that code receives.
    """
    page = await listing.list_visible(
        connection,
        caller.account_id,
        cursor=read_cursor(cursor) if cursor is not None else None,
        limit=limit,
        only=only,
    )
    now, valuation = resources.clock.now(), resources.terms.valuation()
    return OrderPage(
        items=[order_response(order, valuation, now) for order in page.items],
        next_cursor=page.next_cursor,
    )


@takes_credentials
async def _order_in_path(order_id: OrderIdInPath, request: Request) -> OrderView:
    asked = order_id if ORDER_ID_PATTERN.fullmatch(order_id) else None
    _, row = await identify(request, service.STATUS, order_id=asked)
    order = service.order_in(row)
    if order is None:
        raise NotFound("order_id not found")
    return order


@router.get(
    "/orders/{order_id}",
    summary="Get an order",
    response_description="The order and its payment",
    responses=responses(404),
)
async def get_order(
    order: Annotated[OrderView, Depends(_order_in_path)], resources: ResourcesDep
) -> OrderResponse:
    """Read an order that the caller bought, receives, or issued the access code of."""
    resources.poll_hints.note(order.id)
    return order_response(order, resources.terms.valuation(), resources.clock.now())


@router.post(
    "/orders/{order_id}/cancel",
    summary="Cancel an order that nobody paid",
    response_description="The order, now cancelled",
    response_model=OrderResponse,
    responses=idempotency.documented(status=200, conflicts=True),
)
async def cancel_order(
    order_id: OrderIdInPath,
    *,
    caller: CallerDep,
    request: Request,
    session: Session,
    resources: ResourcesDep,
    key: PathKey,
) -> Response:
    """Cancel an order that the caller bought. Money that still comes is seen, and counts.

    Cancelling it again is answered in the same way, as long as nobody has paid it since; with an
    `Idempotency-Key`, whatever became of it.
    """
    now, valuation = resources.clock.now(), resources.terms.valuation()
    moved = False

    async def cancel_it() -> OrderResponse:
        nonlocal moved
        done = await cancel.cancel_own(
            session,
            order_id,
            account_id=caller.account_id,
            actor=actor_of(request, caller),
            valuation=valuation,
            now=now,
        )
        moved = done.moved
        return order_response(done.order, valuation, now)

    answer = await idempotency.answer_once(resources, session, key, cancel_it, status=HTTPStatus.OK)
    if moved:
        resources.metrics.orders_moved.labels(OrderStatus.CANCELLED).inc()
    return answer
