"""Callers of the API who note each call as ok, failed or unknown, and what they were promised."""

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from random import Random
from typing import Any, Final

import httpx

from app.orders.rules.rails import Rail
from tests.chaos.deployment import Deployment, Replica
from tests.support.people import Person, make_access_code, make_user

CREDITS: Final = 10
_DOCUMENTED: Final = frozenset({200, 201, 400, 402, 403, 404, 409, 413, 422, 429, 503})
_TRY_AGAIN_SECONDS: Final = 0.25


class Outcome(StrEnum):
    """What a caller knows after a call."""

    OK = "ok"
    FAILED = "failed"
    UNKNOWN = "unknown"  # the connection was lost, the time was up, or a 5xx: done or not done


@dataclass(frozen=True)
class Call:
    """One call, and how long it took in seconds. `status` is None when no answer came."""

    endpoint: str
    outcome: Outcome
    status: int | None
    seconds: float
    body: Any = None
    retry_after: str | None = None

    @property
    def is_documented(self) -> bool:
        """Whether an answer, if there was one, is one that the API documents for such a time."""
        if self.status == httpx.codes.SERVICE_UNAVAILABLE:
            return self.retry_after is not None
        if self.status == httpx.codes.INTERNAL_SERVER_ERROR:  # the vendor failed for good
            return bool(self.body["code"] == "4J9Y1")
        return self.status is None or self.status in _DOCUMENTED


@dataclass
class Purchase:
    """One purchase under one idempotency key, however often it was sent; no rail: its caller's."""

    key: str
    rail: Rail | None = None
    outcome: Outcome = Outcome.UNKNOWN
    order_ids: set[str] = field(default_factory=set)


@dataclass
class Callers:
    """A buyer, an access code that it issued, and all that they called."""

    deployment: Deployment
    chance: Random
    buyer: Person
    code: Person
    rail: Rail = Rail.AEONTO
    calls: list[Call] = field(default_factory=list)
    purchases: list[Purchase] = field(default_factory=list)

    @classmethod
    async def arrive(
        cls, deployment: Deployment, chance: Random, *, credits_given: int = 0
    ) -> "Callers":
        """Make the buyer, and an access code with so many credits."""
        now = cls.now()
        buyer = await make_user(deployment.database, now)
        code = await make_access_code(deployment.database, buyer, now, credits_given=credits_given)
        return cls(deployment, chance, buyer, code)

    @staticmethod
    def now() -> datetime:
        """Return the time."""
        return datetime.now(UTC)

    @property
    def promised(self) -> set[str]:
        """The orders that were answered with 201."""
        return {order_id for purchase in self.purchases for order_id in purchase.order_ids}

    async def call(
        self, endpoint: str, body: object, *, replica: Replica | None = None, key: str | None = None
    ) -> Call:
        """Send one request as the buyer to a replica, by default to any; no body is a GET."""
        target = replica or self.chance.choice(self.deployment.replicas)
        headers = self.buyer.headers | ({"Idempotency-Key": key} if key else {})
        began = time.monotonic()
        try:
            answer = await self.deployment.http.request(
                "GET" if body is None else "POST",
                f"{target.url}/api/{endpoint}",
                json=body,
                headers=headers,
            )
        except httpx.TransportError as fault:
            refused = isinstance(fault, httpx.ConnectError)
            outcome = Outcome.FAILED if refused else Outcome.UNKNOWN
            call = Call(endpoint, outcome, None, time.monotonic() - began)
        else:
            call = _judged(endpoint, answer, time.monotonic() - began)
        self.calls.append(call)
        return call

    async def buy(self, *, number_of_credits: int = CREDITS, rail: Rail | None = None) -> Purchase:
        """Place one order with a key of its own, once."""
        purchase = Purchase(f"purchase-{len(self.purchases)}", rail)
        self.purchases.append(purchase)
        await self.send(purchase, number_of_credits=number_of_credits)
        return purchase

    async def send(
        self,
        purchase: Purchase,
        *,
        number_of_credits: int = CREDITS,
        replica: Replica | None = None,
    ) -> Call:
        """Send a purchase, or send it again."""
        body = order_of(number_of_credits, purchase.rail or self.rail)
        call = await self.call("new_order", body, replica=replica, key=purchase.key)
        if call.outcome is Outcome.OK:
            purchase.order_ids.add(call.body["order_id"])
            purchase.outcome = Outcome.OK
        return call

    async def buy_surely(self, within_seconds: float = 60.0) -> str:
        """Send a purchase until it is answered with 201; return the order's id."""
        purchase = await self.buy()
        async with asyncio.timeout(within_seconds):
            while purchase.outcome is not Outcome.OK:
                await asyncio.sleep(_TRY_AGAIN_SECONDS)
                await self.send(purchase)
        return next(iter(purchase.order_ids))

    async def buy_many(self, count: int, *, per_second: float, patience: float = 0.5) -> None:
        """Place orders at a rate; what failed is sent again with the chance `patience`, each time."""
        async with asyncio.TaskGroup() as group:
            for _ in range(count):
                group.create_task(self.buy_patiently(patience))
                await asyncio.sleep(self.chance.uniform(0.5, 1.5) / per_second)

    async def buy_patiently(self, patience: float, *, rail: Rail | None = None) -> Purchase:
        """Place one order; while it fails, send it again with the chance `patience`, each time."""
        purchase = await self.buy(rail=rail)
        while purchase.outcome is not Outcome.OK and self.chance.random() < patience:
            await asyncio.sleep(_TRY_AGAIN_SECONDS)
            await self.send(purchase)
        return purchase

    async def assess(self, *, replica: Replica | None = None, key: str | None = None) -> Call:
        """Spend a credit of the access code."""
        body = {
            "access_code": self.code.access_code,
            "assessment_type": "address",
            "address": "12Cyjf3qV6qLyXdzpLSLPdRFPUVidvnzFM",
            "currency": "BTC",
            "fresh": True,
        }
        return await self.call(
            "create_new_assessment_for_access_code", body, replica=replica, key=key
        )

    async def status_of(self, order_id: str) -> str:
        """Return the status that a buyer is shown; empty when nobody answers."""
        call = await self.call("check_order_status", {"order_id": order_id})
        return str(call.body["status"]) if call.outcome is Outcome.OK else ""

    def strange(self) -> list[str]:
        """Return the answers that no caller should ever see."""
        return [f"{call.endpoint}: {call.status}" for call in self.calls if not call.is_documented]

    def count(self, outcome: Outcome) -> int:
        """Return how many calls ended so."""
        return sum(call.outcome is outcome for call in self.calls)


def order_of(number_of_credits: int = CREDITS, rail: Rail = Rail.AEONTO) -> dict[str, object]:
    """Return the body of a `new_order` for oneself."""
    in_bitcoin = rail is Rail.BITCOIN
    return {
        "number_of_credits": number_of_credits,
        "payment_coin": "Bitcoin" if in_bitcoin else "Aeon",
        "payment_network": "BTC" if in_bitcoin else "AEON",
        "order_is_for_self": True,
    }


def percentile(seconds: Sequence[float], share: float) -> float:
    """Return the value below which a share of these lies, in seconds; 0 for none."""
    ordered = sorted(seconds)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else 0.0


def _judged(endpoint: str, answer: httpx.Response, seconds: float) -> Call:
    outcome = Outcome.UNKNOWN if answer.is_server_error else Outcome.FAILED
    body = None
    if answer.is_success:
        outcome, body = Outcome.OK, json.loads(answer.text)
    elif answer.status_code == httpx.codes.INTERNAL_SERVER_ERROR:
        body = json.loads(answer.text)
    return Call(
        endpoint, outcome, answer.status_code, seconds, body, answer.headers.get("Retry-After")
    )
