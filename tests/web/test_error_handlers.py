"""The one shape of an error, and the 500 that each endpoint documents."""

import re
from collections.abc import Iterator

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send
from structlog.testing import capture_logs
from structlog.typing import EventDict

from app.ledger.errors import InsufficientCredits
from tests.api import problems
from tests.api.asking import Problem, refusal
from tests.support.cases import each_case
from tests.web.small_app import GOOD_ORDER, client_of, create_small_app

ID = re.compile(r"[0-9a-f]{32}")
NUMBER_OF_CREDITS = "number_of_credits must be a whole number from 1 to 1000000000"
PAYMENT_COIN = "payment_coin must be a string of at most 64 characters without control characters"


BAD_NUMBERS: list[object] = [True, False, 1.0, 1e3, 1.5, "1", -1, 10**9 + 1, 2**63, 10**30, [1], {}]
BAD_BOOLEANS: list[object] = [1, "true", "yes", [True], {}]
BAD_TEXTS: list[object] = [5, True, ["Aeon"], {"a": 1}, "a\nb", "a\x7f", "a\x9fb", "x" * 65]


@pytest.fixture(autouse=True)
def logs() -> Iterator[list[EventDict]]:
    with capture_logs() as events:
        yield events


async def post(path: str, body: dict[str, object]) -> httpx.Response:
    async with client_of(create_small_app()) as client:
        return await client.post(path, json=body)


@each_case(
    ("change", "detail"),
    [
        # missing, in the order of the table, whatever else is wrong further on
        ({"number_of_credits": None}, "Missing number_of_credits parameter"),
        ({"number_of_credits": ""}, "Missing number_of_credits parameter"),
        ({"number_of_credits": []}, "Missing number_of_credits parameter"),
        ({"payment_coin": ""}, "Missing payment_coin parameter"),
        ({"payment_coin": None, "order_is_for_self": "x"}, "Missing payment_coin parameter"),
        ({"number_of_credits": 0, "payment_coin": None}, NUMBER_OF_CREDITS),
        ({"order_is_for_self": None}, "Missing order_is_for_self parameter"),
        # false and 0 are there
        ({"order_is_for_self": False}, "Missing access_code parameter"),
        ({"order_is_for_self": False, "access_code": ""}, "Missing access_code parameter"),
        ({"order_is_for_self": 0}, "order_is_for_self must be true or false"),
        ({"number_of_credits": 0}, NUMBER_OF_CREDITS),
        # an integer is an integer
        *(({"number_of_credits": value}, NUMBER_OF_CREDITS) for value in BAD_NUMBERS),
        *(
            ({"order_is_for_self": value}, "order_is_for_self must be true or false")
            for value in BAD_BOOLEANS
        ),
        *(({"payment_coin": value}, PAYMENT_COIN) for value in BAD_TEXTS),
        (
            {"order_is_for_self": False, "access_code": 5},
            PAYMENT_COIN.replace("payment_coin", "access_code"),
        ),
    ],
)
async def test_the_first_faulty_parameter_is_one_400_that_names_it(
    change: dict[str, object], detail: str
) -> None:
    answer = await post("/api/new_order", {**GOOD_ORDER, **change})
    assert answer.status_code == 400
    code = "missing_parameter" if detail.startswith("Missing") else "invalid_parameter"
    assert answer.json() == {
        "detail": detail,
        "code": code,
        "request_id": answer.headers["X-Request-ID"],
    }


@each_case(
    "extra",
    [
        {"status": "BTC_SENT", "price": 0, "account_id": "x"},
        {"access_code": 5},  # beside order_is_for_self: true it plays no part
        {"access_code": "x" * 10_000},
    ],
)
async def test_what_plays_no_part_is_ignored(extra: dict[str, object]) -> None:
    answer = await post("/api/new_order", {**GOOD_ORDER, **extra})
    assert answer.status_code == 201


@each_case(
    ("ids", "detail"),
    [
        ("a", "ids must be a list"),
        ({"a": "b"}, "ids must be a list"),
        (7, "ids must be a list"),
        ([1], "ids must be a list of strings"),
        (["a", None], "ids must be a list of strings"),
        (["a", ["b"]], "ids must be a list of strings"),
        (["a"] * 1001, "ids must be a list of at most 1000 strings"),
        ([], "Missing ids parameter"),
    ],
)
async def test_a_list_is_refused_by_its_own_texts(ids: object, detail: str) -> None:
    answer = await post("/wide", {"ids": ids})
    assert answer.status_code == 400
    assert answer.json()["detail"] == detail


@each_case("limit", ["0", "101", "x", "1.5", "9" * 5000, "%00", "-1"])
async def test_a_faulty_query_parameter_is_400(limit: str) -> None:
    async with client_of(create_small_app()) as client:
        answer = await client.get(f"/api/pages?limit={limit}")
    assert answer.status_code == 400
    assert answer.json()["detail"] == "limit must be a whole number from 1 to 100"


async def test_a_path_that_is_not_there_is_404() -> None:
    async with client_of(create_small_app()) as client:
        for path in ("/nowhere", "/api/new_order/", "/static/nowhere.js", "/static/../main.py"):
            answer = await client.get(path)
            assert answer.status_code == 404
            assert answer.json() == {
                "detail": "Not found",
                "code": "not_found",
                "request_id": answer.headers["X-Request-ID"],
            }


@each_case(
    ("path", "method", "allow"),
    [
        ("/api/new_order", "GET", "POST"),
        ("/api/pages", "POST", "DELETE, GET, HEAD"),  # two routes, one path
        ("/api/pages", "PATCH", "DELETE, GET, HEAD"),
        ("/api/pages", "BREW", "DELETE, GET, HEAD"),
        ("/docs", "POST", "GET, HEAD"),
        ("/static/docs.js", "POST", "GET, HEAD"),
    ],
)
async def test_405_names_every_method_of_the_path(path: str, method: str, allow: str) -> None:
    async with client_of(create_small_app()) as client:
        answer = await client.request(method, path)
    assert answer.status_code == 405
    assert answer.headers["Allow"] == allow
    assert answer.json()["detail"] == f"Method not allowed; use {allow}"
    assert answer.json()["code"] == "method_not_allowed"


@each_case(
    ("function", "text"),
    [
        ("new_order", {"error": "The order could not be processed", "code": "order_fault"}),
        (
            "check_self_status",
            {
                "detail": "Failure to fetch user data. Please contact support with error code "
                "4W9Y2.",
                "code": "4W9Y2",
            },
        ),
        *(
            (
                function,
                {
                    "detail": "Failure to create new assessment. Please contact support with "
                    "error code 4J9Y1. Error: internal fault",
                    "code": "4J9Y1",
                },
            )
            for function in ("create_new_assessment", "create_new_assessment_for_access_code")
        ),
        ("anything_else", {"detail": "Internal server error", "code": "internal_fault"}),
    ],
)
async def test_an_unexpected_exception_is_the_endpoints_documented_500(
    function: str, text: dict[str, str]
) -> None:
    app = create_small_app(failing=ZeroDivisionError("the secret reason"), functions=[function])
    async with client_of(app) as client:
        answer = await client.get(f"/fail/{function}")
    assert answer.status_code == 500
    assert answer.json() == {**text, "request_id": answer.headers["X-Request-ID"]}
    assert ID.fullmatch(answer.headers["X-Request-ID"])
    registry = app.state.metrics.registry
    assert registry.get_sample_value("assay_unhandled_faults_total", {"endpoint": function}) == 1


async def test_the_fault_of_the_assessment_list_tells_the_time() -> None:
    function = "check_assessment_list_for_access_code"
    async with client_of(create_small_app(functions=[function])) as client:
        answer = await client.get(f"/fail/{function}")
    assert answer.status_code == 500
    assert re.fullmatch(
        "Failure to fetch user data. Please contact support with error code KY53D and the current "
        r"time: \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.",
        answer.json()["detail"],
    )


async def test_405_of_a_head_request_has_the_methods_and_no_body() -> None:
    async with client_of(create_small_app()) as client:
        answer = await client.head("/api/new_order")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    assert answer.content == b""


async def test_an_error_of_the_catalogue_is_its_own_answer_at_any_endpoint() -> None:
    app = create_small_app(failing=InsufficientCredits(), functions=["new_order"])
    async with client_of(app) as client:
        answer = await client.get("/fail/new_order")
    assert answer.status_code == 402
    assert answer.json()["detail"] == "Insufficient credits"


async def test_a_refused_insert_is_answered_with_detail_and_logged_with_its_cause(
    logs: list[EventDict],
) -> None:
    answer = await post("/api/refused_order", {**GOOD_ORDER})
    assert answer.status_code == 500
    assert answer.json()["detail"] == "Unable to create order"
    fault = next(event for event in logs if event["event"] == "fault")
    assert fault["code"] == "order_not_created"
    assert isinstance(fault["exc_info"].__cause__, RuntimeError)


@each_case(
    "failing",
    [
        ConnectionRefusedError(111, "Connect call failed"),
        DBAPIError("select 1", None, asyncpg.CannotConnectNowError("starting up")),
        DBAPIError("select 1", None, ValueError("gone"), connection_invalidated=True),
    ],
)
@each_case("function", ["new_order", "check_self_status", "anything_else"])
async def test_a_database_that_is_away_is_503_everywhere(failing: Exception, function: str) -> None:
    app = create_small_app(failing=failing, functions=[function])
    async with client_of(app) as client:
        answer = await client.get(f"/fail/{function}")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert answer.json() == {
        "detail": "The database is not available; try again soon",
        "code": "database_away",
        "request_id": answer.headers["X-Request-ID"],
    }


@pytest.mark.parametrize(
    ("failing", "problem"),
    [
        (PoolTimeout("QueuePool limit reached"), problems.BUSY),
        (DBAPIError("insert", None, asyncpg.DiskFullError("full")), problems.DATABASE_READ_ONLY),
    ],
)
async def test_a_busy_and_a_read_only_database_have_codes_of_their_own(
    failing: Exception, problem: Problem
) -> None:
    app = create_small_app(failing=failing, functions=["new_order"])
    async with client_of(app) as client:
        answer = await client.get("/fail/new_order")
    assert refusal(answer) == problem
    assert int(answer.headers["Retry-After"]) > 0


async def test_a_refusal_of_the_framework_keeps_its_status_and_not_its_text() -> None:
    app = create_small_app(failing=HTTPException(409, "the secret reason"), functions=["x"])
    async with client_of(app) as client:
        answer = await client.get("/fail/x")
    assert answer.status_code == 409
    assert answer.json() == {
        "detail": "Conflict",
        "code": "http_conflict",
        "request_id": answer.headers["X-Request-ID"],
    }


class BrokenMiddleware:
    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            raise RuntimeError("the secret reason")
        await self.app(scope, receive, send)


async def answer_of(app: FastAPI) -> httpx.Response:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://assay") as client:
        return await client.get("/api/pages", headers={"X-Request-ID": "mine"})


async def test_a_fault_of_a_middleware_has_the_shape_and_the_request_id_too() -> None:
    app = create_small_app()
    app.user_middleware.insert(1, Middleware(BrokenMiddleware))  # outside FaultMiddleware
    answer = await answer_of(app)
    assert answer.status_code == 500
    assert answer.headers["X-Request-ID"] == "mine"
    assert answer.json() == {
        "detail": "Internal server error",
        "code": "internal_fault",
        "request_id": "mine",
    }
