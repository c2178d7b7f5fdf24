"""`assay dev` never stands its sandbox beside a real partner or wallet; who pays there."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli import main as cli
from tests.orders.wallet.keys import BIP86_XPUB
from tests.test_resources import TESTNET_ADDRESS


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ASSAY_AEONTO_BASE_URL", "https://aeon.to/api/v3/aeon2btc/"),
        ("ASSAY_ESPLORA_URL", "https://blockstream.info/api/"),
        ("ASSAY_BITCOIN_DESCRIPTOR", BIP86_XPUB),
        ("ASSAY_CRYSTAL_URL", "https://apiexpert.crystalblockchain.com/"),
        ("ASSAY_CRYSTAL_API_KEY", "a-key-that-costs-money"),
        ("ASSAY_CHAINALYSIS_URL", "https://public.chainalysis.com/api/v1/"),
        ("ASSAY_CHAINALYSIS_API_KEY", "a-key-of-somebody"),
    ],
)
def test_real_partner_or_wallet_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str, value: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(variable, value)
    result = CliRunner().invoke(cli, ["dev"])
    assert result.exit_code == 2
    assert f"{variable}: must not be set for `assay dev`" in result.stderr
    assert value not in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("address", [TESTNET_ADDRESS, "not-an-address"])
def test_destination_that_is_not_on_the_network_of_the_sandbox_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, address: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ASSAY_BTC_DEST_ADDRESS", address)
    result = CliRunner().invoke(cli, ["dev"])
    assert result.exit_code == 2
    assert result.stderr.startswith("ASSAY_BTC_DEST_ADDRESS: ")
    assert list(tmp_path.iterdir()) == []
