"""Reading all transactions of an address, whatever pages a server makes of them.

Servers that speak Esplora's protocol page differently:

    Blockstream's electrs       up to 50 unconfirmed rows (no cursor leads to more) and 25 confirmed
                                ones; `/txs/chain/:txid` goes on; `?after_txid` is ignored
    mempool's electrs           25 or 50 rows, unconfirmed first, of both kinds on one page;
                                `/txs/chain/:txid` and `?after_txid=:txid` go on, 422 where the
                                cursor is no longer known; some versions stop where the unconfirmed
                                rows end, although confirmed ones follow
    mempool's backend, electrum 10 rows of both kinds; `?after_txid` or `/txs/chain/:txid` goes on,
                                by its version; an unknown cursor brings the first page again

So no size of a page means anything. A read is complete when it has as many transactions as the
server itself counts, or, where it does not tell, when its cursors lead to nothing new.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from app.partners.esplora.failures import NotOffered
from app.partners.esplora.wire import Transaction, distinct
from app.partners.failures import InvalidResponse
from app.partners.strict_json import Unreadable

# So many requests for pages make one read, at most.
MAX_PAGES: Final = 40
# What moves from page to page while they are asked for may be missed: then all are asked for anew.
_READS: Final = 2


class Ending(StrEnum):
    """How a read of the transactions of an address ended."""

    COMPLETE = "complete"
    # The server counts nothing, and has no cursors: what it showed is all that it offers.
    NOT_TOLD = "not_told"
    # As many were read as were asked for, and there are more.
    LIMITED = "limited"
    # The server counts more than it shows, or repeats a page where it should go on.
    SHORT = "short"


@dataclass(frozen=True)
class AddressHistory:
    """What touches an address, newest first; `total` is the server's own count (None: untold)."""

    transactions: tuple[Transaction, ...]
    total: int | None
    ending: Ending


class Cursor(StrEnum):
    """How a server is told where the next page begins."""

    CHAIN = "chain"
    AFTER = "after"


class _Word(StrEnum):
    """What a server answered to a cursor, other than something new."""

    END = "end"
    REPEAT = "repeat"
    ABSENT = "absent"


class Pages(Protocol):
    """One server. Its methods raise subclasses of `PartnerFailure`."""

    async def page(self, path: str) -> tuple[Transaction, ...]:
        """Ask for one page; raises NotOffered where there is no such endpoint or cursor."""
        ...

    async def count(self) -> int | None:
        """Ask how many transactions touch the address; None when the server does not tell."""
        ...


async def read_history(
    pages: Pages, path: str, *, most: int, in_time: Callable[[], bool] = lambda: True
) -> AddressHistory:
    """Read up to `most` transactions, and no page after `in_time` says no.

    `path` is that of the first page. Raises subclasses of `PartnerFailure`: what happens to a page
    happens to the read.
    """
    history = await _Read(pages, path, most, in_time).run()
    for _ in range(_READS - 1):
        if history.ending is not Ending.SHORT or not in_time():
            break
        history = await _Read(pages, path, most, in_time).run()
    return history


class _Read:
    """One read: what was found, and what the server said to each cursor since it found some."""

    def __init__(self, pages: Pages, path: str, most: int, in_time: Callable[[], bool]) -> None:
        self._pages = pages
        self._path = path
        self._most = most
        self._in_time = in_time
        self._requests = 0
        self._found: dict[str, Transaction] = {}
        self._words: dict[Cursor, _Word] = {}

    async def run(self) -> AddressHistory:
        page = await self._ask(self._path)
        if not page:
            return AddressHistory((), 0, Ending.COMPLETE)
        self._keep(page)
        total = await self._pages.count()
        while len(self._found) != total:
            if len(self._found) >= self._most or not self._may_ask():
                return self._history(total, Ending.LIMITED)
            following = await self._following(page)
            if following is None:
                return self._history(total, self._ending(total))
            page = following
        return self._history(total, Ending.COMPLETE)

    def _history(self, total: int | None, ending: Ending) -> AddressHistory:
        return AddressHistory(tuple(self._found.values()), total, ending)

    def _may_ask(self) -> bool:
        return self._requests < MAX_PAGES and self._in_time()

    async def _following(self, page: tuple[Transaction, ...]) -> tuple[Transaction, ...] | None:
        """Return the first page that brings something new, by whichever cursor; None: none does."""
        for cursor, path in self._cursors(page):
            if self._words.get(cursor) is _Word.ABSENT or not self._may_ask():
                continue
            try:
                following = await self._ask(path)
            except NotOffered as refusal:
                # A cursor that is not known any more says nothing of others of its kind.
                if not refusal.is_about_cursor:
                    self._words.setdefault(cursor, _Word.ABSENT)
                continue
            if self._keep(following):
                self._words.pop(cursor, None)
                return following
            self._words[cursor] = _Word.REPEAT if following else _Word.END
        return None

    def _cursors(self, page: tuple[Transaction, ...]) -> list[tuple[Cursor, str]]:
        """Return where the next page may begin: after the last row, or the last confirmed one."""
        last = page[-1].txid
        after = (Cursor.AFTER, f"{self._path}?after_txid={last}")
        confirmed = [one.txid for one in page if one.block is not None]
        if confirmed:
            return [(Cursor.CHAIN, f"{self._path}/chain/{confirmed[-1]}"), after]
        return [
            after,
            (Cursor.CHAIN, f"{self._path}/chain/{last}"),
            (Cursor.CHAIN, f"{self._path}/chain"),
        ]

    def _ending(self, total: int | None) -> Ending:
        """Say what it means that no cursor brings anything new."""
        words = set(self._words.values())
        if total is not None:
            return Ending.COMPLETE if len(self._found) >= total else Ending.SHORT
        if _Word.END in words:
            return Ending.COMPLETE
        # mempool's backend repeats the one row that it has.
        if self._words.get(Cursor.CHAIN) is _Word.REPEAT and len(self._found) > 1:
            return Ending.SHORT
        return Ending.NOT_TOLD

    async def _ask(self, path: str) -> tuple[Transaction, ...]:
        self._requests += 1
        return await self._pages.page(path)

    def _keep(self, page: tuple[Transaction, ...]) -> int:
        """Add a page to what was found; return how many of its transactions are new."""
        before = len(self._found)
        try:
            self._found = distinct([*self._found.values(), *page])
        except Unreadable as fault:
            raise InvalidResponse("payments", detail=str(fault)) from None
        return len(self._found) - before
