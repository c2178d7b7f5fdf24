"""Each POST of the document takes an `Idempotency-Key` and is done once, or refuses the header."""

from collections.abc import Iterator
from typing import Any, Final

import httpx
import pytest

from app.assessments.providers.base import ProviderUnknown
from app.ledger.models import Account
from tests.api import problems
from tests.api.asking import execute, open_session, read, refusal
from tests.api.conftest import ApiFixture
from tests.api.world import ADDRESS
from tests.support.application import Application
from tests.support.people import PASSWORD, make_key

KEY: Final = "7f0c9a52-5d3f-4d0e-8a36-3f4f0d0c7a11"
HEADER: Final = "Idempotency-Key"
QUESTION: Final = {"assessment_type": "address", "address": ADDRESS, "currency": "BTC"}
WEBHOOK_URL: Final = "https://shop.example.com/hooks"
ORDER: Final = {
    "number_of_credits": 10,
    "payment_coin": "Aeon",
    "payment_network": "AEON",
    "order_is_for_self": True,
}
READS: Final = problems.must_be(HEADER, "left out: this endpoint changes nothing")
SESSIONS: Final = problems.must_be(HEADER, "left out: a session is opened and ended without one")
REFUSED: Final = {
    "/api/check_order_status": READS,
    "/api/check_access_code_status": READS,
    "/api/check_assessment_list_for_access_code": READS,
    "/api/check_price": READS,
    "/api/login": SESSIONS,
    "/api/logout": SESSIONS,
}
# A count of failures is no change of anything.
TABLES: Final = sorted(set(Account.metadata.tables) - {"failed_attempts"})


def posts(application: Application) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in application.app.openapi()["paths"].items():
        if "post" in methods:
            yield path, methods["post"]


def takes_a_key(operation: dict[str, Any]) -> bool:
    return HEADER in {each["name"] for each in operation.get("parameters", [])}


def body_for(path: str, api: ApiFixture) -> dict[str, Any] | None:
    """Return a body that is in order, and a question or an order that is new each time."""
    code = {"access_code": api.code.access_code}
    fresh = {**QUESTION, "fresh": True}
    bodies: dict[str, dict[str, Any]] = {
        "/api/new_order": ORDER,
        "/api/check_order_status": {"order_id": "ord_1"},
        "/api/check_access_code_status": code,
        "/api/check_assessment_list_for_access_code": {**code, "assessment_id_list": ["asm_1"]},
        "/api/create_new_assessment_for_access_code": {**code, **fresh},
        "/api/create_new_assessments_for_access_code": {
            **code,
            "questions": [fresh, {**fresh, "currency": "?"}, QUESTION],
        },
        "/api/create_new_assessment": fresh,
        "/api/check_price": {"number_of_credits": 10},
        "/api/register": {"email": "new@example.com", "password": PASSWORD},
        "/api/login": {"email": api.user.email, "password": PASSWORD},
        "/api/change_password": {"password": PASSWORD, "new_password": "staple horse"},
        "/api/access_codes": {"credits": 3, "expires_at": "2026-01-12T00:00:00Z"},
        "/api/access_codes/{access_code}/credits": {"credits": 2},
        "/api/api_keys": {"expires_at": "2026-01-12T00:00:00Z"},
        "/api/webhook_endpoints": {"url": WEBHOOK_URL},
        "/api/webhook_endpoints/{webhook_endpoint_id}/redeliver": {"from_sequence": 1},
    }
    return bodies.get(path)


async def in_its_place(application: Application, api: ApiFixture, path: str) -> str:
    """Fill in the path: an order that may be cancelled, a code of its own, the caller's key."""
    order_id = access_code = webhook_endpoint_id = ""
    if "{order_id}" in path:
        answer = await application.http.post("/api/new_order", json=ORDER, headers=api.user.headers)
        order_id = answer.json()["order_id"]
    if "{access_code}" in path:
        access_code = await make_other_code(application, api)
    if "{webhook_endpoint_id}" in path:
        made = await application.http.post(
            "/api/webhook_endpoints", json={"url": WEBHOOK_URL}, headers=api.user.headers
        )
        webhook_endpoint_id = made.json()["id"]
    return path.format(
        order_id=order_id,
        access_code=access_code,
        prefix=api.user.api_key.split("_")[1],
        webhook_endpoint_id=webhook_endpoint_id,
    )


async def send(
    application: Application, path: str, body: object, headers: dict[str, str], key: str = KEY
) -> httpx.Response:
    return await application.http.post(path, json=body, headers={**headers, HEADER: key})


async def everything(application: Application) -> list[tuple[Any, ...]]:
    """Return what is in each table: how many rows, and a hash of all of them."""
    return await read(
        application,
        " UNION ALL ".join(
            f"SELECT '{table}', count(*), md5(string_agg(t::text, '' ORDER BY t::text))"  # noqa: S608
            f" FROM {table} t"
            for table in TABLES
        ),
    )


async def test_a_post_that_takes_a_key_is_done_once_and_answered_with_the_same_bytes(
    application: Application, api: ApiFixture
) -> None:
    tried = [(path, body_for(path, api)) for path, op in posts(application) if takes_a_key(op)]
    assert len(tried) >= 10

    for path, body in tried:
        place = await in_its_place(application, api, path)
        before = await everything(application)
        first = await send(application, place, body, api.user.headers)
        done = await everything(application)
        application.clock.advance(1)
        again = await send(application, place, body, api.user.headers)

        assert first.is_success, (path, first.text)
        assert before != done, path
        assert (again.status_code, again.content) == (first.status_code, first.content), path
        assert again.headers.get("Content-Type") == first.headers.get("Content-Type"), path
        assert "Idempotency-Replayed" not in first.headers, path
        assert again.headers["Idempotency-Replayed"] == "true", path
        assert await everything(application) == done, path


async def test_a_post_that_takes_a_key_refuses_it_with_another_body(
    application: Application, api: ApiFixture
) -> None:
    other_code = await make_other_code(application, api)
    others: dict[str, tuple[str, dict[str, Any] | None]] = {
        "/api/create_new_assessments_for_access_code": (
            "",
            {"access_code": api.code.access_code, "questions": [QUESTION]},
        ),
        "/api/register": ("", {"email": "new@example.com", "password": "another one"}),
        "/api/change_password": ("", {"password": PASSWORD, "new_password": "another one"}),
        "/api/access_codes": ("", {"credits": 4}),
        "/api/access_codes/{access_code}/credits": (other_code, {"credits": 2}),
        "/api/access_codes/{access_code}/deactivate": (other_code, None),
        "/api/api_keys": ("", {}),
        "/api/webhook_endpoints": ("", {"url": f"{WEBHOOK_URL}/other"}),
    }
    for path, (code, other) in others.items():
        place = path.format(access_code=api.code.access_code)
        first = await send(application, place, body_for(path, api), api.user.headers)
        done = await everything(application)
        refused = await send(application, path.format(access_code=code), other, api.user.headers)

        assert first.is_success, path
        assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_key_reused")
        assert await everything(application) == done, path


async def make_other_code(application: Application, api: ApiFixture) -> str:
    answer = await application.http.post("/api/access_codes", json={}, headers=api.user.headers)
    access_code: str = answer.json()["access_code"]
    return access_code


async def test_any_other_post_refuses_the_header_and_says_so_in_the_document(
    application: Application, api: ApiFixture
) -> None:
    session = await open_session(application.database, api.user, application.clock.now())
    refusing = {path: op for path, op in posts(application) if not takes_a_key(op)}
    assert refusing.keys() == REFUSED.keys()

    for path, operation in refusing.items():
        before = await everything(application)
        answer = await send(application, path, body_for(path, api), session)

        assert refusal(answer) == REFUSED[path], path
        assert HEADER in operation["responses"]["400"]["description"], path
        assert await everything(application) == before, path


async def test_who_calls_and_the_body_are_judged_before_a_key_that_is_refused(
    application: Application, api: ApiFixture
) -> None:
    for path, operation in posts(application):
        if takes_a_key(operation) or path == "/api/login":
            continue
        nobody = await send(application, path, body_for(path, api), {})
        assert nobody.json()["code"] == "not_logged_in", path
        if "requestBody" in operation:
            not_an_object = await send(application, path, [], api.user.headers)
            expected = problems.malformed("The body must be one JSON object")
            assert refusal(not_an_object) == expected, path


# Secrets


async def test_a_new_api_key_is_kept_in_no_form_that_the_database_can_read(
    application: Application, api: ApiFixture
) -> None:
    first = await send(application, "/api/api_keys", {}, api.user.headers)
    secret = first.json()["api_key"].rpartition("_")[2]

    rows = await read(application, "SELECT body, request_hash FROM idempotency_keys")

    [(body, _)] = rows
    assert secret.encode() not in body
    assert first.content not in body
    assert first.json()["prefix"].encode() not in body


async def test_a_kept_secret_is_read_again_by_the_credentials_that_asked_for_it_alone(
    application: Application, api: ApiFixture
) -> None:
    now = application.clock.now()
    session = await open_session(application.database, api.user, now)
    other_key = {"X-API-KEY": await make_key(application.database, api.user.account_id, now)}
    first = await send(application, "/api/api_keys", {}, session)
    done = await everything(application)

    for headers in (api.user.headers, other_key):
        refused = await send(application, "/api/api_keys", {}, headers)
        assert refusal(refused) == problems.KEY_SEALED
    again = await send(application, "/api/api_keys", {}, session)

    assert again.content == first.content
    assert await everything(application) == done


async def test_a_password_under_a_key_is_kept_as_a_slow_hash(
    application: Application, api: ApiFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[str] = []

    def slowly(text: str, _salt: bytes) -> bytes:
        hashed.append(text)
        return b"h" * 32

    monkeypatch.setattr("app.accounts.idempotent_users.hash_secret_request", slowly)
    for path in ("/api/register", "/api/change_password"):
        body = body_for(path, api)
        assert (await send(application, path, body, api.user.headers)).is_success

    assert [PASSWORD in text for text in hashed] == [True, True]
    kept = await read(application, "SELECT DISTINCT request_hash FROM idempotency_keys")
    assert kept == [(b"h" * 32,)]


# Registering and changing a password


async def test_an_email_registered_under_another_key_or_without_one_is_taken(
    application: Application,
) -> None:
    body = {"email": "new@example.com", "password": PASSWORD}
    first = await send(application, "/api/register", body, {})
    again = await send(application, "/api/register", {**body, "email": "NEW@example.com"}, {})
    other = await send(application, "/api/register", body, {}, "another")
    plain = await application.http.post("/api/register", json=body)

    assert first.status_code == 201
    assert again.content == first.content
    assert refusal(other) == refusal(plain) == problems.EMAIL_TAKEN


async def test_trying_passwords_under_a_key_is_throttled_as_a_login_is(
    application: Application,
) -> None:
    body = {"email": "new@example.com", "password": PASSWORD}
    assert (await send(application, "/api/register", body, {})).status_code == 201

    tries = [
        await send(application, "/api/register", {**body, "password": f"guess {n:03}"}, {})
        for n in range(11)
    ]

    assert [answer.status_code for answer in tries] == [422] * 10 + [429]


async def test_a_changed_password_is_repeated_by_a_later_session(
    application: Application, api: ApiFixture
) -> None:
    now = application.clock.now()
    body = {"password": PASSWORD, "new_password": "staple horse"}
    sessions = [await open_session(application.database, api.user, now) for _ in range(2)]
    first = await send(application, "/api/change_password", body, sessions[0])
    over = await send(application, "/api/change_password", body, sessions[1])
    later = await open_session(application.database, api.user, now)
    again = await send(application, "/api/change_password", body, later)

    assert (first.status_code, first.content) == (again.status_code, again.content) == (204, b"")
    assert refusal(over) == problems.LOG_IN
    assert (await application.http.get("/api/check_self_status", headers=later)).is_success


# A batch


async def test_a_batch_whose_first_answer_was_lost_is_answered_as_it_is_now(
    application: Application, api: ApiFixture
) -> None:
    path = "/api/create_new_assessments_for_access_code"
    body = body_for(path, api)
    first = await send(application, path, body, api.user.headers)
    await execute(application, "UPDATE idempotency_keys SET body = NULL, status = NULL")
    await execute(application, "UPDATE accounts SET status = 'inactive' WHERE kind = 'access_code'")

    again = await send(application, path, body, api.user.headers)

    assert again.status_code == 201
    assert again.json() == first.json()
    assert len(application.provider.asked) == 1


async def test_a_batch_whose_first_request_is_at_work_is_409(
    application: Application, api: ApiFixture
) -> None:
    path = "/api/create_new_assessments_for_access_code"
    body = {"access_code": api.code.access_code, "questions": [QUESTION]}
    application.provider.raises = ProviderUnknown()
    await send(application, path, body, api.user.headers)
    await execute(application, "UPDATE idempotency_keys SET body = NULL, status = NULL")
    await execute(
        application,
        "UPDATE assessments SET lease_token = 'lease_1',"
        " lease_until = clock_timestamp() + interval '1 minute' WHERE status = 'pending'",
    )

    refused = await send(application, path, body, api.user.headers)

    assert refusal(refused) == problems.KEY_IN_FLIGHT
    await execute(application, "UPDATE assessments SET lease_token = NULL, lease_until = NULL")
    left = await send(application, path, body, api.user.headers)
    assert left.json()["outcomes"][0]["assessment"]["status"] == "pending"
    assert len(application.provider.asked) == 1
