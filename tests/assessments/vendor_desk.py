"""A question's whole way: the service, the database, a provider over real HTTP, and back again."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    nullcontext,
)
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, NamedTuple

from sqlalchemy import text

from app import audit
from app.assessments import service
from app.assessments.claims import Subject
from app.assessments.context import AssessmentContext
from app.assessments.errors import AssessmentFault
from app.assessments.provider_calls import RetryResult
from app.assessments.providers.base import Answer, FailureReason, Question, RiskProvider
from app.assessments.providers.ensemble import ProviderEnsemble
from app.assessments.providers.sanctions import SanctionsProvider
from app.assessments.rules.questions import AssessmentType
from app.lists.lookup import Lists
from app.runtime.db.engine import Database
from tests.assessments.providers.vendors import KEY, Told, Vendors
from tests.support.assessments import finish_due
from tests.support.clock import HandClock
from tests.support.orders import balance_of
from tests.support.people import ACTOR, Person

ADDRESS: Final = "12Cyjf3qV6qLyXdzpLSLPdRFPUVidvnzFM"
SUBJECT: Final = Subject(AssessmentType.ADDRESS, ADDRESS, "BTC", None)
CREDITS: Final = 3
EVERYBODY: Final = ["crystal", "chainalysis", "exposure", "sanctions", "crystal+chainalysis"]
REFUSED: Final = FailureReason.REFUSED
BROKEN: Final = FailureReason.BROKEN
# Where the faults of each are ordered.
_SOURCE: Final = {"crystal": "crystal", "chainalysis": "chainalysis", "exposure": "esplora"}
_PAID: Final = ("assessment -1",)
_PATHS: Final = text("""
    SELECT s.status, s.failure_reason,
           array_agg(l.kind || ' ' || l.amount ORDER BY l.id) AS entries
    FROM assessments s LEFT JOIN ledger_entries l ON l.assessment_id = s.id GROUP BY s.id""")


class Seen(NamedTuple):
    """What became of the one question: its entries in the ledger, and the balance left."""

    status: str
    entries: tuple[str, ...]
    balance: int
    reason: str | None


READY: Final = Seen("ready", _PAID, CREDITS - 1, None)
PENDING: Final = Seen("pending", _PAID, CREDITS - 1, None)


def failed(reason: str) -> Seen:
    """Return how a question ends that has failed for good."""
    return Seen("failed", (*_PAID, "refund 1"), CREDITS, reason)


async def check_money(database: Database) -> None:
    """Check that the rules of money hold: one debit each, a refund if and only if it failed."""
    async with database.reading() as connection:
        assert await audit.breaches(connection) == []
        for status, _reason, entries in await connection.execute(_PATHS):
            assert entries == ["assessment -1", *(["refund 1"] if status == "failed" else [])]


@dataclass(frozen=True)
class Asking:
    """Providers that are asked together, and what each tells its operator."""

    providers: list[RiskProvider]
    told: list[Told]

    @property
    def ensemble(self) -> ProviderEnsemble:
        return ProviderEnsemble(self.providers)

    @property
    def dying(self) -> tuple[ProviderEnsemble, list["Dying"]]:
        """The same, of a process that stops while it holds what they said."""
        dying = [Dying(one) for one in self.providers]
        return ProviderEnsemble(dying), dying

    @property
    def alarms(self) -> list[str]:
        return [alarm for told in self.told for alarm in told.alarms]


class Dying:
    """A provider that has said something, which reaches nobody until it is let go."""

    def __init__(self, provider: RiskProvider) -> None:
        self._provider = provider
        self.has_said = asyncio.Event()
        self.let_go = asyncio.Event()

    @property
    def name(self) -> str:
        return self._provider.name

    async def edition(self) -> str:
        return await self._provider.edition()

    def supports(self, assessment_type: AssessmentType, currency: str, as_of: date | None) -> bool:
        return self._provider.supports(assessment_type, currency, as_of)

    async def assess(self, question: Question) -> Answer:
        said = asyncio.ensure_future(self._provider.assess(question))
        await asyncio.wait({said})
        self.has_said.set()
        await self.let_go.wait()
        return said.result()

    async def find_existing(self, question: Question) -> Answer | None:
        return await self._provider.find_existing(question)


class AssessmentHarness:
    """A user with three credits, the vendors, and a worker that is called when a test wants it."""

    def __init__(
        self, database: Database, clock: HandClock, user: Person, vendors: Vendors
    ) -> None:
        self.database = database
        self._clock = clock
        self._user = user
        self.vendors = vendors

    async def fault(self, provider: str, kind: str, **given: Any) -> None:  # noqa: ANN401  JSON
        """Order a fault of whoever answers a provider; of Crystal, for new questions alone."""
        where = {"endpoint": "tx_add"} if provider == "crystal" else {}
        await self.vendors.upstream.fault(kind, source=_SOURCE[provider], **{**where, **given})

    async def refuse(self, provider: str, how: str) -> None:
        """Let a vendor refuse: by a setting of Crystal (`name=value`), or by a fault of a kind."""
        setting, _, value = how.partition("=")
        if value:
            await self.vendors.crystal(**{setting: int(value)})
        else:
            await self.fault(provider, how)

    @asynccontextmanager
    async def asking(self, names: str, *, key: str = KEY) -> AsyncIterator[Asking]:
        """Open providers, named as in the settings; `key` is shown to each vendor."""
        opened = Asking([], [])
        async with AsyncExitStack() as stack:
            for name in names.split("+"):
                provider, told = await stack.enter_async_context(self._open(name, key))
                opened.providers.append(provider)
                opened.told.append(told)
            yield opened

    def _open(self, name: str, key: str) -> AbstractAsyncContextManager[tuple[RiskProvider, Told]]:
        match name:
            case "crystal":
                return self.vendors.asking_crystal(key)
            case "chainalysis":
                return self.vendors.asking_chainalysis({"X-API-Key": key} if key else {})
            case "exposure":
                return self.vendors.asking_exposure(Lists(self.database, self._clock))
            case _:
                return nullcontext((SanctionsProvider(Lists(self.database, self._clock)), Told()))

    async def ask(self, ensemble: ProviderEnsemble, subject: Subject = SUBJECT) -> Seen:
        """Ask as a request does; return what became of it."""
        try:
            made = await service.create(
                AssessmentContext(self.database, ensemble, self._clock),
                pick_account=service.from_own_account(self._user.caller),
                subject=subject,
                actor=ACTOR,
            )
        except AssessmentFault as refused:
            return await self._told_of(refused)
        seen = await self.seen()
        assert (made.assessment.status, made.credits_available) == (seen.status, seen.balance)
        return seen

    async def _told_of(self, refused: AssessmentFault) -> Seen:
        seen = await self.seen()
        assert seen.reason is not None
        assert seen.reason in refused.detail
        return seen

    async def try_again(
        self, ensemble: ProviderEnsemble, *, after_seconds: float = 300
    ) -> RetryResult:
        """Let the worker try the question again when it is due."""
        self._clock.advance(after_seconds)
        tried = await finish_due(self.database, ensemble, self._clock)
        assert tried is not None
        return tried

    async def finish(self, ensemble: ProviderEnsemble) -> Seen:
        """Let the worker try again; return what became of it."""
        await self.try_again(ensemble)
        return await self.seen()

    async def finds_nothing(self, ensemble: ProviderEnsemble) -> bool:
        """Say whether the worker finds nothing to try."""
        self._clock.advance(300)
        return await finish_due(self.database, ensemble, self._clock) is None

    async def seen(self) -> Seen:
        """Read what became of the question."""
        async with self.database.reading() as connection:
            status, reason, entries = (await connection.execute(_PATHS)).one()
        balance = await balance_of(self.database, self._user.account_id)
        return Seen(status, tuple(entries), balance, reason)

    async def asks(self, provider: str) -> int:
        """Return how often a provider was asked, as it was written down."""
        query = text("SELECT (progress -> :provider ->> 'asks')::int FROM assessments")
        async with self.database.reading() as connection:
            asks = await connection.scalar(query, {"provider": provider})
        assert isinstance(asks, int)
        return asks

    async def opinions(self) -> dict[str, str | None]:
        """Return by provider why there is no answer of it; None for one that answered."""
        query = text("SELECT answer -> 'opinions' FROM assessments")
        async with self.database.reading() as connection:
            opinions = await connection.scalar(query)
        assert isinstance(opinions, list)
        return {said["provider"]: said["reason"] for said in opinions}

    async def paid_calls(self) -> int:
        """Return how often Crystal did the work; once for a question is right."""
        transfers = await self.vendors.transfers()
        return len(transfers)


async def until(reached: Callable[[], Awaitable[object]]) -> None:
    """Wait until something is reached."""
    async with asyncio.timeout(60):
        while not await reached():
            await asyncio.sleep(0.01)


async def kill(request: asyncio.Task[Seen]) -> None:
    """End a request where it stands, as the end of its process does."""
    request.cancel()
    await asyncio.gather(request, return_exceptions=True)
    assert request.cancelled()
