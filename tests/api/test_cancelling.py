"""`POST /api/orders/{order_id}/cancel` over HTTP."""

import asyncio
from dataclasses import replace

import httpx
import pytest

from app.runtime.db.engine import create_database
from tests.api import problems
from tests.api.asking import anonymised, ask, read, refusal
from tests.api.conftest import ApiFixture
from tests.api.test_idempotency import BAD_KEY, ORDER, send
from tests.api.test_order_status import ABSENT, UNPAID, accept, place, report, status
from tests.support.application import Application, open_application
from tests.support.people import Person, make_user


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
    await report(application, replace(UNPAID, state="PAID"))
    answer = await ask(application, f"orders/{order_id}/cancel", {}, user)
    assert refusal(answer) == problems.PAID_NOT_CANCELLABLE
    assert (await status(application, order_id, user))["status"] == "PAID"


async def test_only_the_buyer_cancels_and_strangers_learn_nothing(
    application: Application, api: ApiFixture
) -> None:
    gift = {"order_is_for_self": False, "access_code": api.code.access_code}
    order_id = await place(application, api.stranger, **gift)
    for by in (api.user, api.code):  # issuer of the code, beneficiary
        answer = await ask(application, f"orders/{order_id}/cancel", {}, by)
        assert refusal(answer) == problems.BUYER_ONLY
    foreign = await ask(application, f"orders/{order_id}/cancel", {}, api.foreign_code)
    absent = await ask(application, f"orders/{ABSENT}/cancel", {}, api.foreign_code)
    assert refusal(foreign) == problems.INVALID_ORDER_ID
    assert anonymised(foreign) == anonymised(absent)
    assert (await status(application, order_id, api.stranger))["status"] == "TO_BE_CREATED"


async def cancel(
    application: Application, order_id: str, by: Person, key: str | None = None
) -> httpx.Response:
    """POST without a body, under a key if there is one."""
    headers = by.headers if key is None else {**by.headers, "Idempotency-Key": key}
    return await application.http.post(f"/api/orders/{order_id}/cancel", headers=headers)


async def test_key_brings_the_first_answer_back_also_when_the_order_was_paid_since(
    application: Application, user: Person
) -> None:
    order_id = await place(application, user)
    await accept(application)
    await report(application, UNPAID)
    first = await cancel(application, order_id, user, "a key")
    assert refusal(first) == BAD_KEY, "a blank is not allowed"
    first = await cancel(application, order_id, user, "key")
    assert (first.status_code, "Idempotency-Replayed" in first.headers) == (200, False)
    assert first.json() == await status(application, order_id, user)
    application.clock.advance(60)
    await report(application, replace(UNPAID, state="PAID"))
    again = await cancel(application, order_id, user, "key")
    assert (again.status_code, again.content) == (200, first.content)
    assert again.headers["Idempotency-Replayed"] == "true"
    for key in (None, "another"):
        fresh = await cancel(application, order_id, user, key)
        assert refusal(fresh) == problems.PAID_NOT_CANCELLABLE
    assert (await status(application, order_id, user))["status"] == "PAID"


async def test_key_of_a_cancel_is_bound_to_its_order_and_to_cancelling(
    application: Application, api: ApiFixture
) -> None:
    placed = await send(application, "new_order", ORDER, api.user, key="key")
    order_id, other_id = placed.json()["order_id"], await place(application, api.user)
    assert refusal(await cancel(application, ABSENT, api.user, "key")) == problems.INVALID_ORDER_ID
    assert (await cancel(application, order_id, api.user, "key")).status_code == 200
    reused = await cancel(application, other_id, api.user, "key")
    assert refusal(reused) == problems.KEY_OF_ANOTHER_ORDER
    assert (await status(application, other_id, api.user))["status"] == "TO_BE_CREATED"
    strangers = await cancel(application, order_id, api.stranger, "key")
    assert refusal(strangers) == problems.INVALID_ORDER_ID


@pytest.mark.parametrize("key", [None, "key"])
async def test_cancels_at_once_are_one(database_url: str, key: str | None) -> None:
    database = create_database(database_url, pool_size=20)
    async with open_application(database) as busy:
        user = await make_user(database, busy.clock.now())
        order_id = await place(busy, user)
        answers = await asyncio.gather(*(cancel(busy, order_id, user, key) for _ in range(20)))
        events = await read(busy, "SELECT count(*) FROM order_events WHERE to_status = 'CANCELLED'")
        moved = busy.resources.metrics.registry.get_sample_value(
            "assay_orders_moved_total", {"state": "CANCELLED"}
        )
    await database.dispose()
    done = [answer for answer in answers if answer.status_code == 200]
    assert len({answer.content for answer in done}) == 1
    in_flight = [answer for answer in answers if answer.status_code != 200]
    assert key is not None or not in_flight
    assert [one for one in in_flight if refusal(one) != problems.KEY_IN_FLIGHT] == []
    assert (events, moved) == ([(1,)], 1)
