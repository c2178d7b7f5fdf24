"""An application with its webhooks carried by the engine, a receiver, and a user with an endpoint."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest
from asgi_lifespan import LifespanManager
from sqlalchemy import text

from app.main import create_app
from app.resources import Overrides, Resources
from app.runtime.db.engine import Database
from app.runtime.loops.heartbeats import Heartbeats
from app.runtime.loops.loops import Supervised, running
from app.runtime.security import new_id
from app.webhooks.rules.urls import Policy
from app.webhooks.sender import WebhookSender
from app.webhooks.worker import deliveries
from tests.support.application import quiet_poll_hints, settings_for_tests
from tests.support.clock import HandClock
from tests.support.people import Person, give_credits, make_user
from tests.webhooks.receiver import Receiver, receiving, until


@dataclass
class WebhookHarness:
    """An application, its owner of endpoints, and a receiver."""

    http: httpx.AsyncClient
    resources: Resources
    clock: HandClock
    database: Database
    receiver: Receiver
    user: Person

    async def ask(
        self, method: str, path: str, body: dict[str, Any] | None = None, status: int = 200
    ) -> Any:  # noqa: ANN401  JSON
        """Ask as the user; return the answer, which must have a status."""
        answer = await self.http.request(
            method, f"/api/webhook_endpoints{path}", headers=self.user.headers, json=body
        )
        assert answer.status_code == status, answer.text
        return answer.json()

    async def make_endpoint(self, **wish: object) -> Any:  # noqa: ANN401  JSON
        """Make an endpoint at the receiver."""
        return await self.ask("POST", "", {"url": self.receiver.url(), **wish}, status=201)

    async def happen(self, count: int = 1) -> None:
        """Let so many events happen to the user: credits that come."""
        for _ in range(count):
            await give_credits(self.database, self.user.account_id, 1, self.clock.now())

    async def deliveries(self, endpoint_id: str, **filters: object) -> list[dict[str, Any]]:
        """Return the deliveries of an endpoint, newest first."""
        query = "&".join(f"{name}={value}" for name, value in {"limit": 100, **filters}.items())
        page = await self.ask("GET", f"/{endpoint_id}/deliveries?{query}")
        items: list[dict[str, Any]] = page["items"]
        return items

    async def until_settled(self, endpoint_id: str, count: int, status: str = "delivered") -> None:
        """Wait until so many deliveries of an endpoint have a status."""

        async def holds() -> bool:
            return len(await self.deliveries(endpoint_id, status=status)) == count

        await until(holds)

    async def until_attempted(self, endpoint_id: str, attempts: int) -> dict[str, Any]:
        """Wait until the newest delivery had so many attempts, and is not being sent; return it."""
        found: list[dict[str, Any]] = []

        async def holds() -> bool:
            found[:] = await self.deliveries(endpoint_id)
            return bool(found) and found[0]["attempts"] == attempts and await self.is_idle()

        await until(holds)
        return found[0]

    async def is_idle(self) -> bool:
        """Say whether nothing is being sent, and no job is due."""
        async with self.database.reading() as connection:
            busy = await connection.scalar(
                text(
                    "SELECT (SELECT count(*) FROM webhook_deliveries"
                    " WHERE woken_at IS NOT NULL OR lease_until IS NOT NULL)"
                    " + (SELECT count(*) FROM jobs.procrastinate_jobs WHERE status = 'doing')"
                )
            )
        return bool(busy == 0)

    async def execute(self, statement: str, **values: object) -> None:
        """Change something in the database."""
        async with self.database.engine.begin() as connection:
            await connection.execute(text(statement), values)

    @asynccontextmanager
    async def carrying(self, workers: int = 1) -> AsyncIterator[None]:
        """Turn events into deliveries and send them, beside the body."""
        bodies: list[Supervised] = [*deliveries.loops(self.resources)]
        bodies += [deliveries.job_carrier(self.resources) for _ in range(workers)]
        async with running(bodies, Heartbeats(self.clock, self.resources.metrics)):
            yield


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes seconds later comes at once."""
    monkeypatch.setattr("app.webhooks.worker.deliveries._FAN_OUT_REST", timedelta(milliseconds=50))
    monkeypatch.setattr("app.webhooks.worker.deliveries._UNWANTED_REST_SECONDS", 0.05)
    # The clock stands still: a job that a busy machine loses would never be taken for lost.
    monkeypatch.setattr("app.webhooks.jobs._RETRY_LOST_AFTER", timedelta(0))
    monkeypatch.setattr("app.webhooks.worker.deliveries._LOST_REST_SECONDS", 0.3)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A receiver on this machine."""
    async with receiving() as receiver:
        yield receiver


@pytest.fixture
async def harness(
    committed_database: Database, receiver: Receiver
) -> AsyncIterator[WebhookHarness]:
    """An application that sends nothing until a test carries its webhooks."""
    clock = HandClock()
    # A busy machine must not cut short a webhook that a test holds.
    sender = WebhookSender(Policy(http_to_loopback=True), deadline_seconds=600)
    overrides = Overrides(database=committed_database, clock=clock, webhook_sender=sender)
    app = create_app(settings_for_tests(webhook_key=f"key-{new_id('x')}-{new_id('y')}"), overrides)
    async with (
        quiet_poll_hints(),
        LifespanManager(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://assay.test") as http,
    ):
        user = await make_user(committed_database, clock.now())
        yield WebhookHarness(http, app.state.resources, clock, committed_database, receiver, user)
