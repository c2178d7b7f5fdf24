"""`audit_log`: one line for every grant, debit, refund, issue, revocation and settlement."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.domain.actors import Actor
from app.models import AuditLine


async def record(
    session: AsyncSession,
    *,
    actor: Actor,
    action: str,
    subject: str,
    at: datetime,
    ledger_entry_id: int | None = None,
) -> None:
    """Write one line in the caller's transaction."""
    await session.execute(
        insert(AuditLine).values(
            at=at,
            actor=actor.name,
            action=action,
            subject=subject,
            request_id=actor.request_id,
            ledger_entry_id=ledger_entry_id,
        )
    )


async def record_entries(
    session: AsyncSession,
    ledger_entry_ids: Sequence[int],
    *,
    actor: Actor,
    action: str,
    subject: str,
    at: datetime,
) -> None:
    """Write one line for each of several ledger entries, in the caller's transaction."""
    await session.execute(
        insert(AuditLine),
        [
            {
                "at": at,
                "actor": actor.name,
                "action": action,
                "subject": subject,
                "request_id": actor.request_id,
                "ledger_entry_id": entry_id,
            }
            for entry_id in ledger_entry_ids
        ],
    )
