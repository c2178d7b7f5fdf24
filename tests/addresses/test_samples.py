"""Random addresses and the one spelling of an address: both held against the checks of forms."""

import base64
import binascii
from random import Random

from app.addresses import SUPPORTED, AddressForm, check_address
from app.addresses.base32 import STELLAR_ACCOUNT, encode_algorand, encode_stellar
from app.addresses.base58 import ALPHABET, encode_base58check
from app.addresses.cardano import decode_byron, encode_byron, encode_shelley
from app.addresses.samples import SAMPLES
from app.addresses.spelling import canonicalize
from app.addresses.ss58 import encode_ss58
from tests.support.cases import each_case

UNCHECKABLE = {("ETH", "lower case"), ("SOL", "account")}


@each_case("kind", SAMPLES)
def test_random_address_has_the_form_of_its_currency(kind: tuple[str, str]) -> None:
    wanted = AddressForm.NOT_CHECKABLE if kind in UNCHECKABLE else AddressForm.VALID
    random = Random(17)  # noqa: S311  it protects nothing
    addresses = [SAMPLES[kind](random) for _ in range(50)]
    assert {check_address(kind[0], address) for address in addresses} == {wanted}
    assert len({canonicalize(address) for address in addresses}) == 50


def test_every_currency_with_a_form_of_its_own_has_a_sample() -> None:
    aliases = {"XBT", "USDC", "USDT"}
    tokens = {name for name in SUPPORTED if check_address(name, "0x" + "5a" * 20) != "invalid"}
    assert {currency for currency, _ in SAMPLES} == set(SUPPORTED) - aliases - tokens | {
        "BNB",
        "ETH",
    }


# CBOR writes a checksum in as few bytes as it needs; of these roots it needs 5, 3 and 2.
@each_case("root", [0, 132_827, 6_153_619])
def test_byron_address_is_read_however_long_its_checksum_is(root: int) -> None:
    address = encode_byron(root.to_bytes(28))
    assert decode_byron(address)[3:31] == root.to_bytes(28)
    assert check_address("ADA", address) is AddressForm.VALID


SAME = [
    (
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        " 0X5AAEB6053F3E94C9B9A09F33669435E7EF1BEAED\n",
    ),
    (
        "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
        "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4",
    ),
    # CashAddr specification: the same hash in both forms.
    (
        "1BpEi6DfDAUFd7GtittLSdBeYJvcoaVggu",
        "bitcoincash:qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a",
    ),
    (
        "3CWFddi6m4ndiGyKqzYvsFYagqDLPVMTzC",
        "PPM2QSZNHKS23Z7629MMS6S4CWEF74VCWVN0H829PQ",
    ),
    # XLS-5: the classic address, and its X-address without a tag.
    (
        "r9cZA1mLK5R5Am25ArfXFmqgNwjZgnfk59",
        "X7AcgcsBL6XDcUb289X4mJ8djcdyKaB5hJDWMArnXr61cqZ",
    ),
    # SEP 23: the account, and a muxed one of it.
    (
        "GA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJVSGZ",
        "MA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJUAAAAAAAAAAAACJUQ",
    ),
    *(
        ("0:ca6e321c7cce9ecedf0a8ca2492ec8592494aa5fb5ce0387dff96ef6af982a3e", spelling)
        for spelling in (
            "EQDKbjIcfM6ezt8KjKJJLshZJJSqX7XOA4ff-W72r5gqPrHF",
            "EQDKbjIcfM6ezt8KjKJJLshZJJSqX7XOA4ff+W72r5gqPrHF",
            "UQDKbjIcfM6ezt8KjKJJLshZJJSqX7XOA4ff-W72r5gqPuwA",
            "0:CA6E321C7CCE9ECEDF0A8CA2492EC8592494AA5FB5CE0387DFF96EF6AF982A3E",
        )
    ),
    (
        "stake1uyehkck0lajq8gr28t9uxnuvgcqrc6070x3k9r8048z8y5gh6ffgw",
        "STAKE1UYEHKCK0LAJQ8GR28T9UXNUVGCQRC6070X3K9R8048Z8Y5GH6FFGW",
    ),
    (
        "addr1vx2fxv2umyhttkxyxp8x0dlpdt3k6cwng5pxj3jhsydzers66hrl8",
        "ADDR1VX2FXV2UMYHTTKXYXP8X0DLPDT3K6CWNG5PXJ3JHSYDZERS66HRL8",
    ),
]


@each_case(("first", "second"), SAME)
def test_texts_that_name_one_account_have_one_spelling(first: str, second: str) -> None:
    assert canonicalize(first) == canonicalize(second)
    assert canonicalize(canonicalize(second)) == canonicalize(second)


@each_case(
    "address",
    [
        "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
        "TUCsTq7TofTCJRRoHk6RvhMoS2mJLm5Yzq",
        # With a wrong checksum they name nothing, and are looked for as they were written.
        "bitcoincash:qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6b".removeprefix("bitcoincash:"),
        "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T5",
        "EQDKbjIcfM6ezt8KjKJJLshZJJSqX7XOA4ff-W72r5gqPrHG",
        "X7AcgcsBL6XDcUb289X4mJ8djcdyKaB5hJDWMArnXr61cqz",
        "not an address",
    ],
)
def test_any_other_text_is_kept_as_it_is(address: str) -> None:
    assert canonicalize(address) == address
    assert canonicalize(f"\t{address} ") == address


def _ton(flags: int, workchain: int) -> str:
    body = bytes([flags, workchain]) + bytes(32)
    return base64.urlsafe_b64encode(body + binascii.crc_hqx(body, 0).to_bytes(2)).decode()


def _x_address(flag: int, tag: bytes) -> str:
    ripple = "rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz"
    text = encode_base58check(b"\x05\x44", bytes(20) + bytes([flag]) + tag)
    return text.translate(str.maketrans(ALPHABET, ripple))


@each_case(
    ("currency", "right", "wrong"),
    [
        ("TON", _ton(0x11, 0), _ton(0x12, 0)),
        ("TON", _ton(0xD1, 0xFF), _ton(0x11, 1)),
        ("XRP", _x_address(1, b"\x0c" + bytes(7)), _x_address(2, b"\x0c" + bytes(7))),
        ("XRP", _x_address(0, bytes(8)), _x_address(0, b"\x0c" + bytes(7))),
        ("XRP", _x_address(1, bytes(8)), _x_address(1, bytes(7) + b"\x01")),
        (
            "ADA",
            encode_shelley("addr", b"\x61" + bytes(28)),
            encode_shelley("addr", b"\x61" + bytes(29)),
        ),
        (
            "ADA",
            encode_shelley("stake", b"\xe1" + bytes(28)),
            encode_shelley("addr", b"\xe1" + bytes(28)),
        ),
        (
            "XTZ",
            encode_base58check(b"\x06\xa1\x9f", bytes(20)),
            encode_base58check(b"\x06", bytes(20)),
        ),
        (
            "XLM",
            encode_stellar(STELLAR_ACCOUNT, bytes(32)),
            encode_stellar(STELLAR_ACCOUNT, bytes(33)),
        ),
        ("ALGO", encode_algorand(bytes(32)), encode_algorand(bytes(31))),
        ("DOT", encode_ss58(0, bytes(32)), encode_ss58(0, bytes(33))),
    ],
)
def test_right_checksum_does_not_make_an_address_of_what_no_specification_has(
    currency: str, right: str, wrong: str
) -> None:
    assert check_address(currency, right) is AddressForm.VALID
    assert check_address(currency, wrong) is AddressForm.INVALID
