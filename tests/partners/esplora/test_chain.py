"""What several servers say together: every combination, and the servers that fail."""

import asyncio
from dataclasses import replace
from itertools import combinations_with_replacement, permutations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from app.partners.esplora import chain as chain_module
from app.partners.esplora.chain import (
    Chain,
    Disagree,
    NotYet,
    Paid,
    Sighting,
    Unavailable,
    Verdict,
    Wrong,
    combine_sightings,
    paying_outputs,
    required,
)
from app.partners.esplora.failures import ServerRefused
from app.partners.esplora.wire import Block, Output, Transaction
from app.partners.failures import DeadlinePassed, PartnerFailure
from tests.partners.esplora.golden import ADDRESS, BLOCK_TIME, OTHER_ADDRESS, TXID
from tests.support.cases import each_case
from tests.support.deadlines import hold_deadlines

VALUE = 1_000
WITHIN = 10.0
PAYING = (Output(0, ADDRESS, VALUE), Output(1, None, 0))
SHORT = (Output(0, ADDRESS, VALUE - 1), Output(1, OTHER_ADDRESS, VALUE))
HERE = Block(100, "aa" * 32, BLOCK_TIME)
SAME_HEIGHT = Block(100, "bb" * 32, BLOCK_TIME)
HIGHER = Block(101, "cc" * 32, BLOCK_TIME)


def seen(tip_height: int, block: Block | None, outputs: tuple[Output, ...] = PAYING) -> Sighting:
    transaction = Transaction(txid=TXID, outputs=outputs, block=block, replaceable=False)
    return Sighting(tip_height, transaction)


UNKNOWN = Sighting(100, None)
# Every kind of thing that one server may say.
KINDS = {
    "unknown": UNKNOWN,
    "unconfirmed": seen(100, None),
    "once": seen(100, HERE),
    "thrice": seen(102, HERE),
    "tip behind": seen(99, HERE),
    "same height": seen(102, SAME_HEIGHT),
    "higher": seen(102, HIGHER),
    "short unconfirmed": seen(100, None, SHORT),
    "short": seen(102, HERE, SHORT),
}
CONFIRMATIONS = {"once": 1, "thrice": 3, "same height": 3, "higher": 2}
BLOCKS = {
    "once": HERE,
    "thrice": HERE,
    "tip behind": HERE,
    "short": HERE,
    "same height": SAME_HEIGHT,
    "higher": HIGHER,
}
SHORT_ONES = {"short unconfirmed", "short"}


def expected(kinds: set[str]) -> type[Verdict]:
    """Say by the kinds alone what the servers mean together."""
    known = kinds - {"unknown"}
    if known & SHORT_ONES and known - SHORT_ONES:
        return Disagree
    if len({BLOCKS[kind] for kind in known if kind in BLOCKS}) > 1:
        return Disagree
    if "unknown" in kinds:
        return NotYet
    if known & SHORT_ONES:
        return Wrong
    return Paid if kinds <= CONFIRMATIONS.keys() else NotYet


@each_case("servers", [1, 2, 3])
def test_every_combination_of_what_servers_say_has_its_verdict(servers: int) -> None:
    found = set()
    for kinds in combinations_with_replacement(KINDS, servers):
        for order in set(permutations(kinds)):
            verdict = combine_sightings([KINDS[kind] for kind in order], ADDRESS, VALUE)
            assert type(verdict) is expected(set(kinds)), order
            found.add(type(verdict))
            if isinstance(verdict, Paid):
                assert verdict == Paid(min(CONFIRMATIONS[kind] for kind in kinds), (0,))
    assert found == {Paid, NotYet, Wrong} | ({Disagree} if servers > 1 else set())


_OUTPUTS = st.lists(
    st.tuples(st.sampled_from([ADDRESS, OTHER_ADDRESS, None]), st.integers(0, 2 * VALUE)),
    min_size=1,
    max_size=3,
).map(lambda rows: tuple(Output(index, *row) for index, row in enumerate(rows)))
_BLOCKS = st.none() | st.builds(
    Block, st.integers(95, 101), st.sampled_from(["aa" * 32, "bb" * 32]), st.just(BLOCK_TIME)
)


@st.composite
def _sightings(draw: st.DrawFn) -> list[Sighting]:
    """Draw what a few servers say that mostly agree."""
    outputs, block = draw(_OUTPUTS), draw(_BLOCKS)
    sightings = []
    for _ in range(draw(st.integers(1, 4))):
        tip = draw(st.integers(95, 105))
        one = seen(
            tip,
            draw(st.sampled_from([block, block, block]) | _BLOCKS),
            draw(st.sampled_from([outputs, outputs, outputs]) | _OUTPUTS),
        )
        sightings.append(one if draw(st.integers(0, 9)) else Sighting(tip, None))
    return sightings


@given(_sightings())
def test_paid_means_that_every_server_shows_the_same_payment_in_the_same_block(
    sightings: list[Sighting],
) -> None:
    verdict = combine_sightings(sightings, ADDRESS, VALUE)
    if not isinstance(verdict, Paid):
        return
    assert verdict.confirmations >= 1
    assert verdict.outputs
    blocks = set()
    for sighting in sightings:
        assert sighting.transaction is not None
        assert sighting.transaction.block is not None
        blocks.add(sighting.transaction.block)
        counted = sighting.tip_height - sighting.transaction.block.height + 1
        assert verdict.confirmations <= counted
        for index in verdict.outputs:
            assert sighting.transaction.outputs[index].address == ADDRESS
            assert sighting.transaction.outputs[index].value_satoshi >= VALUE
    assert len(blocks) == 1


@given(_sightings(), st.data())
def test_order_of_servers_does_not_matter(sightings: list[Sighting], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(sightings))
    assert combine_sightings(shuffled, ADDRESS, VALUE) == combine_sightings(
        sightings, ADDRESS, VALUE
    )


@given(_sightings())
def test_hearing_another_server_never_makes_a_payment_more_believable(
    sightings: list[Sighting],
) -> None:
    fewer, more = (
        combine_sightings(sightings[:1], ADDRESS, VALUE),
        combine_sightings(sightings, ADDRESS, VALUE),
    )
    if isinstance(more, Paid):
        assert isinstance(fewer, Paid)
        assert more.confirmations <= fewer.confirmations
        assert more.outputs == fewer.outputs


def test_each_output_must_pay_alone_and_the_closest_comes_first() -> None:
    outputs = (
        Output(0, ADDRESS, 3 * VALUE),
        Output(1, ADDRESS, VALUE - 1),
        Output(2, OTHER_ADDRESS, VALUE),
        Output(3, ADDRESS, VALUE),
        Output(4, None, VALUE),
        Output(5, ADDRESS, VALUE),
    )
    assert paying_outputs(outputs, ADDRESS, VALUE) == (3, 5, 0)
    halves = (Output(0, ADDRESS, VALUE // 2), Output(1, ADDRESS, VALUE // 2))
    assert paying_outputs(halves, ADDRESS, VALUE) == ()


def test_new_coins_pay_with_their_hundredth_confirmation() -> None:
    coins = Transaction(
        txid=TXID, outputs=PAYING, block=Block(10, "aa" * 32, BLOCK_TIME), replaceable=False,
        is_coinbase=True,
    )  # fmt: skip
    told = replace(coins, is_coinbase=False)  # one server that shows new coins is enough
    for tip, verdict in (
        (10, NotYet("the transaction makes new coins: 1 of 100 confirmations")),
        (108, NotYet("the transaction makes new coins: 99 of 100 confirmations")),
        (109, Paid(100, (0,), is_coinbase=True)),
    ):
        assert (
            combine_sightings([Sighting(tip, told), Sighting(tip, coins)], ADDRESS, VALUE)
            == verdict
        )


def test_address_in_capitals_is_the_same_address() -> None:
    outputs = (Output(0, OTHER_ADDRESS, VALUE),)
    assert paying_outputs(outputs, OTHER_ADDRESS.upper(), VALUE) == (0,)
    assert paying_outputs((Output(0, ADDRESS.lower(), VALUE),), ADDRESS, VALUE) == ()


class Said:
    """A server that says one thing, or fails in one way."""

    def __init__(self, name: str, says: Sighting | PartnerFailure) -> None:
        self.source = name
        self.asked: list[str] = []
        self._says = says

    async def tip_height(self) -> int:
        self.asked.append("tip_height")
        if isinstance(self._says, PartnerFailure):
            raise self._says
        return self._says.tip_height

    async def transaction(self, txid: str) -> Transaction | None:
        self.asked.append(txid)
        assert isinstance(self._says, Sighting)
        return self._says.transaction

    async def payments(self, address: str) -> tuple[Transaction, ...]:
        raise AssertionError(address)


GONE = DeadlinePassed("tip_height")
PAID = seen(102, HERE)


async def verdict_of(*says: Sighting | PartnerFailure) -> Verdict:
    chain = Chain([Said(f"s{index}.example", one) for index, one in enumerate(says)])
    return await chain.settlement(TXID, ADDRESS, VALUE, within_seconds=WITHIN)


@each_case(("named", "quorum"), [(1, 1), (2, 2), (3, 2), (9, 2)])
def test_two_servers_must_agree_where_two_are_named(named: int, quorum: int) -> None:
    assert required(named) == quorum


@each_case("named", [1, 2, 3, 4])
async def test_verdict_stands_only_on_enough_answers(named: int) -> None:
    for answers in product([True, False], repeat=named):
        verdict = await verdict_of(*(PAID if answer else GONE for answer in answers))
        if sum(answers) >= min(2, named):
            assert verdict == Paid(3, (0,))
        else:
            assert isinstance(verdict, Unavailable)


async def test_one_named_server_is_believed() -> None:
    assert await verdict_of(PAID) == Paid(3, (0,))
    assert isinstance(await verdict_of(UNKNOWN), NotYet)
    assert isinstance(await verdict_of(seen(102, HERE, SHORT)), Wrong)


@each_case("kind", KINDS)
async def test_one_of_two_servers_is_never_enough(kind: str) -> None:
    assert isinstance(await verdict_of(KINDS[kind], GONE), Unavailable)
    assert isinstance(await verdict_of(GONE, KINDS[kind]), Unavailable)


async def test_third_server_that_answers_must_agree_too() -> None:
    assert isinstance(await verdict_of(PAID, PAID, UNKNOWN), NotYet)
    assert isinstance(await verdict_of(PAID, PAID, seen(102, SAME_HEIGHT)), Disagree)


async def test_unavailable_says_who_failed_and_how() -> None:
    verdict = await verdict_of(PAID, GONE, ServerRefused("tip_height", http_status=401))
    assert isinstance(verdict, Unavailable)
    assert verdict.reason.startswith("1 of 3 servers answered (s1.example: tip_height: ")
    assert "s2.example: tip_height: refused" in verdict.reason


async def test_servers_of_one_name_count_each() -> None:
    chain = Chain([Said("127.0.0.1:3002", GONE), Said("127.0.0.1:3002", GONE)])
    verdict = await chain.settlement(TXID, ADDRESS, VALUE, within_seconds=WITHIN)
    assert isinstance(verdict, Unavailable)
    assert verdict.reason.startswith("0 of 2 servers answered")


async def test_height_is_asked_before_the_transaction_so_that_no_count_is_too_high() -> None:
    server = Said("one.example", PAID)
    await Chain([server]).settlement(TXID, ADDRESS, VALUE, within_seconds=WITHIN)
    assert server.asked == ["tip_height", TXID]


@each_case("text", ["", "pending", TXID[:-1], "../" + TXID[3:], "é" * 64])
async def test_what_is_no_transaction_id_is_wrong_and_nobody_is_asked(text: str) -> None:
    server = Said("one.example", PAID)
    assert isinstance(
        await Chain([server]).settlement(text, ADDRESS, VALUE, within_seconds=WITHIN), Wrong
    )
    assert server.asked == []


async def test_transaction_id_in_capitals_is_asked_for_in_small_letters() -> None:
    server = Said("one.example", PAID)
    verdict = await Chain([server]).settlement(TXID.upper(), ADDRESS, VALUE, within_seconds=WITHIN)
    assert verdict == Paid(3, (0,))
    assert server.asked[-1] == TXID


@pytest.mark.parametrize("value_satoshi", [0, -1])
async def test_payment_of_nothing_is_refused_since_anything_would_pay_it(
    value_satoshi: int,
) -> None:
    with pytest.raises(ValueError, match="at least one satoshi"):
        await Chain([Said("one.example", PAID)]).settlement(
            TXID, ADDRESS, value_satoshi, within_seconds=WITHIN
        )


def test_chain_without_a_server_is_refused() -> None:
    with pytest.raises(ValueError, match="no Esplora server"):
        Chain([])


async def test_servers_are_asked_at_once() -> None:
    met = asyncio.Barrier(2)

    class Meeting(Said):
        @override
        async def tip_height(self) -> int:
            await met.wait()
            return await super().tip_height()

    chain = Chain([Meeting("one.example", PAID), Meeting("two.example", PAID)])
    async with asyncio.timeout(60):
        assert await chain.settlement(TXID, ADDRESS, VALUE, within_seconds=WITHIN) == Paid(3, (0,))


async def test_server_that_is_too_slow_is_passed_over_while_two_are_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    deadlines = hold_deadlines(monkeypatch, chain_module)

    class Hanging(Said):
        @override
        async def transaction(self, txid: str) -> Transaction | None:
            await asyncio.sleep(0)  # the others have answered
            deadlines.expire()
            await asyncio.Event().wait()
            raise AssertionError

    named = [Said("one.example", PAID), Hanging("two.example", PAID), Said("three.example", PAID)]
    chain = Chain(named)
    assert await chain.settlement(TXID, ADDRESS, VALUE, within_seconds=WITHIN) == Paid(3, (0,))
    verdict = await Chain(named[:2]).settlement(TXID, ADDRESS, VALUE, within_seconds=WITHIN)
    assert isinstance(verdict, Unavailable)
    assert "two.example: settlement: " in verdict.reason


async def test_look_that_could_not_end_in_time_asks_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.partners.esplora.chain._LOOKS_AT_ONCE", 1)
    begun, may_end = asyncio.Event(), asyncio.Event()

    class Slow(Said):
        @override
        async def tip_height(self) -> int:
            begun.set()
            await may_end.wait()
            return await super().tip_height()

    server = Slow("one.example", PAID)
    chain = Chain([server])
    first = asyncio.create_task(chain.settlement(TXID, ADDRESS, VALUE, within_seconds=60))
    await begun.wait()
    verdict = await chain.settlement(TXID, ADDRESS, VALUE, within_seconds=0)
    assert verdict == Unavailable("no server was asked: too many looks were under way")
    may_end.set()
    assert await first == Paid(3, (0,))
    assert server.asked == ["tip_height", TXID]
    assert await chain.settlement(TXID, ADDRESS, VALUE, within_seconds=60) == Paid(3, (0,))
