"""The client against mocked transports: what is sent, what each answer means, and faults."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

import httpx
import pytest
import respx
from typing_extensions import override

from app.addresses import BitcoinNetwork
from app.partners import failures
from app.partners import http as http_module
from app.partners.esplora.failures import ServerRefused, WrongNetwork
from app.partners.esplora.rate_limit import LIMIT
from app.partners.esplora.wire import MAX_BODY_BYTES, Block
from app.partners.failures import PartnerFailure
from tests.partners.esplora import golden
from tests.partners.esplora.bench import JSON, TEXT, Bench
from tests.partners.esplora.golden import BASE_URL, BLOCK_HASH, BLOCK_TIME, HEIGHT, TXID
from tests.support.cases import each_case
from tests.support.deadlines import Deadlines, Silence, hold_deadlines

LOOK: Final = f"tx/{TXID}"


async def test_transaction_is_asked_for_as_documented(
    bench: Bench, server: respx.MockRouter
) -> None:
    route = server.get(f"{BASE_URL}tx/{TXID}").respond(headers=JSON, text=golden.CONFIRMED)
    transaction = await bench.look()
    assert transaction is not None
    assert transaction.block == Block(HEIGHT, BLOCK_HASH, BLOCK_TIME)
    request = route.calls.last.request
    assert request.content == b""
    assert request.headers["User-Agent"].startswith("assay/")
    assert bench.observed == [("transaction", "ok", 0)]


async def test_tip_height_is_asked_for_as_documented(
    bench: Bench, server: respx.MockRouter
) -> None:
    server.get(f"{BASE_URL}blocks/tip/height").respond(headers=TEXT, text="870003")
    assert await bench.client.tip_height() == 870_003
    assert bench.observed == [("tip_height", "ok", 0)]


async def test_base_url_without_a_slash_gets_one(server: respx.MockRouter) -> None:
    bench = Bench(BASE_URL.rstrip("/"))
    server.get(LOOK).respond(headers=JSON, text=golden.CONFIRMED)
    assert await bench.look()
    await bench.transport.aclose()


@each_case(
    ("base_url", "source"),
    [
        ("https://esplora.example/secret-key/api/", "esplora.example"),
        ("https://user:secret@esplora.example/", "esplora.example"),
        ("http://127.0.0.1:3002", "127.0.0.1:3002"),
    ],
)
async def test_source_shows_no_secret_of_its_url(base_url: str, source: str) -> None:
    bench = Bench(base_url)
    assert bench.client.source == source
    await bench.transport.aclose()


async def test_unknown_transaction_is_an_answer(bench: Bench, server: respx.MockRouter) -> None:
    server.get(LOOK).respond(404, headers=TEXT, text=golden.UNKNOWN)
    assert await bench.look() is None
    assert bench.observed == [("transaction", "TransactionUnknown", 0)]


TIP: Final = "blocks/tip/height"


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, "Not Found"),
        (404, ""),
        (404, '{"message": "unknown"}'),
        (410, "gone"),
        (400, "No such mempool or blockchain transaction"),
        (500, "No such mempool or blockchain transaction. Use gettransaction"),
    ],
)
async def test_transaction_is_unknown_in_any_words_of_a_server_that_knows_its_height(
    bench: Bench, server: respx.MockRouter, status: int, body: str
) -> None:
    server.get(LOOK).respond(status, text=body)
    tip = server.get(TIP).respond(headers=TEXT, text="870000")
    assert await bench.look() is None
    assert tip.call_count == 1


@pytest.mark.parametrize(
    "tip",
    [
        httpx.Response(404, text="Not Found"),
        httpx.Response(200, html="<html>a page for every path</html>"),
        httpx.Response(403),
    ],
    ids=lambda response: str(response.status_code),
)
async def test_404_of_what_knows_no_height_is_that_of_a_wrong_url(
    bench: Bench, server: respx.MockRouter, tip: httpx.Response
) -> None:
    server.get(LOOK).respond(404, text="Not Found")
    server.get(TIP).mock(return_value=tip)
    with pytest.raises(ServerRefused, match="is the URL that of an Esplora"):
        await bench.look()


async def test_404_that_names_the_path_is_a_wrong_url_although_the_height_is_known(
    bench: Bench, server: respx.MockRouter
) -> None:
    # https://mempool.space/api/v1 has heights, but transactions only at /api.
    server.get(LOOK).respond(404, html="<pre>Cannot GET /api/v1/tx/7c</pre>")
    server.get(TIP).respond(json=870000)
    with pytest.raises(ServerRefused):
        await bench.look()


async def test_while_the_height_is_not_told_nothing_is_known_of_the_transaction(
    bench: Bench, server: respx.MockRouter
) -> None:
    server.get(LOOK).respond(404, text="Not Found")
    server.get(TIP).respond(503)
    with pytest.raises(failures.ServerFault):
        await bench.look()


FIRST_BLOCKS: Final = {
    "mainnet": "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f",
    "testnet": "000000000933ea01ad0ee984209779baaec3ced90fa3f408719526f8d77f4943",
    "testnet4": "00000000da84f2bafbbc53dee25a72ae507ff4914b867c565be350b0da8bf043",
    "signet": "00000008819873e925422c1ff0f99f7cc9bbb232af63a077a480a3633bee1ef6",
    "regtest": "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206",
    "Litecoin": "12a765e31ffd4059bada1e25190f6e98c99d9714d334efa41a195a7e7e04bfe2",
    "Liquid": "1466275836220db2944ca059a3a10ef6fd2ea684b0688d2c379296888a206003",
    "private": "00" * 31 + "01",
}
USED_ON: Final = {
    BitcoinNetwork.MAINNET: {"mainnet", "private"},
    BitcoinNetwork.TESTNET: {"testnet", "testnet4", "signet", "regtest", "private"},
    BitcoinNetwork.REGTEST: {"regtest", "private"},
}


@pytest.mark.parametrize("network", USED_ON)
async def test_server_of_another_network_is_refused_before_its_word_counts(
    server: respx.MockRouter, network: BitcoinNetwork
) -> None:
    for name, first in FIRST_BLOCKS.items():
        bench = Bench(network=network)
        genesis = server.get("block-height/0").respond(headers=TEXT, text=first)
        server.get(TIP).respond(headers=TEXT, text="5")
        asked = genesis.call_count
        if name in USED_ON[network]:
            assert [await bench.client.tip_height() for _ in "ab"] == [5, 5]
            assert genesis.call_count == asked + 1
        else:
            with pytest.raises(WrongNetwork, match=f"shows {name}, .* of {network}"):
                await bench.client.tip_height()
            with pytest.raises(WrongNetwork):
                await bench.client.payments(golden.ADDRESS)
        await bench.transport.aclose()


@pytest.mark.parametrize("status", [404, 500, 200])
async def test_server_that_tells_no_first_block_is_taken_at_its_word(
    server: respx.MockRouter, status: int
) -> None:
    bench = Bench(network=BitcoinNetwork.MAINNET)
    server.get("block-height/0").respond(status, text="no")
    server.get(TIP).respond(headers=TEXT, text="5")
    assert await bench.client.tip_height() == 5
    await bench.transport.aclose()


@pytest.mark.parametrize("txid", ["", "7c", TXID.upper(), "../" + TXID[3:], f"{TXID}?x=1"])
async def test_what_is_no_transaction_id_is_never_sent(
    bench: Bench, server: respx.MockRouter, txid: str
) -> None:
    with pytest.raises(ValueError, match="64 hexadecimal digits"):
        await bench.client.transaction(txid)
    assert not server.calls


NONSENSE: Final = {
    "html": httpx.Response(200, html="<html></html>"),
    "no_content_type": httpx.Response(200, content=golden.CONFIRMED.encode()),
    "redirect": httpx.Response(302, headers={"Location": "https://example.org/", **JSON}),
    "redirect_with_a_result": httpx.Response(
        307, headers={"Location": f"{BASE_URL}other/", **JSON}, text=golden.CONFIRMED
    ),
    "no_content": httpx.Response(204),
    "empty": httpx.Response(200, headers=JSON),
    "truncated": httpx.Response(200, headers=JSON, text=golden.CONFIRMED[:300]),
    "huge": httpx.Response(200, headers=JSON, content=b" " * MAX_BODY_BYTES + b"{}"),
    "another": httpx.Response(200, headers=JSON, text=golden.CONFIRMED.replace("7c1d", "7c1e")),
    "result_in_a_206": httpx.Response(206, headers=JSON, text=golden.CONFIRMED),
}


@pytest.mark.parametrize("kind", NONSENSE)
async def test_nonsense_is_no_news_to_ask_again_for(
    bench: Bench, server: respx.MockRouter, kind: str
) -> None:
    server.get(LOOK).mock(return_value=NONSENSE[kind])
    with pytest.raises(failures.InvalidResponse) as caught:
        await bench.look()
    assert isinstance(caught.value, failures.UnknownOutcome)
    assert caught.value.http_status == NONSENSE[kind].status_code
    assert bench.observed == [("transaction", "Nonsense", 0)]
    assert len(server.calls) == 1


async def test_result_in_a_500_is_a_fault_of_the_server(
    bench: Bench, server: respx.MockRouter
) -> None:
    server.get(LOOK).respond(500, headers=JSON, text=golden.CONFIRMED)
    with pytest.raises(failures.ServerFault):
        await bench.look()


@pytest.mark.parametrize(
    ("broken", "kind"),
    [
        (httpx.ConnectError, failures.Unreachable),
        (httpx.WriteError, failures.AnswerLost),
        (httpx.ReadError, failures.AnswerLost),
        (httpx.RemoteProtocolError, failures.AnswerLost),
        (TimeoutError, failures.AnswerLost),
    ],
    ids=lambda value: value.__name__,
)
async def test_broken_transport_is_no_news_to_ask_again_for(
    bench: Bench, server: respx.MockRouter, broken: type[Exception], kind: type[PartnerFailure]
) -> None:
    server.get(LOOK).mock(side_effect=broken)
    with pytest.raises(kind) as caught:
        await bench.look()
    assert isinstance(caught.value, (failures.NotDone, failures.UnknownOutcome))
    assert caught.value.http_status is None


class Trickle(httpx.AsyncByteStream):
    """A body that sends one byte at a time and never ends; after the first, deadlines pass."""

    def __init__(self, deadlines: Deadlines) -> None:
        self._deadlines = deadlines

    @override
    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b" "
        self._deadlines.expire()
        while True:
            await asyncio.sleep(0.002)
            yield b" "


async def _silence(_request: httpx.Request) -> httpx.Response:
    await asyncio.Event().wait()
    raise AssertionError


async def test_trickling_body_does_not_outlive_the_deadline(
    bench: Bench, server: respx.MockRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = Trickle(hold_deadlines(monkeypatch, http_module))
    server.get(LOOK).mock(return_value=httpx.Response(200, headers=JSON, stream=body))
    with pytest.raises(failures.DeadlinePassed):
        await bench.look()


async def test_silence_does_not_outlive_the_deadline(
    bench: Bench, server: respx.MockRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    silence = Silence(hold_deadlines(monkeypatch, http_module))
    server.get(LOOK).mock(side_effect=silence)
    with pytest.raises(failures.DeadlinePassed):
        await bench.look()


async def test_more_requests_than_the_limit_wait_for_their_turn(
    bench: Bench, server: respx.MockRouter
) -> None:
    server.get(LOOK).respond(headers=JSON, text=golden.CONFIRMED)
    for _ in range(LIMIT.count):
        await bench.look()
    assert bench.clock.monotonic() == 0.0
    await bench.look()
    assert bench.clock.monotonic() >= LIMIT.window_seconds
    assert bench.observed[-1][2] >= LIMIT.window_seconds


async def test_failed_requests_leave_their_turns_to_others(
    bench: Bench, server: respx.MockRouter
) -> None:
    server.get(LOOK).mock(side_effect=httpx.ConnectError)
    for _ in range(2 * LIMIT.count):
        with pytest.raises(failures.Unreachable):
            await bench.look()
    assert bench.clock.monotonic() < 2.0


async def test_cancelled_request_leaves_its_turn_to_others(
    bench: Bench, server: respx.MockRouter
) -> None:
    server.get(LOOK).mock(side_effect=_silence)
    looks = [asyncio.create_task(bench.look()) for _ in range(LIMIT.count)]
    await asyncio.sleep(0.005)
    for look in looks:
        look.cancel()
    await asyncio.gather(*looks, return_exceptions=True)
    assert [outcome for _, outcome, _ in bench.observed] == ["cancelled"] * LIMIT.count
    server.get("blocks/tip/height").respond(headers=TEXT, text="5")
    assert await bench.client.tip_height() == 5
    assert bench.clock.monotonic() < 2.0


async def test_after_a_429_nothing_is_sent_until_the_pause_is_over(
    bench: Bench, server: respx.MockRouter
) -> None:
    route = server.get(LOOK).respond(429, headers={"Retry-After": "60"})
    with pytest.raises(failures.Throttled):
        await bench.look()
    with pytest.raises(failures.RateLimited) as caught:
        await bench.look()
    assert isinstance(caught.value, failures.NotDone)
    assert route.call_count == 1
    route.respond(headers=JSON, text=golden.CONFIRMED)
    bench.clock.advance(60.1)
    assert await bench.look()
    assert [outcome for _, outcome, _ in bench.observed] == ["Throttled", "HeldBack", "ok"]


async def test_environment_proxies_are_ignored(
    server: respx.MockRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    bench = Bench()
    server.get(LOOK).respond(headers=JSON, text=golden.CONFIRMED)
    assert await bench.look()
    assert not bench.transport._http.trust_env
    await bench.transport.aclose()
