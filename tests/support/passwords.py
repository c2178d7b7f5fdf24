"""Hashes of passwords that cost next to nothing, for tests that only need somebody to log in."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import pytest
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from app.runtime import security

_CHEAP: Final = PasswordHash((Argon2Hasher(memory_cost=8, time_cost=1, parallelism=1),))
# As the application has them, before any test replaces them.
_REAL: Final = (security._passwords, security._UNKNOWN_PASSWORD_HASH)


@contextmanager
def cheap_passwords() -> Iterator[None]:
    """Let a hash cost microseconds in this process; it is argon2id all the same."""
    with _hashing_by(_CHEAP, _CHEAP.hash("the password of nobody")):
        yield


@contextmanager
def real_passwords() -> Iterator[None]:
    """Let a hash cost what the application promises."""
    with _hashing_by(*_REAL):
        yield


@contextmanager
def _hashing_by(hasher: PasswordHash, hash_of_nobody: str) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(security, "_passwords", hasher)
        patch.setattr(security, "_UNKNOWN_PASSWORD_HASH", hash_of_nobody)
        yield
