"""Orders that nobody honest sends, and faults of ours: one answer each, and no order."""

import json
from typing import Final

import pytest

from tests.api import problems
from tests.api.asking import Problem, ask, ask_raw, execute, refusal
from tests.api.conftest import ApiFixture
from tests.api.ordering import CREDITS, ORDER, orders_made, without
from tests.support.application import Application
from tests.support.cases import each_case
from tests.support.people import Person

# Bodies, in the bytes that are sent


@each_case(
    ("raw", "expected"),
    [
        ("true", CREDITS),
        ("1.0", CREDITS),
        ("1e3", CREDITS),
        ("1.5", CREDITS),
        ('"1"', CREDITS),
        ("0", CREDITS),
        ("-1", CREDITS),
        ("{}", CREDITS),
        (str(2**31), CREDITS),
        (str(2**63), CREDITS),
        ("1" + 30 * "0", CREDITS),
        ("null", problems.missing("number_of_credits")),
        ("[]", problems.missing("number_of_credits")),
        ("9" * 5000, problems.malformed("The body has a number with too many digits")),
        ("NaN", problems.malformed("The body has NaN or Infinity, which JSON does not have")),
        ("1e999", problems.malformed("The body has a number that is too large")),
        ("10001", problems.must_be("number_of_credits", "a whole number from 1 to 10000")),
    ],
)
async def test_only_a_whole_number_within_the_limits_is_a_number_of_credits(
    application: Application, user: Person, raw: str, expected: Problem
) -> None:
    rest = json.dumps(without("number_of_credits"))[1:]
    body = f'{{"number_of_credits": {raw}, {rest}'.encode()

    assert refusal(await ask_raw(application, "new_order", body, user)) == expected
    assert await orders_made(application) == 0


@pytest.mark.parametrize(("number", "btc_amount"), [(1, "0.0005"), (10_000, "5")])
async def test_the_least_and_the_most_credits_are_sold(
    application: Application, user: Person, number: int, btc_amount: str
) -> None:
    answer = await ask(application, "new_order", {**ORDER, "number_of_credits": number}, user)

    assert answer.status_code == 201
    assert answer.json()["btc_amount"] == btc_amount


# Texts


STRINGS: Final = {
    "full width": "\uff21\uff25\uff2f\uff2e",
    "Cyrillic": "\u0410e\u043en",
    "zero width": "Ae\u200bon",
    "decomposed": "Ae\u0301on",
    "right to left": "\u202eAeon",
    "10 kB": "A" * 10_000,
    "SQL": "' OR 1=1--",
    "CR LF": "Aeon\r\nX-Injected: 1",
    "NUL": "Ae\0on",
}


@pytest.mark.parametrize("name", ["payment_coin", "payment_network", "access_code"])
async def test_a_hostile_string_is_one_400_and_never_a_match(
    application: Application, api: ApiFixture, name: str
) -> None:
    body = {**ORDER, "order_is_for_self": False, "access_code": api.code.access_code}
    for kind, value in {**STRINGS, "lone surrogate": "?"}.items():
        raw = json.dumps({**body, name: value}).replace('"?"', r'"\ud800"').encode()
        problem = refusal(await ask_raw(application, "new_order", raw, api.user))
        assert (problem.status, len(problem.text) < 120) == (400, True), kind
    assert await orders_made(application) == 0


async def test_no_order_has_a_hostile_id(application: Application, user: Person) -> None:
    for value in STRINGS.values():
        answer = await ask(application, "check_order_status", {"order_id": value}, user)
        assert refusal(answer).status == 400


# Faults


async def test_an_order_that_the_database_refuses_is_500_and_leaves_nothing(
    application: Application, user: Person
) -> None:
    await execute(application, "ALTER TABLE orders ADD CHECK (false) NOT VALID")

    answer = await ask(application, "new_order", ORDER, user)

    assert refusal(answer) == problems.ORDER_NOT_CREATED
    assert await orders_made(application) == 0


async def test_an_order_whose_event_the_database_refuses_leaves_no_order(
    application: Application, user: Person
) -> None:
    await execute(application, "ALTER TABLE order_events ADD CHECK (false) NOT VALID")

    answer = await ask(application, "new_order", ORDER, user)

    assert refusal(answer) == problems.ORDER_NOT_CREATED
    assert await orders_made(application) == 0


@pytest.mark.parametrize(
    "fault",
    [
        "ALTER TABLE aeonto_parameters RENAME TO elsewhere",
        "ALTER TABLE access_codes RENAME COLUMN access_code TO elsewhere",
    ],
    ids=["the limits cannot be read", "the caller cannot be read"],
)
async def test_any_other_fault_of_new_order_stands_under_error(
    application: Application, user: Person, fault: str
) -> None:
    await execute(application, fault)

    answer = await ask(application, "new_order", ORDER, user)

    assert refusal(answer) == problems.ORDER_FAULT
    assert await orders_made(application) == 0
