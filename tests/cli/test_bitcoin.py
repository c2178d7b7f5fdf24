"""`assay bitcoin`: what the wallet hands out, for comparison with the wallet itself."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from app.orders import address_checks
from app.orders.wallet.wallet import Wallet
from app.runtime.db.engine import Database
from tests.orders.wallet.keys import BIP84_ZPUB, spelled
from tests.support.application import BTC_DEST_ADDRESS
from tests.support.bitcoin_orders import output
from tests.support.commands import Assay, commands_on, printed


@pytest.fixture
def assay(monkeypatch: pytest.MonkeyPatch) -> Iterator[Assay]:
    """Run a command with the wallet of BIP 84, and no database to be had."""
    with commands_on("postgresql://127.0.0.1:1/none", monkeypatch) as run:
        monkeypatch.setenv("ASSAY_BITCOIN_DESCRIPTOR", BIP84_ZPUB)
        yield run


async def test_first_addresses_are_shown_without_a_database(assay: Assay) -> None:
    assert await printed(assay, "bitcoin", "addresses", "--first", "2") == [
        {"index": 0, "address": "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu"},
        {"index": 1, "address": "bc1qnjg0jd8228aq7egyzacy8cys3knf9xvrerkf9g"},
    ]
    table = await assay("bitcoin", "addresses")
    assert "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu" in table.stdout


async def test_legacy_xpub_is_said_to_be_read_as_wpkh(
    assay: Assay, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "wpkh" not in (await assay("bitcoin", "addresses", "--json")).stderr
    for prefix in ("xpub", "tpub"):
        monkeypatch.setenv("ASSAY_BITCOIN_DESCRIPTOR", spelled(BIP84_ZPUB, prefix))
        assert "wpkh(KEY/0/*)" in (await assay("bitcoin", "addresses", "--json")).stderr


async def test_missing_or_refused_descriptor_ends_with_its_reason(
    assay: Assay, monkeypatch: pytest.MonkeyPatch
) -> None:
    for given, word in ((spelled(BIP84_ZPUB, "ypub"), "ypub"), ("", "required")):
        monkeypatch.setenv("ASSAY_BITCOIN_DESCRIPTOR", given)
        result = await assay("bitcoin", "addresses", "--json")
        assert (result.exit_code, result.stdout) == (2, "")
        assert word in result.stderr


async def test_addresses_that_no_order_gets_are_shown_with_what_was_there(
    database_url: str, committed_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    wallet, now = Wallet.from_text(BIP84_ZPUB), datetime(2026, 1, 11, 12, tzinfo=UTC)
    held = (output(120_000, block_height=812_345), output(30_000, 0, number=2))
    for index, arrivals, destination in (
        (0, held, BTC_DEST_ADDRESS),
        (1, (), BTC_DEST_ADDRESS),
        (2, (), wallet.address(2)),
    ):
        async with committed_database.sessions() as session:
            await address_checks.keep(
                session,
                wallet,
                index,
                arrivals,
                tip_height=812_350,
                destination=destination,
                now=now,
            )
    with commands_on(database_url, monkeypatch) as assay:
        used, destination = await printed(assay, "bitcoin", "passed-over")
        table = await assay("bitcoin", "passed-over")
    assert used == {
        "wallet": wallet.wallet_id,
        "index": 0,
        "address": "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu",
        "reason": "used",
        "why": "money was there before any order",
        "received_btc": "0.0015",
        "found_at": "2026-01-11T12:00:00Z",
        "outputs": [
            {
                "txid": f"{1:064x}",
                "output_index": 0,
                "value_btc": "0.00120000",
                "block_height": 812_345,
            },
            {
                "txid": f"{2:064x}",
                "output_index": 0,
                "value_btc": "0.00030000",
                "block_height": None,
            },
        ],
    }
    assert (destination["index"], destination["why"]) == (2, "AEON.to pays there")
    assert (destination["received_btc"], destination["outputs"]) == ("0", [])
    assert table.exit_code == 0
    assert "0.0015" in table.stdout


async def test_wallet_is_advanced_and_never_goes_back(
    database_url: str, committed_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    wallet = Wallet.from_text(BIP84_ZPUB)
    monkeypatch.setenv("ASSAY_BITCOIN_DESCRIPTOR", BIP84_ZPUB)
    with commands_on(database_url, monkeypatch) as assay:
        first = await printed(assay, "bitcoin", "advance", "--to", "10")
        second = await printed(assay, "bitcoin", "advance", "--to", "2147483647")
        refused = [await assay("bitcoin", "advance", "--to", to) for to in ("2147483647", "9")]
        outside = [await assay("bitcoin", "advance", "--to", to) for to in ("-1", "2147483648")]
        monkeypatch.setenv("ASSAY_BITCOIN_DESCRIPTOR", "")
        unnamed = await assay("bitcoin", "advance", "--to", "10")
    last = 2**31 - 1
    assert first == {
        "wallet": wallet.wallet_id,
        "next_index_before": 0,
        "next_index": 10,
        "left_out": 10,
    }
    assert (second["next_index_before"], second["next_index"]) == (10, last)
    for result in refused:
        assert result.exit_code == 1
        assert f"--to: must be more than {last}" in result.stderr
    assert [result.exit_code for result in (*outside, unnamed)] == [2, 2, 2]
    async with committed_database.reading() as connection:
        logged = await connection.execute(
            text("SELECT actor, action, subject FROM audit_log ORDER BY id")
        )
        assert [tuple(line) for line in logged] == [
            ("operator", "bitcoin.advance.10", wallet.wallet_id),
            ("operator", f"bitcoin.advance.{last}", wallet.wallet_id),
        ]
        kept = await connection.scalar(text("SELECT next_index FROM bitcoin_wallets"))
    assert kept == last
