"""What several servers say together about an address: what counts, and what contradicts."""

import asyncio
from datetime import timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from app.addresses import InvalidAddress
from app.partners.esplora import chain as chain_module
from app.partners.esplora.chain import (
    Chain,
    Disagree,
    History,
    ReceivedOutputs,
    Unavailable,
    combine,
)
from app.partners.esplora.failures import TooManyOutputs
from app.partners.esplora.outputs import ReceivedOutput
from app.partners.esplora.wire import Block, Output, Transaction
from app.partners.failures import DeadlinePassed, PartnerFailure
from tests.partners.esplora.golden import ADDRESS, BLOCK_TIME, OTHER_ADDRESS, OTHER_TXID, TXID
from tests.support.cases import each_case
from tests.support.deadlines import hold_deadlines

WITHIN = 10.0
TWICE = (Output(0, ADDRESS, 700), Output(1, OTHER_ADDRESS, 5), Output(2, ADDRESS, 300))
ONCE = (Output(0, OTHER_ADDRESS, 9), Output(1, ADDRESS, 50))
HERE = Block(100, "aa" * 32, BLOCK_TIME)
FORK = Block(100, "bb" * 32, BLOCK_TIME)


def transaction(
    block: Block | None = HERE,
    *,
    txid: str = TXID,
    outputs: tuple[Output, ...] = ONCE,
    replaceable: bool = False,
) -> Transaction:
    return Transaction(txid=txid, outputs=outputs, block=block, replaceable=replaceable)


def arrival(
    confirmations: int, *, seen_by_all: bool = True, replaceable: bool = False, timed: bool = True
) -> ReceivedOutput:
    """Expect the one output of ONCE."""
    return ReceivedOutput(
        txid=TXID,
        output_index=1,
        value_satoshi=50,
        confirmations=confirmations,
        replaceable=replaceable,
        block_time=BLOCK_TIME if timed else None,
        seen_by_all=seen_by_all,
    )


def outputs(*histories: History) -> tuple[ReceivedOutput, ...]:
    found = combine(histories, ADDRESS)
    assert isinstance(found, ReceivedOutputs)
    return found.outputs


def test_nothing_arrived_where_no_server_shows_anything() -> None:
    assert outputs(History(100, ()), History(100, ())) == ()


def test_every_output_to_the_address_is_listed_by_transaction_and_index() -> None:
    history = History(
        102, (transaction(outputs=TWICE), transaction(None, txid=OTHER_TXID, outputs=ONCE))
    )
    listed = [
        (one.txid, one.output_index, one.value_satoshi, one.confirmations)
        for one in outputs(history)
    ]
    assert listed == [(OTHER_TXID, 1, 50, 0), (TXID, 0, 700, 3), (TXID, 2, 300, 3)]


# What each of two servers shows, and what that makes of the payment.
TOGETHER = {
    "both confirmed": ((102, HERE), (102, HERE), arrival(3)),
    "one tip behind": ((102, HERE), (100, HERE), arrival(1)),
    "tip before the block": ((102, HERE), (98, HERE), arrival(0)),
    "one unconfirmed": ((102, HERE), (99, None), arrival(0, timed=False)),
    "both unconfirmed": ((102, None), (102, None), arrival(0, timed=False)),
    "a fork": ((102, HERE), (102, FORK), arrival(0, timed=False)),
}


@each_case("kind", TOGETHER)
def test_confirmations_are_the_least_and_none_unless_all_show_the_same_block(kind: str) -> None:
    *shown, expected = TOGETHER[kind]
    histories = [History(tip, (transaction(block),)) for tip, block in shown]
    for order in permutations(histories):
        assert outputs(*order) == (expected,)


def test_output_that_only_some_know_is_listed_and_counts_no_confirmation() -> None:
    knows, knows_not = History(105, (transaction(),)), History(105, ())
    for order in permutations([knows, knows, knows_not]):
        assert outputs(*order) == (arrival(0, seen_by_all=False, timed=False),)


def test_one_server_that_calls_it_replaceable_is_enough() -> None:
    said = [History(100, (transaction(None, replaceable=flag),)) for flag in (True, False)]
    for order in permutations(said):
        assert outputs(*order) == (arrival(0, replaceable=True, timed=False),)


def test_latest_time_of_one_block_counts_so_that_nothing_seems_earlier_than_it_was() -> None:
    late = Block(HERE.height, HERE.hash, BLOCK_TIME + timedelta(hours=1))
    said = [History(100, (transaction(block),)) for block in (HERE, late)]
    for order in permutations(said):
        assert [one.block_time for one in outputs(*order)] == [late.time]


def test_servers_that_read_the_outputs_of_one_transaction_differently_disagree() -> None:
    other = (Output(0, OTHER_ADDRESS, 9), Output(1, ADDRESS, 49))
    said = [History(102, (transaction(),)), History(102, (transaction(outputs=other),))]
    for order in permutations(said):
        assert isinstance(combine(order, ADDRESS), Disagree)


def test_address_in_capitals_is_the_same_address() -> None:
    found = combine([History(102, (transaction(outputs=ONCE),))], OTHER_ADDRESS.upper())
    assert isinstance(found, ReceivedOutputs)
    assert [one.output_index for one in found.outputs] == [0]


_TXIDS = st.sampled_from([TXID, OTHER_TXID, "11" * 32])
_BLOCKS = st.none() | st.builds(
    Block, st.integers(95, 104), st.sampled_from(["aa" * 32, "bb" * 32]), st.just(BLOCK_TIME)
)
_HISTORIES = st.lists(
    st.builds(
        History,
        st.integers(95, 105),
        st.dictionaries(_TXIDS, _BLOCKS).map(
            lambda shown: tuple(transaction(block, txid=txid) for txid, block in shown.items())
        ),
    ),
    min_size=1,
    max_size=4,
)


@given(_HISTORIES)
def test_no_server_counts_fewer_confirmations_than_are_told(histories: list[History]) -> None:
    for one in outputs(*histories):
        assert one.confirmations >= 0
        if one.confirmations == 0:
            continue
        assert one.seen_by_all
        blocks = set()
        for history in histories:
            [known] = [each for each in history.transactions if each.txid == one.txid]
            assert known.block is not None
            assert one.confirmations <= history.tip_height - known.block.height + 1
            blocks.add(known.block)
        assert len(blocks) == 1


@given(_HISTORIES, st.data())
def test_nothing_that_any_server_shows_is_left_out_whatever_their_order(
    histories: list[History], data: st.DataObject
) -> None:
    found = outputs(*histories)
    known = {each.txid for history in histories for each in history.transactions}
    assert {one.txid for one in found} == known
    assert list(found) == sorted(found, key=lambda one: (one.txid, one.output_index))
    assert outputs(*data.draw(st.permutations(histories))) == found


class Said:
    """A server that says one thing, or fails in one way."""

    def __init__(self, name: str, says: History | PartnerFailure) -> None:
        self.source = name
        self.asked: list[str] = []
        self._says = says

    async def tip_height(self) -> int:
        self.asked.append("tip_height")
        if isinstance(self._says, PartnerFailure):
            raise self._says
        return self._says.tip_height

    async def payments(self, address: str) -> tuple[Transaction, ...]:
        self.asked.append(address)
        assert isinstance(self._says, History)
        return self._says.transactions

    async def transaction(self, txid: str) -> Transaction | None:
        raise AssertionError(txid)


SHOWN = History(102, (transaction(),))
GONE = DeadlinePassed("tip_height")


async def seen_by(*says: History | PartnerFailure) -> ReceivedOutputs | Disagree | Unavailable:
    chain = Chain([Said(f"s{index}.example", one) for index, one in enumerate(says)])
    return await chain.payments(ADDRESS, within_seconds=WITHIN)


async def test_one_named_server_is_believed() -> None:
    assert await seen_by(SHOWN) == ReceivedOutputs((arrival(3),))


async def test_one_of_two_servers_is_never_enough() -> None:
    assert isinstance(await seen_by(SHOWN, GONE), Unavailable)
    assert isinstance(await seen_by(GONE, SHOWN), Unavailable)


async def test_server_that_fails_is_passed_over_while_two_are_left() -> None:
    assert await seen_by(SHOWN, GONE, SHOWN) == ReceivedOutputs((arrival(3),))
    assert await seen_by(SHOWN, SHOWN, History(102, ())) == ReceivedOutputs(
        (arrival(0, seen_by_all=False, timed=False),)
    )


async def test_flood_is_named_in_the_reason() -> None:
    found = await seen_by(TooManyOutputs("payments"), SHOWN)
    assert isinstance(found, Unavailable)
    assert found.reason.startswith("1 of 2 servers answered (s0.example: payments: ")
    assert "somebody floods it" in found.reason


async def test_height_is_asked_before_the_payments_so_that_no_count_is_too_high() -> None:
    server = Said("one.example", SHOWN)
    await Chain([server]).payments(ADDRESS, within_seconds=WITHIN)
    assert server.asked == ["tip_height", ADDRESS]


async def test_what_is_no_address_is_refused_and_nobody_is_asked() -> None:
    server = Said("one.example", SHOWN)
    with pytest.raises(InvalidAddress):
        await Chain([server]).payments("nobody", within_seconds=WITHIN)
    assert server.asked == []


async def test_server_that_is_too_slow_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    deadlines = hold_deadlines(monkeypatch, chain_module)

    class Hanging(Said):
        @override
        async def payments(self, address: str) -> tuple[Transaction, ...]:
            await asyncio.sleep(0)  # the other has answered
            deadlines.expire()
            await asyncio.Event().wait()
            raise AssertionError

    chain = Chain([Said("one.example", SHOWN), Hanging("two.example", SHOWN)])
    found = await chain.payments(ADDRESS, within_seconds=WITHIN)
    assert isinstance(found, Unavailable)
    assert "two.example: payments: " in found.reason


async def test_servers_are_asked_at_once() -> None:
    met = asyncio.Barrier(2)

    class Meeting(Said):
        @override
        async def payments(self, address: str) -> tuple[Transaction, ...]:
            await met.wait()
            return await super().payments(address)

    chain = Chain([Meeting("one.example", SHOWN), Meeting("two.example", SHOWN)])
    async with asyncio.timeout(60):
        found = await chain.payments(ADDRESS, within_seconds=WITHIN)
    assert found == ReceivedOutputs((arrival(3),))
