"""The pages of an address, as different servers of Esplora's protocol make them.

Typed from their sources: Blockstream's electrs and mempool's (src/rest.rs), and mempool's backend
over an Electrum server (backend/src/api/bitcoin/electrum-api.ts).
"""

import re
from typing import Final

from app.sandbox.answers import Answer
from app.sandbox.chain import Transaction
from app.sandbox.views import Dialect, Sight

_MEMPOOL_PAGE: Final = 50
_CHAIN_PAGE: Final = 25
# mempool's electrs, with the settings of mempool.space.
_JOINT_PAGE: Final = 50
_ELECTRUM_PAGE: Final = 10
_TXID: Final = re.compile("[0-9a-fA-F]{64}")
_NOT_FOUND: Final = 404
_UNPROCESSABLE: Final = 422

Rows = list[Transaction]


def histories(sight: Sight, script: str) -> tuple[Rows, Rows]:
    """Return what touches a script, unconfirmed and confirmed, each newest first."""
    waiting, confirmed = [], []
    for transaction in sight.touching(script):
        block = sight.confirming(transaction.txid)
        if block is None:
            waiting.append((0, transaction.number, transaction))
        else:
            confirmed.append((block.height, transaction.number, transaction))
    return _newest_first(waiting), _newest_first(confirmed)


def _newest_first(ranked: list[tuple[int, int, Transaction]]) -> Rows:
    return [
        transaction for *_, transaction in sorted(ranked, key=lambda one: one[:2], reverse=True)
    ]


def first_page(sight: Sight, script: str, after: str) -> Rows | Answer:
    """Return what `/txs` shows, after the transaction that `?after_txid` names, if it is heard."""
    waiting, confirmed = histories(sight, script)
    match sight.dialect:
        case Dialect.BLOCKSTREAM:
            return [*waiting[:_MEMPOOL_PAGE], *confirmed[:_CHAIN_PAGE]]
        case Dialect.MEMPOOL:
            rows = [*waiting, *confirmed]
            if not _TXID.fullmatch(after):
                return rows[:_JOINT_PAGE]
            start = _place_after(rows, after)
            if start is None:
                return Answer(_UNPROCESSABLE, "after_txid not found")
            return rows[start : start + _JOINT_PAGE]
        case Dialect.ELECTRUM:
            rows = [*waiting, *confirmed]
            start = _place_after(rows, after) or 0
            # The first row is no cursor there: asked for what follows it, the server begins anew.
            start = 0 if start == 1 else start
            return rows[start : start + _ELECTRUM_PAGE]


def chain_page(sight: Sight, script: str, last_seen: str) -> Rows | Answer:
    """Return what `/txs/chain` shows, after the transaction that is named, if one is."""
    _, confirmed = histories(sight, script)
    if sight.dialect is Dialect.ELECTRUM:
        return Answer(_NOT_FOUND, "Cannot GET /address/txs/chain")
    start = 0
    if _TXID.fullmatch(last_seen):  # what is no id is passed over, as electrs does
        place = _place_after(confirmed, last_seen)
        start = len(confirmed) if place is None else place
    size = _CHAIN_PAGE if sight.dialect is Dialect.BLOCKSTREAM else _JOINT_PAGE
    return confirmed[start : start + size]


def mempool_page(sight: Sight, script: str) -> Rows:
    """Return what `/txs/mempool` shows."""
    waiting, _ = histories(sight, script)
    return waiting[:_MEMPOOL_PAGE]


def _place_after(rows: Rows, txid: str) -> int | None:
    places = {one.txid: place for place, one in enumerate(rows)}
    place = places.get(txid.lower())
    return None if place is None else place + 1


def unknown_transaction(sight: Sight) -> Answer:
    """Say in the server's words that it knows no such transaction."""
    if sight.dialect is Dialect.ELECTRUM:
        return Answer(
            _NOT_FOUND,
            "No such mempool or blockchain transaction. Use gettransaction for wallet"
            " transactions.",
        )
    return Answer(_NOT_FOUND, "Transaction not found")
