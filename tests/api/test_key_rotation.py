"""A new secret for a key, while the old one is good for a grace time."""

from collections.abc import Mapping
from typing import Any, Final

import httpx
from dirty_equals import IsStr

from tests.api import problems
from tests.api.asking import ask, forge_key, look, open_session, read, refusal
from tests.api.conftest import ApiFixture
from tests.support.application import Application
from tests.support.people import Person

Headers = Mapping[str, str]
GRACE: Final = problems.must_be("grace_seconds", "a whole number from 0 to 604800")


def prefix_of(key: Headers) -> str:
    return key["X-API-KEY"].split("_")[1]


async def make(application: Application, by: Headers, **body: Any) -> Headers:  # noqa: ANN401
    answer = await application.http.post("/api/api_keys", json=body, headers=by)
    assert answer.status_code == 201, answer.text
    return {"X-API-KEY": answer.json()["api_key"]}


async def rotate(
    application: Application, key: Headers, by: Headers, **body: object
) -> httpx.Response:
    path = f"/api/api_keys/{prefix_of(key)}/rotate"
    return await application.http.post(path, json=body, headers=by)


async def new_secret(
    application: Application, key: Headers, by: Headers, **body: object
) -> Headers:
    answer = await rotate(application, key, by, **body)
    assert answer.status_code == 200, answer.text
    return {"X-API-KEY": answer.json()["api_key"]}


async def lives(application: Application, key: Headers) -> bool:
    answer = await application.http.get("/api/check_self_status", headers=key)
    if answer.status_code == 200:
        return True
    assert refusal(answer) == problems.INVALID_API_KEY
    return False


async def test_both_secrets_are_good_until_the_grace_is_over(
    application: Application, user: Person
) -> None:
    old = await make(application, user.headers, name="shop", scopes=["keys", "orders:read"])
    child = await make(application, old)

    answer = await rotate(application, old, old, grace_seconds=60)
    new = {"X-API-KEY": answer.json()["api_key"]}

    told = answer.json()
    assert told["api_key"] == IsStr(regex=rf"assay_{prefix_of(old)}_[0-9A-Za-z]{{38}}")
    assert told["old_secret_until"] == "2026-01-11T12:47:03Z"
    assert (told["name"], told["scopes"]) == ("shop", ["orders:read", "keys"])
    assert [await lives(application, key) for key in (old, new, child)] == [True] * 3
    application.clock.advance(59.9)
    assert await lives(application, old)
    application.clock.advance(0.1)
    assert [await lives(application, key) for key in (old, new, child)] == [False, True, True]
    forged = {"X-API-KEY": forge_key(prefix_of(old), "A" * 32)}
    assert not await lives(application, forged)
    lines = await read(
        application,
        "SELECT subject, api_key FROM audit_log WHERE action = 'api_key.rotate'",
    )
    assert lines == [(prefix_of(old), prefix_of(old))]


async def test_a_body_may_be_left_out_and_then_the_grace_is_a_day(
    application: Application, user: Person
) -> None:
    path = f"/api/api_keys/{prefix_of(user.headers)}/rotate"

    answer = await application.http.post(path, headers=user.headers)

    assert answer.json()["old_secret_until"] == "2026-01-12T12:46:03Z"


async def test_without_grace_the_old_secret_is_over_at_once_and_a_third_is_never_good(
    application: Application, user: Person
) -> None:
    first = await make(application, user.headers)
    second = await new_secret(application, first, first)
    third = await new_secret(application, first, second)
    assert [await lives(application, key) for key in (first, second, third)] == [False, True, True]

    fourth = await new_secret(application, first, second, grace_seconds=0)
    assert [await lives(application, key) for key in (third, fourth)] == [False, True]


async def test_a_key_rotates_itself_and_what_it_made_and_a_session_all(
    application: Application, api: ApiFixture
) -> None:
    session = await open_session(application.database, api.user, application.clock.now())
    top = await make(application, session)
    child = await make(application, top)
    below = await make(application, child, access_code=api.code.access_code)
    beside = await make(application, session)

    for key in (top, child, below):
        assert (await rotate(application, key, top)).status_code == 200
    for key, by in ((top, child), (beside, top), (below, beside)):
        assert refusal(await rotate(application, key, by)) == problems.ROTATION_NOT_ALLOWED
    for key in (top, child, below, beside, api.code.headers, api.user.headers):
        assert (await rotate(application, key, session)).status_code == 200


async def test_a_key_that_is_over_gets_no_new_secret(
    application: Application, user: Person
) -> None:
    session = await open_session(application.database, user, application.clock.now())
    revoked = await make(application, session)
    await application.http.delete(f"/api/api_keys/{prefix_of(revoked)}", headers=session)
    expired = await make(application, session, expires_at="2026-01-11T12:46:04Z")
    application.clock.advance(1)

    for key in (revoked, expired):
        refused = await rotate(application, key, session)
        assert refusal(refused) == problems.API_KEY_NOT_ACTIVE


async def test_what_is_no_grace_or_no_key_is_refused(
    application: Application, api: ApiFixture
) -> None:
    values: list[object] = [-1, 604801, "60", 1.5, True, {}]
    for value in values:
        refused = await rotate(application, api.user.headers, api.user.headers, grace_seconds=value)
        assert refusal(refused) == GRACE, value
    for prefix in ("AAAAAAAAAA", "short", "%00", "%D0%B0" * 10):
        answer = await ask(application, f"api_keys/{prefix}/rotate", {}, api.user)
        assert refusal(answer) == problems.API_KEY_NOT_FOUND, prefix
    foreign = await rotate(application, api.foreign_code.headers, api.user.headers)
    assert refusal(foreign) == problems.API_KEY_NOT_FOUND
    assert (await look(application, "orders", api.foreign_code)).status_code == 200
