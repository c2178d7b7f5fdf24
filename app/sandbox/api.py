"""The five endpoints of AEON.to API v3, with their limits, their errors and their faults."""

import re
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, cast

from fastapi import FastAPI, Request
from starlette.responses import RedirectResponse, Response

from app.addresses import InvalidAddress, bitcoin_network
from app.runtime.money import SATOSHI
from app.sandbox import exact_json
from app.sandbox.answers import SHAPES, Answer, Refusal, error, render, success
from app.sandbox.faults import AEONTO, Fault
from app.sandbox.limits import Endpoint
from app.sandbox.orders import CONFIRMATIONS_BEFORE_PURGE, Order, State
from app.sandbox.payment_urls import read_invoice
from app.sandbox.spoiling import error_code, play
from app.sandbox.world import (
    LOWER_LIMIT_BTC,
    PARAMETERS,
    UPPER_LIMIT_BTC,
    ZERO_CONF_MAX_BTC,
    World,
)

RECOMMENDED_MIXIN: Final = SHAPES["order_status_query"]["recommended_mixin"]
BASE_PATH: Final = "/api/v3/aeon2btc/"
TOO_MANY_REQUESTS: Final = "012"
# Longer than any bitcoin address (BIP 173: 90), and than any amount with 8 decimals.
_LONGEST_TEXT: Final = 100
_DECIMAL: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?")


def parameters(world: World, _body: dict[str, object]) -> Answer:
    """Answer order_parameter_query."""
    values = {
        **PARAMETERS,
        "price": world.options.price_btc,
        "zero_conf_enabled": world.options.zero_conf,
    }
    return success("order_parameter_query", values)


def create(world: World, body: dict[str, object]) -> Answer:
    """Answer order_create: 002, 003, 004."""
    address = _address(body.get("btc_dest_address"))
    amount = _amount(body.get("btc_amount"), unreadable="003")
    return _created(world, world.create_order(amount, address, None))


def create_pp(world: World, body: dict[str, object]) -> Answer:
    """Answer order_create_pp: 010, 011, and 002, 003, 004 for what the URL serves."""
    invoice = read_invoice(body.get("pp_url"))
    address = _address(invoice.btc_dest_address)
    amount = _amount(invoice.btc_amount, unreadable="003")
    return _created(world, world.create_order(amount, address, invoice.pp_url))


def status(world: World, body: dict[str, object]) -> Answer:
    """Answer order_status_query: 006, 009."""
    uuid = body.get("uuid")
    if not isinstance(uuid, str):
        raise Refusal("009")
    order = world.find(uuid)
    if order is None:
        raise Refusal("006")
    now = world.now()
    order.polls += 1
    order.last_polled_at = now
    world.keep(order)
    lies = {name: exact_json.read(lie) for name, lie in order.lies.items()}
    return success(_status_shape(order), _values(world, order, now), lies=lies)


def check_price(world: World, body: dict[str, object]) -> Answer:
    """Answer order_check_price: 004, 009."""
    amount = _amount(body.get("btc_amount"), unreadable="009")
    trusted = world.options.zero_conf and amount <= ZERO_CONF_MAX_BTC
    values = {
        "btc_amount": amount,
        "incoming_amount_total": world.quote(amount),
        "incoming_num_confirmations_remaining": 0 if trusted else 1,
        "incoming_price_btc": world.options.price_btc,
    }
    return success("order_check_price", values)


def _address(text: object) -> str:
    if not isinstance(text, str) or len(text) > _LONGEST_TEXT:
        raise Refusal("002")
    try:
        bitcoin_network(text)
    except InvalidAddress:
        raise Refusal("002") from None
    return text


def _amount(said: object, *, unreadable: str) -> Decimal:
    """Read an amount in BTC, a JSON number or a string of one.

    Raises Refusal: `unreadable` for what is none or has parts of a satoshi, else 004.
    """
    if isinstance(said, str) and len(said) <= _LONGEST_TEXT and _DECIMAL.fullmatch(said):
        said = Decimal(said)
    if isinstance(said, bool) or not isinstance(said, int | Decimal):
        raise Refusal(unreadable)
    amount = Decimal(said)
    if not LOWER_LIMIT_BTC <= amount <= UPPER_LIMIT_BTC:
        raise Refusal("004")
    if amount % SATOSHI:
        raise Refusal(unreadable)
    return amount.normalize()


def _created(world: World, order: Order) -> Answer:
    shape = "order_create" if order.pp_url is None else "order_create_pp"
    return success(shape, _values(world, order, order.created_at), status=201)


def _status_shape(order: Order) -> str:
    if order.state is State.TO_BE_CREATED:
        return "order_create" if order.pp_url is None else "order_create_pp"
    if order.state is State.NOT_FOUND:
        return "order_status_not_found"
    return "order_status_query"


def _values(world: World, order: Order, now: datetime) -> dict[str, object]:
    sent = order.state is State.BTC_SENT
    seconds_left = (order.expires_at - now) // timedelta(seconds=1)
    return {
        "state": order.state.value,
        "uuid": order.uuid,
        "btc_amount": order.btc_amount,
        "btc_dest_address": order.btc_dest_address,
        "pp_url": order.pp_url,
        "receiving_address": order.receiving_address,
        "receiving_integrated_address": order.receiving_integrated_address,
        "required_payment_id_long": order.payment_id_long,
        "required_payment_id_short": order.payment_id_short,
        "created_at": f"{order.created_at:%Y-%m-%dT%H:%M:%SZ}",
        "expires_at": f"{order.expires_at:%Y-%m-%dT%H:%M:%SZ}",
        "seconds_till_timeout": max(seconds_left, 0),
        "incoming_amount_total": order.incoming_total,
        "remaining_amount_incoming": order.remaining,
        "incoming_num_confirmations_remaining": order.aeon_confirmations_remaining,
        "incoming_price_btc": order.price,
        "recommended_mixin": RECOMMENDED_MIXIN,
        "btc_num_confirmations_before_purge": CONFIRMATIONS_BEFORE_PURGE,
        "btc_num_confirmations": world.btc_confirmations(order),
        "btc_transaction_id": order.btc_transaction_id if sent else "",
    }


# What each endpoint does, its method, and the error number for a body that is not JSON.
WORK: Final = {
    Endpoint.ORDER_PARAMETER_QUERY: (parameters, "GET", ""),
    Endpoint.ORDER_CREATE: (create, "POST", "005"),
    Endpoint.ORDER_CREATE_PP: (create_pp, "POST", "005"),
    Endpoint.ORDER_STATUS_QUERY: (status, "POST", "009"),
    Endpoint.ORDER_CHECK_PRICE: (check_price, "POST", "005"),
}


def add_endpoints(app: FastAPI, world: World) -> None:
    """Serve the five endpoints, and redirect to them where the last slash is missing."""
    for endpoint, (_, method, _) in WORK.items():
        path = f"{BASE_PATH}{endpoint}"
        app.add_route(f"{path}/", _handler(world, endpoint), methods=[method])
        app.add_route(path, _to_slash(world, endpoint), methods=["GET", "POST"])


def _handler(world: World, endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
    async def handle(request: Request) -> Response:
        in_window, over_limit = world.limiter.arrive(endpoint, world.clock.monotonic())
        world.stats.arrived(endpoint, in_window=in_window, over_limit=over_limit)
        fault = None if over_limit else world.faults.draw(AEONTO, endpoint)
        if fault is not None:
            world.stats.played(fault.kind)
        if over_limit or (fault is not None and error_code(fault) == TOO_MANY_REQUESTS):
            world.stats.endpoints[endpoint].refused_012 += 1
        world.keep_stats()
        # Read even where it is of no use: closing a connection with unread bytes resets it.
        await request.body()
        if over_limit:
            return render(error(TOO_MANY_REQUESTS))
        return await _answer(world, endpoint, request, fault)

    return handle


async def _answer(
    world: World, endpoint: Endpoint, request: Request, fault: Fault | None
) -> Response:
    if fault is not None and not fault.after:
        return await play(fault, None, world.clock)
    answer = await _work(world, endpoint, request)
    return render(answer) if fault is None else await play(fault, answer, world.clock)


async def _work(world: World, endpoint: Endpoint, request: Request) -> Answer:
    work, method, unreadable = WORK[endpoint]
    try:
        body = await _read_object(request, unreadable) if method == "POST" else {}
        return work(world, body)
    except Refusal as refusal:
        return error(refusal.number)


async def _read_object(request: Request, unreadable: str) -> dict[str, object]:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        body = exact_json.read(await request.body())
    except (ValueError, RecursionError):
        raise Refusal(unreadable) from None
    if media_type != "application/json" or not isinstance(body, dict):
        raise Refusal(unreadable)
    return cast("dict[str, object]", body)


def _to_slash(world: World, endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
    async def redirect(_request: Request) -> Response:
        world.stats.endpoints[endpoint].missing_slash += 1
        world.keep_stats()
        return RedirectResponse(f"{BASE_PATH}{endpoint}/", status_code=301)

    return redirect
