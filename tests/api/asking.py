"""Asking the API, and reading a refusal. Errors are typed from the Credits API, not imported."""

import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final, NamedTuple

import httpx
from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.accounts.models import LoginSession
from app.orders.models import AeontoParameters
from app.runtime.db.engine import Database
from app.runtime.security import hash_token, new_session_token
from tests.support.application import Application
from tests.support.people import Person
from tests.support.statements import statements_sent

TEST_HOST: Final = "http://assay.test"
SECONDS: Final = timedelta(seconds=1)


class Problem(NamedTuple):
    """What an error says."""

    status: int
    code: str
    text: str
    member: str = "detail"


def refusal(answer: httpx.Response) -> Problem:
    """Read an error, which has exactly the members that every error has."""
    body: dict[str, str] = answer.json()
    member = "error" if "error" in body else "detail"
    assert set(body) == {member, "code", "request_id"}
    assert body["request_id"] == answer.headers["X-Request-ID"] != ""
    assert answer.headers["Content-Type"] == "application/json"
    return Problem(answer.status_code, body["code"], body[member], member)


def anonymised(answer: httpx.Response) -> bytes:
    """Return the bytes of an error without its request id, to compare them with another's."""
    return answer.content.replace(answer.headers["X-Request-ID"].encode(), b"")


async def ask(
    application: Application,
    path: str,
    body: object,
    by: Person | None = None,
    *,
    session: Mapping[str, str] | None = None,
) -> httpx.Response:
    """POST a body as JSON to an endpoint under /api/, by somebody's key, a session, or both."""
    headers = {**(by.headers if by else {}), **(session or {})}
    return await application.http.post(f"/api/{path}", json=body, headers=headers)


async def ask_raw(
    application: Application, path: str, body: bytes, by: Person | None = None
) -> httpx.Response:
    """POST bytes that claim to be JSON."""
    sent = {"Content-Type": "application/json", **(by.headers if by else {})}
    return await application.http.post(f"/api/{path}", content=body, headers=sent)


async def look(application: Application, path: str, by: Person | None = None) -> httpx.Response:
    """GET a path under /api/."""
    return await application.http.get(f"/api/{path}", headers=by.headers if by else {})


async def open_session(
    database: Database, user: Person, now: datetime, *, expires_at: datetime | None = None
) -> dict[str, str]:
    """Log a user in by a row, which costs no password hash; return the header of its session."""
    token = new_session_token()
    async with database.sessions() as session, session.begin():
        await session.execute(
            insert(LoginSession).values(
                token_hash=hash_token(token),
                user_id=user.account_id,
                created_at=now,
                expires_at=expires_at or now + timedelta(days=1),
            )
        )
    return {"Authorization": f"Bearer {token}"}


async def learn_limits(application: Application, **changes: Any) -> None:  # noqa: ANN401
    """Let the loop have learnt the parameters of AEON.to API v3's example just now."""
    values = {
        "price_btc": Decimal("0.017666"),
        "lower_limit_btc": Decimal("0.002"),
        "upper_limit_btc": Decimal(20),
        "zero_conf_enabled": True,
        "zero_conf_max_amount_btc": Decimal("0.1"),
        "seen_at": application.clock.now(),
        **changes,
    }
    async with application.database.sessions() as session, session.begin():
        await session.execute(insert(AeontoParameters).values(id=1, **values))


async def execute(application: Application, statement: str, **values: object) -> None:
    """Run a statement on the test's database."""
    async with application.database.sessions() as session, session.begin():
        await session.execute(text(statement), values)


async def read(application: Application, query: str, **values: object) -> list[tuple[Any, ...]]:
    """Return the rows of a query on the test's database."""
    async with application.database.reading() as connection:
        return [tuple(row) for row in await connection.execute(text(query), values)]


async def entries_of(application: Application, person: Person) -> list[tuple[str, int]]:
    """Return the kinds and amounts of an account's ledger entries, oldest first."""
    rows = await read(
        application,
        "SELECT kind, amount FROM ledger_entries WHERE account_id = :account ORDER BY id",
        account=person.account_id,
    )
    return [(kind, amount) for kind, amount in rows]


async def balance_of(application: Application, person: Person) -> int:
    """Return what an account is told of its balance."""
    answer = await look(application, "check_self_status", person)
    balance: int = answer.json()["credits_available"]
    return balance


def forge_key(prefix: str, secret: str) -> str:
    """Write an API key whose checksum is right: the CRC-32 of what precedes it, in base 62."""
    digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    rest, check = zlib.crc32(f"assay_{prefix}_{secret}".encode()), ""
    for _ in range(6):
        rest, digit = divmod(rest, 62)
        check = digits[digit] + check
    return f"assay_{prefix}_{secret}{check}"


@contextmanager
def counting_queries(connection: AsyncConnection) -> Iterator[list[str]]:
    """Collect the statements that ask for something; savepoints are the test's own."""
    queries: list[str] = []
    with statements_sent(connection.sync_connection) as sent:
        yield queries
    queries += [statement for statement in sent if "SAVEPOINT" not in statement]
