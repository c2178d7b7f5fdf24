"""`GET /api/order_parameters` and `POST /api/check_price`: what AEON.to said, and when."""

import pytest

from tests.api import problems
from tests.api.asking import ask, learn_limits, look, refusal
from tests.support.application import Application
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
                "payment_window_seconds": None,
                "confirmations": None,
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


@pytest.mark.parametrize("number", [0, -1, True, 1.0, "1", 2**63])
async def test_a_price_is_of_a_whole_number(
    application: Application, user: Person, number: object
) -> None:
    answer = await ask(application, "check_price", {"number_of_credits": number}, user)

    assert refusal(answer) == problems.must_be(
        "number_of_credits", "a whole number from 1 to 1000000000"
    )
