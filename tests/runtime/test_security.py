"""Secrets: their form, their entropy, their storage, and what is refused without a query."""

import re
import zlib
from collections.abc import Iterator

import pytest

from app.runtime import security
from app.runtime.security import (
    BASE62,
    hash_password,
    hash_token,
    new_access_code,
    new_affiliate_code,
    new_api_key,
    new_id,
    new_session_token,
    password_matches,
    read_api_key,
    read_session_token,
    same_hash,
)
from tests.support.cases import each_case
from tests.support.passwords import real_passwords


@pytest.fixture(autouse=True)
def _real_passwords() -> Iterator[None]:
    with real_passwords():
        yield


def test_api_key_reads_back_as_its_prefix_and_the_hash_of_its_secret() -> None:
    key = new_api_key()
    assert re.fullmatch(r"assay_[A-Za-z0-9]{10}_[A-Za-z0-9]{38}", key.text)
    assert read_api_key(key.text) == (key.prefix, key.secret_hash)
    assert key.text.split("_")[1] == key.prefix


def test_stored_hash_of_a_key_is_not_made_of_anything_shown() -> None:
    key = new_api_key()
    assert len(key.secret_hash) == 32
    assert key.secret_hash != hash_token(key.text)
    assert key.secret_hash != hash_token(key.prefix)


def test_last_six_characters_of_a_key_are_its_crc32_in_base62() -> None:
    key = new_api_key()
    body, check = key.text[:-6], key.text[-6:]
    value = 0
    for digit in check:
        value = value * 62 + BASE62.index(digit)
    assert value == zlib.crc32(body.encode())


def test_any_wrong_character_of_a_key_is_found_by_its_checksum() -> None:
    text = new_api_key().text
    for place in range(len("assay_"), len(text)):
        if text[place] == "_":
            continue
        other = "x" if text[place] != "x" else "y"
        assert read_api_key(text[:place] + other + text[place + 1 :]) is None


@each_case("bend", [str.lower, str.upper, str.swapcase, lambda text: text + " "])
def test_bent_key_is_none(bend: object) -> None:
    assert callable(bend)
    assert read_api_key(bend(new_api_key().text)) is None


@each_case(
    "text", ["", "assay_", "x" * 10_000, "assay_é", "\x00", "assay_session_" + "a" * 43, "\ud800"]
)
def test_text_that_is_no_key_is_none(text: str) -> None:
    assert read_api_key(text) is None


def test_key_with_a_line_end_is_none() -> None:
    assert read_api_key(new_api_key().text + "\n") is None


def test_session_token_is_stored_as_the_hash_of_all_of_it() -> None:
    token = new_session_token()
    assert re.fullmatch(r"assay_session_[A-Za-z0-9]{43}", token)
    assert read_session_token(token) == hash_token(token)


@each_case("text", ["", "assay_session_", "assay_session_" + "a" * 44, "Bearer x"])
def test_text_that_is_no_session_token_is_none(text: str) -> None:
    assert read_session_token(text) is None


def test_hashes_are_compared_as_bytes() -> None:
    assert same_hash(hash_token("a"), hash_token("a"))
    assert not same_hash(hash_token("a"), hash_token("b"))
    assert not same_hash(hash_token("a"), b"")


def test_password_is_argon2id_with_owasp_cost() -> None:
    stored = hash_password("correct horse")
    assert stored.startswith("$argon2id$")
    cost = dict(part.split("=") for part in stored.split("$")[3].split(","))
    assert int(cost["m"]) >= 19 * 1024
    assert int(cost["t"]) >= 2
    assert int(cost["p"]) >= 1


def test_password_matches_its_own_hash_alone() -> None:
    stored = hash_password("correct horse")
    assert stored != hash_password("correct horse")
    assert password_matches("correct horse", stored)
    assert not password_matches("correct Horse", stored)


def test_unknown_user_costs_one_verification_and_never_matches(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    verified: list[str] = []

    class Always:
        def verify(self, _password: str, stored: str) -> bool:
            verified.append(stored)
            return True

    monkeypatch.setattr(security, "_passwords", Always())
    assert not password_matches("anything", None)
    assert len(verified) == 1


def test_codes_are_base62_of_the_agreed_length() -> None:
    assert re.fullmatch(r"[A-Za-z0-9]{16}", new_access_code())
    assert re.fullmatch(r"[A-Za-z0-9]{10}", new_affiliate_code())


@each_case("make", [new_access_code, new_session_token, new_affiliate_code])
def test_thousand_secrets_differ_and_use_the_whole_alphabet(make: object) -> None:
    assert callable(make)
    made = {make() for _ in range(1000)}
    assert len(made) == 1000
    assert set("".join(made)) >= set(BASE62)


def test_public_ids_sort_by_time_and_carry_random_characters(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    times = iter([1_700_000_000_000_000_000, 1_700_000_000_001_000_000, 4_000_000_000_000_000_000])
    monkeypatch.setattr("time.time_ns", lambda: next(times))
    ids = [new_id("ord") for _ in range(3)]
    assert ids == sorted(ids)
    for public_id in ids:
        assert re.fullmatch(r"ord_[A-Za-z0-9]{25}", public_id)
