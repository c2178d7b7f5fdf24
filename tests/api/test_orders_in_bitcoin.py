"""Orders in bitcoin over HTTP: what a buyer sends, and all that it is shown, typed by hand."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, Final

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from app.orders import operator
from tests.api import problems
from tests.api.asking import Problem, ask, learn_limits, look, read, refusal
from tests.api.conftest import ApiFixture
from tests.api.ordering import ORDER_ID
from tests.orders.wallet.keys import BIP84_ZPUB
from tests.support.application import Application, open_application
from tests.support.bitcoin_orders import BitcoinOrder, output
from tests.support.cases import each_case
from tests.support.databases import LentDatabase
from tests.support.orders import TERMS
from tests.support.people import ACTOR, Person

# Credits API, section 1, the example.
ORDER: Final = {
    "number_of_credits": 10,
    "payment_coin": "Bitcoin",
    "payment_network": "BTC",
    "order_is_for_self": True,
}
# BIP 84, "Test vectors": the first and the second receiving address of account 0.
FIRST: Final = "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu"
SECOND: Final = "bc1qnjg0jd8228aq7egyzacy8cys3knf9xvrerkf9g"
PAYMENT: Final[dict[str, Any]] = {
    "rail": "bitcoin",
    "state": "UNPAID",
    "pay_to": FIRST,
    "address": FIRST,
    "payment_id_long": None,
    "integrated_address": None,
    "payment_id_short": None,
    "amount_total": "0.005",
    "amount_received": "0",
    "amount_remaining": "0.005",
    "uri": f"bitcoin:{FIRST}?amount=0.005",
    "expires_at": "2026-01-11T13:46:03Z",
    "seconds_left": 3600,
    "late_until": "2026-01-11T14:46:03Z",
    "late_payment": None,
    "vanished": False,
    "confirmations_remaining": None,
    "confirmations_wanted": 2,
    "confirmations_seen": 0,
    "btc_transaction_id": None,
    "btc_confirmations": None,
    "settlement": None,
    "transactions": [],
}
COIN: Final = problems.must_be(
    "payment_coin",
    "one of: Aeon (AEON) on the network AEON, Bitcoin (BTC) on the network BTC",
)
NETWORK: Final = problems.must_be("payment_network", "BTC for the coin Bitcoin")
AEON_NETWORK: Final = problems.must_be("payment_network", "AEON for the coin Aeon")
TXID: Final = f"{1:064x}"


@pytest.fixture(scope="module")
async def running(outer: AsyncConnection) -> AsyncIterator[Application]:
    """An application that takes bitcoin."""
    async with open_application(
        LentDatabase(outer),
        bitcoin_descriptor=BIP84_ZPUB,
        esplora_url=("http://127.0.0.1:9/esplora",),
    ) as application:
        yield application


@pytest.fixture
async def placed(application: Application, user: Person) -> BitcoinOrder:
    """The example of the Credits API, section 1, placed by `user`."""
    answer = await ask(application, "new_order", ORDER, user)
    return order_of(application, answer.json()["order_id"])


def order_of(application: Application, order_id: str) -> BitcoinOrder:
    return BitcoinOrder(application.database, application.clock, order_id, "")


async def status(application: Application, order: BitcoinOrder, by: Person) -> dict[str, Any]:
    """Ask for an order, as somebody who may see it."""
    body = {"order_id": order.id, "access_code": by.access_code}
    answer = await ask(application, "check_order_status", body, by)
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


# Placing


async def test_example_of_the_specification_is_answered_with_201_and_how_to_pay(
    application: Application, user: Person
) -> None:
    answer = await ask(application, "new_order", ORDER, user)
    assert answer.status_code == 201
    assert answer.json() == {
        "order_id": ORDER_ID,
        "number_of_credits": 10,
        "payment_coin": "Bitcoin",
        "payment_network": "BTC",
        "created_at": "2026-01-11T12:46:03Z",
        "updated_at": "2026-01-11T12:46:03Z",
        "status": "UNPAID",
        "credit_price_btc": "0.0005",
        "credits_granted": None,
        "grant_price_btc": None,
        "notice": None,
        "btc_amount": "0.005",
        "failure_reason": None,
        "client_reference": None,
        "metadata": {},
        "settled": None,
        "payment": PAYMENT,
    }
    order = order_of(application, answer.json()["order_id"])
    assert await status(application, order, user) == answer.json()


async def test_reference_that_is_taken_costs_no_address(
    application: Application, user: Person
) -> None:
    labelled = {**ORDER, "client_reference": "a", "metadata": {"b": "c"}, "unique_reference": True}
    first = await ask(application, "new_order", labelled, user)
    assert (first.json()["client_reference"], first.json()["metadata"]) == ("a", {"b": "c"})
    again = await ask(application, "new_order", labelled, user)
    assert refusal(again) == problems.reference_taken(first.json()["order_id"])
    other = await ask(application, "new_order", {**labelled, "client_reference": "b"}, user)
    assert [one.json()["payment"]["address"] for one in (first, other)] == [FIRST, SECOND]


async def test_each_order_has_an_address_of_its_own_and_a_refused_one_takes_none(
    application: Application, user: Person
) -> None:
    first = await ask(application, "new_order", ORDER, user)
    refused = await ask(application, "new_order", {**ORDER, "number_of_credits": 0}, user)
    second = await ask(application, "new_order", ORDER, user)
    assert refused.status_code == 400
    given = [answer.json()["payment"]["address"] for answer in (first, second)]
    assert given == [FIRST, SECOND]


@pytest.mark.parametrize("coin", ["Bitcoin", "BITCOIN", "bitcoin", "BTC", "btc", "bTc"])
@pytest.mark.parametrize("network", ["BTC", "btc", "Btc"])
async def test_coin_goes_by_name_or_ticker_in_any_case_and_is_repeated_as_written(
    application: Application, user: Person, coin: str, network: str
) -> None:
    body = {**ORDER, "payment_coin": coin, "payment_network": network}
    answer = await ask(application, "new_order", body, user)
    assert answer.status_code == 201
    assert (answer.json()["payment_coin"], answer.json()["payment_network"]) == (coin, network)
    assert answer.json()["payment"] == PAYMENT


@each_case(
    ("coin", "network", "expected"),
    [
        ("Bitcoin", "AEON", NETWORK),
        ("Bitcoin", "Bitcoin", NETWORK),
        ("BTC", "lightning", NETWORK),
        ("BTC", "BTC ", NETWORK),
        ("Bitc\u043ein", "BTC", COIN),  # a Cyrillic letter
        ("\uff22\uff34\uff23", "BTC", COIN),  # full width
        ("Monero", "BTC", COIN),
        ("Aeon", "BTC", AEON_NETWORK),
    ],
)
async def test_what_is_not_sold_for_is_refused_with_what_is(
    application: Application, user: Person, coin: str, network: str, expected: Problem
) -> None:
    body = {**ORDER, "payment_coin": coin, "payment_network": network}
    assert refusal(await ask(application, "new_order", body, user)) == expected
    assert await read(application, "SELECT * FROM bitcoin_addresses") == []


@pytest.mark.parametrize("number", [10_001, 10**9])
async def test_more_than_the_most_credits_is_refused(
    application: Application, user: Person, number: int
) -> None:
    answer = await ask(application, "new_order", {**ORDER, "number_of_credits": number}, user)
    assert refusal(answer) == problems.must_be(
        "number_of_credits", "a whole number from 1 to 10000"
    )


async def test_limits_of_aeonto_do_not_bind_an_order_in_bitcoin(
    application: Application, user: Person
) -> None:
    await learn_limits(application)
    answer = await ask(application, "new_order", {**ORDER, "number_of_credits": 1}, user)
    assert (answer.status_code, answer.json()["btc_amount"]) == (201, "0.0005")


async def test_order_whose_price_is_dust_is_refused_with_the_least_that_is_not(
    outer: AsyncConnection, application: Application, user: Person
) -> None:
    async with open_application(
        LentDatabase(outer),
        bitcoin_descriptor=BIP84_ZPUB,
        esplora_url=("http://127.0.0.1:9/esplora",),
        credit_price_btc="0.000001",
    ) as cheap:
        refused = await ask(cheap, "new_order", {**ORDER, "number_of_credits": 5}, user)
        taken = await ask(cheap, "new_order", {**ORDER, "number_of_credits": 6}, user)
        assert refusal(refused) == problems.must_be(
            "number_of_credits", "a whole number from 6 to 10000"
        )
        assert taken.json()["payment"]["uri"] == f"bitcoin:{FIRST}?amount=0.000006"


async def test_without_a_wallet_bitcoin_is_not_offered(
    outer: AsyncConnection, application: Application, user: Person
) -> None:
    async with open_application(LentDatabase(outer)) as without:
        answer = await ask(without, "new_order", ORDER, user)
        assert refusal(answer) == problems.must_be(
            "payment_coin", "one of: Aeon (AEON) on the network AEON"
        )


async def test_key_replays_the_answer_and_takes_no_second_address(
    application: Application, user: Person
) -> None:
    key = {"Idempotency-Key": "7f0c9a52"}
    first = await ask(application, "new_order", ORDER, user, session=key)
    application.clock.advance(60)
    again = await ask(application, "new_order", ORDER, user, session=key)
    assert (first.status_code, first.content) == (again.status_code, again.content)
    assert await read(application, "SELECT address FROM bitcoin_addresses") == [(FIRST,)]
    assert await read(application, "SELECT next_index FROM bitcoin_wallets") == [(1,)]


# Paying


async def test_payment_shows_what_was_seen_and_what_is_missing(
    application: Application, user: Person, placed: BitcoinOrder
) -> None:
    await placed.shown(output(200_000, 0))
    assert (await status(application, placed, user))["payment"] == {
        **PAYMENT,
        "state": "UNDERPAID",
        "seconds_left": 3590,
        "amount_received": "0.002",
        "amount_remaining": "0.003",
        "uri": f"bitcoin:{FIRST}?amount=0.003",
        "transactions": [
            {
                "txid": TXID,
                "output_index": 0,
                "amount": "0.002",
                "confirmations": 0,
                "gone": False,
            }
        ],
    }


async def test_payment_counts_confirmations_until_the_credits_come(
    application: Application, user: Person, placed: BitcoinOrder
) -> None:
    await placed.shown(output(confirmations=1))
    seen = await status(application, placed, user)
    assert (seen["status"], seen["credits_granted"]) == ("PAID_UNCONFIRMED", None)
    shown = seen["payment"]
    assert (shown["confirmations_seen"], shown["confirmations_remaining"]) == (1, 1)
    assert (shown["amount_remaining"], shown["uri"]) == ("0", None)
    await placed.shown(output(confirmations=2))
    seen = await status(application, placed, user)
    assert (seen["status"], seen["credits_granted"]) == ("PAID", 10)
    assert seen["payment"]["confirmations_remaining"] == 0
    rows = await read(
        application, "SELECT balance FROM accounts WHERE id = :id", id=user.account_id
    )
    assert rows == [(30,)]


async def test_payment_in_new_coins_shows_how_long_it_is_to_wait(
    application: Application, user: Person, placed: BitcoinOrder
) -> None:
    for confirmations, state in ((3, "PAID_UNCONFIRMED"), (99, "PAID_UNCONFIRMED"), (100, "PAID")):
        await placed.shown(output(confirmations=confirmations, is_coinbase=True))
        seen = await status(application, placed, user)
        assert seen["status"] == state
        shown = seen["payment"]
        assert shown["confirmations_wanted"] == 100
        assert shown["confirmations_seen"] == confirmations
        assert shown["confirmations_remaining"] == 100 - confirmations


async def test_replaced_transaction_is_shown_as_gone(
    application: Application, user: Person, placed: BitcoinOrder
) -> None:
    await placed.shown(output(confirmations=0, replaceable=True))
    await placed.shown(output(confirmations=0, number=2))
    shown = (await status(application, placed, user))["payment"]
    gone = {one["txid"]: one["gone"] for one in shown["transactions"]}
    assert gone == {TXID: True, f"{2:064x}": False}
    assert shown["amount_received"] == "0.005"


@pytest.mark.parametrize(("grant", "expected"), [(True, "PAID"), (False, "FAILED")])
async def test_order_that_is_over_asks_for_no_money(
    application: Application, user: Person, placed: BitcoinOrder, *, grant: bool, expected: str
) -> None:
    async with application.database.sessions() as session:
        await operator.resolve(
            session,
            placed.id,
            grant=grant,
            reason="a test",
            actor=ACTOR,
            valuation=TERMS.valuation(),
            now=application.clock.now(),
        )
    seen = await status(application, placed, user)
    assert (seen["status"], seen["payment"]["uri"]) == (expected, None)


async def test_address_once_shown_is_never_given_to_another_order(
    application: Application, user: Person, placed: BitcoinOrder
) -> None:
    application.clock.advance(3600)
    await placed.shown()
    application.clock.advance(timedelta(days=181).total_seconds())
    await placed.shown()
    heir = await ask(application, "new_order", ORDER, user)
    assert heir.json()["payment"]["address"] == SECOND
    assert (await status(application, placed, user))["payment"]["address"] == FIRST


# Who sees it, and where else


async def test_gift_goes_to_the_access_code(application: Application, api: ApiFixture) -> None:
    body = {**ORDER, "order_is_for_self": False, "access_code": api.foreign_code.access_code}
    answer = await ask(application, "new_order", body, api.user)
    gift = order_of(application, answer.json()["order_id"])
    await gift.shown(output())
    for by in (api.user, api.foreign_code, api.stranger):  # buyer, beneficiary, issuer
        assert (await status(application, gift, by))["credits_granted"] == 10
    query = "SELECT balance FROM accounts WHERE id = :id"
    assert await read(application, query, id=api.foreign_code.account_id) == [(10,)]


async def test_order_does_not_exist_for_strangers(
    application: Application, api: ApiFixture, placed: BitcoinOrder
) -> None:
    for by in (api.stranger, api.foreign_code, api.code):
        for order_id in (placed.id, "ord_" + "0" * 25):
            body = {"order_id": order_id, "access_code": by.access_code}
            answer = await ask(application, "check_order_status", body, by)
            assert refusal(answer) == problems.INVALID_ORDER_ID
        listed = await look(application, "orders", by)
        assert listed.json()["items"] == []


async def test_list_shows_what_the_status_query_shows(
    application: Application, user: Person, placed: BitcoinOrder
) -> None:
    await placed.shown(output(200_000, 1))
    await ask(application, "new_order", {**ORDER, "payment_coin": "BTC"}, user)
    listed = (await look(application, "orders", user)).json()["items"]
    assert [one["payment"]["address"] for one in listed] == [SECOND, FIRST]
    assert listed[1] == await status(application, placed, user)


async def test_order_parameters_list_both_rails(application: Application, user: Person) -> None:
    await learn_limits(application)
    answer = await look(application, "order_parameters", user)
    assert [rail["rail"] for rail in answer.json()["rails"]] == ["aeonto", "bitcoin"]
    assert answer.json()["rails"][1] == {
        "rail": "bitcoin",
        "payment_coin": "BTC",
        "payment_network": "BTC",
        "min_number_of_credits": 1,
        "max_number_of_credits": 10000,
        "lower_limit_btc": "0.0005",
        "credit_price": "0.0005",
        "upper_limit_btc": "5",
        "as_of": "2026-01-11T12:46:03Z",
        "payment_window_seconds": 3600,
        "confirmations": 2,
    }


async def test_order_in_aeon_is_placed_as_before(application: Application, user: Person) -> None:
    body = {**ORDER, "payment_coin": "AEON", "payment_network": "AEON"}
    answer = await ask(application, "new_order", body, user)
    assert (answer.json()["status"], answer.json()["payment"]) == ("TO_BE_CREATED", None)
