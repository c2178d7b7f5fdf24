"""`assay benchmark-data`: its rows break no rule, the schema stays, and no database in use is filled."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from app import audit
from app.runtime.db.engine import Database
from tests.support import invariants
from tests.support.commands import commands_on, printed
from tests.support.drift import read_catalogue
from tests.support.people import make_user

# More than one turn of orders for each account and a rest, so that all kinds of order are there.
SIZES = {"accounts": 11, "orders": 203, "ledger_entries": 401, "assessments": 30, "list_rows": 20}
OPTIONS = [part for name, n in SIZES.items() for part in (f"--{name.replace('_', '-')}", str(n))]


async def test_the_rows_are_as_many_as_asked_for_and_break_no_rule(
    database_url: str, committed_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await read_catalogue(database_url)
    with commands_on(database_url, monkeypatch) as assay:
        told = await printed(assay, "benchmark-data", *OPTIONS)
        assert told.items() >= SIZES.items()
        async with committed_database.reading() as connection:
            counts = await audit.checked(connection)
            assert await audit.breaches(connection) == []
            rows = await connection.execute(text("SELECT count(*) FROM list_entries"))
            assert rows.scalar_one() == SIZES["list_rows"]
            rows = await connection.execute(text("SELECT DISTINCT status FROM orders"))
            assert set(rows.scalars()) == {"BTC_SENT", "TIMED_OUT", "UNPAID"}
        assert {name: counts[name] for name in SIZES if name in counts} == {
            name: n for name, n in SIZES.items() if name != "list_rows"
        }
        assert await invariants.broken(committed_database, datetime.now(UTC)) == {}
        assert (await read_catalogue(database_url)).splitlines() == before.splitlines()

        refused = await assay("benchmark-data", *OPTIONS)
        assert refused.exit_code == 1


async def test_a_database_that_is_in_use_is_refused_and_stays_as_it_is(
    database_url: str, committed_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make_user(committed_database, datetime.now(UTC))
    with commands_on(database_url, monkeypatch) as assay:
        refused = await assay("benchmark-data", *OPTIONS)
        assert refused.exit_code == 1
        assert "accounts has rows" in refused.output
        few = await assay("benchmark-data", *OPTIONS, "--ledger-entries", "10")
        assert few.exit_code == 2
        assert "--ledger-entries: must be at least" in few.output
    async with committed_database.reading() as connection:
        counts = await audit.checked(connection)
    assert counts["accounts"] == 1
    assert counts["orders"] == 0
