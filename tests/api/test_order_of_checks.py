"""What is judged first: headers, then the caller, then the body, the same at every endpoint."""

from collections.abc import AsyncIterator
from typing import Final

import pytest

from tests.api import problems
from tests.api.asking import Problem, ask_raw, refusal
from tests.support.application import Application
from tests.support.cases import each_case
from tests.support.people import Person

# Every endpoint that takes a body and needs a caller: how much it takes, what it says to nobody.
BODIES: Final = {
    "new_order": (problems.BODY_TOO_LARGE, problems.LOG_IN_TO_ORDER),
    "check_order_status": (problems.BODY_TOO_LARGE, problems.LOG_IN_TO_ORDER),
    "check_access_code_status": (problems.BODY_TOO_LARGE, problems.LOG_IN),
    "check_assessment_list_for_access_code": (problems.LIST_TOO_LARGE, problems.LOG_IN),
    "create_new_assessment_for_access_code": (problems.BODY_TOO_LARGE, problems.LOG_IN),
    "create_new_assessments_for_access_code": (problems.LIST_TOO_LARGE, problems.LOG_IN),
    "create_new_assessment": (problems.BODY_TOO_LARGE, problems.LOG_IN),
    "check_price": (problems.BODY_TOO_LARGE, problems.LOG_IN),
    "access_codes": (problems.BODY_TOO_LARGE, problems.LOG_IN),
    "access_codes/0000000000000000/credits": (problems.BODY_TOO_LARGE, problems.LOG_IN),
    "access_codes/0000000000000000/credits/return": (problems.BODY_TOO_LARGE, problems.LOG_IN),
    "access_codes/0000000000000000/deactivate": (problems.BODY_TOO_LARGE, problems.LOG_IN),
    "api_keys": (problems.BODY_TOO_LARGE, problems.LOG_IN),
    "api_keys/1111111111/rotate": (problems.BODY_TOO_LARGE, problems.LOG_IN),
    "orders/2222222222/payment_page": (problems.BODY_TOO_LARGE, problems.LOG_IN),
    "webhook_endpoints": (problems.BODY_TOO_LARGE, problems.LOG_IN),
    "webhook_endpoints/3333333333/redeliver": (problems.BODY_TOO_LARGE, problems.LOG_IN),
    "change_password": (problems.BODY_TOO_LARGE, problems.LOG_IN),
}
# Where the body may be left out: an empty one is none.
OPTIONAL: Final = ("credits/return", "deactivate", "rotate", "payment_page")
OPEN: Final = ("register", "login")
LARGE: Final = 256 * 1024 + 1


def path_of(operation: str) -> str:
    for value, name in (
        ("0000000000000000", "{access_code}"),
        ("1111111111", "{prefix}"),
        ("2222222222", "{order_id}"),
        ("3333333333", "{webhook_endpoint_id}"),
    ):
        operation = operation.replace(value, name)
    return operation


def test_every_endpoint_that_takes_a_body_is_named_here(running: Application) -> None:
    taking = {
        path.removeprefix("/api/")
        for path, methods in running.app.openapi()["paths"].items()
        if "requestBody" in methods.get("post", {})
    }

    assert taking == {*map(path_of, BODIES), *OPEN}


@each_case("path", [*BODIES, *OPEN])
async def test_a_body_that_is_not_json_by_its_header_is_415_even_to_nobody(
    application: Application, path: str
) -> None:
    for content_type in (
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/json; charset=latin-1",
    ):
        answer = await application.http.post(
            f"/api/{path}", content=b"{}", headers={"Content-Type": content_type}
        )
        assert refusal(answer) == problems.NOT_JSON, content_type


@each_case("path", BODIES)
async def test_a_content_length_above_the_limit_is_413_even_to_nobody(
    application: Application, path: str
) -> None:
    too_large, _ = BODIES[path]

    assert refusal(await ask_raw(application, path, b"x" * LARGE)) == too_large


async def _in_chunks() -> AsyncIterator[bytes]:
    for _ in range(LARGE // 1024 + 1):
        yield b"x" * 1024


@pytest.mark.parametrize("path", BODIES)
async def test_a_caller_is_judged_before_a_body_that_streams_or_is_not_json(
    application: Application, user: Person, path: str
) -> None:
    too_large, nobody = BODIES[path]
    json = {"Content-Type": "application/json"}

    async def stream(headers: dict[str, str]) -> Problem:
        sent = {**json, **headers}
        return refusal(
            await application.http.post(f"/api/{path}", content=_in_chunks(), headers=sent)
        )

    assert await stream({}) == nobody
    assert await stream(user.headers) == too_large
    for body in (b"", b"[]", b'{"a": 1, "a": 2}'):
        assert refusal(await ask_raw(application, path, body)) == nobody


MALFORMED: Final = (
    (b"", "The body is empty; send one JSON object"),
    (b"[]", "The body must be one JSON object"),
    (b"null", "The body must be one JSON object"),
    (b'{"a": 1, "a": 2}', "The body names a key twice in one object"),
    (b'{"a": }', "The body is not valid JSON at line 1, column 7"),
    (b"\xff", "The body is not UTF-8"),
    (b'{"a": "\\u0000"}', "The body has a NUL character"),
    (b'{"a": "\\ud800"}', "The body has half of a surrogate pair"),
    (b'{"a": ' + b"[" * 16 + b"]" * 16 + b"}", "The body is nested deeper than 16 levels"),
    (b'{"a": NaN}', "The body has NaN or Infinity, which JSON does not have"),
    (b'{"a": 1e999}', "The body has a number that is too large"),
)


@each_case("path", BODIES)
async def test_a_body_that_is_not_one_json_object_is_400_to_a_known_caller(
    application: Application, user: Person, path: str
) -> None:
    for body, detail in MALFORMED:
        if not body and path.endswith(OPTIONAL):
            continue
        answer = await ask_raw(application, path, body, user)
        assert refusal(answer) == problems.malformed(detail)


@pytest.mark.parametrize("path", OPEN)
async def test_an_endpoint_without_caller_judges_its_body_at_once(
    application: Application, path: str
) -> None:
    large = await ask_raw(application, path, b"x" * 16_385)
    malformed = await ask_raw(application, path, b"[]")

    assert refusal(large) == problems.BODY_TOO_LARGE
    assert refusal(malformed) == problems.malformed("The body must be one JSON object")


async def test_an_error_repeats_the_request_id_that_came(application: Application) -> None:
    answer = await application.http.get(
        "/api/check_self_status", headers={"X-Request-ID": "mine-1"}
    )

    assert refusal(answer) == problems.LOG_IN
    assert answer.json()["request_id"] == "mine-1"
