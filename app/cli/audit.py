"""`assay audit`: the money rules, checked on a live database."""

from dataclasses import asdict

import typer

from app.cli.operator import with_operator_database
from app.cli.printing import AsJson, print_record
from app.db.engine import Database
from app.services import audit as audits


def audit(*, as_json: AsJson = False) -> None:
    """Check the money rules on the database; exit with 1 if one is broken."""

    async def work(database: Database) -> tuple[list[audits.Breach], dict[str, int]]:
        async with database.reading() as connection:
            return await audits.breaches(connection), await audits.checked(connection)

    breaches, checked = with_operator_database(work)
    found = [asdict(breach) for breach in breaches]
    print_record({"breaches": found, "checked": checked}, as_json=as_json)
    if breaches:
        raise typer.Exit(1)
