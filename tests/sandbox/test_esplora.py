"""Both views answer as Blockstream's "Esplora HTTP API" says; members are typed from it."""

import re
from typing import Any

import httpx
import pytest

from tests.sandbox.conftest import DESTINATION, Harness

TAPROOT = "bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr"  # BIP 86
SEGWIT = "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu"  # BIP 84
SCRIPTS = [
    # BIP 84 and BIP 86, "Test vectors"
    (SEGWIT, "v0_p2wpkh", "0014c0cebcd6c3d3ca8c75dc5ec62ebe55330ef910e2"),
    (TAPROOT, "v1_p2tr", "5120a60869f0dbcf1dc659c9cecbaf8050135ea9e8cdc487053f1dc6880949dc684c"),
    (
        "tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7",  # BIP 173
        "v0_p2wsh",
        "00201863143c14c5166804bd19203356da136c985678cd4d27a1b8c6329604903262",
    ),
    (
        "3P14159f73E4gFr7JterCCQh9QjiTjiZrG",
        "p2sh",
        "a914e9c3dd0c07aac76179ebc76a6c78d4d67c6c160a87",
    ),
]


async def get(sandbox: Harness, path: str, view: str = "esplora") -> httpx.Response:
    return await sandbox.http.get(f"{sandbox.root}/{view}{path}")


async def read(sandbox: Harness, path: str, view: str = "esplora") -> Any:  # noqa: ANN401  JSON
    response = await get(sandbox, path, view)
    assert response.status_code == 200, response.text
    return response.json()


async def send(sandbox: Harness, address: str = DESTINATION, satoshi: int = 5000) -> str:
    answer = await sandbox.control("chain/send", {"address": address, "satoshi": satoshi})
    return str(answer["txid"])


async def test_unconfirmed_transaction_has_every_member(sandbox: Harness) -> None:
    txid = await send(sandbox)
    said = await read(sandbox, f"/tx/{txid}")
    members = ["txid", "version", "locktime", "vin", "vout", "size", "weight", "fee", "status"]
    assert list(said) == members
    assert re.fullmatch("[0-9a-f]{64}", said["txid"])
    assert said["txid"] == txid
    assert said["status"] == {"confirmed": False}
    paid, change = said["vout"]
    assert paid == {
        "scriptpubkey": "76a9140d3c0fcd97d2bf95afc53395c20dfac2bb315cdc88ac",
        "scriptpubkey_asm": "OP_DUP OP_HASH160 OP_PUSHBYTES_20 "
        "0d3c0fcd97d2bf95afc53395c20dfac2bb315cdc OP_EQUALVERIFY OP_CHECKSIG",
        "scriptpubkey_type": "p2pkh",
        "scriptpubkey_address": DESTINATION,
        "value": 5000,
    }
    (spent,) = said["vin"]
    assert (spent["is_coinbase"], spent["sequence"]) == (False, 0xFFFFFFFD)
    assert spent["prevout"]["scriptpubkey_address"].startswith("1")
    assert spent["prevout"]["value"] == 5000 + change["value"] + said["fee"]
    funding = await read(sandbox, f"/tx/{spent['txid']}")
    assert funding["vout"][spent["vout"]] == spent["prevout"]


async def test_block_confirms_what_waited(sandbox: Harness) -> None:
    txid = await send(sandbox)
    await sandbox.control("chain/mine")
    height = int((await get(sandbox, "/blocks/tip/height")).text)
    tip = (await get(sandbox, "/blocks/tip/hash")).text
    status = await read(sandbox, f"/tx/{txid}/status")
    time = int(sandbox.clock.wall.timestamp())
    assert status == {
        "confirmed": True,
        "block_height": height,
        "block_hash": tip,
        "block_time": time,
    }
    assert (await get(sandbox, f"/block-height/{height}")).text == tip
    block = await read(sandbox, f"/block/{tip}")
    assert (block["id"], block["height"], block["tx_count"]) == (tip, height, 2)
    before = (await get(sandbox, f"/block-height/{height - 1}")).text
    assert block["previousblockhash"] == before


@pytest.mark.parametrize(("address", "kind", "script"), SCRIPTS)
async def test_output_has_the_script_of_its_address(
    sandbox: Harness, address: str, kind: str, script: str
) -> None:
    said = await read(sandbox, f"/tx/{await send(sandbox, address)}")
    output = said["vout"][0]
    assert (output["scriptpubkey_type"], output["scriptpubkey"]) == (kind, script)
    assert output["scriptpubkey_address"] == address


async def test_address_in_upper_case_is_the_same(sandbox: Harness) -> None:
    txid = await send(sandbox, SEGWIT)
    listed = await read(sandbox, f"/address/{SEGWIT.upper()}/txs")
    assert [each["txid"] for each in listed] == [txid]


async def test_coinbase_has_no_prevout_and_data_output_no_address(sandbox: Harness) -> None:
    chain = await sandbox.control("chain/mine")
    said = await read(sandbox, f"/tx/{chain['blocks'][0]['txids'][0]}")
    (coinbase,) = said["vin"]
    assert (coinbase["is_coinbase"], coinbase["prevout"]) == (True, None)
    _, data = said["vout"]
    assert (data["scriptpubkey_type"], data["value"]) == ("op_return", 0)
    assert "scriptpubkey_address" not in data


async def test_memo_is_an_output_that_pays_nobody(sandbox: Harness) -> None:
    body = {"address": DESTINATION, "satoshi": 1, "memo": "hi"}
    txid = (await sandbox.control("chain/send", body))["txid"]
    *_, data = (await read(sandbox, f"/tx/{txid}"))["vout"]
    assert data["scriptpubkey_asm"] == "OP_RETURN OP_PUSHBYTES_2 6869"


async def test_address_sums_up_confirmed_and_unconfirmed_apart(sandbox: Harness) -> None:
    await send(sandbox, satoshi=5000)
    await sandbox.control("chain/mine")
    await send(sandbox, satoshi=700)
    said = await read(sandbox, f"/address/{DESTINATION}")
    nothing_spent = {"spent_txo_count": 0, "spent_txo_sum": 0}
    assert said == {
        "address": DESTINATION,
        "chain_stats": {
            "funded_txo_count": 1,
            "funded_txo_sum": 5000,
            **nothing_spent,
            "tx_count": 1,
        },
        "mempool_stats": {
            "funded_txo_count": 1,
            "funded_txo_sum": 700,
            **nothing_spent,
            "tx_count": 1,
        },
    }


async def test_spent_coins_are_shown_where_they_were_and_where_they_went(sandbox: Harness) -> None:
    txid = await send(sandbox)
    (spending,) = (await read(sandbox, f"/tx/{txid}"))["vin"]
    payer = spending["prevout"]["scriptpubkey_address"]
    said = await read(sandbox, f"/address/{payer}")
    assert said["chain_stats"]["funded_txo_count"] == 1
    assert said["mempool_stats"]["spent_txo_sum"] == spending["prevout"]["value"]
    assert await read(sandbox, f"/address/{payer}/utxo") == []
    (spent,) = await read(sandbox, f"/tx/{spending['txid']}/outspends")
    assert spent == {"spent": True, "txid": txid, "vin": 0, "status": {"confirmed": False}}
    assert await read(sandbox, f"/tx/{txid}/outspends") == [{"spent": False}] * 2


async def test_utxo_has_the_outputs_to_an_address(sandbox: Harness) -> None:
    txid = await send(sandbox, satoshi=5000)
    said = await read(sandbox, f"/address/{DESTINATION}/utxo")
    assert said == [{"txid": txid, "vout": 0, "status": {"confirmed": False}, "value": 5000}]


async def test_unused_address_is_empty_not_unknown(sandbox: Harness) -> None:
    assert await read(sandbox, f"/address/{TAPROOT}/txs") == []
    assert (await read(sandbox, f"/address/{TAPROOT}"))["chain_stats"]["tx_count"] == 0


async def test_history_is_newest_first_by_pages_of_50_and_25(sandbox: Harness) -> None:
    confirmed: list[str] = []
    for satoshi in range(60):
        confirmed.insert(0, await send(sandbox, satoshi=satoshi + 1))
        if not satoshi % 7:
            await sandbox.control("chain/mine")
    await sandbox.control("chain/mine")
    waiting = [await send(sandbox, satoshi=satoshi + 1) for satoshi in range(51)][::-1]

    async def page(rest: str) -> list[str]:
        return [each["txid"] for each in await read(sandbox, f"/address/{DESTINATION}/txs{rest}")]

    assert await page("") == waiting[:50] + confirmed[:25]
    assert await page("/mempool") == waiting[:50]
    assert await page("/chain") == confirmed[:25]
    assert await page(f"/chain/{confirmed[24]}") == confirmed[25:50]
    assert await page(f"/chain/{confirmed[49]}") == confirmed[50:]
    assert await page(f"/chain/{confirmed[59]}") == []
    assert await page(f"/chain/{'0' * 64}") == []


NOBODY = "ab" * 32


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        (f"/tx/{NOBODY}", 404, "Transaction not found"),
        (f"/tx/{NOBODY}/outspends", 404, "Transaction not found"),
        ("/tx/xyz", 400, "Invalid hex string"),
        ("/tx/ab/status", 400, "Invalid hex string"),
        ("/block-height/5000", 404, "Block not found"),
        (f"/block-height/{'9' * 5000}", 404, "Block not found"),
        ("/block-height/-1", 400, "Invalid number"),
        (f"/block/{NOBODY}", 404, "Block not found"),
        ("/address/nobody", 400, "Invalid Bitcoin address"),
        ("/fee-estimates", 404, "endpoint does not exist"),
    ],
)
async def test_errors_are_plain_text(sandbox: Harness, path: str, status: int, text: str) -> None:
    response = await get(sandbox, path)
    assert response.status_code == status
    assert response.headers["content-type"].startswith("text/plain")
    assert response.text.startswith(text)


async def test_status_of_an_unknown_transaction_is_unconfirmed_as_at_electrs(
    sandbox: Harness,
) -> None:
    assert await read(sandbox, f"/tx/{NOBODY}/status") == {"confirmed": False}


async def test_heights_and_hashes_are_plain_text(sandbox: Harness) -> None:
    for path in ("/blocks/tip/height", "/blocks/tip/hash", "/block-height/0"):
        response = await get(sandbox, path)
        assert response.headers["content-type"].startswith("text/plain")
        assert re.fullmatch("[0-9]{3}|[0-9a-f]{64}", response.text)


async def test_requests_are_counted_for_each_view_and_endpoint(sandbox: Harness) -> None:
    await get(sandbox, f"/tx/{NOBODY}")
    await get(sandbox, f"/tx/{NOBODY}", "esplora2")
    await get(sandbox, f"/tx/{NOBODY}", "esplora2")
    counts = (await sandbox.stats())["esplora"]
    assert (counts["esplora"]["tx"], counts["esplora2"]["tx"]) == (1, 2)
    assert counts["esplora"]["address_utxo"] == 0


async def fault(sandbox: Harness, kind: str, **how: object) -> None:
    await sandbox.control("faults", {"kind": kind, "source": "esplora", **how})


async def test_fault_meets_its_view_alone(sandbox: Harness) -> None:
    await fault(sandbox, "503", times=-1)
    response = await get(sandbox, "/blocks/tip/height")
    assert (response.status_code, response.text) == (503, "503 Service Unavailable")
    assert (await get(sandbox, "/blocks/tip/height", "esplora2")).text == "100"
    assert (await sandbox.ask("order_parameter_query")).status_code == 200


async def test_fault_of_aeonto_leaves_the_chain_alone(sandbox: Harness) -> None:
    await sandbox.control("faults", {"kind": "500"})
    assert (await get(sandbox, "/blocks/tip/height")).status_code == 200


async def test_fault_meets_its_endpoint_alone(sandbox: Harness) -> None:
    await fault(sandbox, "html", endpoint="tip_hash")
    assert (await get(sandbox, "/blocks/tip/height")).text == "100"
    assert (await get(sandbox, "/blocks/tip/hash")).text.startswith("<!doctype html>")


@pytest.mark.parametrize(("seconds", "said"), [(30, "30"), (0.5, "1"), (0, "0")])
async def test_throttling_server_says_when_to_come_again(
    sandbox: Harness, seconds: float, said: str
) -> None:
    await fault(sandbox, "429", seconds=seconds)
    response = await get(sandbox, "/blocks/tip/height")
    assert (response.status_code, response.headers["retry-after"]) == (429, said)
    assert (await get(sandbox, "/blocks/tip/height")).text == "100"


@pytest.mark.parametrize("kind", ["drop", "reset"])
async def test_connection_ends_without_an_answer(sandbox: Harness, kind: str) -> None:
    await fault(sandbox, kind)
    with pytest.raises(httpx.TransportError):
        await get(sandbox, "/blocks/tip/height")


async def test_late_answer_is_late(sandbox: Harness) -> None:
    await fault(sandbox, "timeout", when="after", seconds=9)
    assert (await get(sandbox, "/blocks/tip/height")).text == "100"
    assert sandbox.clock.slept == [9]


async def test_redirect_and_empty(sandbox: Harness) -> None:
    await fault(sandbox, "redirect", code="http://127.0.0.1:9/canary")
    assert (await get(sandbox, "/blocks/tip/height")).status_code == 307
    await fault(sandbox, "empty")
    assert (await get(sandbox, "/blocks/tip/height")).content == b""


SPOILED_TEXT = [
    ("malformed", b"1"),
    ("nan", b"NaN"),
    ("negative", b"-100"),
    ("strings", b'"100"'),
    ("dupkeys", b'100\n"BTC_SENT"'),
    ("invalidutf8", b'100\n"\xff\xfe"'),
]


@pytest.mark.parametrize(("kind", "content"), SPOILED_TEXT)
async def test_text_is_spoiled(sandbox: Harness, kind: str, content: bytes) -> None:
    await fault(sandbox, kind)
    assert (await get(sandbox, "/blocks/tip/height")).content == content


async def test_numbers_are_spoiled_at_every_depth(sandbox: Harness) -> None:
    txid = await send(sandbox, satoshi=5000)
    await fault(sandbox, "negative")
    assert (await read(sandbox, f"/tx/{txid}"))["vout"][0]["value"] == -5000
    await fault(sandbox, "strings")
    (listed,) = await read(sandbox, f"/address/{DESTINATION}/txs")
    assert listed["vout"][0]["value"] == "5000"
    await fault(sandbox, "nan")
    assert '"value": NaN' in (await get(sandbox, f"/address/{DESTINATION}/utxo")).text


async def test_lists_are_spoiled_too(sandbox: Harness) -> None:
    path = f"/address/{DESTINATION}/utxo"
    await send(sandbox)
    await fault(sandbox, "dupkeys")
    response = await get(sandbox, path)
    pairs = response.json(object_pairs_hook=list)[0]
    assert [name for name, _ in pairs].count("txid") == 2
    await fault(sandbox, "deep")
    assert "[" * 10_000 in (await get(sandbox, path)).text
    await fault(sandbox, "huge")
    assert len((await get(sandbox, path)).content) > 128 * 1024
    await fault(sandbox, "huge")
    assert len(await read(sandbox, f"/address/{TAPROOT}/utxo")) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "500", "endpoint": "tx"},
        {"kind": "429"},
        {"kind": "500", "source": "esplora", "endpoint": "order_create"},
        {"kind": "500", "source": "esplora3"},
    ],
)
async def test_fault_that_its_source_does_not_have_is_refused(
    sandbox: Harness, wrong: dict[str, object]
) -> None:
    response = await sandbox.http.post(f"{sandbox.root}/control/faults", json=wrong)
    assert response.status_code == 400
    assert response.json()["detail"]
