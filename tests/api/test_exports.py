"""Exports: what a list shows, all of it, as CSV and as JSON Lines, with the prices of the time."""

import csv
import io
import json
from collections.abc import AsyncIterator, MutableMapping
from dataclasses import replace
from typing import Any, Final

import pytest
from sqlalchemy import text

from app.runtime.db.engine import create_database
from app.web import exports
from tests.api import problems
from tests.api.asking import ask, learn_limits, look, refusal
from tests.api.conftest import ApiFixture
from tests.api.ordering import ORDER
from tests.api.test_order_status import ADDRESS, UNPAID, accept, report
from tests.support.application import Application, open_application
from tests.support.cases import all_cases
from tests.support.people import Person, make_user

QUESTION: Final = {
    "assessment_type": "address",
    "address": "12Cyjf3qV6qLyXdzpLSLPdRFPUVidvnzFM",
    "currency": "BTC",
    "fresh": True,
}
EXPORTS: Final = ("orders", "assessments", "ledger")
# What JSON Lines has beside what the list shows.
MORE: Final = {
    "orders": {"coin_amount"},
    "assessments": {"credits_charged"},
    "ledger": {"credit_price_btc", "btc_amount", "payment_coin", "client_reference"},
}
FORMAT: Final = problems.must_be("format", "one of: csv, jsonl")


async def exported(
    application: Application, path: str, by: Person, query: str = ""
) -> list[dict[str, Any]]:
    answer = await look(application, f"{path}/export?format=jsonl{query}", by)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/jsonl"
    assert answer.text == "" or answer.text.endswith("\n")
    return [json.loads(line) for line in answer.text.splitlines()]


async def table(
    application: Application, path: str, by: Person, query: str = ""
) -> list[dict[str, str]]:
    answer = await look(application, f"{path}/export?format=csv{query}", by)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8; header=present"
    return list(csv.DictReader(io.StringIO(answer.text, newline=""), strict=True))


async def fill(application: Application, by: Person, **labels: object) -> None:
    """Let there be five of everything."""
    for number in range(5):
        application.clock.advance(number % 2)
        for path, body in (("new_order", ORDER), ("create_new_assessment", QUESTION)):
            answer = await ask(application, path, body | labels, by)
            assert answer.status_code == 201, answer.text


async def test_lines_are_what_the_list_shows_on_however_many_pages(
    application: Application, api: ApiFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    await learn_limits(application)
    await fill(application, api.user, client_reference="a", metadata={"b": "c"})
    for path in EXPORTS:
        for filters in ("", "&created_after=2026-01-11T12:46:04Z"):
            listed = (await look(application, f"{path}?limit=100{filters}", api.user)).json()
            assert len(listed["items"]) >= 3
            for length in (1, 2, 100):
                monkeypatch.setattr(exports, "PAGE_LENGTH", length)
                found = await exported(application, path, api.user, filters)
                plain = [
                    {name: value for name, value in one.items() if name not in MORE[path]}
                    for one in found
                ]
                assert all(one.keys() >= MORE[path] for one in found)
                if path == "ledger":  # the reference is of the order
                    assert [one["client_reference"] for one in found] == [None] * len(found)
                assert plain == listed["items"], (path, filters, length)
                assert len(await table(application, path, api.user, filters)) == len(plain)


async def test_an_export_has_the_filters_of_its_list(
    application: Application, api: ApiFixture
) -> None:
    await learn_limits(application)
    own, code = api.code.access_code, api.code
    await fill(application, code, client_reference="n")
    gift = {**ORDER, "order_is_for_self": False, "access_code": own}
    await ask(application, "new_order", gift, api.user)
    with all_cases() as cases:
        for query, number in (
            (f"orders/export?format=csv&access_code={own}", 6),
            (f"orders/export?access_code={own}&client_reference=n", 5),
            ("orders/export?status=TO_BE_CREATED", 6),
            ("orders/export?status=PAID", 0),
            (f"assessments/export?access_code={own}", 5),
            (f"assessments/export?access_code={own}&status=failed", 0),
            ("assessments/export", 0),
            (f"ledger/export?access_code={own}", 6),
            ("ledger/export?created_before=2020-01-01T00:00:00Z", 0),
        ):
            with cases.case(query):
                answer = await look(application, query, api.user)
                assert answer.text.count("\r\n") == 1 + number
    assert await exported(application, "orders", api.user, "&status=PAID") == []


async def test_an_order_and_its_purchase_have_the_prices_of_the_time(
    application: Application, api: ApiFixture
) -> None:
    await learn_limits(application)
    labelled = {**ORDER, "client_reference": "№ 1", "metadata": {"a": 'b,"c'}}
    order_id = (await ask(application, "new_order", labelled, api.stranger)).json()["order_id"]
    await accept(application)
    await report(application, UNPAID)
    for state in ("PAID", "BTC_SENT"):
        await report(application, replace(UNPAID, state=state))

    [order] = await table(application, "orders", api.stranger)
    assert order == {
        "order_id": order_id,
        "status": "BTC_SENT",
        "settled": "true",
        "created_at": "2026-01-11T12:46:03Z",
        "updated_at": "2026-01-11T12:46:18Z",
        "number_of_credits": "10",
        "credit_price_btc": "0.0005",
        "btc_amount": "0.005",
        "payment_coin": "Aeon",
        "payment_network": "AEON",
        "coin_amount": "14.4265105",
        "credits_granted": "10",
        "grant_price_btc": "0.0005",
        "amount_received": "",
        "expires_at": "2026-01-11T13:01:03Z",
        "btc_transaction_id": "",
        "failure_reason": "",
        "client_reference": "№ 1",
        "metadata": '{"a":"b,\\"c"}',
    }
    [entry] = await table(application, "ledger", api.stranger)
    assert entry == {
        "at": "2026-01-11T12:46:18Z",
        "kind": "purchase",
        "credits": "10",
        "balance_after": "10",
        "credit_price_btc": "0.0005",
        "btc_amount": "0.005",
        "payment_coin": "Aeon",
        "order_id": order_id,
        "assessment_id": "",
        "client_reference": "№ 1",
    }
    [line] = await exported(application, "orders", api.stranger)
    assert (line["coin_amount"], line["payment"]["address"]) == ("14.4265105", ADDRESS)


async def test_an_assessment_says_what_it_cost_and_a_movement_keeps_its_sign(
    application: Application, api: ApiFixture
) -> None:
    made = await ask(application, "create_new_assessment", QUESTION, api.code)
    [one] = await table(application, "assessments", api.code)
    answer = made.json()["answer"]
    assert {name: one[name] for name in ("risk_score", "grade", "credits_charged", "as_of")} == {
        "risk_score": answer["risk_score"],
        "grade": answer["grade"],
        "credits_charged": "1",
        "as_of": "",
    }
    spent, _ = await table(application, "ledger", api.code)
    assert (spent["credits"], spent["credit_price_btc"]) == ("-1", "")


async def test_no_cell_is_read_as_a_formula_and_numbers_stay_numbers(
    application: Application, api: ApiFixture
) -> None:
    await learn_limits(application)
    with all_cases() as cases:
        for sent, written in (
            ("=1+1", "'=1+1"),
            ("+1+1", "'+1+1"),
            ("-1+1", "'-1+1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ('=HYPERLINK("http://a","b"),c', '\'=HYPERLINK("http://a","b"),c'),
            ("\uff1d1", "'\uff1d1"),
            ("+49 30 1", "'+49 30 1"),
            ("-5", "-5"),
            ("+1.50", "+1.50"),
            ("a=1", "a=1"),
            ("'=1", "'=1"),
        ):
            with cases.case(sent):
                await ask(application, "new_order", ORDER | {"client_reference": sent}, api.user)
                newest = (await table(application, "orders", api.user))[0]
                assert newest["client_reference"] == written
                [line, *_] = await exported(application, "orders", api.user)
                assert line["client_reference"] == sent
                application.clock.advance(1)
    assert exports.guarded("\t1") == "'\t1"
    assert exports.guarded("\r1") == "'\r1"


async def test_a_file_has_a_name_and_a_head_without_a_body(
    application: Application, api: ApiFixture
) -> None:
    await learn_limits(application)
    await fill(application, api.user)
    for path in EXPORTS:
        for form in ("csv", "jsonl"):
            url = f"/api/{path}/export?format={form}"
            got = await application.http.get(url, headers=api.user.headers)
            head = await application.http.head(url, headers=api.user.headers)
            now = f"{application.clock.now():%Y%m%dT%H%M%SZ}"
            name = f'attachment; filename="{path}-{now}.{form}"'
            assert got.headers["Content-Disposition"] == name
            assert (head.status_code, head.content) == (200, b"")
            assert head.headers["Content-Disposition"] == name


async def test_what_no_export_can_be_is_refused(application: Application, api: ApiFixture) -> None:
    for path in EXPORTS:
        for form in ("xml", "CSV", ""):
            answer = await look(application, f"{path}/export?format={form}", api.user)
            assert refusal(answer) == FORMAT, (path, form)
        answer = await look(application, f"{path}/export?limit=1", api.user)
        assert refusal(answer).code == "unknown_query_parameter"
        answer = await look(application, f"{path}/export?access_code={'0' * 16}", api.user)
        assert refusal(answer) == problems.ACCESS_CODE_NOT_FOUND


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Application]:
    """An application whose requests share one connection."""
    database = create_database(database_url, pool_size=1)
    async with open_application(database) as application:
        yield application
    await database.dispose()


async def test_a_slow_reader_holds_no_connection_and_no_part_passes_for_the_whole(
    shop: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "PAGE_LENGTH", 2)
    buyer = await make_user(shop.database, shop.clock.now(), credits_given=50)
    await learn_limits(shop)
    await fill(shop, buyer)
    messages: list[MutableMapping[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def read_slowly(message: MutableMapping[str, Any]) -> None:
        messages.append(message)
        others = await look(shop, "check_self_status", buyer)
        assert others.status_code == 200

    async def break_it(message: MutableMapping[str, Any]) -> None:
        await read_slowly(message)
        if len(messages) == 3:
            async with shop.database.sessions() as session, session.begin():
                await session.execute(text("ALTER TABLE orders RENAME TO hidden"))

    scope = {
        **{"type": "http", "method": "GET", "path": "/api/orders/export", "query_string": b""},
        **{"asgi": {"version": "3.0", "spec_version": "2.4"}, "http_version": "1.1"},
        **{"scheme": "http", "server": ("assay.test", 80), "client": ("127.0.0.1", 1)},
        "headers": [(b"x-api-key", buyer.api_key.encode())],
    }
    await shop.app(dict(scope), receive, read_slowly)
    assert messages[0]["status"] == 200, messages[1]
    assert [message.get("more_body") for message in messages] == [None, *[True] * 4, False]

    messages.clear()
    with pytest.raises(Exception, match="orders"):
        await shop.app(dict(scope), receive, break_it)
    assert [message.get("more_body") for message in messages] == [None, True, True]
