"""Making, hashing and comparing secrets: passwords, API keys, session tokens, public ids.

Passwords are argon2id. Keys and tokens are random enough (at least 160 bits) for a plain SHA-256.
"""

import hashlib
import hmac
import re
import secrets
import time
import zlib
from dataclasses import dataclass
from typing import Final

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

BASE62: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
ACCESS_CODE_LENGTH: Final = 16
ACCESS_CODE_PATTERN: Final = re.compile(r"[A-Za-z0-9]{16}", re.ASCII)
AFFILIATE_CODE_LENGTH: Final = 10
PASSWORD_MIN_LENGTH: Final = 8
PASSWORD_MAX_LENGTH: Final = 256

ORDER_ID_PATTERN: Final = re.compile(r"ord_[A-Za-z0-9]{25}", re.ASCII)
ASSESSMENT_ID_PATTERN: Final = re.compile(r"asm_[A-Za-z0-9]{25}", re.ASCII)
WEBHOOK_ENDPOINT_ID_PATTERN: Final = re.compile(r"whe_[A-Za-z0-9]{25}", re.ASCII)
WEBHOOK_DELIVERY_ID_PATTERN: Final = re.compile(r"whd_[A-Za-z0-9]{25}", re.ASCII)
KEY_PREFIX_PATTERN: Final = re.compile(r"[A-Za-z0-9]{10}", re.ASCII)
_KEY_PATTERN: Final = re.compile(
    r"assay_(?P<prefix>[A-Za-z0-9]{10})_(?P<secret>[A-Za-z0-9]{32})(?P<check>[A-Za-z0-9]{6})",
    re.ASCII,
)
_TOKEN_LENGTH: Final = 43  # 43 characters of base62 carry 256 bits
_TOKEN_PATTERN: Final = re.compile(r"assay_session_[A-Za-z0-9]{43}", re.ASCII)
_PAGE_TOKEN_PATTERN: Final = re.compile(r"[A-Za-z0-9]{43}", re.ASCII)
# OWASP's minimum is 19 MiB, 2 passes, 1 lane (ASVS 5.0, 11.4.2).
_passwords = PasswordHash((Argon2Hasher(memory_cost=19 * 1024, time_cost=2, parallelism=1),))
_UNKNOWN_PASSWORD_HASH: Final = _passwords.hash(secrets.token_urlsafe(32))


@dataclass(frozen=True)
class ApiKey:
    """A new API key: `text` is shown once, `prefix` finds it, `secret_hash` is stored."""

    text: str
    prefix: str
    secret_hash: bytes


def _random_base62(length: int) -> str:
    return _base62(secrets.randbelow(len(BASE62) ** length), length)  # one look at the system's


def _base62(number: int, length: int) -> str:
    digits = ""
    while len(digits) < length:
        number, digit = divmod(number, 62)
        digits = BASE62[digit] + digits
    return digits


def _key_checksum(prefix: str, secret: str) -> str:
    return _base62(zlib.crc32(f"assay_{prefix}_{secret}".encode()), 6)


def new_api_key(prefix: str | None = None) -> ApiKey:
    """Make an API key: `assay_<prefix>_<secret><checksum>`; the secret carries 190 bits.

    With a prefix it is a new secret of the key that has it.
    """
    prefix, secret = prefix or _random_base62(10), _random_base62(32)
    text = f"assay_{prefix}_{secret}{_key_checksum(prefix, secret)}"
    return ApiKey(text=text, prefix=prefix, secret_hash=hash_token(secret))


def read_api_key(text: str) -> tuple[str, bytes] | None:
    """Split a presented key into its prefix and the hash of its secret.

    None when it has not the form of a key or its checksum is wrong: such a key costs no query.
    """
    match = _KEY_PATTERN.fullmatch(text)
    if match is None or match["check"] != _key_checksum(match["prefix"], match["secret"]):
        return None
    return match["prefix"], hash_token(match["secret"])


def new_session_token() -> str:
    """Make an opaque bearer token of 256 random bits."""
    return f"assay_session_{_random_base62(_TOKEN_LENGTH)}"


def read_session_token(text: str) -> bytes | None:
    """Return the hash under which a presented session token is stored; None if malformed."""
    return hash_token(text) if _TOKEN_PATTERN.fullmatch(text) else None


def new_page_token() -> str:
    """Make the token of a link to a page, of 256 random bits."""
    return _random_base62(_TOKEN_LENGTH)


def read_page_token(text: str) -> bytes | None:
    """Return the hash under which the token of a link is stored; None if malformed."""
    return hash_token(text) if _PAGE_TOKEN_PATTERN.fullmatch(text) else None


def hash_token(token: str) -> bytes:
    """Hash a random secret for storage."""
    return hashlib.sha256(token.encode()).digest()


def same_hash(left: bytes, right: bytes) -> bool:
    """Compare two digests in constant time."""
    return hmac.compare_digest(left, right)


def hash_password(password: str) -> str:
    """Hash a password with argon2id (about 25 ms of CPU: call it in a thread)."""
    return _passwords.hash(password)


def password_matches(password: str, password_hash: str | None) -> bool:
    """Verify a password; without a hash (no such user) it costs as much, and is False."""
    matches = _passwords.verify(password, password_hash or _UNKNOWN_PASSWORD_HASH)
    return matches and password_hash is not None


def hash_secret_request(text: str, salt: bytes) -> bytes:
    """Hash a request that holds a password, to know it again: 32 bytes, the same for the same text.

    It costs what a password costs, so that nobody who reads the hash can try passwords on it.
    """
    return hash_token(_passwords.hash(text, salt=salt))


def new_access_code() -> str:
    """Make an access code: 16 characters of base62, 95 random bits."""
    return _random_base62(ACCESS_CODE_LENGTH)


def new_affiliate_code() -> str:
    """Make a user's affiliate code."""
    return _random_base62(AFFILIATE_CODE_LENGTH)


def new_id(kind: str) -> str:
    """Make a public id, `ord_…`: sortable by its millisecond, with 95 random bits."""
    return f"{kind}_{_base62(time.time_ns() // 1_000_000, 9)}{_random_base62(16)}"
