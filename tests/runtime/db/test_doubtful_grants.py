"""What the migrations report of the grants of an earlier version, and that they change nothing else."""

import asyncio
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import asyncpg
import pytest
from alembic import command

from app.orders.rules.settlement import Verified
from app.runtime.db.engine import create_database
from app.runtime.db.migrate import configuration, upgrade
from tests.support.bitcoin_orders import BitcoinOrder, output
from tests.support.clock import HandClock
from tests.support.commands import commands_on, printed
from tests.support.databases import connect
from tests.support.orders import OneOrder
from tests.support.people import make_user

# The last schema that neither judged what came before an order nor held the rails apart.
BEFORE: Final = "0015"
KEPT: Final = (
    "accounts",
    "orders",
    "payments",
    "ledger_entries",
    "order_events",
    "settlements",
    "bitcoin_outputs",
    "bitcoin_addresses",
    "bitcoin_wallets",
)
Rows = dict[str, list[dict[str, Any]]]


async def rows_of(connection: asyncpg.Connection) -> Rows:
    """Return all rows of the tables of money."""
    return {
        table: [dict(row) for row in await connection.fetch(f"SELECT * FROM {table} ORDER BY 1, 2")]  # noqa: S608
        for table in KEPT
    }


def only_columns_of(before: Rows, after: Rows) -> Rows:
    """Leave out the columns that are new."""
    return {
        table: [{name: row[name] for name in before[table][0]} for row in rows]
        for table, rows in after.items()
    }


async def fill(url: str) -> dict[str, str]:
    """Sell in each way that an earlier version may have; return the orders by what they are."""
    clock, database = HandClock(datetime.now(UTC) - timedelta(days=2)), create_database(url)
    buyer = await make_user(database, clock.now())
    orders = {}
    for number, name in enumerate(
        ("day_old", "hour_old", "partly_old", "true", "both", "heir", "ancestor", "waiting"), 1
    ):
        order = await BitcoinOrder.place(database, clock, buyer)
        orders[name] = order.id
        if name not in ("ancestor", "waiting"):
            paid = [output(number=number)]
            if name == "partly_old":
                paid.append(output(100_000, number=100))
            await order.shown(*paid)
            assert (await order.facts()).credits_granted == 10
    settled = await OneOrder.place(database, clock, buyer)
    await settled.created()
    await settled.reported("BTC_SENT", settlement=Verified(f"{99:064x}", (0,), 3))
    orders["settled"] = settled.id
    await database.dispose()
    return orders


# What the new schema would refuse, and the earlier one let pass.
WRONG: Final = (
    "UPDATE bitcoin_outputs SET arrived_at = arrived_at - interval '1 day' WHERE order_id = $day_old",
    "UPDATE bitcoin_outputs SET arrived_at = arrived_at - interval '1 hour'"
    " WHERE order_id = $hour_old OR (order_id = $partly_old AND value_btc < 0.002)",
    "UPDATE bitcoin_outputs SET txid = lpad('63', 64, '0') WHERE order_id = $both",
    "UPDATE bitcoin_addresses a SET released_at = h.taken_at - interval '1 s',"
    " taken_at = h.taken_at - interval '200 days', address = h.address"
    " FROM bitcoin_addresses h WHERE a.order_id = $ancestor AND h.order_id = $heir",
)


async def do_wrong(connection: asyncpg.Connection, orders: dict[str, str]) -> None:
    for statement in WRONG:
        named = re.sub(r"\$(\w+)", lambda name: f"'{orders[name[1]]}'", statement)
        await connection.execute(named)


async def test_migration_reports_what_may_be_wrong_and_takes_nothing_back(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = await fill(database_url)
    await asyncio.to_thread(command.downgrade, configuration(database_url), BEFORE)
    connection = await connect(database_url)
    await do_wrong(connection, orders)
    before = await rows_of(connection)
    await connection.close()

    await asyncio.to_thread(upgrade, database_url)

    connection = await connect(database_url)
    after = await rows_of(connection)
    reported = await connection.fetch(
        "SELECT action, subject FROM audit_log WHERE actor = 'migration'"
    )
    await connection.close()
    assert only_columns_of(before, after) == before
    names = {order_id: name for name, order_id in orders.items()}
    doubtful = sorted((action, names[subject]) for action, subject in reported)
    assert doubtful == [
        ("order.doubtful_both_rails", "both"),
        ("order.doubtful_both_rails", "settled"),
        ("order.doubtful_prior_money", "day_old"),
        ("order.doubtful_prior_money", "hour_old"),
        ("order.doubtful_reused_address", "heir"),
    ]
    with commands_on(database_url, monkeypatch) as assay:
        audit = await assay("audit", "--json")
        listed = await printed(assay, "orders", "list", "--attention")
    paid_too_much = {"partly_old"}
    doubted = {names[order_id] for _, order_id in reported}
    assert {names[one["order_id"]] for one in listed} == doubted | paid_too_much
    found = json.loads(audit.stdout)
    prior = "granted for money that may have been there before the order"
    both = "its output counted for another order, too, on the other rail"
    assert sorted((names[one["subject"]], one["reason"]) for one in found["doubtful"]) == [
        ("both", both),
        ("day_old", prior),
        ("heir", "granted at an address that an earlier order had"),
        ("hour_old", prior),
        ("settled", both),
    ]
    # What is beyond doubt: an hour may be a miner's clock. (The ancestor's row was made to fit.)
    once = "an output counts for one order, on whichever rail"
    assert audit.exit_code == 1
    assert sorted((names[one["subject"]], one["rule"]) for one in found["breaches"]) == [
        ("ancestor", "an order in bitcoin is to be paid to the address that it was given"),
        ("both", once),
        ("day_old", "no order is granted for money that was at its address before it"),
        ("settled", once),
    ]
