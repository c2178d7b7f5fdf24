"""Esplora's REST API over the sandbox's chain: the same under each view's path.

Written from Blockstream's "Esplora HTTP API" and the answers of its server, electrs: amounts in
satoshi, text answers for heights and hashes, errors in plain text. What other servers do otherwise
stands in `app.sandbox.address_pages`.
"""

import re
from collections.abc import Awaitable, Callable
from typing import Final

from fastapi import FastAPI, Request
from starlette.responses import PlainTextResponse, Response

from app.addresses import InvalidAddress
from app.sandbox import shapes
from app.sandbox.address_pages import (
    Rows,
    chain_page,
    first_page,
    histories,
    mempool_page,
    unknown_transaction,
)
from app.sandbox.answers import Answer, render
from app.sandbox.chain import Transaction
from app.sandbox.scripts import script_of
from app.sandbox.spoiling import play
from app.sandbox.views import EsploraEndpoint, Sight, View
from app.sandbox.world import World

_HASH: Final = re.compile("[0-9a-fA-F]{64}")
_LONGEST_HEIGHT: Final = 9
_BAD_REQUEST: Final = 400
_NOT_FOUND: Final = 404


class _Refusal(Exception):
    """A request that is answered with an error: its status and its text."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer)
        self.answer = answer


def _hash(text: str) -> str:
    if not _HASH.fullmatch(text):
        raise _Refusal(Answer(_BAD_REQUEST, "Invalid hex string"))
    return text.lower()


def _transaction(sight: Sight, named: dict[str, str]) -> Transaction:
    found = sight.transaction(_hash(named["txid"]))
    if found is None:
        raise _Refusal(unknown_transaction(sight))
    return found


def _script(named: dict[str, str]) -> str:
    try:
        return script_of(named["address"]).hex
    except InvalidAddress as reason:
        raise _Refusal(Answer(_BAD_REQUEST, f"Invalid Bitcoin address: {reason}")) from None


def _tx(sight: Sight, named: dict[str, str]) -> Answer:
    return Answer(200, shapes.transaction(sight, _transaction(sight, named)))


def _tx_status(sight: Sight, named: dict[str, str]) -> Answer:
    # A transaction that nobody knows is unconfirmed, too: electrs answers no 404 here.
    txid = _hash(named["txid"])
    known = sight.transaction(txid) is not None
    return Answer(200, shapes.status(sight.confirming(txid) if known else None))


def _tx_outspends(sight: Sight, named: dict[str, str]) -> Answer:
    found = _transaction(sight, named)
    spends = (sight.spender(found.txid, vout) for vout in range(len(found.outputs)))
    return Answer(200, [shapes.outspend(sight, spend) for spend in spends])


def _address(sight: Sight, named: dict[str, str]) -> Answer:
    script = _script(named)
    waiting, confirmed = histories(sight, script)
    return Answer(
        200,
        {
            "address": named["address"],
            "chain_stats": shapes.sums(confirmed, script),
            "mempool_stats": shapes.sums(waiting, script),
        },
    )


def _listed(sight: Sight, rows: Rows | Answer) -> Answer:
    if isinstance(rows, Answer):
        return rows
    return Answer(200, [shapes.transaction(sight, one) for one in rows])


def _address_txs(sight: Sight, named: dict[str, str]) -> Answer:
    return _listed(sight, first_page(sight, _script(named), named.get("after_txid", "")))


def _address_txs_mempool(sight: Sight, named: dict[str, str]) -> Answer:
    return _listed(sight, mempool_page(sight, _script(named)))


def _address_txs_chain(sight: Sight, named: dict[str, str]) -> Answer:
    return _listed(sight, chain_page(sight, _script(named), named.get("last_seen_txid", "")))


def _address_utxo(sight: Sight, named: dict[str, str]) -> Answer:
    script = _script(named)
    waiting, confirmed = histories(sight, script)
    return Answer(
        200,
        [
            shapes.utxo(sight, transaction, vout)
            for transaction in (*waiting, *confirmed)
            for vout, output in enumerate(transaction.outputs)
            if output.script.hex == script and sight.spender(transaction.txid, vout) is None
        ],
    )


def _tip_height(sight: Sight, _named: dict[str, str]) -> Answer:
    return Answer(200, str(sight.tip.height))


def _tip_hash(sight: Sight, _named: dict[str, str]) -> Answer:
    return Answer(200, sight.tip.hash)


def _block_height(sight: Sight, named: dict[str, str]) -> Answer:
    text = named["height"]
    if not (text.isascii() and text.isdigit()):
        raise _Refusal(Answer(_BAD_REQUEST, "Invalid number"))
    block = sight.block_at(int(text)) if len(text) <= _LONGEST_HEIGHT else None
    if block is None:
        raise _Refusal(Answer(_NOT_FOUND, "Block not found"))
    return Answer(200, block.hash)


def _block(sight: Sight, named: dict[str, str]) -> Answer:
    block = sight.block(_hash(named["hash"]))
    if block is None:
        raise _Refusal(Answer(_NOT_FOUND, "Block not found"))
    before = sight.block_at(block.height - 1) if block.height else None
    return Answer(200, shapes.block(block, before))


_Work = Callable[[Sight, dict[str, str]], Answer]
_PATHS: Final[tuple[tuple[str, EsploraEndpoint, _Work], ...]] = (
    ("/tx/{txid}", EsploraEndpoint.TX, _tx),
    ("/tx/{txid}/status", EsploraEndpoint.TX_STATUS, _tx_status),
    ("/tx/{txid}/outspends", EsploraEndpoint.TX_OUTSPENDS, _tx_outspends),
    ("/address/{address}", EsploraEndpoint.ADDRESS, _address),
    ("/address/{address}/txs", EsploraEndpoint.ADDRESS_TXS, _address_txs),
    ("/address/{address}/txs/chain", EsploraEndpoint.ADDRESS_TXS_CHAIN, _address_txs_chain),
    (
        "/address/{address}/txs/chain/{last_seen_txid}",
        EsploraEndpoint.ADDRESS_TXS_CHAIN,
        _address_txs_chain,
    ),
    ("/address/{address}/txs/mempool", EsploraEndpoint.ADDRESS_TXS_MEMPOOL, _address_txs_mempool),
    ("/address/{address}/utxo", EsploraEndpoint.ADDRESS_UTXO, _address_utxo),
    ("/blocks/tip/height", EsploraEndpoint.TIP_HEIGHT, _tip_height),
    ("/blocks/tip/hash", EsploraEndpoint.TIP_HASH, _tip_hash),
    ("/block-height/{height}", EsploraEndpoint.BLOCK_HEIGHT, _block_height),
    ("/block/{hash}", EsploraEndpoint.BLOCK, _block),
)


def add_esplora(app: FastAPI, world: World) -> None:
    """Serve both views, and refuse what they do not know as Esplora does."""
    for view in View:
        for path, endpoint, work in _PATHS:
            app.add_route(f"/{view}{path}", _handler(world, view, endpoint, work), methods=["GET"])
        app.add_route(f"/{view}/{{rest:path}}", _unknown)


def _handler(
    world: World, view: View, endpoint: EsploraEndpoint, work: _Work
) -> Callable[[Request], Awaitable[Response]]:
    async def handle(request: Request) -> Response:
        world.stats.asked(view, endpoint)
        fault = world.faults.draw(view, endpoint)
        if fault is not None:
            world.stats.played(fault.kind)
        world.keep_stats()
        if fault is not None and not fault.after:
            return await play(fault, None, world.clock)
        answer = _answer(world, view, work, request)
        return render(answer) if fault is None else await play(fault, answer, world.clock)

    return handle


def _answer(world: World, view: View, work: _Work, request: Request) -> Answer:
    world.catch_up()
    try:
        return work(world.sight(view), {**request.query_params, **request.path_params})
    except _Refusal as refusal:
        return refusal.answer


async def _unknown(request: Request) -> Response:
    return PlainTextResponse(f"endpoint does not exist {request.url.path!r}", _NOT_FOUND)
