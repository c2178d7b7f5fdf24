"""`assay access-code create|list|deactivate`: access codes, issued for a user."""

from dataclasses import replace
from typing import Annotated, Final

import typer

from app.accounts import access_code_credits, access_codes, users
from app.accounts.access_code_facts import CodeFacts
from app.cli.operator import (
    ExpiresAt,
    Limit,
    newest,
    operator_actor,
    time_of,
    with_operator_database,
)
from app.cli.printing import AsJson, print_record, print_records
from app.ledger import service
from app.runtime.db.engine import Database

_STATUS: Final = {True: "active", False: "inactive"}


def create_access_code(
    issuer: Annotated[str, typer.Option(metavar="EMAIL", help="the user that issues it")],
    expires_at: ExpiresAt = None,
    credits_given: Annotated[
        int, typer.Option("--credits", min=0, help="credits to give it, as an adjustment")
    ] = 0,
    *,
    as_json: AsJson = False,
) -> None:
    """Issue an access code for a user."""
    expiry = time_of(expires_at)

    async def work(database: Database) -> CodeFacts:
        actor, now = operator_actor(), database.clock.now()
        async with database.reading() as connection:
            issuer_id = await users.user_id_of(connection, issuer)
        async with database.sessions() as session, session.begin():
            code = await access_codes.create(
                session,
                issuer_id=issuer_id,
                expires_at=expiry,
                credits_moved=0,
                actor=actor,
                now=now,
            )
        if not credits_given:
            return code
        async with database.sessions() as session:
            balance = await service.adjust(
                session,
                account_id=code.account_id,
                amount=credits_given,
                reason="given at issue",
                actor=actor,
                at=now,
            )
        return replace(code, credits_available=balance)

    _print(with_operator_database(work), as_json=as_json)


def _print(code: CodeFacts, *, as_json: bool) -> None:
    print_record(
        {
            "access_code": code.access_code,
            "affiliate_origin": code.affiliate_origin,
            "credits_available": code.credits_available,
            "expires_at": code.expires_at,
        },
        as_json=as_json,
    )


def list_access_codes(
    issuer: Annotated[
        str | None, typer.Option(metavar="EMAIL", help="only those that this user issued")
    ] = None,
    limit: Limit = 1000,
    *,
    as_json: AsJson = False,
) -> None:
    """List access codes, newest first; one that expired is inactive, too."""

    async def work(database: Database) -> list[tuple[CodeFacts, str]]:
        async with database.reading() as connection:
            of_all = issuer is None
            issuer_id = None if of_all else await users.user_id_of(connection, issuer or "")
            return await access_codes.list_all(
                connection, issuer_id=issuer_id, now=database.clock.now(), limit=limit + 1
            )

    records = [
        {
            "access_code": code.access_code,
            "issuer": email,
            "status": _STATUS[code.active],
            "affiliate_origin": code.affiliate_origin,
            "credits_available": code.credits_available,
            "created_at": code.created_at,
            "expires_at": code.expires_at,
        }
        for code, email in newest(with_operator_database(work), limit)
    ]
    columns = ("access_code", "issuer", "status", "credits_available", "created_at", "expires_at")
    print_records(records, columns=columns, as_json=as_json)


def deactivate_access_code(
    code: Annotated[str, typer.Argument(metavar="CODE", help="the access code")],
    keep_credits: Annotated[
        bool, typer.Option("--keep-credits", help="leave its credits on it")
    ] = False,
    *,
    as_json: AsJson = False,
) -> None:
    """Take an access code out of use, for good: its credits go back to its issuer.

    So do those that come to it later, as a refund. Its keys may read.
    """

    async def work(database: Database) -> int:
        async with database.sessions() as session, session.begin():
            return await access_code_credits.deactivate(
                session,
                caller=None,
                access_code=code,
                keep_credits=keep_credits,
                actor=operator_actor(),
                now=database.clock.now(),
            )

    returned = with_operator_database(work)
    print_record(
        {"access_code": code, "status": _STATUS[False], "credits_returned": returned},
        as_json=as_json,
    )
