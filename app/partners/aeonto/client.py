"""The client of AEON.to's five endpoints: one request for one slot, one answer or one failure.

It never tries twice: whether and when to ask again is its caller's to decide. What bounds a
request: the slot's own time to leave, a total deadline (httpx has none of its own), and what its
transport allows.
"""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from http import HTTPStatus
from typing import Final, Protocol, TypeVar

from app.partners.aeonto import wire
from app.partners.aeonto.failures import (
    HTTP_FORBIDDEN,
    OrderNotFound,
    SlotExpired,
    TooManyRequests,
    failure_for,
)
from app.partners.aeonto.report import Report
from app.partners.aeonto.wire import Answer, Fields, OrderParameters, PriceQuote
from app.partners.failures import (
    DeadlinePassed,
    InvalidResponse,
    PartnerFailure,
    Unreachable,
)
from app.partners.strict_json import JsonObject, Unreadable
from app.runtime.clock import Clock
from app.runtime.observability.logging import get_logger
from app.runtime.rate_limit.rules import CALL_DEADLINE_SECONDS, Bucket, Pace, Slot

_NOT_FOUND: Final = "NOT_FOUND"
_SUCCESS: Final = frozenset({HTTPStatus.OK, HTTPStatus.CREATED})

Observe = Callable[[str, str, float], None]
Tell = Callable[[Slot], Awaitable[None]]  # a method of Pace
T = TypeVar("T")

log = get_logger(__name__)


class Transport(Protocol):
    """Carries one request to AEON.to and its answer back."""

    async def exchange(
        self, endpoint: str, content: bytes | None, on_answer: Callable[[], None]
    ) -> Answer:
        """Return the answer; call `on_answer` as soon as one comes. None as content is a GET.

        Raises Unreachable when nothing was sent, and AnswerLost when nobody knows.
        """
        ...


class AeontoClient:
    """AEON.to over HTTP. Every method takes a slot of its endpoint's bucket, and uses it up.

    Every method raises a subclass of `PartnerFailure`. `observe` is told the endpoint, the outcome
    ("ok", or the label of the failure) and the seconds that it took.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        pace: Pace,
        clock: Clock,
        observe: Observe | None = None,
    ) -> None:
        self._transport = transport
        self._pace = pace
        self._clock = clock
        self._observe = observe

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
        content = None if fields is None else wire.write_object(fields)
        started = self._clock.monotonic()
        outcome = "cancelled"
        try:
            result = await self._exchange(endpoint, content, reader, slot)
        except PartnerFailure as failure:
            outcome = failure.label
            raise
        else:
            outcome = "ok"
            return result
        finally:
            if self._observe:
                self._observe(endpoint, outcome, self._clock.monotonic() - started)

    async def _exchange(
        self, endpoint: str, content: bytes | None, reader: Callable[[JsonObject], T], slot: Slot
    ) -> T:
        """Send, receive and judge, and tell the pace what became of the slot.

        A slot is answered once the head of an answer is here, whatever is in it and whatever
        happens next; or when nobody took the connection, so that a dead upstream is not knocked at
        more often than a living one. One whose answer never came is left alone: the pace counts
        its deadline.
        """
        if self._clock.monotonic() > slot.leave_by:
            await self._tell(slot, self._pace.release)
            raise SlotExpired(endpoint)
        news: Tell | None = None

        def on_answer() -> None:
            nonlocal news
            news = self._pace.answered

        try:
            async with asyncio.timeout(CALL_DEADLINE_SECONDS):
                answer = await self._transport.exchange(endpoint, content, on_answer)
            return _judge(endpoint, answer, reader)
        except TooManyRequests:
            news = self._pace.throttled
            raise
        except TimeoutError:
            raise DeadlinePassed(endpoint) from None
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


def _judge(endpoint: str, answer: Answer, reader: Callable[[JsonObject], T]) -> T:
    """Return the result in an answer, or raise the failure that it means.

    A result has no `error` and a status of success; anything else goes by its error number.
    """
    status = answer.http_status
    try:
        said = wire.read_object(answer)
        number = wire.error_number(said)
        if number is None and status in _SUCCESS:
            return reader(said)
    except Unreadable as fault:
        if status != HTTP_FORBIDDEN:
            raise InvalidResponse(endpoint, http_status=status, detail=str(fault)) from None
        number = None
    raise failure_for(endpoint, http_status=status, number=number)
