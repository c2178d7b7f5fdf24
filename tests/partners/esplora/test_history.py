"""Reading an address whatever the pages: each server as its source code says that it answers.

Blockstream/electrs  src/rest.rs: MAX_MEMPOOL_TXS 50, CHAIN_TXS_PER_PAGE 25, no query is read
mempool/electrs      src/rest.rs: max_txs rows of both kinds, `after_txid`, 422 when unknown;
                     issue 142: after the last unconfirmed row nothing follows
mempool/mempool      backend/src/api/bitcoin/electrum-api.ts: 10 rows, an unknown cursor and
                     the first row begin anew, an unconfirmed child of the mempool comes last
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest
from typing_extensions import override

from app.partners.esplora.failures import NotOffered
from app.partners.esplora.history import MAX_PAGES, AddressHistory, Ending, read_history
from app.partners.esplora.wire import Block, Output, Transaction
from app.partners.failures import InvalidResponse, ServerFault
from tests.partners.esplora.golden import ADDRESS, BLOCK_HASH, BLOCK_TIME
from tests.support.cases import each_case

PATH = "address/a/txs"
BLOCK = Block(7, BLOCK_HASH, BLOCK_TIME)


def waiting(number: int) -> Transaction:
    return Transaction(
        txid=f"{number:064x}", outputs=(Output(0, ADDRESS, 5),), block=None, replaceable=False
    )


def mined(number: int) -> Transaction:
    return replace(waiting(number), block=BLOCK)


def rows(unconfirmed: int, confirmed: int) -> list[Transaction]:
    return [waiting(n) for n in range(unconfirmed)] + [mined(1000 + n) for n in range(confirmed)]


@dataclass
class Server:
    """Rows, newest first; `counts`: whether the server tells how many there are."""

    rows: list[Transaction]
    counts: bool = True
    asked: list[str] = field(default_factory=list)

    async def count(self) -> int | None:
        return len(self.rows) if self.counts else None

    async def page(self, path: str) -> tuple[Transaction, ...]:
        self.asked.append(path)
        rest = path.removeprefix(PATH)
        if rest.startswith("/chain"):
            return tuple(self.chain(rest.removeprefix("/chain").removeprefix("/")))
        return tuple(self.first(rest.removeprefix("?after_txid=")))

    def first(self, after: str) -> Sequence[Transaction]:
        raise NotImplementedError

    def chain(self, after: str) -> Sequence[Transaction]:
        raise NotImplementedError

    def place_after(self, rows: list[Transaction], txid: str) -> int | None:
        return next((n + 1 for n, one in enumerate(rows) if one.txid == txid), None)

    @property
    def unconfirmed(self) -> list[Transaction]:
        return [one for one in self.rows if one.block is None]

    @property
    def confirmed(self) -> list[Transaction]:
        return [one for one in self.rows if one.block is not None]


class Blockstream(Server):
    @override
    def first(self, after: str) -> Sequence[Transaction]:
        return [*self.unconfirmed[:50], *self.confirmed[:25]]

    @override
    def chain(self, after: str) -> Sequence[Transaction]:
        start = self.place_after(self.confirmed, after) if after else 0
        return [] if start is None else self.confirmed[start : start + 25]


class Mempool(Server):
    size = 50

    @override
    def first(self, after: str) -> Sequence[Transaction]:
        start = self.place_after(self.rows, after) if after else 0
        if start is None:
            raise NotOffered("payments", http_status=422)
        return self.rows[start : start + self.size]

    @override
    def chain(self, after: str) -> Sequence[Transaction]:
        start = self.place_after(self.confirmed, after) if after else 0
        return [] if start is None else self.confirmed[start : start + self.size]


class MempoolBeforeItsRepair(Mempool):
    @override
    def first(self, after: str) -> Sequence[Transaction]:
        if self.unconfirmed and after == self.unconfirmed[-1].txid:
            return []
        return super().first(after)


class Electrum(Server):
    @override
    def first(self, after: str) -> Sequence[Transaction]:
        place = next((n for n, one in enumerate(self.rows) if one.txid == after), -1)
        start = place + 1 if after and place > 0 else 0
        return self.rows[start : start + 10]

    @override
    def chain(self, after: str) -> Sequence[Transaction]:
        raise NotOffered("payments", http_status=404)


class ElectrumOfOld(Electrum):
    """Its cursor was the path's, and the query was not read."""

    @override
    def first(self, after: str) -> Sequence[Transaction]:
        return super().first("")

    @override
    def chain(self, after: str) -> Sequence[Transaction]:
        if not after:
            raise NotOffered("payments", http_status=404)
        return Electrum.first(self, after)


async def read(server: Server, most: int = 500) -> AddressHistory:
    return await read_history(server, PATH, most=most)


SHAPES = [(0, 0), (1, 0), (0, 1), (10, 0), (0, 10), (0, 25), (0, 50), (3, 60), (50, 0), (50, 77)]
KINDS: list[type[Server]] = [Blockstream, Mempool, MempoolBeforeItsRepair, Electrum, ElectrumOfOld]


@each_case("kind", KINDS)
@each_case("counts", [True, False])
async def test_every_transaction_is_read_from_every_server(
    kind: type[Server], *, counts: bool
) -> None:
    for shape in SHAPES:
        server = kind(rows(*shape), counts=counts)
        history = await read(server)
        assert {one.txid for one in history.transactions} == {one.txid for one in server.rows}
        repeats_its_only_row = issubclass(kind, Electrum) and sum(shape) == 1 and not counts
        ending = Ending.NOT_TOLD if repeats_its_only_row else Ending.COMPLETE
        assert history.ending is ending, shape
        assert len(server.asked) == len(set(server.asked)), shape


async def test_mempool_server_shows_fifty_to_those_who_stop_at_a_page_that_is_not_full() -> None:
    server = Mempool([*rows(30, 0), *rows(0, 40)])
    history = await read(server)
    assert len(history.transactions) == 70


async def test_one_page_that_holds_all_that_the_server_counts_is_asked_for_alone() -> None:
    for kind in KINDS:
        server = kind(rows(1, 1))
        assert (await read(server)).ending is Ending.COMPLETE
        assert server.asked == [PATH]


async def test_child_of_an_unconfirmed_transaction_comes_last_over_electrum() -> None:
    server = Electrum([*rows(1, 14), waiting(99)])
    assert len((await read(server)).transactions) == 16


async def test_unconfirmed_rows_that_no_cursor_leads_to_leave_the_read_short() -> None:
    history = await read(Blockstream(rows(60, 30)))
    assert (history.ending, len(history.transactions), history.total) == (Ending.SHORT, 80, 90)


async def test_server_that_repeats_its_first_page_for_ever_leaves_the_read_short() -> None:
    class Stuck(Blockstream):
        @override
        def chain(self, after: str) -> Sequence[Transaction]:
            return self.first("")

    for counts in (True, False):
        server = Stuck(rows(0, 80), counts=counts)
        history = await read(server)
        assert (history.ending, len(history.transactions)) == (Ending.SHORT, 25)
        assert len(server.asked) <= 6


async def test_server_without_count_and_cursors_has_told_all_that_it_offers() -> None:
    class Bare(Blockstream):
        @override
        def first(self, after: str) -> Sequence[Transaction]:
            if after:
                raise NotOffered("payments", http_status=400)
            return self.rows

        @override
        def chain(self, after: str) -> Sequence[Transaction]:
            raise NotOffered("payments", http_status=404)

    history = await read(Bare(rows(1, 3), counts=False))
    assert (history.ending, len(history.transactions)) == (Ending.NOT_TOLD, 4)


async def test_more_than_is_asked_for_is_said_to_be_limited() -> None:
    server = Mempool(rows(0, 400))
    history = await read(server, most=100)
    assert (history.ending, history.total) == (Ending.LIMITED, 400)
    assert 100 <= len(history.transactions) < 150


async def test_pages_of_one_row_end_at_a_bound() -> None:
    class Drip(Mempool):
        size = 1

    server = Drip(rows(0, 400))
    assert (await read(server)).ending is Ending.LIMITED
    assert len(server.asked) == MAX_PAGES


async def test_no_page_is_asked_for_when_time_is_over() -> None:
    server = Mempool(rows(0, 400))
    history = await read_history(server, PATH, most=500, in_time=lambda: len(server.asked) < 2)
    assert (history.ending, len(history.transactions)) == (Ending.LIMITED, 100)


async def test_failure_of_a_page_is_that_of_the_read() -> None:
    class Broken(Blockstream):
        @override
        def chain(self, after: str) -> Sequence[Transaction]:
            raise ServerFault("payments", http_status=503)

    with pytest.raises(ServerFault):
        await read(Broken(rows(0, 80)))


class Moving(Mempool):
    """Something happens to the chain before the second page is made."""

    def change(self) -> None:
        raise NotImplementedError

    @override
    async def page(self, path: str) -> tuple[Transaction, ...]:
        if len(self.asked) == 1:
            self.change()
        return await super().page(path)


async def test_block_between_two_pages_hides_nothing() -> None:
    class Mined(Moving):
        @override
        def change(self) -> None:
            # A block takes the last row of the first page, and one of the next, in another order.
            taken = [replace(one, block=BLOCK) for one in (self.rows[60], self.rows[49])]
            left = [one for one in self.unconfirmed if one.txid not in {t.txid for t in taken}]
            self.rows = [*left, *taken, *self.confirmed]

    server = Mined(rows(70, 30))
    history = await read(server)
    assert history.ending is Ending.COMPLETE
    found = {one.txid: one for one in history.transactions}
    assert found.keys() == {one.txid for one in server.rows}
    assert found[f"{60:064x}"].block == BLOCK


async def test_cursor_that_vanishes_between_two_pages_begins_the_read_anew() -> None:
    class Replaced(Moving):
        @override
        def change(self) -> None:
            self.rows = [waiting(500), *self.rows[:49], *self.rows[50:]]

    server = Replaced(rows(70, 30))
    history = await read(server)
    assert history.ending is Ending.COMPLETE
    assert {one.txid for one in history.transactions} == {one.txid for one in server.rows}


async def test_reorganisation_between_two_pages_begins_the_read_anew() -> None:
    class Reorganised(Blockstream, Moving):
        @override
        def change(self) -> None:
            self.rows = [replace(self.rows[24], block=None), *self.rows[:24], *self.rows[25:]]

    server = Reorganised(rows(0, 60))
    history = await read(server)
    assert history.ending is Ending.COMPLETE
    assert {one.txid for one in history.transactions} == {one.txid for one in server.rows}


async def test_transaction_on_two_pages_counts_once_and_confirmed() -> None:
    class Moved(Blockstream):
        @override
        def first(self, after: str) -> Sequence[Transaction]:
            return [waiting(1020), *self.confirmed[:20]]

    history = await read(Moved(rows(0, 30)))
    assert history.ending is Ending.COMPLETE
    [one] = [one for one in history.transactions if one.txid == waiting(1020).txid]
    assert one.block == BLOCK


async def test_two_readings_of_the_outputs_of_one_transaction_are_a_fault() -> None:
    class Lying(Blockstream):
        @override
        def chain(self, after: str) -> Sequence[Transaction]:
            return [replace(self.rows[0], outputs=(Output(0, ADDRESS, 6),))]

    with pytest.raises(InvalidResponse, match="different outputs"):
        await read(Lying(rows(0, 80)))
