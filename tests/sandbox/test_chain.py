"""The chain: blocks by the clock and on demand, replacements, double-spends, reorganisations."""

import re
from typing import Any

import pytest

from app.sandbox import create_sandbox
from tests.sandbox.conftest import DESTINATION, FakeClock, Harness, serving
from tests.support.cases import each_case

OTHER = "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn"
NOBODY = "ab" * 32


async def send(sandbox: Harness, satoshi: int = 5000) -> str:
    body = {"address": DESTINATION, "satoshi": satoshi}
    return str((await sandbox.control("chain/send", body))["txid"])


async def tip(sandbox: Harness, view: str = "esplora") -> int:
    return int((await sandbox.http.get(f"{sandbox.root}/{view}/blocks/tip/height")).text)


async def seen(sandbox: Harness, txid: str, view: str = "esplora") -> str:
    """Say whether a view shows a transaction: gone, waiting, or at which height."""
    response = await sandbox.http.get(f"{sandbox.root}/{view}/tx/{txid}")
    if response.status_code == 404:
        return "gone"
    status = response.json()["status"]
    return str(status["block_height"]) if status["confirmed"] else "waiting"


async def received(sandbox: Harness, address: str = DESTINATION) -> dict[str, int]:
    """Say what an address has: by confirmed and by unconfirmed transactions."""
    said = (await sandbox.http.get(f"{sandbox.root}/esplora/address/{address}")).json()
    return {part: said[f"{part}_stats"]["funded_txo_sum"] for part in ("chain", "mempool")}


async def test_block_comes_every_ten_minutes_and_on_demand(sandbox: Harness) -> None:
    sandbox.move(599)
    assert await tip(sandbox) == 100
    sandbox.move(1)
    assert await tip(sandbox) == 101
    assert (await sandbox.control("chain/mine", {"blocks": 3}))["tip_height"] == 104
    sandbox.move(1200)
    assert await tip(sandbox) == 106


async def test_pace_can_be_seconds_or_nothing(sandbox: Harness) -> None:
    await sandbox.control("chain/pace", {"every_seconds": 2})
    sandbox.move(5)
    assert await tip(sandbox) == 102
    await sandbox.control("chain/pace", {"every_seconds": None})
    sandbox.move(86_400)
    assert await tip(sandbox) == 102


async def test_year_without_a_look_brings_the_latest_200_blocks(sandbox: Harness) -> None:
    txid = await send(sandbox)
    await sandbox.control("clock", {"advance_seconds": 31_536_000})
    assert await tip(sandbox) == 300
    assert await seen(sandbox, txid) == "101"
    sandbox.move(600)
    assert await tip(sandbox) == 301


async def test_first_block_takes_the_mempool_and_an_empty_one_leaves_it(sandbox: Harness) -> None:
    txid = await send(sandbox)
    await sandbox.control("chain/mine", {"blocks": 2, "empty": True})
    assert await seen(sandbox, txid) == "waiting"
    await sandbox.control("chain/mine", {"blocks": 2})
    assert await seen(sandbox, txid) == "103"


async def test_replaced_transaction_vanishes_and_a_dearer_one_pays_the_same(
    sandbox: Harness,
) -> None:
    old = await send(sandbox)
    spent = (await sandbox.http.get(f"{sandbox.root}/esplora/tx/{old}")).json()
    new = (await sandbox.control("chain/replace", {"txid": old}))["txid"]
    assert new != old
    assert [await seen(sandbox, old), await seen(sandbox, new)] == ["gone", "waiting"]
    said = (await sandbox.http.get(f"{sandbox.root}/esplora/tx/{new}")).json()
    assert said["vin"] == spent["vin"]
    assert said["fee"] > spent["fee"]
    assert await received(sandbox) == {"chain": 0, "mempool": 5000}


@pytest.mark.parametrize(
    ("change", "there", "here"),
    [({"satoshi": 70_000_000}, 0, 70_000_000), ({"address": OTHER}, 5000, 0)],
)
async def test_replacement_may_pay_another_amount_or_address(
    sandbox: Harness, change: dict[str, object], there: int, here: int
) -> None:
    txid = await send(sandbox)
    before = await received(sandbox, OTHER)
    await sandbox.control("chain/replace", {"txid": txid, **change})
    assert (await received(sandbox))["mempool"] == here
    assert (await received(sandbox, OTHER))["mempool"] - before["mempool"] == there


async def test_double_spend_takes_an_unconfirmed_payment_away_for_good(sandbox: Harness) -> None:
    txid = await send(sandbox)
    thief = (await sandbox.control("chain/double-spend", {"txid": txid}))["txid"]
    assert [await seen(sandbox, txid), await seen(sandbox, thief)] == ["gone", "101"]
    assert await received(sandbox) == {"chain": 0, "mempool": 0}


async def test_double_spend_of_a_confirmed_payment_reorganises_it_away_and_nothing_else(
    sandbox: Harness,
) -> None:
    other, txid = await send(sandbox, 1), await send(sandbox, 2)
    await sandbox.control("chain/mine", {"blocks": 3})
    thief = (await sandbox.control("chain/double-spend", {"txid": txid}))["txid"]
    assert await tip(sandbox) == 104
    assert [await seen(sandbox, each) for each in (txid, other, thief)] == ["gone", "101", "101"]


FATES = [("mempool", "waiting", "104"), ("mined", "102", "102"), ("vanish", "gone", "gone")]


@pytest.mark.parametrize(("fate", "after", "later"), FATES)
async def test_reorganisation_replaces_blocks_by_one_more(
    sandbox: Harness, fate: str, after: str, later: str
) -> None:
    early = await send(sandbox, 1)
    await sandbox.control("chain/mine")
    txid = await send(sandbox, 2)
    before = (await sandbox.control("chain/mine", {"blocks": 1}))["blocks"]
    waiting = await send(sandbox, 3)
    body = {"depth": 1, "transactions": fate}
    chain = await sandbox.control("chain/reorganise", body)
    assert chain["tip_height"] == 103
    assert chain["blocks"][1]["hash"] != before[0]["hash"]
    assert chain["blocks"][2] == before[1]
    assert [await seen(sandbox, early), await seen(sandbox, txid)] == ["101", after]
    assert await seen(sandbox, waiting) == ("102" if fate == "mined" else "waiting")
    orphan = await sandbox.http.get(f"{sandbox.root}/esplora/block/{before[0]['hash']}")
    assert orphan.status_code == 404
    await sandbox.control("chain/mine")
    assert await seen(sandbox, txid) == later


async def test_coinbase_of_a_block_that_is_gone_is_gone(sandbox: Harness) -> None:
    (coinbase,) = (await sandbox.control("chain/mine"))["blocks"][0]["txids"]
    await sandbox.control("chain/reorganise", {"depth": 1})
    assert await seen(sandbox, coinbase) == "gone"


async def test_reorganisation_may_reach_100_blocks_deep(sandbox: Harness) -> None:
    txid = await send(sandbox)
    await sandbox.control("chain/mine", {"blocks": 3})
    await sandbox.control("chain/reorganise", {"depth": 100})
    assert (await tip(sandbox), await seen(sandbox, txid)) == (104, "waiting")


async def test_lagging_view_lacks_the_last_blocks_and_has_their_payments_unconfirmed(
    sandbox: Harness,
) -> None:
    txid = await send(sandbox)
    chain = await sandbox.control("chain/mine", {"blocks": 2})
    coinbase = chain["blocks"][0]["txids"][0]
    await sandbox.control("chain/lag", {"blocks": 2})
    assert [await tip(sandbox), await tip(sandbox, "esplora2")] == [102, 100]
    assert [await seen(sandbox, txid), await seen(sandbox, txid, "esplora2")] == ["101", "waiting"]
    assert await seen(sandbox, coinbase, "esplora2") == "gone"
    root = f"{sandbox.root}/esplora2"
    assert (await sandbox.http.get(f"{root}/block-height/101")).status_code == 404
    stats = (await sandbox.http.get(f"{root}/address/{DESTINATION}")).json()
    assert stats["mempool_stats"]["funded_txo_sum"] == 5000
    await sandbox.control("chain/lag", {"blocks": 0})
    assert await seen(sandbox, txid, "esplora2") == "101"


@pytest.mark.parametrize(("how", "status"), [("unknown", "gone"), ("unconfirmed", "waiting")])
async def test_view_disagrees_about_one_transaction(
    sandbox: Harness, how: str, status: str
) -> None:
    txid, other = await send(sandbox), await send(sandbox)
    await sandbox.control("chain/mine")
    body: dict[str, Any] = {"view": "esplora", "txid": txid, "how": how}
    await sandbox.control("chain/disagree", body)
    assert [await seen(sandbox, txid), await seen(sandbox, txid, "esplora2")] == [status, "101"]
    assert await seen(sandbox, other) == "101"
    assert (await received(sandbox))["chain"] == 5000
    await sandbox.control("chain/disagree", {**body, "how": None})
    assert await seen(sandbox, txid) == "101"


async def test_view_disagrees_about_an_amount(sandbox: Harness) -> None:
    body = {"view": "esplora", "txid": await send(sandbox), "how": "less"}
    await sandbox.control("chain/disagree", body)
    assert (await received(sandbox))["mempool"] == 2500


async def test_view_on_a_fork_has_a_transaction_in_another_block_of_the_same_height(
    sandbox: Harness,
) -> None:
    txid, other = await send(sandbox), await send(sandbox)
    await sandbox.control("chain/disagree", {"txid": txid, "how": "fork"})
    assert await seen(sandbox, txid, "esplora2") == "waiting"
    await sandbox.control("chain/mine", {"blocks": 2})

    async def block_of(txid: str, view: str) -> dict[str, Any]:
        answer = await sandbox.http.get(f"{sandbox.root}/{view}/tx/{txid}/status")
        status: dict[str, Any] = answer.json()
        return status

    ours, theirs = await block_of(txid, "esplora"), await block_of(txid, "esplora2")
    assert ours["block_hash"] != theirs["block_hash"]
    assert ours == {**theirs, "block_hash": ours["block_hash"]}
    assert re.fullmatch("0{8}[0-9a-f]{56}", theirs["block_hash"])
    assert await block_of(other, "esplora") == await block_of(other, "esplora2")


SEGWIT = "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu"  # BIP 84, "Test vectors"


@pytest.mark.parametrize(
    ("uri", "address", "satoshi"),
    [
        (f"bitcoin:{DESTINATION}?amount=0.005", DESTINATION, 500_000),
        (f"bitcoin:{DESTINATION}?amount=20.3&label=Luke-Jr", DESTINATION, 2_030_000_000),
        (f"bitcoin:{DESTINATION}?label=a%20b%26amount%3D9&amount=1&x=", DESTINATION, 100_000_000),
        (f"BITCOIN:{SEGWIT.upper()}?amount=0.00000001", SEGWIT, 1),
    ],
)
async def test_payment_request_is_paid_to_the_satoshi(
    sandbox: Harness, uri: str, address: str, satoshi: int
) -> None:
    txid = (await sandbox.control("chain/pay", {"uri": uri}))["txid"]
    said = (await sandbox.http.get(f"{sandbox.root}/esplora/tx/{txid}")).json()
    paid = said["vout"][0]
    assert (paid["scriptpubkey_address"], paid["value"]) == (address, satoshi)


@each_case(
    "uri",
    [
        5,
        "",
        DESTINATION,
        f"litecoin:{DESTINATION}?amount=1",
        f"bitcoin://{DESTINATION}?amount=1",
        "bitcoin:?amount=1",
        f"bitcoin:{DESTINATION[:-1]}?amount=1",
        f"bitcoin:{DESTINATION}",
        f"bitcoin:{DESTINATION}?label=x",
        f"bitcoin:{DESTINATION}?amount",
        f"bitcoin:{DESTINATION}?amount=",
        f"bitcoin:{DESTINATION}?amount=0",
        f"bitcoin:{DESTINATION}?amount=-1",
        f"bitcoin:{DESTINATION}?amount=1e-3",
        f"bitcoin:{DESTINATION}?amount=0,5",
        f"bitcoin:{DESTINATION}?amount=\u0661",
        f"bitcoin:{DESTINATION}?amount=0.000000001",
        f"bitcoin:{DESTINATION}?amount=21000001",
        f"bitcoin:{DESTINATION}?amount=1&amount=2",
        f"bitcoin:{DESTINATION}?amount=1#x",
        f"bitcoin:{DESTINATION}?amount=1&req-later=1",
    ],
)
async def test_payment_request_that_a_wallet_would_refuse_is_not_paid(
    sandbox: Harness, uri: object
) -> None:
    response = await sandbox.http.post(f"{sandbox.root}/control/chain/pay", json={"uri": uri})
    assert response.status_code == 400
    assert response.json()["detail"].startswith("uri: ")
    chain = (await sandbox.http.get(f"{sandbox.root}/control/chain")).json()
    assert chain["mempool"] == []


@each_case(
    ("button", "body", "status"),
    [
        ("mine", {"blocks": 0}, 400),
        ("send", {"address": "nobody", "satoshi": 1}, 400),
        ("send", {"address": DESTINATION, "satoshi": 0}, 400),
        ("send", {"address": DESTINATION, "satoshi": 0.5}, 400),
        ("send", {"address": DESTINATION, "satoshi": 1, "memo": "x" * 76}, 400),
        ("replace", {"txid": NOBODY}, 409),
        ("replace", {"txid": NOBODY, "address": "nobody"}, 400),
        ("double-spend", {"txid": NOBODY}, 409),
        ("reorganise", {"depth": 101}, 400),
        ("reorganise", {"transactions": "burnt"}, 400),
        ("lag", {"blocks": -1}, 400),
        ("lag", {"view": "esplora3", "blocks": 1}, 400),
        ("disagree", {"txid": "nobody"}, 400),
        ("pace", {"every_seconds": 0}, 400),
    ],
)
async def test_refused_button_says_why_and_changes_nothing(
    sandbox: Harness, button: str, body: dict[str, object], status: int
) -> None:
    before = (await sandbox.http.get(f"{sandbox.root}/control/chain")).json()
    response = await sandbox.http.post(f"{sandbox.root}/control/chain/{button}", json=body)
    assert response.status_code == status
    assert response.json()["detail"]
    assert (await sandbox.http.get(f"{sandbox.root}/control/chain")).json() == before


async def test_confirmed_transaction_and_coinbase_are_not_replaced(sandbox: Harness) -> None:
    txid = await send(sandbox)
    chain = await sandbox.control("chain/mine")
    coinbase = chain["blocks"][0]["txids"][0]
    for button, named in (("replace", txid), ("replace", coinbase), ("double-spend", coinbase)):
        url = f"{sandbox.root}/control/chain/{button}"
        assert (await sandbox.http.post(url, json={"txid": named})).status_code == 409
    assert await seen(sandbox, txid) == "101"


async def test_reset_begins_a_new_chain_and_gives_no_id_twice(sandbox: Harness) -> None:
    before = await sandbox.control("chain/mine")
    txid = await send(sandbox)
    await sandbox.control("chain/lag", {"blocks": 1})
    await sandbox.control("chain/pace", {"every_seconds": None})
    await sandbox.control("reset")
    after = await sandbox.control("chain/mine")
    assert (after["tip_height"], after["mempool"]) == (101, [])
    assert after["views"]["esplora2"]["lag"] == 0
    assert after["block_every_seconds"] == 600
    assert after["blocks"][0]["hash"] != before["blocks"][0]["hash"]
    assert [await seen(sandbox, txid), await send(sandbox) == txid] == ["gone", False]


async def test_same_seed_and_steps_make_the_same_chain() -> None:
    chains = []
    for seed in (5, 5, 6):
        clock = FakeClock()
        async with serving(create_sandbox(seed=seed, clock=clock), clock) as sandbox:
            await send(sandbox)
            chains.append((await sandbox.control("chain/mine"))["blocks"])
    assert chains[0] == chains[1] != chains[2]


async def test_chain_without_a_pace_stands_still() -> None:
    clock = FakeClock()
    async with serving(create_sandbox(block_seconds=None, clock=clock), clock) as sandbox:
        sandbox.move(86_400)
        assert await tip(sandbox) == 100
