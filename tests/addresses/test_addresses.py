"""The form of addresses, against the vectors that the specifications publish."""

import pytest
from Crypto.Hash import keccak
from hypothesis import given, settings
from hypothesis import strategies as st

from app import addresses
from app.addresses import (
    SUPPORTED,
    AddressForm,
    BitcoinNetwork,
    InvalidAddress,
    bitcoin_network,
    canonical_bitcoin_address,
    check_address,
    currencies_of,
    decode_cryptonote,
    encode_base58check,
    encode_cryptonote,
)
from app.addresses.base58 import ALPHABET, decode_base58check, to_digits
from tests.support.cases import each_case

# AEON.to API v3, "Querying order status"; the integrated one carries the short payment id.
AEON_STANDARD = (
    "Sm6XWv4nmULGYQyHqRH54fgtXb3m3wnQ52EftauD2aMm1rmnrBwYDsudZj7MDgqB6Q1DgVR4jBgJdTFDZmssEdX711h3Wy"
    "GzE"
)
AEON_INTEGRATED = (
    "Sz4Dra9LBvxGYQyHqRH54fgtXb3m3wnQ52EftauD2aMm1rmnrBwYDsudZj7MDgqB6Q1DgVR4jBgJdTFDZmssEdX71ES97Z"
    "3M99r2Hv8KMQuE"
)
# The tests of AEON's own source.
AEON_MAINNET = (
    "WmsSWgtT1JPg5e3cK41hKXSHVpKW7e47bjgiKmWZkYrhSS5LhRemNyqayaSBtAQ6517eo5PtH9wxHVmM78JDZSUu2W8PqR"
    "iNs"
)
AEON_SUBADDRESS = (
    "XnXQHQzk7LybGcHoZuGiXE74E4yeUBccxWT6Lvs69t5XBMfcdH17SXD2EwkwkjkQmxB2eTfqRUd1bTEf7WrXZY1a27wrcp"
    "dvJ"
)
# Monero's donation addresses, its tests, its documentation of the test networks.
XMR_STANDARD = "44AFFq5kSiGBoZ4NMDwYtN18obc8AemS33DBLWs3H7otXft3XjrpDtQGv7SqSsaBYBb98uNbr2VBBEt7f2wfn3RVGQBEP3A"
XMR_SUBADDRESS = "888tNkZrPN6JsEgekjMnABU4TBzc2Dt29EPAvkRxbANsAnjyPbb3iQ1YBRk1UXcdRsiKc9dhwMVgN5S9cQUiyoogDavup3H"
XMR_INTEGRATED = (
    "4LL9oSLmtpccfufTMvppY6JwXNouMBzSkbLYfpAV5Usx3skxNgYeYTRj5UzqtReoS44qo9mtmXCqY45DJ852K5Jv2bYXZK"
    "KQePHES9khPK"
)
XMR_STAGENET = "53teqCAESLxeJ1REzGMAat1ZeHvuajvDiXqboEocPaDRRmqWoVPzy46GLo866qRFjbNhfkNckyhST3WEvBviDwpUDd7DSzB"
XMR_TESTNET = "9wviCeWe2D8XS82k2ovp5EUYLzBt9pYNW2LXUFsZiv8S3Mt21FZ5qQaAroko1enzw3eGr9qC7X1D7Geoo2RrAotYPwq9Gm8"

EIP_55 = [
    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
    "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
    "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
]

VALID = [
    ("BTC", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"),  # the genesis block
    ("BTC", "1111111111111111111114oLvT2"),  # a hash of zeros
    ("BTC", "3P14159f73E4gFr7JterCCQh9QjiTjiZrG"),  # BIP 13
    ("BTC", "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn"),
    ("BTC", "2MzQwSSnBHWHqSAqtTVQ6v47XtaisrJa1Vc"),
    ("BTC", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"),  # BIP 173
    ("BTC", "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx"),
    ("BTC", "bc1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qccfmv3"),
    ("BTC", "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0"),  # BIP 350
    ("BTC", "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"),
    ("XBT", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"),
    ("LTC", "LNwgtMxcKUQ51dw7bQL1yPQjBVZh6QEqsd"),
    ("LTC", "M8yFL6SFC6TreATegTyuSYkDfDRbisdpT3"),
    ("LTC", "ltc1qw508d6qejxtdg4y5r3zarvary0c5xw7kgmn4n9"),
    ("DOGE", "DH5yaieqoZN36fDVciNyRueRGvGLR3mr7L"),
    ("DOGE", "A7JjzK9k9x5b2MkkQzqt91WZsuu7wTu6iS"),
    ("DASH", "XnPFsRWTaSgiVauosEwQ6dEitGYXgwznz2"),
    ("BCH", "bitcoincash:qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a"),  # CashAddr
    ("BCH", "bitcoincash:ppm2qsznhks23z7629mms6s4cwef74vcwvn0h829pq"),
    ("BCH", "qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a"),
    ("BCH", "QPM2QSZNHKS23Z7629MMS6S4CWEF74VCWVY22GDX6A"),
    ("BCH", "bchtest:pr6m7j9njldwwzlg9v7v53unlr4jkmx6eyvwc0uz5t"),
    ("BCH", "bitcoincash:zr6m7j9njldwwzlg9v7v53unlr4jkmx6eycnjehshe"),  # CHIP-2022-02
    ("BCH", "1BpEi6DfDAUFd7GtittLSdBeYJvcoaVggu"),
    ("BNB", "bnb136ns6lfw4zs5hg4n85vdthaad7hq5m4gtkgf23"),
    ("ZEC", "t1MMXtBrSp1XG38Lx9cePcNUCJj5vdWfUWL"),
    ("ZEC", "t3Vz22vK5z2LcKEdg16Yv4FFneEL1zg9ojd"),
    ("ZEC", "tmEZhbWHTpdKMw5it8YDspUXSMGQyFwovpU"),
    ("ZEC", "tex1s2rt77ggv6q989lr49rkgzmh5slsksa9khdgte"),  # ZIP 320
    (
        "ZEC",  # ZIP 321
        "ztestsapling10yy2ex5dcqkclhc7z7yrnjq2z6feyjad56ptwlfgmy77dmaqqrl9gyhprdx59qgmsnyfska2kez",
    ),
    ("ZEC", "zs1z7rejlpsa98s2rrrfkwmaxu53e4ue0ulcrw0h4x5g8jl04tak0d3mm47vdtahatqrlkngh9slya"),
    (
        "LTC",  # the tests of ltcd's stealth addresses
        "ltcmweb1qq20e2arnhvxw97katjkmsd35agw3capxjkrkh7dk8d30rczm8ypxuq329nwh2twmchhqn3jqh7ua4ps"
        "539f6aazh79jy76urqht4qa59ts3at6gf",
    ),
    ("TRX", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"),
    ("AEON", AEON_STANDARD),
    ("AEON", AEON_INTEGRATED),
    ("AEON", AEON_MAINNET),
    ("AEON", AEON_SUBADDRESS),
    ("XMR", XMR_STANDARD),
    ("XMR", XMR_SUBADDRESS),
    ("XMR", XMR_INTEGRATED),
    ("XMR", XMR_STAGENET),
    ("XMR", XMR_TESTNET),
    *((ticker, EIP_55[0]) for ticker in ("ETH", "ETC", "ARB", "BSC", "BNB", "MATIC", "POL")),
    *((ticker, EIP_55[0]) for ticker in ("AAVE", "DAI", "LINK", "SHIB", "UNI", "WBTC", "WETH")),
    *((ticker, EIP_55[0]) for ticker in ("USDT", "USDC")),
    ("USDT", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"),
    ("USDT", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"),
    ("USDT", "EQDKbjIcfM6ezt8KjKJJLshZJJSqX7XOA4ff-W72r5gqPrHF"),
    ("USDC", "GA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJVSGZ"),
    ("USDC", "7777777777777777777777777777777777777777777777777774MSJUVU"),
    ("XRP", "rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh"),  # the account that began with all XRP
    ("XRP", "rrrrrrrrrrrrrrrrrrrrrhoLvTp"),
    ("XRP", "X7AcgcsBL6XDcUb289X4mJ8djcdyKaB5hJDWMArnXr61cqZ"),  # XLS-5
    ("XRP", "T719a5UwUCnEs54UsxG9CJYYDhwmFCqkr7wxCcNcfZ6p5GZ"),
    *(
        ("ADA", address)  # CIP 19: base, pointer and enterprise addresses, reward accounts
        for address in (
            "addr1qx2fxv2umyhttkxyxp8x0dlpdt3k6cwng5pxj3jhsydzer3n0d3vllmyqwsx5wktcd8cc3sq835lu7drv2x"
            "wl2wywfgse35a3x",
            "addr1gx2fxv2umyhttkxyxp8x0dlpdt3k6cwng5pxj3jhsydzer5pnz75xxcrzqf96k",
            "addr1vx2fxv2umyhttkxyxp8x0dlpdt3k6cwng5pxj3jhsydzers66hrl8",
            "addr_test1vz2fxv2umyhttkxyxp8x0dlpdt3k6cwng5pxj3jhsydzerspjrlsz",
            "stake1uyehkck0lajq8gr28t9uxnuvgcqrc6070x3k9r8048z8y5gh6ffgw",
            "stake178phkx6acpnf78fuvxn0mkew3l0fd058hzquvz7w36x4gtcccycj5",
            "37btjrVyb4KDXBNC4haBVPCrro8AQPHwvCMp3RFhhSVWwfFmZ6wwzSK6JK1hY6wHNmtrpTf1kdbva8TCneM2YsiXT"
            "7mrzT21EacHnPpz5YyUdj64na",
            "Ae2tdPwUPEZFRbyhz3cpfC2CumGzNkFBN2L42rcUc2yjQpEkxDbkPodpMAi",
        )
    ),
    ("XLM", "GA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJVSGZ"),  # SEP 23
    ("XLM", "MA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJUAAAAAAAAAAAACJUQ"),
    ("XLM", "CA3D5KRYM6CB7OWQ6TWYRR3Z4T7GNZLKERYNZGGA5SOAOPIFY6YQGAXE"),
    ("ALGO", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAY5HFKQ"),  # 32 zero bytes
    ("ALGO", "7777777777777777777777777777777777777777777777777774MSJUVU"),
    ("DOT", "15oF4uVJwmo4TdGW7VfQxNLavjCXviqxT9S1MgbjMNHr6Sp5"),  # the SDK's account of Alice
    ("DOT", "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"),
    ("DOT", "HNZata7iMYWmk5RvZRTiAsSDhV8366zq2YGb3tLH5Upf74F"),  # the same one, as of Kusama
    ("ATOM", "cosmos1pkptre7fdkl6gfrzlesjjvhxhlc3r4gmmk8rs6"),
    ("TON", "EQDKbjIcfM6ezt8KjKJJLshZJJSqX7XOA4ff-W72r5gqPrHF"),  # TON's documentation
    ("TON", "UQDKbjIcfM6ezt8KjKJJLshZJJSqX7XOA4ff-W72r5gqPuwA"),
    ("TON", "Ef8zMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzM0vF"),
    ("TON", "kf/8uRo6OBbQ97jCx2EIuKm8Wmt6Vb15+KsQHFLbKSMiYIny"),
    ("XTZ", "tz1VSUr8wwNhLAzempoch5d6hLRiTh8Cjcjb"),  # Octez's account of Alice
    ("XTZ", "tz2TSvNTh2epDMhZHrw73nV9piBX7kLZ9K9m"),
    ("XTZ", "tz3RDC3Jdn4j15J7bBHZd29EUee9gVB1CxD9"),
    ("XTZ", "tz4HVR6aty9KwsQFHh81C1G7gBdhxT8kuytm"),
    ("XTZ", "KT1XvNYseNDJJ6Kw27qhSEDF8ys8JhDopzfG"),
    ("XTZ", "sr1RYurGZtN8KNSpkMcCt9CgWeUaNkzsAfXf"),
]

TON_RAW = "0:ca6e321c7cce9ecedf0a8ca2492ec8592494aa5fb5ce0387dff96ef6af982a3e"
# Forms of a currency in which nothing shows whether they are mistyped.
UNCHECKABLE = [
    ("SOL", "So11111111111111111111111111111111111111112"),
    ("SOL", "11111111111111111111111111111111"),
    ("SOL", "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"),
    ("TON", TON_RAW),
    ("TON", "-1:" + "33" * 32),
    ("USDT", TON_RAW),
    ("DOT", "0xd43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d"),
    ("USDT", "Es9vMFrzaCERmJfrF4H2FYD4KCoNkY11McCe8BenwNYB"),  # Solana
    ("USDC", EIP_55[0].lower()),
    ("BNB", EIP_55[0].lower()),
]


@each_case(("currency", "address"), VALID)
def test_published_address_is_valid(currency: str, address: str) -> None:
    assert check_address(currency, address) is AddressForm.VALID


def test_every_supported_currency_has_a_valid_example() -> None:
    assert {currency for currency, _ in [*VALID, *UNCHECKABLE]} == set(SUPPORTED)
    assert list(SUPPORTED) == sorted(SUPPORTED)


@each_case(("currency", "address"), UNCHECKABLE)
def test_form_without_a_checksum_is_said_to_be_not_checkable(currency: str, address: str) -> None:
    assert check_address(currency, address) is AddressForm.NOT_CHECKABLE


@each_case(
    ("address", "currencies"),
    [
        ("TUCsTq7TofTCJRRoHk6RvhMoS2mJLm5Yzq", {"TRX", "USDC", "USDT"}),
        ("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", {"BTC", "XBT", "USDT"}),
        ("So11111111111111111111111111111111111111112", set()),
        ("hello", set()),
    ],
)
def test_address_names_the_currencies_that_it_is_a_valid_one_of(
    address: str, currencies: set[str]
) -> None:
    assert set(currencies_of(address)) == currencies


def test_currency_is_matched_in_any_case() -> None:
    assert check_address("btc", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa") is AddressForm.VALID


@each_case("currency", ["XYZ", "", "BTC ", "bitcoin"])
def test_unknown_currency_is_not_checked(currency: str) -> None:
    assert check_address(currency, "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa") is AddressForm.NOT_CHECKED


@each_case("currency", ["BTC", "XYZ", "USDT"])
@each_case("address", ["1" * 257, "1A1zP1eP5QGefi2DMPTfTL5SLmv7Divfé", "\u212a"])
def test_what_no_currency_has_is_invalid_at_once(currency: str, address: str) -> None:
    assert check_address(currency, address) is AddressForm.INVALID


@each_case("currency", SUPPORTED)
@each_case(
    "address",
    [
        "",
        " ",
        "0x",
        "1",
        "q",
        ":",
        "bitcoincash:",
        "hello",
        "0" * 42,
        "vitalik.eth",
        "eth:",
        "tron:",
    ],
)
def test_garbage_is_invalid(currency: str, address: str) -> None:
    assert check_address(currency, address) is AddressForm.INVALID


@each_case(
    ("currency", "address"),
    [
        ("LTC", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"),
        ("BTC", "LNwgtMxcKUQ51dw7bQL1yPQjBVZh6QEqsd"),
        ("BTC", "ltc1qw508d6qejxtdg4y5r3zarvary0c5xw7kgmn4n9"),
        ("BTC", "TUCsTq7TofTCJRRoHk6RvhMoS2mJLm5Yzq"),
        ("ETH", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"),
        ("XMR", AEON_MAINNET),
        ("AEON", XMR_STANDARD),
        ("BNB", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"),
        ("LTC", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"),
        ("USDC", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"),
        ("XMR", "44AFF"),
        ("SOL", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"),
        ("SOL", "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5D"),
        ("BTC", "rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh"),
        ("XRP", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"),
        ("ATOM", "bnb136ns6lfw4zs5hg4n85vdthaad7hq5m4gtkgf23"),
        ("XTZ", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"),
        ("TON", "1:" + "33" * 32),
        ("XLM", "SBU2RRGLXH3E5CQHTD3ODLDF2BWDCYUSSBLLZ5GNW7JXHDIYKXZWHOKR"),  # SEP 23, a secret
        # CIP 19's enterprise address of the main network, under the prefix of the test network.
        ("ADA", "addr_test1vx2fxv2umyhttkxyxp8x0dlpdt3k6cwng5pxj3jhsydzerspqnws9"),
    ],
)
def test_address_of_another_coin_is_invalid(currency: str, address: str) -> None:
    assert check_address(currency, address) is AddressForm.INVALID


@pytest.mark.parametrize(
    ("currency", "address"),
    [
        ("USDC", "0x" + "5d" * 32),  # Sui
        ("USDC", "0.0.456858"),  # Hedera
    ],
)
def test_form_that_exists_but_is_not_checked_is_never_called_valid_or_invalid(
    currency: str, address: str
) -> None:
    assert check_address(currency, address) is AddressForm.NOT_CHECKED


@each_case(
    "address",
    [
        "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6u",
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD",
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAe",
        "two words",
    ],
)
def test_stablecoin_address_must_be_right_where_its_chain_is_checked(address: str) -> None:
    assert check_address("USDT", address) is AddressForm.INVALID


# EIP-55


@each_case("address", EIP_55)
def test_evm_address_of_one_case_has_no_checksum(address: str) -> None:
    assert check_address("ETH", address) is AddressForm.VALID
    assert check_address("ETH", address.lower()) is AddressForm.NOT_CHECKABLE
    assert check_address("ETH", "0x" + address[2:].upper()) is AddressForm.NOT_CHECKABLE
    assert check_address("ETH", address[2:]) is AddressForm.VALID  # programs leave the 0x out
    assert check_address("ETH", address[2:].lower()) is AddressForm.NOT_CHECKABLE
    assert check_address("ETH", address[3:]) is AddressForm.INVALID


@each_case("address", EIP_55)
def test_evm_address_with_any_letter_in_the_wrong_case_is_invalid(address: str) -> None:
    for position in range(2, len(address)):
        if address[position].isalpha():
            flipped = address[:position] + address[position].swapcase() + address[position + 1 :]
            assert check_address("ETH", flipped) is AddressForm.INVALID


# Bitcoin networks


@each_case(
    ("address", "network"),
    [
        ("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", BitcoinNetwork.MAINNET),
        ("3P14159f73E4gFr7JterCCQh9QjiTjiZrG", BitcoinNetwork.MAINNET),
        ("BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4", BitcoinNetwork.MAINNET),
        ("mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn", BitcoinNetwork.TESTNET),
        ("2MzQwSSnBHWHqSAqtTVQ6v47XtaisrJa1Vc", BitcoinNetwork.TESTNET),
        ("tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx", BitcoinNetwork.TESTNET),
        ("bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080", BitcoinNetwork.REGTEST),
    ],
)
def test_bitcoin_address_names_its_network(address: str, network: BitcoinNetwork) -> None:
    assert bitcoin_network(address) is network


@each_case(
    ("address", "reason"),
    [
        ("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb", "checksum is wrong"),
        ("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5", "checksum is wrong"),
        ("LNwgtMxcKUQ51dw7bQL1yPQjBVZh6QEqsd", "prefix is not one of Bitcoin"),
        ("bc1Qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "mixes upper and lower case"),
        ("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7\u212av8f3t4", "beyond ASCII"),
        ("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "character that base58 does not use"),
        ("", "too short"),
    ],
)
def test_refused_bitcoin_address_says_why_and_does_not_repeat_it(address: str, reason: str) -> None:
    with pytest.raises(InvalidAddress, match=reason) as caught:
        bitcoin_network(address)
    assert not address or address not in str(caught.value)


# CryptoNote


@each_case(
    ("address", "prefix", "size"),
    [
        (AEON_STANDARD, addresses.AEON_STAGENET_STANDARD, 64),
        (AEON_INTEGRATED, addresses.AEON_STAGENET_INTEGRATED, 72),
        (AEON_MAINNET, addresses.AEON_MAINNET_STANDARD, 64),
        (AEON_SUBADDRESS, addresses.AEON_MAINNET_SUBADDRESS, 64),
        (XMR_STANDARD, 18, 64),
        (XMR_INTEGRATED, 19, 72),
        (XMR_SUBADDRESS, 42, 64),
    ],
)
def test_cryptonote_vector_is_read_and_written(address: str, prefix: int, size: int) -> None:
    read_prefix, payload = decode_cryptonote(address)
    assert (read_prefix, len(payload)) == (prefix, size)
    assert encode_cryptonote(prefix, payload) == address


def test_integrated_address_of_the_specification_carries_the_short_payment_id() -> None:
    _, payload = decode_cryptonote(AEON_INTEGRATED)
    assert payload[64:].hex() == "7c855c2228e19671"
    assert payload[:64] == decode_cryptonote(AEON_STANDARD)[1]


@each_case(
    ("prefix", "size", "beginning", "length"),
    [
        (addresses.AEON_MAINNET_STANDARD, 64, "Wm", 97),
        (addresses.AEON_MAINNET_INTEGRATED, 72, "Wz", 108),
        (addresses.AEON_MAINNET_SUBADDRESS, 64, "Xn", 97),
        (addresses.AEON_TESTNET_STANDARD, 64, "Um", 97),
        (addresses.AEON_TESTNET_INTEGRATED, 72, "Uz", 108),
        (addresses.AEON_TESTNET_SUBADDRESS, 64, "Vn", 97),
        (addresses.AEON_STAGENET_STANDARD, 64, "Sm", 97),
        (addresses.AEON_STAGENET_INTEGRATED, 72, "Sz", 108),
        (addresses.AEON_STAGENET_SUBADDRESS, 64, "Tn", 97),
    ],
)
def test_aeon_prefix_shows_in_the_first_two_letters(
    prefix: int, size: int, beginning: str, length: int
) -> None:
    for byte in range(256):
        address = encode_cryptonote(prefix, bytes([byte]) * size)
        assert address.startswith(beginning)
        assert len(address) == length
    assert check_address("AEON", address) is AddressForm.VALID
    assert check_address("AEON", encode_cryptonote(prefix, bytes(63))) is AddressForm.INVALID


@settings(deadline=None)
@given(prefix=st.integers(0, 2**64 - 1), payload=st.binary(max_size=80))
def test_cryptonote_address_reads_back_as_it_was_written(prefix: int, payload: bytes) -> None:
    assert decode_cryptonote(encode_cryptonote(prefix, payload)) == (prefix, payload)


@pytest.mark.parametrize("prefix", [-1, 2**64])
def test_cryptonote_prefix_beyond_64_bits_is_not_written(prefix: int) -> None:
    with pytest.raises(ValueError, match="prefix"):
        encode_cryptonote(prefix, b"")


@each_case(
    ("address", "reason"),
    [
        ("", "too short"),
        ("11", "too short"),
        (AEON_STANDARD[:-1], "length"),
        (AEON_STANDARD + "1", "checksum is wrong"),
        ("zzzzzzzzzzz" + AEON_STANDARD[11:], "too large a number"),
        ("0" + AEON_STANDARD[1:], "character that base58 does not use"),
    ],
)
def test_refused_cryptonote_address_says_why(address: str, reason: str) -> None:
    with pytest.raises(InvalidAddress, match=reason):
        decode_cryptonote(address)


@each_case("body", ["80000000", "80808080", "b2800000"])
def test_cryptonote_prefix_has_one_spelling_only(body: str) -> None:
    raw = bytes.fromhex(body)
    checksum = keccak.new(digest_bits=256, data=raw).digest()[:4]
    with pytest.raises(InvalidAddress, match="its prefix is not written as a number"):
        decode_cryptonote(to_digits(int.from_bytes(raw + checksum), 11))


# One wrong character

# Stablecoins have forms that are not checked, TON two alphabets, and DOT a checksum of 16 bits
# that a change of one character may slip through: of one address, all changes are tried below.
_WEAK = ("USDT", "USDC", "TON", "DOT")
CHECKSUMMED = [(currency, text) for currency, text in VALID if not text.startswith("0x")]


@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_one_wrong_character_is_always_refused(data: st.DataObject) -> None:
    currency, address = data.draw(
        st.sampled_from([pair for pair in CHECKSUMMED if pair[0] not in _WEAK])
    )
    position = data.draw(st.integers(0, len(address) - 1))
    wrong = data.draw(st.characters(min_codepoint=32, max_codepoint=126))
    corrupted = address[:position] + wrong + address[position + 1 :]
    expected = AddressForm.VALID if corrupted == address else AddressForm.INVALID
    assert check_address(currency, corrupted) is expected


@settings(deadline=None)
@given(payload=st.binary(min_size=20, max_size=20), data=st.data())
def test_base58check_of_any_hash_is_valid_until_a_character_is_wrong(
    payload: bytes, data: st.DataObject
) -> None:
    address = encode_base58check(b"\x00", payload)
    assert decode_base58check(address) == b"\x00" + payload
    assert check_address("BTC", address) is AddressForm.VALID
    position = data.draw(st.integers(0, len(address) - 1))
    wrong = data.draw(st.sampled_from(ALPHABET).filter(lambda other: other != address[position]))
    corrupted = address[:position] + wrong + address[position + 1 :]
    assert check_address("BTC", corrupted) is AddressForm.INVALID


@settings(max_examples=300, deadline=None)
@given(
    currency=st.sampled_from(SUPPORTED),
    address=st.text(max_size=120) | st.text("01bcltqTX0x:" + ALPHABET, max_size=120),
)
def test_no_text_whatever_makes_an_error(currency: str, address: str) -> None:
    assert check_address(currency, address) in AddressForm


@each_case(
    ("address", "canonical"),
    [
        (
            "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4",
            "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
        ),
        ("TB1QQ", "tb1qq"),
        ("BCRT1QQ", "bcrt1qq"),
        ("12Cyjf3qV6qLyXdzpLSLPdRFPUVidvnzFM", "12Cyjf3qV6qLyXdzpLSLPdRFPUVidvnzFM"),
        ("3P14159f73E4gFr7JterCCQh9QjiTjiZrG", "3P14159f73E4gFr7JterCCQh9QjiTjiZrG"),
        ("", ""),
    ],
)
def test_bech32_has_one_spelling_and_base58_keeps_its_own(address: str, canonical: str) -> None:
    assert canonical_bitcoin_address(address) == canonical


@pytest.mark.parametrize(
    ("currency", "address"),
    [
        ("DOT", "15oF4uVJwmo4TdGW7VfQxNLavjCXviqxT9S1MgbjMNHr6Sp5"),
        ("TON", "Ef8zMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzM0vF"),
    ],
)
def test_every_wrong_character_in_an_address_with_a_short_checksum_is_refused(
    currency: str, address: str
) -> None:
    for position in range(len(address)):
        for wrong in ALPHABET.replace(address[position], ""):
            corrupted = address[:position] + wrong + address[position + 1 :]
            assert check_address(currency, corrupted) is AddressForm.INVALID
