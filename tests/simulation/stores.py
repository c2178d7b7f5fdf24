"""Two keepers of orders behind one face, so that one test can be asked of both."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from app.accounts.authentication import Caller
from app.ledger.actors import Actor
from app.ledger.rules import AccountKind
from app.orders import cancel as cancelling
from app.orders import service
from app.orders.errors import OrderNotCancellable
from app.orders.place import Purchase
from app.orders.poll_hints import PollHints
from app.orders.pricing import Terms
from app.orders.rules.failures import Failures
from app.orders.rules.poll_schedule import Urgency
from app.orders.rules.rails import Rail
from app.orders.rules.reports import Sighting
from app.orders.rules.states import OrderStatus
from app.orders.store import SqlOrderStore
from app.partners.esplora.outputs import OutputId
from app.runtime.clock import Clock
from app.runtime.db.engine import Database
from app.runtime.money import in_satoshi
from app.simulation.books import Books, KeptEntry, KeptEvent, KeptOrder, KeptOutput, KeptPayment
from app.simulation.buyers import Shown
from app.simulation.calendar import Work

_ORDERS = """
    SELECT o.*, p.order_id AS has_payment, p.uuid, p.seen_at, p.state, p.receiving_address,
        p.receiving_integrated_address, p.required_payment_id_long, p.required_payment_id_short,
        p.incoming_amount_total, p.remaining_amount_incoming, p.incoming_price_btc,
        p.incoming_num_confirmations_remaining, p.recommended_mixin, p.btc_num_confirmations,
        p.btc_num_confirmations_before_purge, p.btc_transaction_id, p.upstream_created_at,
        p.expires_at, p.settlement_claimed_at, p.late_until, p.confirmations_wanted,
        p.confirmations_seen, p.confirmations_needed, p.received_btc, p.confirmed_btc, s.txid, s.output_index
    FROM orders o LEFT JOIN payments p ON p.order_id = o.id
    LEFT JOIN settlements s ON s.order_id = o.id ORDER BY o.created_at, o.id"""
_OUTPUTS = "SELECT * FROM bitcoin_outputs"
_EARLIEST = """
    SELECT p.order_id IS NULL AS creation,
        min(greatest(o.next_look_at, coalesce(o.lease_until, o.next_look_at))) AS due
    FROM orders o LEFT JOIN payments p ON p.order_id = o.id
    WHERE o.next_look_at IS NOT NULL AND o.rail = 'aeonto' GROUP BY 1"""
_COINS = {Rail.AEONTO: ("Aeon", "AEON"), Rail.BITCOIN: ("Bitcoin", "BTC")}
_SAID = (
    "state", "receiving_address", "receiving_integrated_address", "required_payment_id_long",
    "required_payment_id_short", "incoming_amount_total", "remaining_amount_incoming",
    "incoming_price_btc", "incoming_num_confirmations_remaining", "recommended_mixin",
    "btc_num_confirmations", "btc_num_confirmations_before_purge", "btc_transaction_id",
    "upstream_created_at", "expires_at", "settlement_claimed_at", "late_until",
    "confirmations_wanted", "confirmations_seen", "confirmations_needed", "received_btc", "confirmed_btc",
)  # fmt: skip


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
        async with self.database.sessions() as session:
            placed = await service.create(
                session, caller=caller, purchase=purchase, terms=terms, now=self.clock.now()
            )
        return placed.id

    async def ask(self, order_id: str) -> None:
        """Bring an order forward, as the loop of the API does."""
        interest = PollHints()
        interest.note(order_id)
        await interest.flush(self.database, self.clock.now())

    async def cancel(self, account_id: str, order_id: str) -> bool:
        """Cancel an order for its buyer; say whether it is cancelled."""
        async with self.database.sessions() as session:
            try:
                await cancelling.cancel_own(
                    session,
                    order_id,
                    account_id=account_id,
                    actor=Actor(account_id, "test"),
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
        async with self.database.reading() as connection:
            outputs: dict[str, dict[OutputId, KeptOutput]] = defaultdict(dict)
            for row in await connection.execute(text(_OUTPUTS)):
                outputs[row.order_id][row.txid, row.output_index] = KeptOutput(
                    row.value_btc,
                    row.confirmations,
                    row.replaceable,
                    row.arrived_at,
                    row.gone_at,
                    row.is_coinbase,
                    row.before_order,
                    row.block_height,
                )
            service = await connection.execute(text(_ORDERS))
            kept = [_order(row, outputs[row.id]) for row in service]
            events = await connection.execute(
                text(
                    "SELECT order_id, kind, from_status, to_status, at, reason, evidence"
                    " FROM order_events ORDER BY id"
                )
            )
            entries = await connection.execute(
                text(
                    "SELECT account_id, order_id, kind, amount, balance_after"
                    " FROM ledger_entries ORDER BY id"
                )
            )
            balances = await connection.execute(text("SELECT id, balance FROM accounts"))
            return Books(
                kept,
                [KeptEvent(*row) for row in events],
                [KeptEntry(*row) for row in entries],
                {row.id: row.balance for row in balances},
            )


def _order(row: Any, outputs: dict[OutputId, KeptOutput]) -> KeptOrder:  # noqa: ANN401  a row of any shape
    sighting = None
    if row.sighting_status is not None:
        sighting = Sighting(
            OrderStatus(row.sighting_status), row.sighting_count, row.sighting_since
        )
    payment = None
    if row.has_payment is not None:
        said = {name: getattr(row, name) for name in _SAID}
        said = {name: value for name, value in said.items() if value is not None}
        payment = KeptPayment(row.uuid, row.seen_at, said, outputs)
    return KeptOrder(
        id=row.id,
        account_id=row.beneficiary_id,
        number_of_credits=row.number_of_credits,
        rail=Rail(row.rail),
        price_btc=row.price_btc,
        btc_amount=row.btc_amount,
        btc_dest_address=row.btc_dest_address,
        granting_status=OrderStatus(row.granting_status),
        create_by=row.create_by,
        created_at=row.created_at,
        status=OrderStatus(row.status),
        status_since=row.status_since,
        next_look_at=row.next_look_at,
        look_urgency=Urgency(row.look_urgency),
        failure_reason=row.failure_reason,
        lease_token=row.lease_token,
        lease_until=row.lease_until,
        sighting=sighting,
        failures=Failures(row.failed_count, row.failed_since) if row.failed_since else None,
        credits_granted=row.credits_granted,
        grant_price_btc=row.grant_price_btc,
        granted_at=row.granted_at,
        payment=payment,
        settled_by=None if row.txid is None else (row.txid, row.output_index),
    )
