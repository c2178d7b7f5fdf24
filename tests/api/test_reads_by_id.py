"""`GET /api/orders/{order_id}` and `GET /api/assessments/{assessment_id}`: what other answers show."""

import pytest

from app.orders.poll_hints import PollHints
from tests.api import problems
from tests.api.asking import ask, learn_limits, look, refusal
from tests.api.conftest import ApiFixture
from tests.api.ordering import ORDER
from tests.support.application import Application

QUESTION = {
    "assessment_type": "address",
    "address": "12Cyjf3qV6qLyXdzpLSLPdRFPUVidvnzFM",
    "currency": "BTC",
}
# What no id of ours is: PostgreSQL refuses the first.
NO_IDS = ("%00", "ord_1", "asm_1", "ord_%F0%9F%92%A3", "x" * 300)


async def test_an_order_by_its_id_is_what_its_status_says_to_all_who_may_see_it(
    application: Application, api: ApiFixture
) -> None:
    await learn_limits(application)
    gift = {**ORDER, "order_is_for_self": False, "access_code": api.code.access_code}
    order_id = (await ask(application, "new_order", gift, api.stranger)).json()["order_id"]
    status = await ask(application, "check_order_status", {"order_id": order_id}, api.stranger)

    for who in (api.stranger, api.code, api.user):  # buyer, beneficiary, issuer
        answer = await look(application, f"orders/{order_id}", who)
        assert (answer.status_code, answer.json()) == (200, status.json())
    answer = await look(application, f"orders/{order_id}", api.foreign_code)
    assert refusal(answer) == problems.ORDER_NOT_FOUND


async def test_an_order_that_is_read_by_who_may_see_it_is_looked_at_sooner(
    application: Application, api: ApiFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    await learn_limits(application)
    order_id = (await ask(application, "new_order", ORDER, api.user)).json()["order_id"]
    noted: list[str] = []
    monkeypatch.setattr(PollHints, "note", lambda _hints, order: noted.append(order))

    await look(application, f"orders/{order_id}", api.foreign_code)
    assert noted == []
    await look(application, f"orders/{order_id}", api.user)
    assert noted == [order_id]


async def test_an_assessment_by_its_id_is_what_the_list_shows_to_its_account_and_the_issuer(
    application: Application, api: ApiFixture
) -> None:
    made = await ask(application, "create_new_assessment", QUESTION, api.code)
    assessment_id = made.json()["assessment_id"]
    listed = (await look(application, "assessments", api.code)).json()["items"]

    for who in (api.code, api.user):
        answer = await look(application, f"assessments/{assessment_id}", who)
        assert (answer.status_code, answer.json()) == (200, listed[0])
    for who in (api.stranger, api.foreign_code):
        answer = await look(application, f"assessments/{assessment_id}", who)
        assert refusal(answer) == problems.ASSESSMENT_NOT_FOUND


async def test_what_is_no_id_is_not_found(application: Application, api: ApiFixture) -> None:
    for no_id in NO_IDS:
        answer = await look(application, f"orders/{no_id}", api.user)
        assert refusal(answer) == problems.ORDER_NOT_FOUND, no_id
        answer = await look(application, f"assessments/{no_id}", api.user)
        assert refusal(answer) == problems.ASSESSMENT_NOT_FOUND, no_id
