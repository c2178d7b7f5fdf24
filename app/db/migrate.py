"""Bringing a database's schema to head, and asking whether it is there."""

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncConnection

_MIGRATIONS: Final = Path(__file__).parents[2] / "migrations"


def configuration(url: str) -> Config:
    """Return alembic's configuration for a `postgresql+asyncpg://` URL."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["url"] = url
    return config


def upgrade(url: str) -> None:
    """Bring the schema to head; safe to call from several processes at once.

    Runs an event loop of its own: call it from a thread when one is already running.
    """
    command.upgrade(configuration(url), "head")


def head_revision() -> str | None:
    """Return the newest revision that this program knows."""
    return ScriptDirectory.from_config(configuration("")).get_current_head()


async def current_revision(connection: AsyncConnection) -> str | None:
    """Return the revision that the database is at; None when it was never migrated."""
    try:
        found = await connection.execute(text("SELECT version_num FROM alembic_version"))
    except ProgrammingError:
        return None
    return found.scalar_one_or_none()
