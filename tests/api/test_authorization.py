"""Every caller at every endpoint, by every way in: the table of `authorization.py`, executed."""

from typing import Any, Final

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from tests.api import problems
from tests.api.asking import Problem, anonymised, read, refusal
from tests.api.authorization import (
    CELLS,
    KNOWN,
    MARKS,
    OPEN,
    OPERATIONS,
    REFUSED,
    Cell,
    Mark,
    mark_of,
)
from tests.api.conftest import ApiFixture, as_at_first
from tests.api.world import (
    ABSENT,
    ABSENT_ASSESSMENT,
    ABSENT_CODE,
    ABSENT_ORDER,
    ABSENT_PREFIX,
    ABSENT_WEBHOOK_DELIVERY,
    ABSENT_WEBHOOK_ENDPOINT,
    ADDRESS,
    Things,
    World,
    populate,
)
from tests.support.application import Application
from tests.support.cases import all_cases
from tests.support.people import PASSWORD

# The endpoints whose text for missing credentials, or for a code, is their own.
ORDERING: Final = ("POST /api/new_order", "POST /api/check_order_status")
ABOUT_ORDERS: Final = (
    "POST /api/check_order_status",
    "POST /api/orders/{order_id}/cancel",
    "POST /api/orders/{order_id}/payment_page",
)
CREATED: Final = frozenset(
    {
        "POST /api/new_order",
        "POST /api/orders/{order_id}/payment_page",
        "POST /api/create_new_assessment_for_access_code",
        "POST /api/create_new_assessment",
        "POST /api/create_new_assessments_for_access_code",
        "POST /api/access_codes",
        "POST /api/api_keys",
        "POST /api/webhook_endpoints",
        "POST /api/webhook_endpoints/{webhook_endpoint_id}/test",
    }
)
EMPTY: Final = frozenset({"POST /api/logout", "POST /api/change_password"})
REFUSALS: Final = {
    "invalid key": problems.INVALID_API_KEY,
    "nobody's key": problems.USER_NOT_IDENTIFIED,
}
# What a refused call must leave as it was.
COUNTS: Final = """
    SELECT (SELECT count(*) FROM orders), (SELECT count(*) FROM order_events),
        (SELECT count(*) FROM assessments), (SELECT count(*) FROM ledger_entries),
        (SELECT count(*) FROM access_codes), (SELECT count(*) FROM api_keys),
        (SELECT count(*) FROM api_keys WHERE revoked_at IS NOT NULL),
        (SELECT count(*) FROM accounts WHERE status = 'inactive'),
        (SELECT count(*) FROM sessions), (SELECT count(*) FROM payment_pages), (SELECT count(*) FROM audit_log)
"""


@pytest.fixture(scope="module")
async def world(running: Application, api: ApiFixture) -> World:
    """Everybody and everything that the table speaks of."""
    return await populate(running, api)


@pytest.fixture(scope="module")
async def untouched(running: Application, world: World) -> list[tuple[int, ...]]:
    """How many things there are before a test does anything."""
    return await read(running, COUNTS)


# By the end of the path: bodies that are about nobody's things.
PLAIN_BODIES: Final[dict[str, dict[str, Any]]] = {
    "check_price": {"number_of_credits": 10},
    "credits": {"credits": 1},
    "webhook_endpoints": {"url": "https://shop.example.com/hooks"},
    "redeliver": {"from_sequence": 1},
}


def _body(cell: Cell, things: Things) -> dict[str, Any]:
    """Return a body that is in order."""
    question = {"assessment_type": "address", "address": ADDRESS, "currency": "BTC"}
    match cell.operation.rpartition("/")[2]:
        case "new_order":
            coin = {"number_of_credits": 10, "payment_coin": "Aeon", "payment_network": "AEON"}
            if cell.about == "self":
                return {**coin, "order_is_for_self": True}
            return {**coin, "order_is_for_self": False, "access_code": things.access_code}
        case "check_order_status":
            return {"order_id": things.order_id}
        case "check_access_code_status":
            return {"access_code": things.access_code}
        case "check_assessment_list_for_access_code":
            ids = [things.assessment_id]
            return {"access_code": things.access_code, "assessment_id_list": ids}
        case "create_new_assessment_for_access_code" | "create_new_assessments_for_access_code":
            return {"access_code": things.access_code, **question, "questions": [question]}
        case "create_new_assessment":
            return question
        case "api_keys" if cell.about != "self":
            return {"access_code": things.access_code}
        case "change_password":
            return {"password": PASSWORD, "new_password": PASSWORD}
        case last:
            return PLAIN_BODIES.get(last, {})


async def _call(
    application: Application, world: World, cell: Cell, caller: str, things: Things
) -> httpx.Response:
    method, path = cell.operation.split(" ")
    body = _body(cell, things)
    if cell.operation == "POST /api/check_order_status" and "code" in caller:
        body["access_code"] = world.things(caller, "C").access_code
    return await application.http.request(
        method,
        path.format(
            access_code=things.access_code,
            order_id=things.order_id,
            assessment_id=things.assessment_id,
            prefix=things.key_prefix,
            webhook_endpoint_id=things.webhook_endpoint_id,
            webhook_delivery_id=things.webhook_delivery_id,
        ),
        json=body if method in ("POST", "PATCH") else None,
        headers=world.headers[caller],
        params={**world.query.get(caller, {}), **_query(cell, things)},
    )


def _query(cell: Cell, things: Things) -> dict[str, str]:
    """Return what a cell of a list asks for."""
    lists = (
        "GET /api/ledger",
        "GET /api/events",
        "GET /api/events/stream",
        "GET /api/orders",
        "GET /api/assessments",
        "GET /api/api_keys",
    )
    listed = cell.operation.removesuffix("/export") in lists
    filtered = listed and cell.about != "self"
    return {"access_code": things.access_code} if filtered else {}


def _expected(cell: Cell, mark: Mark) -> Problem:
    """Return the refusal that a mark stands for at an endpoint."""
    match mark:
        case Mark.BUYER_ONLY:
            return problems.BUYER_ONLY
        case Mark.USERS_ONLY:
            return problems.USERS_ONLY
        case Mark.NOT_ITS_KEY:
            return problems.ROTATION_NOT_ALLOWED
        case Mark.LOG_IN:
            return problems.LOG_IN_TO_ORDER if cell.operation in ORDERING else problems.LOG_IN
        case Mark.OPEN:
            return problems.missing("email")
        case Mark.NO_CODE if cell.operation == "POST /api/new_order":
            return problems.INVALID_ACCESS_CODE
        case Mark.ABSENT if cell.operation == "GET /api/orders/{order_id}":
            return problems.ORDER_NOT_FOUND
        case Mark.ABSENT if cell.operation in ABOUT_ORDERS:
            return problems.INVALID_ORDER_ID
        case Mark.ABSENT if "{prefix}" in cell.operation:
            return problems.API_KEY_NOT_FOUND
        case Mark.ABSENT if "{webhook_endpoint_id}" in cell.operation:
            return problems.WEBHOOK_ENDPOINT_NOT_FOUND
        case Mark.ABSENT if "{assessment_id}" in cell.operation:
            return problems.ASSESSMENT_NOT_FOUND
        case _:
            return problems.ACCESS_CODE_NOT_FOUND


def _success(cell: Cell) -> int:
    if cell.operation in EMPTY:
        return 204
    created = cell.operation in CREATED
    return 201 if created else 200


def _calls_of(operation: str, *, allowed: bool) -> list[tuple[Cell, str]]:
    """Return the calls of known callers that are done, or those that are refused."""
    return [
        (cell, caller)
        for cell in CELLS
        for caller in KNOWN
        if cell.operation == operation
        and (mark_of(cell, caller) in (Mark.OK, Mark.INACTIVE)) == allowed
    ]


ALLOWED_TO_KNOWN: Final = [one for one in OPERATIONS if _calls_of(one, allowed=True)]
REFUSED_TO_KNOWN: Final = [one for one in OPERATIONS if _calls_of(one, allowed=False)]


@pytest.mark.parametrize("operation", ALLOWED_TO_KNOWN)
async def test_a_known_caller_does_what_the_table_allows(
    outer: AsyncConnection, running: Application, world: World, operation: str
) -> None:
    with all_cases() as cases:
        for cell, caller in _calls_of(operation, allowed=True):
            with cases.case(*cell, caller):
                async with as_at_first(outer, running) as application:
                    things = world.things(caller, cell.about)
                    answer = await _call(application, world, cell, caller, things)
                assert answer.status_code == _success(cell), answer.text
                is_json = answer.headers.get("Content-Type") == "application/json"
                told = answer.json() if is_json else []
                inactive = isinstance(told, dict) and told.get("status") == "Inactive"
                assert inactive == (mark_of(cell, caller) is Mark.INACTIVE)


@pytest.mark.parametrize("operation", REFUSED_TO_KNOWN)
async def test_a_known_caller_is_refused_what_the_table_does_not_allow(
    application: Application, world: World, untouched: object, operation: str
) -> None:
    with all_cases() as cases:
        for cell, caller in _calls_of(operation, allowed=False):
            with cases.case(*cell, caller):
                await _is_refused(application, world, cell, caller)
    assert await read(application, COUNTS) == untouched


async def _is_refused(application: Application, world: World, cell: Cell, caller: str) -> None:
    mark = mark_of(cell, caller)
    answer = await _call(application, world, cell, caller, world.things(caller, cell.about))
    assert refusal(answer) == _expected(cell, mark)
    if mark is Mark.ABSENT:
        of_nothing = await _call(application, world, cell, caller, ABSENT)
        assert anonymised(answer) == anonymised(of_nothing)
        assert _comparable(answer) == _comparable(of_nothing)


def _comparable(answer: httpx.Response) -> tuple[int, list[tuple[str, str]]]:
    return answer.status_code, [
        header for header in answer.headers.items() if header[0] != "x-request-id"
    ]


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_a_caller_that_is_not_known_is_refused_before_the_body_is_judged(
    application: Application, world: World, untouched: object, operation: str
) -> None:
    with all_cases() as cases:
        for caller in REFUSED:
            with cases.case(caller):
                await _is_not_known(application, world, Cell(operation, "self"), caller)
    assert await read(application, COUNTS) == untouched


async def _is_not_known(application: Application, world: World, cell: Cell, caller: str) -> None:
    operation = cell.operation
    method, path = operation.split(" ")
    answer = await application.http.request(
        method,
        path.format(
            access_code=ABSENT_CODE,
            order_id=ABSENT_ORDER,
            assessment_id=ABSENT_ASSESSMENT,
            prefix=ABSENT_PREFIX,
            webhook_endpoint_id=ABSENT_WEBHOOK_ENDPOINT,
            webhook_delivery_id=ABSENT_WEBHOOK_DELIVERY,
        ),
        content=b"{}" if operation in OPEN else b"not JSON",
        headers={"Content-Type": "application/json", **world.headers[caller]},
        params=world.query.get(caller, {}),
    )

    mark = Mark.OPEN if operation in OPEN else Mark.LOG_IN
    expected = _expected(cell, mark)
    if mark is Mark.LOG_IN:
        expected = REFUSALS.get(REFUSED[caller], expected)
    assert refusal(answer) == expected


@pytest.mark.parametrize("caller", ["code by key", "expired code by key"])
@pytest.mark.parametrize(
    ("access_code", "expected"),
    [
        (None, problems.missing("access_code")),
        ("", problems.missing("access_code")),
        (ABSENT_CODE, problems.ACCESS_CODE_MISMATCH),
        (7, problems.ACCESS_CODE_MISMATCH),
    ],
)
async def test_a_code_must_name_itself_to_see_an_order(
    application: Application, world: World, caller: str, access_code: object, expected: Problem
) -> None:
    order_id = world.things(caller, "C").order_id
    answer = await application.http.post(
        "/api/check_order_status",
        json={"order_id": order_id, "access_code": access_code},
        headers=world.headers[caller],
    )

    assert refusal(answer) == expected


@pytest.mark.parametrize("caller", KNOWN)
async def test_self_status_is_of_the_account_that_the_credentials_stand_for(
    application: Application, world: World, api: ApiFixture, caller: str
) -> None:
    answer = await application.http.get("/api/check_self_status", headers=world.headers[caller])

    is_code = "code" in caller
    assert answer.json()["type"] == ("AccessCode" if is_code else "User")
    if is_code:
        assert answer.json()["access_code"] == world.things(caller, "C").access_code
    else:
        person = api.user if "issuer" in caller else api.stranger
        assert answer.json()["id"] == person.account_id


def test_every_operation_has_its_rows(running: Application) -> None:
    offered = {
        f"{method.upper()} {path}"
        for path, methods in running.app.openapi()["paths"].items()
        for method in methods
        if path.startswith("/api/")
    }

    assert offered == set(OPERATIONS)


def test_the_table_is_whole() -> None:
    assert len(OPERATIONS) == 47
    assert len(CELLS) == 96
    assert len(MARKS) == 96 * 4
    assert len(CELLS) * len(KNOWN) + len(OPERATIONS) * len(REFUSED) == 768 + 940
