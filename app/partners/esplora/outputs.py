"""An output of a transaction that pays an address, as several servers of the chain see it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

# New coins may be spent in the 100th block after their own (consensus.h, COINBASE_MATURITY), which
# is the next one as soon as they have 100 confirmations. Until then a reorganisation ends them.
COINBASE_MATURITY: Final = 100

OutputId = tuple[str, int]


@dataclass(frozen=True, kw_only=True)
class ReceivedOutput:
    """One output that pays an address, as the servers of the chain see it together.

    `seen_by_all`: all servers that answered know its transaction. `confirmations` is the least that
    any of them counts, and 0 unless all of them have the transaction in the same block, whose time
    (UTC) is then `block_time`, else None. `replaceable`: an input signals replacement (BIP 125),
    which means something only while there are no confirmations. `is_coinbase`: it is new coins.
    `block_height` is the lowest, and `mined_at` the earliest time (UTC), of a block in which any
    server has it, agreed upon or not.
    """

    txid: str
    output_index: int
    value_satoshi: int
    confirmations: int
    replaceable: bool
    block_time: datetime | None
    seen_by_all: bool
    is_coinbase: bool = False
    block_height: int | None = field(default=None, compare=False)
    mined_at: datetime | None = field(default=None, compare=False)

    @property
    def id(self) -> OutputId:
        """The transaction and the place in it: one output is never two."""
        return self.txid, self.output_index
