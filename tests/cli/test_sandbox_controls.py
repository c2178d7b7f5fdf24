"""`assay sandbox pay|expire|…` moves one order of Assay's on in a running sandbox, and says what it did."""

from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from app.cli.sandbox_client import sandbox_found, url_in
from app.orders.models import Payment
from app.runtime.db.engine import Database
from tests.support.application import BTC_DEST_ADDRESS
from tests.support.bitcoin_orders import BitcoinOrder, output
from tests.support.clock import HandClock
from tests.support.commands import Assay, commands_on
from tests.support.orders import place_order
from tests.support.people import make_user
from tests.support.sandbox import Upstream, serving_upstream

ABSENT: Final = "ord_00VbhnY6RLeQ2oZmgNCoZuaKC"


@pytest.fixture
async def upstream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Upstream]:
    """A sandbox, which the commands find in the data folder."""
    monkeypatch.setenv("ASSAY_DATA_DIR", str(tmp_path))
    async with serving_upstream() as upstream:
        await upstream.press("chain/pace", every_seconds=None)
        with sandbox_found(tmp_path, upstream.base_url.partition("api/")[0]):
            yield upstream


@pytest.fixture
def assay(
    database_url: str, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Assay]:
    """Run a command beside that sandbox."""
    assert upstream
    with commands_on(database_url, monkeypatch) as run:
        yield run


async def said(assay: Assay, *words: str) -> str:
    """Run a command that must succeed; return what it prints."""
    result = await assay("sandbox", *words)
    assert result.exit_code == 0, result.output
    return str(result.output)


async def refused(assay: Assay, *words: str) -> str:
    """Run a command that must not succeed; return why."""
    result = await assay("sandbox", *words)
    assert result.exit_code in (1, 2), result.output
    assert "Traceback" not in result.output
    return str(result.output)


async def in_aeon(database: Database, upstream: Upstream) -> str:
    """Place an order that AEON.to has accepted; return its id."""
    clock = HandClock()
    order_id = await place_order(database, await make_user(database, clock.now()), clock.now())
    async with httpx.AsyncClient(trust_env=False) as http:
        body = {"btc_amount": 0.005, "btc_dest_address": BTC_DEST_ADDRESS}
        made = await http.post(f"{upstream.base_url}order_create/", json=body)
    async with database.sessions() as session, session.begin():
        session.add(
            Payment(
                order_id=order_id,
                uuid=made.json()["uuid"],
                state="UNPAID",
                btc_amount=Decimal("0.005"),
                btc_dest_address=BTC_DEST_ADDRESS,
                seen_at=clock.now(),
            )
        )
    return order_id


async def in_bitcoin(database: Database) -> BitcoinOrder:
    clock = HandClock()
    return await BitcoinOrder.place(database, clock, await make_user(database, clock.now()))


async def test_an_order_in_aeon_goes_the_whole_way_step_by_step(
    committed_database: Database, upstream: Upstream, assay: Assay
) -> None:
    order_id = await in_aeon(committed_database, upstream)
    steps = [
        (("pay", order_id, "--part", "0.1"), "UNDERPAID"),
        (("pay", order_id), "PAID_UNCONFIRMED"),
        (("confirm", order_id), "PAID"),
        (("send", order_id), "BTC_SENT"),
        (("purge", order_id), "NOT_FOUND"),
    ]

    for words, state in steps:
        assert await said(assay, *words) == f"{order_id}: AEON.to says {state}\n", words

    assert len((await upstream.orders())[0]["payments"]) == 2


async def test_an_order_in_aeon_times_out_and_is_honoured_late_only_where_that_is_said(
    committed_database: Database, upstream: Upstream, assay: Assay
) -> None:
    order_id = await in_aeon(committed_database, upstream)
    assert "TIMED_OUT" in await said(assay, "expire", order_id)

    assert "the order has timed out" in await refused(assay, "pay", order_id)
    assert "PAID_UNCONFIRMED" in await said(assay, "pay", order_id, "--late")


async def test_an_excess_is_paid_on_top_of_what_remains(
    committed_database: Database, upstream: Upstream, assay: Assay
) -> None:
    order_id = await in_aeon(committed_database, upstream)
    await said(assay, "pay", order_id, "--excess", "0.5")
    [order] = await upstream.orders()
    assert Decimal(order["received"]) == Decimal(order["incoming_amount_total"]) + Decimal("0.5")

    placed = await in_bitcoin(committed_database)
    await said(assay, "pay", placed.id, "--excess", "0.001")
    assert await paid(upstream, placed) == [(600_000, False)]


async def paid(upstream: Upstream, order: BitcoinOrder) -> list[tuple[int, bool]]:
    """Return what the chain shows at the address of an order: satoshi, and whether in a block."""
    address = (await order.payment()).btc_dest_address
    async with httpx.AsyncClient(trust_env=False) as http:
        root = upstream.base_url.partition("api/")[0]
        found: list[dict[str, Any]] = (
            await http.get(f"{root}esplora/address/{address}/txs")
        ).json()
    return [
        (out["value"], one["status"]["confirmed"])
        for one in found
        for out in one["vout"]
        if out.get("scriptpubkey_address") == address
    ]


async def test_an_order_in_bitcoin_is_paid_in_parts_and_confirmed_by_blocks(
    committed_database: Database, upstream: Upstream, assay: Assay
) -> None:
    placed = await in_bitcoin(committed_database)
    assert "0.002 BTC in transaction" in await said(assay, "pay", placed.id, "--part", "0.002")
    await placed.shown(output(200_000, 0))  # Assay has seen it
    assert "0.003 BTC in transaction" in await said(assay, "pay", placed.id)
    assert sorted(await paid(upstream, placed)) == [(200_000, False), (300_000, False)]

    assert "blocks" in await said(assay, "confirm", placed.id, "--count", "2")

    assert sorted(await paid(upstream, placed)) == [(200_000, True), (300_000, True)]
    assert "no payment of it waits for a block" in await refused(assay, "replace", placed.id)


async def test_a_payment_in_bitcoin_is_replaced_double_spent_and_reorganised_away(
    committed_database: Database, upstream: Upstream, assay: Assay
) -> None:
    placed = await in_bitcoin(committed_database)
    await said(assay, "pay", placed.id)
    assert "is replaced by" in await said(assay, "replace", placed.id)
    assert await paid(upstream, placed) == [(500_000, False)]
    await said(assay, "replace", placed.id, "--elsewhere")
    assert await paid(upstream, placed) == []
    await said(assay, "pay", placed.id)
    assert "are spent by" in await said(assay, "double-spend", placed.id)
    assert await paid(upstream, placed) == []
    await said(assay, "pay", placed.id)
    await said(assay, "mine")
    assert await paid(upstream, placed) == [(500_000, True)]
    await said(assay, "reorganise", "--transactions", "vanish")
    assert await paid(upstream, placed) == []


async def test_the_time_of_an_order_at_the_wallet_of_the_sandbox_ends_when_told(
    committed_database: Database, assay: Assay
) -> None:
    placed = await in_bitcoin(committed_database)
    before = await placed.payment()
    await said(assay, "expire", placed.id)
    ended = await placed.payment()
    await said(assay, "expire", placed.id, "--grace")
    over = await placed.payment()

    assert before.expires_at is not None
    assert ended.expires_at not in (None, before.expires_at)
    assert ended.late_until == before.late_until
    assert over.late_until == over.expires_at


async def test_the_time_of_an_order_at_another_wallet_is_left_alone(
    committed_database: Database, assay: Assay, monkeypatch: pytest.MonkeyPatch
) -> None:
    placed = await in_bitcoin(committed_database)
    monkeypatch.setattr(
        "app.cli.sandbox_orders.SANDBOX_WALLET",
        # BIP 86, "Test vectors": another account.
        "tr(xpub6BgBgsespWvERF3LHQu6CnqdvfEvtMcQjYrcRzx53QJjSxarj2afYWcLteoGVky7D3UKDP9QyrLprQ3VCECoY49"
        "yfdDEHGCtMMj92pReUsQ/0/*)",
    )
    before = (await placed.payment()).expires_at

    assert "is not paid to the wallet of the SANDBOX" in await refused(assay, "expire", placed.id)
    assert (await placed.payment()).expires_at == before


async def test_automatic_mode_is_slowed_and_stopped_with_the_blocks(
    upstream: Upstream, assay: Assay
) -> None:
    await said(assay, "auto", "on", "--step-seconds", "30", "--block-seconds", "60")
    mode, chain = await upstream.look("auto"), await upstream.look("chain")
    assert (mode["enabled"], mode["step_seconds"], chain["block_every_seconds"]) == (True, 30, 60)

    assert await said(assay, "auto", "off") == "nothing is paid by itself, and no block comes\n"
    mode, chain = await upstream.look("auto"), await upstream.look("chain")
    assert (mode["enabled"], chain["block_every_seconds"]) == (False, None)


async def test_what_cannot_be_is_refused_in_words(
    committed_database: Database, upstream: Upstream, assay: Assay
) -> None:
    aeon, placed = await in_aeon(committed_database, upstream), await in_bitcoin(committed_database)
    cases = {
        ("pay", ABSENT): "Invalid order_id",
        ("pay", aeon, "--part", "0"): "--part: must be an amount above 0",
        ("pay", aeon, "--part", "nan"): "--part: must be an amount above 0",
        ("pay", aeon, "--part", "1", "--excess", "1"): "do not go together",
        ("pay", placed.id, "--late"): "a late payment needs no permission",
        ("send", placed.id): "is paid in bitcoin",
        ("purge", placed.id): "is paid in bitcoin",
        ("replace", aeon): "is paid in AEON",
        ("expire", aeon, "--grace"): "AEON.to decides about late payments",
        ("confirm", aeon): "there is nothing to confirm",
        ("mine", "--url", "http://127.0.0.1:9/"): "no SANDBOX answers at http://127.0.0.1:9/",
        ("--port", "9", "mine"): "--port is for a SANDBOX that starts",
    }

    for words, reason in cases.items():
        assert reason in await refused(assay, *words), words


def test_a_sandbox_is_found_while_it_runs_and_then_where_it_is_by_default(tmp_path: Path) -> None:
    with sandbox_found(tmp_path, "http://127.0.0.1:4567/"):
        assert url_in(tmp_path) == "http://127.0.0.1:4567/"
    assert url_in(tmp_path) == "http://127.0.0.1:8100/"
