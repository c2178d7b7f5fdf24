"""How AEON.to pays orders out in other ways than each in its own transaction: together, or with a lie."""

from collections.abc import Iterable
from enum import StrEnum

from app.sandbox.orders import NotPossible, Order, State
from app.sandbox.world import World, payout


class Lie(StrEnum):
    """What may be wrong with the transaction that an order is said to be paid out by."""

    MISSING = "missing"  # there is none of that id
    ELSEWHERE = "elsewhere"  # it pays another address
    TOO_LITTLE = "too_little"  # it pays a satoshi less
    TAKEN = "taken"  # it is what paid another order out
    NEW_COINS = "new_coins"  # a miner pays with what a block makes, which others may undo for long


def pay_together(world: World, orders: Iterable[Order]) -> None:
    """Pay orders that are PAID by one transaction, with an output for each."""
    waiting = [one for one in orders if one.state is State.PAID and not one.btc_transaction_id]
    if not waiting:
        return
    txid = world.bitcoin.pay(payout(order) for order in waiting)
    for order in waiting:
        order.btc_transaction_id = txid
        world.keep(order)


def lie(world: World, order: Order, what: Lie) -> None:
    """Name a transaction that does not pay an order out. Raises NotPossible."""
    address, satoshi = payout(order)
    match what:
        case Lie.MISSING:
            order.btc_transaction_id = world.unknown_transaction_id(order)
        case Lie.ELSEWHERE:
            elsewhere = world.bitcoin.chain.stranger(address, f"not {order.uuid}")
            order.btc_transaction_id = world.bitcoin.pay([(elsewhere, satoshi)])
        case Lie.TOO_LITTLE:
            order.btc_transaction_id = world.bitcoin.pay([(address, satoshi - 1)])
        case Lie.NEW_COINS:
            world.bitcoin.mine(1, world.now(), payments=[(address, satoshi)])
            order.btc_transaction_id = world.bitcoin.chain.blocks[-1].txids[0]
        case Lie.TAKEN:
            order.btc_transaction_id = _taken(world, order)


def _taken(world: World, order: Order) -> str:
    for other in world.all_orders():
        if other is not order and other.btc_transaction_id in world.bitcoin.chain.transactions:
            return other.btc_transaction_id
    raise NotPossible("no other order has been paid out")
