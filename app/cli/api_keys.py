"""`assay api-key create|list|revoke`: API keys of users, of access codes, and of nobody."""

from dataclasses import asdict
from typing import Annotated, Any

import typer

from app.accounts import api_keys
from app.accounts.key_facts import KeyFacts
from app.accounts.rules.key_limits import KeyLimits, Scope, read_network
from app.cli.operator import (
    CodeOption,
    ExpiresAt,
    Limit,
    UserEmail,
    account_id_of,
    newest,
    operator_actor,
    require_one,
    time_of,
    with_operator_database,
)
from app.cli.printing import AsJson, print_record, print_records
from app.runtime.db.engine import Database

KeepChildren = Annotated[
    bool, typer.Option("--keep-children", help="leave the keys that a revoked key made")
]


def create_api_key(
    email: UserEmail = None,
    code: CodeOption = None,
    *,
    unbound: Annotated[
        bool, typer.Option("--unbound", help="a valid key that identifies nobody")
    ] = False,
    expires_at: ExpiresAt = None,
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="what it is called in lists")
    ] = None,
    scopes: Annotated[
        list[Scope] | None, typer.Option("--scope", help="what it may be used for; repeatable")
    ] = None,
    read_only: Annotated[bool, typer.Option("--read-only", help="let it change nothing")] = False,
    networks: Annotated[
        list[str] | None,
        typer.Option(
            "--allow-ip", metavar="CIDR", help="a network that it may be used from; repeatable"
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make an API key; it is shown only here."""
    require_one(user=email, access_code=code, unbound=unbound)
    if name is not None and not 1 <= len(name) <= 64:  # noqa: PLR2004
        raise typer.BadParameter("--name: must have 1 to 64 characters")
    limits = KeyLimits(
        [scope for scope in Scope if scope in scopes] if scopes else None,
        read_only,
        [_network(text) for text in networks] if networks else None,
    )
    wish = api_keys.KeyWish(name, time_of(expires_at), limits)

    async def work(database: Database) -> api_keys.NewKey:
        async with database.reading() as connection:
            account_id = None if unbound else await account_id_of(connection, email, code)
        async with database.sessions() as session, session.begin():
            return await api_keys.create(
                session,
                account_id=account_id,
                wish=wish,
                actor=operator_actor(),
                now=database.clock.now(),
            )

    key = with_operator_database(work)
    print_record({"api_key": key.text, "prefix": key.facts.prefix}, as_json=as_json)


def _network(text: str) -> str:
    try:
        return str(read_network(text))
    except ValueError as fault:
        raise typer.BadParameter(f"--allow-ip: {fault}") from None


def list_api_keys(
    email: UserEmail = None,
    code: CodeOption = None,
    unbound: Annotated[
        bool, typer.Option("--unbound", help="only keys that identify nobody")
    ] = False,
    limit: Limit = 1000,
    *,
    as_json: AsJson = False,
) -> None:
    """List API keys, newest first, without their secrets.

    Those of a user are its own and those of the access codes that it issued.
    """
    if [email is not None, code is not None, unbound].count(True) > 1:
        raise typer.BadParameter("give at most one of --user, --access-code, --unbound")

    async def work(database: Database) -> list[api_keys.ListedKey]:
        async with database.reading() as connection:
            of_all = email is None and code is None
            owner = None if of_all else await account_id_of(connection, email, code)
            return await api_keys.list_all(
                connection, owner=owner, unbound=unbound, limit=limit + 1
            )

    found = newest(with_operator_database(work), limit)
    columns = (
        *("prefix", "name", "user", "access_code", "made_by", "created_at", "expires_at"),
        *("revoked_at", "last_used_at"),
    )
    print_records([asdict(key) for key in found], columns=columns, as_json=as_json)


def revoke_api_key(
    prefix: Annotated[
        str | None, typer.Argument(metavar="[PREFIX]", help="as `create` printed it")
    ] = None,
    all_of: Annotated[
        str | None,
        typer.Option(
            "--all-of", metavar="EMAIL|CODE", help="every key of this user or access code"
        ),
    ] = None,
    keep_children: KeepChildren = False,
    *,
    as_json: AsJson = False,
) -> None:
    """Revoke an API key at once, or all of an account, and the keys that they made."""
    actor = operator_actor()

    async def revoke_one(database: Database) -> KeyFacts:
        async with database.sessions() as session:
            return await api_keys.revoke(
                session,
                prefix or "",
                owner=None,
                keep_children=keep_children,
                actor=actor,
                now=database.clock.now(),
            )

    async def revoke_all(database: Database) -> list[dict[str, Any]]:
        name, now = all_of or "", database.clock.now()
        email, code = (name, None) if "@" in name else (None, name)
        async with database.reading() as connection:
            account_id = await account_id_of(connection, email, code)
        async with database.sessions() as session:
            revoked = await api_keys.revoke_all_of(
                session, account_id, keep_children=keep_children, actor=actor, now=now
            )
        return [{"prefix": one, "revoked_at": now} for one in revoked]

    if (prefix is None) == (all_of is None):
        raise typer.BadParameter("give exactly one of PREFIX, --all-of")
    if all_of is None:
        key = with_operator_database(revoke_one)
        print_record({"prefix": key.prefix, "revoked_at": key.revoked_at}, as_json=as_json)
        return
    revoked = with_operator_database(revoke_all)
    print_records(revoked, columns=("prefix", "revoked_at"), as_json=as_json)
