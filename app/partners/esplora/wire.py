"""Esplora's words on the wire: replies are read here, and only here, strictly.

Shapes: Esplora HTTP API (docs/specifications.md). Amounts are in satoshi, whole numbers written without a
fraction or an exponent; a confirmed transaction has a block, any other has none.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Final, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    FailFast,
    Field,
    StrictBool,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from app.addresses import canonical_bitcoin_address
from app.partners.http import HttpReply
from app.partners.strict_json import Unreadable

# A transaction that nodes relay has at most 400,000 units of weight. Nothing but inputs, it is
# about 1.3 MB of JSON; one input with all its weight in a script, shown three times, 1.6 MB.
MAX_BODY_BYTES: Final = 2 * 1024 * 1024
# The longest pages known have 75 transactions. With two inputs and two outputs each, that is
# 165 KB; in this much fit 75 that pay 100 others each, or three of the largest. Reading it takes
# at most 2 s.
MAX_PAGE_BYTES: Final = 4 * 1024 * 1024
MAX_SATOSHI: Final = 21_000_000 * 100_000_000
MAX_HEIGHT: Final = 2**31 - 1
MAX_SEQUENCE: Final = 2**32 - 1
MAX_BLOCK_TIME: Final = 2**32 - 1
# BIP 125: an input with a sequence below this one says that it may be replaced.
FINAL_SEQUENCE: Final = 2**32 - 2

# What the input of a coinbase transaction names for the one that it spends from.
_NO_TXID: Final = "0" * 64
_TXID: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_HEIGHT: Final = re.compile(rb"[0-9]{1,10}")


@dataclass(frozen=True)
class Output:
    """One output of a transaction; `address` is None for a script that has none (OP_RETURN)."""

    index: int
    address: str | None
    value_satoshi: int


@dataclass(frozen=True)
class Spent:
    """An output that a transaction spends; `address` is None for a script that has none."""

    address: str | None
    value_satoshi: int


@dataclass(frozen=True)
class Block:
    """A block, by its place and its hash; two of one height are on different branches.

    `time` (UTC) is what its miner wrote, which may be two hours off; it tells no blocks apart.
    """

    height: int
    hash: str
    time: datetime = field(compare=False)


@dataclass(frozen=True, kw_only=True)
class Transaction:
    """A transaction as one server sees it.

    `block` is None while it is unconfirmed; `replaceable` says that an input signals replacement
    (BIP 125), which means something only until there is a block. `spent` are the outputs that it
    spends, as far as the server shows them. `is_coinbase` says that it makes new coins, which spend
    none.
    """

    txid: str
    outputs: tuple[Output, ...]
    block: Block | None
    replaceable: bool
    spent: tuple[Spent, ...] = ()
    is_coinbase: bool = False


def is_txid(text: str) -> bool:
    """Say whether a text is a transaction id: 64 hexadecimal digits, the letters small."""
    return _TXID.fullmatch(text) is not None


def read_transaction(answer: HttpReply, txid: str) -> Transaction:
    """Read a reply of `GET /tx/:txid` about this very transaction. Raises Unreadable."""
    try:
        reply = _TransactionReply.model_validate(answer.json_object())
    except ValidationError as error:
        raise Unreadable(_fault(error)) from None
    if reply.txid != txid:
        raise Unreadable("it is about another transaction")
    return reply.transaction()


def read_page(answer: HttpReply) -> tuple[Transaction, ...]:
    """Read a page of `GET /address/:address/txs`, or of its `/chain`. Raises Unreadable."""
    try:
        replies = _PAGE.validate_python(answer.json_array())
    except ValidationError as error:
        raise Unreadable(_fault(error)) from None
    return tuple(distinct(reply.transaction() for reply in replies).values())


def distinct(transactions: Iterable[Transaction]) -> dict[str, Transaction]:
    """Return each transaction once, by its id, in the order in which they came first.

    One may be shown twice, because it moved while a page was made: what was confirmed counts, and
    of two such sightings the later. Raises Unreadable when the outputs of two differ: the id fixes
    them.
    """
    by_id: dict[str, Transaction] = {}
    for transaction in transactions:
        before = by_id.get(transaction.txid)
        if before is not None and before.outputs != transaction.outputs:
            raise Unreadable("a transaction stands there twice, with different outputs")
        if before is None or before.block is None or transaction.block is not None:
            by_id[transaction.txid] = transaction
    return by_id


def read_count(answer: HttpReply) -> int:
    """Read how many transactions a reply of `GET /address/:address` counts. Raises Unreadable."""
    try:
        reply = _AddressReply.model_validate(answer.json_object())
    except ValidationError as error:
        raise Unreadable(_fault(error)) from None
    return reply.chain_stats.tx_count + reply.mempool_stats.tx_count


def read_block_hash(answer: HttpReply) -> str:
    """Read a reply of `GET /block-height/:height`. Raises Unreadable."""
    text = answer.whole_body().strip().decode("ascii", "replace")
    if not is_txid(text):
        raise Unreadable("it is not the hash of a block")
    return text


def read_tip_height(answer: HttpReply) -> int:
    """Read a reply of `GET /blocks/tip/height`: digits and nothing else. Raises Unreadable."""
    body = answer.whole_body().strip()
    if not _HEIGHT.fullmatch(body) or int(body) > MAX_HEIGHT:
        raise Unreadable("it is not the height of a block")
    return int(body)


def outputs_to(outputs: Sequence[Output], address: str) -> tuple[Output, ...]:
    """Return those of the outputs that pay an address."""
    wanted = canonical_bitcoin_address(address)
    return tuple(
        output
        for output in outputs
        if output.address is not None and canonical_bitcoin_address(output.address) == wanted
    )


def _fault(error: ValidationError) -> str:
    """Say where the first fault of a reply is and what it is, and nothing of the reply."""
    fault = error.errors(include_input=False, include_url=False, include_context=False)[0]
    where = ".".join(str(part) for part in fault["loc"]) or "the reply"
    return f"{where}: {fault['msg']}"


def _whole(value: object) -> int:
    if not isinstance(value, Decimal) or value.as_tuple().exponent != 0:
        raise ValueError("must be a whole number")
    return int(value)


def _some(value: object) -> object:
    if value == "":
        return None
    return value


_Whole = Annotated[int, BeforeValidator(_whole), Field(ge=0)]
_Hash = Annotated[str, StringConstraints(strict=True, pattern=r"^[0-9a-f]{64}$")]
_Address = Annotated[str, StringConstraints(strict=True, max_length=256, pattern=r"^[!-~]+$")]


class _Reply(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _OutputReply(_Reply):
    scriptpubkey_address: Annotated[_Address | None, BeforeValidator(_some)] = None
    value: Annotated[_Whole, Field(le=MAX_SATOSHI)]


class _InputReply(_Reply):
    sequence: Annotated[_Whole, Field(le=MAX_SEQUENCE)]
    prevout: _OutputReply | None = None
    txid: str = ""
    is_coinbase: StrictBool = False

    def makes_coins(self) -> bool:
        return self.is_coinbase or self.txid == _NO_TXID


class _StatusReply(_Reply):
    confirmed: StrictBool
    block_height: Annotated[_Whole, Field(le=MAX_HEIGHT)] | None = None
    block_hash: _Hash | None = None
    block_time: Annotated[_Whole, Field(le=MAX_BLOCK_TIME)] | None = None

    @model_validator(mode="after")
    def _block_if_confirmed(self) -> Self:
        for part in (self.block_height, self.block_hash, self.block_time):
            if (part is not None) is not self.confirmed:
                raise ValueError("a block is named exactly when it is confirmed")
        return self

    def block(self) -> Block | None:
        if self.block_height is None or self.block_hash is None or self.block_time is None:
            return None
        time = datetime.fromtimestamp(self.block_time, UTC)
        return Block(self.block_height, self.block_hash, time)


class _TransactionReply(_Reply):
    txid: _Hash
    vin: Annotated[list[_InputReply], Field(min_length=1), FailFast()]
    vout: Annotated[list[_OutputReply], Field(min_length=1), FailFast()]
    status: _StatusReply

    @model_validator(mode="after")
    def _plausible_sum(self) -> Self:
        if sum(output.value for output in self.vout) > MAX_SATOSHI:
            raise ValueError("its outputs are worth more than there is")
        return self

    def transaction(self) -> Transaction:
        return Transaction(
            txid=self.txid,
            outputs=tuple(
                Output(index, output.scriptpubkey_address, output.value)
                for index, output in enumerate(self.vout)
            ),
            block=self.status.block(),
            replaceable=any(one.sequence < FINAL_SEQUENCE for one in self.vin),
            spent=tuple(
                Spent(one.prevout.scriptpubkey_address, one.prevout.value)
                for one in self.vin
                if one.prevout is not None
            ),
            is_coinbase=any(one.makes_coins() for one in self.vin),
        )


class _CountReply(_Reply):
    tx_count: _Whole


class _AddressReply(_Reply):
    chain_stats: _CountReply
    mempool_stats: _CountReply


# FailFast: the first fault is all that is told, and a hostile body could have a million.
_PAGE: Final = TypeAdapter(Annotated[list[_TransactionReply], FailFast()])
