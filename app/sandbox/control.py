"""The buttons: pay, confirm, send, expire, purge, lie, order faults, move the clock.

Everything is JSON under /control/; a body may be left out where every member has a default.
`all` in place of an order's uuid addresses every order at once, leaving out those whose state
does not allow it.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Final, Self

from fastapi import APIRouter, HTTPException
from pydantic import Field, field_validator, model_validator
from starlette.responses import Response

from app.runtime.money import plain
from app.sandbox import exact_json, payouts
from app.sandbox.answers import SHAPES
from app.sandbox.buttons import Body, TheWorld, as_conflict, reads, say
from app.sandbox.faults import Fault
from app.sandbox.limits import Endpoint, bucket
from app.sandbox.orders import (
    NotPossible,
    Order,
    State,
    confirm,
    expire,
    next_state,
    pay,
    place,
    send,
)
from app.sandbox.payouts import Lie
from app.sandbox.stats import EndpointCounts
from app.sandbox.world import World

ALL: Final = "all"
router = APIRouter(prefix="/control")


class PayBody(Body):
    """`amount` in AEON, a string for exact digits; none: all that remains."""

    amount: Decimal | None = Field(None, gt=0, max_digits=24, decimal_places=12)
    late: bool = Field(False, description="have a timed-out order honour it")


class ConfirmBody(Body):
    """How many confirmations to add."""

    count: int = Field(1, ge=1, le=1000)


class SendBody(Body):
    """How the bitcoin is sent: `batch`: in one transaction for all; `lie`: not as it should be."""

    batch: bool = False
    lie: Lie | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if self.batch and self.lie:
            raise ValueError("batch and lie do not go together")
        return self


class AdvanceBody(Body):
    """Where to; none: the next rung."""

    to: State | None = None


class PurgeBody(Body):
    """`forget`: answer 404 and 006 from now on, where a purged order says NOT_FOUND."""

    forget: bool = False


class ClockBody(Body):
    """How far ahead the sandbox's time moves."""

    advance_seconds: float = Field(ge=0, le=31_536_000)


class AutoBody(Body):
    """Automatic mode: it pays, confirms and sends by itself, a step at a time."""

    enabled: bool = True
    step_seconds: float | None = Field(None, ge=0, le=86_400)


class LieBody(Body):
    """What status answers claim of a field; null: the truth again."""

    field: str
    value: object

    @field_validator("field")
    @classmethod
    def _known(cls, name: str) -> str:
        known = SHAPES["order_status_query"]
        if name not in known:
            raise ValueError(f"must be one of {', '.join(known)}")
        return name


def _show(order: Order, world: World) -> dict[str, object]:
    polled = order.last_polled_at
    return {
        "uuid": order.uuid,
        "state": order.state.value,
        "btc_amount": plain(order.btc_amount),
        "btc_dest_address": order.btc_dest_address,
        "pp_url": order.pp_url,
        "receiving_address": order.receiving_address,
        "receiving_integrated_address": order.receiving_integrated_address,
        "required_payment_id_long": order.payment_id_long,
        "required_payment_id_short": order.payment_id_short,
        "incoming_amount_total": plain(order.incoming_total),
        "remaining_amount_incoming": plain(order.remaining),
        "received": plain(order.received),
        "payments": [
            {"amount": plain(payment.amount), "at": payment.at.isoformat(), "late": payment.late}
            for payment in order.payments
        ],
        "btc_transaction_id": order.btc_transaction_id,
        "btc_num_confirmations": world.btc_confirmations(order),
        "created_at": order.created_at.isoformat(),
        "expires_at": order.expires_at.isoformat(),
        "changed_at": order.changed_at.isoformat(),
        "last_polled_at": polled.isoformat() if polled else None,
        "polls": order.polls,
        "lies": {name: exact_json.read(text) for name, text in order.lies.items()},
    }


def _change(world: World, uuid: str, action: Callable[[Order], None]) -> Response:
    if uuid != ALL:
        order = _find(world, uuid)
        with as_conflict():
            action(order)
        world.keep(order)
        return say(order=_show(order, world))
    changed, skipped = [], []
    for order in world.all_orders():
        try:
            action(order)
        except NotPossible as reason:
            skipped.append({"uuid": order.uuid, "reason": str(reason)})
        else:
            world.keep(order)
            changed.append({"uuid": order.uuid, "state": order.state.value})
    return say(orders=changed, skipped=skipped)


def _find(world: World, uuid: str) -> Order:
    order = world.find(uuid)
    if order is None:
        raise HTTPException(404, "no such order; GET /control/orders lists them")
    return order


@router.get("/orders", summary="List all orders, oldest first")
async def list_orders(world: TheWorld) -> Response:
    return say(orders=[_show(order, world) for order in world.all_orders()])


@router.get("/orders/{uuid}", summary="Show an order")
async def show_order(uuid: str, world: TheWorld) -> Response:
    return say(order=_show(_find(world, uuid), world))


@router.post("/orders/{uuid}/pay", summary="Let AEON arrive: all that remains, or an amount")
async def pay_order(
    uuid: str, world: TheWorld, body: Annotated[PayBody, reads(PayBody)]
) -> Response:
    now, rules = world.now(), world.rules
    return _change(world, uuid, lambda order: pay(order, body.amount, now, rules, late=body.late))


@router.post("/orders/{uuid}/confirm", summary="Confirm the payment; once sent: mine blocks")
async def confirm_order(
    uuid: str, world: TheWorld, body: Annotated[ConfirmBody, reads(ConfirmBody)]
) -> Response:
    count, now = body.count, world.now()
    mined = False

    def add(order: Order) -> None:
        nonlocal mined
        if order.state is not State.BTC_SENT:
            confirm(order, count, now)
        elif not mined:  # once for all
            world.bitcoin.mine(count, now)
            mined = True

    return _change(world, uuid, add)


@router.post("/orders/{uuid}/send", summary="Send the bitcoin of an order that is PAID, or lie")
async def send_order(
    uuid: str, world: TheWorld, body: Annotated[SendBody, reads(SendBody)]
) -> Response:
    now = world.now()
    if body.batch:
        payouts.pay_together(world, world.all_orders() if uuid == ALL else [_find(world, uuid)])

    def send_one(order: Order) -> None:
        if body.lie is not None and order.state is State.PAID:
            payouts.lie(world, order, body.lie)
        send(order, now)

    return _change(world, uuid, send_one)


@router.post("/orders/{uuid}/expire", summary="Let an order time out now")
async def expire_order(uuid: str, world: TheWorld) -> Response:
    now = world.now()
    return _change(world, uuid, lambda order: expire(order, now))


@router.post("/orders/{uuid}/purge", summary="Purge an order: NOT_FOUND, or 006 when forgotten")
async def purge_order(
    uuid: str, world: TheWorld, body: Annotated[PurgeBody, reads(PurgeBody)]
) -> Response:
    if body.forget:
        orders = world.all_orders() if uuid == ALL else [_find(world, uuid)]
        world.forget(orders)
        return say(forgotten=[order.uuid for order in orders])
    now = world.now()
    return _change(world, uuid, lambda order: place(order, State.NOT_FOUND, now))


@router.post("/orders/{uuid}/advance", summary="Move an order a rung up, or to any state")
async def advance_order(
    uuid: str, world: TheWorld, body: Annotated[AdvanceBody, reads(AdvanceBody)]
) -> Response:
    to, now, rules = body.to, world.now(), world.rules

    def advance(order: Order) -> None:
        place(order, to or next_state(order, rules) or order.state, now)

    return _change(world, uuid, advance)


@router.post("/orders/{uuid}/lie", summary="Make status answers lie about a field; null: no more")
async def lie(uuid: str, world: TheWorld, body: Annotated[LieBody, reads(LieBody)]) -> Response:
    def tell(order: Order) -> None:
        if body.value is None:
            order.lies.pop(body.field, None)
        else:
            order.lies[body.field] = exact_json.write(body.value)

    return _change(world, uuid, tell)


@router.post("/faults", summary="Order a fault for the next requests")
async def add_fault(fault: Annotated[Fault, reads(Fault)], world: TheWorld) -> Response:
    try:
        world.faults.order(fault)
    except ValueError as reason:
        raise HTTPException(409, str(reason)) from None
    return say(faults=_waiting(world))


@router.get("/faults", summary="List the faults that wait")
async def list_faults(world: TheWorld) -> Response:
    return say(faults=_waiting(world))


@router.delete("/faults", summary="Forget every fault")
async def clear_faults(world: TheWorld) -> Response:
    world.faults.clear()
    return say(faults=[])


def _waiting(world: World) -> list[object]:
    return [fault.model_dump(mode="json") for fault in world.faults.waiting]


@router.post("/clock", summary="Move the sandbox's time ahead")
async def move_clock(body: Annotated[ClockBody, reads(ClockBody)], world: TheWorld) -> Response:
    world.advance_clock(body.advance_seconds)
    return say(now=world.now().isoformat())


@router.get("/auto", summary="Show whether automatic mode is on, and how long a step takes")
async def show_auto(world: TheWorld) -> Response:
    return say(enabled=world.auto_since is not None, step_seconds=world.auto_step_seconds)


@router.post("/auto", summary="Turn automatic mode on or off")
async def set_auto(world: TheWorld, body: Annotated[AutoBody, reads(AutoBody)]) -> Response:
    world.all_orders()  # what time has brought about so far happened under the old setting
    step = world.auto_step_seconds if body.step_seconds is None else body.step_seconds
    world.set_auto(enabled=body.enabled, step_seconds=step)
    return say(enabled=body.enabled, step_seconds=step)


@router.get("/stats", summary="Show what was counted, breaches of the limits among it")
async def show_stats(world: TheWorld) -> Response:
    orders = world.all_orders()
    counts = world.stats.endpoints
    return say(
        over_limit=sum(count.over_limit for count in counts.values()),
        endpoints={name.value: _show_counts(world, name, counts[name]) for name in Endpoint},
        esplora=world.stats.esplora,
        vendors=world.stats.vendors,
        faults=world.stats.faults,
        orders=len(orders),
        states={state.value: sum(order.state is state for order in orders) for state in State},
        polls={order.uuid: order.polls for order in orders},
    )


def _show_counts(world: World, name: Endpoint, counts: EndpointCounts) -> dict[str, object]:
    limit = world.limiter.limits[bucket(name)]
    return {
        "requests": counts.requests,
        "over_limit": counts.over_limit,
        "refused_012": counts.refused_012,
        "largest_window": counts.largest_window,
        "missing_slash": counts.missing_slash,
        "limit": limit.count,
        "window_seconds": limit.window_seconds,
    }


@router.post("/reset", summary="Begin anew: no orders, faults, counts or questions, a new chain")
async def reset(world: TheWorld) -> Response:
    world.reset()
    return say(reset=True)
