"""What must hold once the faults have stopped: nothing lost, nothing doubled, nothing over a limit."""

import asyncio
import time
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from app.orders.rules.rails import Rail
from tests.chaos.breaking import Breaker
from tests.chaos.callers import Callers, Outcome
from tests.chaos.deployment import Deployment
from tests.support.invariants import broken

SETTLE_SECONDS: Final = 120.0
_LOOK_AGAIN_SECONDS: Final = 0.25
_ORDERS: Final = """
    SELECT o.id, o.buyer_id, o.rail, o.status, o.granted_at IS NOT NULL AS granted, p.uuid,
           (SELECT count(*) FROM ledger_entries l
            WHERE l.order_id = o.id AND l.kind = 'purchase') AS purchases
    FROM orders o LEFT JOIN payments p ON p.order_id = o.id"""


@dataclass
class Verdict:
    """One row of the table, and what the row cannot say: `wrong` is empty when all is well."""

    scenario: str
    faults: str
    orders: int
    lost: list[str]
    doubled: list[str]
    over_limit: int
    slowest_recovery_seconds: float
    wrong: list[str] = field(default_factory=list)
    measured: dict[str, str] = field(default_factory=dict)

    @property
    def is_clean(self) -> bool:
        """Whether every rule held."""
        return not (self.lost or self.doubled or self.over_limit or self.wrong)


async def judge(
    scenario: str,
    callers: Callers,
    breaker: Breaker,
    seen_meanwhile: dict[str, list[str]],
    *,
    settle_seconds: float = SETTLE_SECONDS,
    ever_sent: frozenset[str] = frozenset(),
    paid_in_bitcoin: Collection[str] = (),
    **measured: str,
) -> Verdict:
    """End the faults, wait until all has settled, and look at everything.

    `seen_meanwhile` is what `sampling` found. `ever_sent`: the uuids that the sandbox sent bitcoin
    for although it no longer says so; `paid_in_bitcoin` the orders in bitcoin that have their money.
    """
    deployment = callers.deployment
    began = time.monotonic()
    await breaker.make_peace()
    unsettled = await settled(deployment, settle_seconds, paid_in_bitcoin)
    breaker.recoveries.append(time.monotonic() - began)
    orders = await deployment.query(_ORDERS)
    upstream = await deployment.upstream.orders()
    sent = {one["uuid"] for one in upstream if one["btc_transaction_id"]} | ever_sent
    paid = {order.id for order in orders if order.uuid in sent or order.id in paid_in_bitcoin}
    wrong = [f"during the faults: {name}: {rows[:3]}" for name, rows in seen_meanwhile.items()]
    wrong += [f"not settled: {row}" for row in unsettled[:3]]
    wrong += [
        f"answered {text}, {times} times" for text, times in Counter(callers.strange()).items()
    ]
    wrong += await _breaches(deployment)
    return Verdict(
        scenario=scenario,
        faults=breaker.summary(),
        orders=len(orders),
        lost=_lost(orders, callers, paid),
        doubled=_doubled(orders, callers, paid),
        over_limit=(await deployment.upstream.stats())["over_limit"],
        slowest_recovery_seconds=max(breaker.recoveries),
        wrong=wrong,
        measured=measured,
    )


async def settled(
    deployment: Deployment, within_seconds: float, paid_in_bitcoin: Collection[str] = ()
) -> list[str]:
    """Wait until every order says what upstream says, and those paid in bitcoin are granted.

    Returns those of which that is still not true.
    """
    give_up_at = time.monotonic() + within_seconds
    while True:
        orders = await deployment.query(_ORDERS)
        states = {order["uuid"]: order["state"] for order in await deployment.upstream.orders()}
        behind = [
            f"{order.id} is {order.status}, upstream {states.get(order.uuid)}"
            for order in orders
            if order.rail == Rail.AEONTO
            and not (order.granted or order.status in ("FAILED", states.get(order.uuid)))
        ]
        behind += [
            f"{order.id} is {order.status}, and paid in bitcoin"
            for order in orders
            if order.id in paid_in_bitcoin and not order.granted
        ]
        if not behind or time.monotonic() > give_up_at:
            return behind
        await asyncio.sleep(_LOOK_AGAIN_SECONDS)


def _lost(orders: list[Any], callers: Callers, paid: set[str]) -> list[str]:
    """Return the promises that were not kept, and the payments that brought no credits."""
    ids = {order.id for order in orders}
    missing = [f"{order_id} was promised" for order_id in callers.promised if order_id not in ids]
    return missing + [
        f"{order.id} was paid for" for order in orders if order.id in paid and not order.purchases
    ]


def _doubled(orders: list[Any], callers: Callers, paid: set[str]) -> list[str]:
    """Return what was granted twice or for nothing, and orders that nobody placed."""
    found = [
        f"{order.id} was granted {order.purchases} times" for order in orders if order.purchases > 1
    ]
    found += [
        f"{order.id} was granted and never paid"
        for order in orders
        if order.purchases and order.id not in paid
    ]
    found += [
        f"{purchase.key} made {len(purchase.order_ids)} orders"
        for purchase in callers.purchases
        if len(purchase.order_ids) > 1
    ]
    unknown = sum(purchase.outcome is not Outcome.OK for purchase in callers.purchases)
    beyond = len(orders) - len(callers.promised) - unknown
    return found + [f"{beyond} orders that no call explains"] * (beyond > 0)


async def _breaches(deployment: Deployment) -> list[str]:
    found = await broken(deployment.database, datetime.now(UTC))
    breaches = [f"{name}: {rows[:3]}" for name, rows in found.items()]
    audited = await asyncio.to_thread(deployment.audit)
    return breaches + [f"audit: {breach}" for breach in audited[:3]]
