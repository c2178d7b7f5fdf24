"""A buyer of credits who goes step by step over HTTP, and who can be interrupted between steps."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

import httpx

from app.cli.demo import Coin
from tests.support.people import PASSWORD

_PATIENCE_SECONDS: Final = 120.0
CREDITS: Final = 10
IN_COIN: Final = {
    Coin.AEON: {"payment_coin": "Aeon", "payment_network": "AEON"},
    Coin.BTC: {"payment_coin": "Bitcoin", "payment_network": "BTC"},
}
_LAST_STATUS: Final = {Coin.AEON: "BTC_SENT", Coin.BTC: "PAID"}


class Buyer:
    """Remembers what it was given; every step is one call of `go`'s list."""

    def __init__(
        self, base_url: str, coin: Coin = Coin.AEON, email: str = "buyer@example.com"
    ) -> None:
        self._base_url = base_url
        self._email = email
        self._coin = coin
        self.headers: dict[str, str] = {}
        self.access_code = ""
        self.order_id = ""
        self.assessment_id = ""

    def steps(self) -> list[Callable[[], Any]]:
        """Return the journey, one step after the other."""
        address_comes = [
            lambda: self.wait_until(self.order_id, lambda order: order["payment"] is not None)
        ]
        return [
            self.sign_up,
            self.order,
            *(address_comes if self._coin is Coin.AEON else ()),
            lambda: self.wait_until(
                self.order_id, lambda order: order["status"] not in ("TO_BE_CREATED", "UNPAID")
            ),
            lambda: self.wait_until(
                self.order_id, lambda order: order["status"] == _LAST_STATUS[self._coin]
            ),
            self.assess,
        ]

    async def sign_up(self) -> None:
        """Register, log in, make a key, and issue an access code."""
        credentials = {"email": self._email, "password": PASSWORD}
        await self.post("register", credentials)
        login = await self.post("login", credentials)
        self.headers = {"Authorization": f"Bearer {login['session_token']}"}
        key = await self.post("api_keys", {})
        self.headers = {"X-API-KEY": key["api_key"]}
        self.access_code = (await self.post("access_codes", {}))["access_code"]

    async def order(self) -> None:
        """Buy credits for the access code."""
        order = await self.post(
            "new_order",
            {
                "number_of_credits": CREDITS,
                **IN_COIN[self._coin],
                "order_is_for_self": False,
                "access_code": self.access_code,
            },
        )
        self.order_id = order["order_id"]

    async def wait_until(self, order_id: str, reached: Callable[[dict[str, Any]], bool]) -> None:
        """Ask for an order's status until it has come so far."""
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while not reached(await self.post("check_order_status", {"order_id": order_id})):
                await asyncio.sleep(0.05)

    async def assess(self) -> None:
        """Spend a credit."""
        assessment = await self.post(
            "create_new_assessment_for_access_code",
            {
                "access_code": self.access_code,
                "assessment_type": "address",
                "address": "12Cyjf3qV6qLyXdzpLSLPdRFPUVidvnzFM",
                "currency": "BTC",
                "fresh": True,
            },
        )
        self.assessment_id = assessment["assessment_id"]

    async def own_credits(self) -> int:
        """Return the balance of the user."""
        async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
            answer = await http.get(f"{self._base_url}/api/check_self_status", headers=self.headers)
        balance: int = answer.raise_for_status().json()["credits_available"]
        return balance

    async def credits_available(self) -> int:
        """Return the balance of the access code."""
        status = await self.post("check_access_code_status", {"access_code": self.access_code})
        balance: int = status["credits_available"]
        return balance

    async def assessment_status(self) -> str:
        """Return the status of the assessment."""
        asked = {"access_code": self.access_code, "assessment_id_list": [self.assessment_id]}
        found = await self.post("check_assessment_list_for_access_code", asked)
        status: str = found[0]["status"]
        return status

    async def post(self, path: str, body: dict[str, Any]) -> Any:  # noqa: ANN401  any JSON
        """Send a request that must succeed."""
        async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
            answer = await http.post(
                f"{self._base_url}/api/{path}", json=body, headers=self.headers
            )
        assert answer.is_success, answer.text
        return answer.json()
