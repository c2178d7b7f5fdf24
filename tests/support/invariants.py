"""The invariants of money, written over views so that they share nothing with the audit's SQL.

Each query returns what breaks it. They hold after any run, once faults have stopped.
"""

from datetime import datetime
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.runtime.db.engine import Database

# Typed from docs/order-states.md: every move that is legal, an operator's among them.
_LEGAL: Final = """
    TO_BE_CREATED>UNPAID TO_BE_CREATED>UNDERPAID TO_BE_CREATED>PAID_UNCONFIRMED TO_BE_CREATED>PAID
    TO_BE_CREATED>BTC_SENT TO_BE_CREATED>TIMED_OUT TO_BE_CREATED>NOT_FOUND TO_BE_CREATED>FAILED
    UNPAID>UNDERPAID UNPAID>PAID_UNCONFIRMED UNPAID>PAID UNPAID>BTC_SENT UNPAID>TIMED_OUT
    UNPAID>NOT_FOUND UNPAID>FAILED
    UNDERPAID>PAID_UNCONFIRMED UNDERPAID>PAID UNDERPAID>BTC_SENT UNDERPAID>TIMED_OUT
    UNDERPAID>NOT_FOUND UNDERPAID>FAILED
    PAID_UNCONFIRMED>UNPAID PAID_UNCONFIRMED>UNDERPAID PAID_UNCONFIRMED>PAID
    PAID_UNCONFIRMED>BTC_SENT PAID_UNCONFIRMED>TIMED_OUT PAID_UNCONFIRMED>FAILED
    PAID>BTC_SENT PAID>FAILED
    TIMED_OUT>UNPAID TIMED_OUT>UNDERPAID TIMED_OUT>PAID_UNCONFIRMED TIMED_OUT>PAID
    TIMED_OUT>BTC_SENT TIMED_OUT>FAILED
    NOT_FOUND>UNPAID NOT_FOUND>UNDERPAID NOT_FOUND>PAID_UNCONFIRMED NOT_FOUND>PAID
    NOT_FOUND>BTC_SENT NOT_FOUND>FAILED NOT_FOUND>TO_BE_CREATED
    TO_BE_CREATED>CANCELLED UNPAID>CANCELLED
    CANCELLED>UNDERPAID CANCELLED>PAID_UNCONFIRMED CANCELLED>PAID CANCELLED>BTC_SENT
    CANCELLED>FAILED
"""

_LEGAL_PAIRS: Final = [dict(zip("ft", pair.split(">"), strict=True)) for pair in _LEGAL.split()]

_VIEWS: Final = (
    "CREATE SCHEMA IF NOT EXISTS qa",
    "CREATE TABLE IF NOT EXISTS qa.clock (at timestamptz)",
    "CREATE OR REPLACE VIEW qa.account AS SELECT id, balance FROM accounts",
    """CREATE OR REPLACE VIEW qa.family AS
       SELECT account_id AS code, issuer_id AS issuer FROM access_codes""",
    """CREATE OR REPLACE VIEW qa.closed AS
       SELECT id AS code, returns_to AS issuer, status, balance FROM accounts
       WHERE returns_to IS NOT NULL""",
    """CREATE OR REPLACE VIEW qa.transfer AS
       SELECT transfer_id AS name, account_id FROM ledger_entries WHERE kind = 'transfer'""",
    """CREATE OR REPLACE VIEW qa.ledger AS
       SELECT id, id AS seq, account_id, order_id, assessment_id, kind, amount
       FROM ledger_entries""",
    """CREATE OR REPLACE VIEW qa.orders AS
       SELECT o.id, rail, status,
              status = 'BTC_SENT' OR (status = 'PAID' AND granting_status = 'PAID') AS granting,
              status IN ('BTC_SENT', 'FAILED') OR (rail = 'bitcoin' AND status = 'PAID')
                  OR (status = 'CANCELLED'
                      AND NOT EXISTS (SELECT FROM payments p WHERE p.order_id = o.id))
                  OR (status IN ('TIMED_OUT', 'NOT_FOUND', 'CANCELLED')
                      AND status_since + interval '24 h' <= (SELECT at FROM qa.clock)) AS final,
              number_of_credits AS credits, credits_granted, grant_price_btc AS grant_price,
              btc_dest_address AS dest,
              beneficiary_id, price_btc, next_look_at AS next_look, lease_until, granted_at,
              created_at,
              EXISTS (SELECT FROM order_events e WHERE e.order_id = o.id AND e.kind = 'moved'
                      AND e.at = o.granted_at AND e.to_status IN ('PAID', 'BTC_SENT')
                      AND (e.evidence->>'state' IN (e.to_status, 'BTC_SENT') OR EXISTS (
                          SELECT FROM audit_log a WHERE a.subject = o.id
                          AND a.action = 'order.settle_grant'))) AS has_evidence
       FROM orders o""",
    """CREATE OR REPLACE VIEW qa.payment AS
       SELECT order_id, uuid, btc_amount, btc_dest_address AS dest FROM payments""",
    "CREATE OR REPLACE VIEW qa.assessment AS SELECT id, status, account_id FROM assessments",
    """CREATE OR REPLACE VIEW qa.move AS
       SELECT order_id, id AS seq, from_status AS f, to_status AS t
       FROM order_events WHERE kind = 'moved'""",
    """CREATE OR REPLACE VIEW qa.audit AS
       SELECT ledger_entry_id AS ledger_id FROM audit_log
       WHERE ledger_entry_id IS NOT NULL AND actor <> '' AND request_id <> ''""",
    """CREATE OR REPLACE VIEW qa.settlement AS
       SELECT order_id, lower(txid) || ':' || output_index AS output,
              is_coinbase AND confirmations < 100 AS may_be_undone FROM settlements""",
    """CREATE OR REPLACE VIEW qa.address AS
       SELECT order_id, address, released_at IS NULL AS held FROM bitcoin_addresses""",
    """CREATE OR REPLACE VIEW qa.output AS
       SELECT b.order_id, b.value_btc AS btc, b.gone_at, b.txid || ':' || b.output_index AS output
       FROM bitcoin_outputs b JOIN orders o ON o.id = b.order_id
       WHERE NOT b.before_order AND b.arrived_at > o.created_at - interval '2 h'""",
    """CREATE OR REPLACE VIEW qa.word AS
       SELECT subject AS order_id FROM audit_log WHERE action = 'order.settle_grant'""",
    """CREATE OR REPLACE VIEW qa.idem AS
       SELECT account_id, endpoint, key, status, assessment_id FROM idempotency_keys""",
    """CREATE OR REPLACE VIEW qa.stream AS
       SELECT account_id, sequence AS number FROM account_events""",
    """CREATE OR REPLACE VIEW qa.told AS
       SELECT id AS seq, type, account_ids[1] AS account_id, data->>'order_id' AS order_id,
              (data->>'credits')::bigint AS credits, (data->>'balance_after')::bigint AS balance
       FROM events""",
    "CREATE TABLE IF NOT EXISTS qa.legal (f text, t text)",
)

_INVARIANTS: Final = {
    "I1 balance equals ledger": """
        SELECT a.id FROM qa.account a LEFT JOIN qa.ledger l ON l.account_id = a.id
        GROUP BY a.id, a.balance HAVING a.balance <> COALESCE(SUM(l.amount), 0)""",
    "I2 never negative": "SELECT id FROM qa.account WHERE balance < 0",
    "I2 never negative at any point": """
        SELECT account_id FROM (
            SELECT account_id, SUM(amount) OVER (PARTITION BY account_id ORDER BY seq) AS s
            FROM qa.ledger) x WHERE s < 0""",
    "I3 conservation": """
        SELECT 'all' WHERE (SELECT COALESCE(SUM(amount), 0) FROM qa.ledger)
            <> (SELECT COALESCE(SUM(balance), 0) FROM qa.account)""",
    "I4 one purchase per granted order": """
        SELECT o.id FROM qa.orders o
        LEFT JOIN qa.ledger l ON l.order_id = o.id AND l.kind = 'purchase'
        GROUP BY o.id, o.granting, o.credits, o.credits_granted, o.grant_price, o.rail, o.beneficiary_id
        HAVING COUNT(l.id) <> o.granting::int
            OR BOOL_OR(l.amount <> o.credits_granted OR l.account_id <> o.beneficiary_id
                OR (o.grant_price IS NULL AND l.amount <> o.credits)
                OR (o.grant_price IS NOT NULL AND o.rail <> 'bitcoin'))""",
    "I5 one debit, a refund if and only if failed": """
        SELECT s.id FROM qa.assessment s LEFT JOIN qa.ledger l ON l.assessment_id = s.id
        GROUP BY s.id, s.status, s.account_id
        HAVING COUNT(*) FILTER (WHERE l.kind = 'assessment') <> 1
            OR COALESCE(SUM(l.amount) FILTER (WHERE l.kind = 'assessment'), 0) <> -1
            OR COUNT(*) FILTER (WHERE l.kind = 'refund') <> (s.status = 'failed')::int
            OR BOOL_OR(l.account_id <> s.account_id)""",
    "I6 every entry has its cause": """
        SELECT id::text FROM qa.ledger
        WHERE (kind = 'purchase') IS DISTINCT FROM (order_id IS NOT NULL)
            OR (kind IN ('assessment', 'refund')) IS DISTINCT FROM (assessment_id IS NOT NULL)
            OR kind NOT IN ('purchase', 'assessment', 'refund', 'adjustment', 'transfer')
            OR (kind = 'assessment' AND amount >= 0)
            OR (kind IN ('purchase', 'refund') AND amount <= 0)""",
    "I6b transfers cancel": """
        SELECT 'all' WHERE (
            SELECT COALESCE(SUM(amount), 0) FROM qa.ledger WHERE kind = 'transfer') <> 0""",
    "I6c transfers stay in the family": """
        SELECT x.name FROM qa.transfer x
        WHERE NOT EXISTS (
            SELECT FROM qa.family f, qa.transfer y WHERE y.name = x.name
            AND (f.code, f.issuer) IN ((x.account_id, y.account_id), (y.account_id, x.account_id)))""",
    "I6d closed codes have nothing": """
        SELECT code FROM qa.closed WHERE balance <> 0 OR status <> 'inactive'
            OR (code, issuer) NOT IN (SELECT code, issuer FROM qa.family)""",
    "I7 no order in limbo": """
        SELECT id FROM qa.orders
        WHERE NOT final AND (next_look IS NULL OR next_look < (SELECT at FROM qa.clock) - interval '5 min')""",
    "I8 one order per uuid": """
        SELECT uuid FROM qa.payment WHERE uuid IS NOT NULL GROUP BY uuid HAVING COUNT(*) > 1""",
    "I8 no progress without a uuid": """
        SELECT o.id FROM qa.orders o LEFT JOIN qa.payment p ON p.order_id = o.id
        WHERE o.rail = 'aeonto' AND o.status NOT IN ('TO_BE_CREATED', 'FAILED')
            AND p.uuid IS NULL
            AND NOT (o.status = 'CANCELLED' AND NOT EXISTS (
                SELECT FROM qa.move m WHERE m.order_id = o.id AND m.t = 'UNPAID'))""",
    "I9 what upstream was asked": """
        SELECT o.id FROM qa.orders o JOIN qa.payment p ON p.order_id = o.id
        WHERE p.btc_amount <> o.credits * o.price_btc OR p.dest <> o.dest""",
    "I10 every move is legal": """
        SELECT e.order_id FROM qa.move e LEFT JOIN qa.legal g ON g.f = e.f AND g.t = e.t
        WHERE e.f IS NOT NULL AND g.f IS NULL""",
    "I10 moves chain": """
        SELECT order_id FROM (
            SELECT order_id, f, LAG(t) OVER (PARTITION BY order_id ORDER BY seq) AS p
            FROM qa.move) x WHERE p IS DISTINCT FROM f""",
    "I10 the last move is the status": """
        SELECT o.id FROM qa.orders o LEFT JOIN LATERAL (
            SELECT t FROM qa.move m WHERE m.order_id = o.id ORDER BY seq DESC LIMIT 1) m ON true
        WHERE m.t IS DISTINCT FROM o.status""",
    "I11 granted orders carry a time and evidence": """
        SELECT id FROM qa.orders
        WHERE granting AND (granted_at IS NULL OR granted_at < created_at OR NOT has_evidence)""",
    "I12 one audit line per entry": """
        SELECT l.id::text FROM qa.ledger l LEFT JOIN qa.audit a ON a.ledger_id = l.id
        GROUP BY l.id HAVING COUNT(a.ledger_id) <> 1""",
    "I13 one stored answer per account, endpoint and key": """
        SELECT key FROM qa.idem GROUP BY account_id, endpoint, key HAVING COUNT(*) > 1""",
    "I13 no key without an end, no stored failure": """
        SELECT i.key FROM qa.idem i LEFT JOIN qa.assessment s ON s.id = i.assessment_id
        WHERE i.status NOT BETWEEN 200 AND 299
            OR (i.status IS NULL AND (s.id IS NULL OR s.status = 'failed'))""",
    "I14 no claim outlives its lease": """
        SELECT id FROM qa.orders
        WHERE next_look IS NOT NULL
            AND lease_until < (SELECT at FROM qa.clock) - interval '5 min'""",
    "I15 no session is left in a transaction": """
        SELECT pid::text FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()
            AND application_name LIKE 'assay%' AND state LIKE 'idle in transaction%'
            AND clock_timestamp() - state_change > interval '1 s'""",
    "I16 one output settles one order": """
        SELECT output FROM qa.settlement GROUP BY output HAVING COUNT(*) > 1""",
    "I16 one output counts on one rail": """
        SELECT s.output FROM qa.settlement s JOIN qa.output b ON b.output = s.output""",
    "I16 what settles an order may be spent": """
        SELECT order_id FROM qa.settlement WHERE may_be_undone""",
    "I16 what is settled was sent": """
        SELECT s.order_id FROM qa.settlement s LEFT JOIN qa.orders o ON o.id = s.order_id
        WHERE o.status IS DISTINCT FROM 'BTC_SENT'""",
    "I17 credits in bitcoin were paid for, or an operator gave them": """
        SELECT o.id FROM qa.orders o
        LEFT JOIN qa.output b ON b.order_id = o.id
            AND COALESCE(b.gone_at > o.granted_at, true)
        WHERE o.rail = 'bitcoin' AND o.granting
        GROUP BY o.id, o.credits_granted, o.grant_price
        HAVING (o.grant_price IS NULL AND o.id NOT IN (SELECT order_id FROM qa.word))
            OR COALESCE(SUM(b.btc), 0) < o.credits_granted * COALESCE(o.grant_price, 0)""",
    "I18 an order in bitcoin has the address that it was given": """
        SELECT o.id FROM qa.orders o LEFT JOIN qa.address a ON a.order_id = o.id
        WHERE (o.rail = 'bitcoin') IS DISTINCT FROM (a.order_id IS NOT NULL)
            OR a.address <> o.dest""",
    "I18 an address is of one order at a time": """
        SELECT address FROM qa.address WHERE held GROUP BY address HAVING COUNT(*) > 1""",
    "I18 an address is watched as long as it is an order's": """
        SELECT o.id FROM qa.orders o JOIN qa.address a ON a.order_id = o.id
        WHERE a.held IS DISTINCT FROM (o.next_look IS NOT NULL)""",
    "I19 a stream has every number once": """
        SELECT s.account_id FROM qa.stream s WHERE s.number <> 1 AND NOT EXISTS (
            SELECT FROM qa.stream b WHERE b.account_id = s.account_id AND b.number = s.number - 1)""",
    "I20 credits are told one after the other, up to the balance": """
        SELECT account_id FROM (
            SELECT account_id, balance - credits AS was, LAG(balance) OVER each AS before
            FROM qa.told WHERE type = 'credits.moved'
            WINDOW each AS (PARTITION BY account_id ORDER BY seq)) chain WHERE was <> before
        UNION SELECT a.id FROM qa.account a JOIN LATERAL (
            SELECT balance FROM qa.told t WHERE t.account_id = a.id AND type = 'credits.moved'
            ORDER BY seq DESC LIMIT 1) last ON last.balance <> a.balance""",
    "I21 each granted order is told credited once": """
        SELECT o.id FROM qa.orders o LEFT JOIN qa.told t
            ON t.order_id = o.id AND t.type = 'order.credited'
        WHERE o.id IN (SELECT order_id FROM qa.told WHERE type = 'order.updated')
        GROUP BY o.id, o.granting HAVING COUNT(t.seq) <> o.granting::int""",
}
# What holds at any moment, also in the middle of faults.
_ALWAYS: Final = ("I1 ", "I2 ", "I3 ")


async def prepare(connection: AsyncConnection) -> None:
    """Make the views that the invariants are written over."""
    for view in _VIEWS:
        await connection.execute(text(view))


async def broken_now(connection: AsyncConnection) -> dict[str, list[str]]:
    """Return what breaks I1 to I3 at this moment, on a connection that was prepared."""
    return {
        name: breaches
        for name in _INVARIANTS
        if name.startswith(_ALWAYS) and (breaches := await _breaches(connection, name))
    }


async def broken(database: Database, now: datetime) -> dict[str, list[str]]:
    """Return what breaks each invariant at a time, by the invariant; empty when all hold."""
    async with database.reading() as connection:
        await prepare(connection)
        await connection.execute(text("TRUNCATE qa.clock, qa.legal"))
        await connection.execute(text("INSERT INTO qa.legal VALUES (:f, :t)"), _LEGAL_PAIRS)
        await connection.execute(text("INSERT INTO qa.clock VALUES (:now)"), {"now": now})
        return {
            name: breaches
            for name in _INVARIANTS
            if (breaches := await _breaches(connection, name))
        }


async def _breaches(connection: AsyncConnection, name: str) -> list[str]:
    rows = await connection.execute(text(_INVARIANTS[name]))
    return [str(row[0]) for row in rows]
