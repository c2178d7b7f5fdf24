"""The merchant's wallet as the environment names it: what stops the start, and what is not shown."""

import pytest

from app.addresses import BitcoinNetwork
from app.orders.wallet.wallet import Wallet
from app.resources import sales_terms
from app.settings import ConfigurationError
from tests.orders.wallet.keys import BIP32_XPRV, BIP84_ZPUB, spelled
from tests.support.application import settings_for_tests
from tests.support.cases import each_case

SERVERS = ("https://one.example/api/",)
TESTNET_ADDRESS = "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx"
REGTEST_ADDRESS = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"


def wallet_of(**overrides: object) -> Wallet | None:
    bitcoin = sales_terms(settings_for_tests(**overrides)).bitcoin
    return None if bitcoin is None else bitcoin.wallet


def refusal(**overrides: object) -> str:
    with pytest.raises(ConfigurationError) as refused:
        wallet_of(**overrides)
    return str(refused.value)


def test_without_a_descriptor_there_is_no_wallet() -> None:
    assert wallet_of(esplora_url=SERVERS) is None


def test_wallet_of_the_destinations_network_is_taken() -> None:
    wallet = wallet_of(bitcoin_descriptor=BIP84_ZPUB, esplora_url=SERVERS)
    assert wallet is not None
    assert wallet.address(0) == "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu"
    testnet = wallet_of(
        bitcoin_descriptor=spelled(BIP84_ZPUB, "vpub"),
        esplora_url=SERVERS,
        btc_dest_address=TESTNET_ADDRESS,
        aeonto_base_url="https://test.aeon.to/api/v3/aeon2btc/",
    )
    assert testnet is not None
    assert testnet.network is BitcoinNetwork.TESTNET


@each_case(
    ("text", "reason"),
    [
        (BIP32_XPRV, "holds a private key"),
        (f"pkh({spelled(BIP84_ZPUB, 'xpub')}/0/*)", "must be wpkh(KEY/0/*)"),
        (f"{BIP84_ZPUB}x", "its key is mistyped"),
    ],
)
def test_refused_descriptor_stops_the_start_and_is_not_repeated(text: str, reason: str) -> None:
    message = refusal(bitcoin_descriptor=text, esplora_url=SERVERS)
    assert message.startswith(f"ASSAY_BITCOIN_DESCRIPTOR: {reason}")
    assert text not in message


def test_descriptor_without_a_server_of_the_chain_stops_the_start() -> None:
    message = refusal(bitcoin_descriptor=BIP84_ZPUB)
    assert message.startswith("ASSAY_BITCOIN_DESCRIPTOR: needs ASSAY_ESPLORA_URL")


@each_case(
    ("prefix", "overrides"),
    [
        ("vpub", {}),
        (
            "zpub",
            {"btc_dest_address": TESTNET_ADDRESS, "aeonto_base_url": "https://test.aeon.to/x/"},
        ),
        ("vpub", {"btc_dest_address": REGTEST_ADDRESS, "aeonto_base_url": "http://localhost/x/"}),
    ],
)
def test_wallet_on_another_network_than_the_destination_stops_the_start(
    prefix: str, overrides: dict[str, str]
) -> None:
    message = refusal(
        bitcoin_descriptor=spelled(BIP84_ZPUB, prefix), esplora_url=SERVERS, **overrides
    )
    assert message.startswith("ASSAY_BITCOIN_DESCRIPTOR: is a ")
    assert "ASSAY_BTC_DEST_ADDRESS" in message


def test_destination_in_the_wallet_stops_the_start_with_both_names() -> None:
    for own in (
        "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu",  # BIP 84: first to receive
        "BC1QNJG0JD8228AQ7EGYZACY8CYS3KNF9XVRERKF9G",  # second, as BIP 173 also allows
        "bc1q8c6fshw2dlwun7ekn9qwf37cu2rn755upcp6el",  # first for change
    ):
        message = refusal(bitcoin_descriptor=BIP84_ZPUB, esplora_url=SERVERS, btc_dest_address=own)
        assert message.startswith("ASSAY_BTC_DEST_ADDRESS: is an address of the wallet in ")
        assert "ASSAY_BITCOIN_DESCRIPTOR" in message


def test_settings_do_not_show_the_descriptor() -> None:
    settings = settings_for_tests(bitcoin_descriptor=BIP84_ZPUB)
    assert BIP84_ZPUB not in f"{settings!r}{settings.model_dump_json()}"
