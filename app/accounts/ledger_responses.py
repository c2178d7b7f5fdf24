"""What a movement of credits looks like in an answer."""

from app.accounts.ledger_schemas import LedgerEntryResponse
from app.ledger.service import EntryView


def entry_response(entry: EntryView) -> LedgerEntryResponse:
    """Return the answer that shows an entry of the ledger."""
    return LedgerEntryResponse(
        kind=entry.kind,
        credits=entry.credits_moved,
        balance_after=entry.balance_after,
        at=entry.at,
        order_id=entry.order_id,
        assessment_id=entry.assessment_id,
    )
