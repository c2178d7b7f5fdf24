"""The rows of `assay benchmark-data`, written by one statement a table, and what is left out meanwhile.

Account k has every order and every entry whose number is k modulo the number of accounts, so that
each balance follows from numbers alone. It begins with a million credits, gets ten for each order
that was granted and one for each adjustment, and spends one for each assessment. Nine of ten
orders of an account were granted; of the others, one of ten is open, and not looked at for ten
years, so that AEON.to is never asked about it. One order in twenty is the first account's beyond
that, and timed out: its list of orders is very long.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.runtime.faults import OperatorFault

_LONG_LIST: Final = 20  # one order in so many is in the long list of the first account


@dataclass(frozen=True)
class Sizes:
    """How many rows there shall be."""

    accounts: int
    orders: int
    ledger_entries: int
    assessments: int
    list_rows: int

    @property
    def spread_orders(self) -> int:
        """The orders that are not in the long list of the first account."""
        return self.orders - self.orders // _LONG_LIST

    @property
    def granted_orders(self) -> int:
        """The orders that were granted."""
        rounds, rest = divmod(self.spread_orders, self.accounts)
        return (rounds - rounds // 10) * self.accounts + (rest if rounds % 10 != 9 else 0)  # noqa: PLR2004

    @property
    def adjustments(self) -> int:
        """The entries that are of no order and no assessment, beyond the first of each account."""
        return self.ledger_entries - self.least_ledger_entries

    @property
    def least_ledger_entries(self) -> int:
        """One for each account, each order that was granted, and each assessment."""
        return self.accounts + self.granted_orders + self.assessments


_TABLES: Final = (
    "accounts",
    "users",
    "access_codes",
    "api_keys",
    "orders",
    "order_events",
    "payments",
    "assessments",
    "ledger_entries",
    "audit_log",
    "list_versions",
    "list_entries",
    "list_reviews",
)
# What there shall be, from numbers alone; the views are read by the statements below.
_PLANS: Final = (
    """
    CREATE TEMPORARY TABLE sizes ON COMMIT DROP AS SELECT CAST(:accounts AS bigint) AS accounts,
        CAST(:orders AS bigint) AS orders, CAST(:spread_orders AS bigint) AS spread_orders,
        CAST(:adjustments AS bigint) AS adjustments, CAST(:assessments AS bigint) AS assessments,
        CAST(:list_rows AS bigint) AS list_rows, now() - interval '1 year' AS began_at""",
    """
    CREATE TEMPORARY VIEW planned_accounts AS
    SELECT k, id, began_at, adjustments, assessments,
        1000000 + 10 * (orders - orders / 10) AS balance_of_grants
    FROM (
        SELECT k, 'acc_' || lpad(k::text, 25, '0') AS id, began_at,
            spread_orders / accounts + (k < spread_orders % accounts)::int AS orders,
            s.adjustments / accounts + (k < s.adjustments % accounts)::int AS adjustments,
            s.assessments / accounts + (k < s.assessments % accounts)::int AS assessments
        FROM sizes s, generate_series(0, accounts - 1) k) one""",
    """
    CREATE TEMPORARY VIEW planned_orders AS
    SELECT 'ord_' || lpad(j::text, 25, '0') AS id, j, turn,
        'acc_' || lpad((CASE WHEN is_spread THEN j % accounts ELSE 0 END)::text, 25, '0')
            AS account_id,
        CASE WHEN NOT is_spread THEN 'TIMED_OUT' WHEN turn % 10 <> 9 THEN 'BTC_SENT'
            WHEN j % 10 = 0 THEN 'UNPAID' ELSE 'TIMED_OUT' END AS status,
        created_at, created_at + interval '10 minutes' AS ended_at
    FROM (
        SELECT j, j / accounts AS turn, accounts, j < spread_orders AS is_spread,
            began_at + j * (interval '1 year' / orders) AS created_at
        FROM sizes, generate_series(0, orders - 1) j) one""",
    """
    CREATE TEMPORARY VIEW planned_assessments AS
    SELECT 'asm_' || lpad(j::text, 25, '0') AS id, a.id AS account_id, a.began_at,
        '0x' || substr(encode(sha256(j::text::bytea), 'hex'), 1, 40) AS address,
        a.balance_of_grants + a.adjustments - j / s.accounts - 1 AS balance_after
    FROM sizes s, generate_series(0, s.assessments - 1) j
    JOIN planned_accounts a ON a.k = j % (SELECT accounts FROM sizes)""",
)
_ROWS: Final = (
    """
    INSERT INTO accounts (id, kind, status, balance, created_at)
    SELECT id, CASE k % 2 WHEN 0 THEN 'user' ELSE 'access_code' END, 'active',
        balance_of_grants + adjustments - assessments, began_at FROM planned_accounts""",
    """
    INSERT INTO users (account_id, email, password_hash, affiliate_code)
    SELECT id, 'benchmark-' || k || '@example.com', :password_hash, lpad(k::text, 10, '0')
    FROM planned_accounts WHERE k % 2 = 0""",
    """
    INSERT INTO access_codes (account_id, access_code, issuer_id)
    SELECT id, lpad(k::text, 16, '0'), 'acc_' || lpad((k - 1)::text, 25, '0')
    FROM planned_accounts WHERE k % 2 = 1""",
    """
    INSERT INTO api_keys (prefix, secret_hash, account_id, created_at)
    SELECT lpad(k::text, 10, '0'), sha256(uuid_send(gen_random_uuid())), id, began_at
    FROM planned_accounts""",
    """
    INSERT INTO orders (id, buyer_id, beneficiary_id, number_of_credits, payment_coin,
        payment_network, rail, price_btc, btc_amount, btc_dest_address, granting_status, status,
        status_since, create_by, max_open_orders, next_look_at, credits_granted, granted_at,
        created_at, updated_at)
    SELECT id, account_id, account_id, 10, 'Aeon', 'AEON', 'aeonto', 0.0005, 0.005, :destination,
        'BTC_SENT', status, ended_at, created_at + interval '1 hour', 0,
        CASE status WHEN 'UNPAID' THEN now() + interval '10 years' END,
        CASE status WHEN 'BTC_SENT' THEN 10 END, CASE status WHEN 'BTC_SENT' THEN ended_at END,
        created_at, ended_at
    FROM planned_orders""",
    """
    INSERT INTO payments (order_id, uuid, state, btc_amount, btc_dest_address, expires_at, seen_at)
    SELECT id, lpad(to_hex(j), 32, '0')::uuid::text, status, 0.005, :destination,
        created_at + interval '15 minutes', ended_at
    FROM planned_orders""",
    """
    INSERT INTO order_events (order_id, kind, from_status, to_status, at, reason)
    SELECT id, 'moved', NULL, 'TO_BE_CREATED', created_at, 'ordered' FROM planned_orders""",
    """
    INSERT INTO order_events (order_id, kind, from_status, to_status, at, reason)
    SELECT id, 'moved', 'TO_BE_CREATED', 'UNPAID', created_at, 'benchmark' FROM planned_orders""",
    """
    INSERT INTO order_events (order_id, kind, from_status, to_status, at, reason, evidence)
    SELECT id, 'moved', 'UNPAID', status, ended_at, 'benchmark',
        jsonb_build_object('state', status)
    FROM planned_orders
    WHERE status <> 'UNPAID'""",
    """
    INSERT INTO assessments (id, account_id, assessment_type, address, currency, provider, status,
        attempts, answer, created_at, answered_at, spelling, spelling_rules, updated_at)
    SELECT id, account_id, 'address', address, 'ETH', 'sanctions', 'ready', 1,
        CAST(:answer AS jsonb), began_at, began_at, address, CAST(:spelling_rules AS integer),
        began_at
    FROM planned_assessments""",
    """
    INSERT INTO ledger_entries (account_id, kind, amount, balance_after, reason, at)
    SELECT id, 'adjustment', 1000000, 1000000, 'benchmark', began_at FROM planned_accounts""",
    """
    INSERT INTO ledger_entries (account_id, kind, amount, balance_after, order_id, at)
    SELECT account_id, 'purchase', 10, 1000000 + 10 * (turn + 1 - (turn + 1) / 10), id, ended_at
    FROM planned_orders WHERE status = 'BTC_SENT' ORDER BY j""",
    """
    INSERT INTO ledger_entries (account_id, kind, amount, balance_after, reason, at)
    SELECT a.id, 'adjustment', 1, balance_of_grants + n, 'benchmark', now()
    FROM generate_series(1, (SELECT adjustments / accounts + 1 FROM sizes)) n
    JOIN planned_accounts a ON n <= a.adjustments ORDER BY n, a.k""",
    """
    INSERT INTO ledger_entries (account_id, kind, amount, balance_after, assessment_id, at)
    SELECT account_id, 'assessment', -1, balance_after, id, now()
    FROM planned_assessments ORDER BY id""",
    """
    INSERT INTO audit_log (at, actor, action, subject, request_id, ledger_entry_id)
    SELECT at, 'operator', 'ledger.' || kind, account_id, 'benchmark', id
    FROM ledger_entries ORDER BY id""",
    """
    INSERT INTO list_versions (source, number, effective_on, sha256, origin, imported_at, entries,
        added, removed, assets, reading)
    SELECT 'benchmark', 1, CURRENT_DATE - 1, repeat('0', 64), 'benchmark', now(), list_rows,
        list_rows, 0, jsonb_build_object('ETH', list_rows), 'benchmark' FROM sizes""",
    """
    INSERT INTO list_entries (source, first_version, spelling, spelling_rules, address, asset,
        category, label, reference, digest)
    SELECT 'benchmark', 1, address, CAST(:spelling_rules AS integer), address, 'ETH', 'sanctions',
        'benchmark', '', digest
    FROM (
        SELECT '0x' || substr(encode(digest, 'hex'), 1, 40) AS address, digest
        FROM (SELECT sha256(('listed ' || j)::bytea) AS digest
            FROM sizes, generate_series(1, list_rows) j) hashed) listed""",
    """
    INSERT INTO list_reviews (source, number, next_at, after_spelling, finished_at)
    VALUES ('benchmark', 1, now(), '', now())""",
)


async def write_rows(connection: AsyncConnection, sizes: Sizes, parameters: dict[str, Any]) -> None:
    """Write all rows in the caller's transaction. Raises OperatorFault on a database in use.

    Meanwhile the tables have neither triggers nor foreign keys, nor the indexes that no constraint
    needs. All are made again, and with them the foreign keys are checked.
    """
    await connection.execute(text(f"LOCK TABLE {', '.join(_TABLES)} IN ACCESS EXCLUSIVE MODE"))
    for table in ("accounts", "orders", "list_versions"):
        if (await connection.execute(text(f"SELECT 1 FROM {table} LIMIT 1"))).first():  # noqa: S608
            raise OperatorFault(
                f"{table} has rows: benchmark-data fills only a new database of its own"
            )
    await connection.execute(text("SET LOCAL maintenance_work_mem = '256MB'"))
    afterwards = await _take_away(connection)
    planned = {**asdict(sizes), "spread_orders": sizes.spread_orders}
    parameters = {**parameters, **planned, "adjustments": sizes.adjustments}
    for statement in (*_PLANS, *_ROWS):
        query = text(statement)
        names = query.compile().params
        await connection.execute(query, {name: parameters[name] for name in names})
    for statement in afterwards:
        await connection.exec_driver_sql(statement)


async def _take_away(connection: AsyncConnection) -> Sequence[str]:
    """Take away what slows every row; return the statements that bring it back."""
    tables = {"tables": list(_TABLES)}
    indexes = await connection.execute(
        text(
            "SELECT i.indexrelid::regclass::text AS name, pg_get_indexdef(i.indexrelid) AS made"
            " FROM pg_index i WHERE i.indrelid::regclass::text = ANY(:tables)"
            " AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid)"
        ),
        tables,
    )
    keys = await connection.execute(
        text(
            "SELECT conrelid::regclass::text AS of, quote_ident(conname) AS name,"
            " pg_get_constraintdef(oid) AS made FROM pg_constraint"
            " WHERE contype = 'f' AND conrelid::regclass::text = ANY(:tables)"
        ),
        tables,
    )
    triggers = await connection.execute(
        text(
            "SELECT tgrelid::regclass::text AS of, quote_ident(tgname) AS name,"
            " CASE tgenabled WHEN 'A' THEN 'ALWAYS' ELSE '' END AS always FROM pg_trigger"
            " WHERE tgenabled IN ('A', 'O') AND NOT tgisinternal"
            " AND tgrelid::regclass::text = ANY(:tables)"
        ),
        tables,
    )
    away, back = [], []
    for key in keys:
        away.append(f"ALTER TABLE {key.of} DROP CONSTRAINT {key.name}")
        back.append(f"ALTER TABLE {key.of} ADD CONSTRAINT {key.name} {key.made}")
    for index in indexes:
        away.append(f"DROP INDEX {index.name}")
        back.insert(0, index.made)
    for trigger in triggers:
        away.append(f"ALTER TABLE {trigger.of} DISABLE TRIGGER {trigger.name}")
        back.append(f"ALTER TABLE {trigger.of} ENABLE {trigger.always} TRIGGER {trigger.name}")
    for statement in away:
        await connection.exec_driver_sql(statement)
    return back
