"""`assay audit`: the money rules, checked on a live database."""

from dataclasses import asdict
from typing import Any

import typer

from app import audit as audits
from app.cli.operator import with_operator_database
from app.cli.printing import AsJson, print_record
from app.runtime.db.engine import Database


def audit(*, as_json: AsJson = False) -> None:
    """Check the money rules on the database; exit with 1 if one is broken.

    `doubtful` are grants of an earlier version that a migration found to be maybe wrong.
    """

    async def work(database: Database) -> dict[str, Any]:
        async with database.reading() as connection:
            breaches = await audits.breaches(connection)
            doubtful = await audits.doubtful(connection)
            return {
                "breaches": [asdict(breach) for breach in breaches],
                "doubtful": [asdict(doubt) for doubt in doubtful],
                "checked": await audits.checked(connection),
            }

    found = with_operator_database(work)
    print_record(found, as_json=as_json)
    if found["breaches"]:
        raise typer.Exit(1)
