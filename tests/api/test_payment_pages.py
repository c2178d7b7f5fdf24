"""Payment pages over HTTP: who gets a link, what it opens, for how long, and what it never shows."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, Final

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncConnection
from structlog.testing import capture_logs

from app.runtime.db.engine import create_database
from app.runtime.security import hash_token
from tests.api import problems
from tests.api.asking import anonymised, ask, execute, read, refusal
from tests.api.conftest import ApiFixture
from tests.api.test_order_status import ABSENT, UNPAID, accept, place, report
from tests.api.test_orders_in_bitcoin import FIRST, ORDER, order_of
from tests.orders.wallet.keys import BIP84_ZPUB
from tests.support.application import Application, open_application
from tests.support.bitcoin_orders import BitcoinOrder, output
from tests.support.cases import each_case
from tests.support.databases import LentDatabase
from tests.support.people import Person

SHOP: Final = "https://shop.example.com"
RULE: Final = (
    "an absolute https URL of at most 2000 visible ASCII characters, without \\ and without a user"
    " name; plain http only on a private host, and of an origin that the operator of this server"
    " allows in ASSAY_PAYMENT_PAGE_RETURN_ORIGINS"
)
LINK: Final = re.compile(r"http://assay\.test/pay/[A-Za-z0-9]{43}")


@pytest.fixture(scope="module")
async def running(outer: AsyncConnection) -> AsyncIterator[Application]:
    """An application that takes bitcoin, and whose pages lead back to a shop."""
    async with open_application(
        LentDatabase(outer),
        bitcoin_descriptor=BIP84_ZPUB,
        esplora_url=("http://127.0.0.1:9/esplora",),
        payment_page_return_origins=(SHOP,),
    ) as application:
        yield application


@pytest.fixture
async def placed(application: Application, user: Person) -> BitcoinOrder:
    answer = await ask(application, "new_order", ORDER, user)
    return order_of(application, answer.json()["order_id"])


async def link_to(application: Application, order_id: str, by: Person, **body: object) -> str:
    """Return the path of a new link."""
    answer = await ask(application, f"orders/{order_id}/payment_page", body, by)
    assert answer.status_code == 201, answer.text
    return httpx.URL(answer.json()["url"]).path


async def page(application: Application, path: str) -> str:
    answer = await application.http.get(path)
    assert answer.status_code == 200, answer.text
    return answer.text


def state_of(text: str) -> str:
    [state] = re.findall(r'data-state="(\w+)"', text)
    return str(state)


async def test_a_link_is_answered_once_and_opens_the_page_without_credentials(
    application: Application, user: Person, placed: BitcoinOrder
) -> None:
    answer = await application.http.post(
        f"/api/orders/{placed.id}/payment_page", headers=user.headers
    )

    assert answer.status_code == 201
    assert answer.json().keys() == {"url", "expires_at"}
    assert LINK.fullmatch(answer.json()["url"])
    assert answer.json()["expires_at"] == "2026-01-12T12:46:03Z"
    shown = await application.http.get(httpx.URL(answer.json()["url"]).path)
    assert shown.status_code == 200
    assert state_of(shown.text) == "waiting"
    assert FIRST in shown.text
    assert f"bitcoin:{FIRST}?amount=0.005" in shown.text
    assert shown.headers["Content-Type"] == "text/html; charset=utf-8"


async def test_a_page_may_load_files_of_its_own_alone_and_is_kept_by_nobody(
    application: Application, user: Person, placed: BitcoinOrder
) -> None:
    path = await link_to(application, placed.id, user)
    headers = (await application.http.get(path)).headers
    lost = (await application.http.get("/pay/" + "0" * 43)).headers

    for each in (headers, lost):
        assert each["Content-Security-Policy"] == (
            "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self';"
            " img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
        assert each["Referrer-Policy"] == "no-referrer"
        assert each["X-Robots-Tag"] == "noindex, nofollow, noarchive"
        assert each["X-Content-Type-Options"] == "nosniff"
        assert each["Cache-Control"] == "no-store"


async def test_the_files_of_a_page_are_served_where_it_looks_for_them(
    application: Application, user: Person, placed: BitcoinOrder
) -> None:
    path = await link_to(application, placed.id, user)
    named = re.findall(r'(?:href|src)="(\.\./static/[^"]+)"', await page(application, path))

    assert len(named) == 2
    for name in named:
        found = await application.http.get(str(httpx.URL(f"http://assay.test{path}").join(name)))
        assert found.status_code == 200


async def test_a_page_follows_the_order_to_its_credits(
    application: Application, user: Person, placed: BitcoinOrder
) -> None:
    path = await link_to(application, placed.id, user)
    seen = []
    for rest in ((), (output(300_000, 0, number=2),), (output(300_000, 1, number=2),)):
        await placed.shown(output(200_000, 1), *rest)
        seen.append(state_of(await page(application, path)))
    await placed.shown(output(200_000), output(300_000, number=2))
    credited = await page(application, path)

    assert seen == ["part_paid", "seen", "confirming"]
    assert state_of(credited) == "credited"
    assert "Receipt of payment" in credited
    assert "http-equiv" not in credited, "it asks the server nothing more"


async def test_a_page_in_aeon_shows_integrated_address_and_payment_id(
    application: Application, user: Person
) -> None:
    order_id = await place(application, user)
    path = await link_to(application, order_id, user)
    assert state_of(await page(application, path)) == "preparing"
    await accept(application)
    await report(application, UNPAID)

    shown = await page(application, path)

    assert state_of(shown) == "waiting"
    assert "aeon:Sz4Dra9L" in shown
    assert UNPAID.required_payment_id_long is not None
    assert UNPAID.required_payment_id_long in shown
    await report(application, replace(UNPAID, state="TIMED_OUT"))
    assert state_of(await page(application, path)) == "timed_out"


async def test_an_order_of_a_stranger_is_none_and_whoever_sees_one_may_link_to_it(
    application: Application, api: ApiFixture
) -> None:
    gift = {"order_is_for_self": False, "access_code": api.code.access_code}
    order_id = await place(application, api.user, **gift)

    for by in (api.user, api.code):
        await link_to(application, order_id, by)
    foreign = await ask(application, f"orders/{order_id}/payment_page", {}, api.stranger)
    absent = await ask(application, f"orders/{ABSENT}/payment_page", {}, api.stranger)
    odd = await ask(application, "orders/%00/payment_page", {}, api.stranger)

    assert refusal(foreign) == problems.INVALID_ORDER_ID
    assert anonymised(foreign) == anonymised(absent) == anonymised(odd)
    assert await read(application, "SELECT count(*) FROM payment_pages") == [(2,)]


async def test_the_page_of_a_gift_shows_neither_the_access_code_nor_any_account(
    application: Application, api: ApiFixture
) -> None:
    gift = {"order_is_for_self": False, "access_code": api.code.access_code}
    order_id = await place(application, api.user, **gift)
    await accept(application)
    await report(application, UNPAID)
    shown = await page(application, await link_to(application, order_id, api.user))

    for private in (api.code.access_code, api.user.account_id, api.user.email, "acc_"):
        assert str(private) not in shown


async def test_a_link_ends_when_it_said_and_the_sweep_forgets_it(
    application: Application, user: Person, placed: BitcoinOrder
) -> None:
    path = await link_to(application, placed.id, user, expires_in_seconds=300)
    application.clock.advance(299)
    assert (await application.http.get(path)).status_code == 200
    application.clock.advance(1)

    over = await application.http.get(path)
    never = await application.http.get("/pay/" + "a" * 43)
    odd = [await application.http.get(f"/pay/{token}") for token in ("x", "%00", "a" * 44, "ä")]

    assert {each.status_code for each in (over, never, *odd)} == {404}
    assert {each.text for each in (over, never, *odd)} == {over.text}
    assert "This link is not valid" in over.text


async def test_the_database_has_a_hash_of_the_token_and_no_log_has_the_token(
    application: Application, user: Person, placed: BitcoinOrder
) -> None:
    key = {"Idempotency-Key": "one"}
    with capture_logs() as lines:
        made = await application.http.post(
            f"/api/orders/{placed.id}/payment_page", headers={**user.headers, **key}
        )
        path = httpx.URL(made.json()["url"]).path
        for asked in (path, path + "/", path + "/events/more", path[:-1]):
            await application.http.get(asked)
    token = path.rpartition("/")[2]

    rows = await read(application, "SELECT token_hash FROM payment_pages")
    kept = await read(application, "SELECT body FROM idempotency_keys")
    assert rows == [(hash_token(token),)]
    assert all(token.encode() not in body for (body,) in kept), "it is sealed"
    routes = [line["route"] for line in lines if line["event"] == "request"]
    assert "/pay/{token}" in routes
    assert token not in str(lines)
    assert token[:12] not in str(lines)


async def test_a_request_repeated_under_its_key_is_given_the_same_link(
    application: Application, user: Person, placed: BitcoinOrder
) -> None:
    path, key = f"/api/orders/{placed.id}/payment_page", {"Idempotency-Key": "one"}
    first = await application.http.post(path, headers={**user.headers, **key})
    again = await application.http.post(path, headers={**user.headers, **key})
    other = await application.http.post(
        path, json={"expires_in_seconds": 300}, headers={**user.headers, **key}
    )

    assert first.content == again.content
    assert refusal(other)[0] == 422
    assert await read(application, "SELECT count(*) FROM payment_pages") == [(1,)]


@each_case(
    ("body", "name", "allowed"),
    [
        ({"expires_in_seconds": 299}, "expires_in_seconds", "a whole number from 300 to 2592000"),
        (
            {"expires_in_seconds": 2_592_001},
            "expires_in_seconds",
            "a whole number from 300 to 2592000",
        ),
        ({"expires_in_seconds": "300"}, "expires_in_seconds", "a whole number from 300 to 2592000"),
        (
            {"return_url": 1},
            "return_url",
            "a string of at most 2000 characters without control characters",
        ),
        *(
            ({"return_url": url}, "return_url", RULE)
            for url in (
                "https://evil.example/",
                "https://shop.example.com.evil.example/",
                "https://shop.example.com@evil.example/",
                "https://evil.example\\@shop.example.com/",
                "http://shop.example.com/",
                "https://shop.example.com:8443/",
                "//shop.example.com/",
                "javascript:alert(1)",
            )
        ),
    ],
)
async def test_a_wish_that_cannot_be_is_400_and_makes_no_link(
    application: Application,
    user: Person,
    placed: BitcoinOrder,
    *,
    body: dict[str, Any],
    name: str,
    allowed: str,
) -> None:
    answer = await ask(application, f"orders/{placed.id}/payment_page", body, user)

    assert refusal(answer) == problems.must_be(name, allowed)
    assert await read(application, "SELECT count(*) FROM payment_pages") == [(0,)]


async def test_a_page_leads_back_to_an_allowed_origin_and_not_to_one_that_was_allowed(
    application: Application, user: Person, placed: BitcoinOrder
) -> None:
    path = await link_to(application, placed.id, user, return_url=f"{SHOP}/thanks?order=1&a=b")
    shown = await page(application, path)
    await execute(
        application, "UPDATE payment_pages SET return_url = 'https://was.example.com/thanks'"
    )
    later = await page(application, path)

    assert f'<a href="{SHOP}/thanks?order=1&amp;a=b" rel="noreferrer">' in shown
    assert "Back to shop.example.com" in shown
    assert "was.example.com" not in later


async def test_a_host_that_the_request_names_is_no_part_of_the_link(
    application: Application, user: Person, placed: BitcoinOrder
) -> None:
    names = ("Host", "X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded", "X-Original-URL")
    lies = dict.fromkeys(names, "evil.example")
    answer = await application.http.post(
        f"/api/orders/{placed.id}/payment_page", headers={**user.headers, **lies}
    )

    assert LINK.fullmatch(answer.json()["url"])


async def test_a_link_begins_with_the_public_url_where_one_is_set(
    outer: AsyncConnection, application: Application, user: Person
) -> None:
    order_id = await place(application, user)
    async with open_application(
        LentDatabase(outer), public_url="https://pay.example.com/assay"
    ) as public:
        answer = await ask(public, f"orders/{order_id}/payment_page", {}, user)

    assert re.fullmatch(r"https://pay\.example\.com/assay/pay/\w{43}", answer.json()["url"])


async def test_a_page_says_so_while_the_database_is_away_and_tries_again() -> None:
    database = create_database("postgresql+asyncpg://assay@127.0.0.1:1/assay")
    with capture_logs() as lines:
        async with open_application(database) as cut_off:
            answer = await cut_off.http.get("/pay/" + "a" * 43)
    await database.dispose()

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "Not available at the moment" in answer.text
    assert '<meta http-equiv="refresh" content="5">' in answer.text
    assert "a" * 43 not in str(lines)


async def test_a_head_is_answered_like_the_page_without_it(
    application: Application, user: Person, placed: BitcoinOrder
) -> None:
    path = await link_to(application, placed.id, user)
    answer = await application.http.head(path)
    assert (answer.status_code, answer.content) == (200, b"")
