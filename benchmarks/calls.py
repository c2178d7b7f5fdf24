"""The calls that are measured: what is sent, beside which ceiling, and the goals of each."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Any, Final

import httpx

from benchmarks.ceilings import HTTP_PATH
from benchmarks.load import Request
from benchmarks.world import PASSWORD, Caller, World, random_addresses

ASSAY: Final = "assay"
BARE: Final = "bare"
WRAPPED: Final = "wrapped"
C_HTTP: Final = "C_http"
C_READ: Final = "C_read"
C_WRITE: Final = "C_write"
HTTP_IN_MIDDLEWARE: Final = "C_http in all middleware"

_ASKING: Final = 100  # callers that have assessments
_ASKED_EACH: Final = 20
_BATCH: Final = 500
# Making one takes longer than anything else here: all calls ask about the same ones.
_ADDRESSES: Final = random_addresses(_BATCH, seed=2)
_BATCH_BODIES: Final = 20
ORDER: Final = {
    "number_of_credits": 10,
    "payment_coin": "Aeon",
    "payment_network": "AEON",
    "order_is_for_self": True,
}


@dataclass(frozen=True)
class Call:
    """One kind of request on one server; `ceiling` names the call that it is compared with.

    Goals: the least share of the ceiling's requests per second, and at most so many statements and
    round trips to PostgreSQL per call. A call without them is measured for information.
    """

    name: str
    server: str
    requests: Sequence[Request]
    ceiling: str | None = None
    least_share: float | None = None
    most_statements: int | None = None
    most_round_trips: int | None = None
    connections: int = 16
    least_seconds: float = 0.0  # of a load, for a call that takes long


@dataclass(frozen=True)
class Asked:
    """A caller, addresses that its access code asked about, and the ids of the assessments."""

    caller: Caller
    addresses: Sequence[str]
    assessment_ids: Sequence[str]


async def ask_before(base_url: str, world: World, *, callers: int = _ASKING) -> list[Asked]:
    """Let so many access codes buy assessments, so that there are some to ask about again."""
    async with httpx.AsyncClient(base_url=base_url, trust_env=False, timeout=60) as http:
        found = []
        for number, caller in enumerate(world.callers[:callers]):
            first = number * _ASKED_EACH % _BATCH
            addresses = _ADDRESSES[first : first + _ASKED_EACH]
            request = _batch(caller, addresses, fresh=False)
            answer = await http.post(
                request.path,
                content=request.body,
                headers={"X-API-KEY": request.key, "Content-Type": "application/json"},
            )
            answer.raise_for_status()
            ids = [one["assessment"]["assessment_id"] for one in answer.json()["outcomes"]]
            found.append(Asked(caller, addresses, ids))
    return found


def ceiling_calls(world: World) -> list[Call]:
    """Return the calls of the ceilings."""
    return [
        Call(C_HTTP, BARE, [Request("GET", HTTP_PATH)]),
        Call(HTTP_IN_MIDDLEWARE, WRAPPED, [Request("GET", HTTP_PATH)], ceiling=C_HTTP),
        Call(C_READ, BARE, _each_order("/read", world)),
        Call(C_WRITE, BARE, [_post("/write", one, ORDER) for one in world.callers]),
    ]


def assay_calls(world: World, asked: Sequence[Asked]) -> list[Call]:
    """Return the calls of Assay."""
    return [*_order_calls(world), *_account_calls(world), *_assessment_calls(world, asked)]


def _order_calls(world: World) -> list[Call]:
    callers = world.callers
    return [
        Call(
            "check_order_status",
            ASSAY,
            _each_order("/api/check_order_status", world),
            ceiling=C_READ,
            least_share=0.80,
            most_statements=1,
            most_round_trips=1,
        ),
        Call(
            "new_order",
            ASSAY,
            [_post("/api/new_order", one, ORDER) for one in callers],
            ceiling=C_WRITE,
            least_share=0.70,
            most_round_trips=2,
        ),
        Call("GET orders, a page", ASSAY, [_get("/api/orders", one) for one in callers], C_READ),
    ]


def _account_calls(world: World) -> list[Call]:
    codes = [
        _post("/api/check_access_code_status", one, {"access_code": one.access_code})
        for one in world.callers
    ]
    logins = [
        Request("POST", "/api/login", body=json.dumps({"email": one.email, "password": PASSWORD}))
        for one in world.callers
    ]
    return [
        Call(
            "check_self_status",
            ASSAY,
            [_get("/api/check_self_status", one) for one in world.callers],
            ceiling=C_READ,
            least_share=0.75,
            most_statements=1,
            most_round_trips=1,
        ),
        Call(
            "check_access_code_status",
            ASSAY,
            codes,
            ceiling=C_READ,
            least_share=0.75,
            most_statements=1,
            most_round_trips=1,
        ),
        Call("login", ASSAY, logins, least_seconds=4.0),
    ]


def _assessment_calls(world: World, asked: Sequence[Asked]) -> list[Call]:
    path = "/api/create_new_assessment_for_access_code"
    repeated = [
        _post(path, one.caller, {"access_code": one.caller.access_code, **_question(address)})
        for number in range(_ASKED_EACH)
        for one in asked
        for address in one.addresses[number : number + 1]
    ]
    fresh = [
        _post(
            path,
            one,
            {"access_code": one.access_code, **_question(address), "fresh": True},
        )
        for one, address in zip(world.callers, cycle(_ADDRESSES), strict=False)
    ]
    shown = [
        _post(
            "/api/check_assessment_list_for_access_code",
            one.caller,
            {"access_code": one.caller.access_code, "assessment_id_list": list(one.assessment_ids)},
        )
        for one in asked
    ]
    return [
        Call("assessment, repeated", ASSAY, repeated, C_WRITE, 0.5, most_round_trips=3),
        Call("assessment, fresh", ASSAY, fresh, C_WRITE, 0.3, most_round_trips=5),
        Call("check_assessment_list, 20 ids", ASSAY, shown, C_READ),
        Call(
            "GET assessments, a page",
            ASSAY,
            [Request("GET", "/api/assessments", one.caller.code_api_key) for one in asked],
            C_READ,
        ),
        Call("batch of 500, fresh", ASSAY, _batches(world), connections=1, least_seconds=5.0),
    ]


def _each_order(path: str, world: World) -> list[Request]:
    return [_post(path, caller, {"order_id": order_id}) for caller, order_id in world.orders]


def _batches(world: World) -> list[Request]:
    return [_batch(caller, _ADDRESSES, fresh=True) for caller in world.callers[-_BATCH_BODIES:]]


def _batch(caller: Caller, addresses: Sequence[str], *, fresh: bool) -> Request:
    questions = [{**_question(address), "fresh": fresh} for address in addresses]
    body = {"access_code": caller.access_code, "questions": questions}
    return _post("/api/create_new_assessments_for_access_code", caller, body)


def _question(address: str) -> dict[str, Any]:
    return {"assessment_type": "address", "address": address, "currency": "BTC"}


def _post(path: str, caller: Caller, body: dict[str, Any]) -> Request:
    return Request("POST", path, caller.api_key, json.dumps(body))


def _get(path: str, caller: Caller) -> Request:
    return Request("GET", path, caller.api_key)


async def answer_once(base_url: str, calls: Sequence[Call]) -> None:
    """Send the first request of each call once. Raises httpx.HTTPStatusError unless it succeeds."""
    async with httpx.AsyncClient(base_url=base_url, trust_env=False, timeout=60) as http:
        for call in calls:
            (await send(http, call.requests[0])).raise_for_status()


async def send(http: httpx.AsyncClient, request: Request) -> httpx.Response:
    """Send one request."""
    headers = {"X-API-KEY": request.key} if request.key else {}
    if request.body:
        headers["Content-Type"] = "application/json"
    return await http.request(
        request.method, request.path, content=request.body or None, headers=headers
    )
