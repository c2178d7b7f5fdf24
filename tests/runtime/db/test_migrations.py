"""Migrations: they agree with the models and the committed catalogue, go back, and run on the oldest server."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import procrastinate
import pytest
from alembic import command
from alembic.script import ScriptDirectory

from app.runtime.db.binaries import find_binaries, major_version
from app.runtime.db.embedded import EmbeddedPostgres
from app.runtime.db.engine import create_database
from app.runtime.db.migrate import configuration, upgrade
from app.runtime.db.revisions import current_revision, head_revision, known_revisions
from tests.support.clock import HandClock
from tests.support.databases import connect
from tests.support.drift import differences, read_catalogue
from tests.support.orders import OneOrder, balance_of
from tests.support.people import make_user

OLDEST = Path("/usr/lib/postgresql/15/bin")
# Where the oldest server is not installed, the one that is stands in for it.
OLDEST_BINARIES = OLDEST if (OLDEST / "postgres").exists() else find_binaries()


# What a schema holds, in words that do not name the schema.
QUEUE = """
    SELECT format('%s.%s %s %s %s', table_name, column_name, udt_name, column_default, is_nullable)
      FROM information_schema.columns WHERE table_schema = current_schema
    UNION ALL SELECT format('%s %s', conname, pg_get_constraintdef(oid))
      FROM pg_constraint WHERE connamespace = current_schema::regnamespace
    UNION ALL SELECT replace(indexdef, current_schema || '.', '')
      FROM pg_indexes WHERE schemaname = current_schema
    UNION ALL SELECT pg_get_triggerdef(pg_trigger.oid, true)
      FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
      WHERE NOT tgisinternal AND relnamespace = current_schema::regnamespace
    UNION ALL SELECT format('%s(%s) %s', proname, pg_get_function_arguments(oid), prosrc)
      FROM pg_proc WHERE pronamespace = current_schema::regnamespace
    UNION ALL SELECT format('%s %s', typname, enumlabel)
      FROM pg_enum JOIN pg_type ON pg_type.oid = enumtypid
      WHERE typnamespace = current_schema::regnamespace
    ORDER BY 1"""


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that the server's user may enter, which pytest's own temporary ones are not."""
    place = Path(tempfile.mkdtemp(prefix="assay-tests-"))
    place.chmod(0o755)
    yield place
    shutil.rmtree(place)


@pytest.fixture
async def oldest_server(open_folder: Path) -> AsyncIterator[str]:
    """The URL of an empty database on the oldest server of this machine that we support."""
    server = EmbeddedPostgres(open_folder / "pg", throwaway=True, binaries=OLDEST_BINARIES)
    async with server as url:
        yield url


def downgrade(url: str) -> None:
    """Take the schema back to nothing."""
    command.downgrade(configuration(url), "base")


async def left_over(url: str) -> list[str]:
    """Return our tables, functions and schemas in a database."""
    connection = await connect(url)
    rows = await connection.fetch(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        " AND relname NOT LIKE 'alembic_version%'"
        " UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
        " UNION ALL SELECT nspname FROM pg_namespace WHERE nspname = 'jobs'"
    )
    await connection.close()
    return [row[0] for row in rows]


async def queue_of(connection: asyncpg.Connection, schema: str) -> list[str]:
    """Return what the tables, functions and types of the engine's queue look like in a schema."""
    await connection.execute(f"SET search_path = {schema}")
    return [row[0] for row in await connection.fetch(QUEUE)]


async def test_models_migrations_and_catalogue_agree(database_url: str) -> None:
    assert await asyncio.to_thread(differences, database_url) == []


async def test_difference_is_found(database_url: str) -> None:
    connection = await connect(database_url)
    await connection.execute("ALTER TABLE ledger_entries DISABLE TRIGGER append_only")
    await connection.close()
    found = await asyncio.to_thread(differences, database_url)
    assert any(line.startswith("+D ") and "append_only" in line for line in found)


async def test_schema_goes_back_to_nothing_and_comes_again(database_url: str) -> None:
    before = await read_catalogue(database_url)
    await asyncio.to_thread(downgrade, database_url)
    assert await left_over(database_url) == []
    await asyncio.to_thread(upgrade, database_url)
    assert await read_catalogue(database_url) == before


async def test_upgrade_of_a_database_at_head_changes_nothing(database_url: str) -> None:
    database = create_database(database_url)
    await asyncio.to_thread(upgrade, database_url)
    async with database.reading() as connection:
        assert await current_revision(connection) == head_revision()
    await database.dispose()


async def test_database_that_was_never_migrated_has_no_revision(database_url: str) -> None:
    connection = await connect(database_url)
    await connection.execute("DROP TABLE alembic_version")
    await connection.close()
    database = create_database(database_url)
    async with database.reading() as reading:
        assert await current_revision(reading) is None
    await database.dispose()


async def test_queue_is_that_of_the_engine_that_is_installed(database_url: str) -> None:
    """An engine with a newer schema needs a migration of ours first."""
    connection = await connect(database_url)
    schema = (Path(procrastinate.__file__).parent / "sql" / "schema.sql").read_text()
    await connection.execute("CREATE SCHEMA installed; SET search_path = installed")
    await connection.execute(schema)
    installed, ours = [await queue_of(connection, name) for name in ("installed", "jobs")]
    await connection.close()
    assert len(ours) > 80
    assert ours == installed


def test_revisions_form_one_line() -> None:
    scripts = ScriptDirectory.from_config(configuration(""))
    assert len(scripts.get_heads()) == 1
    assert all(not script.is_merge_point for script in scripts.walk_revisions())
    assert [script.revision for script in scripts.walk_revisions()] == [*known_revisions()]


async def test_oldest_server_migrates_sells_and_guards(oldest_server: str) -> None:
    await asyncio.to_thread(upgrade, oldest_server)
    assert int(major_version(OLDEST_BINARIES)) >= 15
    clock, database = HandClock(), create_database(oldest_server)
    buyer = await make_user(database, clock.now())
    order = await OneOrder.place(database, clock, buyer)
    await order.created("UNPAID")
    await order.reported("BTC_SENT")
    assert await balance_of(database, buyer.account_id) == 10
    await database.dispose()
    connection = await connect(oldest_server)
    with pytest.raises(Exception, match="append-only"):
        await connection.execute("DELETE FROM ledger_entries")
    await connection.close()
    await asyncio.to_thread(downgrade, oldest_server)
    assert await left_over(oldest_server) == []
