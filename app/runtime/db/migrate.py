"""Bringing a database's schema to head. Who does not do that need not load alembic."""

from alembic import command
from alembic.config import Config
from alembic.script.revision import ResolutionError
from alembic.util.exc import CommandError

from app.runtime.db.revisions import MIGRATIONS as _MIGRATIONS
from app.runtime.observability.logging import get_logger

log = get_logger(__name__)


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
