"""`assay benchmark-data`: a database as large as one after years of selling, for measurements."""

import json
import secrets
import time
from dataclasses import asdict
from decimal import Decimal
from typing import Annotated, Any, Final

import typer
from sqlalchemy import text

from app import audit as audits
from app.addresses import AddressForm
from app.addresses.spelling import SPELLING_RULES
from app.assessments.progress import as_json as as_stored
from app.assessments.providers.base import Answer
from app.cli.benchmark_rows import Sizes, write_rows
from app.cli.operator import with_operator_database
from app.cli.printing import AsJson, print_record
from app.runtime.db.engine import Database
from app.runtime.faults import OperatorFault
from app.runtime.security import hash_password

_DESTINATION: Final = "12Cyjf3qV6qLyXdzpLSLPdRFPUVidvnzFM"  # of the example of AEON.to API v3


def benchmark_data(
    accounts: Annotated[int, typer.Option(min=2, help="users and access codes")] = 100_000,
    orders: Annotated[int, typer.Option(min=1, help="orders")] = 1_000_000,
    ledger_entries: Annotated[int, typer.Option(min=2, help="ledger entries")] = 3_000_000,
    assessments: Annotated[int, typer.Option(min=0, help="answered assessments")] = 300_000,
    list_rows: Annotated[int, typer.Option(min=1, help="rows of one list")] = 2_000_000,
    *,
    as_json: AsJson = False,
) -> None:
    """Fill a new database with many rows that break no rule, to measure Assay on it.

    It refuses a database that has an account, an order or a list, and there is no way around that:
    name one of its own in ASSAY_DATABASE_URL, after `assay migrate`. Nobody has the passwords and
    keys of its accounts. At the end the money rules are checked, as `assay audit` does.
    """
    sizes = Sizes(accounts, orders, ledger_entries, assessments, list_rows)
    if sizes.adjustments < 0:
        raise typer.BadParameter(
            f"--ledger-entries: must be at least {sizes.least_ledger_entries}: one for each"
            " account, each order that is granted and each assessment"
        )

    async def work(database: Database) -> dict[str, Any]:
        began = time.monotonic()
        async with database.engine.begin() as connection:
            await write_rows(connection, sizes, _parameters())
        async with database.reading() as connection:
            await connection.execute(text("VACUUM (ANALYZE)"))
        seconds = time.monotonic() - began
        async with database.reading() as connection:
            if await audits.breaches(connection):
                raise OperatorFault("the rows break rules of money: see `assay audit`")
        return {**asdict(sizes), "granted_orders": sizes.granted_orders, "seconds": round(seconds)}

    print_record(with_operator_database(work), as_json=as_json)


def _parameters() -> dict[str, Any]:
    answer = Answer(
        risk_score=Decimal(0),
        grade="not on the lists",
        evidence=(),
        provider="sanctions",
        sources=(),
        address_form=AddressForm.NOT_CHECKED,
    )
    return {
        "password_hash": hash_password(secrets.token_urlsafe(32)),
        "destination": _DESTINATION,
        "answer": json.dumps({**as_stored(asdict(answer)), "summary": "Filled in for benchmarks"}),
        "spelling_rules": SPELLING_RULES,
    }
