"""API keys: the header that carries one, and making, listing and revoking them."""

import httpx
import pytest
from dirty_equals import IsStr
from sqlalchemy.ext.asyncio import AsyncConnection

from tests.api import problems
from tests.api.asking import (
    anonymised,
    ask,
    counting_queries,
    forge_key,
    look,
    open_session,
    refusal,
)
from tests.api.conftest import ApiFixture
from tests.support.application import Application
from tests.support.people import Person, make_key


async def with_headers(application: Application, *headers: tuple[bytes, bytes]) -> httpx.Response:
    return await application.http.get("/api/check_self_status", headers=list(headers))


# The header


def presented(key: str, kind: str) -> list[tuple[bytes, bytes]]:
    right = key.encode()
    swapped = b"0" if right[-1:] != b"0" else b"1"
    values = {
        "empty": [b""],
        "10 kB": [b"A" * 10_000],
        "byte 0xE9": [right[:-1] + b"\xe9"],
        "two headers": [right, right],
        "two headers, one wrong": [right, b"nonsense"],
        "two keys in one header": [right + b", " + right],
        "trailing blank": [right + b" "],
        "lower-cased": [right.lower()],
        "wrong checksum": [right[:-1] + swapped],
        "truncated": [right[:-1]],
        "prefix alone": [b"_".join(right.split(b"_")[:2])],
        "right prefix, wrong secret": [forge_key(key.split("_")[1], "A" * 32).encode()],
        "unknown prefix": [forge_key("A" * 10, key.split("_")[2][:32]).encode()],
    }
    return [(b"X-API-KEY", value) for value in values[kind]]


@pytest.mark.parametrize(
    "kind",
    [
        "empty",
        "10 kB",
        "byte 0xE9",
        "two headers",
        "two headers, one wrong",
        "two keys in one header",
        "trailing blank",
        "lower-cased",
        "wrong checksum",
        "truncated",
        "prefix alone",
        "right prefix, wrong secret",
        "unknown prefix",
    ],
)
async def test_a_key_that_is_not_right_is_refused_alike(
    application: Application, user: Person, kind: str
) -> None:
    session = await open_session(application.database, user, application.clock.now())
    header = [(name.encode(), value.encode()) for name, value in session.items()]

    answer = await with_headers(application, *presented(user.api_key, kind))
    beside_session = await with_headers(application, *header, *presented(user.api_key, kind))

    assert refusal(answer) == problems.INVALID_API_KEY
    nonsense = await with_headers(application, (b"X-API-KEY", b"nonsense"))
    assert anonymised(answer) == anonymised(beside_session) == anonymised(nonsense)


async def test_a_wrong_checksum_costs_no_query(
    application: Application, outer: AsyncConnection, user: Person
) -> None:
    with counting_queries(outer) as wrong:
        await with_headers(application, *presented(user.api_key, "wrong checksum"))
    with counting_queries(outer) as unknown:
        await with_headers(application, *presented(user.api_key, "unknown prefix"))

    assert wrong == []
    assert len(unknown) == 2  # looking for it, and counting the failure


@pytest.mark.parametrize("name", ["X-API-KEY", "x-api-key", "X-Api-Key"])
async def test_the_name_of_the_header_has_no_case(
    application: Application, user: Person, name: str
) -> None:
    answer = await application.http.get("/api/check_self_status", headers={name: user.api_key})

    assert answer.status_code == 200


@pytest.mark.parametrize("value", ["", "Bearer", "Bearer ", "Basic dTpw", "nonsense"])
async def test_an_authorization_that_is_no_session_is_as_none(
    application: Application, value: str
) -> None:
    answer = await application.http.get("/api/check_self_status", headers={"Authorization": value})

    assert refusal(answer) == problems.LOG_IN


async def test_a_key_decides_alone_beside_a_session(
    application: Application, api: ApiFixture
) -> None:
    session = await open_session(application.database, api.user, application.clock.now())
    both = {**session, **api.code.headers}

    answer = await application.http.get("/api/check_self_status", headers=both)

    assert answer.json()["id"] == api.code.account_id


# Making, listing, revoking


async def test_a_new_key_is_shown_once_and_works(application: Application, user: Person) -> None:
    answer = await ask(application, "api_keys", {"expires_at": "2026-01-11T12:47:03Z"}, user)

    assert answer.status_code == 201
    made = answer.json()
    assert made == {
        "prefix": IsStr(regex=r"[0-9A-Za-z]{10}"),
        "name": None,
        "owner": user.account_id,
        "access_code": None,
        "scopes": None,
        "read_only": False,
        "ip_allow_list": None,
        "last_used_at": None,
        "old_secret_until": None,
        "created_at": "2026-01-11T12:46:03Z",
        "expires_at": "2026-01-11T12:47:03Z",
        "revoked_at": None,
        "api_key": IsStr(regex=rf"assay_{made['prefix']}_[0-9A-Za-z]{{38}}"),
    }
    key = {"X-API-KEY": made["api_key"]}
    application.clock.advance(59)
    itself = await application.http.get("/api/check_self_status", headers=key)
    assert itself.json()["id"] == user.account_id
    application.clock.advance(1)
    expired = await application.http.get("/api/check_self_status", headers=key)
    assert refusal(expired) == problems.INVALID_API_KEY


@pytest.mark.parametrize("caller", ["user", "code"])
async def test_a_key_of_an_access_code_is_made_by_its_issuer_or_itself(
    application: Application, api: ApiFixture, caller: str
) -> None:
    body = {"access_code": api.code.access_code}

    answer = await ask(application, "api_keys", body, getattr(api, caller))

    assert answer.status_code == 201
    key = {"X-API-KEY": answer.json()["api_key"]}
    itself = await application.http.get("/api/check_self_status", headers=key)
    assert itself.json()["id"] == api.code.account_id


@pytest.mark.parametrize("access_code", [7, False, {}, "A" * 257])
async def test_the_access_code_of_a_key_is_a_string(
    application: Application, user: Person, access_code: object
) -> None:
    answer = await ask(application, "api_keys", {"access_code": access_code}, user)

    assert refusal(answer) == problems.must_be(
        "access_code", "a string of at most 256 characters without control characters"
    )


async def test_own_keys_are_listed_newest_first_without_their_secrets(
    application: Application, api: ApiFixture
) -> None:
    application.clock.advance(1)
    made = (await ask(application, "api_keys", {}, api.user)).json()
    secret = made.pop("api_key")

    listed = await look(application, "api_keys", api.user)

    items = listed.json()["items"]
    assert items[0] == made
    assert [item["prefix"] for item in items[1:]] == [api.user.api_key.split("_")[1]]
    assert secret.split("_")[2] not in listed.text


async def test_a_revoked_key_is_refused_at_once_and_stays_listed(
    application: Application, user: Person
) -> None:
    now = application.clock.now()
    key = await make_key(application.database, user.account_id, now)
    path = f"/api/api_keys/{key.split('_')[1]}"
    before = await application.http.get("/api/check_self_status", headers={"X-API-KEY": key})

    revoked = await application.http.delete(path, headers=user.headers)
    application.clock.advance(60)
    again = await application.http.delete(path, headers=user.headers)

    assert before.status_code == 200
    assert revoked.status_code == 200
    assert revoked.json()["revoked_at"] == "2026-01-11T12:46:03Z"
    assert again.json() == revoked.json()
    after = await application.http.get("/api/check_self_status", headers={"X-API-KEY": key})
    assert refusal(after) == problems.INVALID_API_KEY
    assert revoked.json() in (await look(application, "api_keys", user)).json()["items"]


async def test_a_key_may_revoke_itself(application: Application, code: Person) -> None:
    path = f"/api/api_keys/{code.api_key.split('_')[1]}"

    assert (await application.http.delete(path, headers=code.headers)).status_code == 200
    answer = await look(application, "check_self_status", code)
    assert refusal(answer) == problems.INVALID_API_KEY


@pytest.mark.parametrize("prefix", ["AAAAAAAAAA", "short", "%00", "%D0%B0" * 10, "A" * 5000])
async def test_a_key_that_never_was_is_404(
    application: Application, user: Person, prefix: str
) -> None:
    answer = await application.http.delete(f"/api/api_keys/{prefix}", headers=user.headers)

    assert refusal(answer) == problems.API_KEY_NOT_FOUND
