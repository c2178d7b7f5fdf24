"""What an operator's commands share: the database of the settings, who acts, common options."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any, TypeVar

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from app.accounts import access_codes, users
from app.cli.databases import url_of, with_database
from app.cli.running import run
from app.ledger.actors import OPERATOR, Actor
from app.runtime import plain_text
from app.runtime.db.engine import Database, create_database
from app.runtime.observability.logging import configure_logging
from app.runtime.security import new_id
from app.settings import load_settings

ExpiresAt = Annotated[
    str | None, typer.Option(metavar="TIME", help="RFC 3339, such as 2030-01-31T12:00:00Z")
]
UserEmail = Annotated[str | None, typer.Option("--user", metavar="EMAIL", help="a user")]
CodeOption = Annotated[str | None, typer.Option("--access-code", metavar="CODE", help="a code")]
Limit = Annotated[int, typer.Option(min=1, max=1_000_000, help="how many at most")]
T = TypeVar("T")
Work = Callable[[Database], Awaitable[Any]]


def with_operator_database(work: Work) -> Any:  # noqa: ANN401  whatever the work returns
    """Run work on the database that the settings name; return what it returns."""

    async def main() -> Any:  # noqa: ANN401
        settings = load_settings()
        configure_logging(settings.server.log_format)
        async with with_database(settings) as complete:
            database = create_database(url_of(complete), pool_size=2, statement_timeout_seconds=0)
            try:
                await database.measure_clock()  # what is stored goes by its time
                return await work(database)
            finally:
                await database.dispose()

    return run(main)


def operator_actor() -> Actor:
    """Return who acts when a command is given, under an id of its own."""
    return Actor(OPERATOR, new_id("cli"))


def time_of(text: str | None) -> datetime | None:
    """Read the option --expires-at. Raises BadParameter."""
    if text is None:
        return None
    try:
        return plain_text.time(text)
    except ValueError as fault:
        raise typer.BadParameter(f"--expires-at: {fault}") from None


async def account_id_of(connection: AsyncConnection, email: str | None, code: str | None) -> str:
    """Return the id of the account that one of these options names."""
    if email is not None:
        return await users.user_id_of(connection, email)
    return await access_codes.account_id_of(connection, code or "")


def newest(found: list[T], limit: int) -> list[T]:
    """Return so many of these, newest first, and say on standard error if there are more."""
    if len(found) > limit:
        typer.echo(f"only the newest {limit} are shown; --limit shows more", err=True)
    return found[:limit]


def require_one(**options: object) -> None:
    """Refuse unless exactly one of these options was given. Raises BadParameter."""
    given = [name for name, value in options.items() if value]
    if len(given) != 1:
        names = ", ".join(f"--{name.replace('_', '-')}" for name in options)
        raise typer.BadParameter(f"give exactly one of {names}")
