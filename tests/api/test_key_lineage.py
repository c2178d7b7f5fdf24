"""Keys that keys made: none outlives its maker, and the audit log names the key that acted."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.accounts import api_keys
from app.accounts.api_keys import KeyWish
from app.accounts.errors import InvalidApiKey
from app.ledger.actors import Actor
from app.runtime.db.engine import Database
from tests.api import problems
from tests.api.asking import ask, execute, learn_limits, open_session, read, refusal
from tests.api.assessing import QUESTION
from tests.api.conftest import ApiFixture
from tests.api.ordering import ORDER
from tests.support.application import Application
from tests.support.people import ACTOR, PASSWORD, Person, make_key, make_user

Headers = Mapping[str, str]


def prefix_of(key: Headers) -> str:
    return key["X-API-KEY"].split("_")[1]


async def make(application: Application, by: Headers, **body: Any) -> Headers:  # noqa: ANN401
    """Make a key, by a key or a session; return the header that carries it."""
    answer = await application.http.post("/api/api_keys", json=body, headers=by)
    assert answer.status_code == 201, answer.text
    return {"X-API-KEY": answer.json()["api_key"]}


async def lives(application: Application, key: Headers) -> bool:
    answer = await application.http.get("/api/check_self_status", headers=key)
    if answer.status_code == 200:
        return True
    assert refusal(answer) == problems.INVALID_API_KEY
    return False


async def revoke(application: Application, key: Headers, by: Headers, wish: str = "") -> None:
    path = f"/api/api_keys/{prefix_of(key)}{wish}"
    assert (await application.http.delete(path, headers=by)).status_code == 200


async def test_a_key_lives_no_longer_than_the_key_that_made_it(
    application: Application, api: ApiFixture
) -> None:
    session = await open_session(application.database, api.user, application.clock.now())
    end = "2026-01-11T12:47:03Z"
    maker = await make(application, session, expires_at=end)
    made = []
    for expires_at, expected in (
        (None, end),
        (end, end),
        ("2026-01-11T12:46:33Z", "2026-01-11T12:46:33Z"),
        ("2026-01-11T13:47:03+01:00", end),
        ("2026-01-11T12:47:03.000001Z", None),
        ("2100-01-01T00:00:00Z", None),
    ):
        for code in ({}, {"access_code": api.code.access_code}):
            body = {"expires_at": expires_at, **code}
            answer = await application.http.post("/api/api_keys", json=body, headers=maker)
            if expected is None:
                assert refusal(answer) == problems.must_be(
                    "expires_at", "no later than that of the API key that makes it"
                )
            else:
                assert answer.json()["expires_at"] == expected
                made.append({"X-API-KEY": answer.json()["api_key"]})
    grandchild = await make(application, made[0])

    assert await lives(application, grandchild)
    application.clock.advance(60)
    for key in (maker, grandchild, *made):
        assert not await lives(application, key)


async def test_a_key_takes_along_what_it_made_and_what_that_made(
    application: Application, api: ApiFixture
) -> None:
    session = await open_session(application.database, api.user, application.clock.now())
    top = await make(application, session)
    child = await make(application, top)
    of_code = await make(application, child, access_code=api.code.access_code)
    below = await make(application, of_code)
    beside = await make(application, session)

    await revoke(application, child, api.user.headers)

    for key, expected in ((top, True), (beside, True), (child, False), (of_code, False)):
        assert await lives(application, key) == expected
    assert not await lives(application, below)
    assert await lives(application, api.code.headers)
    lines = await read(
        application,
        "SELECT subject, actor, api_key FROM audit_log WHERE action = 'api_key.revoke'",
    )
    by = (api.user.account_id, prefix_of(api.user.headers))
    assert sorted(lines) == sorted((prefix_of(key), *by) for key in (child, of_code, below))


async def test_children_are_kept_if_wished_and_go_when_it_is_wished_no_more(
    application: Application, user: Person
) -> None:
    top = await make(application, user.headers)
    child = await make(application, top)
    below = await make(application, child)

    await revoke(application, top, top, "?keep_children=true")
    assert [await lives(application, key) for key in (top, child, below)] == [False, True, True]
    await revoke(application, child, user.headers, "?keep_children=true")
    assert [await lives(application, key) for key in (top, child, below)] == [False, False, True]
    await revoke(application, top, user.headers)
    assert not await lives(application, below)

    odd = f"/api/api_keys/{prefix_of(top)}?keep_children="
    for value in ("yes", "1", "True", "null"):
        answer = await application.http.delete(odd + value, headers=user.headers)
        assert refusal(answer) == problems.must_be("keep_children", "true or false")


async def test_the_audit_log_says_by_which_key_each_action_was_done(
    application: Application, user: Person
) -> None:
    await learn_limits(application)
    for expected in (prefix_of(user.headers), None):
        now = application.clock.now()
        by = user.headers if expected else await open_session(application.database, user, now)

        async def do(path: str, body: object, by: Headers = by) -> httpx.Response:
            answer = await ask(application, path, body, session=by)
            assert answer.is_success, answer.text
            return answer

        [(before,)] = await read(application, "SELECT coalesce(max(id), 0) FROM audit_log")
        key = await do("api_keys", {})
        await revoke(application, {"X-API-KEY": key.json()["api_key"]}, by)
        code = (await do("access_codes", {"credits": 1})).json()["access_code"]
        await do(f"access_codes/{code}/credits", {"credits": 1})
        await do("create_new_assessment", {**QUESTION, "fresh": True})
        batch = {"access_code": code, "questions": [QUESTION]}
        await do("create_new_assessments_for_access_code", batch)
        order = (await do("new_order", ORDER)).json()["order_id"]
        await do(f"orders/{order}/cancel", {})
        await do(f"access_codes/{code}/deactivate", {})
        await do("change_password", {"password": PASSWORD, "new_password": PASSWORD})

        lines = await read(
            application,
            "SELECT action, api_key FROM audit_log WHERE actor = :actor AND id > :before",
            actor=user.account_id,
            before=before,
        )
        assert {action for action, _ in lines} == {
            *("api_key.create", "api_key.revoke", "access_code.create", "access_code.deactivate"),
            *("ledger.transfer", "ledger.assessment", "order.cancel", "user.change_password"),
        }
        assert {api_key for _, api_key in lines} == {expected}


async def test_a_key_that_was_revoked_meanwhile_makes_none(
    application: Application, user: Person
) -> None:
    database, now = application.database, application.clock.now()
    by = Actor(user.account_id, "test", prefix_of(user.headers))
    async with database.sessions() as session:
        await api_keys.revoke(session, by.api_key or "", owner=None, actor=ACTOR, now=now)
        with pytest.raises(InvalidApiKey):
            async with session.begin():
                await api_keys.create(
                    session, account_id=user.account_id, wish=KeyWish(), actor=by, now=now
                )


async def test_no_key_slips_through_a_revocation(committed_database: Database) -> None:
    now = datetime.fromisoformat("2026-01-11T12:46:03Z")
    user = await make_user(committed_database, now)

    async def make_below(parent: str) -> str:
        actor = Actor(user.account_id, "test", parent)
        async with committed_database.sessions() as session, session.begin():
            key = await api_keys.create(
                session, account_id=user.account_id, wish=KeyWish(), actor=actor, now=now
            )
        return key.facts.prefix

    async def make_two_below(parent: str) -> None:
        await make_below(await make_below(parent))

    async def revoke_it(prefix: str) -> None:
        async with committed_database.sessions() as session:
            await api_keys.revoke(session, prefix, owner=None, actor=ACTOR, now=now)

    top = prefix_of(user.headers)
    await make_below(top)
    outcomes = await asyncio.gather(
        *(make_two_below(top) for _ in range(4)),
        revoke_it(top),
        *(make_two_below(top) for _ in range(4)),
        return_exceptions=True,
    )

    assert {type(one) for one in outcomes} <= {type(None), InvalidApiKey}
    async with committed_database.reading() as connection:
        living = await connection.execute(
            text("SELECT prefix FROM api_keys WHERE revoked_at IS NULL")
        )
    assert living.all() == []


_ANOTHER = (
    "INSERT INTO api_keys SELECT 'another', secret_hash, account_id, created_at, {expiry}, NULL,"
    " {parent} FROM api_keys WHERE prefix = :child"
)


async def test_the_database_refuses_a_key_that_outlives_its_maker(
    application: Application, user: Person
) -> None:
    now = application.clock.now()
    end = now + timedelta(seconds=60)
    parent = await make_key(application.database, user.account_id, now, expires_at=end)
    names = {
        "parent": parent.split("_")[1],
        "child": prefix_of(await make(application, {"X-API-KEY": parent})),
    }
    change = "UPDATE api_keys SET {} WHERE prefix = :{}"
    for statement, reason in (
        (change.format("expires_at = NULL", "child"), "would outlive"),
        (change.format("expires_at = expires_at + interval '1 s'", "child"), "would outlive"),
        (change.format("expires_at = expires_at - interval '1 s'", "parent"), "would outlive"),
        (change.format("parent_prefix = NULL", "child"), "cannot change"),
        (_ANOTHER.format(expiry="NULL", parent=":parent"), "would outlive"),
        (_ANOTHER.format(expiry="expires_at", parent="'nobody'"), "fk_api_keys_parent_prefix"),
    ):
        used = {name: value for name, value in names.items() if f":{name}" in statement}
        with pytest.raises(DBAPIError, match=reason):
            await execute(application, statement, **used)
    await execute(application, change.format("revoked_at = now()", "child"), child=names["child"])
    with pytest.raises(DBAPIError, match="is revoked and can make no other"):
        await execute(
            application,
            _ANOTHER.format(expiry="expires_at", parent="prefix"),
            child=names["child"],
        )
