"""The client of one Esplora server: one request, one answer or one failure.

It never tries twice: whether and when to ask again is its caller's to decide. What bounds a
request: its turn, a total deadline (httpx has none of its own), and what its transport allows.
"""

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import Final, Protocol, TypeVar

from app.domain.addresses import bitcoin_network, canonical_bitcoin_address
from app.domain.clock import Clock
from app.domain.pace import Limit
from app.domain.strict_json import Unreadable
from app.esplora import wire
from app.esplora.failures import (
    DeadlinePassed,
    EsploraFailure,
    Flooded,
    HeldBack,
    Nonsense,
    Throttled,
    TransactionUnknown,
    failure_for,
)
from app.esplora.turns import LIMIT, Turns
from app.esplora.wire import Answer, Transaction

# How long to wait for a turn, and how long a request may take, sending and answer together.
TURN_WITHIN_SECONDS: Final = 5.0
CALL_DEADLINE_SECONDS: Final = 10.0
# 200 confirmed transactions, eight times what an address that is given out once should ever see.
MAX_PAGES: Final = 8

Observe = Callable[[str, str, float], None]
T = TypeVar("T")


class Transport(Protocol):
    """Carries one request to an Esplora server and its answer back."""

    @property
    def source(self) -> str:
        """The server's host, and its port if one is named: what operators are shown."""
        ...

    async def exchange(self, endpoint: str, path: str, max_body_bytes: int) -> Answer:
        """Get what lies at a path below the base URL; `endpoint` is its name in failures.

        At most one byte more than `max_body_bytes` is read.
        Raises Unreachable when nothing was sent, and AnswerLost when the answer broke off.
        """
        ...


class EsploraClient:
    """One Esplora server. Every method raises a subclass of `EsploraFailure`.

    `observe` is told the endpoint, the outcome ("ok", or the name of the failure's class) and the
    seconds that it took, waiting for a turn included.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        clock: Clock,
        limit: Limit = LIMIT,
        observe: Observe | None = None,
    ) -> None:
        self._transport = transport
        self._clock = clock
        self._turns = Turns(clock, limit)
        self._observe = observe

    @property
    def source(self) -> str:
        """The server's host, and its port if one is named."""
        return self._transport.source

    async def transaction(self, txid: str) -> Transaction | None:
        """Ask for a transaction; None when the server knows none of this id.

        Raises ValueError for what is not a transaction id.
        """
        if not wire.is_txid(txid):
            raise ValueError("a transaction id is 64 hexadecimal digits, the letters small")
        try:
            return await self._ask(
                "transaction", f"tx/{txid}", lambda answer: wire.read_transaction(answer, txid)
            )
        except TransactionUnknown:
            return None

    async def payments(self, address: str) -> tuple[Transaction, ...]:
        """Ask for all transactions with an output to a bitcoin address, the newest first.

        The server shows 50 unconfirmed ones at most; others show once they are confirmed. One that
        moves from page to page meanwhile counts once, as it was shown last. Raises InvalidAddress
        for what is no address, and Flooded when MAX_PAGES do not reach the oldest.
        """
        transactions, complete = await self.history(address, pages=MAX_PAGES)
        if not complete:
            raise Flooded("payments")
        return tuple(one for one in transactions if wire.outputs_to(one.outputs, address))

    async def history(self, address: str, *, pages: int) -> tuple[tuple[Transaction, ...], bool]:
        """Ask for so many pages of what pays a bitcoin address or spends from it, newest first.

        Says, too, whether they reach the oldest. What `payments` says of pages holds here as well.
        Raises InvalidAddress for what is no address.
        """
        bitcoin_network(address)
        history = f"address/{canonical_bitcoin_address(address)}/txs"
        path = history
        found: dict[str, Transaction] = {}
        for _ in range(pages):
            page = await self._ask("payments", path, wire.read_page, wire.MAX_PAGE_BYTES)
            found |= {transaction.txid: transaction for transaction in page}
            confirmed = [transaction.txid for transaction in page if transaction.block is not None]
            if len(confirmed) < wire.FULL_PAGE:
                return tuple(found.values()), True
            path = f"{history}/chain/{confirmed[-1]}"
        return tuple(found.values()), False

    async def tip_height(self) -> int:
        """Ask for the height of the last block that the server knows."""
        return await self._ask("tip_height", "blocks/tip/height", wire.read_tip_height)

    async def _ask(
        self,
        endpoint: str,
        path: str,
        reader: Callable[[Answer], T],
        max_body_bytes: int = wire.MAX_BODY_BYTES,
    ) -> T:
        started = self._clock.monotonic()
        outcome = "cancelled"
        try:
            result = await self._exchange(endpoint, path, reader, max_body_bytes)
        except EsploraFailure as failure:
            outcome = type(failure).__name__
            raise
        else:
            outcome = "ok"
            return result
        finally:
            if self._observe:
                self._observe(endpoint, outcome, self._clock.monotonic() - started)

    async def _exchange(
        self, endpoint: str, path: str, reader: Callable[[Answer], T], max_body_bytes: int
    ) -> T:
        """Wait for a turn, send, receive and judge."""
        turn = await self._turns.take(within_seconds=TURN_WITHIN_SECONDS)
        if turn is None:
            raise HeldBack(endpoint)
        try:
            async with asyncio.timeout(CALL_DEADLINE_SECONDS):
                answer = await self._transport.exchange(endpoint, path, max_body_bytes)
            return _judge(endpoint, answer, reader)
        except TimeoutError:
            raise DeadlinePassed(endpoint) from None
        except Throttled as throttled:
            self._turns.throttled(turn, throttled.retry_after)
            raise
        finally:
            self._turns.over(turn)


def _judge(endpoint: str, answer: Answer, reader: Callable[[Answer], T]) -> T:
    """Return the result in an answer, or raise the failure that it means."""
    status = answer.http_status
    if status != HTTPStatus.OK:
        raise failure_for(
            endpoint, http_status=status, body=answer.body, retry_after=answer.retry_after
        )
    try:
        return reader(answer)
    except Unreadable as fault:
        raise Nonsense(endpoint, http_status=status, detail=str(fault)) from None
