"""`assay access-code create`: access codes, issued for a user."""

from typing import Annotated

import typer

from app.cli.operator import ExpiresAt, operator_actor, time_of, utc_now, with_operator_database
from app.cli.printing import AsJson, print_record
from app.db.engine import Database
from app.services import access_codes, accounts, ledger
from app.services.callers import Caller


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

    async def work(database: Database) -> access_codes.CodeFacts:
        actor, now = operator_actor(), utc_now()
        async with database.reading() as connection:
            issuer_id = await accounts.user_id_of(connection, issuer)
        async with database.sessions() as session:
            code = await access_codes.create(
                session,
                issuer_id=issuer_id,
                expires_at=expiry,
                credits_moved=0,
                actor=actor,
                now=now,
            )
        async with database.reading() as connection:
            account_id = await access_codes.account_id_of(connection, code)
        if credits_given:
            async with database.sessions() as session:
                await ledger.adjust(
                    session,
                    account_id=account_id,
                    amount=credits_given,
                    reason="given at issue",
                    actor=actor,
                    at=now,
                )
        async with database.reading() as connection:
            owner = Caller.of_access_code(account_id, code)
            return await access_codes.facts(connection, caller=owner, access_code=code, now=now)

    code = with_operator_database(work)
    print_record(
        {
            "access_code": code.access_code,
            "affiliate_origin": code.affiliate_origin,
            "credits_available": code.credits_available,
            "expires_at": code.expires_at,
        },
        as_json=as_json,
    )
