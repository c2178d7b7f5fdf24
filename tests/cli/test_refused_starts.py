"""What an operator set wrongly where money would go astray: no process starts, and one line says why."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.orders.wallet.keys import BIP32_XPRV, BIP84_ZPUB, spelled
from tests.support.application import BTC_DEST_ADDRESS
from tests.support.commands import Assay, commands_on

# Nobody listens there: a start that is not refused would say that the database is away.
NOWHERE: Final = "postgresql://assay@127.0.0.1:1/assay"
SERVERS: Final = "http://electrs:3000/,https://esplora.example/api/"
# BIP 84: the first address of the account to receive with.
FIRST_OF_WALLET: Final = "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu"
WRONG: Final[tuple[tuple[dict[str, str], tuple[str, ...]], ...]] = (
    # Both ways to be paid would be counted at one address.
    (
        {"BTC_DEST_ADDRESS": FIRST_OF_WALLET},
        ("ASSAY_BTC_DEST_ADDRESS: is an address of the wallet in ", "ASSAY_BITCOIN_DESCRIPTOR"),
    ),
    # A wallet that is not the one to receive with, or holds what must never be here.
    (
        {"BITCOIN_DESCRIPTOR": f"wpkh({spelled(BIP84_ZPUB, 'xpub')}/1/*)"},
        ("ASSAY_BITCOIN_DESCRIPTOR: ", "change"),
    ),
    (
        {"BITCOIN_DESCRIPTOR": f"wpkh({spelled(BIP84_ZPUB, 'xpub')}/<1;0>/*)"},
        ("ASSAY_BITCOIN_DESCRIPTOR: ", "change"),
    ),
    ({"BITCOIN_DESCRIPTOR": BIP32_XPRV}, ("ASSAY_BITCOIN_DESCRIPTOR: ", "private key")),
    ({"BITCOIN_DESCRIPTOR": spelled(BIP84_ZPUB, "vpub")}, ("ASSAY_BITCOIN_DESCRIPTOR: is a ",)),
    # One server that would bear out what it says itself, and two in one.
    (
        {"ESPLORA_URL": "http://LOCALHOST:3000/,http://127.0.0.1:3000"},
        ("ASSAY_ESPLORA_URL: must not name a server twice",),
    ),
    (
        {"ESPLORA_URL": "https://a.example/;https://b.example/"},
        ("ASSAY_ESPLORA_URL: ", "commas"),
    ),
    ({"ESPLORA_URL": "http://blockstream.info/api/"}, ("ASSAY_ESPLORA_URL: must be ",)),
    # Numbers that only look like what was meant.
    ({"BITCOIN_CONFIRMATIONS": "\u0661"}, ("ASSAY_BITCOIN_CONFIRMATIONS: ", "from 1 to 100")),
    ({"CREDIT_PRICE_BTC": "5_0e-5"}, ("ASSAY_CREDIT_PRICE_BTC: ", "ASCII digits")),
    ({"REQUIRED_LIST": "OFAC SDN"}, ("ASSAY_REQUIRED_LIST: no such setting",)),
)


@pytest.fixture
def assay(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Assay]:
    """Run a command of a deployment whose settings are right, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ASSAY_BTC_DEST_ADDRESS", BTC_DEST_ADDRESS)
    monkeypatch.setenv("ASSAY_BITCOIN_DESCRIPTOR", BIP84_ZPUB)
    monkeypatch.setenv("ASSAY_ESPLORA_URL", SERVERS)
    with commands_on(NOWHERE, monkeypatch) as run:
        yield run


async def test_process_that_would_lose_money_does_not_start_and_says_what_is_wrong(
    assay: Assay,
) -> None:
    for settings, words in WRONG:
        for command in ("serve", "worker"):
            with pytest.MonkeyPatch.context() as patch:
                for name, text in settings.items():
                    patch.setenv(f"ASSAY_{name}", text)
                result = await assay(command)
            assert result.exit_code == 2, (command, settings, result.output)
            assert result.stderr.startswith(words[0]), (command, result.stderr)
            assert all(word in result.stderr for word in words), (command, result.stderr)
            assert "Traceback" not in result.stderr
            assert settings.get("BITCOIN_DESCRIPTOR", "of no setting") not in result.stderr


async def test_quote_that_is_never_closed_in_dotenv_is_named_by_its_line(
    assay: Assay, tmp_path: Path
) -> None:
    for quote in ('"', "'"):
        (tmp_path / ".env").write_text(f"ASSAY_PORT=1\nASSAY_HOST={quote}::1\nASSAY_METRICS=no\n")
        result = await assay("serve")
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr.startswith(".env, line 2: "), result.stderr
