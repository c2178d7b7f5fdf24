"""The client of one Esplora server: one request, one answer or one failure.

What bounds a request: its permit, and what `app.partners.http` says. How the pages of an address are
followed stands in `app.partners.esplora.history`.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Final, TypeVar

from app.addresses import BitcoinNetwork, bitcoin_network, canonical_bitcoin_address
from app.partners.esplora import wire
from app.partners.esplora.failures import (
    CutShort,
    NoSuchPath,
    NotOffered,
    ServerRefused,
    TooManyOutputs,
    TransactionUnknown,
    WrongNetwork,
    failure_for,
)
from app.partners.esplora.history import AddressHistory, Ending, read_history
from app.partners.esplora.networks import other_network
from app.partners.esplora.rate_limit import LIMIT, ServerRateLimit
from app.partners.esplora.wire import Transaction
from app.partners.failures import (
    InvalidResponse,
    PartnerFailure,
    RateLimited,
    ServerFault,
    Throttled,
)
from app.partners.http import HttpReply, HttpTransport, Observe, PartnerClient, PartnerRequest
from app.runtime.clock import Clock
from app.runtime.rate_limit.rules import Limit

# How long to wait for a permit, and how long a request may take, sending and answer together.
PERMIT_WITHIN_SECONDS: Final = 5.0
CALL_DEADLINE_SECONDS: Final = 10.0
# Many times what an address that is given out once should ever see.
MOST_TRANSACTIONS: Final = 200
_NOT_FOUND: Final = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})

T = TypeVar("T")


def open_esplora(base_url: str) -> HttpTransport:
    """Return connections to a server, as https://blockstream.info/api/; the caller closes them."""
    return HttpTransport(base_url, accept="application/json, text/plain")


class EsploraClient:
    """One Esplora server. Every method raises a subclass of `PartnerFailure`.

    `observe` is told the endpoint, the outcome ("ok", or the label of the failure) and the
    seconds that it took, waiting for a permit included. A server of another `network` is refused
    before its word counts; None: whichever it is.
    """

    def __init__(
        self,
        transport: HttpTransport,
        *,
        clock: Clock,
        limit: Limit = LIMIT,
        network: BitcoinNetwork | None = None,
        observe: Observe | None = None,
    ) -> None:
        self.source = transport.source
        self._client = PartnerClient(
            transport, clock=clock, deadline_seconds=CALL_DEADLINE_SECONDS, observe=observe
        )
        self._clock = clock
        self._rate_limit = ServerRateLimit(clock, limit)
        self._unchecked_network = network

    async def transaction(self, txid: str) -> Transaction | None:
        """Ask for a transaction; None when the server knows none of this id.

        Raises ValueError for what is not a transaction id.
        """
        if not wire.is_txid(txid):
            raise ValueError("a transaction id is 64 hexadecimal digits, the letters small")
        try:
            return await self.ask(
                "transaction", f"tx/{txid}", lambda answer: wire.read_transaction(answer, txid)
            )
        except (TransactionUnknown, NotOffered) as failure:
            if not _may_mean_unknown(failure):
                raise
            if _means_unknown(failure) or await self._is_esplora():
                return None
            raise ServerRefused("transaction", http_status=failure.http_status) from None

    async def payments(self, address: str) -> tuple[Transaction, ...]:
        """Ask for all transactions with an output to a bitcoin address, the newest first.

        Raises InvalidAddress for what is no address, TooManyOutputs when there are more than
        MOST_TRANSACTIONS, and CutShort when the server counts more than it shows.
        """
        history = await self.history(address, most=MOST_TRANSACTIONS)
        match history.ending:
            case Ending.LIMITED:
                raise TooManyOutputs("payments")
            case Ending.SHORT:
                raise CutShort("payments")
            case Ending.COMPLETE | Ending.NOT_TOLD:
                found = history.transactions
                return tuple(one for one in found if wire.outputs_to(one.outputs, address))

    async def history(
        self, address: str, *, most: int, within_seconds: float | None = None
    ) -> AddressHistory:
        """Ask for up to `most` transactions that pay a bitcoin address or spend from it.

        After `within_seconds` no further page is asked for. Raises InvalidAddress for what is no
        address.
        """
        bitcoin_network(address)
        until = None if within_seconds is None else self._clock.monotonic() + within_seconds
        await self._check_network()
        pages = _AddressPages(self, canonical_bitcoin_address(address))
        return await read_history(
            pages,
            f"{pages.path}/txs",
            most=most,
            in_time=lambda: until is None or self._clock.monotonic() < until,
        )

    async def tip_height(self) -> int:
        """Ask for the height of the last block that the server knows."""
        await self._check_network()
        return await self.ask("tip_height", "blocks/tip/height", wire.read_tip_height)

    async def block_hash(self, height: int) -> str:
        """Ask for the hash of the block at a height that the server has reached."""
        return await self.ask("block_hash", f"block-height/{height}", wire.read_block_hash)

    async def _check_network(self) -> None:
        """Raise WrongNetwork for a server of another network; once it has told, it is trusted."""
        wanted = self._unchecked_network
        if wanted is None:
            return
        try:
            first = await self.ask("genesis", "block-height/0", wire.read_block_hash)
        except (NotOffered, InvalidResponse, ServerFault) as untold:
            # Whether it is an Esplora at all is told by what is asked next.
            if isinstance(untold, NotOffered):
                self._unchecked_network = None
            return
        if name := other_network(first, wanted):
            raise WrongNetwork(
                "genesis", detail=f"the server shows {name}, the addresses are of {wanted}"
            )
        self._unchecked_network = None

    async def _is_esplora(self) -> bool:
        """Tell an Esplora from whatever else answers at a wrong URL: it knows how high it is."""
        try:
            await self.tip_height()
        except (ServerRefused, InvalidResponse):
            return False
        return True

    async def ask(
        self,
        endpoint: str,
        path: str,
        reader: Callable[[HttpReply], T],
        max_body_bytes: int = wire.MAX_BODY_BYTES,
    ) -> T:
        """Send one request and return what its answer says."""
        return await self._client.fetch(
            PartnerRequest(endpoint, path, max_body_bytes),
            lambda reply: _judge(endpoint, reply, reader),
            permit=self._permit(endpoint),
        )

    @asynccontextmanager
    async def _permit(self, endpoint: str) -> AsyncIterator[None]:
        """Wait for a permit, and use it up for the request inside."""
        permit = await self._rate_limit.take(within_seconds=PERMIT_WITHIN_SECONDS)
        if permit is None:
            raise RateLimited(endpoint)
        try:
            yield
        except Throttled as throttled:
            self._rate_limit.throttled(permit, throttled.retry_after)
            raise
        finally:
            self._rate_limit.over(permit)


def _means_unknown(failure: PartnerFailure) -> bool:
    """Say whether a failure is 404 in the words of an Esplora for a transaction unknown to it."""
    return isinstance(failure, TransactionUnknown) and failure.http_status == HTTPStatus.NOT_FOUND


def _may_mean_unknown(failure: PartnerFailure) -> bool:
    """Say whether a failure means an unknown transaction, if only the server is an Esplora."""
    if isinstance(failure, TransactionUnknown):
        return True
    return failure.http_status in _NOT_FOUND and not isinstance(failure, NoSuchPath)


class _AddressPages:
    """What one server shows of one address."""

    def __init__(self, server: EsploraClient, address: str) -> None:
        self._server = server
        self.path = f"address/{address}"

    async def page(self, path: str) -> tuple[Transaction, ...]:
        return await self._server.ask("payments", path, wire.read_page, wire.MAX_PAGE_BYTES)

    async def count(self) -> int | None:
        try:
            return await self._server.ask("count", self.path, wire.read_count)
        except (ServerRefused, InvalidResponse, ServerFault):
            # It has not told: its cursors say then where the history ends.
            return None


def _judge(endpoint: str, reply: HttpReply, reader: Callable[[HttpReply], T]) -> T:
    """Return the result in an answer, or raise the failure that it means."""
    if reply.http_status != HTTPStatus.OK:
        raise failure_for(
            endpoint,
            http_status=reply.http_status,
            body=reply.body,
            retry_after=reply.retry_after,
        )
    return reader(reply)
