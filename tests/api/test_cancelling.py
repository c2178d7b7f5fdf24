"""`POST /api/orders/{order_id}/cancel` over HTTP."""

from tests.api import problems
from tests.api.asking import anonymised, ask, refusal
from tests.api.conftest import Town
from tests.api.test_order_status import ABSENT, UNPAID, accept, place, report, status
from tests.support.application import Application
from tests.support.people import Person


async def test_buyer_cancels_an_order_and_is_answered_the_same_again(
    application: Application, user: Person
) -> None:
    order_id = await place(application, user)
    await accept(application)
    await report(application, UNPAID)
    first = await ask(application, f"orders/{order_id}/cancel", {}, user)
    again = await application.http.post(f"/api/orders/{order_id}/cancel", headers=user.headers)
    shown = await status(application, order_id, user)
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json() == again.json() == shown
    assert shown["status"] == shown["payment"]["state"] == "CANCELLED"
    payment = shown["payment"]
    assert [payment[name] for name in ("pay_to", "uri", "amount_remaining")] == [None] * 3
    assert payment["seconds_left"] == 0
    assert payment["address"] is not None, "late money is still seen"
    assert shown["notice"].startswith("This order was cancelled. Do not pay it any more")


async def test_order_is_cancelled_before_aeonto_has_heard_of_it(
    application: Application, user: Person
) -> None:
    order_id = await place(application, user)
    cancelled = (await ask(application, f"orders/{order_id}/cancel", {}, user)).json()
    assert (cancelled["status"], cancelled["payment"]) == ("CANCELLED", None)
    assert cancelled["notice"] == "This order was cancelled. Nobody was told where to pay it."


async def test_what_somebody_paid_is_not_cancelled(application: Application, user: Person) -> None:
    order_id = await place(application, user)
    await accept(application)
    await report(application, UNPAID.__class__(**{**vars(UNPAID), "state": "PAID"}))
    answer = await ask(application, f"orders/{order_id}/cancel", {}, user)
    assert refusal(answer) == problems.PAID_NOT_CANCELLABLE
    assert (await status(application, order_id, user))["status"] == "PAID"


async def test_only_the_buyer_cancels_and_strangers_learn_nothing(
    application: Application, town: Town
) -> None:
    gift = {"order_is_for_self": False, "access_code": town.code.access_code}
    order_id = await place(application, town.stranger, **gift)
    for by in (town.user, town.code):  # issuer of the code, beneficiary
        answer = await ask(application, f"orders/{order_id}/cancel", {}, by)
        assert refusal(answer) == problems.BUYER_ONLY
    foreign = await ask(application, f"orders/{order_id}/cancel", {}, town.foreign_code)
    absent = await ask(application, f"orders/{ABSENT}/cancel", {}, town.foreign_code)
    assert refusal(foreign) == problems.INVALID_ORDER_ID
    assert anonymised(foreign) == anonymised(absent)
    assert (await status(application, order_id, town.stranger))["status"] == "TO_BE_CREATED"
