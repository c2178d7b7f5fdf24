"""`GET /api/order_parameters` and `POST /api/check_price`: what AEON.to said, and when."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from tests.api import problems
from tests.api.asking import ask, learn_limits, look, refusal
from tests.orders.wallet.keys import BIP84_ZPUB
from tests.support.application import Application, open_application
from tests.support.cases import each_case
from tests.support.databases import LentDatabase
from tests.support.people import Person


async def test_order_parameters_tell_limits_and_price_in_credits_and_coin(
    application: Application, user: Person
) -> None:
    await learn_limits(application)
    application.clock.advance(300)

    answer = await look(application, "order_parameters", user)

    assert answer.status_code == 200
    assert answer.json() == {
        "payment_coin": "AEON",
        "payment_network": "AEON",
        "min_number_of_credits": 4,
        "max_number_of_credits": 10000,
        "credit_price_btc": "0.0005",
        "credit_price": "0.028303",  # 0.0005 / 0.017666, rounded up at the 7th decimal
        "lower_limit_btc": "0.002",
        "upper_limit_btc": "20",
        "as_of": "2026-01-11T12:46:03Z",
        "rails": [
            {
                "rail": "aeonto",
                "payment_coin": "AEON",
                "payment_network": "AEON",
                "min_number_of_credits": 4,
                "max_number_of_credits": 10000,
                "lower_limit_btc": "0.002",
                "upper_limit_btc": "20",
                "credit_price": "0.028303",
                "payment_window_seconds": None,
                "confirmations": None,
                "as_of": "2026-01-11T12:46:03Z",
            }
        ],
    }


async def test_a_price_is_of_the_credits_asked_for(application: Application, user: Person) -> None:
    await learn_limits(application)

    answer = await ask(application, "check_price", {"number_of_credits": 10}, user)

    assert answer.status_code == 200
    assert answer.json() == {
        "number_of_credits": 10,
        "btc_amount": "0.005",
        "payment_coin": "AEON",
        "payment_network": "AEON",
        "amount_total": "0.2830296",
        "as_of": "2026-01-11T12:46:03Z",
        "prices": [
            {
                "rail": "aeonto",
                "payment_coin": "AEON",
                "payment_network": "AEON",
                "amount_total": "0.2830296",
                "as_of": "2026-01-11T12:46:03Z",
            }
        ],
    }


async def test_what_is_not_known_or_older_than_5_minutes_is_503(
    application: Application, user: Person
) -> None:
    unknown = [
        await look(application, "order_parameters", user),
        await ask(application, "check_price", {"number_of_credits": 10}, user),
    ]
    await learn_limits(application)
    application.clock.advance(301)
    stale = [
        await look(application, "order_parameters", user),
        await ask(application, "check_price", {"number_of_credits": 10}, user),
    ]

    for answer in unknown + stale:
        assert refusal(answer) == problems.UPSTREAM_UNKNOWN
        assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.parametrize("number", [3, 10_001])
async def test_a_price_outside_the_limits_is_not_told(
    application: Application, user: Person, number: int
) -> None:
    await learn_limits(application)

    answer = await ask(application, "check_price", {"number_of_credits": number}, user)

    assert refusal(answer) == problems.must_be(
        "number_of_credits", "a whole number from 4 to 10000"
    )


@pytest.mark.parametrize("number", [None, "", []])
async def test_a_price_is_of_a_number_of_credits(
    application: Application, user: Person, number: object
) -> None:
    answer = await ask(application, "check_price", {"number_of_credits": number}, user)

    assert refusal(answer) == problems.missing("number_of_credits")


@each_case("number", [0, -1, True, 1.0, "1", 2**63])
async def test_a_price_is_of_a_whole_number(
    application: Application, user: Person, number: object
) -> None:
    answer = await ask(application, "check_price", {"number_of_credits": number}, user)

    assert refusal(answer) == problems.must_be(
        "number_of_credits", "a whole number from 1 to 10000"
    )


# Two rails


@pytest.fixture
async def both(outer: AsyncConnection, application: Application) -> AsyncIterator[Application]:
    """An application that takes bitcoin, too."""
    async with open_application(
        LentDatabase(outer),
        bitcoin_descriptor=BIP84_ZPUB,
        esplora_url=("http://127.0.0.1:9/esplora",),
    ) as other:
        yield other


async def test_with_aeonto_away_limits_and_price_are_those_of_bitcoin(
    both: Application, user: Person
) -> None:
    parameters = (await look(both, "order_parameters", user)).json()
    price = (await ask(both, "check_price", {"number_of_credits": 2}, user)).json()

    assert [rail["rail"] for rail in parameters["rails"]] == ["bitcoin"]
    assert {name: parameters[name] for name in ("payment_coin", "min_number_of_credits")} == {
        "payment_coin": "BTC",
        "min_number_of_credits": 1,
    }
    assert (parameters["credit_price"], parameters["as_of"]) == ("0.0005", "2026-01-11T12:46:03Z")
    assert (price["payment_coin"], price["amount_total"]) == ("BTC", "0.001")
    assert [one["rail"] for one in price["prices"]] == ["bitcoin"]
    named = {"number_of_credits": 2, "payment_coin": "Aeon", "payment_network": "AEON"}
    assert refusal(await ask(both, "check_price", named, user)) == problems.UPSTREAM_UNKNOWN


async def test_a_price_is_told_in_the_coin_that_is_named_or_in_each_that_may_pay(
    both: Application, user: Person
) -> None:
    await learn_limits(both)

    async def coins(**body: object) -> object:
        answer = await ask(both, "check_price", body, user)
        if answer.status_code != 200:
            return refusal(answer)
        return [one["payment_coin"] for one in answer.json()["prices"]]

    assert await coins(number_of_credits=10) == ["AEON", "BTC"]
    assert await coins(number_of_credits=2) == ["BTC"], "AEON.to takes no less than 4"
    assert await coins(number_of_credits=10, payment_coin="bitcoin") == ["BTC"]
    assert await coins(number_of_credits=10, payment_network="aeon") == ["AEON"]
    assert await coins(number_of_credits=10, payment_coin="Monero") == problems.must_be(
        "payment_coin",
        "one of: Aeon (AEON) on the network AEON, Bitcoin (BTC) on the network BTC",
    )
    assert await coins(number_of_credits=10, payment_network="XMR") == problems.must_be(
        "payment_network", "one of: AEON, BTC"
    )
    assert await coins(
        number_of_credits=10, payment_coin="BTC", payment_network="AEON"
    ) == problems.must_be("payment_network", "BTC for the coin Bitcoin")


@pytest.mark.parametrize("number", [0, -1, True, 1.5, "10", 10_001, 2**63, 10**30])
async def test_range_of_credits_is_that_of_the_coin_that_the_buyer_chose(
    both: Application, user: Person, number: object
) -> None:
    await learn_limits(both)

    async def allowed(endpoint: str, **coin: object) -> str:
        body = {"number_of_credits": number, "order_is_for_self": True, **coin}
        return refusal(await ask(both, endpoint, body, user)).text

    text = "number_of_credits must be a whole number from {} to 10000"
    aeon = {"payment_coin": "AEON", "payment_network": "AEON"}
    bitcoin = {"payment_coin": "Bitcoin", "payment_network": "BTC"}
    for endpoint in ("new_order", "check_price"):
        assert await allowed(endpoint, **bitcoin) == text.format(1)
        assert await allowed(endpoint, **aeon) == text.format(4)
    assert await allowed("check_price") == text.format(1)
    unknown = {"payment_coin": "Monero", "payment_network": "XMR"}
    assert await allowed("new_order", **unknown) == text.format(1)


async def test_too_few_credits_for_aeonto_are_refused_in_aeon_alone(
    both: Application, user: Person
) -> None:
    await learn_limits(both)
    body = {"number_of_credits": 3, "order_is_for_self": True}
    in_aeon = {**body, "payment_coin": "AEON", "payment_network": "AEON"}
    in_bitcoin = {**body, "payment_coin": "Bitcoin", "payment_network": "BTC"}

    assert refusal(await ask(both, "new_order", in_aeon, user)) == problems.must_be(
        "number_of_credits", "a whole number from 4 to 10000"
    )
    assert (await ask(both, "new_order", in_bitcoin, user)).status_code == 201
