"""`audit_log`: one line for every grant, debit, refund, issue, revocation and settlement."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.ledger.actors import Actor
from app.ledger.models import AuditLine

_LINES: Final = insert(AuditLine)


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
    line = _line(actor, action, subject, at, ledger_entry_id)
    await (await session.connection()).execute(_LINES, line)


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
    lines = [_line(actor, action, subject, at, entry_id) for entry_id in ledger_entry_ids]
    await (await session.connection()).execute(_LINES, lines)


async def record_subjects(
    session: AsyncSession, subjects: Sequence[str], *, actor: Actor, action: str, at: datetime
) -> None:
    """Write one line for each of several subjects, if any, in the caller's transaction."""
    if subjects:
        lines = [_line(actor, action, subject, at, None) for subject in subjects]
        await (await session.connection()).execute(_LINES, lines)


def _line(
    actor: Actor, action: str, subject: str, at: datetime, ledger_entry_id: int | None
) -> dict[str, Any]:
    return {
        "at": at,
        "actor": actor.name,
        "api_key": actor.api_key,
        "action": action,
        "subject": subject,
        "request_id": actor.request_id,
        "ledger_entry_id": ledger_entry_id,
    }
