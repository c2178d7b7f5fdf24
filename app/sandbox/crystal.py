"""A stand-in for Crystal's Expert API: two of its endpoints, in the shapes of known answers.

Shapes: `golden/crystal_*.json`, typed from what is publicly known of the API. Crystal's own error
numbers are not known: ours are the HTTP status.
"""

import hashlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, cast
from urllib.parse import parse_qsl

from fastapi import FastAPI, Request
from starlette.responses import Response

from app.sandbox import exact_json
from app.sandbox.answers import Answer, render
from app.sandbox.spoiling import play
from app.sandbox.vendors import CrystalEndpoint, Transfer, Vendor
from app.sandbox.world import World

CRYSTAL_PATH: Final = "/crystal/"
WRONG_KEY: Final = "wrong"  # the one key that is refused
_GOLDEN: Final = Path(__file__).parent / "golden"
_CURRENCIES: Final = frozenset({"bch", "btc", "eth", "ltc"})
_ORDERS: Final = frozenset({"amount", "fiat", "time", "created_at", "updated_at", "riskscore"})
_MOST_LISTED: Final = 20_000
_FIRST_NUMBER: Final = 1010
_OF_A_READY_ONE: Final = ("riskscore", "signals", "alert_grade", "risky_volume")

_Members = dict[str, object]


def _golden(name: str) -> _Members:
    return cast("_Members", exact_json.read((_GOLDEN / f"crystal_{name}.json").read_bytes()))


_ADDRESS: Final = _golden("address")
_TRANSACTION: Final = _golden("transaction")
_META: Final = _golden("meta")


class _Refusal(Exception):
    def __init__(self, status: int, text: str, faults: _Members | None = None) -> None:
        super().__init__(text)
        self.status = status
        self.faults = faults


def _meta(world: World, **values: object) -> _Members:
    crystal = world.vendors.crystal
    counts = {"calls_left": crystal.calls_left, "calls_used": crystal.calls_used}
    return {**_META, **counts, "server_time": int(world.now().timestamp()), **values}


def _add(world: World, body: _Members) -> _Members:
    crystal = world.vendors.crystal
    if not crystal.calls_left:
        raise _Refusal(403, "no calls left")
    if crystal.refuse is not None:
        raise _Refusal(crystal.refuse, "refused")
    faults = {name: "required" for name in _needed(body) if not body.get(name)}
    if body.get("direction") not in ("deposit", "withdrawal"):
        faults["direction"] = "deposit or withdrawal"
    if body.get("currency") not in _CURRENCIES:
        faults["currency"] = "unknown"
    if faults:
        raise _Refusal(400, "validation failed", dict(faults))
    members = _transfer(world, body)
    crystal.transfers.append(Transfer(members, crystal.pending_looks))
    crystal.calls_left -= 1
    crystal.calls_used += 1
    return {"data": _shown(crystal.transfers[-1]), "meta": _meta(world)}


def _needed(body: _Members) -> list[str]:
    needed = ["direction", "address", "name", "currency"]
    return [*needed, "tx"] if body.get("direction") == "deposit" else needed


def _transfer(world: World, body: _Members) -> _Members:
    crystal = world.vendors.crystal
    number = len(crystal.transfers) + _FIRST_NUMBER
    now = int(world.now().timestamp())
    name = str(body["name"])
    values: _Members = {
        "id": number if crystal.numbered else _digest(f"transfer {number}", 7),
        "address": body["address"],
        "counterparty": {"address": body["address"]},
        "currency": body["currency"],
        "customer": {"name": name, "token": _digest(f"customer {name}", 16)},
        "direction": body["direction"],
        "token_id": int(str(body.get("token_id") or 0)),
        **dict.fromkeys(("changed_at", "created_at", "snapshoted_at", "updated_at"), now),
    }
    shape = _ADDRESS
    if body["direction"] == "deposit":
        shape = _TRANSACTION
        values["tx"] = body["tx"]
    if crystal.signals is not None:
        values["signals"] = dict(crystal.signals)
        values["riskscore"] = crystal.riskscore
    return {**shape, **values}


def _digest(text: str, length: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:length]


def _shown(transfer: Transfer) -> _Members:
    if not transfer.pending_looks:
        return transfer.members
    return {**transfer.members, "status": "pending", **dict.fromkeys(_OF_A_READY_ONE)}


def _list(world: World, body: _Members) -> _Members:
    wanted = body.get("filter") or {}
    if not isinstance(wanted, dict) or set(wanted) - {"id"}:
        raise _Refusal(400, "validation failed", {"filter": "unknown"})
    order = str(body.get("order", "updated_at"))
    limit, offset = _count(body, "limit", 10), _count(body, "offset", 0)
    if order not in _ORDERS or not 1 <= limit <= _MOST_LISTED:
        raise _Refusal(400, "validation failed", {"order": "unknown", "limit": "1 to 20000"})
    found = [
        transfer
        for transfer in world.vendors.crystal.transfers
        if "id" not in wanted or str(transfer.members["id"]) == str(wanted["id"])
    ]
    if order in ("created_at", "updated_at") and body.get("direction", "desc") == "desc":
        found.reverse()
    page = found[offset : offset + limit]
    shown = [_shown(transfer) for transfer in page]
    for transfer in page:
        transfer.pending_looks = max(transfer.pending_looks - 1, 0)
    return {"data": shown, "meta": _meta(world)}


def _count(body: _Members, name: str, default: int) -> int:
    value = body.get(name, default)
    if not isinstance(value, int) or value < 0:
        raise _Refusal(400, "validation failed", {name: "a whole number"})
    return value


def _read_body(media_type: str, body: bytes) -> _Members:
    """Read a form or JSON, as Crystal does."""
    if media_type == "application/x-www-form-urlencoded":
        return dict(parse_qsl(body.decode("utf-8", "replace")))
    try:
        said = exact_json.read(body)
    except (ValueError, RecursionError):
        said = None
    if media_type != "application/json" or not isinstance(said, dict):
        raise _Refusal(400, "the body is neither a form nor JSON")
    return cast("_Members", said)


_Work = Callable[[World, _Members], _Members]
_PATHS: Final[tuple[tuple[str, CrystalEndpoint, _Work], ...]] = (
    ("monitor/tx/add", CrystalEndpoint.TX_ADD, _add),
    ("monitor/batch/txs", CrystalEndpoint.BATCH_TXS, _list),
)


def add_crystal(app: FastAPI, world: World) -> None:
    """Serve Crystal's endpoints."""
    for path, endpoint, work in _PATHS:
        app.add_route(f"{CRYSTAL_PATH}{path}", _handler(world, endpoint, work), methods=["POST"])


def _handler(
    world: World, endpoint: CrystalEndpoint, work: _Work
) -> Callable[[Request], Awaitable[Response]]:
    async def handle(request: Request) -> Response:
        world.stats.asked_vendor(Vendor.CRYSTAL, endpoint)
        fault = world.faults.draw(Vendor.CRYSTAL, endpoint)
        if fault is not None:
            world.stats.played(fault.kind)
        world.keep_stats()
        # Read even where it is of no use: closing a connection with unread bytes resets it.
        body = await request.body()
        if fault is not None and not fault.after:
            return await play(fault, None, world.clock)
        answer = _answer(world, work, request, body)
        return render(answer) if fault is None else await play(fault, answer, world.clock)

    return handle


def _check_key(request: Request) -> None:
    if request.headers.get("x-auth-apikey", WRONG_KEY) == WRONG_KEY:
        raise _Refusal(401, "unauthorized")


def _answer(world: World, work: _Work, request: Request, body: bytes) -> Answer:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        _check_key(request)
        return Answer(200, work(world, _read_body(media_type, body)))
    except _Refusal as refusal:
        said: _Members = {"error_code": refusal.status, "error_message": str(refusal)}
        if refusal.faults is not None:
            said["validation_errors"] = refusal.faults
        return Answer(refusal.status, {"data": None, "meta": _meta(world, **said)})
