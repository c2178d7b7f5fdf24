"""The watch on the addresses at the end of the wallet that nobody paid: the gap.

Orders get addresses however long it is: refusing them would let one stranger stop all sales, and
what is paid beyond the wallet's gap limit is seen here all the same.
"""

from typing import Final

from app.orders import addresses
from app.orders.wallet.wallet import Wallet
from app.runtime.db.engine import Database
from app.runtime.observability.logging import get_logger
from app.runtime.observability.metrics import Metrics

log = get_logger(__name__)

_ALARM: Final = "bitcoin_address_gap"
# An operator hears of it at seven tenths of the limit: beyond 14 addresses of 20.
_TENTHS: Final = 7


def is_wide(gap: int, gap_limit: int) -> bool:
    """Say whether an operator hears of so many unpaid addresses."""
    return gap * 10 > gap_limit * _TENTHS


class GapWatch:
    """Measures the gap, and rings when it grows past seven tenths of the limit, and past the limit.

    `gap_limit`: how many unused addresses in a row the wallet looks ahead (BIP 44, "Address gap
    limit"). It rings again when the gap has closed and widens anew.
    """

    def __init__(self, metrics: Metrics, wallet: Wallet, gap_limit: int) -> None:
        self._metrics = metrics
        self._wallet = wallet
        self._gap_limit = gap_limit
        self._thresholds_passed = 0

    async def measure(self, database: Database) -> None:
        """Count the addresses after the last one that was paid."""
        async with database.reading() as connection:
            gap = await addresses.gap(connection, self._wallet)
        passed = is_wide(gap, self._gap_limit) + (gap > self._gap_limit)
        if passed > self._thresholds_passed:
            self._metrics.alarms.labels(_ALARM).inc()
            log.error("alarm", alarm=_ALARM, gap=gap, gap_limit=self._gap_limit)
        self._thresholds_passed = passed
