"""The merchant's wallet: addresses as the BIPs publish them, one wallet per key, no private key."""

import hashlib

import pytest
from Crypto.Hash import RIPEMD160
from hypothesis import given
from hypothesis import strategies as st

from app.addresses import (
    AddressForm,
    BitcoinNetwork,
    bitcoin_network,
    canonical_bitcoin_address,
    check_address,
    encode_base58check,
)
from app.addresses.base58 import decode_base58check
from app.addresses.bech32 import decode_segwit
from app.orders.wallet.wallet import MAX_INDEX, Wallet, WalletRefused
from tests.orders.wallet.keys import BIP32_XPRV, BIP84_ZPUB, BIP86_XPUB, spelled
from tests.support.cases import each_case

BIP84_XPUB = spelled(BIP84_ZPUB, "xpub")
ORIGIN = "[73c5da0a/84'/0'/0']"
SEED_WORDS = f"{'abandon ' * 11}about"


def wallet(text: str) -> Wallet:
    return Wallet.from_text(text)


def witness_program(address: str) -> bytes:
    return decode_segwit(address)[2]


def refusal(text: str) -> str:
    with pytest.raises(WalletRefused) as refused:
        wallet(text)
    return str(refused.value)


# --- the published vectors ---


def test_bip84_vectors() -> None:
    account = wallet(BIP84_ZPUB)
    assert account.address(0) == "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu"
    assert account.address(1) == "bc1qnjg0jd8228aq7egyzacy8cys3knf9xvrerkf9g"
    # the change branch, whose addresses are never given to anybody
    assert account.is_own("bc1q8c6fshw2dlwun7ekn9qwf37cu2rn755upcp6el", range(1))


def test_bip86_vectors() -> None:
    account = wallet(f"tr({BIP86_XPUB}/0/*)")
    assert account.address(0) == "bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr"
    assert account.address(1) == "bc1p4qhjn9zdvkux4e44uhx8tc55attvtyu358kutcqkudyccelu0was9fqzwh"
    change = "bc1p3qkhfews2uk44qtvauqyr2ttdsw7svhkl9nkm9s9c3x4ax5h60wqwruhk7"
    assert account.is_own(change, range(1))
    assert not account.is_own(change, range(1, 5))


# BIP 32: a key, the number of a child that is not hardened, and the child's key.
BIP32_CHILDREN = [
    pytest.param(
        "xpub68Gmy5EdvgibQVfPdqkBBCHxA5htiqg55crXYuXoQRKfDBFA1WEjWgP6LHhwBZeNK1VTsfTFUHCdrfp1bgwQ9xv5ski8PX9rL2dZXvgGDnw",
        1,
        "xpub6ASuArnXKPbfEwhqN6e3mwBcDTgzisQN1wXN9BJcM47sSikHjJf3UFHKkNAWbWMiGj7Wf5uMash7SyYq527Hqck2AxYysAA7xmALppuCkwQ",
        id="vector 1, m/0H/1",
    ),
    pytest.param(
        "xpub6D4BDPcP2GT577Vvch3R8wDkScZWzQzMMUm3PWbmWvVJrZwQY4VUNgqFJPMM3No2dFDFGTsxxpG5uJh7n7epu4trkrX7x7DogT5Uv6fcLW5",
        2,
        "xpub6FHa3pjLCk84BayeJxFW2SP4XRrFd1JYnxeLeU8EqN3vDfZmbqBqaGJAyiLjTAwm6ZLRQUMv1ZACTj37sR62cfN7fe5JnJ7dh8zL4fiyLHV",
        id="vector 1, m/0H/1/2H/2",
    ),
    pytest.param(
        "xpub6FHa3pjLCk84BayeJxFW2SP4XRrFd1JYnxeLeU8EqN3vDfZmbqBqaGJAyiLjTAwm6ZLRQUMv1ZACTj37sR62cfN7fe5JnJ7dh8zL4fiyLHV",
        1000000000,
        "xpub6H1LXWLaKsWFhvm6RVpEL9P4KfRZSW7abD2ttkWP3SSQvnyA8FSVqNTEcYFgJS2UaFcxupHiYkro49S8yGasTvXEYBVPamhGW6cFJodrTHy",
        id="vector 1, m/0H/1/2H/2/1000000000",
    ),
    pytest.param(
        "xpub661MyMwAqRbcFW31YEwpkMuc5THy2PSt5bDMsktWQcFF8syAmRUapSCGu8ED9W6oDMSgv6Zz8idoc4a6mr8BDzTJY47LJhkJ8UB7WEGuduB",
        0,
        "xpub69H7F5d8KSRgmmdJg2KhpAK8SR3DjMwAdkxj3ZuxV27CprR9LgpeyGmXUbC6wb7ERfvrnKZjXoUmmDznezpbZb7ap6r1D3tgFxHmwMkQTPH",
        id="vector 2, m/0",
    ),
]


@each_case(("parent", "number", "child"), BIP32_CHILDREN)
def test_bip32_vectors_of_public_derivation(parent: str, number: int, child: str) -> None:
    public_key = decode_base58check(child)[-33:]
    expected = RIPEMD160.new(hashlib.sha256(public_key).digest()).digest()
    assert witness_program(wallet(f"wpkh({parent}/*)").address(number)) == expected
    if number != 1:  # of a change branch there is no wallet
        deeper = wallet(f"wpkh({parent}/{number}/*)")
        assert deeper.address(7) == wallet(f"wpkh({child}/*)").address(7)


# BIP 32, test vector 5: public keys that are none.
@each_case(
    "key",
    [
        "xpub661MyMwAqRbcEYS8w7XLSVeEsBXy79zSzH1J8vCdxAZningWLdN3zgtU6LBpB85b3D2yc8sfvZU521AAwdZafEz7mnzBBsz4wKY5fTtTQBm",
        "xpub661MyMwAqRbcEYS8w7XLSVeEsBXy79zSzH1J8vCdxAZningWLdN3zgtU6Txnt3siSujt9RCVYsx4qHZGc62TG4McvMGcAUjeuwZdduYEvFn",
        "xpub661MyMwAqRbcEYS8w7XLSVeEsBXy79zSzH1J8vCdxAZningWLdN3zgtU6N8ZMMXctdiCjxTNq964yKkwrkBJJwpzZS4HS2fxvyYUA4q2Xe4",
        "xpub661MyMwAqRbcEYS8w7XLSVeEsBXy79zSzH1J8vCdxAZningWLdN3zgtU6Q5JXayek4PRsn35jii4veMimro1xefsM58PgBMrvdYre8QyULY",
        "xpub661no6RGEX3uJkY4bNnPcw4URcQTrSibUZ4NqJEw5eBkv7ovTwgiT91XX27VbEXGENhYRCf7hyEbWrR3FewATdCEebj6znwMfQkhRYHRLpJ",
        "xpub661MyMwAuDcm6CRQ5N4qiHKrJ39Xe1R1NyfouMKTTWcguwVcfrZJaNvhpebzGerh7gucBvzEQWRugZDuDXjNDRmXzSZe4c7mnTK97pTvGS8",
    ],
)
def test_bip32_vectors_of_invalid_keys_are_refused(key: str) -> None:
    assert "key" in refusal(key)


# --- one wallet, however it is spelled ---


@each_case(
    "text",
    [
        BIP84_ZPUB,
        BIP84_XPUB,
        f"  {BIP84_XPUB}\n",
        f"wpkh({BIP84_XPUB}/0/*)",
        f"wpkh({BIP84_XPUB}/0/*)#kj7aqcx6",
        f"wpkh({BIP84_XPUB}/<0;1>/*)",
        f"wpkh({ORIGIN}{BIP84_XPUB}/0/*)",
        f"wpkh({ORIGIN.replace(chr(39), 'h')}{BIP84_XPUB}/<0;1>/*)",
    ],
)
def test_all_spellings_are_one_wallet(text: str) -> None:
    assert wallet(text) == wallet(f"wpkh({BIP84_XPUB}/0/*)")
    assert wallet(text).descriptor == f"wpkh({BIP84_XPUB}/0/*)#kj7aqcx6"
    assert wallet(text).wallet_id == wallet(BIP84_ZPUB).wallet_id


def test_vpub_and_tpub_are_one_wallet_on_testnet() -> None:
    tpub, vpub = spelled(BIP84_ZPUB, "tpub"), spelled(BIP84_ZPUB, "vpub")
    assert wallet(vpub) == wallet(tpub) == wallet(f"wpkh({tpub}/0/*)")
    assert wallet(tpub).network is BitcoinNetwork.TESTNET
    assert witness_program(wallet(tpub).address(5)) == witness_program(
        wallet(BIP84_ZPUB).address(5)
    )


def test_different_wallets_have_different_ids() -> None:
    texts = [
        BIP84_XPUB,
        BIP86_XPUB,
        spelled(BIP84_ZPUB, "tpub"),
        f"tr({BIP84_XPUB}/0/*)",
        f"wpkh({BIP84_XPUB}/2/*)",
        f"wpkh({BIP84_XPUB}/*)",
    ]
    assert len({wallet(text).wallet_id for text in texts}) == len(texts)


def test_wallet_id_does_not_depend_on_what_a_key_says_of_its_parent() -> None:
    raw = decode_base58check(BIP84_XPUB)
    orphan = encode_base58check(raw[:4], bytes(9) + raw[13:])
    assert orphan != BIP84_XPUB
    assert wallet(orphan).wallet_id == wallet(BIP84_XPUB).wallet_id


# --- addresses ---

WALLETS = [
    wallet(f"{kind}({key}/0/*)")
    for kind in ("wpkh", "tr")
    for key in (BIP84_XPUB, BIP86_XPUB, spelled(BIP84_ZPUB, "tpub"))
]


@given(of=st.sampled_from(WALLETS), index=st.integers(0, MAX_INDEX))
def test_every_address_is_one_of_its_network_in_its_one_spelling(of: Wallet, index: int) -> None:
    address = of.address(index)
    assert check_address("BTC", address) is AddressForm.VALID
    assert bitcoin_network(address) is of.network
    assert canonical_bitcoin_address(address) == address


@given(of=st.sampled_from(WALLETS), indexes=st.sets(st.integers(0, MAX_INDEX), max_size=20))
def test_different_indexes_have_different_addresses(of: Wallet, indexes: set[int]) -> None:
    assert len({of.address(index) for index in indexes}) == len(indexes)


@each_case("of", WALLETS)
def test_last_index_has_an_address_and_those_beyond_have_none(of: Wallet) -> None:
    assert bitcoin_network(of.address(MAX_INDEX)) is of.network
    for index in (-1, MAX_INDEX + 1):
        with pytest.raises(ValueError, match="from 0 to 2147483647"):
            of.address(index)


# --- what is refused ---

PRIVATE_KEYS = [
    BIP32_XPRV,
    *(
        spelled(BIP32_XPRV, prefix)
        for prefix in ("yprv", "zprv", "Zprv", "tprv", "uprv", "vprv", "Vprv")
    ),
    f"wpkh({BIP32_XPRV}/0/*)",
    f"tr([73c5da0a/86'/0'/0']{spelled(BIP32_XPRV, 'tprv')}/<0;1>/*)#aaaaaaaa",
    f"wsh(multi(1,{BIP84_XPUB},{BIP32_XPRV}))",
    BIP32_XPRV[:-1] + "z",
    BIP32_XPRV.upper(),
    "KyZpNDKnfs94vbrwhJneDi77V6jF64PWPF8x5cdJb8ifgg2DUc9d",  # WIF, from BIP 84
    "5KYZdUEo39z3FPrtuX2QbbwGnNP5zTd7yyr2SC1j299sBCnWjss",  # WIF, not compressed
    "cVt4o7BGAig1UXywgGSmARhxMdzP5qvQsxKkSsc1XEkw3tDTQFpy",  # WIF, testnet
    "wpkh(KyZpNDKnfs94vbrwhJneDi77V6jF64PWPF8x5cdJb8ifgg2DUc9d)",
    "6PRVWUbkzzsbcVac2qwfssoUJAN1Xhrg6bNk8J7Nzm5H7kxEbn2Nh2ZoGg",  # BIP 38
    "e8f32e723decf4051aefac8e2c93c9c5b214313817cdb01a1494b917c8436b35",
    SEED_WORDS,
    f" {SEED_WORDS.upper()}\n",
    SEED_WORDS.replace(" ", ", "),
    "\u3000".join(["あいこくしん"] * 12),
]


@each_case("text", PRIVATE_KEYS)
def test_private_key_is_refused_by_its_own_sentence(text: str) -> None:
    assert refusal(text) == (
        "holds a private key or seed words, which can spend: Assay takes public keys only"
    )


NOT_A_SINGLE_KEY_OF_A_RANGE = [
    "",
    "xpub",
    "12Cyjf3qV6qLyXdzpLSLPdRFPUVidvnzFM",
    "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu",
    *(spelled(BIP84_ZPUB, prefix) for prefix in ("ypub", "Zpub", "upub", "Vpub")),
    f"wpkh({BIP84_ZPUB}/0/*)",
    f"wpkh({BIP84_XPUB})",
    f"tr({BIP84_XPUB})",
    f"wpkh({BIP84_XPUB}/0/5)",
    f"wpkh({BIP84_XPUB}/0/*')",
    f"wpkh({BIP84_XPUB}/0'/*)",
    f"wpkh({BIP84_XPUB}/0h/*)",
    f"wpkh({BIP84_XPUB}/00/*)",
    f"wpkh({BIP84_XPUB}/*/0)",
    f"wpkh({BIP84_XPUB}/<0;1;2>/*)",
    f"pkh({BIP84_XPUB}/0/*)",
    f"sh(wpkh({BIP84_XPUB}/0/*))",
    f"wsh(multi(1,{BIP84_XPUB}/0/*,{BIP86_XPUB}/0/*))",
    f"tr({BIP84_XPUB}/0/*,pk({BIP86_XPUB}/0/*))",
    "wpkh(02e9634f19b165239105436a5c17e3371901c5651581452a329978747474747474)",
    f"{BIP84_XPUB}/0/*",
    f"wpkh({BIP84_XPUB}/0/*) and more",
]


@each_case("text", NOT_A_SINGLE_KEY_OF_A_RANGE)
def test_anything_but_one_key_with_a_range_is_refused_with_what_is_allowed(text: str) -> None:
    assert refusal(text).startswith("must be wpkh(KEY/0/*) or tr(KEY/0/*)")


def child_of_account(number: int) -> str:
    """Return the account's key as if it were its child of this number (BIP 32: depth 4)."""
    raw = decode_base58check(BIP84_XPUB)
    return encode_base58check(raw[:4], b"\x04" + raw[5:9] + number.to_bytes(4, "big") + raw[13:])


def test_change_branch_is_refused_however_it_is_said() -> None:
    change_key = child_of_account(1)
    for text in (
        f"wpkh({BIP84_XPUB}/1/*)",
        f"tr({BIP86_XPUB}/1/*)",
        f"wpkh({BIP84_XPUB}/<1;0>/*)",
        f"wpkh({BIP84_XPUB}/<1;2>/*)",
        f"wpkh({ORIGIN}{BIP84_XPUB}/1/*)",
        f"wpkh({BIP84_XPUB}/0/1/*)",
        f"wpkh({change_key}/*)",
        f"wpkh([73c5da0a/84h/0h/0h/1]{change_key}/*)",
        change_key,
        spelled(change_key, "zpub"),
    ):
        assert "change branch" in refusal(text), text
    wallet(f"wpkh({child_of_account(0)}/*)")
    assert "one branch" in refusal(child_of_account(0))


def test_refusal_names_its_reason() -> None:
    ypub, zpub_multi = spelled(BIP84_ZPUB, "ypub"), spelled(BIP84_ZPUB, "Zpub")
    x = BIP84_XPUB
    for text, word in (
        (f"wsh(sortedmulti(2,{x}/0/*,{BIP86_XPUB}/0/*))", "multisig"),
        (f"sh(wsh(multi(1,{x}/0/*,{BIP86_XPUB}/0/*)))", "multisig"),
        (f"tr({x}/0/*,multi_a(1,{BIP86_XPUB}/0/*))", "multisig"),
        (zpub_multi, "multisig"),
        (spelled(BIP84_ZPUB, "Vpub"), "multisig"),
        (ypub, "ypub"),
        (spelled(BIP84_ZPUB, "upub"), "upub"),
        (f"sh(wpkh({x}/0/*))", "sh(wpkh)"),
        (f"pkh({x}/0/*)", "P2PKH"),
        (f"combo({x}/0/*)", "combo"),
        ("addr(bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu)", "single address"),
        ("bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu", "single address"),
        ("raw(0014c0cebcd6c3d3ca8c75dc5ec62ebe55330ef910e2)", "single script"),
        (f"wsh(pk({x}/0/*))", "script"),
        (f'{{"descriptors": [{{"desc": "wpkh({x}/0/*)"}}]}}', "JSON"),
        (f'[{{"desc": "wpkh({x}/0/*)#kj7aqcx6"}}]', "JSON"),
        (f'"wpkh({x}/0/*)"', "quotes"),
        (f"wpkh({BIP84_ZPUB}/0/*)", "xpub or tpub"),
        (f"wpkh({x}/0'/*)", "hardened"),
        (f"wpkh({x}/0/*h)", "hardened"),
        (f"wpkh({x}/0)", "wildcard"),
        (f"wpkh({x})", "wildcard"),
        (f"wpkh({x}/*/0)", "* must"),
        (f"wpkh({x}/<0;1;2>/*)", "two branches"),
        (f"{x}/0/*", "wpkh( )"),
        (f"wpkh({x}/0/*", "parenthesis"),
        (f"WPKH({x}/0/*)", "small letters"),
        (f"wpkh([73c5da0a/84'/]{x}/0/*)", "origin"),
        (f"wpkh({x}/0/*)\nwpkh({x}/2/*)", "several lines"),
        (f"tr({x}/0/*,pk({BIP86_XPUB}/0/*))", "tree"),
        ("wpkh(02e9634f19b165239105436a5c17e3371901c5651581452a329978747474747474)", "one key"),
        (f"wpkh({x}/0/*)#kj7aqcx7", "checksum"),
    ):
        reason = refusal(text)
        assert word in reason, (text, reason)
        assert x[4:] not in reason


def test_only_a_lone_xpub_or_tpub_leaves_its_kind_to_be_assumed() -> None:
    assert wallet(BIP84_XPUB).kind_assumed
    assert wallet(spelled(BIP84_ZPUB, "tpub")).kind_assumed
    for text in (BIP84_ZPUB, spelled(BIP84_ZPUB, "vpub"), f"wpkh({BIP84_XPUB}/0/*)"):
        assert not wallet(text).kind_assumed


@each_case("checksum", ["", "kj7aqcx7", "KJ7AQCX6", "kj7aqcx6x"])
def test_wrong_checksum_is_refused(checksum: str) -> None:
    assert "checksum is wrong" in refusal(f"wpkh({BIP84_XPUB}/0/*)#{checksum}")


@pytest.mark.parametrize("key", [BIP84_ZPUB, BIP84_XPUB])
def test_mistyped_key_is_refused(key: str) -> None:
    mistyped = f"{key[:50]}{'2' if key[50] != '2' else '3'}{key[51:]}"
    assert refusal(mistyped).startswith("its key is mistyped")
    assert refusal(f"tr({mistyped.replace('zpub', 'xpub')}/0/*)").startswith("its key is mistyped")


@each_case("path", ["2147483648/*", "<2147483648;0>/*", "<0;1>/<0;1>/*"])
def test_path_that_public_keys_cannot_take_is_refused(path: str) -> None:
    assert "path" in refusal(f"wpkh({BIP84_XPUB}/{path})")


@given(st.text())
def test_any_other_text_is_refused_and_not_repeated(text: str) -> None:
    assert len(text) < 8 or text not in refusal(text)


@each_case("text", [*PRIVATE_KEYS, *NOT_A_SINGLE_KEY_OF_A_RANGE[1:]])
def test_no_refusal_repeats_the_text_or_its_key(text: str) -> None:
    reason = refusal(text)
    assert text not in reason or text == "xpub"
    assert "xpub6" not in reason
    assert "xprv9" not in reason


def test_a_wallet_does_not_show_its_key_when_printed() -> None:
    shown = repr(wallet(BIP84_ZPUB))
    assert "pub" not in shown
    assert wallet(BIP84_ZPUB).wallet_id in shown
