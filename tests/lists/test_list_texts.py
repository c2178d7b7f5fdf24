"""What lists write where an address is meant: cleaned, parted, or left to be reported."""

from typing import Final

from app.lists.rules.list_texts import addresses_in, can_be_asked

SATOSHI: Final = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"
P2SH: Final = "3P14159f73E4gFr7JterCCQh9QjiTjiZrG"
EVM: Final = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"


def test_what_stands_around_or_inside_an_address_is_taken_out() -> None:
    for text in (
        SATOSHI,
        f"\ufeff{SATOSHI}",
        "1A1z\u200bP1eP5QGefi2DMPTfTL5SLmv7DivfNa\u200b",
        "1A1zP1eP5QGefi2D\u00adMPTfTL5SLmv7DivfNa",
        f"\u00a0{SATOSHI}\u2060",
        "1A1zP1eP5QGefi2D MPTfTL5SLmv7DivfNa",
        "1A1zP1eP5QGefi2D\n   MPTfTL5SLmv7DivfNa",
        f"{SATOSHI},",
        f"{SATOSHI} ;",
        f'"{SATOSHI}",',
        f"\u201c{SATOSHI}\u201d",
        f"'{SATOSHI}'",
        "".join(chr(ord(one) + 0xFEE0) for one in SATOSHI),  # full-width forms
    ):
        assert addresses_in("XBT", text) == (SATOSHI,), ascii(text)


def test_words_beside_an_address_are_left_out_and_a_second_one_that_is_wrong_stays() -> None:
    for text in (
        f"{SATOSHI} (Bitcoin)",
        f"BTC: {SATOSHI}",
        f"{SATOSHI}, a wallet",
        f"\u2022 {SATOSHI}",
        f"1. {SATOSHI}",
    ):
        assert addresses_in("XBT", text) == (SATOSHI,), text
    wrong = f"{P2SH[:-1]}x"
    for between in (", ", " "):
        assert addresses_in("XBT", f"{SATOSHI}{between}{wrong}") == (SATOSHI, wrong)


def test_two_addresses_in_one_field_are_two() -> None:
    for between in (", ", ",", ";", " ; ", " ", "\n", " and ", " / ", "/", " | ", "\u00a0"):
        assert addresses_in("XBT", f"{SATOSHI}{between}{P2SH}") == (SATOSHI, P2SH), between
    assert addresses_in("USDT", f"{EVM}; TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t") == (
        EVM,
        "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t",
    )


def test_bare_hexadecimal_digits_get_their_prefix_where_the_asset_has_such_addresses() -> None:
    assert addresses_in("ETH", EVM[2:].lower()) == (EVM.lower(),)
    assert addresses_in("ETH", EVM[2:]) == (EVM,)
    assert addresses_in("NEWCOIN", "00" * 32) == ("00" * 32,)


def test_what_cannot_be_read_stays_and_cannot_be_asked_for() -> None:
    for text in ("1A1zP1eP5QGefi2D MPTfTL5SLmv7DivfNb", "\u0410BC", "a b", "1A1z\u2713"):
        (left,) = addresses_in("XBT", text)
        assert not can_be_asked(left)
    assert can_be_asked(SATOSHI)
    assert can_be_asked(f"bitcoincash:{SATOSHI}")


def test_forms_with_signs_of_their_own_stay_whole() -> None:
    ton = "EQDtFpEwcFAEcRe5mLVh2N6C0x-_hJEM7W61_JLnSF74p4q2"
    raw = "0:" + "ab" * 32
    for text in (ton, ton.replace("-", "+").replace("_", "/"), raw, f"bitcoincash:q{'p' * 41}"):
        assert addresses_in("TON", text) == (text,)
