"""What must hold after a simulated day for the orders in bitcoin, by what the chain truly was.

Written apart from the code that keeps the rules: from the paths of the transactions alone.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

from app.orders.events import EventRecord
from app.orders.models import Order
from app.orders.pricing import Terms
from app.orders.rows import OrderRows
from app.orders.rules.rails import Rail
from app.simulation.books import Books
from app.simulation.chain import Coin, Mined, ModelChain, Waiting
from app.simulation.invariants import Breach
from app.simulation.loop import BEGIN
from app.simulation.offers import WALLET

_SATOSHI: Final = 100_000_000
_DUST_SATOSHI: Final = 546
_OVER: Final = ("TIMED_OUT", "CANCELLED")
# A look takes this long at most: two requests, a process that stands, a clock that is off.
_LOOK_SECONDS: Final = 90.0
# Whatever happened earlier than this before the end must have been seen: an order that timed out
# within a day is looked at once an hour.
_SEEN_WITHIN_SECONDS: Final = 4000.0
# Nearer than this to the last moment of a price, either price may have been right: what came may
# have been seen late, and a miner's clock is off.
_UNSURE: Final = timedelta(hours=1)


@dataclass(frozen=True)
class Truth:
    """The chain of a day, what each of its servers saw of it, and when the day ended."""

    chain: ModelChain
    views: Sequence[Callable[[float], float]]
    end: float
    today: Terms


def breaches_in_bitcoin(books: Books, truth: Truth) -> list[Breach]:
    """Return where the books differ from what happened on the chain."""
    orders = [rows for rows in books.orders if rows.order.rail == Rail.BITCOIN]
    events: dict[str, list[EventRecord]] = defaultdict(list)
    for event in books.events:
        events[event.order_id].append(event)
    found = [
        Breach(rule, f"{rows.order.id} {rows.order.status}")
        for rows in orders
        for rule in _untruths(rows, events[rows.order.id], truth)
    ]
    addresses = {rows.order.btc_dest_address for rows in orders}
    if addresses != {WALLET.address(index) for index in range(len(orders))}:
        found.append(Breach("each address once, and none is left out", str(len(addresses))))
    return found


def _untruths(rows: OrderRows, events: list[EventRecord], truth: Truth) -> Iterator[str]:
    order = rows.order
    paying = truth.chain.paying(order.btc_dest_address)
    alarms = {event.reason for event in events if event.kind == "alarm"}
    kept_as_old = _kept_as_old(rows)
    coins = [
        coin
        for coin in paying
        if coin.path[0][0] >= 0
        and not (coin.txid in kept_as_old and _is_stamped_before(coin, order))
    ]
    if len(coins) < len(paying) and "money_before_order" not in alarms:
        yield "money that was there before the day is reported"
    moves = [event for event in events if event.kind == "moved"]
    if rows.payment is None:
        yield "an order in bitcoin can be paid at once"
        return
    if any(move.from_status == "PAID" for move in moves):
        yield "nothing is taken back"
    if order.granted_at is not None:
        yield from _faults_of_grant(rows, moves, coins, truth)
    yield from _faults_at_the_end(rows, coins, alarms, truth)


def _kept_as_old(rows: OrderRows) -> set[str]:
    return {txid for (txid, _), output in rows.outputs.items() if output.before_order}


def _is_stamped_before(coin: Coin, order: Order) -> bool:
    """Say whether a miner wrote a time before the order into a block of a transaction.

    Such a payment may be taken for old money, if nobody looked before it was in the block.
    """
    blocks = [place for _, place in coin.path if isinstance(place, Mined)]
    return any(block.time < order.created_at for block in blocks)


def _faults_of_grant(
    rows: OrderRows, moves: list[EventRecord], coins: list[Coin], truth: Truth
) -> Iterator[str]:
    order = rows.order
    evidence: dict[str, Any] = next(
        (move.evidence for move in moves if move.to_status == "PAID" and move.evidence), {}
    )
    at = ((order.granted_at or BEGIN) - BEGIN).total_seconds()
    agreed = sum(coin.value_satoshi for coin in coins if _was_agreed(coin, rows, at, truth))
    confirmed = int(evidence.get("confirmed_satoshi", 0))
    if not _due(order) <= confirmed <= agreed:
        yield "credits are granted for what the servers agree is confirmed"
    price = _in_satoshi(order.grant_price_btc or Decimal(0))
    if price not in _right_prices(rows, coins, evidence, truth):
        yield "a grant is at the price of the order, or at today's if the money was late"
    elif order.credits_granted != _bought(order, confirmed, price, truth):
        yield "what is granted was bought"


def _was_agreed(coin: Coin, rows: OrderRows, at: float, truth: Truth) -> bool:
    """Say whether every server saw enough of a transaction, about when credits were granted."""
    wanted = _wanted(rows)
    for view in truth.views:
        begin, end = view(at - _LOOK_SECONDS), view(at + _LOOK_SECONDS)
        moments = [begin, *truth.chain.changes_between(begin, end), end]
        moments += [moment for moment, _ in coin.path if begin < moment <= end]
        if not any(_counts(coin, wanted, moment, truth.chain) for moment in moments):
            return False
    return True


def _counts(coin: Coin, wanted: int, moment: float, chain: ModelChain) -> bool:
    place = coin.place(moment)
    if isinstance(place, Mined):
        return chain.confirmations(coin, moment) >= wanted
    return wanted == 0 and place is Waiting.IN_MEMPOOL and not coin.replaceable


def _right_prices(
    rows: OrderRows, coins: list[Coin], evidence: dict[str, Any], truth: Truth
) -> set[int]:
    """Return the prices that the money may have been worth, by when it was complete."""
    order, payment = rows.order, rows.payment
    ordered, today = _in_satoshi(order.price_btc), _in_satoshi(truth.today.credit_price_btc)
    shown = {output["txid"] for output in evidence.get("outputs", ())}
    missing = _due(order)
    complete_at = BEGIN
    for coin in coins:  # in the order in which they came
        if coin.txid in shown and missing > 0:
            missing -= coin.value_satoshi
            complete_at = BEGIN + timedelta(seconds=coin.path[0][0])
    late_until = (payment and payment.late_until) or BEGIN
    if complete_at < late_until - _UNSURE:
        return {ordered}
    return {today} if complete_at > late_until + _UNSURE else {ordered, today}


def _bought(order: Order, satoshi: int, price: int, truth: Truth) -> int:
    affordable = satoshi // price
    if truth.today.bitcoin is not None and truth.today.bitcoin.excess_to_credits:
        return affordable
    return min(affordable, order.number_of_credits)


def _faults_at_the_end(
    rows: OrderRows, coins: list[Coin], alarms: set[str], truth: Truth
) -> Iterator[str]:
    """Compare with the chain as it is at the end, where it was the same for long enough."""
    order = rows.order
    confirmed = _unchanged(lambda moment: _confirmed(rows, coins, moment, truth), truth)
    if confirmed is not None and confirmed >= _due(order) and order.granted_at is None:
        today = _in_satoshi(truth.today.credit_price_btc)
        if _bought(order, confirmed, today, truth):
            yield "everything paid and confirmed is granted"
    gone = confirmed is not None and confirmed < _due(order) and order.granted_at is not None
    if gone and "granted_payment_gone" not in alarms:
        yield "a payment that is gone after its grant rings"
    received = _unchanged(lambda moment: _received(coins, moment), truth)
    if received is not None and confirmed is not None:
        yield from _faults_of_sums(rows, received, alarms)
        if order.granted_at is None and order.status not in _OVER and received < _due(order):
            yield "what is not paid in the end has timed out, or was cancelled"


def _faults_of_sums(rows: OrderRows, received: int, alarms: set[str]) -> Iterator[str]:
    """Hold the money that is there against what the order says that it received, and rings."""
    order, payment = rows.order, rows.payment
    if _in_satoshi((payment and payment.received_btc) or Decimal(0)) != received:
        yield "an order says what it received"
    if order.granted_at is None:
        if received and "money_without_credits" not in alarms and order.status in _OVER:
            yield "money without credits rings"
        return
    credited = _in_satoshi((order.credits_granted or 0) * (order.grant_price_btc or Decimal(0)))
    if received - credited >= _DUST_SATOSHI and "money_beyond_the_price" not in alarms:
        yield "money beyond the price rings"


def _unchanged(sum_at: Callable[[float], int], truth: Truth) -> int | None:
    """Return a sum that has been the same since everybody must have seen it; else None."""
    since = truth.end - _SEEN_WITHIN_SECONDS
    sums = {sum_at(moment) for moment in (since, *truth.chain.changes_between(since, truth.end))}
    return sums.pop() if len(sums) == 1 else None


def _confirmed(rows: OrderRows, coins: list[Coin], moment: float, truth: Truth) -> int:
    wanted = _wanted(rows)
    return sum(coin.value_satoshi for coin in coins if _counts(coin, wanted, moment, truth.chain))


def _received(coins: list[Coin], moment: float) -> int:
    return sum(coin.value_satoshi for coin in coins if coin.place(moment) is not Waiting.GONE)


def _wanted(rows: OrderRows) -> int:
    return (rows.payment and rows.payment.confirmations_wanted) or 0


def _due(order: Order) -> int:
    return _in_satoshi(order.btc_amount)


def _in_satoshi(amount_btc: Decimal) -> int:
    return int(amount_btc * _SATOSHI)
