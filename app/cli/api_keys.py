"""`assay api-key create|revoke`: API keys of users, of access codes, and of nobody."""

from typing import Annotated

import typer

from app.cli.operator import (
    CodeOption,
    ExpiresAt,
    UserEmail,
    account_id_of,
    operator_actor,
    require_one,
    time_of,
    utc_now,
    with_operator_database,
)
from app.cli.printing import AsJson, print_record
from app.db.engine import Database
from app.services import api_keys

KeepChildren = Annotated[
    bool, typer.Option("--keep-children", help="leave the keys that a revoked key made")
]


def create_api_key(
    email: UserEmail = None,
    code: CodeOption = None,
    unbound: Annotated[
        bool, typer.Option("--unbound", help="a valid key that identifies nobody")
    ] = False,
    expires_at: ExpiresAt = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Make an API key; it is shown only here."""
    require_one(user=email, access_code=code, unbound=unbound)
    expiry = time_of(expires_at)

    async def work(database: Database) -> api_keys.NewKey:
        async with database.reading() as connection:
            account_id = None if unbound else await account_id_of(connection, email, code)
        async with database.sessions() as session:
            return await api_keys.create(
                session,
                account_id=account_id,
                expires_at=expiry,
                actor=operator_actor(),
                now=utc_now(),
            )

    key = with_operator_database(work)
    print_record({"api_key": key.text, "prefix": key.facts.prefix}, as_json=as_json)


def revoke_api_key(
    prefix: Annotated[str, typer.Argument(help="as `create` printed it")],
    keep_children: KeepChildren = False,
    *,
    as_json: AsJson = False,
) -> None:
    """Revoke an API key at once, and the keys that it made."""

    async def work(database: Database) -> api_keys.KeyFacts:
        async with database.sessions() as session:
            return await api_keys.revoke(
                session,
                prefix,
                owner=None,
                keep_children=keep_children,
                actor=operator_actor(),
                now=utc_now(),
            )

    key = with_operator_database(work)
    print_record({"prefix": key.prefix, "revoked_at": key.revoked_at}, as_json=as_json)
