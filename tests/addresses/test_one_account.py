"""One account has one spelling, in whatever form its standard lets it be written."""

from collections.abc import Callable, Mapping
from random import Random
from typing import Final

import pytest

from app.addresses import (
    SUPPORTED,
    AddressForm,
    InvalidAddress,
    check_address,
    encode_base58check,
    encode_cryptonote,
    read_address,
)
from app.addresses.base32 import STELLAR_ACCOUNT, STELLAR_MUXED, encode_algorand, encode_stellar
from app.addresses.base58 import encode_base58
from app.addresses.bech32 import (
    Encoding,
    decode_bech32,
    encode_bech32,
    encode_cash_address,
    to_values,
)
from app.addresses.cardano import encode_byron, encode_shelley
from app.addresses.chains import CHAINS
from app.addresses.coins import COINS
from app.addresses.evm import encode_evm
from app.addresses.ripple import encode_ripple
from app.addresses.spelling import canonicalize
from app.addresses.ss58 import encode_ss58
from app.addresses.ton import encode_ton
from app.addresses.tron import encode_tron
from app.addresses.zcash import encode_tex
from tests.addresses.test_addresses import (
    AEON_INTEGRATED,
    AEON_STANDARD,
    TON_RAW,
    XMR_INTEGRATED,
)
from tests.support.cases import each_case

ALICE = "d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d"
USDT_ON_TRON = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"
VITALIK = "0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045"

# From the test vectors of ZIP 316: the hash e6cabf81… as a public key's, as a script's, and none.
UNIFIED: Final = (
    "u1yy6w8n3jmjsgj9wvcenr8r5p6h38vyclhmq0wg9kzpxlu46z8v64k5gszr8yfwz4jvrylvvg3g633z02luk85nmsck"
    "6d2sex3n5d7kn68hzz5tv4udt9p6sy7pgleeulvglvx2627dff57q9fep5wgdx8m0esx28m0zvuxpmwyazt3jun2rpqw"
    "8nu6j2fceqghk55ced66js6k6jxn8y2xtue8f3paqjrk8q6nptnn",
    "u1k9kavjcgta8y9t9lv3grvry5fqs6avhe9panu4jlg5j5mkkn4wj844mau24n4hx79yst6glun3wa095upapkqhgyrq"
    "9kfd7jr7q9dgpafhwvgl8ujxrlprl5zahl69cprsets6h2t98",
    "u1p5rt2l48lpmyyeypnffal288jgf2tz50fzn23jdp68vcujvwn0uz5u0evcp35jfmfvrl26az7suqqfm0skn9mmz9un"
    "86gqkq9va32v4s",
)

# Typed from the standards: the forms in each line are one account.
PUBLISHED: Final = (
    (  # the SDK's account of Alice: all networks, Polkadot, Kusama, and its public key
        "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY",
        "15oF4uVJwmo4TdGW7VfQxNLavjCXviqxT9S1MgbjMNHr6Sp5",
        "HNZata7iMYWmk5RvZRTiAsSDhV8366zq2YGb3tLH5Upf74F",
        ALICE,
        f"0x{ALICE}",
        "polkadot:91b171bb158e2d3848fa23a9f1c25182:5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY",
    ),
    (  # ZIP 320
        "t1VmmGiyjVNeCjxDZzg7vZmd99WyzVby9yC",
        "tex1s2rt77ggv6q989lr49rkgzmh5slsksa9khdgte",
        "TEX1S2RT77GGV6Q989LR49RKGZMH5SLSKSA9KHDGTE",
    ),
    (  # ZIP 316's test vectors: a unified address with a public key hash, and with a script hash
        *UNIFIED[:1],
        "t1euvJe2JESYSAYqznyzL7QxJUphWkGcT3D",
    ),
    (
        *UNIFIED[1:2],
        "t3fbwEBWjnLrpFiYRv5evY3KEdLzEHxJRjw",
    ),
    (  # ICAP's specification
        "XE7338O073KYGTWWZN0F2WZ0R8PX5ZPPZS",
        "0x00c5496aEe77C1bA1f0854206A26DdA82a81D6D8",
    ),
    (  # Injective's documentation
        "inj14au322k9munkmx5wrchz9q30juf5wjgz2cfqku",
        "0xAF79152AC5dF276D9A8e1E2E22822f9713474902",
    ),
    ("0.0.123", "0.0.123-vfmkw"),  # HIP-15
    (  # Starknet's contract of ether, with and without its first zero
        "0x049d36570d4e46f48e99674bd3fcc84644ddd6b96f7c741b1562b82f9e004dc7",
        "0x49d36570d4e46f48e99674bd3fcc84644ddd6b96f7c741b1562b82f9e004dc7",
    ),
    (AEON_STANDARD, AEON_INTEGRATED),  # AEON.to API v3
    (  # Monero's tests
        "4AdUndXHHZ6cfufTMvppY6JwXNouMBzSkbLYfpAV5Usx3skxNgYeYTRj5UzqtReoS44qo9mtmXCqY45DJ852K5Jv2684"
        "Rge",
        XMR_INTEGRATED,
    ),
    (  # XLS-5: without a tag
        "rGWrZyQqhTp9Xu7G5Pkayo7bXjH4k4QYpf",
        "XVLhHMPHU98es4dbozjVtdWzVrDjtV18pX8yuPT7y4xaEHi",
    ),
    (  # SEP 23
        "GA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJVSGZ",
        "MA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJUAAAAAAAAAAAACJUQ",
    ),
    (  # CashAddr, in three forms and with an amount
        "1BpEi6DfDAUFd7GtittLSdBeYJvcoaVggu",
        "bitcoincash:qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a",
        "QPM2QSZNHKS23Z7629MMS6S4CWEF74VCWVY22GDX6A",
        "bitcoincash:qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a?amount=1",
    ),
    (
        "3CWFddi6m4ndiGyKqzYvsFYagqDLPVMTzC",
        "bitcoincash:ppm2qsznhks23z7629mms6s4cwef74vcwvn0h829pq",
    ),
    (  # the contract of USDT, as explorers and as nodes write it
        USDT_ON_TRON,
        "41a614f803b6fd780986a42c78ec9c7f77e6ded13c",
        "0x41a614f803b6fd780986a42c78ec9c7f77e6ded13c",
        f"tron:{USDT_ON_TRON}",
        f"tron:0x2b6653dc:{USDT_ON_TRON}",
    ),
    (  # TON's documentation
        "EQDKbjIcfM6ezt8KjKJJLshZJJSqX7XOA4ff-W72r5gqPrHF",
        "UQDKbjIcfM6ezt8KjKJJLshZJJSqX7XOA4ff-W72r5gqPuwA",
        "EQDKbjIcfM6ezt8KjKJJLshZJJSqX7XOA4ff+W72r5gqPrHF",
        TON_RAW,
        TON_RAW.upper(),
        "ton://transfer/EQDKbjIcfM6ezt8KjKJJLshZJJSqX7XOA4ff-W72r5gqPrHF",
    ),
    (  # CIP 19: base, pointer and enterprise addresses of one key
        "addr1qx2fxv2umyhttkxyxp8x0dlpdt3k6cwng5pxj3jhsydzer3n0d3vllmyqwsx5wktcd8cc3sq835lu7drv2xwl2"
        "wywfgse35a3x",
        "addr1gx2fxv2umyhttkxyxp8x0dlpdt3k6cwng5pxj3jhsydzer5pnz75xxcrzqf96k",
        "addr1vx2fxv2umyhttkxyxp8x0dlpdt3k6cwng5pxj3jhsydzers66hrl8",
    ),
    (  # EIP-55, EIP-3770, CAIP-10, ERC-681
        VITALIK,
        VITALIK.lower(),
        VITALIK[2:],
        f"eth:{VITALIK}",
        f"arb1:{VITALIK}",
        f"eip155:1:{VITALIK}",
        f"ethereum:{VITALIK}",
        f"ethereum:pay-{VITALIK}@56?value=1",
        f"xdc{VITALIK[2:].lower()}",
    ),
    (  # BIP 173, BIP 21
        "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
        "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4",
        "bitcoin:bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4?amount=0.1&label=x",
        "BITCOIN:BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4",
        "bip122:000000000019d6689c085ae165831e93:bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
    ),
)

# Not the same account, however alike.
APART: Final = (
    # CIP 19: of a script, which holds what is owned by many, and a reward account.
    (
        "addr1z8phkx6acpnf78fuvxn0mkew3l0fd058hzquvz7w36x4gten0d3vllmyqwsx5wktcd8cc3sq835lu7drv2xwl2"
        "wywfgs9yc0hh",
        "addr1w8phkx6acpnf78fuvxn0mkew3l0fd058hzquvz7w36x4gtcyjy7wx",
    ),
    # A public key hash of bitcoin, and the witness program of the same key (BIP 173).
    ("1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMH", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"),
)


def test_published_forms_of_an_account_have_one_spelling() -> None:
    for forms in PUBLISHED:
        assert len({canonicalize(form) for form in forms}) == 1, forms
    assert len({canonicalize(forms[0]) for forms in PUBLISHED}) == len(PUBLISHED)
    for one, other in APART:
        assert canonicalize(one) != canonicalize(other)


def _cosmos(prefix: str, account: bytes) -> str:
    return encode_bech32(prefix, to_values(account), Encoding.BECH32)


def _icap(account: bytes) -> str:
    number, digits = int.from_bytes(account), ""
    while number or len(digits) < 30:
        number, digit = divmod(number, 36)
        digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[digit] + digits
    remainder = int("".join(str(int(character, 36)) for character in f"{digits}XE00")) % 97
    return f"XE{98 - remainder:02}{digits}"


def _evm(account: bytes) -> list[str]:
    text, digits = encode_evm(account), account.hex()
    return [text, text.lower(), text[2:], f"xdc{digits}", f"0X{digits.upper()}", _icap(account)]


def _shelley(head: str, rest: bytes) -> str:
    return encode_shelley("addr", bytes.fromhex(head) + rest)


def _cryptonote(standard: int, integrated: int) -> Callable[[bytes], list[str]]:
    def write(key: bytes) -> list[str]:
        keys = key + key[::-1]
        texts = [encode_cryptonote(integrated, keys + bytes([byte]) * 8) for byte in (0, 7)]
        return [encode_cryptonote(standard, keys), *texts]

    return write


def _ton(key: bytes) -> list[str]:
    friendly = encode_ton(0, key)
    return [friendly, friendly.replace("-", "+").replace("_", "/"), f"0:{key.hex()}"]


def _x_address(account: bytes) -> str:
    plain = encode_base58check(b"\x05\x44", account + bytes(9))
    bitcoin = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
    ripple = "rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz"
    return plain.translate(str.maketrans(bitcoin, ripple))


def _segwit(prefix: str, version: int, key: bytes) -> list[str]:
    encoding = Encoding.BECH32M if version else Encoding.BECH32
    text = encode_bech32(prefix, bytes([version]) + to_values(key), encoding)
    return [text, text.upper()]


def _cash(kind: int, version: bytes) -> Callable[[bytes], list[str]]:
    def write(key: bytes) -> list[str]:
        texts = [encode_base58check(version, key[:20])]
        for bits in (kind, kind | 0x10):  # and for those who take tokens
            whole = encode_cash_address("bitcoincash", bytes([bits]) + key[:20])
            texts += [whole, whole.upper(), whole.partition(":")[2]]
        return texts

    return write


def _base58(version: str) -> Callable[[bytes], list[str]]:
    return lambda key: [encode_base58check(bytes.fromhex(version), key[:20])]


# By chain: each writes accounts of a key of 32 bytes (or its first 20), a list for each account.
Writer = Callable[[bytes], list[str]]
FORMS: Final[Mapping[str, tuple[Writer, ...]]] = {
    "aeon": (_cryptonote(0xB2, 0x2733),),
    "algorand": (lambda key: [encode_algorand(key)],),
    "aptos": (lambda key: [f"0x{key.hex()}", f"0x{key.hex().upper()}"],),
    "asset-hub": (lambda key: [encode_ss58(0, key), encode_ss58(42, key)],),
    "beacon": (lambda key: [_cosmos("bnb", key[:20]), _cosmos("bnb", key[:20]).upper()],),
    "bitcoin": (
        _base58("00"),
        _base58("05"),
        lambda key: _segwit("bc", 0, key[:20]),
        lambda key: _segwit("bc", 0, key),
        lambda key: _segwit("bc", 1, key),
    ),
    "bitcoin-cash": (_cash(0x00, b"\x00"), _cash(0x08, b"\x05")),
    "cardano": (
        lambda key: [
            _shelley("61", key[:28]),
            _shelley("61", key[:28]).upper(),
            _shelley("01", key[:28] + key[4:]),
            _shelley("21", key[:28] + key[:28]),
            _shelley("41", key[:28] + b"\x01\x02\x03"),
            f"61{key[:28].hex()}",
            f"01{key[:28].hex()}{key[4:].hex()}",
        ],
        lambda key: [encode_byron(key[:28])],
        lambda key: [encode_shelley("stake", b"\xe1" + key[:28]), f"e1{key[:28].hex()}"],
    ),
    "cosmos": (lambda key: [_cosmos("cosmos", key[:20]), _cosmos("cosmosvaloper", key[:20])],),
    "dash": (_base58("4c"), _base58("10")),
    "dogecoin": (_base58("1e"), _base58("16")),
    "hedera": (lambda key: [f"0.0.{int.from_bytes(key[:4]) + 1}"],),
    "liquid": (
        lambda key: [
            encode_base58check(b"\x39", key[:20]),
            encode_base58check(b"\x0c\x39", b"\x02" + key + key[:20]),
        ],
        lambda key: _segwit("ex", 0, key[:20]),
    ),
    "litecoin": (
        _base58("30"),
        lambda key: [encode_base58check(version, key[:20]) for version in (b"\x05", b"\x32")],
        lambda key: _segwit("ltc", 0, key[:20]),
        lambda key: [
            encode_bech32(
                "ltcmweb",
                b"\x00" + to_values(b"\x02" + key + b"\x03" + key),
                Encoding.BECH32,
            )
        ],
    ),
    "monero": (_cryptonote(18, 19), lambda key: [encode_cryptonote(42, key + key)]),
    "near": (lambda key: [key.hex()], lambda key: [f"a{key.hex()[:9]}.near"]),
    "noble": (
        lambda key: [_cosmos(name, key[:20]) for name in ("noble", "osmo", "neutron", "dydx")],
        lambda key: [_cosmos("inj", key[:20])],
        *(  # a contract is another one on each chain
            lambda key, name=name: [_cosmos(name, key)] for name in ("noble", "osmo")
        ),
    ),
    "polkadot": (
        lambda key: [
            *(encode_ss58(prefix, key) for prefix in (0, 2, 42, 63, 64, 255, 2254, 16383)),
            key.hex(),
            f"0x{key.hex()}",
        ],
    ),
    "ripple": (lambda key: [encode_ripple(key[:20]), _x_address(key[:20])],),
    "solana": (lambda key: [encode_base58(key)],),
    "starknet": (lambda key: [f"0x{key.hex()}"],),
    "stellar": (
        lambda key: [
            encode_stellar(STELLAR_ACCOUNT, key),
            *(encode_stellar(STELLAR_MUXED, key + bytes(7) + bytes([n])) for n in (0, 9)),
        ],
        lambda key: [encode_stellar(2 << 3, key)],
    ),
    "sui": (lambda key: [f"0x{key.hex()}"],),
    "tezos": tuple(map(_base58, ("06a19f", "06a1a1", "06a1a4", "06a1a6", "025a79", "067c75"))),
    "ton": (_ton,),
    "tron": (
        lambda key: [encode_tron(key[:20]), f"41{key[:20].hex()}", f"0x41{key[:20].hex().upper()}"],
    ),
    "zcash": (
        lambda key: [encode_base58check(b"\x1c\xb8", key[:20]), encode_tex(key[:20])],
        _base58("1cbd"),
        lambda key: [
            encode_bech32("zs", to_values(key + key[:11]), Encoding.BECH32),
        ],
    ),
}
# A form that no writer above makes: the checksum of Liquid's Blech32 has 60 bits.
UNWRITTEN: Final = {("liquid", 3)}


def forms_of(chain: str, key: bytes) -> list[list[str]]:
    writers = FORMS.get(chain, (lambda one: _evm(one[:20]),))
    return [write(key) for write in writers]


@each_case("currency", SUPPORTED)
def test_every_form_of_an_account_is_accepted_and_has_one_spelling(currency: str) -> None:
    random = Random(currency)  # noqa: S311
    for chain in COINS[currency]:
        for forms in forms_of(chain, random.randbytes(32)):
            assert [check_address(currency, form) for form in forms].count(AddressForm.INVALID) == 0
            assert len({canonicalize(form) for form in forms}) == 1, forms
            assert len({canonicalize(read_address(currency, form).plain) for form in forms}) == 1


def test_unified_address_without_a_receiver_that_lists_name_stays_as_it_is() -> None:
    orchard = UNIFIED[2]
    assert [check_address("ZEC", one) for one in UNIFIED] == [AddressForm.VALID] * 3
    assert canonicalize(orchard) == orchard
    values = decode_bech32(orchard, max_length=512)[1]
    foreign = encode_bech32("utest", values, Encoding.BECH32M)
    with pytest.raises(InvalidAddress, match="its end does not repeat its prefix"):
        read_address("ZEC", foreign)


def test_number_of_an_icap_address_is_checked() -> None:
    with pytest.raises(InvalidAddress, match="check number"):
        read_address("ETH", "XE7438O073KYGTWWZN0F2WZ0R8PX5ZPPZS")


def test_every_form_that_is_accepted_is_one_of_an_account_that_was_written() -> None:
    """A form that somebody adds must be added to FORMS, and so to an account."""
    key = Random(1).randbytes(32)  # noqa: S311
    for name, chain in CHAINS.items():
        texts = [text for forms in forms_of(name, key) for text in forms]
        for place, form in enumerate(chain.forms):
            if (name, place) not in UNWRITTEN:
                assert any(form.matches(text) for text in texts), (name, place)


def test_prefix_must_name_a_main_network_on_which_the_currency_lives() -> None:
    for currency, address, reason in (
        ("ETH", f"matic:{VITALIK}", "network on which the currency does not live"),
        ("ETH", f"eip155:56:{VITALIK}", "network on which the currency does not live"),
        ("BTC", f"eth:{VITALIK}", "network on which the currency does not live"),
        ("USDT", f"sep:{VITALIK}", "test network"),
        ("USDC", f"eip155:11155111:{VITALIK}", "test network"),
        (
            "BTC",
            "bip122:000000000933ea01ad0ee984209779ba:mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn",
            "test",
        ),
        ("USDC", f"eip155:424242424:{VITALIK}", "no network that is known"),
        ("USDC", f"https://etherscan.io/address/{VITALIK}", "no network that is known"),
        ("USDT", f"tron:{VITALIK}", "not the beginning"),
        ("ETH", f"ethereum:{VITALIK}/transfer?address={VITALIK}", "request to call a contract"),
    ):
        with pytest.raises(InvalidAddress, match=reason):
            read_address(currency, address)


def test_malformed_address_says_why_and_is_not_repeated() -> None:
    segwit = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
    for currency, address, reason in (
        ("BTC", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb", "checksum"),
        ("BTC", f"{segwit[:-1]}5", "checksum"),
        ("BTC", segwit[:-1], "length is wrong: .* 42 or 62 characters, not 41"),
        ("BTC", segwit.replace("w5", "W5"), "case"),
        ("BTC", "1A1zP1eP5QGefi2DMPTfTL5SLmv7Div0Na", "character 32 "),
        ("BTC", segwit.replace("8d", "bd"), "character that bech32"),
        ("ETH", VITALIK[:-1], "length"),
        ("ETH", VITALIK.replace("dA6", "da6"), "EIP-55 checksum is wrong: .*case"),
        ("ETH", f"{VITALIK[:-1]}g", "character 42 "),
        ("ETH", VITALIK * 2, "length"),
        ("USDT", USDT_ON_TRON[:-1], "length"),
        ("USDT", f"{USDT_ON_TRON[:-1]}u", "checksum"),
        ("USDT", "tr7nhqjekqxgtci8q8zy4pk8otszgjkj6t", "checksum.* no capitals"),
        ("USDT", f"0x{'0' * 24}{VITALIK[2:]}", "filled up to 32 bytes"),
        ("USDC", f"0xa9059cbb{'0' * 24}{VITALIK[2:]}{'0' * 64}", "length"),
        ("USDT", "vitalik.eth", "a name"),
        ("XMR", XMR_INTEGRATED[:-1], "length"),
        ("XLM", "GA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJVSGA", "checksum"),
        ("XRP", "rGWrZyQqhTp9Xu7G5Pkayo7bXjH4k4QYpg", "checksum"),
        ("ZEC", "tex1s2rt77ggv6q989lr49rkgzmh5slsksa9khdgtf", "checksum"),
    ):
        with pytest.raises(InvalidAddress, match=reason) as caught:
            read_address(currency, address)
        assert address not in str(caught.value)
