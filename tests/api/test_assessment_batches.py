"""Many questions in one request: one reservation, an outcome for each, in their order."""

from typing import Any, Final

import pytest

from app import audit
from app.assessments.providers.base import FailureReason, ProviderFailed, ProviderUnknown
from tests.api import problems
from tests.api.asking import ask, balance_of, entries_of, refusal
from tests.api.assessing import ADDRESS
from tests.api.conftest import ApiFixture
from tests.support.application import Application
from tests.support.people import Person

BATCH: Final = "create_new_assessments_for_access_code"
OTHERS: Final = (
    "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
    "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
    "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy",
)


def question(address: str = ADDRESS, **changes: object) -> dict[str, Any]:
    return {"assessment_type": "address", "address": address, "currency": "BTC", **changes}


def paid_by(code: Person, *questions: object) -> dict[str, Any]:
    return {"access_code": code.access_code, "questions": list(questions)}


async def made(application: Application, code: Person, *questions: object) -> dict[str, Any]:
    answer = await ask(application, BATCH, paid_by(code, *questions), code)
    assert answer.status_code == 201
    body: dict[str, Any] = answer.json()
    async with application.database.reading() as connection:
        assert await audit.breaches(connection) == []
    return body


async def test_each_question_is_answered_and_paid_in_its_order(
    application: Application, api: ApiFixture
) -> None:
    body = await made(application, api.code, *map(question, OTHERS))

    shown = [outcome["assessment"] for outcome in body["outcomes"]]
    assert [one["address"] for one in shown] == list(OTHERS)
    assert {one["status"] for one in shown} == {"ready"}
    assert [outcome["charged"] for outcome in body["outcomes"]] == [True] * 3
    assert (body["credits_charged"], body["credits_available"]) == (3, 2)
    assert await balance_of(application, api.code) == 2
    assert (await entries_of(application, api.code))[-3:] == [("assessment", -1)] * 3


async def test_too_few_credits_debit_nothing_at_all(
    application: Application, api: ApiFixture
) -> None:
    questions = [
        question(tx_hash=f"{number:064x}", assessment_type="transaction") for number in range(6)
    ]
    answer = await ask(application, BATCH, paid_by(api.code, *questions), api.code)

    assert refusal(answer) == problems.INSUFFICIENT_CREDITS
    assert await balance_of(application, api.code) == 5
    assert application.provider.asked == []


async def test_malformed_question_costs_nothing_and_spoils_no_other(
    application: Application, api: ApiFixture
) -> None:
    body = await made(
        application,
        api.code,
        question(OTHERS[0]),
        question("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb"),
        question(currency="DOGGO"),
        {"assessment_type": "address", "currency": "BTC"},
        "not an object",
        question(OTHERS[1]),
    )

    errors = [outcome["error"] and outcome["error"]["detail"] for outcome in body["outcomes"]]
    assert errors[0] is errors[5] is None
    assert errors[1] == (
        "address must be a well-formed address of the currency (its base58 checksum is wrong)"
    )
    assert errors[2].startswith("currency must be one of: ")
    assert errors[3] == "Missing address parameter"
    assert errors[4] == "question must be one JSON object"
    assert body["credits_charged"] == 2
    assert await balance_of(application, api.code) == 3


async def test_same_question_twice_is_one_assessment_and_one_credit(
    application: Application, api: ApiFixture
) -> None:
    body = await made(application, api.code, question(), question(currency="btc"), question())

    ids = {outcome["assessment"]["assessment_id"] for outcome in body["outcomes"]}
    assert len(ids) == 1
    assert [outcome["charged"] for outcome in body["outcomes"]] == [True, False, False]
    assert await balance_of(application, api.code) == 4


async def test_earlier_answer_is_given_for_nothing_unless_it_is_to_be_fresh(
    application: Application, api: ApiFixture
) -> None:
    first = await made(application, api.code, question(), question(OTHERS[0]))
    body = await made(application, api.code, question(), question(OTHERS[0], fresh=True))

    again, fresh = body["outcomes"]
    assert again["assessment"] == first["outcomes"][0]["assessment"]
    assert again["charged"] is False
    assert fresh["charged"] is True
    assert await balance_of(application, api.code) == 2


async def test_question_that_failed_for_good_is_refunded(
    application: Application, api: ApiFixture
) -> None:
    application.provider.raises = ProviderFailed(FailureReason.REFUSED)
    body = await made(application, api.code, *map(question, OTHERS))

    assert {outcome["assessment"]["status"] for outcome in body["outcomes"]} == {"failed"}
    assert (body["credits_charged"], body["credits_available"]) == (0, 5)


async def test_question_whose_outcome_is_unknown_is_pending_and_keeps_its_credit(
    application: Application, api: ApiFixture
) -> None:
    application.provider.raises = ProviderUnknown()
    body = await made(application, api.code, *map(question, OTHERS))

    assert {outcome["assessment"]["status"] for outcome in body["outcomes"]} == {"pending"}
    assert (body["credits_charged"], body["credits_available"]) == (3, 2)


@pytest.mark.parametrize("questions", [[], [question()] * 501, "none", 7])
async def test_from_one_to_five_hundred_questions_are_taken(
    application: Application, api: ApiFixture, questions: object
) -> None:
    body = {"access_code": api.code.access_code, "questions": questions}
    answer = await ask(application, BATCH, body, api.code)

    assert answer.status_code == 400
    assert await balance_of(application, api.code) == 5


async def test_code_of_somebody_else_pays_for_nothing(
    application: Application, api: ApiFixture
) -> None:
    answer = await ask(application, BATCH, paid_by(api.foreign_code, question()), api.user)

    assert refusal(answer) == problems.ACCESS_CODE_NOT_FOUND
    assert application.provider.asked == []
