"""Each order gets an address of its own: indexes from 0 on, none twice, none left out."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.ledger.actors import Actor
from app.orders import address_checks, addresses
from app.orders.models import BitcoinAddress, BitcoinWallet
from app.orders.place import Purchase
from app.orders.pricing import BitcoinTerms
from app.orders.wallet.wallet import Wallet
from app.resources import sales_terms
from app.runtime.clock import Clock
from app.runtime.db.engine import Database, create_database
from tests.orders.wallet.keys import BIP84_ZPUB, BIP86_XPUB
from tests.support.application import BTC_DEST_ADDRESS, settings_for_tests
from tests.support.buying import buy
from tests.support.clock import HandClock
from tests.support.databases import LentDatabase, wait_long
from tests.support.orders import TERMS, place_order, read_order
from tests.support.people import Person, make_user

WALLET = Wallet.from_text(BIP84_ZPUB)
# An order like another, but for its id.
_ORDER_LIKE = text(
    "INSERT INTO orders SELECT (jsonb_populate_record(o, jsonb_build_object('id', CAST(:id AS text)))).*"
    " FROM orders o WHERE o.id = :model"
)


class GivenUp(Exception):
    """A transaction is to be rolled back."""


async def order_like(session: AsyncSession, model: str, order_id: str) -> None:
    """Write the row of an order."""
    await session.execute(_ORDER_LIKE, {"id": order_id, "model": model})


async def taken(database: Database) -> list[tuple[int, str]]:
    """Return every index that was given out, with its address."""
    query = select(BitcoinAddress.address_index, BitcoinAddress.address)
    async with database.reading() as connection:
        rows = await connection.execute(query.order_by(BitcoinAddress.address_index))
        return [(index, address) for index, address in rows]


@pytest.fixture
async def model(database: LentDatabase, clock: HandClock, buyer: Person) -> str:
    """An order to make others like it."""
    return await place_order(database, buyer, clock.now())


async def test_orders_get_the_addresses_in_their_order(
    database: LentDatabase, clock: HandClock, model: str
) -> None:
    for number in range(3):
        async with database.sessions() as session, session.begin():
            address = await addresses.take(session, WALLET, f"ord_{number}", clock.now())
            await order_like(session, model, f"ord_{number}")
            assert address == WALLET.address(number)
    assert await taken(database) == [(number, WALLET.address(number)) for number in range(3)]


async def test_each_wallet_begins_at_its_first_address(
    database: LentDatabase, clock: HandClock
) -> None:
    other = Wallet.from_text(f"tr({BIP86_XPUB}/0/*)")
    async with database.sessions() as session, session.begin():
        first = await addresses.take(session, WALLET, "ord_1", clock.now())
        of_other = await addresses.take(session, other, "ord_2", clock.now())
        second = await addresses.take(session, WALLET, "ord_3", clock.now())
    assert [first, second] == [WALLET.address(0), WALLET.address(1)]
    assert of_other == other.address(0)


async def test_another_spelling_of_a_wallet_goes_on_where_the_first_was(
    database: LentDatabase, clock: HandClock
) -> None:
    key = WALLET.descriptor[len("wpkh(") : WALLET.descriptor.index("/")]
    spelled = Wallet.from_text(f"wpkh([73c5da0a/84h/0h/0h]{key}/<0;1>/*)")
    async with database.sessions() as session, session.begin():
        await addresses.take(session, WALLET, "ord_1", clock.now())
        address = await addresses.take(session, spelled, "ord_2", clock.now())
    assert address == WALLET.address(1)


async def test_transaction_that_fails_leaves_no_gap(
    database: LentDatabase, clock: HandClock, model: str
) -> None:
    async def fail(order_id: str) -> None:
        async with database.sessions() as session, session.begin():
            await addresses.take(session, WALLET, order_id, clock.now())
            raise GivenUp

    for number in range(3):
        with pytest.raises(GivenUp):
            await fail(f"ord_{number}")
    async with database.sessions() as session, session.begin():
        address = await addresses.take(session, WALLET, "ord_9", clock.now())
        await order_like(session, model, "ord_9")
    assert address == WALLET.address(0)


async def test_wallet_that_has_given_out_its_last_index_gives_no_more(
    database: LentDatabase, clock: HandClock
) -> None:
    async with database.sessions() as session, session.begin():
        session.add(
            BitcoinWallet(id=WALLET.wallet_id, descriptor=WALLET.descriptor, next_index=2**31 - 1)
        )
    async with database.sessions() as session, session.begin():
        last = await addresses.take(session, WALLET, "ord_1", clock.now())
    assert last == WALLET.address(2**31 - 1)
    with pytest.raises(IntegrityError, match="next_index"):
        async with database.sessions() as session, session.begin():
            await addresses.take(session, WALLET, "ord_2", clock.now())


# --- an address is its order's for ever ---

BITCOIN = replace(
    TERMS,
    bitcoin=BitcoinTerms(
        wallet=WALLET,
        confirmations=2,
        unconfirmed_up_to_btc=Decimal(0),
        one_confirmation_up_to_btc=Decimal(0),
        payment_window=timedelta(hours=1),
        late_grace=timedelta(hours=1),
        excess_to_credits=False,
    ),
)
TXID = "a" * 64


async def ordered(database: Database, clock: Clock, buyer: Person) -> tuple[str, int]:
    """Place an order in bitcoin; return its id and the index of its address."""
    purchase = Purchase(10, "Bitcoin", "BTC", None)
    placed = await buy(database, buyer.caller, purchase, BITCOIN, clock.now())
    async with database.reading() as connection:
        index = await connection.scalar(
            select(BitcoinAddress.address_index).where(BitcoinAddress.order_id == placed.id)
        )
    assert index is not None
    return placed.id, index


async def change(database: Database, statement: str, **values: object) -> None:
    """Make it so by plain SQL."""
    async with database.sessions() as session, session.begin():
        await session.execute(text(statement), values)


async def arrives(database: Database, clock: Clock, order_id: str, *, gone: bool) -> None:
    """Let something arrive at the address of an order; `gone`: and be double-spent."""
    await change(
        database,
        "INSERT INTO bitcoin_outputs VALUES (:txid, 0, :id, 0.001, 0, true, :now, :gone)",
        txid=TXID,
        id=order_id,
        now=clock.now(),
        gone=clock.now() if gone else None,
    )


async def test_address_is_never_given_to_another_order(
    database: LentDatabase, clock: HandClock, buyer: Person
) -> None:
    old, index = await ordered(database, clock, buyer)
    await change(
        database,
        "UPDATE orders SET status = 'TIMED_OUT', status_since = :since WHERE id = :id",
        since=clock.now() - timedelta(days=400),
        id=old,
    )
    assert [(await ordered(database, clock, buyer))[1] for _ in range(2)] == [index + 1, index + 2]
    assert (await read_order(database, old)).next_look_at is not None


async def test_destination_of_aeonto_is_passed_over(
    database: LentDatabase, clock: HandClock
) -> None:
    async with database.sessions() as session, session.begin():
        address = await addresses.take(
            session, WALLET, "ord_1", clock.now(), destination=WALLET.address(0).upper()
        )
    assert address == WALLET.address(1)


async def test_destination_that_is_too_far_to_be_seen_at_the_start_is_passed_over_at_its_turn(
    database: LentDatabase, clock: HandClock
) -> None:
    far = 2000
    settings = settings_for_tests(
        btc_dest_address=WALLET.address(far),
        bitcoin_descriptor=BIP84_ZPUB,
        esplora_url=("https://one.example/api/",),
    )
    assert sales_terms(settings).btc_dest_address == WALLET.address(far)
    async with database.sessions() as session:
        await addresses.advance(
            session, WALLET, far - 1, actor=Actor("operator", "cli"), now=clock.now()
        )
    given = []
    for number in range(2):
        async with database.sessions() as session, session.begin():
            given.append(
                await addresses.take(
                    session,
                    WALLET,
                    f"ord_{number}",
                    clock.now(),
                    destination=settings.orders.btc_dest_address,
                )
            )
    assert given == [WALLET.address(far - 1), WALLET.address(far + 1)]


async def test_gap_counts_the_addresses_after_the_last_that_was_paid(
    database: LentDatabase, clock: HandClock, buyer: Person
) -> None:
    async def gap() -> int:
        async with database.reading() as connection:
            return await addresses.gap(connection, WALLET)

    assert await gap() == 0
    first, _ = await ordered(database, clock, buyer)
    assert await gap() == 1
    await arrives(database, clock, first, gone=False)
    assert await gap() == 0
    for _ in range(3):
        await ordered(database, clock, buyer)
    assert await gap() == 3
    await change(database, "UPDATE bitcoin_outputs SET gone_at = now()")
    assert await gap() == 4


# --- many at once ---


@asynccontextmanager
async def replicas(url: str, count: int) -> AsyncIterator[list[Database]]:
    """Connect so many times, as so many processes would."""
    async with AsyncExitStack() as stack:
        databases = [create_database(url, pool_size=1) for _ in range(count)]
        for database in databases:
            stack.push_async_callback(database.dispose)
        yield databases


async def test_orders_at_once_get_the_first_indexes_each_once(
    database_url: str, committed_database: Database, everything: bool
) -> None:
    count = 1000 if everything else 200
    clock = HandClock()
    buyer = await make_user(committed_database, clock.now())
    model = await place_order(committed_database, buyer, clock.now())
    given: list[str] = []

    async def place(database: Database, number: int) -> None:
        async with database.sessions() as session, session.begin():
            await wait_long(session)
            order_id = f"ord_{number}"
            address = await addresses.take(session, WALLET, order_id, clock.now())
            await order_like(session, model, order_id)
            if number % 10 == 0:
                raise GivenUp
        given.append(address)

    async def live(database: Database, replica: int) -> int:
        failed = 0
        for number in range(replica, count, 8):
            try:
                await place(database, number)
            except GivenUp:
                failed += 1
        return failed

    async with replicas(database_url, 8) as databases:
        failures = await asyncio.gather(
            *(live(database, replica) for replica, database in enumerate(databases))
        )
    kept = range(count - count // 10)
    assert sum(failures) == count // 10
    assert [index for index, _ in await taken(committed_database)] == list(kept)
    assert Counter(given) == Counter(WALLET.address(index) for index in kept)


async def check(database: Database, wallet: Wallet, index: int, clock: Clock) -> None:
    """Check an address ahead of the orders; nothing lies there."""
    async with database.sessions() as session:
        await address_checks.keep(
            session,
            wallet,
            index,
            [],
            tip_height=100,
            destination=BTC_DEST_ADDRESS,
            now=clock.now(),
        )


async def until_waiting(database: Database, transactions: int) -> None:
    """Wait until so many transactions of the database wait for a lock."""
    waiting = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND wait_event_type = 'Lock'"
    )
    async with asyncio.timeout(60), database.reading() as connection:
        while await connection.scalar(text(waiting)) != transactions:
            await asyncio.sleep(0.01)


async def test_orders_that_waited_for_another_get_the_checked_addresses_after_its(
    committed_database: Database,
) -> None:
    clock = HandClock()
    buyer = await make_user(committed_database, clock.now())
    model = await place_order(committed_database, buyer, clock.now())
    for index in range(4):
        await check(committed_database, WALLET, index, clock)

    async def place(order_id: str) -> str:
        async with committed_database.sessions() as session, session.begin():
            await wait_long(session)
            address = await addresses.take(session, WALLET, order_id, clock.now())
            await order_like(session, model, order_id)
        return address

    async with committed_database.sessions() as session, session.begin():
        given = [await addresses.take(session, WALLET, "ord_1", clock.now())]
        await order_like(session, model, "ord_1")
        others = [asyncio.create_task(place(f"ord_{number}")) for number in (2, 3)]
        await until_waiting(committed_database, len(others))
    given += [await other for other in others]
    assert sorted(given) == sorted(WALLET.address(index) for index in range(3))


async def test_checks_of_another_wallet_are_not_this_ones(
    database: LentDatabase, clock: HandClock
) -> None:
    other = Wallet.from_text(f"tr({BIP86_XPUB}/0/*)")
    for index in range(7, 9):
        await check(database, other, index, clock)
    await check(database, WALLET, 1, clock)
    async with database.sessions() as session, session.begin():
        given = [await addresses.take(session, WALLET, f"ord_{n}", clock.now()) for n in range(2)]
    assert given == [WALLET.address(1), WALLET.address(2)]
