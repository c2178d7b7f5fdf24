"""Credits of access codes: moved to them, and back to whoever issued them, as when one ends."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.access_codes import active_account_of, facts_of
from app.accounts.authentication import Caller
from app.accounts.errors import AccessCodeNotFound
from app.accounts.models import AccessCode
from app.accounts.publish import publish_access_code
from app.accounts.rules.expiry import is_past
from app.accounts.schemas import Activity
from app.ledger import audit_log, service
from app.ledger.actors import Actor
from app.ledger.models import Account
from app.ledger.rules import AccountStatus
from app.runtime.security import ACCESS_CODE_PATTERN, new_id


async def move_credits(
    session: AsyncSession,
    *,
    caller: Caller,
    access_code: str,
    credits_moved: int,
    actor: Actor,
    now: datetime,
) -> None:
    """Move credits from an issuer to its code in the caller's transaction, if it may spend them.

    Raises AccessCodeNotFound, InsufficientCredits.
    """
    code = await _locked(session, caller, access_code)
    if await active_account_of(session, access_code, now) is None:
        raise AccessCodeNotFound
    await service.transfer(
        session,
        from_account_id=code.issuer_id,
        to_account_id=code.account_id,
        credits_moved=credits_moved,
        transfer_id=new_id("trf"),
        actor=actor,
        at=now,
    )


async def return_credits(
    session: AsyncSession,
    *,
    caller: Caller,
    access_code: str,
    credits_moved: int | None,
    actor: Actor,
    now: datetime,
) -> int:
    """Move credits from a code back to its issuer, in the caller's transaction; None: all.

    Returns how many came back. The code may be inactive. Raises AccessCodeNotFound and
    InsufficientCredits.
    """
    code = await _locked(session, caller, access_code)
    return await _give_back(session, code, credits_moved, actor, now)


async def deactivate(
    session: AsyncSession,
    *,
    caller: Caller | None,
    access_code: str,
    keep_credits: bool,
    actor: Actor,
    now: datetime,
) -> int:
    """Take a code out of use that the caller issued, or any for the operator, who is None.

    In the caller's transaction. Its credits go back to its issuer, and so do those that still come,
    unless it keeps them; returns how many went back. Doing it twice changes nothing. Raises
    AccessCodeNotFound.
    """
    code = await _locked(session, caller, access_code)
    was_active = await session.scalar(
        update(Account)
        .where(Account.id == code.account_id, Account.status == AccountStatus.ACTIVE)
        .values(status=AccountStatus.INACTIVE)
        .returning(Account.id)
    )
    if was_active:
        await audit_log.record(
            session, actor=actor, action="access_code.deactivate", subject=code.account_id, at=now
        )
    returned = 0 if keep_credits else await _give_all_back(session, code, actor, now)
    if was_active:
        facts = await facts_of(session, code.account_id, now)
        before = Activity.of(not is_past(facts.expires_at, now))
        await publish_access_code(session, code.account_id, facts, previous_status=before, now=now)
    return returned


async def _give_all_back(
    session: AsyncSession, code: "_LockedCode", actor: Actor, now: datetime
) -> int:
    """Let all credits of a code go back to its issuer, and those that still come."""
    await session.execute(
        update(Account)
        .where(Account.id == code.account_id, Account.returns_to.is_(None))
        .values(returns_to=code.issuer_id)
    )
    return await _give_back(session, code, None, actor, now)


@dataclass(frozen=True)
class _LockedCode:
    """A code and its issuer, locked, and how many credits the code has."""

    account_id: str
    issuer_id: str
    balance: int


async def _give_back(
    session: AsyncSession,
    code: _LockedCode,
    credits_moved: int | None,
    actor: Actor,
    now: datetime,
) -> int:
    moved = code.balance if credits_moved is None else credits_moved
    if moved:
        await service.transfer(
            session,
            from_account_id=code.account_id,
            to_account_id=code.issuer_id,
            credits_moved=moved,
            transfer_id=new_id("trf"),
            actor=actor,
            at=now,
        )
    return moved


async def _locked(session: AsyncSession, caller: Caller | None, access_code: str) -> _LockedCode:
    """Lock a code that the caller issued, or any for the operator, and its issuer."""
    if not ACCESS_CODE_PATTERN.fullmatch(access_code):
        raise AccessCodeNotFound
    query = select(AccessCode.account_id, AccessCode.issuer_id).where(
        AccessCode.access_code == access_code
    )
    if caller is not None:
        query = query.where(AccessCode.issuer_id == caller.account_id)
    found = (await session.execute(query)).one_or_none()
    if found is None:
        raise AccessCodeNotFound
    balances = await service.lock(session, found.account_id, found.issuer_id)
    return _LockedCode(found.account_id, found.issuer_id, balances[found.account_id])
