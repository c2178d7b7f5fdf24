"""The debit of a credit for an assessment, as a part of a statement that inserts the assessment."""

from typing import Final

from app.ledger.actors import Actor
from app.ledger.rules import AccountStatus, EntryKind

# Debits the account of the row of `payer`, if it is active and has a credit, with the entry and what
# the audit log says of it. `debited` is then the account's row.
DEBITING: Final = f"""
    debited AS (
        UPDATE accounts SET balance = accounts.balance - 1 FROM payer
        WHERE accounts.id = payer.account_id AND accounts.balance >= 1
            AND accounts.status = '{AccountStatus.ACTIVE}'
        RETURNING accounts.id, accounts.balance
    ), entry AS (
        INSERT INTO ledger_entries (account_id, kind, amount, balance_after, assessment_id, at)
        SELECT id, '{EntryKind.ASSESSMENT}', -1, balance, :id, :created_at FROM debited
        RETURNING id, account_id
    ), line AS (
        INSERT INTO audit_log (at, actor, api_key, action, subject, request_id, ledger_entry_id)
        SELECT :created_at, :actor, :api_key, 'ledger.{EntryKind.ASSESSMENT}', account_id,
            :request_id, id
        FROM entry
    )"""  # noqa: S608  all of it is ours


def parameters(actor: Actor) -> dict[str, object]:
    """Return the parameters of DEBITING that say who does it; `id` is the assessment's."""
    return {"actor": actor.name, "api_key": actor.api_key, "request_id": actor.request_id}
