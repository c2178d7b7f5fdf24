"""Two views of the one chain, as two servers of Esplora have: each may lag, or disagree."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum

from app.sandbox.chain import Block, Chain, Transaction


class View(StrEnum):
    """The views, by the path that each is served under."""

    ESPLORA = "esplora"
    ESPLORA2 = "esplora2"


class EsploraEndpoint(StrEnum):
    """What a view answers."""

    TX = "tx"
    TX_STATUS = "tx_status"
    TX_OUTSPENDS = "tx_outspends"
    ADDRESS = "address"
    ADDRESS_TXS = "address_txs"
    ADDRESS_TXS_CHAIN = "address_txs_chain"
    ADDRESS_TXS_MEMPOOL = "address_txs_mempool"
    ADDRESS_UTXO = "address_utxo"
    TIP_HEIGHT = "tip_height"
    TIP_HASH = "tip_hash"
    BLOCK_HEIGHT = "block_height"
    BLOCK = "block"


class How(StrEnum):
    """How a view may disagree about a transaction."""

    UNKNOWN = "unknown"  # it has never seen it
    UNCONFIRMED = "unconfirmed"  # it has it in its mempool still
    LESS = "less"  # each output is half as large
    FORK = "fork"  # it has it in another block of the same height


class Dialect(StrEnum):
    """Which software a view answers like: they page addresses differently."""

    BLOCKSTREAM = "blockstream"  # Blockstream's electrs
    MEMPOOL = "mempool"  # mempool's electrs
    ELECTRUM = "electrum"  # mempool's backend, over an Electrum server


@dataclass
class ViewState:
    """What is wrong with a view: the blocks that it has not seen, and its own truths."""

    lag: int = 0
    disagreements: dict[str, How] = field(default_factory=dict)
    dialect: Dialect = Dialect.BLOCKSTREAM


class Sight:
    """The chain as a view shows it. Transactions of blocks that it lacks are in its mempool."""

    def __init__(self, chain: Chain, state: ViewState) -> None:
        self._chain = chain
        self._state = state

    @property
    def dialect(self) -> Dialect:
        """Which software the view answers like."""
        return self._state.dialect

    @property
    def tip(self) -> Block:
        """The last block that the view has seen."""
        return self._chain.blocks[max(self._chain.tip - self._state.lag, 0)]

    def block_at(self, height: int) -> Block | None:
        """Return the block at a height."""
        return self._chain.blocks[height] if height <= self.tip.height else None

    def block(self, block_hash: str) -> Block | None:
        """Return a block of the best chain by its hash."""
        height = self._chain.block_heights.get(block_hash)
        return None if height is None else self.block_at(height)

    def confirming(self, txid: str) -> Block | None:
        """Return the block that a transaction is in; None when it is in none."""
        height = self._chain.heights.get(txid)
        how = self._state.disagreements.get(txid)
        if height is None or how is How.UNCONFIRMED:
            return None
        block = self.block_at(height)
        return _rival(block) if block and how is How.FORK else block

    def transaction(self, txid: str) -> Transaction | None:
        """Return a transaction; None when the view knows nothing of it."""
        known = self._chain.transactions.get(txid)
        how = self._state.disagreements.get(txid)
        if known is None or how is How.UNKNOWN:
            return None
        if not known.inputs and self.confirming(txid) is None:
            return None  # new coins come with their block
        if how is How.LESS:
            outputs = (replace(each, satoshi=each.satoshi // 2) for each in known.outputs)
            return replace(known, outputs=tuple(outputs))
        return known

    def spender(self, txid: str, vout: int) -> tuple[Transaction, int] | None:
        """Return what spends an output, and with which of its inputs; None when it is unspent."""
        spent = self._chain.spends.get((txid, vout))
        transaction = self.transaction(spent[0]) if spent else None
        return (transaction, spent[1]) if spent and transaction else None

    def touching(self, script: str) -> Iterator[Transaction]:
        """Yield the transactions that pay or spend from a script (in hex), in no order."""
        for txid in self._chain.touching.get(script, ()):
            transaction = self.transaction(txid)
            if transaction is not None:
                yield transaction


def _rival(block: Block) -> Block:
    """Make up another block of the same height and time."""
    digest = hashlib.sha256(block.hash.encode()).hexdigest()
    return replace(block, hash=f"00000000{digest[8:]}")
