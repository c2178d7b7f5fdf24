"""What several Esplora servers say together about a payment that we were told of.

With one server named, its word counts. With two or more, at least two must answer, and all that
answer must agree before a payment is believed: one that fails is passed over while two are left.
Servers may honestly be behind one another, so one that has not seen a payment yet contradicts
nobody; two that place it in different blocks do, and so do two that read its outputs differently,
which its id fixes.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from app.domain.addresses import canonical_bitcoin_address
from app.esplora.failures import DeadlinePassed, EsploraFailure
from app.esplora.wire import Output, Transaction, is_txid

# How many servers must agree, where so many are named.
QUORUM: Final = 2


@dataclass(frozen=True)
class Sighting:
    """What one server says: the height of its last block, and the transaction, if it knows it.

    The height is asked for first, so that confirmations are never counted too high.
    """

    tip_height: int
    transaction: Transaction | None


@dataclass(frozen=True)
class Paid:
    """The transaction is in a block and pays.

    `confirmations` is the least that any server counts, at least 1. `outputs` are the indexes of
    the outputs each of which alone pays enough, the closest to the amount first: one output
    settles one order.
    """

    confirmations: int
    outputs: tuple[int, ...]


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
    """Too few servers answered. `reason` says which failed and how, and holds no answer."""

    reason: str


Verdict = Paid | NotYet | Wrong | Disagree | Unavailable


class Source(Protocol):
    """One server; `EsploraClient` is one. Its methods raise subclasses of `EsploraFailure`."""

    @property
    def source(self) -> str:
        """The name that operators are shown."""
        ...

    async def transaction(self, txid: str) -> Transaction | None:
        """Ask for a transaction; None when the server knows none of this id."""
        ...

    async def tip_height(self) -> int:
        """Ask for the height of the last block that the server knows."""
        ...


class Chain:
    """The chain of blocks, as the named servers see it. Raises ValueError when none is named."""

    def __init__(self, sources: Sequence[Source]) -> None:
        if not sources:
            raise ValueError("no Esplora server is named")
        self._sources = tuple(sources)

    async def settlement(
        self, txid: str, address: str, value_satoshi: int, *, within_seconds: float
    ) -> Verdict:
        """Say whether a transaction pays at least so many satoshi to a bitcoin address.

        `txid` may be any text that a partner gave. All servers are asked at once; one that has not
        answered in time has failed. Never raises an `EsploraFailure`; raises ValueError for an
        amount below one satoshi.
        """
        if value_satoshi < 1:
            raise ValueError("a payment is at least one satoshi")
        txid = txid.lower()
        if not is_txid(txid):
            return Wrong("what was named is not a transaction id")
        looks = await asyncio.gather(
            *(_look(source, txid, within_seconds) for source in self._sources)
        )
        sightings = [look for look in looks if isinstance(look, Sighting)]
        if len(sightings) < required(len(looks)):
            failed = [
                f"{source.source}: {look}"
                for source, look in zip(self._sources, looks, strict=True)
                if isinstance(look, EsploraFailure)
            ]
            answered = f"{len(sightings)} of {len(looks)} servers answered"
            return Unavailable(f"{answered} ({'; '.join(failed)})")
        return decide(sightings, address, value_satoshi)


async def _look(source: Source, txid: str, within_seconds: float) -> Sighting | EsploraFailure:
    try:
        async with asyncio.timeout(within_seconds):
            tip_height = await source.tip_height()
            return Sighting(tip_height, await source.transaction(txid))
    except TimeoutError:
        return DeadlinePassed("settlement")
    except EsploraFailure as failure:
        return failure


def required(named: int) -> int:
    """Return how many of the named servers must answer."""
    return min(QUORUM, named)


def decide(sightings: Sequence[Sighting], address: str, value_satoshi: int) -> Verdict:
    """Judge what the servers that answered say; at least one, and as many as are `required`."""
    seen = [sighting.transaction for sighting in sightings if sighting.transaction is not None]
    if len({transaction.outputs for transaction in seen}) > 1:
        return Disagree("the servers read the outputs of the transaction differently")
    blocks = {transaction.block for transaction in seen if transaction.block is not None}
    if len(blocks) > 1:
        return Disagree("the servers have the transaction in different blocks")
    if len(seen) < len(sightings):
        return NotYet(f"{len(seen)} of {len(sightings)} servers know the transaction")
    outputs = paying_outputs(seen[0].outputs, address, value_satoshi)
    if not outputs:
        return Wrong("no output of the transaction pays the amount to the address")
    confirmations = min(_confirmations(sighting) for sighting in sightings)
    if confirmations < 1:
        return NotYet("the transaction is not in a block for every server")
    return Paid(confirmations, outputs)


def paying_outputs(outputs: Sequence[Output], address: str, value_satoshi: int) -> tuple[int, ...]:
    """Return the indexes of the outputs that alone pay at least so much, the closest first."""
    wanted = canonical_bitcoin_address(address)
    paying = [
        output
        for output in outputs
        if output.address is not None
        and canonical_bitcoin_address(output.address) == wanted
        and output.value_satoshi >= value_satoshi
    ]
    paying.sort(key=lambda output: (output.value_satoshi, output.index))
    return tuple(output.index for output in paying)


def _confirmations(sighting: Sighting) -> int:
    """Count blocks from the transaction's own to the last; at most 0 while there is none."""
    transaction = sighting.transaction
    if transaction is None or transaction.block is None:
        return 0
    return sighting.tip_height - transaction.block.height + 1
