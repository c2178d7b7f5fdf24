"""Providers that ask the sandbox's vendors over real HTTP, and all that they tell their operator."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from app.assessments.providers.base import Question
from app.assessments.providers.chainalysis import ChainalysisProvider, chainalysis_headers
from app.assessments.providers.crystal import CrystalProvider, crystal_headers
from app.assessments.providers.exposure import ExposureProvider
from app.assessments.rules.questions import AssessmentType
from app.lists.rules.listings import ListFinder
from app.partners.esplora.client import EsploraClient, open_esplora
from app.partners.http import HttpTransport, PartnerClient
from app.runtime.clock import SystemClock
from app.runtime.rate_limit.rules import Limit
from tests.support.sandbox import Upstream

KEY = "a-key-of-the-tests"
# Nobody waits for so long; a test of the deadline itself holds it, and lets it pass.
DEADLINE_SECONDS = 60.0


@dataclass
class Told:
    """What an operator is told."""

    alarms: list[str] = field(default_factory=list)
    calls_left: list[int] = field(default_factory=list)
    outcomes: list[tuple[str, str]] = field(default_factory=list)

    def observe(self, endpoint: str, outcome: str, _seconds: float) -> None:
        self.outcomes.append((endpoint, outcome))


class Vendors:
    """The vendors and the chain of a served sandbox, and their controls."""

    def __init__(self, upstream: Upstream) -> None:
        self.upstream = upstream
        self.root = upstream.base_url.partition("/api/")[0]

    async def crystal(self, **how: Any) -> dict[str, Any]:  # noqa: ANN401  JSON
        """Set how Crystal answers from now on."""
        return await self.upstream.press("vendors/crystal", **how)

    async def chainalysis(self, address: str, *, listed: bool) -> None:
        """Put an address on Chainalysis' list, or take it off."""
        await self.upstream.press("vendors/chainalysis", address=address, listed=listed)

    async def transfers(self) -> list[dict[str, Any]]:
        """Return what Crystal was asked, oldest first."""
        found: list[dict[str, Any]] = (await self.upstream.look("vendors"))["crystal"]["transfers"]
        return found

    async def requests(self, vendor: str, endpoint: str) -> int:
        """Return how many requests an endpoint of a vendor has had."""
        count: int = (await self.upstream.stats())["vendors"][vendor].get(endpoint, 0)
        return count

    @asynccontextmanager
    async def asking_crystal(
        self, key: str = KEY, *, path: str = "/crystal/"
    ) -> AsyncIterator[tuple[CrystalProvider, Told]]:
        told = Told()
        transport = HttpTransport(self.root + path, headers=crystal_headers(key))
        http = client(transport, told)
        try:
            yield (
                CrystalProvider(http, gauge=told.calls_left.append, alarm=told.alarms.append),
                told,
            )
        finally:
            await transport.aclose()

    @asynccontextmanager
    async def asking_chainalysis(
        self, headers: dict[str, str] | None = None
    ) -> AsyncIterator[tuple[ChainalysisProvider, Told]]:
        told = Told()
        transport = HttpTransport(
            f"{self.root}/chainalysis/api/v1/",
            headers=chainalysis_headers(KEY) if headers is None else headers,
        )
        http = client(transport, told)
        try:
            yield ChainalysisProvider(http, alarm=told.alarms.append), told
        finally:
            await transport.aclose()

    @asynccontextmanager
    async def asking_exposure(
        self, lists: ListFinder, servers: tuple[str, ...] = ("esplora",)
    ) -> AsyncIterator[tuple[ExposureProvider, Told]]:
        told = Told()
        async with AsyncExitStack() as stack:
            clients = []
            for server in servers:
                transport = open_esplora(f"{self.root}/{server}")
                stack.push_async_callback(transport.aclose)
                clients.append(
                    EsploraClient(transport, clock=SystemClock(), limit=Limit(1000, 1.0))
                )
            yield ExposureProvider(clients, lists, alarm=told.alarms.append), told


def client(transport: HttpTransport, told: Told) -> PartnerClient:
    return PartnerClient(
        transport,
        clock=SystemClock(),
        observe=told.observe,
        deadline_seconds=DEADLINE_SECONDS,
    )


def question(
    address: str,
    currency: str,
    tx_hash: str | None = None,
    *,
    reference: str | None = None,
) -> Question:
    return Question(
        assessment_id="asm_00VbhnY6RLeQ2oZmgNCoZuaKC",
        assessment_type=AssessmentType.TRANSACTION if tx_hash else AssessmentType.ADDRESS,
        address=address,
        currency=currency,
        tx_hash=tx_hash,
        provider_reference=reference,
    )
