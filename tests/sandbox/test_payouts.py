"""What BTC_SENT means in the sandbox: a transaction that really pays, or a lie that was asked for."""

from typing import Any

import pytest

from app.sandbox import create_sandbox
from tests.sandbox.conftest import DESTINATION, FakeClock, Harness, serving

SATOSHI = 10_000_000  # of the 0.1 BTC that each order here is for


async def paid(sandbox: Harness) -> str:
    uuid = await sandbox.order()
    await sandbox.control(f"orders/{uuid}/advance", {"to": "PAID"})
    return uuid


async def transaction(sandbox: Harness, txid: str) -> dict[str, Any] | None:
    response = await sandbox.http.get(f"{sandbox.root}/esplora/tx/{txid}")
    found: dict[str, Any] | None = response.json() if response.status_code == 200 else None
    return found


async def payments(sandbox: Harness, txid: str) -> list[int]:
    """Return what a transaction pays to the destination of the orders."""
    said = await transaction(sandbox, txid)
    assert said is not None
    outputs = said["vout"]
    return [out["value"] for out in outputs if out.get("scriptpubkey_address") == DESTINATION]


@pytest.mark.parametrize(
    ("button", "body"), [("send", {}), ("advance", {}), ("advance", {"to": "BTC_SENT"})]
)
async def test_sent_order_is_really_paid_once(
    sandbox: Harness, button: str, body: dict[str, object]
) -> None:
    uuid = await paid(sandbox)
    await sandbox.control(f"orders/{uuid}/{button}", body)
    said = await sandbox.look(uuid)
    assert (said["state"], said["btc_num_confirmations"]) == ("BTC_SENT", 0)
    assert await payments(sandbox, said["btc_transaction_id"]) == [SATOSHI]
    listed = await sandbox.http.get(f"{sandbox.root}/esplora/address/{DESTINATION}/txs")
    assert [each["txid"] for each in listed.json()] == [said["btc_transaction_id"]]


async def test_automatic_mode_really_pays_though_nobody_asks_about_the_order(
    sandbox: Harness,
) -> None:
    await sandbox.control("auto")
    await sandbox.order()
    url = f"{sandbox.root}/esplora/address/{DESTINATION}"
    sandbox.move(60)
    waiting = (await sandbox.http.get(url)).json()["mempool_stats"]["funded_txo_sum"]
    sandbox.move(600)
    confirmed = (await sandbox.http.get(url)).json()["chain_stats"]["funded_txo_sum"]
    assert (waiting, confirmed) == (SATOSHI, SATOSHI)


async def test_block_has_what_automatic_mode_sent_before_it_and_not_what_after(
    sandbox: Harness,
) -> None:
    await sandbox.control("auto", {"step_seconds": 200})
    early = await sandbox.order()  # PAID_UNCONFIRMED at 201, PAID at 401, BTC_SENT at 601
    sandbox.move(700)
    assert (await sandbox.look(early))["btc_num_confirmations"] == 0
    await sandbox.control("auto", {"step_seconds": 100})
    late = await sandbox.order()
    sandbox.move(3600)
    assert (await sandbox.look(early))["btc_num_confirmations"] == 6
    assert (await sandbox.look(late))["btc_num_confirmations"] == 6


async def test_block_has_a_payout_by_the_time_that_it_is_stated_where_payouts_are_mined() -> None:
    clock = FakeClock()
    async with serving(create_sandbox(clock=clock, auto=True, mine_payouts=True), clock) as sandbox:
        uuid = await sandbox.order()
        sandbox.move(10)
        said = await sandbox.look(uuid)
        shown = await transaction(sandbox, said["btc_transaction_id"])
    assert (said["state"], said["btc_num_confirmations"]) == ("BTC_SENT", 1)
    assert shown is not None
    assert shown["status"]["confirmed"]


async def test_confirmations_follow_the_chain_and_a_reorganisation_takes_them_away(
    sandbox: Harness,
) -> None:
    uuid = await paid(sandbox)
    await sandbox.control(f"orders/{uuid}/send")
    await sandbox.control("chain/mine", {"blocks": 3})
    assert (await sandbox.look(uuid))["btc_num_confirmations"] == 3
    await sandbox.control("chain/reorganise", {"depth": 3})
    assert (await sandbox.look(uuid))["btc_num_confirmations"] == 0


async def test_confirming_all_orders_mines_once(sandbox: Harness) -> None:
    uuids = [await paid(sandbox), await paid(sandbox)]
    await sandbox.control("orders/all/send")
    await sandbox.control("orders/all/confirm", {"count": 2})
    assert [(await sandbox.look(uuid))["btc_num_confirmations"] for uuid in uuids] == [2, 2]


async def test_order_that_falls_back_and_is_sent_again_is_not_paid_twice(sandbox: Harness) -> None:
    uuid = await paid(sandbox)
    await sandbox.control(f"orders/{uuid}/send")
    first = (await sandbox.look(uuid))["btc_transaction_id"]
    await sandbox.control(f"orders/{uuid}/advance", {"to": "PAID"})
    assert (await sandbox.look(uuid))["btc_transaction_id"] == ""
    await sandbox.control(f"orders/{uuid}/send")
    assert (await sandbox.look(uuid))["btc_transaction_id"] == first


async def test_batch_pays_every_paid_order_by_one_transaction(sandbox: Harness) -> None:
    unpaid = await sandbox.order()
    uuids = [await paid(sandbox) for _ in range(3)]
    answer = await sandbox.control("orders/all/send", {"batch": True})
    assert [each["uuid"] for each in answer["orders"]] == uuids
    assert [each["uuid"] for each in answer["skipped"]] == [unpaid]
    (txid,) = {(await sandbox.look(uuid))["btc_transaction_id"] for uuid in uuids}
    assert await payments(sandbox, txid) == [SATOSHI] * 3


LIES = [
    ("missing", None),
    ("elsewhere", []),
    ("too_little", [SATOSHI - 1]),
    ("taken", [SATOSHI]),
    ("new_coins", [SATOSHI]),
]


@pytest.mark.parametrize(("lie", "pays"), LIES)
async def test_lie_names_a_transaction_that_does_not_settle_the_order(
    sandbox: Harness, lie: str, pays: list[int] | None
) -> None:
    other, uuid = await paid(sandbox), await paid(sandbox)
    await sandbox.control(f"orders/{other}/send")
    await sandbox.control(f"orders/{uuid}/send", {"lie": lie})
    said = await sandbox.look(uuid)
    assert said["state"] == "BTC_SENT"
    named = said["btc_transaction_id"]
    assert (named == (await sandbox.look(other))["btc_transaction_id"]) is (lie == "taken")
    if pays is None:
        assert await transaction(sandbox, named) is None
    else:
        assert await payments(sandbox, named) == pays


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"lie": "taken"}, 409),
        ({"lie": "big"}, 400),
        ({"lie": "missing", "batch": True}, 400),
    ],
)
async def test_refused_lie_leaves_the_order_paid_and_pays_nothing(
    sandbox: Harness, body: dict[str, object], status: int
) -> None:
    uuid = await paid(sandbox)
    url = f"{sandbox.root}/control/orders/{uuid}/send"
    assert (await sandbox.http.post(url, json=body)).status_code == status
    assert (await sandbox.look(uuid))["state"] == "PAID"
    assert (await sandbox.http.get(f"{sandbox.root}/control/chain")).json()["mempool"] == []


async def test_lie_about_an_order_that_is_not_paid_is_refused_and_pays_nothing(
    sandbox: Harness,
) -> None:
    uuid = await sandbox.order()
    url = f"{sandbox.root}/control/orders/{uuid}/send"
    assert (await sandbox.http.post(url, json={"lie": "elsewhere"})).status_code == 409
    assert (await sandbox.http.get(f"{sandbox.root}/control/chain")).json()["mempool"] == []
