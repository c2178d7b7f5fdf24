"""`assay user create`: users, also when registration is closed."""

from dataclasses import asdict
from typing import Annotated

import typer

from app.cli.operator import operator_actor, utc_now, with_operator_database
from app.cli.printing import AsJson, print_record
from app.db.engine import Database
from app.domain.security import PASSWORD_MAX_LENGTH, PASSWORD_MIN_LENGTH
from app.services import accounts


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

    async def work(database: Database) -> accounts.NewUser:
        async with database.sessions() as session:
            return await accounts.register(
                session, email=email, password=password, actor=operator_actor(), now=utc_now()
            )

    print_record(asdict(with_operator_database(work)), as_json=as_json)
