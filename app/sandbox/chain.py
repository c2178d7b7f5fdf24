"""A small bitcoin chain: blocks, a mempool, and the steps that change them.

Pure: the same steps make the same chain to the last id, so whoever keeps the steps keeps the chain.
Each payment spends coins that the first block mints for it: no payment hangs on another, whatever
is replaced or reorganised away.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from app.sandbox.orders import NotPossible
from app.sandbox.scripts import Script, data_script, key_address, script_of

BLOCKS_AT_BEGIN: Final = 101  # heights 0 to 100: enough for any reorganisation that is tried
SPACING_SECONDS: Final = 600
FEE_SATOSHI: Final = 1_000
_CHANGE_SATOSHI: Final = 250_000
_SUBSIDY_SATOSHI: Final = 312_500_000
_MINER: Final = "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn"

Payment = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Begin:
    """A chain of BLOCKS_AT_BEGIN blocks, the last at `at` (unix seconds); ids go on from `number`."""

    at: int
    number: int
    kind: Literal["begin"] = "begin"


@dataclass(frozen=True, slots=True)
class Pay:
    """A new transaction with an output for each (address, satoshi); `memo` adds an OP_RETURN."""

    payments: tuple[Payment, ...]
    memo: str = ""
    kind: Literal["pay"] = "pay"


@dataclass(frozen=True, slots=True)
class Conflict:
    """A transaction that spends the coins of an unconfirmed one, which vanishes."""

    txid: str
    payments: tuple[Payment, ...]
    kind: Literal["conflict"] = "conflict"


@dataclass(frozen=True, slots=True)
class Drop:
    """Unconfirmed transactions vanish."""

    txids: tuple[str, ...]
    kind: Literal["drop"] = "drop"


@dataclass(frozen=True, slots=True)
class Mine:
    """So many blocks at `at` (unix seconds), the first with the mempool unless `empty`.

    The miner of the first pays `payments` of its new coins.
    """

    at: int
    blocks: int
    empty: bool = False
    payments: tuple[Payment, ...] = ()
    kind: Literal["mine"] = "mine"


@dataclass(frozen=True, slots=True)
class Disconnect:
    """The last `depth` blocks are gone; their transactions wait in the mempool again."""

    depth: int
    kind: Literal["disconnect"] = "disconnect"


Step = Begin | Pay | Conflict | Drop | Mine | Disconnect


@dataclass(frozen=True, slots=True)
class Output:
    """An amount, and the script that it is paid to."""

    satoshi: int
    script: Script


@dataclass(frozen=True, slots=True)
class Input:
    """An output that is spent: where it stands, and what it was."""

    txid: str
    vout: int
    prevout: Output


@dataclass(frozen=True, slots=True)
class Transaction:
    """A transaction; without inputs it makes new coins.

    `number` grows from each that is made to the next. The first `paid` outputs pay somebody; what
    follows is change and data.
    """

    txid: str
    number: int
    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]
    paid: int

    @property
    def fee(self) -> int:
        """What the miner gets, in satoshi; nothing for new coins."""
        if not self.inputs:
            return 0
        spent = sum(spending.prevout.satoshi for spending in self.inputs)
        return spent - sum(output.satoshi for output in self.outputs)

    @property
    def payments(self) -> tuple[Payment, ...]:
        """Whom it pays: addresses and satoshi."""
        paid = self.outputs[: self.paid]
        return tuple((output.script.address or "", output.satoshi) for output in paid)

    @property
    def scripts(self) -> set[str]:
        """Every script that it pays or spends from, in hex."""
        spent = {spending.prevout.script.hex for spending in self.inputs}
        return spent | {output.script.hex for output in self.outputs}


@dataclass(frozen=True, slots=True)
class Block:
    """A block; `time` in unix seconds."""

    hash: str
    height: int
    time: int
    txids: tuple[str, ...]


class Chain:
    """The best chain, what waits in the mempool, and where everything is.

    `heights`: of the confirmed transactions. `spends`: by which transaction and input an output is
    spent. `touching`: the transactions of each script, in no order.
    """

    def __init__(self, secret: str) -> None:
        self._secret = secret
        self.number = 0
        self._clear()

    def _clear(self) -> None:
        self.blocks: list[Block] = []
        self.block_heights: dict[str, int] = {}
        self.transactions: dict[str, Transaction] = {}
        self.mempool: dict[str, None] = {}
        self.heights: dict[str, int] = {}
        self.spends: dict[tuple[str, int], tuple[str, int]] = {}
        self.touching: dict[str, set[str]] = {}

    @property
    def tip(self) -> int:
        """The height of the last block."""
        return len(self.blocks) - 1

    @property
    def newest(self) -> Transaction:
        """The transaction that was made last."""
        return next(reversed(self.transactions.values()))

    def confirmations(self, txid: str) -> int:
        """How many blocks confirm a transaction; none when it is unconfirmed or unknown."""
        height = self.heights.get(txid)
        return 0 if height is None else self.tip - height + 1

    def apply(self, step: Step) -> None:
        """Take a step, or change nothing.

        Raises NotPossible when the chain does not allow it, InvalidAddress for what is none.
        """
        match step:
            case Begin():
                self._begin(step)
            case Pay():
                self._make((), step.payments, FEE_SATOSHI, step.memo)
            case Conflict():
                self._conflict(step)
            case Drop():
                for transaction in [self.unconfirmed(txid) for txid in step.txids]:
                    self._forget(transaction)
            case Mine():
                self._mine_blocks(step)
            case Disconnect():
                self._disconnect(step.depth)

    def _begin(self, step: Begin) -> None:
        self._clear()
        self.number = step.number
        for height in range(BLOCKS_AT_BEGIN):
            self._mine(step.at - (BLOCKS_AT_BEGIN - 1 - height) * SPACING_SECONDS, ())

    def _conflict(self, step: Conflict) -> None:
        old = self.unconfirmed(step.txid)
        for address, _ in step.payments:
            script_of(address)
        self._forget(old)
        self._make(old.inputs, step.payments, old.fee + FEE_SATOSHI, "")

    def unconfirmed(self, txid: str) -> Transaction:
        """Return a transaction of the mempool. Raises NotPossible."""
        if txid not in self.mempool:
            why = "is confirmed" if txid in self.heights else "is not known"
            raise NotPossible(f"transaction {txid} {why}; it must be in the mempool")
        return self.transactions[txid]

    # Transactions

    def _digest(self, *names: object) -> bytes:
        text = "|".join((self._secret, "chain", *map(str, names)))
        return hashlib.sha256(text.encode()).digest()

    def stranger(self, like: str, who: str) -> str:
        """Make up somebody's address, of the network that `like` is of."""
        return key_address(like, self._digest("stranger", who)[:20])

    def _next_number(self) -> int:
        self.number += 1
        return self.number

    def _make(
        self, inputs: tuple[Input, ...], payments: tuple[Payment, ...], fee: int, memo: str
    ) -> None:
        scripts = [script_of(address) for address, _ in payments]
        like = payments[0][0]
        needed = sum(satoshi for _, satoshi in payments) + fee
        spent = sum(spending.prevout.satoshi for spending in inputs)
        if spent < needed:
            minted = self._mint(needed - spent + _CHANGE_SATOSHI, like)
            inputs = (*inputs, minted)
            spent += minted.prevout.satoshi
        number = self._next_number()
        outputs = [Output(pay[1], script) for pay, script in zip(payments, scripts, strict=True)]
        if spent > needed:
            change = script_of(self.stranger(like, f"change {number}"))
            outputs.append(Output(spent - needed, change))
        if memo:
            outputs.append(Output(0, data_script(memo.encode())))
        made = self._transaction(number, inputs, outputs, len(payments))
        self.mempool[made.txid] = None

    def _mint(self, satoshi: int, like: str) -> Input:
        number = self._next_number()
        owner = script_of(self.stranger(like, f"payer {number}"))
        coins = Output(satoshi, owner)
        minted = self._transaction(number, (), [coins], 0)
        self.heights[minted.txid] = 0
        return Input(minted.txid, 0, coins)

    def _transaction(
        self, number: int, inputs: tuple[Input, ...], outputs: Iterable[Output], paid: int
    ) -> Transaction:
        txid = self._digest("transaction", number).hex()
        made = Transaction(txid, number, inputs, tuple(outputs), paid)
        self.transactions[txid] = made
        for vin, spending in enumerate(inputs):
            self.spends[spending.txid, spending.vout] = (txid, vin)
        for script in made.scripts:
            self.touching.setdefault(script, set()).add(txid)
        return made

    def _forget(self, transaction: Transaction) -> None:
        del self.transactions[transaction.txid]
        self.mempool.pop(transaction.txid, None)
        for spending in transaction.inputs:
            del self.spends[spending.txid, spending.vout]
        for script in transaction.scripts:
            self.touching[script].discard(transaction.txid)

    # Blocks

    def _mine_blocks(self, step: Mine) -> None:
        if sum(satoshi for _, satoshi in step.payments) > _SUBSIDY_SATOSHI:
            raise NotPossible(f"a block makes only {_SUBSIDY_SATOSHI} satoshi of new coins")
        for number in range(step.blocks):
            paid = step.payments if number == 0 else ()
            self._mine(step.at, () if step.empty else tuple(self.mempool), paid)

    def _mine(self, at: int, txids: tuple[str, ...], payments: tuple[Payment, ...] = ()) -> None:
        height = len(self.blocks)
        fees = sum(self.transactions[txid].fee for txid in txids)
        number = self._next_number()
        block_hash = f"00000000{self._digest('block', number).hex()[8:]}"
        kept = _SUBSIDY_SATOSHI + fees - sum(satoshi for _, satoshi in payments)
        outputs = [
            *(Output(satoshi, script_of(address)) for address, satoshi in payments),
            Output(kept, script_of(_MINER)),
            Output(0, data_script(self._digest("commitment", number))),
        ]
        coinbase = self._transaction(number, (), outputs, len(payments))
        block = Block(block_hash, height, at, (coinbase.txid, *txids))
        self.blocks.append(block)
        self.block_heights[block_hash] = height
        for txid in block.txids:
            self.heights[txid] = height
            self.mempool.pop(txid, None)

    def _disconnect(self, depth: int) -> None:
        if depth > self.tip:
            raise NotPossible(f"the chain has only {self.tip} blocks above its first")
        for _ in range(depth):
            block = self.blocks.pop()
            del self.block_heights[block.hash]
            for txid in block.txids:
                del self.heights[txid]
            coinbase, *waiting = block.txids
            self._forget(self.transactions[coinbase])
            self.mempool = dict.fromkeys((*waiting, *self.mempool))
