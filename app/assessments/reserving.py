"""Reserving one new question in one statement: who pays, the debit, and the row under a lease.

It reserves nothing where there is anything to be said: the account asked about this address before,
it has no credit, or it may not pay. Then a transaction of several statements finds out what
(`app.assessments.service`).
"""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Final

from app.assessments import claims
from app.assessments.claims import LeasedAssessment, Subject
from app.assessments.context import AssessmentContext
from app.assessments.payer import SPENDABLE_CODE, Payer
from app.ledger import debits
from app.ledger.actors import Actor
from app.runtime.db.direct import Statement

_COLUMNS: Final = (
    "id", "assessment_type", "address", "currency", "tx_hash", "as_of", "client_reference",
    "client_metadata", "spelling", "spelling_rules", "provider", "edition", "status", "attempts",
    "progress", "next_try_at", "lease_token", "created_at", "updated_at",
)  # fmt: skip
# The lock keeps a deactivation of a code out until the debit is committed; and of two same questions
# at once, the second waits for the first and then finds it.
_OWN: Final = "SELECT id AS account_id FROM accounts WHERE id = :caller_id FOR NO KEY UPDATE"
_OF_CODE: Final = f"SELECT accounts.id AS account_id {SPENDABLE_CODE} FOR NO KEY UPDATE OF accounts"


def _reserving(asked_to_pay: str) -> Statement:
    return Statement(f"""
        WITH asked_to_pay AS MATERIALIZED ({asked_to_pay}), payer AS MATERIALIZED (
            SELECT account_id FROM asked_to_pay
            WHERE NOT is_asked(account_id, :spelling, :provider, :edition, :since)
        ), {debits.DEBITING}, placed AS (
            INSERT INTO assessments (account_id, lease_until, {", ".join(_COLUMNS)})
            SELECT debited.id, clock_timestamp() + :lease,
                {", ".join(f":{name}" for name in _COLUMNS)}
            FROM debited
        )
        SELECT id AS account_id, balance FROM debited""")  # noqa: S608  all of it is ours


_FROM_OWN: Final = _reserving(_OWN)
_FROM_CODE: Final = _reserving(_OF_CODE)


async def reserve_at_once(
    context: AssessmentContext,
    payer: Payer,
    subject: Subject,
    *,
    edition: str,
    free_within: timedelta | None,
    actor: Actor,
) -> tuple[LeasedAssessment, int] | None:
    """Debit a credit and keep the question, unless there is something to say; return the balance left.

    `free_within`: how old the same question of the account may be that is the answer to this one.
    """
    if not payer.may_be_known:
        return None
    now = context.clock.now()
    reserved = claims.begun(context, "", subject, now)
    row = claims.row_of(reserved, subject, provider=context.ensemble.name, edition=edition, now=now)
    metadata = row["client_metadata"]
    found = await context.database.fetch_row(
        _FROM_OWN if payer.code is None else _FROM_CODE,
        **row
        | {
            "progress": json.dumps(row["progress"]),
            "client_metadata": None if metadata is None else json.dumps(metadata),
            "lease": claims.LEASE,
            **payer.parameters,
            "since": None if free_within is None else now - free_within,
        },
        **debits.parameters(actor),
    )
    if found is None:
        return None
    return replace(reserved, account_id=found["account_id"]), found["balance"]
