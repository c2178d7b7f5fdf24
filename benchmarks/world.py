"""What the calls find in the database: callers with keys, credits, access codes and orders; a list.

Written by a few statements for all rows together, with every trigger of the database on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from random import Random
from typing import Any, Final

import asyncpg

from app.addresses.samples import SAMPLES
from app.ledger.actors import OPERATOR, Actor
from app.lists.importing import Import, import_list
from app.lists.parsers.files import READING, ListFile
from app.lists.rules.listings import ListedAddress
from app.runtime.db.engine import create_database
from app.runtime.security import (
    ApiKey,
    hash_password,
    new_access_code,
    new_affiliate_code,
    new_api_key,
    new_id,
)

PASSWORD: Final = "correct horse battery"  # noqa: S105  of callers that only a benchmark has
CALLERS: Final = 500
_ORDERS_EACH: Final = 20
_CREDITS: Final = 1_000_000
_LIST_ROWS: Final = 300
_DESTINATION: Final = "12Cyjf3qV6qLyXdzpLSLPdRFPUVidvnzFM"

# AEON.to's limits and price, from the example of its API v3; known for longer than any benchmark.
_PARAMETERS: Final = """
    INSERT INTO aeonto_parameters (id, price_btc, lower_limit_btc, upper_limit_btc,
        zero_conf_enabled, zero_conf_max_amount_btc, seen_at)
    VALUES (1, 0.0176666, 0.002, 20, true, 0.1, now() + interval '1 day')
    ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at"""
_ACCOUNTS: Final = """
    INSERT INTO accounts (id, kind, status, balance, created_at)
    SELECT id, $2, 'active', $3, now() FROM unnest($1::text[]) id"""
_USERS: Final = """
    INSERT INTO users (account_id, email, password_hash, affiliate_code)
    SELECT id, email, $3, code FROM unnest($1::text[], $2::text[], $4::text[]) u(id, email, code)"""
_CODES: Final = """
    INSERT INTO access_codes (account_id, access_code, issuer_id)
    SELECT id, code, issuer FROM unnest($1::text[], $2::text[], $3::text[]) c(id, code, issuer)"""
_KEYS: Final = """
    INSERT INTO api_keys (prefix, secret_hash, account_id, created_at)
    SELECT prefix, hash, id, now()
    FROM unnest($1::text[], $2::bytea[], $3::text[]) k(prefix, hash, id)"""
_ENTRIES: Final = """
    WITH entries AS (
        INSERT INTO ledger_entries (account_id, kind, amount, balance_after, reason, at)
        SELECT id, 'adjustment', $2, $2, 'benchmark', now() FROM unnest($1::text[]) id
        RETURNING id, account_id, at)
    INSERT INTO audit_log (at, actor, action, subject, request_id, ledger_entry_id)
    SELECT at, 'operator', 'ledger.adjustment', account_id, 'benchmark', id FROM entries"""
_ORDERS: Final = """
    INSERT INTO orders (id, buyer_id, beneficiary_id, number_of_credits, payment_coin,
        payment_network, rail, price_btc, btc_amount, btc_dest_address, granting_status, status,
        status_since, create_by, max_open_orders, next_look_at, look_urgency, created_at,
        updated_at)
    SELECT id, buyer, buyer, 10, 'Aeon', 'AEON', 'aeonto', 0.0005, 0.005, $3, 'BTC_SENT',
        'TO_BE_CREATED', now(), now() + interval '1 hour', 0, now(), 32, now(), now()
    FROM unnest($1::text[], $2::text[]) o(id, buyer)"""
_EVENTS: Final = """
    INSERT INTO order_events (order_id, kind, to_status, at, reason)
    SELECT id, 'moved', 'TO_BE_CREATED', now(), 'ordered' FROM unnest($1::text[]) id"""


@dataclass(frozen=True)
class Caller:
    """A user, and an access code that it issued; both have a key and credits."""

    account_id: str
    email: str
    api_key: str
    code_account_id: str
    access_code: str
    code_api_key: str


@dataclass(frozen=True)
class World:
    """Everybody who calls, and pairs of a caller and an order of its own."""

    callers: Sequence[Caller]
    orders: Sequence[tuple[Caller, str]]


async def connect(url: str) -> asyncpg.Connection:
    """Connect to a URL of SQLAlchemy without SQLAlchemy."""
    return await asyncpg.connect(dsn_of(url))


def dsn_of(url: str) -> str:
    """Return a URL of SQLAlchemy as asyncpg reads it."""
    return url.replace("postgresql+asyncpg:", "postgresql:", 1)


async def make_world(url: str, *, callers: int = CALLERS) -> World:
    """Write callers and orders, AEON.to's parameters and a list of sanctions."""
    people, keys, code_keys = _people(callers)
    connection = await connect(url)
    try:
        async with connection.transaction():
            await _write_accounts(connection, people)
            await _write_keys(connection, keys, [one.account_id for one in people])
            await _write_keys(connection, code_keys, [one.code_account_id for one in people])
            orders = await write_orders(connection, people, each=_ORDERS_EACH)
            await connection.execute(_PARAMETERS)
        await connection.execute("ANALYZE")
    finally:
        await connection.close()
    await _import_list(url)
    return World(people, orders)


def _people(count: int) -> tuple[list[Caller], list[ApiKey], list[ApiKey]]:
    """Make callers; return them with the keys of the users and of the access codes."""
    keys, code_keys = ([new_api_key() for _ in range(count)] for _ in range(2))
    people = [
        Caller(
            account_id=new_id("acc"),
            email=f"{new_id('u').lower()}@example.com",
            api_key=key.text,
            code_account_id=new_id("acc"),
            access_code=new_access_code(),
            code_api_key=code_key.text,
        )
        for key, code_key in zip(keys, code_keys, strict=True)
    ]
    return people, keys, code_keys


async def _write_accounts(connection: asyncpg.Connection, people: Sequence[Caller]) -> None:
    ids, code_ids = [one.account_id for one in people], [one.code_account_id for one in people]
    password_hash, emails = hash_password(PASSWORD), [one.email for one in people]
    affiliates = [new_affiliate_code() for _ in people]
    await connection.execute(_ACCOUNTS, ids, "user", _CREDITS)
    await connection.execute(_ACCOUNTS, code_ids, "access_code", _CREDITS)
    await connection.execute(_USERS, ids, emails, password_hash, affiliates)
    await connection.execute(_CODES, code_ids, [one.access_code for one in people], ids)
    await connection.execute(_ENTRIES, [*ids, *code_ids], _CREDITS)


async def _write_keys(
    connection: asyncpg.Connection, keys: Sequence[ApiKey], account_ids: Sequence[str]
) -> None:
    hashes = [key.secret_hash for key in keys]
    await connection.execute(_KEYS, [key.prefix for key in keys], hashes, account_ids)


async def write_orders(
    connection: asyncpg.Connection, people: Sequence[Caller], *, each: int
) -> list[tuple[Caller, str]]:
    """Write orders that nobody has told AEON.to of, so many for each caller."""
    orders = [(caller, new_id("ord")) for _ in range(each) for caller in people]
    ids: list[Any] = [order_id for _, order_id in orders]
    buyers = [caller.account_id for caller, _ in orders]
    await connection.execute(_ORDERS, ids, buyers, _DESTINATION)
    await connection.execute(_EVENTS, ids)
    return orders


def random_addresses(count: int, seed: int) -> list[str]:
    """Return addresses of bitcoin, the same ones for the same seed."""
    random = Random(seed)  # noqa: S311  it protects nothing
    return [SAMPLES["BTC", "p2wpkh"](random) for _ in range(count)]


async def _import_list(url: str) -> None:
    rows = [
        ListedAddress(address=address, asset="XBT", category="sanctions")
        for address in random_addresses(_LIST_ROWS, seed=1)
    ]
    file = ListFile(source="benchmark", issued=None, sha256="0" * 64, entries=rows, reading=READING)
    database = create_database(url)
    try:
        await import_list(
            database,
            Import(file=file, origin="benchmark"),
            max_shrink=Decimal(1),
            actor=Actor(OPERATOR, "benchmark"),
            now=datetime.now(UTC),
        )
    finally:
        await database.dispose()
