"""What an order says when it is over, or when its money vanished: nothing invites to pay."""

from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from app.orders import operator
from tests.api.asking import ask, look, read
from tests.api.test_order_status import ADDRESS, INTEGRATED, UNPAID, accept, report
from tests.api.test_order_status import place as place_in_aeon
from tests.api.test_order_status import status as status_of
from tests.api.test_orders_in_bitcoin import FIRST, ORDER, order_of, status
from tests.orders.wallet.keys import BIP84_ZPUB
from tests.support.application import Application, open_application
from tests.support.bitcoin_orders import BitcoinOrder, output, priced
from tests.support.databases import LentDatabase
from tests.support.orders import TERMS
from tests.support.people import ACTOR, Person

DOUBLED: Final = priced(Decimal("0.001"))


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
    answer = await ask(application, "new_order", ORDER, user)
    return order_of(application, answer.json()["order_id"])


def invites(payment: dict[str, Any]) -> bool:
    """Say whether anything asks for money."""
    return any(payment[name] is not None for name in ("pay_to", "uri", "amount_remaining"))


async def test_order_that_timed_out_says_what_a_late_payment_buys_and_invites_nobody(
    application: Application, user: Person, placed: BitcoinOrder
) -> None:
    application.clock.advance(3600)
    seconds = await status(application, placed, user)
    assert (seconds["status"], invites(seconds["payment"])) == ("UNPAID", False), "not seen yet"
    assert "0.005 BTC" in seconds["notice"]
    await placed.shown()
    seen = await status(application, placed, user)
    assert seen["status"] == seen["payment"]["state"] == "TIMED_OUT"
    assert not invites(seen["payment"])
    assert (seen["payment"]["address"], seen["payment"]["seconds_left"]) == (FIRST, 0)
    assert (seen["payment"]["amount_total"], seen["payment"]["late_until"]) == (
        "0.005",
        "2026-01-11T14:46:03Z",
    )
    assert seen["payment"]["late_payment"] == {
        "credits": 10,
        "credit_price_btc": "0.0005",
        "until": "2026-01-11T14:46:03Z",
    }
    assert seen["notice"] == (
        "This order timed out. Do not pay it any more: place a new order. Should a payment of 0.005"
        " BTC still come by 2026-01-11T14:46:03Z, it buys 10 credits at 0.0005 BTC each, the price"
        " of the order. What comes later buys at the price of its day."
    )
    listed = (await look(application, "orders", user)).json()["items"]
    assert listed == [seen]


async def test_after_the_grace_time_the_old_price_is_gone_and_today_s_is_told(
    outer: AsyncConnection, application: Application, user: Person, placed: BitcoinOrder
) -> None:
    application.clock.advance(7201)
    await placed.shown()
    async with open_application(
        LentDatabase(outer),
        bitcoin_descriptor=BIP84_ZPUB,
        esplora_url=("http://127.0.0.1:9/esplora",),
        credit_price_btc="0.001",
    ) as dear:
        dear.clock.advance((application.clock.now() - dear.clock.now()).total_seconds())
        seen = await status(dear, placed, user)
    assert not invites(seen["payment"])
    assert seen["payment"]["amount_total"] is None
    assert seen["payment"]["late_payment"] == {
        "credits": 5,
        "credit_price_btc": "0.001",
        "until": None,
    }
    assert "today 5 of 10 credits, at 0.001 BTC each" in seen["notice"]


async def test_late_payment_that_bought_fewer_credits_says_so_in_the_order(
    application: Application, user: Person, placed: BitcoinOrder
) -> None:
    application.clock.advance(3600)
    await placed.shown()
    application.clock.advance(3700)
    await placed.shown(output(), terms=DOUBLED)
    seen = await status(application, placed, user)
    assert (seen["status"], seen["number_of_credits"], seen["credits_granted"]) == ("PAID", 10, 5)
    assert (seen["credit_price_btc"], seen["grant_price_btc"]) == ("0.0005", "0.001")
    assert seen["notice"] == (
        "The payment was complete only after 2026-01-11T14:46:03Z, and bought 5 credits, at 0.001"
        " BTC each; 10 were ordered at 0.0005 BTC each."
    )


async def test_part_that_was_paid_before_the_end_stays_visible_and_invites_no_more(
    application: Application, user: Person, placed: BitcoinOrder
) -> None:
    await placed.shown(output(200_000, 1))
    application.clock.advance(3600)
    for look_again in (False, True):  # before the loop has seen that it is over, and after
        if look_again:
            await placed.shown(output(200_000, 1))
        seen = await status(application, placed, user)
        assert not invites(seen["payment"])
        assert seen["payment"]["amount_received"] == "0.002"
        assert "Should 0.005 BTC in all still come" in seen["notice"]


async def test_order_in_aeon_that_is_over_invites_nobody(
    application: Application, user: Person
) -> None:
    order_id = await place_in_aeon(application, user)
    await accept(application)
    await report(application, UNPAID)
    application.clock.advance(900)
    expired = await status_of(application, order_id, user)
    await report(application, replace(UNPAID, state="TIMED_OUT"))
    timed_out = await status_of(application, order_id, user)
    for seen in (expired, timed_out):
        payment = seen["payment"]
        assert not invites(payment)
        assert (payment["amount_total"], payment["seconds_left"]) == (None, 0)
        assert (payment["address"], payment["integrated_address"]) == (ADDRESS, INTEGRATED)
        assert "AEON.to decides whether it honours a payment that still comes" in seen["notice"]
    assert timed_out["status"] == timed_out["payment"]["state"] == "TIMED_OUT"


async def test_order_that_vanished_at_aeonto_does_not_say_that_it_is_unpaid(
    application: Application, user: Person
) -> None:
    order_id = await place_in_aeon(application, user)
    await accept(application)
    await report(application, UNPAID)
    for _ in range(3):
        application.clock.advance(301)
        await report(application, replace(UNPAID, state="NOT_FOUND"))
    seen = await status_of(application, order_id, user)
    assert seen["status"] == seen["payment"]["state"] == "NOT_FOUND"
    assert not invites(seen["payment"])


async def test_replaced_payment_has_one_state_and_says_that_it_vanished(
    application: Application, user: Person, placed: BitcoinOrder
) -> None:
    await placed.shown(output(confirmations=0, replaceable=True))
    await placed.shown()
    seen = await status(application, placed, user)
    payment = seen["payment"]
    assert seen["status"] == payment["state"] == "PAID_UNCONFIRMED"
    assert payment["vanished"] is True
    assert [one["gone"] for one in payment["transactions"]] == [True]
    assert (payment["amount_received"], payment["confirmations_remaining"]) == (None, None)
    assert not invites(payment), "the money may come back: nobody is asked to pay twice"
    assert "Do not pay a second time before." in seen["notice"]
    for _ in range(2):
        application.clock.advance(301)
        await placed.shown()
    seen = await status(application, placed, user)
    assert seen["status"] == seen["payment"]["state"] == "UNPAID"
    assert (seen["payment"]["vanished"], seen["notice"]) == (False, None)
    assert seen["payment"]["amount_remaining"] == "0.005"


async def test_granted_payment_that_vanished_is_still_paid_and_says_so(
    application: Application, user: Person, placed: BitcoinOrder
) -> None:
    await placed.shown(output())
    application.clock.advance(3600)
    await placed.shown()
    seen = await status(application, placed, user)
    assert seen["status"] == seen["payment"]["state"] == "PAID"
    assert (seen["payment"]["vanished"], seen["payment"]["amount_received"]) == (True, None)


async def test_amounts_received_are_unknown_in_aeon_and_nothing_stale_stands_beside_the_status(
    application: Application, user: Person
) -> None:
    order_id = await place_in_aeon(application, user)
    await accept(application)
    half = replace(UNPAID, state="UNDERPAID", remaining_amount_incoming=Decimal(4))
    bare = replace(
        UNPAID,
        incoming_amount_total=None,
        remaining_amount_incoming=None,
        incoming_num_confirmations_remaining=None,
    )
    shown = []
    for said in (
        half,
        replace(bare, state="PAID_UNCONFIRMED", incoming_num_confirmations_remaining=3),
        replace(bare, state="PAID"),
    ):
        await report(application, said)
        seen = await status_of(application, order_id, user)
        payment = seen["payment"]
        assert payment["state"] == seen["status"] == said.state
        assert payment["amount_received"] is None
        shown.append((payment["amount_remaining"], payment["confirmations_remaining"]))
    assert shown == [("4", None), (None, 3), (None, 0)]


@pytest.mark.parametrize("grant", [True, False])
async def test_word_of_an_operator_is_the_one_truth(
    application: Application, user: Person, placed: BitcoinOrder, *, grant: bool
) -> None:
    now = application.clock.now()
    async with application.database.sessions() as session:
        await operator.resolve(
            session,
            placed.id,
            grant=grant,
            reason="a test",
            actor=ACTOR,
            valuation=TERMS.valuation(),
            now=now,
        )
    await placed.shown(*([] if grant else [output()]))
    seen = await status(application, placed, user)
    payment = seen["payment"]
    assert seen["status"] == payment["state"] == ("PAID" if grant else "FAILED")
    assert (invites(payment), payment["vanished"]) == (False, False)
    if not grant:
        assert payment["late_payment"] == {"credits": 0, "credit_price_btc": None, "until": None}


async def test_idempotent_replay_shows_the_order_as_it_was_answered_first(
    application: Application, user: Person
) -> None:
    key = {"Idempotency-Key": "over"}
    first = await ask(application, "new_order", ORDER, user, session=key)
    application.clock.advance(7201)
    again = await ask(application, "new_order", ORDER, user, session=key)
    assert first.content == again.content
    assert await read(application, "SELECT count(*) FROM orders") == [(1,)]
