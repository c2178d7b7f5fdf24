"""Receipts: one file for one answer, and no other byte of it."""

import base64
import hashlib
import json
from datetime import UTC, datetime
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.assessments.rules.receipts import (
    MAX_BYTES,
    FinishedAssessment,
    JsonObject,
    ReceiptRefused,
    SigningKey,
    VerifiedReceipt,
    canonical,
    content_of,
    key_id_of,
    new_key_text,
    sha256_of,
    signed,
    verify,
)
from tests.support.cases import each_case

# RFC 8032, section 7.1, tests 1 and 2.
SEED: Final = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
PUBLIC: Final = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
OTHER: Final = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
KEY: Final = SigningKey(SEED)
KEYS: Final = {KEY.key_id: KEY.public_key}
ANSWER: Final[JsonObject] = {
    "risk_score": "0.85",
    "grade": "severe",
    "evidence": [
        {
            "category": "sanctions",
            "source": "OFAC SDN",
            "source_date": "2025-11-19",
            "detail": 'a "name" of \\ two\nlines, Ünï, \u202e, 😀 \u007f',
            "share": "1",
            "weight": "0.85",
            "contribution": "0.85",
        }
    ],
    "provider": "sanctions",
    "provider_reference": None,
    "ruleset": "1",
    "sources": [{"name": "OFAC SDN", "issued": None, "sha256": "0" * 64, "entries": 760}],
    "address_form": "valid",
    "vendor": None,
}


def assessment(answer: JsonObject = ANSWER) -> FinishedAssessment:
    return FinishedAssessment(
        id="asm_00VbhnY6RLeQ2oZmgNCoZuaKC",
        assessment_type="address",
        address="12Cyjf3qV6qLyXdzpLSLPdRFPUVidvnzFM",
        currency="BTC",
        tx_hash=None,
        as_of=None,
        provider="sanctions",
        answer=answer,
        asked_at=datetime(2026, 1, 11, 12, 46, 1, tzinfo=UTC),
        answered_at=datetime(2026, 1, 11, 12, 46, 2, 500, tzinfo=UTC),
    )


RECEIPT: Final = signed(content_of(assessment()), KEY)
ANEW: Final = "it was saved anew: take the file as it was served"


def reason(receipt: bytes, keys: dict[str, bytes] | None = None) -> str:
    with pytest.raises(ReceiptRefused) as refused:
        verify(receipt, KEYS if keys is None else keys)
    return str(refused.value)


def resigned(content: JsonObject) -> bytes:
    """Sign whatever is given, in the one form that our own writer would give it."""
    return canonical({**content, "signature": KEY.sign(canonical(content))})


def test_a_receipt_says_what_was_asked_what_was_answered_by_whom_and_on_what() -> None:
    assert content_of(assessment()) == {
        "schema": "assay-receipt/1",
        "assessment_id": "asm_00VbhnY6RLeQ2oZmgNCoZuaKC",
        "question": {
            "assessment_type": "address",
            "address": "12Cyjf3qV6qLyXdzpLSLPdRFPUVidvnzFM",
            "currency": "BTC",
            "tx_hash": None,
            "as_of": None,
        },
        "answer": {
            "risk_score": "0.85",
            "grade": "severe",
            "evidence": ANSWER["evidence"],
            "address_form": "valid",
            "vendor": None,
        },
        "sources": ANSWER["sources"],
        "provider": {"name": "sanctions", "reference": None},
        "ruleset": "1",
        "asked_at": "2026-01-11T12:46:01Z",
        "answered_at": "2026-01-11T12:46:02.000500Z",
    }


def test_what_an_earlier_version_did_not_store_is_null() -> None:
    old = {
        name: ANSWER[name] for name in ("risk_score", "grade", "evidence", "provider", "sources")
    }
    content = content_of(assessment(old))

    assert content["provider"] == {"name": "sanctions", "reference": None}
    assert content["ruleset"] is None
    assert verify(signed(content, KEY), KEYS).content["answer"]["risk_score"] == "0.85"


def test_receipts_of_earlier_answers_are_the_bytes_that_the_program_of_their_day_gave() -> None:
    """Hashes of what the programs before `summary`, and before `looked_up`, signed."""
    later = {**ANSWER, "summary": "Sanctioned by OFAC", "opinions": [], "disagreement": False}
    for answer, then in (
        (ANSWER, "7244e6a4c6814cb88321781d891fc2836484bbdc1be4674b9072c979d896fe8a"),
        (later, "5505f30800489e0d5b887762b4e2d7d68b99e53c8be7a4b9c9e55bf214a60d37"),
    ):
        receipt = signed(content_of(assessment(answer)), KEY)
        assert sha256_of(receipt) == then
        assert "looked_up" not in verify(receipt, KEYS).content["answer"]


def test_a_receipt_verifies_with_the_public_key_alone() -> None:
    found = verify(RECEIPT, {key_id_of(PUBLIC): PUBLIC})

    content = {**content_of(assessment()), "key_id": KEY.key_id}
    assert found == VerifiedReceipt(content, KEY.key_id, hashlib.sha256(RECEIPT).hexdigest())
    assert sha256_of(RECEIPT) == found.sha256


def test_the_same_assessment_gives_the_same_bytes_under_the_same_key() -> None:
    backwards = dict(reversed(ANSWER.items()))

    assert signed(content_of(assessment(backwards)), SigningKey(SEED)) == RECEIPT
    assert signed(content_of(assessment()), SigningKey(OTHER)) != RECEIPT


def test_every_single_byte_counts() -> None:
    for place in range(len(RECEIPT)):
        for flip in (0x01, 0x20, 0x80, 0xFF):
            changed = bytearray(RECEIPT)
            changed[place] ^= flip
            assert reason(bytes(changed))


@settings(max_examples=300, deadline=None)
@given(
    place=st.integers(0, len(RECEIPT)),
    removed=st.integers(0, 3),
    added=st.binary(max_size=3),
)
def test_no_other_bytes_are_the_receipt(place: int, removed: int, added: bytes) -> None:
    changed = RECEIPT[:place] + added + RECEIPT[place + removed :]
    if changed != RECEIPT:
        assert reason(changed)


@each_case(
    "other",
    [
        pytest.param(RECEIPT + b"\n", id="a line end"),
        pytest.param(b" " + RECEIPT, id="a blank before"),
        pytest.param(b"\xef\xbb\xbf" + RECEIPT, id="a byte order mark"),
        pytest.param(RECEIPT.replace(b'":"', b'": "', 1), id="a blank within"),
        pytest.param(json.dumps(json.loads(RECEIPT), indent=1).encode(), id="indented"),
        pytest.param(json.dumps(json.loads(RECEIPT), separators=(",", ":")).encode(), id="escaped"),
        pytest.param(RECEIPT.replace(b"BTC", b"B\\u0054C", 1), id="an escape for a letter"),
        pytest.param(RECEIPT.replace(b"SDN", b"\\u0053DN", 1), id="another escape"),
        pytest.param(RECEIPT.replace(b"{", b'{"schema":"x",', 1), id="a name twice"),
        pytest.param(b'{"schema":"assay-receipt/1",' + RECEIPT[1:], id="the same name twice"),
        pytest.param(RECEIPT.replace(b":760", b":7.6e2", 1), id="a number written otherwise"),
        pytest.param(RECEIPT.replace(b":760", b":760.0", 1), id="a fraction"),
        pytest.param(RECEIPT.replace(b":760", b":-0", 1), id="minus nothing"),
        pytest.param(RECEIPT.replace(b":760", b":NaN", 1), id="not a number"),
        pytest.param(RECEIPT.replace(b":760", b":" + b"9" * 5000, 1), id="an endless number"),
        pytest.param(RECEIPT.replace(b":760", b":9007199254740992", 1), id="beyond 2^53"),
        pytest.param(b"[" * 100_000, id="deep"),
        pytest.param(b"", id="nothing"),
        pytest.param(b"[]", id="an array"),
        pytest.param(b"7", id="a number"),
        pytest.param(b"{}", id="an empty object"),
        pytest.param(b'{"signature":"\\ud800"}', id="half a character"),
        pytest.param(RECEIPT.ljust(MAX_BYTES + 1), id="huge"),
    ],
)
def test_what_json_would_not_mind_is_another_file(other: bytes) -> None:
    assert other != RECEIPT
    assert reason(other)


INDENTED: Final = json.dumps(json.loads(RECEIPT), ensure_ascii=False, indent=2)


@each_case(
    ("saved", "words"),
    [
        (RECEIPT + b"\n", "has a newline after the JSON"),
        (RECEIPT + b"\n\n", "has newlines after the JSON"),
        (RECEIPT + b"\r\n", "has a CRLF line end after the JSON"),
        (RECEIPT + b"  ", "has blanks after the JSON"),
        (b"\n" + RECEIPT, "has a newline before the JSON"),
        (b"\xef\xbb\xbf" + RECEIPT, "begins with a byte order mark"),
        (
            b"\xef\xbb\xbf" + RECEIPT + b"\r\n",
            "begins with a byte order mark and has a CRLF line end after the JSON",
        ),
        (INDENTED.encode(), "has newlines between the parts of the JSON"),
        (
            INDENTED.replace("\n", "\r\n").encode(),
            "has CRLF line ends between the parts of the JSON",
        ),
        (RECEIPT.replace(b'":"', b'": "'), "has blanks between the parts of the JSON"),
        (
            json.dumps(json.loads(RECEIPT), separators=(",", ":")).encode(),
            "writes a text or a number in another way",
        ),
    ],
)
def test_a_file_that_an_editor_saved_anew_is_refused_with_what_differs(
    saved: bytes, words: str
) -> None:
    assert reason(saved) == f"it {words}; {ANEW}"


@each_case(
    ("other", "words"),
    [
        (RECEIPT.decode().encode("utf-16"), f"it is UTF-16 and not UTF-8; {ANEW}"),
        (RECEIPT.replace(b"BTC", b"\xff", 1), "it is not UTF-8"),
        (b"", "it is empty"),
        (b" \r\n", "it is empty"),
        (b"<!doctype html>\n<html></html>", "it is a web page (HTML or XML), not JSON"),
        (b"404 Not Found", "it is not JSON"),
        (RECEIPT[:100], "it is not JSON: it ends in the middle"),
        (RECEIPT[:-1], "it is not JSON: it ends in the middle"),
        (RECEIPT + RECEIPT, "it has more after the JSON object"),
        (b"[]", "it is JSON, but not one object"),
        (
            b'{"detail":"Not found","code":"not_found","request_id":"x"}',
            "it is an error that the server answered, not a receipt",
        ),
        (b'{"keys":[]}', "it is a list of public keys, not a receipt"),
        (
            b'{"assessment_id":"asm_1","status":"ready"}',
            "it is the assessment and not its receipt, which /receipt gives",
        ),
        (
            RECEIPT.replace(b'"schema":', b'"schema":"a","schema":'),
            "it has the same name twice in one object",
        ),
    ],
)
def test_a_file_that_is_something_else_is_called_what_it_is(other: bytes, words: str) -> None:
    assert reason(other) == words


def test_a_receipt_without_its_signature_is_told_so() -> None:
    content = json.loads(RECEIPT)
    del content["signature"]

    assert reason(canonical(content)) == "it has no signature"


def test_order_of_names_counts() -> None:
    backwards = dict(reversed(json.loads(RECEIPT).items()))
    text = json.dumps(backwards, ensure_ascii=False, separators=(",", ":"))

    assert reason(text.encode()) == f"it has the names of an object in another order; {ANEW}"


def test_upper_case_digits_are_another_signature() -> None:
    content = json.loads(RECEIPT)
    loud = canonical({**content, "signature": content["signature"].upper()})

    assert reason(loud) == "it has no signature of 128 hexadecimal digits"


def test_a_changed_answer_is_told_apart_from_an_unknown_key() -> None:
    content = json.loads(RECEIPT)
    content["answer"]["risk_score"] = "0.01"

    assert reason(canonical(content)) == (
        "its signature is not that of its content: it was changed"
    )
    assert reason(RECEIPT, {}) == (
        "none of the keys has the id that it names: they are another server's, or older"
    )


def test_a_receipt_of_another_key_under_our_id_is_refused() -> None:
    content = json.loads(RECEIPT)
    del content["signature"]
    forged = canonical({**content, "signature": SigningKey(OTHER).sign(canonical(content))})

    assert "was changed" in reason(forged)


def test_a_signed_object_of_another_schema_is_no_receipt() -> None:
    content = {**content_of(assessment()), "key_id": KEY.key_id}

    assert verify(resigned(content), KEYS)
    assert reason(resigned({**content, "schema": "other/1"})) == (
        "it is not of the schema assay-receipt/1"
    )
    assert reason(resigned({**content, "schema": "assay-receipt/2"})) == (
        "it is of the schema assay-receipt/2, which is newer than this program, which knows"
        " assay-receipt/1: check it with a newer one"
    )


def test_a_receipt_of_a_replaced_key_stays_good() -> None:
    new = SigningKey(OTHER)

    assert verify(RECEIPT, {new.key_id: new.public_key, **KEYS}).key_id == KEY.key_id


# RFC 8785, sections 3.2.2.2 and 3.2.3.
def test_canonical_form_is_that_of_the_rfc() -> None:
    text = '€$\u000f\nA\'B"\\\\"/'
    assert canonical(text) == '"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"'.encode()
    names = {
        "\u20ac": "Euro Sign",
        "\r": "Carriage Return",
        "\ufb33": "Hebrew Letter Dalet With Dagesh",
        "1": "One",
        "\U0001f600": "Emoji: Grinning Face",
        "\u0080": "Control",
        "\u00f6": "Latin Small Letter O With Diaeresis",
    }
    assert [*json.loads(canonical(names))] == [
        "\r",
        "1",
        "\u0080",
        "\u00f6",
        "\u20ac",
        "\U0001f600",
        "\ufb33",
    ]
    assert canonical({"b": [True, None, -7], "a": {}}) == b'{"a":{},"b":[true,null,-7]}'


@each_case("value", [0.5, 1.0, 2**53, -(2**53), b"x", {"a": [0.5]}, (1, 2)])
def test_no_fraction_and_nothing_but_json_has_a_form(value: object) -> None:
    with pytest.raises(TypeError):
        canonical(value)


def test_keys_are_those_of_rfc_8032() -> None:
    assert KEY.public_key == PUBLIC
    assert KEY.sign(b"") == (
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
        "d25bf5f0595bbe24655141438e7a100b"
    )
    assert KEY.key_id == hashlib.sha256(PUBLIC).hexdigest()[:16]


def test_a_new_key_is_base64_of_32_bytes_and_never_the_same() -> None:
    one, other = new_key_text(), new_key_text()

    assert one != other
    assert len(base64.b64decode(one)) == 32
    assert SigningKey.from_text(one).key_id != SigningKey.from_text(other).key_id


@each_case("text", ["", "AAAA", "not base64", "A" * 44, "é" * 44, "A" * 43 + "=\n"])
def test_a_malformed_key_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(ValueError, match=r"^must be base64 of 32 bytes$"):
        SigningKey.from_text(text)
