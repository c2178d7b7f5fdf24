"""What a key may do: scopes, reading alone, networks; and what it may give to keys that it makes."""

from collections.abc import Mapping
from typing import Any, Final

import httpx
import pytest
from sqlalchemy.exc import DBAPIError

from tests.api import problems
from tests.api.asking import ask, execute, look, open_session, refusal
from tests.api.authorization import SCOPES, Scoped
from tests.api.conftest import ApiFixture
from tests.support.application import Application, open_application
from tests.support.people import Person

Headers = Mapping[str, str]
SEVEN: Final = (
    "orders:read",
    "orders:write",
    "assessments:read",
    "assessments:write",
    "codes",
    "keys",
    "webhooks",
)
BAD_SCOPES: Final = problems.must_be("scopes", "a list of at least one of: " + ", ".join(SEVEN))
BAD_NETWORKS: Final = problems.must_be(
    "ip_allow_list",
    "a list of 1 to 50 networks in CIDR form, such as 203.0.113.0/24 or 2001:db8::/32, without bits"
    " beyond the prefix",
)


async def make(application: Application, by: Headers, **body: Any) -> Headers:  # noqa: ANN401
    """Make a key; return the header that carries it."""
    answer = await application.http.post("/api/api_keys", json=body, headers=by)
    assert answer.status_code == 201, answer.text
    return {"X-API-KEY": answer.json()["api_key"]}


async def call(application: Application, operation: str, key: Headers) -> httpx.Response:
    """Ask for something that does not exist, with a body that says nothing."""
    method, path = operation.split(" ")
    place = path.format(
        access_code="0" * 16,
        order_id="ord_1",
        assessment_id="asm_1",
        prefix="0" * 10,
        webhook_endpoint_id="whe_1",
        webhook_delivery_id="whd_1",
    )
    body: dict[str, object] | None = {} if method in ("POST", "PATCH") else None
    return await application.http.request(method, place, json=body, headers=key)


def scopeless(answer: httpx.Response) -> bool:
    """Say whether an answer is about something else than the limits of a key."""
    codes = {"missing_scope", "read_only_key", "address_not_allowed"}
    return not answer.is_error or answer.json()["code"] not in codes


async def test_each_operation_asks_for_its_scope_and_no_other(
    application: Application, api: ApiFixture
) -> None:
    with_it = {one: await make(application, api.user.headers, scopes=[one]) for one in SEVEN}
    without = {
        one: await make(
            application, api.user.headers, scopes=[other for other in SEVEN if other != one]
        )
        for one in SEVEN
    }

    for operation, scoped in SCOPES.items():
        if scoped.scope is None:
            assert scopeless(await call(application, operation, without["keys"])), operation
            continue
        refused = await call(application, operation, without[scoped.scope])
        assert refusal(refused) == problems.missing_scope(scoped.scope), operation
        assert scopeless(await call(application, operation, with_it[scoped.scope])), operation


async def test_a_read_only_key_changes_nothing_whatever_its_scopes(
    application: Application, api: ApiFixture
) -> None:
    key = await make(application, api.user.headers, read_only=True)
    narrow = await make(application, api.user.headers, read_only=True, scopes=["codes"])

    for operation, scoped in SCOPES.items():
        answer = await call(application, operation, key)
        if scoped.changes:
            assert refusal(answer) == problems.read_only_key(scoped.scope or "the account"), (
                operation
            )
        else:
            assert scopeless(answer), operation
    assert (await look_by(application, "access_codes", narrow)).status_code == 200
    refused = await application.http.post("/api/access_codes", json={}, headers=narrow)
    assert refusal(refused) == problems.read_only_key("codes")
    orders = await look_by(application, "orders", narrow)
    assert refusal(orders) == problems.missing_scope("orders:read")


async def look_by(application: Application, path: str, key: Headers) -> httpx.Response:
    return await application.http.get(f"/api/{path}", headers=key)


def test_the_table_of_scopes_has_every_operation_that_needs_a_caller(
    running: Application,
) -> None:
    document = running.app.openapi()["paths"]
    offered = {
        f"{method.upper()} {path}": operation.get("x-required-scope")
        for path, methods in document.items()
        for method, operation in methods.items()
        if operation["security"]
    }

    assert offered == {operation: scoped.scope for operation, scoped in SCOPES.items()}
    assert {scoped.scope for scoped in SCOPES.values()} <= {None, *SEVEN}
    for operation, scoped in SCOPES.items():
        if operation.startswith("GET"):
            assert not scoped.changes
    assert isinstance(SCOPES["GET /api/orders"], Scoped)


async def test_a_session_and_a_key_without_limits_have_every_scope(
    application: Application, api: ApiFixture
) -> None:
    session = await open_session(application.database, api.user, application.clock.now())

    for headers in (session, api.user.headers):
        for operation in SCOPES:
            if operation != "POST /api/logout":
                assert scopeless(await call(application, operation, headers)), operation


# What a key gives to another


async def test_a_key_gives_no_scope_that_it_lacks(
    application: Application, api: ApiFixture
) -> None:
    maker = await make(application, api.user.headers, scopes=["keys", "orders:read"])

    same = await application.http.post("/api/api_keys", json={}, headers=maker)
    fewer = await application.http.post(
        "/api/api_keys", json={"scopes": ["orders:read"]}, headers=maker
    )
    for code in ({}, {"access_code": api.code.access_code}):
        more = await application.http.post(
            "/api/api_keys", json={"scopes": ["orders:read", "orders:write"], **code}, headers=maker
        )
        assert refusal(more) == problems.missing_scope("orders:write")

    assert same.json()["scopes"] == ["orders:read", "keys"]
    assert fewer.json()["scopes"] == ["orders:read"]


async def test_a_key_gives_no_network_beyond_its_own(
    application: Application, api: ApiFixture
) -> None:
    own = ["10.0.0.0/8", "2001:db8::/32"]
    maker = await make(application, api.user.headers, ip_allow_list=own)

    same = await application.http.post("/api/api_keys", json={}, headers=maker)
    narrow = ["10.1.0.0/16", "2001:db8:1::/48"]
    inner = await application.http.post(
        "/api/api_keys", json={"ip_allow_list": narrow}, headers=maker
    )
    for wide in (["10.0.0.0/7"], ["10.1.0.0/16", "0.0.0.0/0"], ["::/0"], ["192.0.2.1"]):
        refused = await application.http.post(
            "/api/api_keys", json={"ip_allow_list": wide}, headers=maker
        )
        assert refusal(refused) == problems.must_be(
            "ip_allow_list", "within that of the API key that makes it"
        ), wide

    assert same.json()["ip_allow_list"] == own
    assert inner.json()["ip_allow_list"] == narrow


_ANOTHER: Final = (
    "INSERT INTO api_keys (prefix, secret_hash, account_id, created_at, parent_prefix, read_only,"
    " scopes, ip_allow_list) SELECT 'AAAAAAAAAA', secret_hash, account_id, created_at, prefix,"
    " {} FROM api_keys WHERE prefix = :maker"
)


async def test_the_database_refuses_a_key_that_may_do_more_than_its_maker(
    application: Application, user: Person
) -> None:
    limited = await make(
        application, user.headers, scopes=["keys", "codes"], ip_allow_list=["10.0.0.0/8"]
    )
    reader = await make(application, user.headers, read_only=True)
    right = "ARRAY['codes'], ARRAY['10.1.0.0/16']"

    for maker, limits, reason in (
        (limited, "false, NULL, ARRAY['10.1.0.0/16']", "would be allowed more"),
        (limited, "false, ARRAY['codes', 'webhooks'], ARRAY['10.1.0.0/16']", "allowed more"),
        (limited, "false, ARRAY['codes'], NULL", "allowed more"),
        (limited, "false, ARRAY['codes'], ARRAY['10.1.0.0/16', '11.0.0.0/16']", "allowed more"),
        (limited, "false, ARRAY['codes'], ARRAY['10.0.0.0/7']", "allowed more"),
        (limited, "false, ARRAY['codes'], ARRAY['nowhere']", "invalid input syntax"),
        (reader, "true, NULL, NULL", "allowed more"),
        (user.headers, "false, ARRAY['all'], NULL", "ck_api_keys_scopes"),
        (user.headers, "false, ARRAY[]::text[], NULL", "ck_api_keys_scopes"),
    ):
        with pytest.raises(DBAPIError, match=reason):
            await execute(application, _ANOTHER.format(limits), maker=prefix_of(maker))
    for change in ("scopes = NULL", "read_only = true", "ip_allow_list = NULL"):
        with pytest.raises(DBAPIError, match="may do cannot change"):
            await execute(
                application,
                f"UPDATE api_keys SET {change} WHERE prefix = :it",  # noqa: S608
                it=prefix_of(limited),
            )
    await execute(application, _ANOTHER.format(f"false, {right}"), maker=prefix_of(limited))


def prefix_of(key: Headers) -> str:
    return key["X-API-KEY"].split("_")[1]


# From where


async def from_address(application: Application, address: str, key: Headers) -> httpx.Response:
    transport = httpx.ASGITransport(application.app, client=(address, 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://assay.test") as http:
        return await http.get("/api/check_self_status", headers=key)


async def test_a_key_works_from_its_networks_alone(application: Application, user: Person) -> None:
    key = await make(
        application,
        user.headers,
        ip_allow_list=["203.0.113.0/25", "2001:db8::/32", "::ffff:198.51.100.7/128"],
    )

    for address in (
        "203.0.113.0",
        "203.0.113.127",
        "::ffff:203.0.113.9",
        "2001:db8:ffff::1",
        "198.51.100.7",
    ):
        assert (await from_address(application, address, key)).status_code == 200, address
    for address in ("203.0.113.128", "198.51.100.8", "2001:db9::1", "::1", "not an address"):
        refused = await from_address(application, address, key)
        assert refusal(refused) == problems.ADDRESS_NOT_ALLOWED, address
    forwarded = await application.http.get(
        "/api/check_self_status", headers={**key, "X-Forwarded-For": "203.0.113.1"}
    )
    assert refusal(forwarded) == problems.ADDRESS_NOT_ALLOWED  # no proxy is trusted


async def test_behind_a_trusted_proxy_an_address_is_what_the_proxy_states(
    application: Application, user: Person
) -> None:
    key = await make(application, user.headers, ip_allow_list=["203.0.113.0/24", "2001:db8::/32"])
    proxied = open_application(application.database, trusted_proxies="10.9.0.0/16")

    async with proxied as behind:
        transport = httpx.ASGITransport(behind.app, client=("10.9.0.1", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://assay.test") as http:
            for stated, expected in (
                ("203.0.113.9", 200),
                ("2001:db8::7", 200),
                ("203.0.113.9, 10.9.4.4", 200),
                ("198.51.100.1", 403),
                ("203.0.113.9, 198.51.100.1", 403),  # what a client invents stands on the left
                ("", 403),
            ):
                headers = {**key, "X-Forwarded-For": stated}
                answer = await http.get("/api/check_self_status", headers=headers)
                assert answer.status_code == expected, stated


# What is no limit


async def test_what_is_no_scope_or_no_network_is_refused(
    application: Application, user: Person
) -> None:
    scopes: list[object] = [
        *(["orders"], ["Orders:read"], ["orders:read", "admin"], "orders:read", [7], [None], {}),
        *([], ["keys"] * 101, 7, True),
    ]
    networks: list[object] = [
        *(["203.0.113.1/24"], ["203.0.113.0/33"], ["example.com"], ["10.0.0.0/8 "], [""], [7]),
        *("10.0.0.0/8", [], ["10.0.0.1"] * 51, ["2001:db8::1/32"], ["10.0.0.0/8/8"], [167772160]),
    ]
    for value in scopes:
        answer = await ask(application, "api_keys", {"scopes": value}, user)
        assert refusal(answer) == BAD_SCOPES, value
    for value in networks:
        answer = await ask(application, "api_keys", {"ip_allow_list": value}, user)
        assert refusal(answer) == BAD_NETWORKS, value
    one = await ask(application, "api_keys", {"ip_allow_list": ["10.0.0.1", "::1"]}, user)
    assert one.json()["ip_allow_list"] == ["10.0.0.1/32", "::1/128"]


# What is told of a key


async def test_a_key_tells_its_name_its_owner_and_its_limits_in_the_answer_and_in_lists(
    application: Application, api: ApiFixture
) -> None:
    limits = {
        "name": "shop",
        "scopes": ["keys", "orders:read", "keys"],
        "read_only": True,
        "ip_allow_list": ["10.0.0.0/8"],
    }
    code = {"access_code": api.code.access_code}
    made = (await ask(application, "api_keys", {**limits, **code}, api.user)).json()

    expected = {
        **limits,
        "scopes": ["orders:read", "keys"],
        "owner": api.code.account_id,
        "access_code": api.code.access_code,
        "last_used_at": None,
    }
    assert {name: made[name] for name in expected} == expected
    del made["api_key"]
    of_code = f"api_keys?access_code={api.code.access_code}"
    assert made in (await look(application, of_code, api.user)).json()["items"]
    assert made in (await look(application, "api_keys", api.code)).json()["items"]
    assert made not in (await look(application, "api_keys", api.user)).json()["items"]
    foreign = f"api_keys?access_code={api.foreign_code.access_code}"
    assert refusal(await look(application, foreign, api.user)) == problems.ACCESS_CODE_NOT_FOUND


# When it was used


@pytest.fixture(autouse=True)
def unused(running: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget the uses that other tests noted."""
    monkeypatch.setattr(running.resources.key_uses, "_unsaved", {})
    monkeypatch.setattr(running.resources.key_uses, "_noted", set())


async def last_use(application: Application, by: Person) -> object:
    await application.resources.key_uses.save(application.database)
    items = (await look(application, "api_keys", by)).json()["items"]
    return items[-1]["last_used_at"]


async def test_the_last_use_of_a_key_is_told_to_the_minute(
    application: Application, api: ApiFixture
) -> None:
    await look(application, "orders", api.user)
    first = await last_use(application, api.user)
    application.clock.advance(57)
    await look(application, "orders", api.user)
    later = await last_use(application, api.user)

    assert (first, later) == ("2026-01-11T12:46:00Z", "2026-01-11T12:47:00Z")


async def test_a_use_is_written_once_a_minute_and_not_by_the_request(
    application: Application, api: ApiFixture
) -> None:
    uses = application.resources.key_uses
    for _ in range(3):
        await look(application, "orders", api.user)
        assert await nothing_written(application, api.user)
    assert len(uses._unsaved) == 1
    await uses.save(application.database)
    application.clock.advance(30)
    await look(application, "orders", api.user)
    assert uses._unsaved == {}
    application.clock.advance(30)
    await look(application, "orders", api.user)
    assert len(uses._unsaved) == 1


async def nothing_written(application: Application, by: Person) -> bool:
    items = (await look(application, "api_keys", by)).json()["items"]
    return items[-1]["last_used_at"] is None


async def test_a_use_that_could_not_be_written_is_written_later(
    application: Application, api: ApiFixture
) -> None:
    await look(application, "orders", api.user)
    with pytest.raises(AttributeError):
        await application.resources.key_uses.save(None)  # type: ignore[arg-type]

    assert await last_use(application, api.user) == "2026-01-11T12:46:00Z"
