"""Which revision a database's schema is at, and which this program knows; without alembic's code."""

from functools import cache
from pathlib import Path
from typing import Final

from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncConnection

from app.runtime.db.failures import lacks_table

MIGRATIONS: Final = Path(__file__).parents[3] / "migrations"


@cache
def known_revisions() -> tuple[str, ...]:
    """Return every revision that this program knows, newest first: the names of files begin so."""
    files = (MIGRATIONS / "versions").glob("[0-9]*_*.py")
    return tuple(sorted((file.name.partition("_")[0] for file in files), reverse=True))


def head_revision() -> str:
    """Return the newest revision that this program knows."""
    return known_revisions()[0]


def is_behind(revision: str | None) -> bool:
    """Say whether a schema at this revision lacks something that this program needs.

    A revision that this program does not know was made by a later version of it, which keeps to
    what the version before it needs (CONTRIBUTING.md, "Change the schema").
    """
    head, *older = known_revisions()
    return revision != head and (revision is None or revision in older)


async def current_revision(connection: AsyncConnection) -> str | None:
    """Return the revision that the database is at; None when it was never migrated."""
    try:
        found = await connection.execute(text("SELECT version_num FROM alembic_version"))
    except ProgrammingError as fault:
        if not lacks_table(fault):
            raise
        return None
    return found.scalar_one_or_none()
