"""The audit: the first eight rules of docs/records.md, checked on a live database in SQL of their own.

The statements share only the table of legal moves with the code that keeps the rules.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.ledger import audit_log
from app.ledger.actors import Actor
from app.orders import events
from app.orders.rules.states import MOVES, Move
from app.runtime.faults import OperatorFault


@dataclass(frozen=True)
class Breach:
    """One thing that breaks a rule: the rule, and the id of the account, order or assessment."""

    rule: str
    subject: str


@dataclass(frozen=True)
class Acknowledgement:
    """A breach that an operator looked into and can not undo: who did, when, and why it may stay."""

    rule: str
    subject: str
    actor: str
    at: datetime
    reason: str


@dataclass(frozen=True)
class Findings:
    """What breaks a rule: `open` is what an operator must look at, the rest is acknowledged."""

    open: Sequence[Breach]
    acknowledged: Sequence[Acknowledgement]


@dataclass(frozen=True)
class Doubt:
    """A grant of an earlier version that may be wrong: why, and the id of the order."""

    reason: str
    subject: str


_RULES: Final = {
    "a balance equals the sum of its entries": """
        SELECT a.id FROM accounts a LEFT JOIN ledger_entries l ON l.account_id = a.id
        GROUP BY a.id HAVING a.balance <> COALESCE(SUM(l.amount), 0)""",
    "a balance is never negative, at no point of the ledger": """
        SELECT id FROM accounts WHERE balance < 0
        UNION SELECT account_id FROM (
            SELECT account_id, SUM(amount) OVER (PARTITION BY account_id ORDER BY id) AS running
            FROM ledger_entries) sums WHERE running < 0""",
    "transfers cancel": """
        SELECT transfer_id FROM ledger_entries WHERE kind = 'transfer'
        GROUP BY transfer_id HAVING SUM(amount) <> 0 OR COUNT(*) <> 2""",
    "a transfer is between an access code and its issuer": """
        SELECT l.transfer_id FROM ledger_entries l
        LEFT JOIN access_codes c ON c.account_id = l.account_id
        LEFT JOIN ledger_entries o ON o.transfer_id = l.transfer_id AND o.account_id = c.issuer_id
        WHERE l.kind = 'transfer' GROUP BY l.transfer_id HAVING COUNT(o.id) <> 1""",
    "the credits of a deactivated code are with its issuer, unless it keeps them": """
        SELECT a.id FROM accounts a LEFT JOIN access_codes c ON c.account_id = a.id
        WHERE a.returns_to IS NOT NULL AND (a.balance <> 0 OR a.status <> 'inactive'
            OR a.returns_to IS DISTINCT FROM c.issuer_id)""",
    "an order in or past its granting state has exactly one purchase, any other none": """
        SELECT o.id FROM orders o
        LEFT JOIN ledger_entries l ON l.order_id = o.id AND l.kind = 'purchase'
        GROUP BY o.id HAVING COUNT(l.id) <>
            (o.status = 'BTC_SENT' OR (o.status = 'PAID' AND o.granting_status = 'PAID'))::int
            OR BOOL_OR(l.amount <> o.credits_granted OR l.account_id <> o.beneficiary_id
                OR (l.amount <> o.number_of_credits AND o.grant_price_btc IS NULL))""",
    "an assessment has one debit, and a refund if and only if it failed": """
        SELECT s.id FROM assessments s LEFT JOIN ledger_entries l ON l.assessment_id = s.id
        GROUP BY s.id HAVING COUNT(*) FILTER (WHERE l.kind = 'assessment') <> 1
            OR COUNT(*) FILTER (WHERE l.kind = 'refund') <> (s.status = 'failed')::int
            OR BOOL_OR(l.account_id <> s.account_id)""",
    "the events of an order form one path": """
        SELECT order_id FROM (
            SELECT order_id, from_status, to_status,
                   LAG(to_status) OVER (PARTITION BY order_id ORDER BY id) AS before
            FROM order_events WHERE kind = 'moved') path
        WHERE from_status IS DISTINCT FROM before
            OR (before IS NULL AND to_status <> 'TO_BE_CREATED')""",
    "the path of an order is legal": """
        SELECT order_id FROM order_events WHERE kind = 'moved' AND from_status IS NOT NULL
            AND from_status || ' ' || to_status <> ALL(:legal)""",
    "the path of an order ends in its status": """
        SELECT o.id FROM orders o LEFT JOIN LATERAL (
            SELECT to_status FROM order_events e WHERE e.order_id = o.id AND e.kind = 'moved'
            ORDER BY e.id DESC LIMIT 1) last ON true
        WHERE last.to_status IS DISTINCT FROM o.status""",
    "an order that an output settled is in BTC_SENT": """
        SELECT o.id FROM settlements s JOIN orders o ON o.id = s.order_id
        WHERE o.status <> 'BTC_SENT'""",
    "new coins settle an order with 100 confirmations": """
        SELECT order_id FROM settlements WHERE is_coinbase AND confirmations < 100""",
    # What is gone from the chain by now was there when the credits were granted.
    "an order granted in bitcoin is paid by its outputs or by an operator's word": """
        SELECT o.id FROM orders o WHERE o.rail = 'bitcoin' AND o.credits_granted IS NOT NULL
            AND NOT CASE WHEN o.grant_price_btc IS NULL THEN
                EXISTS (SELECT FROM audit_log a
                        WHERE a.subject = o.id AND a.action = 'order.settle_grant')
            ELSE o.credits_granted * o.grant_price_btc <= COALESCE(
                (SELECT SUM(b.value_btc) FROM bitcoin_outputs b WHERE b.order_id = o.id
                    AND (b.gone_at IS NULL OR b.gone_at > o.granted_at)
                    AND NOT (b.is_coinbase AND b.gone_at IS NULL AND b.confirmations < 100)
                ), 0) END""",
    "no order is granted for money that was at its address before it": """
        SELECT o.id FROM orders o WHERE o.rail = 'bitcoin' AND o.grant_price_btc IS NOT NULL
            AND o.credits_granted * o.grant_price_btc > COALESCE(
                (SELECT SUM(b.value_btc) FROM bitcoin_outputs b
                    LEFT JOIN bitcoin_addresses a ON a.order_id = b.order_id
                    WHERE b.order_id = o.id AND NOT b.before_order
                        AND b.arrived_at >= o.created_at - interval '2 hours'
                        AND NOT COALESCE(b.block_height <= a.known_height
                            AND b.arrived_at < date_trunc('second', o.created_at), false)), 0)""",
    "an output counts for one order, on whichever rail": """
        SELECT unnest(ARRAY[s.order_id, b.order_id]) FROM settlements s JOIN bitcoin_outputs b
            ON b.txid = s.txid AND b.output_index = s.output_index AND NOT b.before_order""",
    "an order in bitcoin is to be paid to the address that it was given": """
        SELECT o.id FROM orders o LEFT JOIN payments p ON p.order_id = o.id
        LEFT JOIN bitcoin_addresses a ON a.order_id = o.id
        WHERE o.rail = 'bitcoin' AND (a.address IS DISTINCT FROM o.btc_dest_address
            OR p.btc_dest_address IS DISTINCT FROM o.btc_dest_address)""",
    "a ledger entry has exactly one audit line": """
        SELECT l.id::text FROM ledger_entries l
        LEFT JOIN audit_log a ON a.ledger_entry_id = l.id WHERE a.id IS NULL""",
    "the events of an account are numbered from 1 without a gap": """
        SELECT account_id FROM account_events GROUP BY account_id
        HAVING MIN(sequence) <> 1 OR MAX(sequence) <> COUNT(*)""",
    # Streams began with a version: what came before is what the first event says of it.
    "what an account is told of its credits adds up to its balance": """
        SELECT a.id FROM accounts a JOIN (
            SELECT account_ids[1] AS account_id, SUM((data->>'credits')::bigint) AS moved,
                (ARRAY_AGG((data->>'balance_after')::bigint - (data->>'credits')::bigint
                    ORDER BY id))[1] AS before
            FROM events WHERE type = 'credits.moved' GROUP BY 1) told ON told.account_id = a.id
        WHERE told.before + told.moved <> a.balance""",
    "an order whose placing was told is told credited once if it is granted, else never": """
        SELECT o.id FROM orders o JOIN (
            SELECT data->>'order_id' AS order_id,
                COUNT(*) FILTER (WHERE type = 'order.credited') AS credited
            FROM events WHERE type IN ('order.updated', 'order.credited') GROUP BY 1
            HAVING BOOL_OR(previous_status IS NULL)) told ON told.order_id = o.id
        WHERE told.credited <> (o.granted_at IS NOT NULL)::int""",
}
# Grants of earlier versions break these, one that ran beside this one among them, and nothing can undo
# a grant. Their subjects are orders.
_ACKNOWLEDGEABLE: Final = {
    "money_before_order": "no order is granted for money that was at its address before it",
    "output_of_two_orders": "an output counts for one order, on whichever rail",
    "grant_not_told": "an order whose placing was told is told credited once if it is granted, else"
    " never",
}
_ACTION: Final = "audit.acknowledge."
_ACKNOWLEDGED: Final = text(
    """
    SELECT DISTINCT ON (a.subject, a.action) a.subject, a.action, a.actor, a.at, e.reason
    FROM audit_log a JOIN order_events e ON e.order_id = a.subject AND e.at = a.at
        AND e.kind = 'refused' AND e.evidence ->> 'acknowledged' = a.action
    WHERE a.action = ANY(:actions) AND a.subject = ANY(:subjects)
    ORDER BY a.subject, a.action, a.id
    """
)
# What the migrations wrote of the grants of earlier versions, which knew less of the chain.
_DOUBTS: Final = {
    "order.doubtful_prior_money": "granted for money that may have been there before the order",
    "order.doubtful_both_rails": "its output counted for another order, too, on the other rail",
    "order.doubtful_reused_address": "granted at an address that an earlier order had",
}
_COUNTED: Final = (
    "accounts",
    "orders",
    "assessments",
    "ledger_entries",
    "order_events",
    "settlements",
    "bitcoin_addresses",
    "bitcoin_outputs",
    "account_events",
)
_LEGAL: Final = [
    f"{before} {after}"
    for (before, after), move in MOVES.items()
    if move not in (Move.ILLEGAL, Move.STAY)
]


async def breaches(connection: AsyncConnection) -> list[Breach]:
    """Return everything on the database that breaks a rule, acknowledged or not."""
    return [breach for rule in _RULES for breach in await _breaches_of(connection, rule)]


async def _breaches_of(connection: AsyncConnection, rule: str) -> list[Breach]:
    query = _RULES[rule]
    parameters = {"legal": _LEGAL} if ":legal" in query else {}
    rows = await connection.execute(text(query), parameters)
    return [Breach(rule, str(subject)) for subject in rows.scalars()]


def key_of(rule: str) -> str | None:
    """Return the name by which breaches of a rule are acknowledged; None: they can not be."""
    return next((key for key, named in _ACKNOWLEDGEABLE.items() if named == rule), None)


async def examine(connection: AsyncConnection) -> Findings:
    """Return everything that breaks a rule, and apart from it what an operator acknowledged."""
    return await _without_acknowledged(connection, await breaches(connection))


async def _without_acknowledged(connection: AsyncConnection, found: list[Breach]) -> Findings:
    subjects = {breach.subject for breach in found if key_of(breach.rule) is not None}
    if not subjects:
        return Findings(found, [])
    rows = await connection.execute(
        _ACKNOWLEDGED,
        {"actions": [_ACTION + key for key in _ACKNOWLEDGEABLE], "subjects": list(subjects)},
    )
    known = {}
    for row in rows:
        rule = _ACKNOWLEDGEABLE[row.action.removeprefix(_ACTION)]
        breach = Breach(rule, row.subject)
        known[breach] = Acknowledgement(rule, row.subject, row.actor, row.at, row.reason)
    return Findings(
        [breach for breach in found if breach not in known],
        [known[breach] for breach in dict.fromkeys(found) if breach in known],
    )


async def acknowledge(
    session: AsyncSession, key: str, subject: str, *, reason: str, actor: Actor, now: datetime
) -> Breach:
    """Write down that an operator looked into a breach; return it. It is then no longer open.

    The reason is kept in the history of the order. Raises OperatorFault where the breaches of the
    rule can not be acknowledged, and where the subject is no open breach of it.
    """
    if key not in _ACKNOWLEDGEABLE:
        allowed = ", ".join(_ACKNOWLEDGEABLE)
        raise OperatorFault(f"RULE: must be one of {allowed}; no other breach can be acknowledged")
    async with session.begin():
        connection = await session.connection()
        breach = Breach(_ACKNOWLEDGEABLE[key], subject)
        found = await _breaches_of(connection, breach.rule)
        if breach not in (await _without_acknowledged(connection, found)).open:
            raise OperatorFault(f"ORDER: must be an open breach of {key}; nothing is changed")
        action = _ACTION + key
        await audit_log.record(session, actor=actor, action=action, subject=subject, at=now)
        await events.acknowledged(
            session, subject, at=now, reason=reason, evidence={"acknowledged": action}
        )
    return breach


async def doubtful(connection: AsyncConnection) -> list[Doubt]:
    """Return the grants of an earlier version that a migration found to be maybe wrong."""
    rows = await connection.execute(
        text("SELECT action, subject FROM audit_log WHERE action = ANY(:doubts) ORDER BY id"),
        {"doubts": list(_DOUBTS)},
    )
    return [Doubt(_DOUBTS[row.action], row.subject) for row in rows]


async def checked(connection: AsyncConnection) -> dict[str, int]:
    """Return how many rows of each table the audit covers."""
    counts = ", ".join(f"(SELECT count(*) FROM {table}) AS {table}" for table in _COUNTED)  # noqa: S608
    row = (await connection.execute(text(f"SELECT {counts}"))).one()
    return dict(row._mapping)
