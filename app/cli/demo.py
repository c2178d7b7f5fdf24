"""`assay demo`: the whole journey against a running server, each step in one line."""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Final

import httpx
import typer
from rich.console import Console

from app.cli.running import run

_CREDITS: Final = 10
_TIMEOUT_SECONDS: Final = 20.0
_ASK_EVERY_SECONDS: Final = 0.5
_PATIENCE_SECONDS: Final = 120.0
_SUBJECT: Final = {
    "assessment_type": "address",
    "address": "12Cyjf3qV6qLyXdzpLSLPdRFPUVidvnzFM",
    "currency": "BTC",
}


class Coin(StrEnum):
    """What the journey pays in, by its ticker."""

    AEON = "AEON"
    BTC = "BTC"


_NAMES: Final = {Coin.AEON: "Aeon", Coin.BTC: "Bitcoin"}
_PAID: Final = {
    Coin.AEON: "the order to be paid and its bitcoin to be sent",
    Coin.BTC: "the order to be paid and confirmed",
}


class DemoFailed(Exception):
    """A step did not bring what it must; the message says which."""


@dataclass(frozen=True)
class Outcome:
    """What the journey made, for whoever wants to go on from there."""

    api_key: str
    access_code: str
    order_id: str
    assessment_id: str


class Journey:
    """Registers, buys credits for an access code, waits for them, and spends one."""

    def __init__(self, base_url: str, console: Console, coin: Coin = Coin.AEON) -> None:
        self._console = console
        self._coin = coin
        self._http = httpx.AsyncClient(base_url=base_url, timeout=_TIMEOUT_SECONDS, trust_env=False)

    async def perform(self) -> Outcome | None:
        """Go the whole way; None, and a line that says why, when a step fails."""
        try:
            async with self._http:
                return await self._perform()
        except DemoFailed as failure:
            self._complain(f"demo: {failure}")
        except httpx.HTTPError as failure:
            reason = failure or type(failure).__name__
            self._complain(f"demo: no answer from {self._http.base_url}: {reason}")
        return None

    async def _perform(self) -> Outcome:
        api_key = await self._sign_up()
        code = await self._post("access_codes", {}, wanted=201)
        access_code = str(code["access_code"])
        self._say("access code", f"{access_code}, credits {code['credits_available']}")
        if self._coin is Coin.AEON:
            await self._wait_until_open()
        order = await self._post(
            "new_order",
            {
                "number_of_credits": _CREDITS,
                "payment_coin": _NAMES[self._coin],
                "payment_network": self._coin,
                "order_is_for_self": False,
                "access_code": access_code,
            },
            wanted=201,
        )
        order_id = str(order["order_id"])
        self._say("order", f"{order_id} for {order['number_of_credits']} credits")
        history = await self._follow(order_id)
        code = await self._post("check_access_code_status", {"access_code": access_code})
        self._say("credits", f"{code['credits_available']} on {access_code}")
        assessment = await self._assess(access_code)
        code = await self._post("check_access_code_status", {"access_code": access_code})
        self._say("balance", f"{code['credits_available']} credits left on {access_code}")
        self._say("history", " -> ".join(history))
        self._say("assessment", _described(assessment))
        self._console.print(
            f"demo: order {order_id} is {history[-1]}, credits {code['credits_available']},"
            f" assessment {assessment['status']}",
            markup=False,
            soft_wrap=True,
        )
        return Outcome(api_key, access_code, order_id, str(assessment["assessment_id"]))

    async def _sign_up(self) -> str:
        """Register a user of this journey's own, log in, and go on with an API key."""
        credentials = {
            "email": f"demo-{secrets.token_hex(6)}@example.com",
            "password": secrets.token_urlsafe(16),
        }
        user = await self._post("register", credentials, wanted=201)
        self._say("user", f"{user['email']}, affiliate code {user['affiliate_code']}")
        login = await self._post("login", credentials)
        self._http.headers["Authorization"] = f"Bearer {login['session_token']}"
        key = await self._post("api_keys", {}, wanted=201)
        del self._http.headers["Authorization"]
        self._http.headers["X-API-KEY"] = str(key["api_key"])
        self._say("API key", f"{key['prefix']}…")
        return str(key["api_key"])

    async def _wait_until_open(self) -> None:
        """Wait until the loop has learnt what AEON.to offers."""

        async def offer() -> dict[str, Any] | None:
            answer = await self._http.get("/api/order_parameters")
            return answer.json() if answer.is_success else None

        offered = await self._until(offer, "AEON.to's limits and price")
        price = offered["credit_price"]
        self._say("price", f"{price} {offered['payment_coin']} for a credit")

    async def _follow(self, order_id: str) -> list[str]:
        """Show each state as it comes, where to pay, and what has arrived."""
        history: list[str] = []
        shown: set[tuple[str, str]] = set()

        async def paid() -> dict[str, Any] | None:
            order = await self._post("check_order_status", {"order_id": order_id})
            if not history or history[-1] != order["status"]:
                history.append(str(order["status"]))
                self._say("status", history[-1])
            if order["status"] == "FAILED":
                raise DemoFailed(f"order {order_id} failed: {order['failure_reason']}")
            for line in _payment_lines(order["payment"] or {}, self._coin):
                if line not in shown:
                    shown.add(line)
                    self._say(*line)
            return order if order["credits_granted"] is not None else None

        await self._until(paid, _PAID[self._coin])
        return history

    async def _assess(self, access_code: str) -> dict[str, Any]:
        made = await self._post(
            "create_new_assessment_for_access_code",
            {"access_code": access_code, **_SUBJECT},
            wanted=201,
        )
        asked = {"access_code": access_code, "assessment_id_list": [made["assessment_id"]]}

        async def ready() -> dict[str, Any] | None:
            found = await self._post("check_assessment_list_for_access_code", asked)
            return found[0] if found[0]["status"] != "pending" else None

        return await self._until(ready, "the assessment")

    async def _post(self, path: str, body: dict[str, Any], *, wanted: int = 200) -> Any:  # noqa: ANN401
        answer = await self._http.post(f"/api/{path}", json=body)
        if answer.status_code != wanted:
            raise DemoFailed(f"POST /api/{path} answered {answer.status_code}: {answer.text}")
        return answer.json()

    async def _until(self, ask: Callable[[], Any], what: str) -> dict[str, Any]:
        """Ask again and again, showing what for, until there is an answer."""
        try:
            with self._console.status(f"waiting for {what}"):
                async with asyncio.timeout(_PATIENCE_SECONDS):
                    while True:
                        answer: dict[str, Any] | None = await ask()
                        if answer is not None:
                            return answer
                        await asyncio.sleep(_ASK_EVERY_SECONDS)
        except TimeoutError:
            raise DemoFailed(f"waited {_PATIENCE_SECONDS:g} s in vain for {what}") from None

    def _complain(self, reason: str) -> None:
        self._console.print(reason, style="red", markup=False, soft_wrap=True)

    def _say(self, step: str, came_back: str) -> None:
        self._console.print(f"{step:>12}  {came_back}", markup=False, soft_wrap=True)


def _payment_lines(payment: dict[str, Any], coin: Coin) -> list[tuple[str, str]]:
    """Say where to pay while nothing has arrived, and in bitcoin what has arrived since."""
    if payment.get("pay_to") is not None and Decimal(payment["amount_received"] or 0) == 0:
        amount = f"{payment['amount_remaining']} {coin} to {payment['pay_to']}"
        uri = [("or open", payment["uri"])] if coin is Coin.BTC else []
        return [("pay", amount), *uri]
    received = payment.get("amount_received")
    if received is None:  # in AEON, nobody says it
        return []
    confirmed = f"{payment['confirmations_seen']} of {payment['confirmations_wanted']}"
    return [("received", f"{received} {coin}, confirmations {confirmed}")]


def _described(assessment: dict[str, Any]) -> str:
    answer = assessment["answer"] or {}
    return (
        f"{assessment['assessment_id']} is {assessment['status']}:"
        f" risk {answer.get('risk_score')}, {assessment['summary']}"
    )


def demo(
    url: Annotated[str, typer.Option(help="the server")] = "http://127.0.0.1:8000",
    coin: Annotated[Coin, typer.Option(help="what to pay in", case_sensitive=False)] = Coin.AEON,
) -> None:
    """Buy credits and spend one, step by step, against a running server."""
    outcome = run(lambda: Journey(url, Console(highlight=False), coin).perform())
    if outcome is None:
        raise typer.Exit(1)
