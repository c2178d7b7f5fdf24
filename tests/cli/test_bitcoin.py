"""`assay bitcoin`: what the wallet hands out, for comparison with the wallet itself."""

from collections.abc import Iterator

import pytest

from tests.bitcoin.keys import BIP84_ZPUB, spelled
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
    for text, word in ((spelled(BIP84_ZPUB, "ypub"), "ypub"), ("", "required")):
        monkeypatch.setenv("ASSAY_BITCOIN_DESCRIPTOR", text)
        result = await assay("bitcoin", "addresses", "--json")
        assert (result.exit_code, result.stdout) == (2, "")
        assert word in result.stderr
