"""The buttons of the chain: mine, send, pay, replace, double-spend, reorganise, lag, disagree."""

from typing import Annotated, Final

from fastapi import APIRouter
from pydantic import Field, PlainValidator, field_validator
from starlette.responses import Response

from app.addresses import InvalidAddress
from app.sandbox.bip21 import read_payment_uri
from app.sandbox.bitcoin import Fate
from app.sandbox.buttons import Body, TheWorld, as_conflict, reads, say
from app.sandbox.chain import BLOCKS_AT_BEGIN, Payment
from app.sandbox.scripts import script_of
from app.sandbox.views import Dialect, How, View
from app.sandbox.world import World

router = APIRouter(prefix="/control/chain")

_LATEST_BLOCKS: Final = 10
_ALL_SATOSHI: Final = 2_100_000_000_000_000
_Txid = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
_Satoshi = Annotated[int, Field(strict=True, ge=1, le=_ALL_SATOSHI)]


def _checked(address: str) -> str:
    try:
        script_of(address)
    except InvalidAddress as reason:
        raise ValueError(str(reason)) from None
    return address


class MineBody(Body):
    """`empty`: leave the mempool as it is."""

    blocks: int = Field(1, ge=1, le=1000)
    empty: bool = False


class NewCoinsBody(Body):
    """A payment of a miner to any address, of the coins that a block makes."""

    address: str = Field(max_length=100)
    satoshi: _Satoshi

    _address = field_validator("address")(_checked)


class PaceBody(Body):
    """How often a block comes by itself; null: only on demand."""

    every_seconds: float | None = Field(ge=0.1, le=86_400)


class SendBody(Body):
    """A payment to any address; `memo` adds an OP_RETURN output with this text."""

    address: str = Field(max_length=100)
    satoshi: _Satoshi
    memo: str = Field("", max_length=75, pattern="^[ -~]*$")

    _address = field_validator("address")(_checked)


def _asked(uri: object) -> Payment:
    if not isinstance(uri, str):
        raise ValueError("it must be a text")  # noqa: TRY004  pydantic expects a ValueError
    address, satoshi = read_payment_uri(uri)
    if not 1 <= satoshi <= _ALL_SATOSHI:
        raise ValueError("nobody can pay this amount")
    return address, satoshi


class PayBody(Body):
    """A payment request (BIP 21), as an order shows it."""

    uri: Annotated[Payment, PlainValidator(_asked)]


class ReplaceBody(Body):
    """What to replace; none: it pays the same address, the same amount."""

    txid: _Txid
    address: str | None = Field(None, max_length=100)
    satoshi: _Satoshi | None = None

    @field_validator("address")
    @classmethod
    def _is_one(cls, address: str | None) -> str | None:
        return None if address is None else _checked(address)


class DoubleSpendBody(Body):
    """Whose coins are spent elsewhere."""

    txid: _Txid


class ReorganiseBody(Body):
    """How many blocks are replaced, and what becomes of their transactions."""

    depth: int = Field(1, ge=1, lt=BLOCKS_AT_BEGIN)
    transactions: Fate = Fate.MEMPOOL


class LagBody(Body):
    """How many of the last blocks a view lacks; 0: none."""

    view: View = View.ESPLORA2
    blocks: int = Field(ge=0, le=1000)


class DisagreeBody(Body):
    """How a view disagrees about a transaction; null: no more."""

    view: View = View.ESPLORA2
    txid: _Txid
    how: How | None = How.UNKNOWN


class DialectBody(Body):
    """Which software a view answers like."""

    view: View = View.ESPLORA2
    dialect: Dialect


def _made(world: World, txid: str) -> Response:
    return say(txid=txid, tip_height=world.bitcoin.chain.tip)


def _tell(world: World) -> Response:
    """Say how the chain is now."""
    world.catch_up()
    bitcoin = world.bitcoin
    return say(
        tip_height=bitcoin.chain.tip,
        block_every_seconds=bitcoin.every_seconds,
        mempool=list(bitcoin.chain.mempool),
        blocks=[
            {"height": block.height, "hash": block.hash, "txids": list(block.txids)}
            for block in reversed(bitcoin.chain.blocks[-_LATEST_BLOCKS:])
        ],
        views={
            view.value: {
                "lag": state.lag,
                "disagreements": dict(state.disagreements),
                "dialect": state.dialect,
            }
            for view, state in bitcoin.views.items()
        },
    )


@router.get("", summary="Show the mempool, the last blocks, what the views lack")
async def show_chain(world: TheWorld) -> Response:
    return _tell(world)


@router.post("/mine", summary="Mine blocks, the first with the mempool")
async def mine(body: Annotated[MineBody, reads(MineBody)], world: TheWorld) -> Response:
    world.catch_up()
    world.bitcoin.mine(body.blocks, world.now(), empty=body.empty)
    return _tell(world)


@router.post("/mine-to", summary="Mine a block whose new coins pay an address")
async def mine_to(body: Annotated[NewCoinsBody, reads(NewCoinsBody)], world: TheWorld) -> Response:
    world.catch_up()
    with as_conflict():
        world.bitcoin.mine(1, world.now(), payments=[(body.address, body.satoshi)])
    return _made(world, world.bitcoin.chain.blocks[-1].txids[0])


@router.post("/pace", summary="Let blocks come by themselves, or on demand alone")
async def set_pace(body: Annotated[PaceBody, reads(PaceBody)], world: TheWorld) -> Response:
    world.catch_up()
    world.bitcoin.set_pace(world.now(), body.every_seconds)
    return _tell(world)


@router.post("/send", summary="Pay to an address")
async def send(body: Annotated[SendBody, reads(SendBody)], world: TheWorld) -> Response:
    world.catch_up()
    return _made(world, world.bitcoin.pay([(body.address, body.satoshi)], body.memo))


@router.post("/pay", summary="Pay what a bitcoin: URI asks for")
async def pay(body: Annotated[PayBody, reads(PayBody)], world: TheWorld) -> Response:
    world.catch_up()
    return _made(world, world.bitcoin.pay([body.uri]))


@router.post("/replace", summary="Replace an unconfirmed transaction: its id vanishes")
async def replace(body: Annotated[ReplaceBody, reads(ReplaceBody)], world: TheWorld) -> Response:
    world.catch_up()
    with as_conflict():
        txid = world.bitcoin.replace(body.txid, body.address, body.satoshi)
    return _made(world, txid)


@router.post("/double-spend", summary="Spend a payment's coins elsewhere, in a block")
async def double_spend(
    body: Annotated[DoubleSpendBody, reads(DoubleSpendBody)], world: TheWorld
) -> Response:
    world.catch_up()
    with as_conflict():
        txid = world.bitcoin.double_spend(body.txid, world.now())
    return _made(world, txid)


@router.post("/reorganise", summary="Replace the last blocks by one more than that")
async def reorganise(
    body: Annotated[ReorganiseBody, reads(ReorganiseBody)], world: TheWorld
) -> Response:
    world.catch_up()
    world.bitcoin.reorganise(body.depth, body.transactions, world.now())
    return _tell(world)


@router.post("/lag", summary="Let a view lack the last blocks")
async def lag(body: Annotated[LagBody, reads(LagBody)], world: TheWorld) -> Response:
    world.bitcoin.views[body.view].lag = body.blocks
    world.bitcoin.keep_views()
    return _tell(world)


@router.post("/disagree", summary="Let a view disagree about a transaction")
async def disagree(body: Annotated[DisagreeBody, reads(DisagreeBody)], world: TheWorld) -> Response:
    disagreements = world.bitcoin.views[body.view].disagreements
    if body.how is None:
        disagreements.pop(body.txid, None)
    else:
        disagreements[body.txid] = body.how
    world.bitcoin.keep_views()
    return _tell(world)


@router.post("/dialect", summary="Let a view answer as another server's software does")
async def set_dialect(
    body: Annotated[DialectBody, reads(DialectBody)], world: TheWorld
) -> Response:
    world.bitcoin.views[body.view].dialect = body.dialect
    world.bitcoin.keep_views()
    return _tell(world)
