"""Bringing a database's schema to head, and asking whether it is there."""

from functools import cache
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.script.revision import ResolutionError
from alembic.util.exc import CommandError
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncConnection

from app.runtime.db.failures import lacks_table
from app.runtime.observability.logging import get_logger

log = get_logger(__name__)

_MIGRATIONS: Final = Path(__file__).parents[3] / "migrations"


def configuration(url: str) -> Config:
    """Return alembic's configuration for a `postgresql+asyncpg://` URL."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["url"] = url
    return config


def upgrade(url: str) -> None:
    """Bring the schema to head; safe to call from several processes at once.

    A schema that a later version has made is left as it is. Runs an event loop of its own: call it
    from a thread when one is already running.
    """
    try:
        command.upgrade(configuration(url), "head")
    except CommandError as fault:
        if not isinstance(fault.__cause__, ResolutionError):
            raise
        log.warning("schema_is_later", reason=str(fault))


def head_revision() -> str:
    """Return the newest revision that this program knows."""
    return _revisions()[0]


def is_behind(revision: str | None) -> bool:
    """Say whether a schema at this revision lacks something that this program needs.

    A revision that this program does not know was made by a later version of it, which keeps to
    what the version before it needs (CONTRIBUTING.md, "Change the schema").
    """
    head, *older = _revisions()
    return revision != head and (revision is None or revision in older)


@cache
def _revisions() -> tuple[str, ...]:
    """Return every revision that this program knows, newest first."""
    scripts = ScriptDirectory.from_config(configuration("")).walk_revisions()
    return tuple(script.revision for script in scripts)


async def current_revision(connection: AsyncConnection) -> str | None:
    """Return the revision that the database is at; None when it was never migrated."""
    try:
        found = await connection.execute(text("SELECT version_num FROM alembic_version"))
    except ProgrammingError as fault:
        if not lacks_table(fault):
            raise
        return None
    return found.scalar_one_or_none()
