"""The client of AEON.to's five endpoints: one request for one slot, one answer or one failure.

What bounds a request: the slot's own time to leave, and what `app.partners.http` says.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from http import HTTPStatus
from typing import Final, TypeVar

from app.partners.aeonto import wire
from app.partners.aeonto.failures import (
    HTTP_FORBIDDEN,
    OrderNotFound,
    SlotExpired,
    TooManyRequests,
    failure_for,
)
from app.partners.aeonto.report import Report
from app.partners.aeonto.wire import Fields, OrderParameters, PriceQuote
from app.partners.failures import Unreachable
from app.partners.http import (
    Body,
    HttpReply,
    HttpTransport,
    Observe,
    OnHead,
    PartnerClient,
    PartnerRequest,
    Transport,
)
from app.partners.strict_json import JsonObject, Unreadable
from app.runtime.clock import Clock
from app.runtime.observability.logging import get_logger
from app.runtime.rate_limit.rules import CALL_DEADLINE_SECONDS, Bucket, Pace, Slot

MAX_CONNECTIONS: Final = 16
# A request whose connection took longer is not sent: a process may have been stopped meanwhile, and
# what leaves at the end of the deadline that the pace counts arrives after it.
CONNECT_SECONDS: Final = 5.0
_NOT_FOUND: Final = "NOT_FOUND"
_SUCCESS: Final = frozenset({HTTPStatus.OK, HTTPStatus.CREATED})

Tell = Callable[[Slot], Awaitable[None]]  # a method of Pace
T = TypeVar("T")

log = get_logger(__name__)


def open_aeonto(base_url: str) -> HttpTransport:
    """Return connections to AEON.to, which the caller closes."""
    return HttpTransport(
        base_url, max_connections=MAX_CONNECTIONS, send_within_seconds=CONNECT_SECONDS
    )


class AeontoClient:
    """AEON.to over HTTP. Every method takes a slot of its endpoint's bucket, and uses it up.

    Every method raises a subclass of `PartnerFailure`. `observe` is that of `PartnerClient`.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        pace: Pace,
        clock: Clock,
        observe: Observe | None = None,
    ) -> None:
        self._client = PartnerClient(
            transport, clock=clock, deadline_seconds=CALL_DEADLINE_SECONDS, observe=observe
        )
        self._pace = pace
        self._clock = clock

    async def order_parameter_query(self, *, slot: Slot) -> OrderParameters:
        """Ask for the price and the limits of new orders."""
        return await self._ask(
            "order_parameter_query", wire.read_parameters, Bucket.ORDER_PARAMETERS, slot
        )

    async def order_create(
        self, btc_amount: Decimal, btc_dest_address: str, *, slot: Slot
    ) -> Report:
        """Create an order of so many BTC to an address. Each call makes another order."""
        body: Fields = {"btc_amount": btc_amount, "btc_dest_address": btc_dest_address}
        return await self._ask("order_create", wire.read_report, Bucket.ORDER_CREATE, slot, body)

    async def order_create_pp(self, pp_url: str, *, slot: Slot) -> Report:
        """Create an order from a BIP 70 payment protocol URL, which AEON.to will fetch."""
        body: Fields = {"pp_url": pp_url}
        return await self._ask("order_create_pp", wire.read_report, Bucket.ORDER_CREATE, slot, body)

    async def order_status_query(self, uuid: str, *, slot: Slot) -> Report:
        """Ask how an order is doing.

        Error 006 and the state NOT_FOUND say the same thing, so both come back as a report.
        """
        body: Fields = {"uuid": uuid}
        try:
            return await self._ask(
                "order_status_query", wire.read_report, Bucket.ORDER_STATUS, slot, body
            )
        except OrderNotFound:
            return Report(state=_NOT_FOUND, uuid=uuid)

    async def order_check_price(self, btc_amount: Decimal, *, slot: Slot) -> PriceQuote:
        """Ask what so many BTC cost now."""
        body: Fields = {"btc_amount": btc_amount}
        return await self._ask("order_check_price", wire.read_quote, Bucket.ORDER_PRICE, slot, body)

    async def _ask(
        self,
        endpoint: str,
        reader: Callable[[JsonObject], T],
        bucket: Bucket,
        slot: Slot,
        fields: Fields | None = None,
    ) -> T:
        if slot.bucket is not bucket:
            raise ValueError(f"{endpoint} needs a slot of {bucket}, not of {slot.bucket}")
        body = None if fields is None else Body(wire.write_object(fields), "application/json")
        return await self._client.fetch(
            PartnerRequest(endpoint, f"{endpoint}/", wire.MAX_BODY_BYTES, body),
            lambda reply: _judge(endpoint, reply, reader),
            permit=self._used(endpoint, slot),
        )

    @asynccontextmanager
    async def _used(self, endpoint: str, slot: Slot) -> AsyncIterator[OnHead]:
        """Use a slot up for the request inside, and tell the pace what became of it.

        A slot is answered once the head of an answer is here, whatever is in it and whatever
        happens next; or when nobody took the connection, so that a dead upstream is not knocked at
        more often than a living one. One whose answer never came is left alone: the pace counts
        its deadline.
        """
        if self._clock.monotonic() > slot.leave_by:
            await self._tell(slot, self._pace.release)
            raise SlotExpired(endpoint)
        news: Tell | None = None

        def on_head() -> None:
            nonlocal news
            news = self._pace.answered

        try:
            yield on_head
        except TooManyRequests:
            news = self._pace.throttled
            raise
        except Unreachable:
            news = self._pace.unreachable
            raise
        finally:
            if news:
                await self._tell(slot, news)

    async def _tell(self, slot: Slot, news: Tell) -> None:
        """Tell the pace, even while being cancelled: what it does not hear, it counts longer."""
        telling = asyncio.create_task(_try_to_tell(slot, news))
        try:
            await asyncio.shield(telling)
        except asyncio.CancelledError:
            await telling
            raise


async def _try_to_tell(slot: Slot, news: Tell) -> None:
    try:
        await news(slot)
    except Exception:
        # The answer is worth more than a pace that cannot hear of it: untold, the slot counts
        # until its own deadline, which is the safe side.
        log.exception("aeonto_pace_not_told", bucket=slot.bucket)


def _judge(endpoint: str, reply: HttpReply, reader: Callable[[JsonObject], T]) -> T:
    """Return the result in an answer, or raise the failure that it means.

    A result has no `error` and a status of success; anything else goes by its error number.
    """
    status = reply.http_status
    try:
        said = reply.json_object()
        number = wire.error_number(said)
        if number is None and status in _SUCCESS:
            return reader(said)
    except Unreadable:
        if status != HTTP_FORBIDDEN:
            raise
        number = None
    raise failure_for(endpoint, http_status=status, number=number)
