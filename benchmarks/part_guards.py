"""The part `guards`: what each trigger of the database costs a row that it looks at."""

import json
from typing import Any, Final

import asyncpg

from benchmarks.report import Figure, Report
from benchmarks.stage import Stage
from benchmarks.world import connect, make_world

_REPEATS: Final = 5

# Each writes a row for every user, in one statement, at whose end deferred triggers fire, too.
_WRITES: Final = (
    """
    INSERT INTO orders (id, buyer_id, beneficiary_id, number_of_credits, payment_coin,
        payment_network, rail, price_btc, btc_amount, btc_dest_address, granting_status, status,
        status_since, create_by, max_open_orders, next_look_at, created_at, updated_at)
    SELECT 'ord_' || account_id, account_id, account_id, 10, 'Aeon', 'AEON', 'aeonto', 0.0005,
        0.005, '', 'BTC_SENT', 'TO_BE_CREATED', now(), now() + interval '1 hour', 1000000, now(),
        now(), now() FROM users""",
    "UPDATE orders SET status = 'UNPAID' WHERE id IN (SELECT 'ord_' || account_id FROM users)",
    """
    WITH asked AS (
        INSERT INTO assessments (id, account_id, assessment_type, address, currency, provider,
            status, attempts, next_try_at, created_at, updated_at)
        SELECT 'asm_' || account_id, account_id, 'address', '', '', '', 'pending', 1, now(), now(),
            now() FROM users RETURNING id, account_id),
    spent AS (
        UPDATE accounts SET balance = balance - 1 FROM asked WHERE accounts.id = asked.account_id
        RETURNING accounts.id, balance)
    INSERT INTO ledger_entries (account_id, kind, amount, balance_after, assessment_id, at)
    SELECT spent.id, 'assessment', -1, balance, asked.id, now()
    FROM spent JOIN asked ON asked.account_id = spent.id""",
    """
    INSERT INTO idempotency_keys (account_id, endpoint, key, request_hash, status, body, created_at)
    SELECT account_id, 'new_order', 'k', sha256(''), 201, '', now() FROM users""",
)


async def measure_guards(stage: Stage, report: Report) -> None:
    """Let PostgreSQL time its triggers; add the least time of each to the report."""
    url = await stage.database("guards")
    await make_world(url)
    connection, least = await connect(url), dict[str, float]()
    try:
        for _ in range(_REPEATS):
            await connection.execute("BEGIN")
            await connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
            for write in _WRITES:
                for name, microseconds in (await _times_of(connection, write)).items():
                    least[name] = min(microseconds, least.get(name, microseconds))
            await connection.execute("ROLLBACK")
    finally:
        await connection.close()
    report.figures += [Figure(name, value, "us a row") for name, value in least.items()]


async def _times_of(connection: asyncpg.Connection, write: str) -> dict[str, float]:
    """Return what each trigger and the whole statement take for a row, in microseconds."""
    text = await connection.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {write}")
    explained: dict[str, Any] = json.loads(text)[0]
    guards = [
        one
        for one in explained["Triggers"]
        if one["Trigger Name"] == one.get("Constraint Name", one["Trigger Name"])
    ]
    rows = max(one["Calls"] for one in guards)
    whole = f"whole statement: {' '.join(write.split()[:3])}"
    return {
        f"guard {one['Trigger Name']} of {one['Relation']}": one["Time"] / one["Calls"] * 1000
        for one in guards
    } | {whole: explained["Execution Time"] / rows * 1000}
