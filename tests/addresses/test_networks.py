"""Test networks: their addresses are told from those of the main network, coin by coin."""

from random import Random

from app.addresses import AddressForm, check_address, is_of_test_network
from app.addresses.samples import SAMPLES
from tests.support.cases import each_case

# From the coins' own documents: BIPs 13 and 173, CIP 19, XLS-5, the CashAddr and Monero tests.
OF_TEST_NETWORKS = [
    ("BTC", "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn"),
    ("btc", "2MzQwSSnBHWHqSAqtTVQ6v47XtaisrJa1Vc"),
    ("XBT", "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx"),
    ("BTC", "TB1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KXPJZSX"),
    ("BTC", "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"),
    ("BCH", "bchtest:pr6m7j9njldwwzlg9v7v53unlr4jkmx6eyvwc0uz5t"),
    ("ZEC", "tmEZhbWHTpdKMw5it8YDspUXSMGQyFwovpU"),
    ("XRP", "T719a5UwUCnEs54UsxG9CJYYDhwmFCqkr7wxCcNcfZ6p5GZ"),
    ("ADA", "addr_test1vz2fxv2umyhttkxyxp8x0dlpdt3k6cwng5pxj3jhsydzerspjrlsz"),
    (
        "XMR",
        "9wviCeWe2D8XS82k2ovp5EUYLzBt9pYNW2LXUFsZiv8S3Mt21FZ5qQaAroko1enzw3eGr9qC7X1D7Geoo2RrAotYP"
        "wq9Gm8",
    ),
]


@each_case(("currency", "address"), OF_TEST_NETWORKS)
def test_an_address_of_a_test_network_is_known_as_one(currency: str, address: str) -> None:
    assert check_address(currency, address) is AddressForm.VALID
    assert is_of_test_network(currency, address)


@each_case(("currency", "kind"), SAMPLES)
def test_no_address_of_a_main_network_is_taken_for_one_of_a_test_network(
    currency: str, kind: str
) -> None:
    random = Random(kind)  # noqa: S311  it must replay
    addresses = [SAMPLES[currency, kind](random) for _ in range(200)]
    assert [address for address in addresses if is_of_test_network(currency, address)] == []
