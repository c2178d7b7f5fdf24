"""`new_order` and `check_order_status` against the Credits API, sections 1 and 2; lists, limits and prices."""

from datetime import timedelta
from typing import Any

import pytest

from tests.api import problems
from tests.api.asking import Problem, ask, learn_limits, open_session, read, refusal
from tests.api.conftest import ApiFixture
from tests.api.ordering import COIN, CREDITS, LONG, NETWORK, ORDER, ORDER_ID, SHORT, without
from tests.support.application import Application
from tests.support.cases import each_case
from tests.support.people import Person, make_access_code

# Creating


async def test_a_new_order_is_answered_with_201_and_all_its_fields(
    application: Application, user: Person
) -> None:
    answer = await ask(application, "new_order", ORDER, user)

    assert answer.status_code == 201
    assert answer.json() == {
        "order_id": ORDER_ID,
        "number_of_credits": 10,
        "payment_coin": "Aeon",
        "payment_network": "AEON",
        "created_at": "2026-01-11T12:46:03Z",
        "updated_at": "2026-01-11T12:46:03Z",
        "status": "TO_BE_CREATED",
        "credit_price_btc": "0.0005",
        "credits_granted": None,
        "grant_price_btc": None,
        "notice": None,
        "btc_amount": "0.005",
        "failure_reason": None,
        "client_reference": None,
        "metadata": {},
        "settled": None,
        "payment": None,
    }


async def test_a_session_orders_as_a_key_does(application: Application, user: Person) -> None:
    session = await open_session(application.database, user, application.clock.now())

    answer = await ask(application, "new_order", ORDER, session=session)

    assert answer.status_code == 201
    seen = await ask(
        application, "check_order_status", {"order_id": answer.json()["order_id"]}, user
    )
    assert seen.status_code == 200


async def test_an_access_code_orders_for_itself_with_a_key_of_its_own(
    application: Application, code: Person
) -> None:
    answer = await ask(application, "new_order", ORDER, code)

    assert answer.status_code == 201
    rows = await read(application, "SELECT buyer_id, beneficiary_id FROM orders")
    assert rows == [(code.account_id, code.account_id)]


async def test_a_gift_is_for_the_access_code_and_says_nothing_about_it(
    application: Application, api: ApiFixture
) -> None:
    body = {**ORDER, "order_is_for_self": False, "access_code": api.foreign_code.access_code}

    answer = await ask(application, "new_order", body, api.user)

    assert answer.status_code == 201
    own = await ask(application, "new_order", ORDER, api.user)
    assert answer.json() == {**own.json(), "order_id": ORDER_ID}
    rows = await read(application, "SELECT buyer_id, beneficiary_id FROM orders ORDER BY id")
    assert rows[0] == (api.user.account_id, api.foreign_code.account_id)


@pytest.mark.parametrize("coin", ["Aeon", "AEON", "aeon", "aEoN"])
@pytest.mark.parametrize("network", ["AEON", "Aeon", "aeon"])
async def test_coin_and_network_match_in_any_case_and_are_repeated_as_written(
    application: Application, user: Person, coin: str, network: str
) -> None:
    body = {**ORDER, "payment_coin": coin, "payment_network": network}

    answer = await ask(application, "new_order", body, user)

    assert answer.status_code == 201
    assert (answer.json()["payment_coin"], answer.json()["payment_network"]) == (coin, network)
    status = await ask(
        application, "check_order_status", {"order_id": answer.json()["order_id"]}, user
    )
    assert (status.json()["payment_coin"], status.json()["payment_network"]) == (coin, network)


@each_case(
    ("coin", "network", "expected"),
    [
        ("Bitcoin", "BTC", COIN),
        ("BTC", "BTC", COIN),
        ("Monero", "AEON", COIN),
        ("Aeon ", "AEON", COIN),
        ("Aeon", "BTC", NETWORK),
        ("Aeon", "Aeon network", NETWORK),
    ],
)
async def test_what_is_not_sold_for_is_refused_with_what_is(
    application: Application, user: Person, coin: str, network: str, expected: Problem
) -> None:
    body = {**ORDER, "payment_coin": coin, "payment_network": network}

    assert refusal(await ask(application, "new_order", body, user)) == expected


@each_case("name", list(ORDER))
@each_case("nothing", ["absent", "null", "empty string", "empty list"])
async def test_a_parameter_is_missing_when_absent_null_or_empty(
    application: Application, user: Person, name: str, nothing: str
) -> None:
    body = without(name)
    if nothing != "absent":
        body[name] = {"null": None, "empty string": "", "empty list": []}[nothing]

    assert refusal(await ask(application, "new_order", body, user)) == problems.missing(name)


@pytest.mark.parametrize("nothing", [None, "", []])
async def test_an_order_for_another_needs_an_access_code(
    application: Application, user: Person, nothing: object
) -> None:
    body = {**ORDER, "order_is_for_self": False}

    absent = await ask(application, "new_order", body, user)
    empty = await ask(application, "new_order", {**body, "access_code": nothing}, user)

    assert refusal(absent) == refusal(empty) == problems.missing("access_code")


@each_case(
    ("name", "value", "expected"),
    [
        ("number_of_credits", 0, CREDITS),
        ("number_of_credits", False, CREDITS),
        ("payment_coin", 0, problems.must_be("payment_coin", SHORT)),
        ("payment_coin", False, problems.must_be("payment_coin", SHORT)),
        ("payment_coin", ["Aeon"], problems.must_be("payment_coin", SHORT)),
        ("payment_coin", "A" * 65, problems.must_be("payment_coin", SHORT)),
        ("payment_network", {}, problems.must_be("payment_network", SHORT)),
        ("payment_network", "AE\nON", problems.must_be("payment_network", SHORT)),
        ("order_is_for_self", 0, problems.must_be("order_is_for_self", "true or false")),
        ("order_is_for_self", 1, problems.must_be("order_is_for_self", "true or false")),
        ("order_is_for_self", "true", problems.must_be("order_is_for_self", "true or false")),
        ("order_is_for_self", "yes", problems.must_be("order_is_for_self", "true or false")),
    ],
)
async def test_a_value_of_the_wrong_type_or_range_names_its_parameter(
    application: Application, user: Person, name: str, value: object, expected: Problem
) -> None:
    answer = await ask(application, "new_order", {**ORDER, name: value}, user)

    assert refusal(answer) == expected


async def test_faults_are_told_in_the_order_of_the_table(
    application: Application, user: Person
) -> None:
    right = {**ORDER, "order_is_for_self": False, "access_code": "x"}
    body: dict[str, Any] = {}
    told = []
    for position, name in enumerate(right):
        wrong = {**body, **dict.fromkeys(list(right)[position:], 0)}
        told.append(refusal(await ask(application, "new_order", body, user)).text)
        told.append(refusal(await ask(application, "new_order", wrong, user)).text)
        body[name] = right[name]

    assert told == [
        "Missing number_of_credits parameter",
        "number_of_credits must be a whole number from 1 to 10000",
        "Missing payment_coin parameter",
        f"payment_coin must be {SHORT}",
        "Missing payment_network parameter",
        f"payment_network must be {SHORT}",
        "Missing order_is_for_self parameter",
        "order_is_for_self must be true or false",
        "Missing access_code parameter",
        f"access_code must be {LONG}",
    ]


@pytest.mark.parametrize("access_code", ["nonsense", 7, {}, "A" * 5000, "\u0430"])
async def test_an_access_code_is_ignored_beside_an_order_for_oneself(
    application: Application, user: Person, access_code: object
) -> None:
    answer = await ask(application, "new_order", {**ORDER, "access_code": access_code}, user)

    assert answer.status_code == 201


async def test_unknown_fields_are_ignored(application: Application, api: ApiFixture) -> None:
    extra = {
        "status": "BTC_SENT",
        "price": "0.00000001",
        "price_btc": 0,
        "btc_amount": "0",
        "account_id": api.stranger.account_id,
        "beneficiary_id": api.stranger.account_id,
        "credits_granted": 10,
        "granted_at": "2026-01-11T12:46:03Z",
        "amount": -1,
    }

    plain = await ask(application, "new_order", ORDER, api.user)
    answer = await ask(application, "new_order", {**ORDER, **extra}, api.user)

    assert answer.status_code == 201
    assert answer.json() == {**plain.json(), "order_id": ORDER_ID}
    rows = await read(application, "SELECT beneficiary_id, price_btc::text, status FROM orders")
    assert rows == [(api.user.account_id, "0.00050000", "TO_BE_CREATED")] * 2


# What an order refers to


async def test_an_access_code_that_is_unknown_expired_or_inactive_gets_no_order(
    application: Application, api: ApiFixture
) -> None:
    database, now = application.database, application.clock.now()
    expiring = await make_access_code(
        database, api.user, now, expires_at=now + timedelta(seconds=60)
    )
    closed = await make_access_code(database, api.user, now)
    await ask(application, f"access_codes/{closed.access_code}/deactivate", {}, api.user)

    async def gift(access_code: str | None) -> int | Problem:
        body = {**ORDER, "order_is_for_self": False, "access_code": access_code}
        answer = await ask(application, "new_order", body, api.stranger)
        return 201 if answer.status_code == 201 else refusal(answer)

    assert await gift(expiring.access_code) == 201
    application.clock.advance(60)
    refused = [
        await gift(named)
        for named in (expiring.access_code, closed.access_code, "0" * 16, "0" * 15, "0" * 17)
    ]
    assert refused == [problems.INVALID_ACCESS_CODE] * 5


async def test_an_access_code_that_may_not_buy_may_not_give_either(
    application: Application, api: ApiFixture
) -> None:
    await ask(application, f"access_codes/{api.code.access_code}/deactivate", {}, api.user)
    gift = {
        **ORDER,
        "order_is_for_self": False,
        "access_code": api.foreign_code.access_code,
    }

    assert refusal(await ask(application, "new_order", ORDER, api.code)) == (
        problems.INVALID_ACCESS_CODE
    )
    assert refusal(await ask(application, "new_order", gift, api.code)) == (
        problems.INVALID_ACCESS_CODE
    )


@pytest.mark.parametrize(("number", "status"), [(3, 400), (4, 201), (8000, 201), (8001, 400)])
async def test_an_order_is_held_against_the_limits_last_seen(
    application: Application, user: Person, number: int, status: int
) -> None:
    await learn_limits(application, lower_limit_btc="0.002", upper_limit_btc="4")

    answer = await ask(application, "new_order", {**ORDER, "number_of_credits": number}, user)

    assert answer.status_code == status
    if status == 400:
        assert refusal(answer) == problems.must_be(
            "number_of_credits", "a whole number from 4 to 8000"
        )


async def test_limits_that_no_credits_hit_exactly_are_rounded_inwards(
    application: Application, user: Person
) -> None:
    await learn_limits(application, lower_limit_btc="0.00201", upper_limit_btc="0.00299")

    below = await ask(application, "new_order", {**ORDER, "number_of_credits": 4}, user)
    within = await ask(application, "new_order", {**ORDER, "number_of_credits": 5}, user)
    above = await ask(application, "new_order", {**ORDER, "number_of_credits": 6}, user)

    expected = problems.must_be("number_of_credits", "a whole number from 5 to 5")
    assert [refusal(below), within.status_code, refusal(above)] == [expected, 201, expected]


@pytest.mark.parametrize(("age", "status"), [(0, 400), (300, 400), (301, 201)])
async def test_limits_older_than_5_minutes_refuse_nothing(
    application: Application, user: Person, age: int, status: int
) -> None:
    await learn_limits(application)
    application.clock.advance(age)

    answer = await ask(application, "new_order", {**ORDER, "number_of_credits": 3}, user)

    assert answer.status_code == status
