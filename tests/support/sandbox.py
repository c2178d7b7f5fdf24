"""The sandbox on real HTTP, its buttons, and a clock that runs and can be made to leap."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import httpx
from typing_extensions import override

from app.runtime.clock import Clock, SystemClock
from app.sandbox import create_sandbox, serve_sandbox

# Generous: a test is about what the loop does, not about waiting for its turn.
RATE_SCALE: Final = Decimal(1000)


class LeapingClock(SystemClock):
    """The machine's clock, ahead of it by all its leaps; sleeping and durations are real."""

    def __init__(self) -> None:
        super().__init__()
        self._ahead = timedelta(0)

    @override
    def now(self) -> datetime:
        return super().now() + self._ahead

    def leap(self, seconds: float) -> None:
        """Let time pass at once."""
        self._ahead += timedelta(seconds=seconds)


class HeldClock(SystemClock):
    """The machine's clock, on which whoever sleeps does so until a test wakes all that do."""

    def __init__(self) -> None:
        super().__init__()
        self._woken = asyncio.Event()

    @override
    async def sleep(self, seconds: float) -> None:
        await self._woken.wait()

    def wake(self) -> None:
        """Let those go on who sleep now."""
        self._woken.set()
        self._woken = asyncio.Event()


_: tuple[Clock, ...] = (LeapingClock(), HeldClock())


class Upstream:
    """A served sandbox: where it is, and its controls."""

    def __init__(self, base_url: str, http: httpx.AsyncClient) -> None:
        self.base_url = base_url
        self._http = http
        self._control = base_url.partition("/api/")[0] + "/control/"

    async def press(self, button: str, **body: Any) -> dict[str, Any]:  # noqa: ANN401  JSON
        """Press a button that must work, such as `orders/all/advance`."""
        return await self._ask("POST", button, body)

    async def press_if_possible(self, button: str, **body: Any) -> dict[str, Any] | None:  # noqa: ANN401  JSON
        """Press a button; None when what it does is not possible now."""
        response = await self._http.post(self._control + button, json=body)
        return None if response.status_code == httpx.codes.CONFLICT else _read(response)

    async def fault(self, kind: str, **given: Any) -> None:  # noqa: ANN401  JSON
        """Order a fault for the next requests."""
        await self.press("faults", kind=kind, **given)

    async def no_faults(self) -> None:
        """Forget every fault."""
        await self._ask("DELETE", "faults", None)

    async def stats(self) -> dict[str, Any]:
        """Read the counts."""
        return await self._ask("GET", "stats", None)

    async def look(self, page: str) -> dict[str, Any]:
        """Read a page of the controls, such as `vendors`."""
        return await self._ask("GET", page, None)

    async def requests(self, endpoint: str) -> int:
        """Return how many requests an endpoint has had."""
        found: int = (await self.stats())["endpoints"][endpoint]["requests"]
        return found

    async def orders(self) -> list[dict[str, Any]]:
        """Return all that is known of every order, oldest first."""
        found: list[dict[str, Any]] = (await self._ask("GET", "orders", None))["orders"]
        return found

    async def _ask(self, method: str, path: str, body: object) -> dict[str, Any]:
        response = await self._http.request(method, self._control + path, json=body)
        return _read(response)


def _read(response: httpx.Response) -> dict[str, Any]:
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


@asynccontextmanager
async def serving_upstream(
    rate_scale: Decimal = RATE_SCALE, clock: Clock | None = None, *, mine_payouts: bool = False
) -> AsyncGenerator[Upstream]:
    """Serve a sandbox whose orders have their address at once and whose chances repeat.

    `mine_payouts`: the bitcoin that it sends is in a block at once.
    """
    app = create_sandbox(
        rate_scale=rate_scale,
        creation_delay_seconds=0,
        clock=clock,
        seed=7,
        mine_payouts=mine_payouts,
    )
    async with (
        serve_sandbox(app) as base_url,
        httpx.AsyncClient(trust_env=False, timeout=60) as http,
    ):
        yield Upstream(base_url, http)
