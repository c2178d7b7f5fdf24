"""Placing orders: what is sold, to whom, and what the database has to say."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from asyncpg.exceptions import ConnectionDoesNotExistError
from sqlalchemy import text

from app.accounts.errors import InvalidAccessCode
from app.orders import aeonto_parameters, listing, service
from app.orders.errors import InvalidOrderId, OrderNotCreated
from app.orders.place import Purchase
from app.orders.queries import OrderView
from app.orders.rules.states import OrderStatus
from app.partners.aeonto.wire import OrderParameters
from app.runtime.errors import InvalidParameter
from app.runtime.paging import read_cursor
from tests.support import buying
from tests.support.clock import HandClock
from tests.support.databases import LentDatabase
from tests.support.orders import TERMS, OneOrder, count, place_order
from tests.support.people import Person, make_access_code, make_user

PARAMETERS = OrderParameters(
    price_btc=Decimal("0.017666"),
    lower_limit_btc=Decimal("0.001"),
    upper_limit_btc=Decimal("0.1"),
    zero_conf_enabled=False,
    zero_conf_max_amount_btc=Decimal("0.1"),
)


async def buy(
    database: LentDatabase, clock: HandClock, buyer: Person, purchase: Purchase
) -> OrderView:
    """Place an order."""
    return await buying.buy(database, buyer.caller, purchase, TERMS, clock.now())


async def test_order_keeps_price_amount_destination_and_granting_state(
    database: LentDatabase, clock: HandClock, buyer: Person
) -> None:
    terms = replace(TERMS, granting_status=OrderStatus.PAID, credit_price_btc=Decimal("0.00000003"))
    await place_order(database, buyer, clock.now(), number_of_credits=7, terms=terms)
    kept = (
        "price_btc = 0.00000003 AND btc_amount = 0.00000021 AND granting_status = 'PAID'"
        " AND btc_dest_address = :destination AND status = 'TO_BE_CREATED'"
        " AND create_by - created_at = interval '1 hour' AND next_look_at = created_at"
    )
    assert await count(database, "orders", kept, destination=TERMS.btc_dest_address) == 1


@pytest.mark.parametrize("number", [0, -1, 10_001, 2**63])
async def test_number_of_credits_has_bounds(
    database: LentDatabase, clock: HandClock, buyer: Person, number: int
) -> None:
    with pytest.raises(InvalidParameter, match="number_of_credits must be a whole number from 1"):
        await buy(database, clock, buyer, Purchase(number, "Aeon", "AEON", None))


@pytest.mark.parametrize(("coin", "network"), [("aeon", "Aeon"), ("AEON", "aeon")])
async def test_coin_and_network_match_without_regard_to_case_and_stay_as_written(
    database: LentDatabase, clock: HandClock, buyer: Person, coin: str, network: str
) -> None:
    view = await buy(database, clock, buyer, Purchase(1, coin, network, None))
    assert (view.payment_coin, view.payment_network) == (coin, network)


@pytest.mark.parametrize(
    ("purchase", "named"),
    [
        (Purchase(1, "Bitcoin", "AEON", None), "payment_coin"),
        (Purchase(1, "Aeon", "BTC", None), "payment_network"),
    ],
    ids=["coin", "network"],
)
async def test_coin_that_is_not_taken_is_refused(
    database: LentDatabase, clock: HandClock, buyer: Person, purchase: Purchase, named: str
) -> None:
    with pytest.raises(InvalidParameter, match=f"^{named} must be"):
        await buy(database, clock, buyer, purchase)


async def test_amount_is_held_against_the_limits_last_seen(
    database: LentDatabase, clock: HandClock, buyer: Person
) -> None:
    async with database.sessions() as session:
        await aeonto_parameters.save(session, PARAMETERS, clock.now())
    for number in (1, 201):
        with pytest.raises(InvalidParameter, match="from 2 to 200"):
            await buy(database, clock, buyer, Purchase(number, "Aeon", "AEON", None))
    await buy(database, clock, buyer, Purchase(2, "Aeon", "AEON", None))
    await buy(database, clock, buyer, Purchase(200, "Aeon", "AEON", None))
    clock.advance(301)  # too old to say anything about an order of now
    await buy(database, clock, buyer, Purchase(1, "Aeon", "AEON", None))


async def test_parameters_say_what_an_amount_costs_rounded_up(
    database: LentDatabase, clock: HandClock
) -> None:
    async with database.sessions() as session:
        await aeonto_parameters.save(session, PARAMETERS, clock.now())
        await aeonto_parameters.save(session, PARAMETERS, clock.now() + timedelta(seconds=1))
    async with database.reading() as connection:
        known = await aeonto_parameters.known(connection, clock.now())
    assert known is not None
    assert known.seen_at == clock.now() + timedelta(seconds=1)
    # 0.1 / 0.017666 = 5.66059096…
    assert known.price_aeon(Decimal("0.1")) == Decimal("5.6605910")


@pytest.mark.parametrize("code", ["x" * 16, "", "nöt a code", "\x00" * 16])
async def test_gift_to_a_code_that_is_not_is_refused(
    database: LentDatabase, clock: HandClock, buyer: Person, code: str
) -> None:
    with pytest.raises(InvalidAccessCode):
        await buy(database, clock, buyer, Purchase(1, "Aeon", "AEON", code))


async def test_expired_code_neither_buys_nor_receives(
    database: LentDatabase, clock: HandClock, buyer: Person
) -> None:
    code = await make_access_code(
        database, buyer, clock.now(), expires_at=clock.now() + timedelta(seconds=1)
    )
    clock.advance(1)
    with pytest.raises(InvalidAccessCode):
        await buy(database, clock, buyer, Purchase(1, "Aeon", "AEON", code.access_code))
    expired = replace(code, caller=replace(code.caller, active=False))
    with pytest.raises(InvalidAccessCode):
        await buy(database, clock, expired, Purchase(1, "Aeon", "AEON", None))


async def test_insert_that_the_database_refuses_is_an_order_not_created(
    database: LentDatabase, clock: HandClock, buyer: Person
) -> None:
    broken = replace(TERMS, granting_status=OrderStatus.UNPAID)
    one = Purchase(1, "Aeon", "AEON", None)
    with pytest.raises(OrderNotCreated):
        await buying.buy(database, buyer.caller, one, broken, clock.now())
    assert await count(database, "orders") == 0


async def test_database_that_is_away_is_not_an_order_not_created(
    database: LentDatabase, clock: HandClock, buyer: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_args: object, **_named: object) -> None:
        raise ConnectionDoesNotExistError("connection was closed in the middle of operation")

    monkeypatch.setattr(database, "fetch", fail)
    with pytest.raises(ConnectionDoesNotExistError):
        await buy(database, clock, buyer, Purchase(1, "Aeon", "AEON", None))


async def test_order_is_visible_to_buyer_beneficiary_and_issuer_alone(
    database: LentDatabase, clock: HandClock, buyer: Person
) -> None:
    issuer = await make_user(database, clock.now())
    code = await make_access_code(database, issuer, clock.now())
    stranger = await make_user(database, clock.now())
    order_id = await place_order(database, buyer, clock.now(), access_code=code.access_code)
    seen = {}
    async with database.reading() as connection:
        for name, person in {
            "buyer": buyer,
            "beneficiary": code,
            "issuer": issuer,
            "stranger": stranger,
        }.items():
            page = await listing.list_visible(connection, person.account_id, cursor=None, limit=9)
            seen[name] = [view.id for view in page.items]
    assert seen == {
        "buyer": [order_id],
        "beneficiary": [order_id],
        "issuer": [order_id],
        "stranger": [],
    }


async def test_operator_reads_every_order_and_its_payment(
    database: LentDatabase, clock: HandClock, buyer: Person, order: OneOrder
) -> None:
    await order.reported("UNDERPAID", incoming_amount_total=Decimal("5.5"))
    clock.advance(1)
    waiting = await place_order(database, buyer, clock.now())
    async with database.reading() as connection:
        listed = await service.list_all(connection, status=None, limit=9)
        unpaid = await service.list_all(connection, status=OrderStatus.UNDERPAID, limit=9)
        shown = await service.read_any(connection, order.id)
        with pytest.raises(InvalidOrderId):
            await service.read_any(connection, "ord_none")
    assert [view.id for view in listed] == [waiting, order.id]
    assert unpaid == [shown]
    assert shown.payment is not None
    assert shown.payment.incoming_amount_total == Decimal("5.5")


async def test_orders_of_the_same_instant_are_all_paged_once(
    database: LentDatabase, clock: HandClock, buyer: Person
) -> None:
    placed = [await place_order(database, buyer, clock.now()) for _ in range(5)]
    found: list[str] = []
    cursor = None
    async with database.reading() as connection:
        while True:
            page = await listing.list_visible(connection, buyer.account_id, cursor=cursor, limit=2)
            found += [view.id for view in page.items]
            if page.next_cursor is None:
                break
            cursor = read_cursor(page.next_cursor)
        rows = await connection.scalar(text("SELECT count(*) FROM orders"))
    assert sorted(found) == sorted(placed)
    assert rows == 5
