"""The sandbox's bitcoin: its chain and the two views of it, kept in the store; when blocks come."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field, TypeAdapter

from app.sandbox.chain import (
    FEE_SATOSHI,
    Begin,
    Chain,
    Conflict,
    Disconnect,
    Drop,
    Mine,
    Pay,
    Payment,
    Step,
)
from app.sandbox.orders import NotPossible
from app.sandbox.store import Store
from app.sandbox.views import View, ViewState

_STEP: Final[TypeAdapter[Step]] = TypeAdapter(Annotated[Step, Field(discriminator="kind")])
_VIEWS: Final = TypeAdapter(dict[View, ViewState])
# After a long time without a look only the latest come: more than confirm a payout to its purge.
_MOST_BLOCKS_AT_ONCE: Final = 200


class Fate(StrEnum):
    """What becomes of the transactions of the blocks that a reorganisation takes away."""

    MEMPOOL = "mempool"  # they wait for the next block
    MINED = "mined"  # the new branch has them, too
    VANISH = "vanish"


class Bitcoin:
    """The chain that buyers and AEON.to pay on; amounts in satoshi.

    What is not possible raises NotPossible; an address that is none, InvalidAddress.
    """

    def __init__(
        self, store: Store, secret: str, now: datetime, every_seconds: float | None
    ) -> None:
        self._store = store
        self.chain = Chain(secret)
        for step in store.steps():
            self.chain.apply(_STEP.validate_json(step))
        kept = store.get("views")
        self.views = _VIEWS.validate_json(kept) if kept else _agreeing()
        if self.chain.blocks:
            self._load_pace()
        else:
            self.begin(now, every_seconds)

    def _load_pace(self) -> None:
        every, due = self._store.get("block_seconds"), self._store.get("next_block_at")
        self.every_seconds = float(every) if every else None
        self._next_at = datetime.fromisoformat(due) if due else None

    def _take(self, step: Step) -> None:
        self.chain.apply(step)
        self._store.add_step(_STEP.dump_json(step).decode())

    def begin(self, now: datetime, every_seconds: float | None) -> None:
        """Begin a new chain, with ids that no chain before it had, and views that agree."""
        self._store.forget_steps()
        self._take(Begin(_unix(now), self.chain.number))
        self.views = _agreeing()
        self.keep_views()
        self.set_pace(now, every_seconds)

    def keep_views(self) -> None:
        """Keep what the views show."""
        self._store.put("views", _VIEWS.dump_json(self.views).decode())

    # Blocks

    def set_pace(self, now: datetime, every_seconds: float | None) -> None:
        """Let blocks come by themselves, the next after `every_seconds`; None: on demand alone."""
        self.every_seconds = every_seconds
        self._store.put("block_seconds", "" if every_seconds is None else str(every_seconds))
        self._expect(None if every_seconds is None else now + timedelta(seconds=every_seconds))

    def _expect(self, at: datetime | None) -> None:
        self._next_at = at
        self._store.put("next_block_at", at.isoformat() if at else "")

    def due(self, now: datetime) -> list[datetime]:
        """Take from the timetable the blocks that have come due, oldest first."""
        if self._next_at is None or self.every_seconds is None or now < self._next_at:
            return []
        every = timedelta(seconds=self.every_seconds)
        count = (now - self._next_at) // every + 1
        following = self._next_at + count * every
        self._expect(following)
        return [following - left * every for left in range(min(count, _MOST_BLOCKS_AT_ONCE), 0, -1)]

    def mine(
        self, blocks: int, at: datetime, *, empty: bool = False, payments: Iterable[Payment] = ()
    ) -> None:
        """Mine blocks; the first takes the whole mempool, unless `empty`, and pays of its coins."""
        self._take(Mine(_unix(at), blocks, empty, tuple(payments)))

    def reorganise(self, depth: int, fate: Fate, at: datetime) -> None:
        """Replace the last `depth` blocks by one more than that."""
        before = set(self.chain.mempool)
        self._take(Disconnect(depth))
        if fate is Fate.VANISH:
            self._take(Drop(tuple(txid for txid in self.chain.mempool if txid not in before)))
        self.mine(depth + 1, at, empty=fate is not Fate.MINED)

    # Transactions

    def pay(self, payments: Iterable[Payment], memo: str = "") -> str:
        """Send one transaction with these outputs to the mempool; returns its id."""
        self._take(Pay(tuple(payments), memo))
        return self.chain.newest.txid

    def replace(self, txid: str, address: str | None, satoshi: int | None) -> str:
        """Replace an unconfirmed transaction by one with a higher fee; returns the new id.

        It pays what the old one did, or each time the address or amount that is given.
        """
        old = self.chain.unconfirmed(txid)
        payments = (
            (address or payee, paid if satoshi is None else satoshi) for payee, paid in old.payments
        )
        self._take(Conflict(txid, tuple(payments)))
        return self.chain.newest.txid

    def double_spend(self, txid: str, at: datetime) -> str:
        """Spend a transaction's coins elsewhere, in a block; returns the id of what does.

        The blocks that had confirmed it are reorganised away; all else in them is mined again.
        """
        old = self.chain.transactions.get(txid)
        if old is None or not old.payments:
            raise NotPossible(f"transaction {txid} is no payment that is known")
        depth = self.chain.confirmations(txid)
        if depth:
            self._take(Disconnect(depth))
        total = sum(spending.prevout.satoshi for spending in old.inputs)
        away = self.chain.stranger(old.payments[0][0], f"thief of {txid}")
        self._take(Conflict(txid, ((away, total - old.fee - FEE_SATOSHI),)))
        spent_by = self.chain.newest.txid
        self.mine(depth + 1, at)
        return spent_by


def _agreeing() -> dict[View, ViewState]:
    return {view: ViewState() for view in View}


def _unix(at: datetime) -> int:
    return int(at.timestamp())
