"""Receipts: what a finished assessment said, as bytes that anybody can check, with no help of ours.

A receipt is one JSON object in the canonical form of RFC 8785 (names sorted, no blanks, one way
to write each text), so that there is one file for one answer. It holds no fractions: shares,
scores and amounts are decimal strings, and whole numbers stay within 2^53. The signature
(Ed25519, RFC 8032) is over the same object without its member `signature`.
"""

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final, NoReturn, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from app.assessments.rules import receipt_faults

SCHEMA: Final = "assay-receipt/1"
ALGORITHM: Final = "Ed25519"
KEY_BYTES: Final = 32
# The largest answer has some 10 kB; whatever is far beyond is no receipt.
MAX_BYTES: Final = 1024 * 1024
_MAX_INTEGER: Final = 2**53 - 1  # RFC 8785 follows JavaScript, which counts no further
_MAX_DIGITS: Final = 16
_SIGNATURE: Final = re.compile(r"[0-9a-f]{128}")
# What a stored answer says in other words than `answer`: these have places of their own.
_NOT_IN_ANSWER: Final = frozenset({"provider", "provider_reference", "ruleset", "sources"})

JsonObject = dict[str, Any]


class ReceiptRefused(ValueError):
    """Bytes are not a receipt that one of the keys signed; the message says why."""


@dataclass(frozen=True)
class FinishedAssessment:
    """An assessment with its answer, as it is stored.

    `changes` are what lists changed since: a receipt is of the answer, and does not say them.
    """

    id: str
    assessment_type: str
    address: str
    currency: str
    tx_hash: str | None
    as_of: date | None
    provider: str
    answer: JsonObject
    asked_at: datetime
    answered_at: datetime
    changes: Sequence[JsonObject] = ()


@dataclass(frozen=True)
class VerifiedReceipt:
    """What a receipt says, who signed it, and its SHA-256 in hexadecimal digits."""

    content: JsonObject
    key_id: str
    sha256: str


class SigningKey:
    """The private key of receipts."""

    def __init__(self, seed: bytes) -> None:
        """Take the 32 bytes that an Ed25519 key is made from. Raises ValueError for others."""
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self.public_key: Final = self._private.public_key().public_bytes_raw()
        self.key_id: Final = key_id_of(self.public_key)

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read a key as `new_key_text` writes it. Raises ValueError, without the text."""
        try:
            seed = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            raise ValueError(f"must be base64 of {KEY_BYTES} bytes") from None
        if len(seed) != KEY_BYTES:
            raise ValueError(f"must be base64 of {KEY_BYTES} bytes")
        return cls(seed)

    def sign(self, message: bytes) -> str:
        """Return the signature in hexadecimal digits; the same message gives the same one."""
        return self._private.sign(message).hex()


def new_key_text() -> str:
    """Make a private key: base64 of 32 random bytes."""
    return base64.b64encode(Ed25519PrivateKey.generate().private_bytes_raw()).decode()


def key_id_of(public_key: bytes) -> str:
    """Name a public key: the first 16 hexadecimal digits of its SHA-256."""
    return hashlib.sha256(public_key).hexdigest()[:16]


def sha256_of(receipt: bytes) -> str:
    """Return the hash that a report shows of a receipt, in hexadecimal digits."""
    return hashlib.sha256(receipt).hexdigest()


def content_of(assessment: FinishedAssessment) -> JsonObject:
    """Return what a receipt says of an assessment, unsigned. What was not stored is null."""
    answer = assessment.answer
    return {
        "schema": SCHEMA,
        "assessment_id": assessment.id,
        "question": {
            "assessment_type": assessment.assessment_type,
            "address": assessment.address,
            "currency": assessment.currency,
            "tx_hash": assessment.tx_hash,
            "as_of": assessment.as_of.isoformat() if assessment.as_of else None,
        },
        "answer": {name: said for name, said in answer.items() if name not in _NOT_IN_ANSWER},
        "sources": answer.get("sources", []),
        "provider": {"name": assessment.provider, "reference": answer.get("provider_reference")},
        "ruleset": answer.get("ruleset"),
        "asked_at": _time(assessment.asked_at),
        "answered_at": _time(assessment.answered_at),
    }


def signed(content: JsonObject, key: SigningKey) -> bytes:
    """Return the receipt: the same content and key give the same bytes."""
    named = {**content, "key_id": key.key_id}
    return canonical({**named, "signature": key.sign(canonical(named))})


def verify(receipt: bytes, keys: Mapping[str, bytes]) -> VerifiedReceipt:
    """Return what a receipt says if one of the public keys, by their ids, signed these very bytes.

    Raises ReceiptRefused.
    """
    content = _read(receipt)
    if "signature" not in content:
        raise ReceiptRefused("it has no signature")
    signature = content.pop("signature")
    if not isinstance(signature, str) or not _SIGNATURE.fullmatch(signature):
        raise ReceiptRefused("it has no signature of 128 hexadecimal digits")
    key_id = content.get("key_id")
    if not isinstance(key_id, str) or key_id not in keys:
        raise ReceiptRefused(
            "none of the keys has the id that it names: they are another server's, or older"
        )
    try:
        Ed25519PublicKey.from_public_bytes(keys[key_id]).verify(
            bytes.fromhex(signature), canonical(content)
        )
    except InvalidSignature:
        raise ReceiptRefused("its signature is not that of its content: it was changed") from None
    return VerifiedReceipt(content, key_id, sha256_of(receipt))


def canonical(value: object) -> bytes:
    """Write JSON as RFC 8785 does. Raises TypeError or ValueError for what has no such form."""
    text = json.dumps(_sorted(value), ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8")


def _sorted(value: object) -> object:
    """Return the value with the names of its objects in the order of their UTF-16 code units."""
    match value:
        case dict():
            names = sorted(value, key=lambda name: name.encode("utf-16-be"))
            return {name: _sorted(value[name]) for name in names}
        case list():
            return [_sorted(part) for part in value]
        case bool() | str() | None:
            return value
        case int() if abs(value) <= _MAX_INTEGER:
            return value
        case _:
            raise TypeError(f"a receipt holds no {type(value).__name__} like this")


def _read(receipt: bytes) -> JsonObject:
    """Return the object of our schema that is all of the bytes, written canonically.

    Raises ReceiptRefused.
    """
    if len(receipt) > MAX_BYTES:
        raise ReceiptRefused(f"it has more than {MAX_BYTES} bytes")
    try:
        text = receipt_faults.without_mark(receipt).decode("utf-8")
        content = _DECODER.decode(text)
        if not isinstance(content, dict):
            raise ReceiptRefused("it is JSON, but not one object")
        if content.get("schema") != SCHEMA:
            raise ReceiptRefused(receipt_faults.of_another_kind(content, SCHEMA))
        wanted = canonical(content)
    except UnicodeDecodeError:
        raise ReceiptRefused(receipt_faults.of_no_text(receipt)) from None
    except json.JSONDecodeError as fault:
        raise ReceiptRefused(receipt_faults.of_no_json(text, fault)) from None
    except RecursionError:
        raise ReceiptRefused("it is nested deeper than any receipt") from None
    except (UnicodeEncodeError, TypeError):
        raise ReceiptRefused("it has a text or a number that no receipt has") from None
    if wanted != receipt:
        raise ReceiptRefused(receipt_faults.of_other_bytes(receipt, content, wanted))
    return dict(content)


def _unique(pairs: list[tuple[str, Any]]) -> JsonObject:
    names = dict(pairs)
    if len(names) != len(pairs):
        raise ReceiptRefused("it has the same name twice in one object")
    return names


def _refuse_number(_digits: str) -> NoReturn:
    raise ReceiptRefused("it has a number that is not whole")


def _integer(digits: str) -> int:
    if len(digits) > _MAX_DIGITS + 1:  # a sign, too
        raise ReceiptRefused("it has a number that is too large")
    return int(digits)


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_unique,
    parse_float=_refuse_number,
    parse_int=_integer,
    parse_constant=_refuse_number,
)


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
