"""One sandbox on real HTTP for the whole run, under a clock that tests move; reset for each test."""

import json
import random
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.sandbox import create_sandbox, serve_sandbox

# The example's destination (AEON.to API v3, "Creating a new order").
DESTINATION = "12Cyjf3qV6qLyXdzpLSLPdRFPUVidvnzFM"
# What the amount 0.1 costs at the price 0.017666 of the spec's parameters, to 7 decimals.
TOTAL = "5.6605910"
START = datetime(2019, 1, 11, 12, 46, 3, tzinfo=UTC)


class FakeClock:
    """Time that stands still until a test moves it; sleeping only notes how long."""

    def __init__(self) -> None:
        self.random = random.Random(7)  # noqa: S311  the chance of a test must replay
        self.wall = START
        self.ticks = 0.0
        self.slept: list[float] = []

    def now(self) -> datetime:
        return self.wall

    def monotonic(self) -> float:
        return self.ticks

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


class Harness:
    """A client of the sandbox's API and of its controls."""

    def __init__(self, http: httpx.AsyncClient, base: str, clock: FakeClock) -> None:
        self.http = http
        self.base = base
        self.root = base.removesuffix("/api/v3/aeon2btc/")
        self.clock = clock

    def move(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.wall += timedelta(seconds=seconds)

    async def ask(
        self,
        endpoint: str,
        body: object = None,
        *,
        content: str | bytes | None = None,
        media_type: str = "application/json",
        spaced: bool = True,
    ) -> httpx.Response:
        """Call an endpoint, by default a minute (of the limits' clock) after the last call."""
        if spaced:
            self.clock.ticks += 60
        if endpoint == "order_parameter_query":
            return await self.http.get(f"{self.base}{endpoint}/")
        sent = json.dumps(body) if content is None else content
        headers = {"content-type": media_type}
        return await self.http.post(f"{self.base}{endpoint}/", content=sent, headers=headers)

    async def control(self, path: str, body: object = None) -> dict[str, Any]:
        """Press a button that must work."""
        response = await self.http.post(f"{self.root}/control/{path}", json=body or {})
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        assert answer["sandbox"].startswith("SANDBOX")
        return answer

    async def stats(self) -> dict[str, Any]:
        """Read the counts."""
        answer: dict[str, Any] = (await self.http.get(f"{self.root}/control/stats")).json()
        return answer

    async def show(self, uuid: str) -> dict[str, Any]:
        """Read all that the sandbox knows of an order."""
        response = await self.http.get(f"{self.root}/control/orders/{uuid}")
        order: dict[str, Any] = response.json()["order"]
        return order

    async def order(self) -> str:
        """Create an order of 0.1 BTC that has its address; returns its uuid."""
        body = {"btc_dest_address": DESTINATION, "btc_amount": 0.1}
        created = await self.ask("order_create", body)
        assert created.status_code == 201, created.text
        self.move(1)
        return str(created.json()["uuid"])

    async def look(self, uuid: str) -> dict[str, Any]:
        """Query an order's status; numbers stay the text that was sent."""
        response = await self.ask("order_status_query", {"uuid": uuid})
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json(parse_float=str)
        return answer


@asynccontextmanager
async def serving(app: FastAPI, clock: FakeClock) -> AsyncGenerator[Harness]:
    """Serve a sandbox of a test's own."""
    async with serve_sandbox(app) as base, httpx.AsyncClient(timeout=60) as http:
        yield Harness(http, base, clock)


@pytest.fixture(scope="session")
async def served() -> AsyncIterator[Harness]:
    clock = FakeClock()
    async with serving(create_sandbox(clock=clock, seed=1), clock) as harness:
        yield harness


@pytest.fixture
async def sandbox(served: Harness) -> Harness:
    served.clock.wall, served.clock.ticks = START, 0.0
    served.clock.slept.clear()
    await served.control("reset")
    return served
