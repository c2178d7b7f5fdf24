"""What several Esplora servers say together: of a payment that we were told of, or of an address.

With one server named, its word counts. With two or more, at least two must answer, and all that
answer must agree before a payment is believed: one that fails is passed over while two are left.
Servers may honestly be behind one another, so one that has not seen a payment yet contradicts
nobody; two that read its outputs differently do, since its id fixes them. Two that place it in
different blocks contradict each other when it is to settle an order; what arrived at an address
is merely unconfirmed then.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol, TypeVar

from app.addresses import bitcoin_network
from app.partners.esplora.outputs import COINBASE_MATURITY, ReceivedOutput
from app.partners.esplora.wire import Block, Output, Transaction, is_txid, outputs_to
from app.partners.failures import DeadlinePassed, OperatorNeeded, PartnerFailure

T = TypeVar("T")

# How many servers must agree, where so many are named.
QUORUM: Final = 2
# More looks at a time would keep each other from ending: every one takes several requests.
_LOOKS_AT_ONCE: Final = 8
_READ_DIFFERENTLY: Final = "the servers read the outputs of the transaction differently"


@dataclass(frozen=True)
class Sighting:
    """What one server says: the height of its last block, and the transaction, if it knows it.

    The height is asked for first, so that confirmations are never counted too high.
    """

    tip_height: int
    transaction: Transaction | None


@dataclass(frozen=True)
class History:
    """What one server says: the height of its last block, and what has arrived at an address.

    The height is asked for first, so that confirmations are never counted too high.
    """

    tip_height: int
    transactions: tuple[Transaction, ...]


@dataclass(frozen=True)
class Paid:
    """The transaction is in a block and pays.

    `confirmations` is the least that any server counts, at least 1. `outputs` are the indexes of
    the outputs each of which alone pays enough, the closest to the amount first: one output
    settles one order. `is_coinbase`: any server shows new coins.
    """

    confirmations: int
    outputs: tuple[int, ...]
    is_coinbase: bool = False


@dataclass(frozen=True)
class NotYet:
    """Not every server knows the transaction, or not every one has it in a block."""

    reason: str


@dataclass(frozen=True)
class Wrong:
    """The transaction will never pay so much to the address, or its id is not one."""

    reason: str


@dataclass(frozen=True)
class Disagree:
    """The servers contradict each other."""

    reason: str


@dataclass(frozen=True)
class Unavailable:
    """Too few servers answered. `reason` says which failed and how, and holds no answer.

    `needs_operator`: waiting alone will not heal one of the failures.
    """

    reason: str
    needs_operator: bool = False


@dataclass(frozen=True)
class ReceivedOutputs:
    """Every output that any server shows at an address, by transaction id and index.

    `tip_height` is that of the last block that all servers know which answered.
    """

    outputs: tuple[ReceivedOutput, ...]
    tip_height: int = field(default=0, compare=False)


Verdict = Paid | NotYet | Wrong | Disagree | Unavailable


class ChainSource(Protocol):
    """One server; `EsploraClient` is one. Its methods raise subclasses of `PartnerFailure`."""

    @property
    def source(self) -> str:
        """The name that operators are shown."""
        ...

    async def transaction(self, txid: str) -> Transaction | None:
        """Ask for a transaction; None when the server knows none of this id."""
        ...

    async def payments(self, address: str) -> tuple[Transaction, ...]:
        """Ask for all transactions with an output to a bitcoin address."""
        ...

    async def tip_height(self) -> int:
        """Ask for the height of the last block that the server knows."""
        ...


class Chain:
    """The chain of blocks, as the named servers see it. Raises ValueError when none is named."""

    def __init__(self, sources: Sequence[ChainSource]) -> None:
        if not sources:
            raise ValueError("no Esplora server is named")
        self._sources = tuple(sources)
        self._free = asyncio.Semaphore(_LOOKS_AT_ONCE)

    async def settlement(
        self, txid: str, address: str, value_satoshi: int, *, within_seconds: float
    ) -> Verdict:
        """Say whether a transaction pays at least so many satoshi to a bitcoin address.

        `txid` may be any text that a partner gave. All servers are asked at once; one that has not
        answered in time has failed. Never raises a `PartnerFailure`; raises ValueError for an
        amount below one satoshi.
        """
        if value_satoshi < 1:
            raise ValueError("a payment is at least one satoshi")
        txid = txid.lower()
        if not is_txid(txid):
            return Wrong("what was named is not a transaction id")

        async def look(source: ChainSource) -> Sighting:
            tip_height = await source.tip_height()
            return Sighting(tip_height, await source.transaction(txid))

        sightings = await self._ask("settlement", look, within_seconds)
        if isinstance(sightings, Unavailable):
            return sightings
        return combine_sightings(sightings, address, value_satoshi)

    async def payments(
        self, address: str, *, within_seconds: float
    ) -> ReceivedOutputs | Disagree | Unavailable:
        """Say what has arrived at a bitcoin address, unconfirmed or in blocks.

        All servers are asked at once; one that has not answered in time has failed. Never raises
        a `PartnerFailure`; raises InvalidAddress for what is no address.
        """
        bitcoin_network(address)

        async def look(source: ChainSource) -> History:
            tip_height = await source.tip_height()
            return History(tip_height, await source.payments(address))

        histories = await self._ask("payments", look, within_seconds)
        if isinstance(histories, Unavailable):
            return histories
        return combine(histories, address)

    async def _ask(
        self, endpoint: str, look: Callable[[ChainSource], Awaitable[T]], within_seconds: float
    ) -> list[T] | Unavailable:
        """Let every server have a look at once; return what those say that answered in time.

        Waiting until one of the looks under way is over counts: a look that cannot end asks nothing.
        """
        loop = asyncio.get_running_loop()
        over_at = loop.time() + within_seconds
        try:
            async with asyncio.timeout_at(over_at):
                await self._free.acquire()
        except TimeoutError:
            return Unavailable("no server was asked: too many looks were under way")
        try:
            looks = await asyncio.gather(
                *(_in_time(endpoint, look(source), over_at) for source in self._sources)
            )
        finally:
            self._free.release()
        said = [one for one in looks if not isinstance(one, PartnerFailure)]
        if len(said) >= required(len(looks)):
            return said
        failed = [
            f"{source.source}: {one}"
            for source, one in zip(self._sources, looks, strict=True)
            if isinstance(one, PartnerFailure)
        ]
        return Unavailable(
            f"{len(said)} of {len(looks)} servers answered ({'; '.join(failed)})",
            needs_operator=any(isinstance(one, OperatorNeeded) for one in looks),
        )


async def _in_time(endpoint: str, look: Awaitable[T], over_at: float) -> T | PartnerFailure:
    try:
        async with asyncio.timeout_at(over_at):
            return await look
    except TimeoutError:
        return DeadlinePassed(endpoint)
    except PartnerFailure as failure:
        return failure


def required(named: int) -> int:
    """Return how many of the named servers must answer."""
    return min(QUORUM, named)


def combine_sightings(sightings: Sequence[Sighting], address: str, value_satoshi: int) -> Verdict:
    """Judge what the servers that answered say; at least one, and as many as are `required`."""
    seen = [sighting.transaction for sighting in sightings if sighting.transaction is not None]
    if len({transaction.outputs for transaction in seen}) > 1:
        return Disagree(_READ_DIFFERENTLY)
    blocks = {transaction.block for transaction in seen if transaction.block is not None}
    if len(blocks) > 1:
        return Disagree("the servers have the transaction in different blocks")
    if len(seen) < len(sightings):
        return NotYet(f"{len(seen)} of {len(sightings)} servers know the transaction")
    outputs = paying_outputs(seen[0].outputs, address, value_satoshi)
    if not outputs:
        return Wrong("no output of the transaction pays the amount to the address")
    confirmations = min(
        _confirmations(sighting.tip_height, sighting.transaction) for sighting in sightings
    )
    if confirmations < 1:
        return NotYet("the transaction is not in a block for every server")
    is_coinbase = _is_coinbase(seen)
    if is_coinbase and confirmations < COINBASE_MATURITY:
        return NotYet(
            f"the transaction makes new coins: {confirmations} of {COINBASE_MATURITY} confirmations"
        )
    return Paid(confirmations, outputs, is_coinbase)


def paying_outputs(outputs: Sequence[Output], address: str, value_satoshi: int) -> tuple[int, ...]:
    """Return the indexes of the outputs that alone pay at least so much, the closest first."""
    paying = [
        output for output in outputs_to(outputs, address) if output.value_satoshi >= value_satoshi
    ]
    paying.sort(key=lambda output: (output.value_satoshi, output.index))
    return tuple(output.index for output in paying)


def _confirmations(tip_height: int, transaction: Transaction | None) -> int:
    """Count blocks from the transaction's own to the last; at most 0 while there is none."""
    if transaction is None or transaction.block is None:
        return 0
    return tip_height - transaction.block.height + 1


def combine(histories: Sequence[History], address: str) -> ReceivedOutputs | Disagree:
    """Put together what the servers that answered show; at least one, as many as `required`."""
    tips = [history.tip_height for history in histories]
    shown = [{each.txid: each for each in history.transactions} for history in histories]
    arrivals: list[ReceivedOutput] = []
    for txid in sorted({txid for one in shown for txid in one}):
        sightings = [
            Sighting(tip_height, one.get(txid)) for tip_height, one in zip(tips, shown, strict=True)
        ]
        seen = [each.transaction for each in sightings if each.transaction is not None]
        if len({transaction.outputs for transaction in seen}) > 1:
            return Disagree(_READ_DIFFERENTLY)
        arrivals += _arrivals(sightings, seen, address)
    return ReceivedOutputs(tuple(arrivals), min(tips))


def _arrivals(
    sightings: Sequence[Sighting], seen: Sequence[Transaction], address: str
) -> list[ReceivedOutput]:
    """Return what one transaction brings, by index; `seen` is it, by those servers that know it."""
    seen_by_all = len(seen) == len(sightings)
    block = _common_block(seen) if seen_by_all else None
    confirmations = min(_confirmations(one.tip_height, one.transaction) for one in sightings)
    blocks = [one.block for one in seen if one.block is not None]
    return [
        ReceivedOutput(
            txid=seen[0].txid,
            output_index=output.index,
            value_satoshi=output.value_satoshi,
            confirmations=max(confirmations, 0) if block else 0,
            replaceable=any(transaction.replaceable for transaction in seen),
            block_time=block.time if block else None,
            seen_by_all=seen_by_all,
            is_coinbase=_is_coinbase(seen),
            block_height=min((one.height for one in blocks), default=None),
            mined_at=min((one.time for one in blocks), default=None),
        )
        for output in outputs_to(seen[0].outputs, address)
    ]


def _is_coinbase(seen: Sequence[Transaction]) -> bool:
    """Say whether any server shows new coins: nobody loses by waiting for them."""
    return any(transaction.is_coinbase for transaction in seen)


def _common_block(seen: Sequence[Transaction]) -> Block | None:
    """Return the block that all show, with the latest time that any of them gives it."""
    blocks = [transaction.block for transaction in seen if transaction.block is not None]
    if len(blocks) < len(seen) or len(set(blocks)) > 1:
        return None
    return max(blocks, key=lambda block: block.time)
