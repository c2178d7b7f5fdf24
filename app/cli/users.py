"""`assay user create|list|disable|enable|end-sessions`: users, and who of them may come in."""

from dataclasses import asdict
from typing import Annotated, Any

import typer

from app.accounts import user_admin, users
from app.cli.operator import Limit, newest, operator_actor, with_operator_database
from app.cli.printing import AsJson, print_record, print_records
from app.runtime.db.engine import Database
from app.runtime.security import PASSWORD_MAX_LENGTH, PASSWORD_MIN_LENGTH

Email = Annotated[str, typer.Argument(metavar="EMAIL", help="the user")]


def create_user(
    email: Annotated[str, typer.Option()],
    password: Annotated[str, typer.Option(prompt=True, hide_input=True)],
    *,
    as_json: AsJson = False,
) -> None:
    """Make a user, also when registration is closed."""
    if not PASSWORD_MIN_LENGTH <= len(password) <= PASSWORD_MAX_LENGTH:
        raise typer.BadParameter(
            f"--password: needs {PASSWORD_MIN_LENGTH} to {PASSWORD_MAX_LENGTH} characters"
        )

    async def work(database: Database) -> users.NewUser:
        async with database.sessions() as session:
            return await users.register(
                session,
                email=email,
                password=password,
                actor=operator_actor(),
                now=database.clock.now(),
            )

    print_record(asdict(with_operator_database(work)), as_json=as_json)


def list_users(limit: Limit = 1000, *, as_json: AsJson = False) -> None:
    """List users, newest first, with how many keys and sessions of each are good now."""

    async def work(database: Database) -> list[user_admin.UserFacts]:
        async with database.reading() as connection:
            return await user_admin.list_users(
                connection, now=database.clock.now(), limit=limit + 1
            )

    records = [_record(user) for user in newest(with_operator_database(work), limit)]
    columns = ("email", "status", "credits_available", "api_keys", "sessions", "created_at")
    print_records(records, columns=columns, as_json=as_json)


def _record(user: user_admin.UserFacts) -> dict[str, Any]:
    fields = asdict(user)
    return {
        "id": fields.pop("id"),
        "email": fields.pop("email"),
        "status": "active" if fields.pop("active") else "disabled",
        **fields,
    }


def disable_user(email: Email, *, as_json: AsJson = False) -> None:
    """Refuse a user's password and keys, and end its sessions, until it is enabled."""

    async def work(database: Database) -> dict[str, Any]:
        user_id = await _user_id_of(database, email)
        async with database.sessions() as session:
            ended = await user_admin.disable(
                session, user_id, actor=operator_actor(), now=database.clock.now()
            )
        return {"id": user_id, "status": "disabled", "sessions_ended": ended}

    print_record(with_operator_database(work), as_json=as_json)


def enable_user(email: Email, *, as_json: AsJson = False) -> None:
    """Let a disabled user in again, by its password and by keys that were not revoked."""

    async def work(database: Database) -> dict[str, Any]:
        user_id = await _user_id_of(database, email)
        async with database.sessions() as session:
            await user_admin.enable(
                session, user_id, actor=operator_actor(), now=database.clock.now()
            )
        return {"id": user_id, "status": "active"}

    print_record(with_operator_database(work), as_json=as_json)


def end_sessions(
    email: Annotated[str | None, typer.Argument(metavar="[EMAIL]", help="the user")] = None,
    everybody: Annotated[bool, typer.Option("--all", help="of all users")] = False,
    *,
    as_json: AsJson = False,
) -> None:
    """End every session of a user, or of all; their passwords open new ones."""
    if (email is not None) == everybody:
        raise typer.BadParameter("give exactly one of EMAIL, --all")

    async def work(database: Database) -> int:
        user_id = None if email is None else await _user_id_of(database, email)
        async with database.sessions() as session:
            return await user_admin.end_sessions(
                session, user_id, actor=operator_actor(), now=database.clock.now()
            )

    print_record({"sessions_ended": with_operator_database(work)}, as_json=as_json)


async def _user_id_of(database: Database, email: str) -> str:
    async with database.reading() as connection:
        return await users.user_id_of(connection, email)
