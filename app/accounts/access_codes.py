"""Access codes: issued by users, filled by transfers, read by whoever owns or issued them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.accounts.authentication import Caller, CallerQuery
from app.accounts.errors import AccessCodeNotFound
from app.accounts.models import AccessCode, User
from app.accounts.rules.expiry import is_past, require_future
from app.accounts.users import insert_account
from app.ledger import audit_log, service
from app.ledger.actors import Actor
from app.ledger.models import Account
from app.ledger.rules import AccountKind, AccountStatus
from app.runtime.db.base import AnyRow, AnySelect
from app.runtime.db.direct import DriverRow
from app.runtime.paging import Cursor, Page, page_of
from app.runtime.security import ACCESS_CODE_PATTERN, new_access_code, new_id


@dataclass(frozen=True)
class CodeFacts:
    """What its owner and its issuer may know of an access code."""

    account_id: str
    access_code: str
    active: bool
    created_at: datetime
    expires_at: datetime | None
    affiliate_origin: str
    credits_available: int


_FACTS: Final = (
    AccessCode.account_id,
    AccessCode.access_code,
    Account.status,
    Account.created_at,
    AccessCode.expires_at,
    User.affiliate_code,
    Account.balance,
)


def _query() -> AnySelect:
    return (
        select(*_FACTS)
        .join(Account, Account.id == AccessCode.account_id)
        .join(User, User.account_id == AccessCode.issuer_id)
    )


# The caller, and the code `access_code` if the caller owns or issued it.
REACHABLE: Final = CallerQuery(
    "asked.account_id AS asked_account_id, asked.access_code, asked_account.status,"
    " asked_account.created_at, asked.expires_at, issuer.affiliate_code, asked_account.balance",
    joined="LEFT JOIN access_codes asked ON asked.access_code = :access_code"
    " AND (asked.account_id = account.id OR asked.issuer_id = account.id)"
    " LEFT JOIN accounts asked_account ON asked_account.id = asked.account_id"
    " LEFT JOIN users issuer ON issuer.account_id = asked.issuer_id",
)


def facts_in(row: DriverRow, now: datetime) -> CodeFacts | None:
    """Return the code of a row of REACHABLE; None: there is none that the caller may see."""
    if row["asked_account_id"] is None:
        return None
    return CodeFacts(
        account_id=row["asked_account_id"],
        access_code=row["access_code"],
        active=row["status"] == AccountStatus.ACTIVE and not is_past(row["expires_at"], now),
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        affiliate_origin=row["affiliate_code"],
        credits_available=row["balance"],
    )


def _facts(row: AnyRow, now: datetime) -> CodeFacts:
    return CodeFacts(
        account_id=row.account_id,
        access_code=row.access_code,
        active=row.status == AccountStatus.ACTIVE and not is_past(row.expires_at, now),
        created_at=row.created_at,
        expires_at=row.expires_at,
        affiliate_origin=row.affiliate_code,
        credits_available=row.balance,
    )


def _reachable_by(caller: Caller) -> ColumnElement[bool]:
    """Limit access codes to the caller's own and those that it issued."""
    return or_(
        AccessCode.account_id == caller.account_id, AccessCode.issuer_id == caller.account_id
    )


async def create(
    session: AsyncSession,
    *,
    issuer_id: str,
    expires_at: datetime | None,
    credits_moved: int,
    actor: Actor,
    now: datetime,
) -> str:
    """Issue a code in the caller's transaction, with credits of its issuer if any are to move.

    Returns the code. Raises InvalidParameter for an expiry in the past, and InsufficientCredits.
    """
    require_future(expires_at, now)
    account_id, access_code = new_id("acc"), new_access_code()
    await insert_account(session, account_id, AccountKind.ACCESS_CODE, now)
    await session.execute(
        insert(AccessCode).values(
            account_id=account_id,
            access_code=access_code,
            issuer_id=issuer_id,
            expires_at=expires_at,
        )
    )
    await audit_log.record(
        session, actor=actor, action="access_code.create", subject=account_id, at=now
    )
    if credits_moved:
        await service.transfer(
            session,
            from_account_id=issuer_id,
            to_account_id=account_id,
            credits_moved=credits_moved,
            transfer_id=new_id("trf"),
            actor=actor,
            at=now,
        )
    return access_code


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
    if keep_credits:
        return 0
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


async def facts(
    connection: AsyncConnection | AsyncSession, *, caller: Caller, access_code: str, now: datetime
) -> CodeFacts:
    """Return what the caller may know of a code. Raises AccessCodeNotFound."""
    if not ACCESS_CODE_PATTERN.fullmatch(access_code):
        raise AccessCodeNotFound
    row = (
        await connection.execute(
            _query().where(AccessCode.access_code == access_code, _reachable_by(caller))
        )
    ).one_or_none()
    if row is None:
        raise AccessCodeNotFound
    return _facts(row, now)


async def listed_account(
    connection: AsyncConnection, *, caller: Caller, access_code: str | None, now: datetime
) -> str:
    """Return whose things a list shows: the caller's, or those of a code that it may see.

    Raises AccessCodeNotFound.
    """
    if access_code is None:
        return caller.account_id
    code = await facts(connection, caller=caller, access_code=access_code, now=now)
    return code.account_id


async def list_issued(
    connection: AsyncConnection,
    *,
    issuer_id: str,
    now: datetime,
    cursor: Cursor | None,
    limit: int,
) -> Page[CodeFacts]:
    """Return the codes that a user issued, newest first."""
    return await page_of(
        connection,
        _query().where(AccessCode.issuer_id == issuer_id),
        order=(Account.created_at, Account.id),
        cursor=cursor,
        limit=limit,
        read=lambda row: _facts(row, now),
        position=lambda code: (code.created_at, code.account_id),
    )


async def active_account_of(session: AsyncSession, access_code: str, now: datetime) -> str | None:
    """Return the account of an active code, for a gift; None when it may not receive."""
    if not ACCESS_CODE_PATTERN.fullmatch(access_code):
        return None
    row = (
        await session.execute(_query().where(AccessCode.access_code == access_code))
    ).one_or_none()
    code = _facts(row, now) if row else None
    return code.account_id if code and code.active else None


async def spendable_account_of(
    session: AsyncSession, *, caller: Caller, access_code: str, now: datetime
) -> str:
    """Lock and return the account of an active code that the caller may spend from.

    The lock keeps a deactivation out until the debit is committed. Raises AccessCodeNotFound.
    """
    if not ACCESS_CODE_PATTERN.fullmatch(access_code):
        raise AccessCodeNotFound
    row = (
        await session.execute(
            _query()
            .where(AccessCode.access_code == access_code, _reachable_by(caller))
            .with_for_update(of=Account, key_share=True)
        )
    ).one_or_none()
    if row is None or not _facts(row, now).active:
        raise AccessCodeNotFound
    return str(row.account_id)


async def account_id_of(connection: AsyncConnection, access_code: str) -> str:
    """Return the account of a code, for an operator. Raises AccessCodeNotFound."""
    found = await connection.scalar(
        select(AccessCode.account_id).where(AccessCode.access_code == access_code)
    )
    if found is None:
        raise AccessCodeNotFound
    return found


async def list_all(
    connection: AsyncConnection, *, issuer_id: str | None, now: datetime, limit: int
) -> list[tuple[CodeFacts, str]]:
    """Return codes of a user, or of all, and the e-mail of who issued each; newest first."""
    query = _query().add_columns(User.email).limit(limit)
    if issuer_id is not None:
        query = query.where(AccessCode.issuer_id == issuer_id)
    rows = await connection.execute(query.order_by(Account.created_at.desc(), Account.id.desc()))
    return [(_facts(row, now), row.email) for row in rows]


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
