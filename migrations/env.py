"""Runs the migrations over asyncpg, behind an advisory lock."""

import asyncio
from typing import Final

from alembic import context
from sqlalchemy import Connection, text

import app.tables  # noqa: F401  registers the tables
from app.runtime.db.base import Base
from app.runtime.db.engine import create_database
from app.settings import load_settings

_LOCK: Final = 7_301_955_026_118_402  # any number that nothing else on the server locks


def _database_url() -> str:
    given = context.config.attributes.get("url")
    if given:
        return str(given)
    url = load_settings().database.url
    if url is None:
        raise SystemExit("ASSAY_DATABASE_URL must be set; `assay migrate` finds the embedded one")
    return url.get_secret_value()


def _run(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=Base.metadata, compare_type=True)
    with context.begin_transaction():
        # Another migration may be at work for long, and so may this one between two statements.
        connection.execute(text("SET LOCAL lock_timeout = 0"))
        connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        # What waits for a table's lock holds up everybody who comes after it.
        connection.execute(text("SET LOCAL lock_timeout = '1s'"))
        context.run_migrations()


async def _run_online() -> None:
    database = create_database(_database_url(), pool_size=1, statement_timeout_seconds=0)
    try:
        async with database.engine.connect() as connection:
            await connection.run_sync(_run)
            await connection.commit()
    finally:
        await database.dispose()


asyncio.run(_run_online())
