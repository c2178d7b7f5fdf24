"""An application in the test's own process: over ASGI, on the test's database."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

import httpx
import pytest
from asgi_lifespan import LifespanManager
from fastapi import FastAPI

from app.addresses import AddressForm
from app.assessments.providers.base import Answer, Evidence, Question, RiskProvider, Source
from app.assessments.rules.questions import AssessmentType
from app.main import create_app
from app.resources import Overrides, Resources
from app.runtime.db.engine import Database
from app.settings import PREFIX, Settings
from tests.support.clock import HandClock
from tests.support.documented import DocumentedAnswers

# The destination in the example of AEON.to API v3, "Creating a new order".
BTC_DEST_ADDRESS = "12Cyjf3qV6qLyXdzpLSLPdRFPUVidvnzFM"
# The first test vector of RFC 8032, section 7.1.
RECEIPT_KEY = "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A="


@dataclass
class ScriptedProvider:
    """A risk provider that answers, or raises what it is told to; it remembers the questions."""

    name: str = "scripted"
    issue: str = "of the test"
    raises: BaseException | None = None
    asked: list[Question] = field(default_factory=list)

    def supports(
        self, _assessment_type: AssessmentType, _currency: str, _as_of: date | None
    ) -> bool:
        return True

    async def edition(self) -> str:
        return self.issue

    async def find_existing(self, _question: Question) -> Answer | None:
        """Nothing: it may be asked as often as one likes."""
        return None

    async def assess(self, question: Question) -> Answer:
        self.asked.append(question)
        if self.raises is not None:
            raise self.raises
        return Answer(
            risk_score=Decimal(0),
            grade="not on the lists",
            evidence=(Evidence(category="scope", source="a test", detail="nothing was screened"),),
            provider=self.name,
            sources=(Source(name="a test", issued=None, sha256="0" * 64, entries=1),),
            address_form=AddressForm.NOT_CHECKED,
        )


_: RiskProvider = ScriptedProvider()


@dataclass(frozen=True)
class Application:
    """A running application and everything a test may want to turn."""

    http: httpx.AsyncClient
    app: FastAPI
    database: Database
    clock: HandClock
    provider: ScriptedProvider
    settings: Settings

    @property
    def resources(self) -> Resources:
        """What the application works with."""
        resources: Resources = self.app.state.resources
        return resources


def settings_for_tests(**overrides: object) -> Settings:
    """Return settings that depend on no environment.

    Names are those of the variables, without prefix and in small letters; a span of time is one.
    """
    fixed = {
        "btc_dest_address": BTC_DEST_ADDRESS,
        "receipt_key": RECEIPT_KEY,
        "run_worker": False,
        "log_format": "json",
        "max_open_orders": 0,  # one buyer places the orders of a whole test
    }
    return Settings.of(
        {f"{PREFIX}{name.upper()}": value for name, value in {**fixed, **overrides}.items()}
    )


@asynccontextmanager
async def quiet_poll_hints() -> AsyncIterator[None]:
    """Let interest and uses of keys be written once, when there are none, then not for an hour.

    A stream sends what there is and ends: over ASGI, an answer is handed on when it is whole.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("app.web.event_stream.LONGEST_SECONDS", 0.0)
        patch.setattr("app.worker.run._PAYMENT_PAGES_REST_SECONDS", 3600.0)
        patch.setattr("app.worker.run._POLL_HINTS_REST_SECONDS", 3600.0)
        patch.setattr("app.worker.run._KEY_USES_REST_SECONDS", 3600.0)
        yield


@asynccontextmanager
async def open_application(
    database: Database, *, scripted: bool = True, **overrides: object
) -> AsyncIterator[Application]:
    """Run an application on `database`; `overrides` are settings.

    Its provider is scripted, or else the one that the settings name.

    Whatever it answers is in the document, or the test fails at its end.

    A lent database has one connection, which the loop that writes down interest must not share.
    """
    clock, provider = HandClock(), ScriptedProvider()
    settings = settings_for_tests(**overrides)
    replaced = Overrides(database=database, clock=clock, provider=provider if scripted else None)
    app = create_app(settings, replaced)
    undocumented: set[str] = set()
    app.add_middleware(DocumentedAnswers, undocumented=undocumented)
    async with (
        quiet_poll_hints(),
        LifespanManager(app),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app, raise_app_exceptions=False),
            base_url="http://assay.test",
        ) as http,
    ):
        yield Application(http, app, database, clock, provider, settings)
    assert not undocumented, f"docs/openapi.json does not have {sorted(undocumented)}"
