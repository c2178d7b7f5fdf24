"""A buyer has only so many open unpaid orders, on both rails together, whatever way it asks."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from sqlalchemy import text

from app.runtime.db.engine import create_database
from tests.api import problems
from tests.api.asking import ask, execute, read, refusal
from tests.api.ordering import ORDER, orders_made
from tests.api.test_idempotency import send
from tests.orders.wallet.keys import BIP84_ZPUB
from tests.support.application import Application, open_application
from tests.support.commands import commands_on, printed
from tests.support.people import Person, make_access_code, make_user

IN_BITCOIN = {**ORDER, "payment_coin": "Bitcoin", "payment_network": "BTC"}


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Application]:
    """An application that takes both coins, and three unpaid orders of one buyer."""
    database = create_database(database_url, pool_size=20)
    async with open_application(
        database,
        max_open_orders=3,
        bitcoin_descriptor=BIP84_ZPUB,
        esplora_url=("http://127.0.0.1:9/esplora",),
    ) as application:
        yield application
    await database.dispose()


@pytest.fixture
async def buyer(shop: Application) -> Person:
    return await make_user(shop.database, shop.clock.now())


async def fill(shop: Application, buyer: Person) -> list[str]:
    """Place as many orders as the limit allows, in both coins; return their ids."""
    answers = [await ask(shop, "new_order", body, buyer) for body in (ORDER, IN_BITCOIN, ORDER)]
    assert [answer.status_code for answer in answers] == [201, 201, 201]
    return [answer.json()["order_id"] for answer in answers]


def is_refused(answer: httpx.Response, limit: int = 3) -> bool:
    """Say whether an order was one too many."""
    return answer.status_code != 201 and refusal(answer) == problems.too_many_open_orders(limit)


async def test_one_order_beyond_the_limit_is_429_on_both_rails_and_changes_nothing(
    shop: Application, buyer: Person
) -> None:
    await fill(shop, buyer)
    shop.clock.advance(600)
    for body in (ORDER, IN_BITCOIN):
        answer = await ask(shop, "new_order", body, buyer)
        assert is_refused(answer)
        assert answer.headers["Retry-After"] == "3000", "the first of them times out then"
    assert await orders_made(shop) == 3
    assert await read(shop, "SELECT count(*) FROM bitcoin_addresses") == [(1,)]
    bad = await ask(shop, "new_order", {**ORDER, "number_of_credits": 0}, buyer)
    assert bad.status_code == 400

    other = await make_user(shop.database, shop.clock.now())
    assert (await ask(shop, "new_order", ORDER, other)).status_code == 201


async def test_fifty_orders_at_once_by_a_user_and_its_codes_are_as_many_as_the_limit(
    shop: Application, buyer: Person
) -> None:
    codes = [await make_access_code(shop.database, buyer, shop.clock.now()) for _ in range(4)]
    asked = [(body, by) for body in (ORDER, IN_BITCOIN) for by in (buyer, *codes)] * 5
    answers = await asyncio.gather(*(ask(shop, "new_order", body, by) for body, by in asked))

    assert sum(answer.status_code == 201 for answer in answers) == 3
    assert sum(is_refused(answer) for answer in answers) == 47
    assert await orders_made(shop) == 3


async def test_codes_share_the_limit_of_their_issuer_unless_they_have_one_of_their_own(
    shop: Application, buyer: Person
) -> None:
    old, new = [await make_access_code(shop.database, buyer, shop.clock.now()) for _ in range(2)]
    gift = {**ORDER, "order_is_for_self": False, "access_code": new.access_code}
    for body, by in ((ORDER, buyer), (IN_BITCOIN, old), (gift, buyer)):
        assert (await ask(shop, "new_order", body, by)).status_code == 201
    for by in (buyer, old, new):
        assert is_refused(await ask(shop, "new_order", ORDER, by))
    limit_of = "UPDATE accounts SET max_open_orders = :most WHERE id = :id"
    await execute(shop, limit_of, id=new.account_id, most=1)
    assert (await ask(shop, "new_order", ORDER, new)).status_code == 201
    assert is_refused(await ask(shop, "new_order", ORDER, new), limit=1)
    assert is_refused(await ask(shop, "new_order", ORDER, buyer))
    await execute(shop, limit_of, id=buyer.account_id, most=4)
    assert (await ask(shop, "new_order", ORDER, old)).status_code == 201
    assert is_refused(await ask(shop, "new_order", ORDER, buyer), limit=4)


async def test_cancelled_order_in_bitcoin_counts_until_it_would_have_timed_out(
    shop: Application, buyer: Person
) -> None:
    for _ in range(3):
        placed = (await ask(shop, "new_order", IN_BITCOIN, buyer)).json()
        assert (await ask(shop, f"orders/{placed['order_id']}/cancel", {}, buyer)).is_success
        shop.clock.advance(60)
    refused = await ask(shop, "new_order", IN_BITCOIN, buyer)
    assert is_refused(refused)
    assert refused.headers["Retry-After"] == str(3600 - 180)
    shop.clock.advance(3600 - 180)
    assert (await ask(shop, "new_order", IN_BITCOIN, buyer)).status_code == 201
    assert is_refused(await ask(shop, "new_order", IN_BITCOIN, buyer))
    assert await read(shop, "SELECT count(*) FROM bitcoin_addresses") == [(4,)]


async def test_cancelled_order_in_aeon_counts_no_more(shop: Application, buyer: Person) -> None:
    for _ in range(4):
        placed = (await ask(shop, "new_order", ORDER, buyer)).json()
        assert (await ask(shop, f"orders/{placed['order_id']}/cancel", {}, buyer)).is_success
    await fill(shop, buyer)


async def test_order_whose_time_is_over_counts_no_more_though_nobody_looked_at_it(
    shop: Application, buyer: Person
) -> None:
    await fill(shop, buyer)
    shop.clock.advance(3599)
    assert is_refused(await ask(shop, "new_order", ORDER, buyer))
    shop.clock.advance(1)
    await fill(shop, buyer)


async def test_only_an_order_that_is_unpaid_and_open_takes_a_place(
    shop: Application, buyer: Person
) -> None:
    first, *_ = await fill(shop, buyer)
    move = "UPDATE orders SET status = :status, failure_reason = :reason WHERE id = :id"
    for status, reason, is_open in [
        ("UNPAID", None, True),
        ("UNDERPAID", None, True),
        ("PAID_UNCONFIRMED", None, False),
        ("PAID", None, False),
        ("TIMED_OUT", None, False),
        ("NOT_FOUND", None, False),
        ("FAILED", "refused", False),
    ]:
        await execute(shop, move, id=first, status=status, reason=reason)
        answer = await ask(shop, "new_order", ORDER, buyer)
        assert is_refused(answer) is is_open, status
        if not is_open:
            assert answer.status_code == 201, status
            await execute(shop, move, id=answer.json()["order_id"], status="TIMED_OUT", reason=None)


async def test_a_kept_answer_comes_back_and_a_refused_key_stays_free(
    shop: Application, buyer: Person
) -> None:
    kept = await send(shop, "new_order", ORDER, buyer, key="first")
    for key in ("second", "third"):
        answers = await asyncio.gather(
            *(send(shop, "new_order", ORDER, buyer, key=key) for _ in range(3))
        )
        assert {answer.status_code for answer in answers} <= {201, 409}
    assert await orders_made(shop) == 3
    refused = await send(shop, "new_order", ORDER, buyer, key="fourth")
    again = await send(shop, "new_order", ORDER, buyer, key="first")

    assert is_refused(refused)
    assert (again.status_code, again.content) == (201, kept.content)
    await execute(shop, "UPDATE orders SET status = 'TIMED_OUT'")
    assert (await send(shop, "new_order", ORDER, buyer, key="fourth")).status_code == 201


async def test_with_0_there_is_no_limit(database_url: str) -> None:
    database = create_database(database_url, pool_size=5)
    async with open_application(database, max_open_orders=0) as shop:
        buyer = await make_user(database, shop.clock.now())
        answers = [await ask(shop, "new_order", ORDER, buyer) for _ in range(21)]
    await database.dispose()
    assert {answer.status_code for answer in answers} == {201}


async def test_an_operator_gives_one_account_another_limit(
    shop: Application, buyer: Person, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(shop, buyer)
    code = await make_access_code(shop.database, buyer, shop.clock.now())
    with commands_on(database_url, monkeypatch) as assay:
        limit = ("orders", "limit", "--user", buyer.email or "")
        assert await printed(assay, *limit, "--max", "4") == {"max_open_orders": 4}
        assert (await ask(shop, "new_order", ORDER, buyer)).status_code == 201
        assert is_refused(await ask(shop, "new_order", ORDER, buyer), limit=4)
        assert await printed(assay, *limit, "--max", "0") == {"max_open_orders": 0}
        assert (await ask(shop, "new_order", ORDER, buyer)).status_code == 201
        assert await printed(assay, *limit, "--default") == {"max_open_orders": None}
        assert is_refused(await ask(shop, "new_order", ORDER, buyer))
        of_code = ("orders", "limit", "--access-code", code.access_code or "")
        assert await printed(assay, *of_code, "--max", "1") == {"max_open_orders": 1}
        stranger = await assay("orders", "limit", "--user", "nobody@example.com", "--max", "1")
    assert (await ask(shop, "new_order", ORDER, code)).status_code == 201
    assert is_refused(await ask(shop, "new_order", ORDER, code), limit=1)
    assert stranger.exit_code == 1
    async with shop.database.reading() as connection:
        lines = await connection.execute(
            text(
                "SELECT action, actor FROM audit_log WHERE subject = :id"
                " AND action LIKE 'account.max_open_orders.%' ORDER BY id"
            ),
            {"id": buyer.account_id},
        )
    assert lines.all() == [
        (f"account.max_open_orders.{told}", "operator") for told in ("4", "0", "default")
    ]
