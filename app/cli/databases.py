"""The database of a command: the one that is set, or the embedded one; its faults as plain words."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import typer
from pydantic import SecretStr

from app.runtime.db.embedded import EmbeddedPostgres
from app.runtime.db.failures import plain_reason
from app.runtime.faults import OperatorFault
from app.settings import ConfigurationError, Settings


class DatabaseUnusable(OperatorFault):
    """The database did not serve; the message says why."""

    exit_status = 2


@asynccontextmanager
async def with_database(settings: Settings) -> AsyncIterator[Settings]:
    """Yield settings that name a database: the given one, or the embedded one, started here.

    When another process runs the embedded one on the same folder, it is shared.
    Raises DatabaseUnusable in the place of what the body raises when the database does not serve.
    """
    try:
        if settings.database.url is not None:
            yield settings
            return
        server = EmbeddedPostgres(settings.database.postgres_folder)
        async with server as url:
            if not server.attached:
                typer.echo(
                    f"embedded PostgreSQL in {server.folder}, for one machine; "
                    "ASSAY_DATABASE_URL names a server of your own",
                    err=True,
                )
            yield settings.replaced({"ASSAY_DATABASE_URL": SecretStr(url)})
    except Exception as fault:
        reason = plain_reason(fault)
        if reason is None:
            raise
        raise DatabaseUnusable(reason) from fault


def url_of(settings: Settings) -> str:
    """Return the database's URL. Raises ConfigurationError when none is named."""
    if settings.database.url is None:
        raise ConfigurationError("ASSAY_DATABASE_URL: required")
    return settings.database.url.get_secret_value()
