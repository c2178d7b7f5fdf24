"""The sandbox's world: its clock, orders, bitcoin, settings and counts, kept in its store."""

import random
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final, cast

from app.runtime.clock import Clock
from app.runtime.money import SATOSHI
from app.sandbox import identity
from app.sandbox.answers import SHAPES
from app.sandbox.bitcoin import Bitcoin
from app.sandbox.chain import Payment
from app.sandbox.faults import Faults
from app.sandbox.limits import Limiter
from app.sandbox.orders import (
    AEON_QUANTUM,
    CONFIRMATIONS_BEFORE_PURGE,
    TIMEOUT,
    Order,
    Rules,
    State,
    place,
    settle,
)
from app.sandbox.stats import STATS, Stats
from app.sandbox.store import Store
from app.sandbox.vendors import Vendors
from app.sandbox.views import Sight, View

PARAMETERS: Final = SHAPES["order_parameter_query"]
LOWER_LIMIT_BTC: Final = cast("Decimal", PARAMETERS["lower_limit"])
UPPER_LIMIT_BTC: Final = cast("Decimal", PARAMETERS["upper_limit"])
ZERO_CONF_MAX_BTC: Final = cast("Decimal", PARAMETERS["zero_conf_max_amount"])
DEFAULT_PRICE_BTC: Final = cast("Decimal", PARAMETERS["price"])


@dataclass(frozen=True, kw_only=True)
class Options:
    """How a sandbox is set up; the price is in BTC per AEON.

    `block_seconds`: how often a bitcoin block comes by itself; None: never. `mine_payouts`: one
    comes with each payout of AEON.to, too.
    """

    rate_scale: Decimal
    price_btc: Decimal
    zero_conf: bool
    creation_delay_seconds: float
    auto: bool
    auto_step_seconds: float
    block_seconds: float | None
    mine_payouts: bool
    seed: int | None


class World:
    """Everything the sandbox remembers. Used by one event loop; no method waits."""

    def __init__(self, store: Store, clock: Clock, options: Options) -> None:
        self.clock = clock
        self.options = options
        self._store = store
        chance = clock.random
        if options.seed is not None:
            chance = random.Random(options.seed)  # noqa: S311 - a replay, not a secret
        self.faults = Faults(chance)
        self.limiter = Limiter(options.rate_scale)
        self._orders = {order.uuid: order for order in store.orders()}
        self._secret = self._stored_secret()
        self._number = int(store.get("last_number") or 0)
        self._offset = timedelta(seconds=float(store.get("clock_offset_seconds") or 0))
        counted = store.get("stats")
        self.stats = STATS.validate_json(counted) if counted else Stats()
        self._load_auto()
        self.vendors = Vendors()
        self.bitcoin = Bitcoin(store, self._secret, self.now(), options.block_seconds)

    def _stored_secret(self) -> str:
        stored = self._store.get("secret")
        if stored is not None:
            return stored
        seed = self.options.seed
        secret = secrets.token_hex(16) if seed is None else f"seed {seed}"
        self._store.put("secret", secret)
        return secret

    def _load_auto(self) -> None:
        since = self._store.get("auto_since")
        step = self._store.get("auto_step_seconds")
        self.auto_since = datetime.fromisoformat(since) if since else None
        self.auto_step_seconds = float(step) if step else self.options.auto_step_seconds
        if self.options.auto and self.auto_since is None:
            self.set_auto(enabled=True, step_seconds=self.auto_step_seconds)

    # Time

    def now(self) -> datetime:
        """Return the sandbox's own time, which controls may move ahead of the machine's."""
        return self.clock.now().astimezone(UTC) + self._offset

    def advance_clock(self, seconds: float) -> None:
        """Move the sandbox's time ahead. Rate limits are measured by another clock."""
        self._offset += timedelta(seconds=seconds)
        self._store.put("clock_offset_seconds", str(self._offset.total_seconds()))

    def set_auto(self, *, enabled: bool, step_seconds: float) -> None:
        """Turn automatic mode on or off; each of its steps takes `step_seconds`."""
        self.auto_since = self.now() if enabled else None
        self.auto_step_seconds = step_seconds
        self._store.put("auto_since", self.auto_since.isoformat() if self.auto_since else "")
        self._store.put("auto_step_seconds", str(step_seconds))

    @property
    def rules(self) -> Rules:
        """How time moves orders at present."""
        return Rules(
            creation_delay=timedelta(seconds=self.options.creation_delay_seconds),
            auto_since=self.auto_since,
            auto_step=timedelta(seconds=self.auto_step_seconds),
            zero_conf_max_amount=ZERO_CONF_MAX_BTC if self.options.zero_conf else None,
        )

    # Orders

    def quote(self, btc_amount: Decimal) -> Decimal:
        """Return what an amount in BTC costs in AEON, to 7 decimals."""
        exact = btc_amount / self.options.price_btc
        return exact.quantize(AEON_QUANTUM, rounding=ROUND_HALF_EVEN)

    def create_order(self, btc_amount: Decimal, dest_address: str, pp_url: str | None) -> Order:
        """Make and keep an order. No uuid is ever given twice, not even after a reset."""
        uuid = self._next_uuid()
        target = identity.payment_target(self._secret, uuid)
        now = self.now()
        order = Order(
            uuid=uuid,
            btc_amount=btc_amount,
            btc_dest_address=dest_address,
            pp_url=pp_url,
            price=self.options.price_btc,
            incoming_total=self.quote(btc_amount),
            receiving_address=target.receiving_address,
            receiving_integrated_address=target.receiving_integrated_address,
            payment_id_long=target.payment_id_long,
            payment_id_short=target.payment_id_short,
            created_at=now,
            expires_at=now + TIMEOUT,
            changed_at=now,
        )
        self.keep(order)
        return order

    def unknown_transaction_id(self, order: Order) -> str:
        """Make up the id of a transaction that does not exist."""
        return identity.unknown_transaction_id(self._secret, order.uuid)

    def _next_uuid(self) -> str:
        while True:
            self._number += 1
            uuid = identity.order_uuid(self._secret, self._number)
            if uuid not in self._orders:
                self._store.put("last_number", str(self._number))
                return uuid

    def find(self, uuid: str) -> Order | None:
        """Return an order as it is now; None if it never was."""
        self._mine_due()
        order = self._orders.get(uuid)
        if order is not None:
            self._settle(order, self.now())
        return order

    def _settle(self, order: Order, at: datetime) -> None:
        changed = settle(order, self.rules, at)
        if self.btc_confirmations(order) >= CONFIRMATIONS_BEFORE_PURGE:
            place(order, State.NOT_FOUND, at)
            changed = True
        if changed:
            self.keep(order)

    def all_orders(self) -> list[Order]:
        """Return every order as it is now, oldest first."""
        self._mine_due()
        self._settle_all(self.now())
        return list(self._orders.values())

    def keep(self, order: Order) -> None:
        """Keep an order, new or changed. One that says BTC_SENT for the first time is paid out."""
        if order.state is State.BTC_SENT and not order.btc_transaction_id:
            order.btc_transaction_id = self.bitcoin.pay([payout(order)])
            if self.options.mine_payouts:
                self.bitcoin.mine(1, order.changed_at)
        self._orders[order.uuid] = order
        self._store.save_order(order)

    def forget(self, orders: Iterable[Order]) -> None:
        """Lose orders as if they had never been."""
        for order in orders:
            del self._orders[order.uuid]
            self._store.forget_order(order.uuid)

    # Bitcoin

    def catch_up(self) -> None:
        """Let everything come to the chain that time has brought about."""
        self._mine_due()
        if self.auto_since is not None:
            self._settle_all(self.now())

    def _mine_due(self) -> None:
        for at in self.bitcoin.due(self.now()):
            if self.auto_since is not None:
                self._settle_all(at)  # so that the block has what was sent before it
            self.bitcoin.mine(1, at)

    def _settle_all(self, at: datetime) -> None:
        for order in self._orders.values():
            self._settle(order, at)

    def sight(self, view: View) -> Sight:
        """Return the chain as a view shows it."""
        return Sight(self.bitcoin.chain, self.bitcoin.views[view])

    def btc_confirmations(self, order: Order) -> int:
        """Return how many blocks have confirmed what paid an order out, up to its purge."""
        if order.state is not State.BTC_SENT:
            return 0
        confirmations = self.bitcoin.chain.confirmations(order.btc_transaction_id)
        return min(confirmations, CONFIRMATIONS_BEFORE_PURGE)

    # Everything

    def keep_stats(self) -> None:
        """Keep the counts."""
        self._store.put("stats", STATS.dump_json(self.stats).decode())

    def reset(self) -> None:
        """Begin anew: no orders, faults, counts or questions, a new chain, the machine's time, as set up."""
        self._store.forget_orders()
        self._orders.clear()
        self.faults.clear()
        self.limiter.forget()
        self.stats = Stats()
        self.keep_stats()
        self.advance_clock(-self._offset.total_seconds())
        self.set_auto(enabled=self.options.auto, step_seconds=self.options.auto_step_seconds)
        self.vendors = Vendors()
        self.bitcoin.begin(self.now(), self.options.block_seconds)

    def close(self) -> None:
        """Close the store."""
        self._store.close()


def payout(order: Order) -> Payment:
    """Return what an order is to be paid: the address, and the amount in satoshi."""
    return order.btc_dest_address, int(order.btc_amount / SATOSHI)
