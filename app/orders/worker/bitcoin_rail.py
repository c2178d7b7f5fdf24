"""The rail in bitcoin: looking at the addresses of orders through servers of the chain."""

import asyncio
from typing import Final

from app.orders.leases import PollTask
from app.orders.rules.facts import BitcoinObservation
from app.orders.rules.rails import Rail
from app.orders.worker.rails import TURN_WITHIN_SECONDS, Failed
from app.partners.esplora.chain import Chain, Disagree, ReceivedOutputs, Unavailable
from app.runtime.rate_limit.rules import CALL_DEADLINE_SECONDS

# Polls of one process at a time; the rate limits of the servers say how quickly they follow each other.
_AT_ONCE: Final = 4
_AFTER_FAILED_LOOK_SECONDS: Final = (5.0, 15.0)


class BitcoinPermit:
    """The right to look at once. Nothing is held by it: a look counts while it is under way."""

    async def give_back(self) -> None:
        """Return the right unused."""


class BitcoinRail:
    """Orders paid in bitcoin, at addresses that were given when they were placed."""

    rail: Final = Rail.BITCOIN

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self._under_way = asyncio.Semaphore(_AT_ONCE)

    async def poll_permit(self) -> BitcoinPermit | None:
        try:
            async with asyncio.timeout(TURN_WITHIN_SECONDS), self._under_way:
                return BitcoinPermit()
        except TimeoutError:
            return None

    async def poll(self, job: PollTask, _permit: BitcoinPermit) -> BitcoinObservation | Failed:
        async with self._under_way:
            seen = await self._chain.payments(
                job.btc_dest_address, within_seconds=CALL_DEADLINE_SECONDS
            )
        match seen:
            case ReceivedOutputs(outputs):
                return BitcoinObservation(outputs)
            case Disagree(reason):
                return Failed(reason, _AFTER_FAILED_LOOK_SECONDS, "chain_servers_disagree")
            case Unavailable(reason, needs_operator):
                alarm = "chain_needs_operator" if needs_operator else None
                return Failed(reason, _AFTER_FAILED_LOOK_SECONDS, alarm)
