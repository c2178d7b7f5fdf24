"""The rail over AEON.to: orders created and looked at there, within its limits.

Where servers of the chain are named, they are asked about what AEON.to says that it sent, in what
is left of the time of the call.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from app.orders.leases import CreationTask, PollTask
from app.orders.rules.facts import AeontoObservation, RefusedForGood
from app.orders.rules.rails import Rail
from app.orders.store import OrderStore
from app.orders.worker.rails import TURN_WITHIN_SECONDS, Failed
from app.orders.worker.settlement_checks import settlement_of
from app.partners.aeonto.client import AeontoClient
from app.partners.aeonto.failures import (
    BitcoinAmountOutOfBounds,
    InsufficientFunds,
    InvalidBitcoinAmount,
    ServiceUnavailable,
    ThirdPartyUnavailable,
)
from app.partners.esplora.chain import Chain
from app.partners.failures import OperatorNeeded, PartnerFailure, Refused
from app.runtime.clock import Clock
from app.runtime.observability.logging import get_logger
from app.runtime.rate_limit.rules import CALL_DEADLINE_SECONDS, Bucket, Pace, Slot

log = get_logger(__name__)

_PARAMETERS_EVERY: Final = timedelta(seconds=30)
_AFTER_FAILED_CREATION_SECONDS: Final = (5.0, 15.0)
_AFTER_FAILED_LOOK_SECONDS: Final = (2.0, 5.0)
# What holds creations back, and never looks (docs/specifications.md).
_NO_NEW_ORDERS: Final = (ServiceUnavailable, ThirdPartyUnavailable, InsufficientFunds)


@dataclass(frozen=True)
class AeontoPermit:
    """A slot of one of AEON.to's limits."""

    slot: Slot
    pace: Pace

    async def give_back(self) -> None:
        """Return the slot unused."""
        await self.pace.release(self.slot)


class AeontoRail:
    """Orders paid in AEON. Without a `chain`, AEON.to is believed that it paid."""

    rail: Final = Rail.AEONTO

    def __init__(
        self, pace: Pace, aeonto: AeontoClient, clock: Clock, chain: Chain | None = None
    ) -> None:
        self._pace = pace
        self._aeonto = aeonto
        self._clock = clock
        self._chain = chain
        self._creations_held = False
        self._seen_at: datetime | None = None

    def may_open(self) -> bool:
        return not self._creations_held

    async def creation_permit(self) -> AeontoPermit | None:
        return await self._permit(Bucket.ORDER_CREATE)

    async def poll_permit(self) -> AeontoPermit | None:
        return await self._permit(Bucket.ORDER_STATUS)

    async def open(
        self, job: CreationTask, permit: AeontoPermit
    ) -> AeontoObservation | Failed | RefusedForGood:
        try:
            report = await self._aeonto.order_create(
                job.btc_amount, job.btc_dest_address, slot=permit.slot
            )
        except (InvalidBitcoinAmount, BitcoinAmountOutOfBounds):
            return RefusedForGood()
        except PartnerFailure as failure:
            return _failed(failure, _AFTER_FAILED_CREATION_SECONDS)
        return AeontoObservation(report)

    async def poll(self, job: PollTask, permit: AeontoPermit) -> AeontoObservation | Failed:
        over_at = self._clock.monotonic() + CALL_DEADLINE_SECONDS
        try:
            report = await self._aeonto.order_status_query(job.uuid or "", slot=permit.slot)
        except PartnerFailure as failure:
            return _failed(failure, _AFTER_FAILED_LOOK_SECONDS)
        settlement = await settlement_of(
            self._chain,
            report,
            btc_amount=job.btc_amount,
            btc_dest_address=job.btc_dest_address,
            within_seconds=over_at - self._clock.monotonic(),
        )
        return AeontoObservation(report, settlement)

    async def refresh_parameters(self, store: OrderStore) -> None:
        """Learn AEON.to's limits and price, unless a replica just did."""
        now = self._clock.now()
        if self._is_fresh(now):
            return
        self._seen_at = await store.parameters_seen_at(now)
        if self._is_fresh(now):
            self._creations_held = False
            return
        permit = await self._permit(Bucket.ORDER_PARAMETERS)
        if permit is None:
            return
        try:
            parameters = await self._aeonto.order_parameter_query(slot=permit.slot)
        except PartnerFailure as failure:
            self._creations_held = isinstance(failure, _NO_NEW_ORDERS)
            log.warning("order_parameters_unknown", failure=str(failure))
            return
        self._creations_held = False
        now = self._clock.now()
        await store.save_parameters(parameters, now)
        self._seen_at = now

    def _is_fresh(self, now: datetime) -> bool:
        """Say whether AEON.to's parameters are known to be so new that nobody asks for them."""
        seen_at = self._seen_at
        return seen_at is not None and timedelta() <= now - seen_at < _PARAMETERS_EVERY

    async def _permit(self, bucket: Bucket) -> AeontoPermit | None:
        slot = await self._pace.reserve(bucket, within_seconds=TURN_WITHIN_SECONDS)
        return None if slot is None else AeontoPermit(slot, self._pace)


def _failed(failure: PartnerFailure, pause_seconds: tuple[float, float]) -> Failed:
    needs_operator = isinstance(failure, (OperatorNeeded, Refused))
    alarm = f"aeonto_{failure.label}" if needs_operator else None
    return Failed(f"AEON.to: {failure}", pause_seconds, alarm)
