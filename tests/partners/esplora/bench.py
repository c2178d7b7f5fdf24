"""What the tests of the client share: a client over a mocked transport, and its observer."""

from typing import Final

from app.addresses import BitcoinNetwork
from app.partners.esplora.client import EsploraClient, open_esplora
from app.partners.esplora.wire import Transaction
from tests.partners.esplora.golden import BASE_URL, TXID
from tests.support.clock import HandClock

JSON: Final = {"Content-Type": "application/json"}
TEXT: Final = {"Content-Type": "text/plain"}


class Bench:
    """A client whose transport is mocked, and all that it told others."""

    def __init__(self, base_url: str = BASE_URL, network: BitcoinNetwork | None = None) -> None:
        self.clock = HandClock()
        self.observed: list[tuple[str, str, float]] = []
        self.transport = open_esplora(base_url)
        self.client = EsploraClient(
            self.transport, clock=self.clock, network=network, observe=self._observe
        )

    def _observe(self, endpoint: str, outcome: str, seconds: float) -> None:
        self.observed.append((endpoint, outcome, seconds))

    async def look(self) -> Transaction | None:
        return await self.client.transaction(TXID)
