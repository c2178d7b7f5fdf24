"""`client_reference` and `metadata`: kept as they were sent, and shown wherever the thing is shown."""

from typing import Any, Final

from tests.api import problems
from tests.api.asking import Problem, ask, learn_limits, look, read, refusal
from tests.api.conftest import ApiFixture
from tests.api.ordering import ORDER, orders_made
from tests.support.application import Application
from tests.support.cases import all_cases
from tests.support.people import Person

QUESTION: Final = {
    "assessment_type": "address",
    "address": "12Cyjf3qV6qLyXdzpLSLPdRFPUVidvnzFM",
    "currency": "BTC",
}
OTHER: Final = QUESTION | {"address": "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"}
LABELS: Final = {
    "client_reference": "Rechnung № 2026/42",
    "metadata": {"cart": "4711", "note": '=1+1, "zitiert"; 💶', "empty": ""},
}
LONGEST: Final = {
    "client_reference": "№" * 128,
    "metadata": {f"{'n' * 38}{n:02}": "x" * 500 for n in range(20)},
}
NOTHING: Final[dict[str, Any]] = {"client_reference": None, "metadata": {}}
REFERENCE: Final = problems.must_be(
    "client_reference", "a string of at most 128 characters without control characters"
)
METADATA: Final = problems.must_be(
    "metadata",
    "an object of at most 20 strings of at most 500 characters, under names of 1 to 40, without"
    " control characters",
)
BAD: Final[dict[str, tuple[dict[str, Any], Problem]]] = {
    "129 characters": ({"client_reference": "x" * 129}, REFERENCE),
    "a number": ({"client_reference": 7}, REFERENCE),
    "a line break": ({"client_reference": "a\nb"}, REFERENCE),
    "a list": ({"metadata": ["a"]}, METADATA),
    "a string": ({"metadata": "a"}, METADATA),
    "21 members": ({"metadata": {str(n): "" for n in range(21)}}, METADATA),
    "a number as value": ({"metadata": {"a": 1}}, METADATA),
    "null as value": ({"metadata": {"a": None}}, METADATA),
    "an object as value": ({"metadata": {"a": {"b": "c"}}}, METADATA),
    "a value of 501": ({"metadata": {"a": "x" * 501}}, METADATA),
    "a name of 41": ({"metadata": {"x" * 41: "a"}}, METADATA),
    "a name of none": ({"metadata": {"": "a"}}, METADATA),
    "a tab in a value": ({"metadata": {"a": "\t"}}, METADATA),
    "an escape in a name": ({"metadata": {"\x1b": "a"}}, METADATA),
    "both": ({"client_reference": "", "metadata": [1]}, METADATA),
}


def labels(shown: dict[str, Any]) -> dict[str, Any]:
    return {name: shown[name] for name in NOTHING}


async def test_an_order_shows_what_its_buyer_calls_it_in_every_answer(
    application: Application, api: ApiFixture
) -> None:
    await learn_limits(application)
    for sent, expected in ((LABELS, LABELS), (LONGEST, LONGEST), ({}, NOTHING)):
        made = await ask(application, "new_order", ORDER | sent, api.user)
        assert (made.status_code, labels(made.json())) == (201, expected)
        order_id = made.json()["order_id"]
        told = await ask(application, "check_order_status", {"order_id": order_id}, api.user)
        by_id = await look(application, f"orders/{order_id}", api.user)
        listed = (await look(application, "orders?limit=1", api.user)).json()["items"][0]
        assert [labels(one) for one in (told.json(), by_id.json(), listed)] == [expected] * 3
        cancelled = await ask(application, f"orders/{order_id}/cancel", {}, api.user)
        assert labels(cancelled.json()) == expected
        application.clock.advance(1)


async def test_an_assessment_shows_what_its_caller_calls_it_in_every_answer(
    application: Application, api: ApiFixture
) -> None:
    own = {"access_code": api.code.access_code}
    ids = []
    for question, sent, expected in ((QUESTION, LABELS, LABELS), (OTHER, {}, NOTHING)):
        made = await ask(
            application, "create_new_assessment_for_access_code", own | question | sent, api.code
        )
        assert (made.status_code, labels(made.json())) == (201, expected)
        assessment_id = made.json()["assessment_id"]
        ids.append(assessment_id)
        by_id = await look(application, f"assessments/{assessment_id}", api.code)
        checked = await ask(
            application,
            "check_assessment_list_for_access_code",
            own | {"assessment_id_list": [assessment_id]},
            api.code,
        )
        assert [labels(by_id.json()), labels(checked.json()[0])] == [expected] * 2
        application.clock.advance(1)
    listed = (await look(application, "assessments", api.code)).json()["items"]
    assert {one["assessment_id"]: labels(one) for one in listed} == {
        ids[0]: LABELS,
        ids[1]: NOTHING,
    }


async def test_a_repeated_question_is_the_earlier_assessment_with_what_that_was_called(
    application: Application, api: ApiFixture
) -> None:
    first = await ask(application, "create_new_assessment", QUESTION | LABELS, api.user)
    again = QUESTION | {"client_reference": "another"}
    second = await ask(application, "create_new_assessment", again, api.user)
    anew = await ask(application, "create_new_assessment", again | {"fresh": True}, api.user)

    assert (second.json()["charged"], labels(second.json())) == (False, LABELS)
    assert second.json()["assessment_id"] == first.json()["assessment_id"]
    assert (anew.json()["charged"], anew.json()["client_reference"]) == (True, "another")


async def test_each_question_of_a_batch_has_labels_of_its_own(
    application: Application, api: ApiFixture
) -> None:
    bad = OTHER | {"metadata": {"a": 1}}
    body = {"access_code": api.code.access_code, "questions": [QUESTION | LABELS, OTHER, bad]}
    made = await ask(application, "create_new_assessments_for_access_code", body, api.code)

    first, second, third = made.json()["outcomes"]
    assert (labels(first["assessment"]), labels(second["assessment"])) == (LABELS, NOTHING)
    assert (third["assessment"], third["error"]["detail"]) == (None, METADATA.text)


async def test_labels_that_are_not_allowed_are_refused_and_change_nothing(
    application: Application, api: ApiFixture
) -> None:
    calls: tuple[tuple[str, dict[str, Any]], ...] = (
        ("new_order", ORDER),
        ("create_new_assessment", QUESTION),
    )
    with all_cases() as cases:
        for path, body in calls:
            for name, (sent, expected) in BAD.items():
                with cases.case(path, name):
                    answer = await ask(application, path, body | sent, api.user)
                    assert refusal(answer) == expected
    assert await orders_made(application) == 0
    assert await read(application, "SELECT count(*) FROM assessments") == [(0,)]


async def test_labels_are_judged_after_what_the_credits_api_names(
    application: Application, api: ApiFixture
) -> None:
    bad = {"client_reference": 7}
    order = {**ORDER, **bad, "order_is_for_self": None}
    answer = await ask(application, "new_order", order, api.user)
    assert refusal(answer) == problems.missing("order_is_for_self")
    question = {**QUESTION, **bad, "currency": ""}
    answer = await ask(application, "create_new_assessment", question, api.user)
    assert refusal(answer) == problems.missing("currency")


async def place(
    application: Application,
    by: Person,
    *,
    key: str | None = None,
    **changes: object,
) -> tuple[int, str]:
    """Place an order; return its id, or the id in the refusal, with the status."""
    answer = await application.http.post(
        "/api/new_order",
        json={**ORDER, "client_reference": "cart 4711", "unique_reference": True, **changes},
        headers=by.headers | ({"Idempotency-Key": key} if key else {}),
    )
    if answer.status_code == 201:
        return 201, answer.json()["order_id"]
    problem = refusal(answer)
    holder = problem.text.split()[-3]
    assert problem == problems.reference_taken(holder)
    return problem.status, holder


async def test_a_unique_reference_is_of_one_order_of_a_buyer_and_a_second_is_told_which(
    application: Application, api: ApiFixture
) -> None:
    await learn_limits(application)
    _, first = await place(application, api.user)
    assert await place(application, api.user) == (409, first)
    await ask(application, f"orders/{first}/cancel", {}, api.user)
    assert await place(application, api.user) == (409, first), "whatever became of it"
    assert await orders_made(application) == 1

    for by, changes in (
        (api.user, {"unique_reference": False}),
        (api.user, {"client_reference": "cart 4712"}),
        (api.code, {}),
        (api.stranger, {}),
    ):
        status, _ = await place(application, by, **changes)
        assert status == 201, changes
    assert await orders_made(application) == 5


async def test_a_unique_reference_and_an_idempotency_key_work_together(
    application: Application, api: ApiFixture
) -> None:
    await learn_limits(application)
    _, first = await place(application, api.user, key="one")
    assert await place(application, api.user, key="one") == (201, first)
    assert await place(application, api.user, key="two") == (409, first)
    status, other = await place(application, api.user, key="two", client_reference="free")
    assert (status, other != first) == (201, True), "the refused key is free"
    assert await orders_made(application) == 2


async def test_a_reference_must_be_there_to_be_unique(
    application: Application, api: ApiFixture
) -> None:
    for reference in (None, ""):
        body = {**ORDER, "unique_reference": True, "client_reference": reference}
        answer = await ask(application, "new_order", body, api.user)
        assert refusal(answer) == problems.missing("client_reference")
    answer = await ask(application, "new_order", {**ORDER, "unique_reference": "yes"}, api.user)
    assert refusal(answer) == problems.must_be("unique_reference", "true or false")
