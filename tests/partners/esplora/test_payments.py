"""All that arrived at an address, as one server tells it: pages, what is refused, the flood."""

import json
import re
from typing import Final

import httpx
import pytest
import respx
from pydantic import ValidationError

from app.addresses import InvalidAddress
from app.partners import failures
from app.partners import http as http_module
from app.partners.esplora import wire
from app.partners.esplora.client import MOST_TRANSACTIONS
from app.partners.esplora.failures import (
    CutShort,
    NoSuchPath,
    NotOffered,
    ServerRefused,
    TooManyOutputs,
)
from app.partners.esplora.rate_limit import LIMIT
from app.partners.esplora.wire import MAX_PAGE_BYTES, Block, Output, Spent, Transaction
from app.partners.failures import OperatorNeeded, PartnerFailure
from app.partners.http import HttpReply
from app.partners.strict_json import Unreadable
from tests.partners.esplora import golden
from tests.partners.esplora.bench import JSON, Bench
from tests.partners.esplora.golden import (
    ADDRESS,
    BLOCK_HASH,
    BLOCK_TIME,
    HEIGHT,
    OTHER_ADDRESS,
    OTHER_TXID,
    TXID,
)
from tests.support.cases import each_case
from tests.support.deadlines import Silence, hold_deadlines

HISTORY: Final = f"address/{ADDRESS}/txs"
CONFIRMED: Final = json.dumps(
    {"confirmed": True, "block_height": 5, "block_hash": BLOCK_HASH, "block_time": 1}
)


# As many confirmed rows as Blockstream's electrs puts on a page.
PAGE: Final = 25


def page(body: str) -> tuple[Transaction, ...]:
    return wire.read_page(HttpReply(200, "application/json", "", body.encode(), MAX_PAGE_BYTES))


def txid(number: int) -> str:
    return f"{number:064x}"


def one(number: int, *, confirmed: bool = True, to: str = ADDRESS, value: int = 5) -> str:
    """Write a transaction that pays an address once."""
    status = CONFIRMED if confirmed else golden.UNCONFIRMED_STATUS
    output = json.dumps({"scriptpubkey_address": to, "value": value})
    return (
        f'{{"txid": "{txid(number)}", "vin": [{{"sequence": 0}}], '
        f'"vout": [{output}], "status": {status}}}'
    )


def listed(*transactions: str) -> str:
    return f"[{', '.join(transactions)}]"


def counted(server: respx.MockRouter, confirmed: int, unconfirmed: int = 0) -> None:
    """Let the server count the transactions of the address."""
    sums = {"funded_txo_count": 0, "funded_txo_sum": 0, "spent_txo_count": 0, "spent_txo_sum": 0}
    server.get(f"address/{ADDRESS}").respond(
        json={
            "address": ADDRESS,
            "chain_stats": {**sums, "tx_count": confirmed},
            "mempool_stats": {**sums, "tx_count": unconfirmed},
        }
    )


def confirmed(numbers: range) -> list[str]:
    return [one(number) for number in numbers]


def ids(transactions: tuple[Transaction, ...]) -> list[str]:
    return [transaction.txid for transaction in transactions]


def test_page_is_read_exactly() -> None:
    assert page(golden.HISTORY) == (
        Transaction(
            txid=OTHER_TXID,
            outputs=(Output(0, ADDRESS, 600),),
            block=None,
            replaceable=False,
            spent=(Spent(OTHER_ADDRESS, 1000),),
        ),
        Transaction(
            txid=TXID,
            outputs=(
                Output(0, ADDRESS, 10_000_000),
                Output(1, None, 0),
                Output(2, OTHER_ADDRESS, 20_000_000),
            ),
            block=Block(HEIGHT, BLOCK_HASH, BLOCK_TIME),
            replaceable=True,
            spent=(Spent(OTHER_ADDRESS, 30_001_500),),
        ),
    )
    block = page(golden.HISTORY)[1].block
    assert block is not None
    assert block.time == BLOCK_TIME
    assert page("[]") == ()


PAYMENT: Final = listed(one(1))
REFUSED: Final = {
    "empty": ("", "not JSON"),
    "object": ("{}", "not a JSON array"),
    "one_transaction": (golden.CONFIRMED, "not a JSON array"),
    "number": ("[1]", "0: "),
    "array": ("[[]]", "0: "),
    "nan": ("[NaN]", "NaN"),
    "name_twice": ('[{"txid": 1, "txid": 2}]', "twice"),
    "deep": ("[" * 17 + "]" * 17, "deeper"),
    "transaction_twice": (listed(one(1), one(1, value=6)), "twice, with different outputs"),
    "negative_value": (listed(one(1), one(2, value=-1)), r"1\.vout\.0\.value"),
    "time_below_0": (PAYMENT.replace('_time": 1', '_time": -1'), "block_time"),
    "time_fraction": (PAYMENT.replace('_time": 1', '_time": 1.5'), "block_time"),
    "time_text": (PAYMENT.replace('_time": 1', '_time": "1"'), "block_time"),
    "time_beyond": (PAYMENT.replace('_time": 1', '_time": 4294967296'), "block_time"),
    "time_missing": (PAYMENT.replace(', "block_time": 1', ""), "a block is named"),
    "huge": (" " * MAX_PAGE_BYTES + "[]", "more than 4194304 bytes"),
}


@each_case("kind", REFUSED)
def test_other_pages_are_refused(kind: str) -> None:
    body, why = REFUSED[kind]
    with pytest.raises(Unreadable, match=why):
        page(body)


# More than an item of any list has.
FIELDS: Final = 10
MANY: Final = ",".join(["{}"] * 1_300_000)
FAULTY: Final = {
    "transactions": f"[{MANY}]",
    "inputs": PAYMENT.replace('{"sequence": 0}', MANY),
    "outputs": re.sub(r'"vout": \[.*?\]', f'"vout": [{MANY}]', PAYMENT),
}


@pytest.mark.parametrize("kind", FAULTY)
def test_body_of_a_million_faults_is_refused_for_the_first_of_them(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[int] = []
    told = wire._fault

    def count(error: ValidationError) -> str:
        found.append(error.error_count())
        return told(error)

    monkeypatch.setattr(wire, "_fault", count)
    with pytest.raises(Unreadable, match="Field required"):
        page(FAULTY[kind])
    [faults] = found
    assert faults <= FIELDS, "no more are looked for than one item has fields"


def test_page_of_another_content_type_or_compressed_is_refused() -> None:
    with pytest.raises(Unreadable, match="content type"):
        wire.read_page(HttpReply(200, "text/html", "", b"[]", MAX_PAGE_BYTES))
    with pytest.raises(Unreadable, match="compressed"):
        wire.read_page(HttpReply(200, "application/json", "gzip", b"", MAX_PAGE_BYTES))


async def test_payments_are_asked_for_as_documented(bench: Bench, server: respx.MockRouter) -> None:
    route = server.get(HISTORY).respond(headers=JSON, text=golden.HISTORY)
    counted(server, 1, 1)
    assert ids(await bench.client.payments(ADDRESS)) == [OTHER_TXID, TXID]
    assert route.call_count == 1
    assert bench.observed == [("payments", "ok", 0), ("count", "ok", 0)]


async def test_unused_address_has_no_payments(bench: Bench, server: respx.MockRouter) -> None:
    server.get(HISTORY).respond(headers=JSON, text="[]")
    assert await bench.client.payments(ADDRESS) == ()


async def test_transactions_that_only_spend_from_the_address_are_no_payments(
    bench: Bench, server: respx.MockRouter
) -> None:
    counted(server, 2)
    server.get(HISTORY).respond(headers=JSON, text=listed(one(1, to=OTHER_ADDRESS), one(2)))
    assert ids(await bench.client.payments(ADDRESS)) == [txid(2)]


async def test_address_in_capitals_is_asked_for_and_found_in_small_letters(
    bench: Bench, server: respx.MockRouter
) -> None:
    server.get(f"address/{OTHER_ADDRESS}/txs").respond(
        headers=JSON, text=listed(one(1, to=OTHER_ADDRESS))
    )
    server.get(f"address/{OTHER_ADDRESS}").respond(404)
    server.get(f"address/{OTHER_ADDRESS}/txs/chain/{txid(1)}").respond(headers=JSON, text="[]")
    assert ids(await bench.client.payments(OTHER_ADDRESS.upper())) == [txid(1)]


@pytest.mark.parametrize("address", ["", "nobody", f"{ADDRESS}/../x", f"{ADDRESS}?a", ADDRESS[1:]])
async def test_what_is_no_address_is_never_sent(
    bench: Bench, server: respx.MockRouter, address: str
) -> None:
    with pytest.raises(InvalidAddress):
        await bench.client.payments(address)
    assert not server.calls


async def test_pages_are_followed_to_the_number_that_the_server_counts(
    bench: Bench, server: respx.MockRouter
) -> None:
    waiting = [one(number, confirmed=False) for number in range(1000, 1050)]
    pages = [confirmed(range(start, start + PAGE)) for start in (0, 25, 50)]
    counted(server, 76, 50)
    server.get(HISTORY).respond(headers=JSON, text=listed(*waiting, *pages[0]))
    for last_seen, following in zip((24, 49), pages[1:], strict=True):
        server.get(f"{HISTORY}/chain/{txid(last_seen)}").respond(
            headers=JSON, text=listed(*following)
        )
    server.get(f"{HISTORY}/chain/{txid(74)}").respond(headers=JSON, text=listed(one(75)))
    expected = [txid(number) for number in (*range(1000, 1050), *range(76))]
    assert ids(await bench.client.payments(ADDRESS)) == expected
    assert [endpoint for endpoint, *_ in bench.observed].count("payments") == 4


@pytest.mark.parametrize(
    "untold",
    [
        httpx.Response(404, text="endpoint does not exist"),
        httpx.Response(405, text="Address lookups cannot be used with bitcoind as backend."),
        httpx.Response(500, text="Failed to get address"),
        httpx.Response(200, headers=JSON, text="{}"),
    ],
    ids=lambda response: str(response.status_code),
)
async def test_server_that_counts_nothing_is_followed_to_its_last_page(
    bench: Bench, server: respx.MockRouter, untold: httpx.Response
) -> None:
    server.get(f"address/{ADDRESS}").mock(return_value=untold)
    server.get(HISTORY).respond(headers=JSON, text=listed(one(1)))
    server.get(f"{HISTORY}/chain/{txid(1)}").respond(headers=JSON, text=listed(one(2)))
    server.get(f"{HISTORY}/chain/{txid(2)}").respond(headers=JSON, text="[]")
    server.get(HISTORY, params={"after_txid": txid(2)}).respond(headers=JSON, text="[]")
    assert ids(await bench.client.payments(ADDRESS)) == [txid(1), txid(2)]


@pytest.mark.parametrize("confirmed_last", [True, False])
async def test_transaction_twice_on_a_page_counts_once_and_confirmed(
    bench: Bench, server: respx.MockRouter, *, confirmed_last: bool
) -> None:
    counted(server, 1)
    body = listed(one(1, confirmed=not confirmed_last), one(1, confirmed=confirmed_last))
    server.get(HISTORY).respond(headers=JSON, text=body)
    [found] = await bench.client.payments(ADDRESS)
    assert found.block is not None


async def test_transaction_that_moves_to_the_next_page_meanwhile_counts_once(
    bench: Bench, server: respx.MockRouter
) -> None:
    counted(server, 27)
    server.get(HISTORY).respond(
        headers=JSON, text=listed(one(99, confirmed=False), *confirmed(range(PAGE)))
    )
    server.get(f"{HISTORY}/chain/{txid(24)}").respond(
        headers=JSON, text=listed(one(24), one(99), one(25))
    )
    found = await bench.client.payments(ADDRESS)
    assert sorted(ids(found)) == sorted([*map(txid, range(26)), txid(99)])
    assert next(each for each in found if each.txid == txid(99)).block is not None


async def test_flood_of_transactions_is_a_failure_that_says_so(
    bench: Bench, server: respx.MockRouter
) -> None:
    counted(server, 10_000)
    server.get(HISTORY).respond(headers=JSON, text=listed(*confirmed(range(PAGE))))
    for start in range(PAGE, MOST_TRANSACTIONS, PAGE):
        server.get(f"{HISTORY}/chain/{txid(start - 1)}").respond(
            headers=JSON, text=listed(*confirmed(range(start, start + PAGE)))
        )
    with pytest.raises(TooManyOutputs, match="somebody floods it") as caught:
        await bench.client.payments(ADDRESS)
    assert isinstance(caught.value, OperatorNeeded)
    assert len(server.calls) == MOST_TRANSACTIONS // PAGE + 1


async def test_history_that_the_index_refuses_as_too_long_is_a_flood(
    bench: Bench, server: respx.MockRouter
) -> None:
    server.get(HISTORY).respond(413, text="history too long")
    with pytest.raises(TooManyOutputs):
        await bench.client.payments(ADDRESS)


@pytest.mark.parametrize("total", [None, 30])
async def test_server_that_shows_one_page_for_ever_is_a_failure_that_says_so(
    bench: Bench, server: respx.MockRouter, total: int | None
) -> None:
    server.get(f"address/{ADDRESS}").respond(404)
    if total:
        counted(server, total)
    body = listed(*confirmed(range(PAGE)))
    server.get(url__startswith=f"{golden.BASE_URL}{HISTORY}").respond(headers=JSON, text=body)
    with pytest.raises(CutShort, match="counts more") as caught:
        await bench.client.payments(ADDRESS)
    assert isinstance(caught.value, OperatorNeeded)
    assert len(server.calls) <= 8


async def test_each_request_of_a_look_takes_a_turn(bench: Bench, server: respx.MockRouter) -> None:
    counted(server, 30)
    body = listed(*confirmed(range(PAGE)))
    server.get(url__startswith=f"{golden.BASE_URL}{HISTORY}").respond(headers=JSON, text=body)
    with pytest.raises(CutShort):
        await bench.client.payments(ADDRESS)
    asked = len(server.calls)
    assert bench.clock.monotonic() >= (asked - 1) // LIMIT.count * LIMIT.window_seconds


ANSWERS: Final[dict[str, tuple[httpx.Response, type[PartnerFailure]]]] = {
    "html": (httpx.Response(200, html="<html></html>"), failures.InvalidResponse),
    "redirect": (httpx.Response(302, headers={"Location": "/other"}), failures.InvalidResponse),
    "truncated": (httpx.Response(200, headers=JSON, text="[{"), failures.InvalidResponse),
    "huge": (
        httpx.Response(200, headers=JSON, content=b" " * MAX_PAGE_BYTES + b"[]"),
        failures.InvalidResponse,
    ),
    "forbidden": (httpx.Response(403, text="no"), ServerRefused),
    "error": (httpx.Response(503, headers=JSON, text="[]"), failures.ServerFault),
    "throttled": (httpx.Response(429, headers={"Retry-After": "30"}), failures.Throttled),
}


@pytest.mark.parametrize("kind", ANSWERS)
@pytest.mark.parametrize("at", ["first", "second"])
async def test_page_that_is_none_fails_the_look_whichever_it_is(
    bench: Bench, server: respx.MockRouter, kind: str, at: str
) -> None:
    response, failure = ANSWERS[kind]
    full = httpx.Response(200, headers=JSON, text=listed(*confirmed(range(PAGE))))
    counted(server, 2 * PAGE)
    replies = [response] if at == "first" else [full, response]
    server.get(url__startswith=f"{golden.BASE_URL}{HISTORY}").mock(side_effect=replies)
    with pytest.raises(failure):
        await bench.client.payments(ADDRESS)
    assert bench.observed[-1][:2] == ("payments", failure.label)


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        (httpx.Response(404, text="endpoint does not exist"), NoSuchPath),
        (httpx.Response(400, text="Invalid Bitcoin address"), NotOffered),
    ],
)
async def test_first_page_that_is_not_offered_is_a_refusal(
    bench: Bench, server: respx.MockRouter, response: httpx.Response, kind: type[PartnerFailure]
) -> None:
    server.get(HISTORY).mock(return_value=response)
    with pytest.raises(ServerRefused) as caught:
        await bench.client.payments(ADDRESS)
    assert type(caught.value) is kind
    assert isinstance(caught.value, OperatorNeeded)


@pytest.mark.parametrize(
    ("broken", "kind"),
    [
        (httpx.ConnectError, failures.Unreachable),
        (httpx.ReadError, failures.AnswerLost),
        (httpx.RemoteProtocolError, failures.AnswerLost),
    ],
    ids=lambda value: value.__name__,
)
async def test_broken_transport_fails_the_look(
    bench: Bench, server: respx.MockRouter, broken: type[Exception], kind: type[PartnerFailure]
) -> None:
    server.get(HISTORY).mock(side_effect=broken)
    with pytest.raises(kind):
        await bench.client.payments(ADDRESS)


async def test_each_page_has_a_deadline(
    bench: Bench, server: respx.MockRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    silence = Silence(hold_deadlines(monkeypatch, http_module))
    server.get(HISTORY).mock(side_effect=silence)
    with pytest.raises(failures.DeadlinePassed):
        await bench.client.payments(ADDRESS)


async def test_larger_page_is_allowed_than_a_transaction(
    bench: Bench, server: respx.MockRouter
) -> None:
    counted(server, 1, 1)
    padding = b" " * wire.MAX_BODY_BYTES
    server.get(HISTORY).respond(headers=JSON, content=padding + golden.HISTORY.encode())
    assert len(await bench.client.payments(ADDRESS)) == 2
    server.get(f"tx/{TXID}").respond(headers=JSON, content=padding + golden.CONFIRMED.encode())
    with pytest.raises(failures.InvalidResponse, match="more than 2097152 bytes"):
        await bench.look()
