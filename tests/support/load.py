"""Callers that ask a served Assay without a pause, and remember every answer."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from tests.support.people import Person

ORDER: Final = {
    "number_of_credits": 10,
    "payment_coin": "Aeon",
    "payment_network": "AEON",
    "order_is_for_self": True,
}
_CALLS: Final[tuple[tuple[str, str, Any], ...]] = (
    ("POST", "/api/new_order", ORDER),
    ("GET", "/api/check_self_status", None),
    ("GET", "/api/orders", None),
)


@dataclass
class Load:
    """What the callers were told so far."""

    answers: list[httpx.Response] = field(default_factory=list)
    unanswered: list[httpx.TransportError] = field(default_factory=list)

    @property
    def statuses(self) -> Counter[int]:
        """How often each status was answered."""
        return Counter(answer.status_code for answer in self.answers)

    async def until_answered(self, count: int) -> None:
        """Wait for so many more answers."""
        wanted = len(self.answers) + count
        async with asyncio.timeout(60):
            while len(self.answers) < wanted:
                await asyncio.sleep(0.01)


@asynccontextmanager
async def under_load(base_url: str, caller: Person, *, callers: int = 6) -> AsyncIterator[Load]:
    """Let callers ask beside the body; each has one request in flight at a time."""
    load, done = Load(), asyncio.Event()

    async def ask(http: httpx.AsyncClient, first: int) -> None:
        number = first
        while not done.is_set():
            method, path, body = _CALLS[number % len(_CALLS)]
            number += 1
            try:
                load.answers.append(await http.request(method, path, json=body))
            except httpx.TransportError as fault:
                load.unanswered.append(fault)
                await asyncio.sleep(0.01)

    async with httpx.AsyncClient(
        base_url=base_url, headers=caller.headers, trust_env=False, timeout=60
    ) as http:
        tasks = [asyncio.create_task(ask(http, number)) for number in range(callers)]
        try:
            yield load
        finally:
            done.set()
            await asyncio.gather(*tasks)
