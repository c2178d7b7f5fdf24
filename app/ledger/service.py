"""The ledger: the only module that writes entries and balances."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.ledger import audit_log
from app.ledger.actors import Actor
from app.ledger.errors import InsufficientCredits
from app.ledger.models import Account
from app.ledger.models.entries import LedgerEntry
from app.ledger.rules import MAX_BALANCE_CREDITS, EntryKind
from app.runtime.errors import InvalidParameter
from app.runtime.paging import ALL_TIME, Page, TimeRange, numbered_page_of
from app.runtime.security import new_id


@dataclass(frozen=True)
class EntryView:
    """An entry as its account may see it."""

    kind: EntryKind
    credits_moved: int
    balance_after: int
    at: datetime
    order_id: str | None
    assessment_id: str | None


async def entries_of(
    connection: AsyncConnection,
    account_id: str,
    *,
    cursor: int | None,
    limit: int,
    within: TimeRange = ALL_TIME,
) -> Page[EntryView]:
    """Return an account's entries, newest first.

    All of them cost the same however far back; those of a range, no more than the range has.
    """
    query = select(
        LedgerEntry.id,
        LedgerEntry.kind,
        LedgerEntry.amount,
        LedgerEntry.balance_after,
        LedgerEntry.at,
        LedgerEntry.order_id,
        LedgerEntry.assessment_id,
    ).where(LedgerEntry.account_id == account_id)
    if within.since is not None:
        query = query.where(LedgerEntry.at >= within.since)
    if within.before is not None:
        query = query.where(LedgerEntry.at < within.before)
    return await numbered_page_of(
        connection,
        query,
        number=LedgerEntry.id,
        cursor=cursor,
        limit=limit,
        read=lambda row: EntryView(
            EntryKind(row.kind),
            row.amount,
            row.balance_after,
            row.at,
            row.order_id,
            row.assessment_id,
        ),
    )


_DEBIT: Final = (
    update(Account)
    .where(Account.id == bindparam("account"), Account.balance >= bindparam("cost"))
    .values(balance=Account.balance - bindparam("cost"))
    .returning(Account.balance)
)
_ENTRIES: Final = insert(LedgerEntry).returning(LedgerEntry.id, sort_by_parameter_order=True)


async def post(
    session: AsyncSession,
    *,
    account_id: str,
    kind: EntryKind,
    amount: int,
    actor: Actor,
    at: datetime,
    order_id: str | None = None,
    assessment_id: str | None = None,
    transfer_id: str | None = None,
    reason: str | None = None,
) -> int:
    """Move `amount` credits on one account in the caller's transaction; return the new balance.

    What comes to a deactivated code whose credits went back goes on to its issuer, in the same
    transaction. Raises InsufficientCredits when the balance would become negative. What an entry
    must name (an order, an assessment, a transfer, a reason) follows from its kind; the database
    insists.
    """
    balance, returns_to = await _add(session, account_id, amount)
    entry = {
        "account_id": account_id,
        "kind": kind,
        "amount": amount,
        "balance_after": balance,
        "order_id": order_id,
        "assessment_id": assessment_id,
        "transfer_id": transfer_id,
        "reason": reason,
        "at": at,
    }
    await _write(session, entry, actor)
    if returns_to is None or kind is EntryKind.TRANSFER:
        return balance
    return await transfer(
        session,
        from_account_id=account_id,
        to_account_id=returns_to,
        credits_moved=balance,
        transfer_id=new_id("trf"),
        actor=actor,
        at=at,
    )


async def _add(session: AsyncSession, account_id: str, amount: int) -> tuple[int, str | None]:
    """Add to a balance; return it, and where what comes to the account goes on to, if anywhere.

    Raises InsufficientCredits.
    """
    moved = await session.execute(
        update(Account)
        .where(Account.id == account_id, Account.balance + amount >= 0)
        .values(balance=Account.balance + amount)
        .returning(Account.balance, Account.returns_to)
    )
    account = moved.one_or_none()
    if account is None:
        raise InsufficientCredits
    return account.balance, account.returns_to


async def _write(session: AsyncSession, entry: dict[str, Any], actor: Actor) -> None:
    """Insert an entry, and what the audit log says of it."""
    entry_id = await session.scalar(insert(LedgerEntry).values(entry).returning(LedgerEntry.id))
    await audit_log.record(
        session,
        actor=actor,
        action=f"ledger.{entry['kind']}",
        subject=entry["account_id"],
        at=entry["at"],
        ledger_entry_id=entry_id,
    )


async def debit_assessments(
    session: AsyncSession,
    *,
    account_id: str,
    assessment_ids: Sequence[str],
    actor: Actor,
    at: datetime,
) -> None:
    """Debit one credit for each of several assessments, all or none, in the caller's transaction.

    Raises InsufficientCredits.
    """
    connection = await session.connection()
    left: int | None = await connection.scalar(
        _DEBIT, {"account": account_id, "cost": len(assessment_ids)}
    )
    if left is None:
        raise InsufficientCredits
    before = left + len(assessment_ids)
    entry_ids = await connection.scalars(
        _ENTRIES,
        [
            {
                "account_id": account_id,
                "kind": EntryKind.ASSESSMENT,
                "amount": -1,
                "balance_after": before - number,
                "assessment_id": assessment_id,
                "at": at,
            }
            for number, assessment_id in enumerate(assessment_ids, start=1)
        ],
    )
    await audit_log.record_entries(
        session,
        entry_ids.all(),
        actor=actor,
        action=f"ledger.{EntryKind.ASSESSMENT}",
        subject=account_id,
        at=at,
    )


async def adjust(
    session: AsyncSession,
    *,
    account_id: str,
    amount: int,
    reason: str,
    actor: Actor,
    at: datetime,
) -> int:
    """Let an operator add or take credits, with a reason; return the new balance.

    Raises InvalidParameter for an amount of 0 or a balance that no account may hold, and
    InsufficientCredits.
    """
    async with session.begin():
        balance = await session.scalar(
            select(Account.balance).where(Account.id == account_id).with_for_update(key_share=True)
        )
        if amount == 0 or (balance or 0) + amount > MAX_BALANCE_CREDITS:
            raise InvalidParameter(
                "amount", f"not 0, and leave at most {MAX_BALANCE_CREDITS} credits"
            )
        return await post(
            session,
            account_id=account_id,
            kind=EntryKind.ADJUSTMENT,
            amount=amount,
            reason=reason,
            actor=actor,
            at=at,
        )


async def lock(session: AsyncSession, *account_ids: str) -> dict[str, int]:
    """Lock accounts until the caller's transaction ends; return their balances.

    Access codes come first and users last, as when credits that come to a code go on to its issuer,
    so that no two transfers wait for each other.
    """
    rows = await session.execute(
        select(Account.id, Account.balance)
        .where(Account.id.in_(account_ids))
        .order_by(Account.kind, Account.id)
        .with_for_update(key_share=True)
    )
    return {row.id: row.balance for row in rows}


async def transfer(
    session: AsyncSession,
    *,
    from_account_id: str,
    to_account_id: str,
    credits_moved: int,
    transfer_id: str,
    actor: Actor,
    at: datetime,
) -> int:
    """Move credits between two accounts in the caller's transaction; return the giver's balance.

    One of them is an access code and the other its issuer; the database insists. Raises
    InsufficientCredits.
    """
    await lock(session, from_account_id, to_account_id)
    left = await post(
        session,
        account_id=from_account_id,
        kind=EntryKind.TRANSFER,
        amount=-credits_moved,
        transfer_id=transfer_id,
        actor=actor,
        at=at,
    )
    await post(
        session,
        account_id=to_account_id,
        kind=EntryKind.TRANSFER,
        amount=credits_moved,
        transfer_id=transfer_id,
        actor=actor,
        at=at,
    )
    return left
