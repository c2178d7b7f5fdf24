"""Hostile requests: each is refused as documented, repeats nothing, and changes nothing.

10,000 of them with `--all`; else 1,000, the first ones of each operation.
"""

import dataclasses
import json
import math
import random
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import pytest
from fastapi import FastAPI
from sqlalchemy import event, text
from structlog.testing import capture_logs

import app.tables  # noqa: F401  registers the tables
from app.accounts import users
from app.main import create_app
from app.runtime import security
from app.runtime.db.base import Base
from app.runtime.db.engine import Database, create_database
from app.settings import Settings
from tests.conformance.asgi import Header, HttpAnswer, HttpRequest, send
from tests.conformance.hostility import (
    CANARY,
    JSON_TYPE,
    NEVER_ACCEPTED,
    NUMBERS,
    Attack,
    Attacker,
    Operation,
    operations_of,
)
from tests.support.application import Application, open_application
from tests.support.databases import Template
from tests.support.people import PASSWORD, Person, make_access_code, make_key, make_user
from tests.support.server import learn_parameters

_TOTAL, _TOTAL_OF_EVERYTHING = 1_000, 10_000
_OPERATION_IDS: Final = sorted(
    operation.operation_id for operation in operations_of(create_app(Settings()).openapi(), {})
)

# Rows that each success adds. Whatever else a table gains or loses came from a refused request.
_ROWS: Final[Mapping[str, Mapping[str, int]]] = {
    "newOrder": {"orders": 1, "order_events": 1, "events": 1},
    "register": {"accounts": 1, "users": 1, "audit_log": 1},
    "login": {"sessions": 1},
    "logout": {"sessions": -1},
    "createAccessCode": {"accounts": 1, "access_codes": 1, "audit_log": 1, "events": 1},
    "createApiKey": {"api_keys": 1, "audit_log": 1, "events": 1},
    "createWebhookEndpoint": {"webhook_endpoints": 1, "audit_log": 1},
}
_ORDER: Final = {
    "number_of_credits": 10,
    "payment_coin": "Aeon",
    "payment_network": "AEON",
    "order_is_for_self": True,
}
_DISGUISES: Final[Mapping[str, Callable[[str], str]]] = {
    "another case": str.swapcase,
    "full-width": lambda code: chr(ord(code[0]) + 0xFEE0) + code[1:],
    "combining": lambda code: f"{code[0]}\u0300{code[1:]}",
    "zero width": lambda code: f"{code[0]}\u200b{code[1:]}",
    "right to left": lambda code: f"\u202e{code[::-1]}",
    "blank before": lambda code: f" {code}",
    "blank after": lambda code: f"{code} ",
    "line feed": lambda code: f"{code}\n",
    "wildcard": lambda code: f"{code[:-1]}%",
    "quote": lambda code: f"{code}' OR '1'='1",
    "longer": lambda code: f"{code}0",
    "shorter": lambda code: code[:-1],
}
_GOOD_CALLERS: Final = ("user", "session", "access code")
# What a stranger learns: its headers are refused, it is not known, it tried that too often.
_TO_A_STRANGER: Final = frozenset({403, 413, 415, 429})
# So many that some run into a throttle, and most do not.
_ADDRESSES: Final = 100
# Refused requests are counted here: that is what it is for.
_COUNTS_REFUSALS: Final = "failed_attempts"
# As many rows as there are streams that show an event.
_SHOWS_EVENTS: Final = "account_events"


@dataclass(frozen=True)
class Target:
    """An application, and callers of every kind: none has a credit, so none can spend one."""

    application: Application
    callers: Mapping[str, list[Header]]
    known: Mapping[str, Any]

    @property
    def app(self) -> FastAPI:
        """The ASGI application."""
        return self.application.app

    async def rows(self) -> dict[str, tuple[int, str]]:
        """Return the number of rows of each table, and a digest of them."""
        counted = {}
        async with self.application.database.reading() as connection:
            for name in Base.metadata.tables.keys() - {_COUNTS_REFUSALS, _SHOWS_EVENTS}:
                digest = f"md5(string_agg(t::text, '' ORDER BY t::text)) FROM {name} t"
                row = (await connection.execute(text(f"SELECT count(*), {digest}"))).one()
                counted[name] = (row[0], row[1])
        return counted


def _key(text: str | bytes) -> list[Header]:
    return [(b"x-api-key", text if isinstance(text, bytes) else text.encode())]


async def _callers(database: Database, application: Application) -> dict[str, list[Header]]:
    now = application.clock.now()
    user = await make_user(database, now)
    code = await make_access_code(database, user, now)
    unbound = await make_key(database, None, now)
    login = await users.login(database, email=str(user.email), password=PASSWORD, now=now)
    return {
        "user": _key(user.api_key),
        "session": [(b"authorization", f"Bearer {login.session_token}".encode())],
        "access code": _key(code.api_key),
        "nobody": [],
        "unbound key": _key(unbound),
        **{name: _key(value) for name, value in _bad_keys(user).items()},
        "two keys": _key(user.api_key) + _key(user.api_key),
        "key as bearer": [(b"authorization", f"Bearer {user.api_key}".encode())],
    }


def _bad_keys(user: Person) -> dict[str, str | bytes]:
    key = user.api_key
    prefix, secret = key.split("_")[1], "0" * 32
    return {
        "empty key": "",
        "10 kB key": "k" * 10_000,
        "key of a byte": b"\xe9",
        "key and a byte": key.encode() + b"\xff",
        "key and a blank": f"{key} ",
        "key in small letters": key.lower(),
        "key with a wrong checksum": key[:-1] + ("0" if key[-1] != "0" else "1"),
        "key cut short": key[:-7],
        "key of nobody": security.new_api_key().text,
        "key of another secret": f"assay_{prefix}_{secret}{security._key_checksum(prefix, secret)}",
    }


@pytest.fixture(scope="module")
async def target(template: Template) -> AsyncIterator[Target]:
    """One application for the whole module."""
    async with template.copy() as url:
        database = create_database(url)
        async with open_application(database) as application:
            await learn_parameters(database, application.clock.now())
            callers = await _callers(database, application)
            yield Target(application, callers, await _known(application, callers["user"]))
        await database.dispose()


async def _known(application: Application, user: list[Header]) -> dict[str, Any]:
    http = application.http
    headers = {name.decode(): value.decode() for name, value in user}
    code = (await http.get("/api/access_codes", headers=headers)).json()["items"][0]["access_code"]
    ordered = await http.post("/api/new_order", json=_ORDER, headers=headers)
    return {
        "access_code": code,
        "order_id": ordered.json()["order_id"],
        "password": "not the password",
    }


@pytest.mark.parametrize("operation_id", _OPERATION_IDS)
async def test_hostile_requests_are_refused_as_documented_and_change_nothing(
    target: Target, operation_id: str, caplog: pytest.LogCaptureFixture, everything: bool
) -> None:
    total = _TOTAL_OF_EVERYTHING if everything else _TOTAL
    count = math.ceil(total / len(_OPERATION_IDS))
    operations = {
        each.operation_id: each for each in operations_of(target.app.openapi(), target.known)
    }
    operation = operations[operation_id]
    attacker = Attacker(operation, _path_parameter(operation, target))
    chance = random.Random(f"caller of {operation_id}")  # noqa: S311  it must replay
    successes = 0
    before = await target.rows()

    with capture_logs() as logs:
        for number in range(count):
            attack = _as_somebody(attacker.attack(), target, chance)
            answer = await send(target.app, attack.request)
            problem = _what_is_wrong(attack, answer, operation, operations)
            assert problem is None, f"attack {number}, {attack.kind} by {attack.caller}: {problem}"
            successes += answer.status < 300 and not attack.elsewhere

    assert _unexplained(before, await target.rows(), operation_id, successes) == {}
    assert [entry for entry in logs if entry["log_level"] not in ("info", "debug")] == []
    assert [entry for entry in logs if CANARY in repr(entry)] == []
    assert caplog.records == []
    assert len(logs) == count  # one line for each request, and no traceback


@pytest.mark.parametrize("number", [*NUMBERS, "10001"], ids=range(len(NUMBERS) + 1))
async def test_nothing_but_a_whole_number_in_range_buys_credits(
    target: Target, number: str
) -> None:
    body = json.dumps(_ORDER | {"number_of_credits": 7}).replace("7", number, 1)
    answer = await _post(target, "/api/new_order", body.encode("utf-8"), target.callers["user"])

    assert answer.status == 400
    assert answer.json()["code"] in {"malformed_body", "missing_parameter", "invalid_parameter"}


async def test_the_most_credits_of_one_order_can_be_bought(target: Target) -> None:
    body = json.dumps(_ORDER | {"number_of_credits": 10_000}).encode()
    answer = await _post(target, "/api/new_order", body, target.callers["user"])

    assert answer.status == 201


@pytest.mark.parametrize("disguise", _DISGUISES)
async def test_a_look_alike_of_an_access_code_is_not_that_code(
    target: Target, disguise: str
) -> None:
    database, now = target.application.database, target.application.clock.now()
    issuer = await make_user(database, now)  # one that has not guessed yet
    code = await make_access_code(database, issuer, now)
    body = json.dumps({"access_code": _DISGUISES[disguise](str(code.access_code))}).encode()
    answer = await _post(target, "/api/check_access_code_status", body, _key(issuer.api_key))

    assert answer.status == 400
    assert answer.json()["code"] in {"access_code_not_found", "invalid_parameter"}


async def test_every_bad_key_is_refused_in_the_same_words(target: Target) -> None:
    answers = {
        name: await _post(target, "/api/new_order", b"{}", headers)
        for name, headers in target.callers.items()
        if name.endswith("key") or name.startswith(("key", "two"))
    }
    del answers["unbound key"], answers["key as bearer"]

    assert len(answers) == 11
    assert {answer.status for answer in answers.values()} == {403}
    assert {answer.json()["detail"] for answer in answers.values()} == {"Invalid API key."}
    assert {len(answer.body) for answer in answers.values()} == {len(answers["empty key"].body)}
    assert len({tuple(sorted(answer.headers)) for answer in answers.values()}) == 1


async def test_a_key_of_the_wrong_form_costs_no_query(target: Target) -> None:
    lent: list[object] = []

    def note(*checkout: object) -> None:
        lent.append(checkout)

    pool = target.application.database.engine.sync_engine.pool
    event.listen(pool, "checkout", note)
    for name in ("empty key", "key of a byte", "key with a wrong checksum", "key cut short"):
        await _post(target, "/api/check_access_code_status", b"{}", target.callers[name])
    event.remove(pool, "checkout", note)

    assert lent == []


async def _post(target: Target, path: str, body: bytes, headers: list[Header]) -> HttpAnswer:
    return await send(target.app, HttpRequest("POST", path, b"", [*headers, JSON_TYPE], [body]))


def _path_parameter(operation: Operation, target: Target) -> str:
    """Return a code that exists where that changes nothing, for nobody here has credits to move."""
    if operation.operation_id == "moveCreditsToAccessCode":
        return str(target.known["access_code"])
    return "Unknown1"


def _as_somebody(attack: Attack, target: Target, chance: random.Random) -> Attack:
    good = chance.random() < 0.6  # the others get no further than 403
    name = chance.choice(_GOOD_CALLERS if good else tuple(target.callers))
    attack.request.address = f"10.0.0.{chance.randrange(_ADDRESSES)}"
    attack.request.headers = [*target.callers[name], *attack.request.headers]
    return dataclasses.replace(attack, caller=name)


def _what_is_wrong(
    attack: Attack, answer: HttpAnswer, operation: Operation, operations: Mapping[str, Operation]
) -> str | None:
    """Say what is undocumented about an answer; None: nothing."""
    request = attack.request
    allowed = set(operation.statuses)
    if attack.elsewhere:
        neighbours = (each for each in operations.values() if each.path == operation.path)
        allowed = {404, 405}.union(*(each.statuses for each in neighbours))
    if answer.status not in allowed:
        return f"{answer.status} is not documented: {_shown(request)}"
    if answer.status < 400:
        if not operation.public and attack.caller not in _GOOD_CALLERS:
            return f"let in: {_shown(request)}"
        if attack.kind in NEVER_ACCEPTED:
            return f"accepted: {_shown(request)}"
        return None
    if not (operation.public or attack.elsewhere or attack.caller in _GOOD_CALLERS) and (
        answer.status not in _TO_A_STRANGER
    ):
        return f"told a stranger more than it may know: {answer.body!r}"
    return _malformed(answer, has_body=request.method != "HEAD")


def _malformed(answer: HttpAnswer, *, has_body: bool) -> str | None:
    """Say what is wrong with an error; one to HEAD has no body (RFC 9110, 9.3.2)."""
    if answer.headers["content-type"] != "application/json":
        return f"the error is {answer.headers['content-type']}"
    if not has_body:
        return _malformed_without_body(answer)
    body = answer.json()
    if body.keys() != {"detail", "code", "request_id"} or not all(
        isinstance(value, str) and value for value in body.values()
    ):
        return f"the error has another shape: {body}"
    if body["request_id"] != answer.headers["x-request-id"]:
        return "the request id differs"
    if CANARY.lower() in f"{answer.body!r}{answer.headers}".lower():
        return f"it repeats what was sent: {answer.body!r}"
    return None


def _malformed_without_body(answer: HttpAnswer) -> str | None:
    if answer.body:
        return f"an answer to HEAD has a body: {answer.body!r}"
    if not answer.headers["x-request-id"]:
        return "there is no request id"
    if CANARY.lower() in f"{answer.headers}".lower():
        return f"it repeats what was sent: {answer.headers}"
    return None


def _shown(request: HttpRequest) -> str:
    return repr(request)[:3000]


def _unexplained(
    before: Mapping[str, tuple[int, str]],
    after: Mapping[str, tuple[int, str]],
    operation_id: str,
    successes: int,
) -> dict[str, tuple[object, object]]:
    """Return what changed in the tables beyond what the successes did."""
    rows = _ROWS.get(operation_id, {})
    found: dict[str, tuple[object, object]] = {}
    for name, (count, digest) in before.items():
        expected = count + successes * rows.get(name, 0)
        if after[name][0] != expected:
            found[name] = (expected, after[name][0])
        elif name not in rows and after[name][1] != digest:
            found[name] = (digest, after[name][1])
    return found
