"""A model of AEON.to: its orders, its limits, and its answers as bytes.

Written from AEON.to API v3, and sharing nothing with the client that it is asked by: a
misreading must not pass on both sides.
"""

import json
import random
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, Decimal
from enum import StrEnum
from typing import Any, Final, NamedTuple

PURGED_AFTER_SECONDS: Final = 24 * 3600.0
_PRICE_BTC: Final = Decimal("0.017666")
_LOWER_LIMIT_BTC: Final = Decimal("0.002")
_UPPER_LIMIT_BTC: Final = Decimal("20.0")
# "Rate limitation" of each endpoint: requests, seconds.
_LIMITS: Final = {
    "order_parameter_query": (3, 1.0),
    "order_create": (4, 60.0),
    "order_status_query": (3, 1.0),
}
# Answers with their numbers in strings; orders not found that are an error, and not a state.
_AS_STRINGS_SHARE: Final = 0.2
_AS_ERROR_SHARE: Final = 0.5
_ALPHABET: Final = "23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


class Reply(NamedTuple):
    """What AEON.to answers."""

    http_status: int
    body: bytes
    content_type: str = "application/json"


class Payer(StrEnum):
    """What the buyer of an order does about paying it."""

    IN_FULL = "in_full"
    AT_ONCE = "at_once"  # AEON.to takes it without waiting for confirmations
    IN_TWO_PARTS = "in_two_parts"
    IN_PART = "in_part"
    LATE = "late"
    REORGANISED = "reorganised"  # the payment vanishes from its chain, and comes again
    LOST = "lost"  # AEON.to forgets the order after it was paid
    NEVER = "never"


@dataclass(slots=True)
class UpstreamOrder:
    """An order at AEON.to; `path` is what it was, is and will be: moments and states."""

    uuid: str
    btc_amount: str
    btc_dest_address: str
    created_at: float
    expires_at: float
    amount_aeon: Decimal
    as_strings: bool
    path: list[tuple[float, str]] = field(default_factory=list)

    def state(self, now: float) -> str:
        """Return the state at a moment."""
        current = "TO_BE_CREATED"
        for moment, state in self.path:
            if moment > now:
                break
            current = state
        return current

    def when(self, state: str) -> float | None:
        """Return when the order first was, or will be, in a state; None: never."""
        return next((moment for moment, name in self.path if name == state), None)

    def turn(self, now: float, *ahead: tuple[float, str]) -> None:
        """Replace what lies ahead."""
        self.path = [step for step in self.path if step[0] <= now] + sorted(ahead)


class Upstream:
    """AEON.to: counts each request when it arrives, and knows what it sent bitcoin for.

    `utc` turns a moment into the time that is written into answers.
    """

    def __init__(
        self,
        source: random.Random,
        utc: Callable[[float], datetime],
        *,
        rate_scale: Decimal,
        expiry_seconds: float,
    ) -> None:
        self._random = source
        self._utc = utc
        self._expiry_seconds = expiry_seconds
        self._limits = {
            name: _scaled(count, seconds, float(rate_scale))
            for name, (count, seconds) in _LIMITS.items()
        }
        self._arrivals: dict[str, deque[float]] = {name: deque() for name in _LIMITS}
        self.orders: dict[str, UpstreamOrder] = {}
        self.requests: Counter[str] = Counter()
        self.over_limit: list[tuple[str, float]] = []

    def receive(self, endpoint: str, content: bytes | None, now: float) -> Reply:
        """Count a request that arrives now, do its work, and answer."""
        if not self.admits(endpoint, now):
            return failure(403, 12)
        if endpoint == "order_parameter_query":
            return Reply(200, self._parameters())
        asked: dict[str, Any] = json.loads(content or b"{}", parse_float=str, parse_int=str)
        if endpoint == "order_create":
            return self._create(asked["btc_amount"], asked["btc_dest_address"], now)
        return self._status(asked["uuid"], now)

    def pay(self, uuid: str, payer: Payer, now: float) -> None:
        """Let the buyer of an order pay it as this kind of buyer does, from now on."""
        order = self.orders[uuid]
        if order.state(now) not in ("UNPAID", "UNDERPAID", "TIMED_OUT"):
            return
        draw = self._random.uniform
        confirmed = now + draw(10, 150)
        sent = confirmed + draw(3, 60)
        match payer:
            case Payer.AT_ONCE:
                order.turn(now, (now, "PAID"), *_sent(now + draw(5, 60)))
            case Payer.IN_PART:
                order.turn(now, (now, "UNDERPAID"), *_expiring(order.expires_at))
            case Payer.REORGANISED:
                back = now + draw(60, 1200)
                order.turn(
                    now,
                    (now, "PAID_UNCONFIRMED"),
                    (now + 30, "UNPAID"),
                    (back + 30, "PAID_UNCONFIRMED"),
                    (back + 200, "PAID"),
                    *_sent(back + 300),
                )
            case Payer.LOST:
                order.turn(now, (now, "PAID_UNCONFIRMED"), (confirmed, "PAID"), (sent, "NOT_FOUND"))
            case _:
                order.turn(now, (now, "PAID_UNCONFIRMED"), (confirmed, "PAID"), *_sent(sent))

    def admits(self, endpoint: str, now: float) -> bool:
        """Count a request that arrives now; say whether the limit of its endpoint allows it."""
        self.requests[endpoint] += 1
        count, window_seconds = self._limits[endpoint]
        arrivals = self._arrivals[endpoint]
        while arrivals and now - arrivals[0] >= window_seconds:
            arrivals.popleft()
        arrivals.append(now)
        if len(arrivals) <= count:
            return True
        self.over_limit.append((endpoint, now))
        return False

    def _parameters(self) -> bytes:
        return (
            f'{{"price": {_PRICE_BTC}, "upper_limit": {_UPPER_LIMIT_BTC},'
            f' "lower_limit": {_LOWER_LIMIT_BTC}, "zero_conf_enabled": true,'
            f' "zero_conf_max_amount": 0.1}}'
        ).encode()

    def _create(self, btc_amount: str, btc_dest_address: str, now: float) -> Reply:
        if not _LOWER_LIMIT_BTC <= Decimal(btc_amount) <= _UPPER_LIMIT_BTC:
            return failure(400, 4)
        source = self._random
        uuid = "aeonto-" + "".join(source.choices(_ALPHABET, k=8))
        unpaid_at = now + source.choice((0.0, source.uniform(0, 6), source.uniform(0, 45)))
        order = UpstreamOrder(
            uuid=uuid,
            btc_amount=btc_amount,
            btc_dest_address=btc_dest_address,
            created_at=now,
            expires_at=unpaid_at + self._expiry_seconds,
            amount_aeon=(Decimal(btc_amount) / _PRICE_BTC).quantize(
                Decimal("0.0000001"), ROUND_CEILING
            ),
            as_strings=source.random() < _AS_STRINGS_SHARE,
        )
        order.path = [(unpaid_at, "UNPAID"), *_expiring(order.expires_at)]
        self.orders[uuid] = order
        return Reply(200, _json(order, "TO_BE_CREATED", order.created_at, self._utc))

    def _status(self, uuid: str, now: float) -> Reply:
        order = self.orders.get(uuid)
        state = order.state(now) if order else "NOT_FOUND"
        if order is None or state == "NOT_FOUND":
            if self._random.random() < _AS_ERROR_SHARE:
                return failure(404, 6)
            return Reply(200, f'{{"state": "NOT_FOUND", "uuid": "{uuid}"}}'.encode())
        return Reply(200, _json(order, state, now, self._utc))


def failure(http_status: int, number: int) -> Reply:
    """Return the answer that reports an error."""
    said = f'{{"error": "AEONTO-ERROR-{number:03}", "error_msg": "no"}}'
    return Reply(http_status, said.encode())


def _scaled(count: int, seconds: float, rate_scale: float) -> tuple[int, float]:
    """Scale a limit: fewer requests, and below one of them a longer window."""
    wanted = count * rate_scale
    return (int(wanted), seconds) if wanted >= 1 else (1, seconds / wanted)


def _expiring(expires_at: float) -> list[tuple[float, str]]:
    return [(expires_at, "TIMED_OUT"), (expires_at + PURGED_AFTER_SECONDS, "NOT_FOUND")]


def _sent(moment: float) -> list[tuple[float, str]]:
    return [(moment, "BTC_SENT"), (moment + PURGED_AFTER_SECONDS, "NOT_FOUND")]


def _json(order: UpstreamOrder, state: str, now: float, utc: Callable[[float], datetime]) -> bytes:
    quote = '"' if order.as_strings else ""
    known = (
        f'{{"state": "{state}", "uuid": "{order.uuid}",'
        f' "btc_amount": {quote}{order.btc_amount}{quote},'
        f' "btc_dest_address": "{order.btc_dest_address}"'
    )
    if state == "TO_BE_CREATED":
        return f"{known}}}".encode()
    paid = state in ("PAID_UNCONFIRMED", "PAID", "BTC_SENT")
    remaining = Decimal(0) if paid else order.amount_aeon
    if state == "UNDERPAID":
        remaining /= 2
    sent = state == "BTC_SENT"
    return (
        f'{known}, "incoming_price_btc": {quote}{_PRICE_BTC}{quote},'
        f' "receiving_address": "Sm6-{order.uuid}",'
        f' "receiving_integrated_address": "Sz4-{order.uuid}",'
        f' "required_payment_id_long": "{order.uuid}-6db2414c87fd343f",'
        f' "required_payment_id_short": "7c855c2228e19671",'
        f' "created_at": "{_time(utc(order.created_at))}",'
        f' "expires_at": "{_time(utc(order.expires_at))}",'
        f' "seconds_till_timeout": {max(0, int(order.expires_at - now))},'
        f' "incoming_amount_total": {quote}{order.amount_aeon}{quote},'
        f' "remaining_amount_incoming": {quote}{remaining}{quote},'
        f' "incoming_num_confirmations_remaining": {3 if state == "PAID_UNCONFIRMED" else -1},'
        f' "{"aeon_" if order.as_strings else ""}recommended_mixin": 4,'
        f' "btc_num_confirmations_before_purge": 144, "btc_num_confirmations": 0,'
        f' "btc_transaction_id": "{"tx-" + order.uuid if sent else ""}"}}'
    ).encode()


def _time(moment: datetime) -> str:
    return (moment + timedelta(milliseconds=500)).strftime("%Y-%m-%dT%H:%M:%SZ")
