"""PostgreSQL on simulated time: its `clock_timestamp()` is the clock of whoever asks."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, event, text

from app.runtime.db.direct import DriverRow, Statement
from app.runtime.db.engine import Database, create_database

# A function found before PostgreSQL's own of that name.
_STATEMENTS = (
    "CREATE SCHEMA simulation",
    """CREATE FUNCTION simulation.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE
       AS $$ SELECT current_setting('assay.simulated_now')::timestamptz $$""",
    """DO $$ BEGIN EXECUTE format(
       'ALTER DATABASE %I SET search_path = simulation, pg_catalog, public',
       current_database()); END $$""",
)


async def prepare(url: str) -> None:
    """Let every new connection to a database read simulated time."""
    database = create_database(url, pool_size=1)
    async with database.reading() as connection:
        for statement in _STATEMENTS:
            await connection.execute(text(statement))
    await database.dispose()


def follow(database: Database, now: Callable[[], datetime]) -> None:
    """Tell each connection the time before a statement that may read it, if it has changed."""

    def tell(connection: Connection, _cursor: object, statement: str, *_: object) -> None:
        moment = now().isoformat()
        if _may_read_it(statement) and connection.info.get("told") != moment:
            connection.exec_driver_sql(
                "SELECT set_config('assay.simulated_now', $1, false)", (moment,)
            )
            connection.info["told"] = moment

    def forget(connection: Connection) -> None:
        connection.info.pop("told", None)  # a rollback takes the setting back, too

    async def fetch(statement: Statement, **values: object) -> list[DriverRow]:
        """Run a statement on the driver, which SQLAlchemy does not hear of."""
        async with database.reading() as connection:
            driver: Any = (await connection.get_raw_connection()).driver_connection
            await driver.execute(f"SET assay.simulated_now = '{now().isoformat()}'")
            rows: list[DriverRow] = await driver.fetch(statement.sql, *statement.arguments(values))
            return rows

    event.listen(database.engine.sync_engine, "before_cursor_execute", tell)
    event.listen(database.engine.sync_engine, "rollback", forget)
    setattr(database, "fetch", fetch)  # noqa: B010  of this one alone


def _may_read_it(statement: str) -> bool:
    """Say whether a statement reads the time: it names it, or has triggers and defaults that may."""
    return "clock_timestamp" in statement or not statement.lstrip().startswith("SELECT")
