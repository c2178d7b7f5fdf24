"""Guesses that fail, and the refusal of those that are too many."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Final

import httpx

from app.runtime.security import new_session_token
from tests.api import problems
from tests.api.asking import TEST_HOST, Problem, forge_key, refusal
from tests.support.application import Application

_RIGHT: Final = forge_key("A" * 10, "B" * 32)
# Credentials that are not valid: by their form, and only by what is stored.
MALFORMED: Final = {
    "nonsense as a key": {"X-API-KEY": "nonsense"},
    "empty key": {"X-API-KEY": ""},
    "key with a wrong checksum": {"X-API-KEY": f"{_RIGHT[:-6]}000000"},
    "nonsense as a token": {"Authorization": "Bearer nonsense"},
}
UNKNOWN: Final = {
    "unknown key": {"X-API-KEY": _RIGHT},
    "unknown token": {"Authorization": f"Bearer {new_session_token()}"},
}
BAD_CREDENTIALS: Final = MALFORMED | UNKNOWN


@asynccontextmanager
async def asked_from(application: Application, address: str) -> AsyncIterator[Application]:
    """Lend the application as somebody at another address reaches it."""
    transport = httpx.ASGITransport(
        application.app, raise_app_exceptions=False, client=(address, 1)
    )
    async with httpx.AsyncClient(transport=transport, base_url=TEST_HOST) as http:
        yield replace(application, http=http)


async def self_status(application: Application, headers: dict[str, str]) -> httpx.Response:
    """Ask who one is, the least that a credential can be tried at."""
    return await application.http.get("/api/check_self_status", headers=headers)


async def log_in(application: Application, email: str, password: str) -> httpx.Response:
    """Try a password."""
    body = {"email": email, "password": password}
    return await application.http.post("/api/login", json=body)


def refused(answer: httpx.Response, throttle: str, quota: int) -> int:
    """Check a 429 to the letter; return the seconds that it asks to wait."""
    assert refusal(answer) == problems.TOO_MANY_ATTEMPTS
    wait = int(answer.headers["Retry-After"])
    assert 1 <= wait <= 60
    assert answer.headers["RateLimit-Policy"] == f'"{throttle}";q={quota};w=60'
    assert answer.headers["RateLimit"] == f'"{throttle}";r=0;t={wait}'
    return wait


def split(answers: Sequence[httpx.Response], failure: Problem) -> tuple[int, int]:
    """Return how many failed in the usual way, and how many were too many; there are no others."""
    kinds = [refusal(answer) for answer in answers]
    usual, beyond = kinds.count(failure), kinds.count(problems.TOO_MANY_ATTEMPTS)
    assert usual + beyond == len(answers), set(kinds)
    return usual, beyond
