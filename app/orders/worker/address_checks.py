"""The loop that checks the wallet's next addresses, so that orders get those where nothing lies."""

from datetime import timedelta
from typing import Final

from app.orders import address_checks
from app.orders.wallet.wallet import Wallet
from app.partners.esplora.chain import Chain, ReceivedOutputs
from app.resources import Resources
from app.runtime.loops.loops import Loop
from app.runtime.observability.logging import get_logger
from app.runtime.rate_limit.rules import CALL_DEADLINE_SECONDS

log = get_logger(__name__)

_REST_SECONDS: Final = 1.0
_AFTER_FAILED_CHECK: Final = timedelta(seconds=30)


class AddressChecks:
    """Checks one address at a time; one at which a check failed rests for a while."""

    def __init__(self, resources: Resources, wallet: Wallet, chain: Chain) -> None:
        self._resources = resources
        self._wallet = wallet
        self._chain = chain
        self._rests_until: dict[int, float] = {}

    def loop(self) -> Loop:
        """Return the loop to run."""
        return Loop("address_checks", self.check_next, _REST_SECONDS)

    async def check_next(self) -> bool:
        """Check the address that is most due; say whether one was."""
        resources, clock = self._resources, self._resources.clock
        quarantined = [index for index, at in self._rests_until.items() if at > clock.monotonic()]
        self._rests_until = {index: self._rests_until[index] for index in quarantined}
        async with resources.database.reading() as connection:
            index = await address_checks.due(
                connection, self._wallet, clock.now(), quarantined=quarantined
            )
        if index is None:
            return False
        seen = await self._chain.payments(
            self._wallet.address(index), within_seconds=CALL_DEADLINE_SECONDS
        )
        if not isinstance(seen, ReceivedOutputs):
            self._rests_until[index] = clock.monotonic() + _AFTER_FAILED_CHECK.total_seconds()
            log.warning("address_not_checked", index=index, failure=seen.reason)
            return True
        async with resources.database.sessions() as session:
            found = await address_checks.keep(
                session,
                self._wallet,
                index,
                seen.outputs,
                tip_height=seen.tip_height,
                destination=resources.terms.btc_dest_address,
                now=clock.now(),
            )
        if found is not None:
            resources.metrics.alarms.labels("bitcoin_address_passed_over").inc()
            log.error("alarm", alarm="bitcoin_address_passed_over", index=index, reason=found)
        return True
