"""`assay credits adjust`: credits given or taken by an operator, with a reason."""

from typing import Annotated

import typer

from app.cli.operator import (
    CodeOption,
    UserEmail,
    account_id_of,
    operator_actor,
    require_one,
    with_operator_database,
)
from app.cli.printing import AsJson, print_record
from app.ledger import service
from app.runtime.db.engine import Database


def adjust_credits(
    amount: Annotated[int, typer.Option(help="credits to add; negative to take")],
    reason: Annotated[str, typer.Option(help="kept in the ledger")],
    email: UserEmail = None,
    code: CodeOption = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Add or take credits of an account, with a reason."""
    require_one(user=email, access_code=code)
    if not reason.strip():
        raise typer.BadParameter("--reason: needs a text")

    async def work(database: Database) -> int:
        async with database.reading() as connection:
            account_id = await account_id_of(connection, email, code)
        async with database.sessions() as session:
            return await service.adjust(
                session,
                account_id=account_id,
                amount=amount,
                reason=reason,
                actor=operator_actor(),
                at=database.clock.now(),
            )

    print_record({"credits_available": with_operator_database(work)}, as_json=as_json)
