"""Two keepers of orders behind one face, so that one test can be asked of both."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, text

from app.accounts.authentication import Caller
from app.ledger.actors import Actor
from app.ledger.rules import AccountKind
from app.orders import cancel as cancelling
from app.orders.errors import OrderNotCancellable
from app.orders.events import EventRecord
from app.orders.models import BitcoinOutput, Order, Payment, SettledOutput
from app.orders.place import Purchase
from app.orders.poll_hints import PollHints
from app.orders.pricing import Terms
from app.orders.rows import OrderRows
from app.orders.rules.rails import Rail
from app.orders.rules.states import OrderStatus
from app.orders.store import SqlOrderStore
from app.runtime.clock import Clock
from app.runtime.db.engine import Database
from app.runtime.money import in_satoshi
from app.simulation.books import Books, KeptEntry
from app.simulation.buyers import Shown
from app.simulation.calendar import Work
from tests.support.buying import buy
from tests.support.orders import TERMS

_EARLIEST = """
    SELECT p.order_id IS NULL AS creation,
        min(greatest(o.next_look_at, coalesce(o.lease_until, o.next_look_at))) AS due
    FROM orders o LEFT JOIN payments p ON p.order_id = o.id
    WHERE o.next_look_at IS NOT NULL AND o.rail = 'aeonto' GROUP BY 1"""
_COINS = {Rail.AEONTO: ("Aeon", "AEON"), Rail.BITCOIN: ("Bitcoin", "BTC")}


@dataclass
class SqlShop:
    """Orders in PostgreSQL, as buyers and the checks see them."""

    database: Database
    clock: Clock
    today: Terms

    def __post_init__(self) -> None:
        """Stand before the real store."""
        self.store = SqlOrderStore(self.database, self.today)

    async def place(self, account_id: str, number_of_credits: int, rail: Rail, terms: Terms) -> str:
        """Place an order as `new_order` does; return its id."""
        caller = Caller(account_id, AccountKind.USER, None, active=True)
        purchase = Purchase(number_of_credits, *_COINS[rail], None)
        placed = await buy(self.database, caller, purchase, terms, self.clock.now())
        return placed.id

    async def ask(self, order_id: str) -> None:
        """Bring an order forward, as the loop of the API does."""
        poll_hints = PollHints()
        poll_hints.note(order_id)
        await poll_hints.flush(self.database, self.clock.now())

    async def cancel(self, account_id: str, order_id: str) -> bool:
        """Cancel an order for its buyer; say whether it is cancelled."""
        try:
            async with self.database.sessions() as session, session.begin():
                await cancelling.cancel_own(
                    session,
                    order_id,
                    account_id=account_id,
                    actor=Actor(account_id, "test"),
                    valuation=TERMS.valuation(),
                    now=self.clock.now(),
                )
        except OrderNotCancellable:
            return False
        return True

    async def shown(self, order_id: str) -> Shown:
        """Return what the buyer of an order sees of it."""
        query = text(
            "SELECT o.status, o.rail, o.btc_amount, o.btc_dest_address, p.uuid,"
            " p.receiving_integrated_address AS address"
            " FROM orders o LEFT JOIN payments p ON p.order_id = o.id WHERE o.id = :id"
        )
        async with self.database.reading() as connection:
            row = (await connection.execute(query, {"id": order_id})).one()
        status = OrderStatus(row.status)
        if row.rail == Rail.BITCOIN:
            return Shown(status, None, row.btc_dest_address, in_satoshi(row.btc_amount))
        return Shown(status, row.uuid if row.address else None)

    async def earliest(self) -> dict[Work, Any]:
        """Return when the next order is due of each kind."""
        async with self.database.reading() as connection:
            rows = await connection.execute(text(_EARLIEST))
        return {Work.CREATIONS if row.creation else Work.LOOKS: row.due for row in rows}

    async def books(self) -> Books:
        """Read everything that the checks look at."""
        async with self.database.sessions() as session, session.begin():
            kept = await session.scalars(select(Order).order_by(Order.created_at, Order.id))
            rows = {order.id: OrderRows(order) for order in kept}
            for payment in await session.scalars(select(Payment)):
                rows[payment.order_id].payment = payment
            for output in await session.scalars(select(BitcoinOutput)):
                rows[output.order_id].outputs[output.txid, output.output_index] = output
            settled = await session.scalars(select(SettledOutput))
            settlements = {each.order_id: (each.txid, each.output_index) for each in settled}
            events = await session.execute(
                text(
                    "SELECT order_id, kind, from_status, to_status, at, reason, evidence"
                    " FROM order_events ORDER BY id"
                )
            )
            entries = await session.execute(
                text(
                    "SELECT account_id, order_id, kind, amount, balance_after"
                    " FROM ledger_entries ORDER BY id"
                )
            )
            balances = await session.execute(text("SELECT id, balance FROM accounts"))
            return Books(
                list(rows.values()),
                [EventRecord(*row) for row in events],
                [KeptEntry(*row) for row in entries],
                {row.id: row.balance for row in balances},
                settlements,
            )
