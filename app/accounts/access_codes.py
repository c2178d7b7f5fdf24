"""Access codes: issued by users, filled by transfers, read by whoever owns or issued them."""

from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, RowMapping, false, func, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.accounts.access_code_facts import CodeFacts
from app.accounts.authentication import Caller, CallerQuery
from app.accounts.errors import AccessCodeNotFound
from app.accounts.models import AccessCode, User
from app.accounts.publish import publish_access_code
from app.accounts.rules.expiry import is_past, require_future
from app.accounts.users import insert_account
from app.ledger import audit_log, service
from app.ledger.actors import Actor
from app.ledger.models import Account
from app.ledger.rules import AccountKind, AccountStatus
from app.runtime.db.base import AnySelect
from app.runtime.db.direct import DriverRow
from app.runtime.paging import ALL_TIME, Cursor, Page, TimeRange, page_of
from app.runtime.security import ACCESS_CODE_PATTERN, new_access_code, new_id

_FACTS: Final = (
    AccessCode.account_id.label("asked_account_id"),
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
    return None if row["asked_account_id"] is None else _facts(row, now)


def _facts(row: DriverRow | RowMapping, now: datetime) -> CodeFacts:
    return CodeFacts(
        account_id=row["asked_account_id"],
        access_code=row["access_code"],
        active=row["status"] == AccountStatus.ACTIVE and not is_past(row["expires_at"], now),
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        affiliate_origin=row["affiliate_code"],
        credits_available=row["balance"],
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
) -> CodeFacts:
    """Issue a code in the caller's transaction, with credits of its issuer if any are to move.

    Raises InvalidParameter for an expiry in the past, and InsufficientCredits.
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
    code = await facts_of(session, account_id, now)
    await publish_access_code(session, account_id, code, previous_status=None, now=now)
    return code


async def facts_of(session: AsyncSession, account_id: str, now: datetime) -> CodeFacts:
    """Return what is known of the code of an account."""
    row = (await session.execute(_query().where(AccessCode.account_id == account_id))).one()
    return _facts(row._mapping, now)


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
    return _facts(row._mapping, now)


async def list_issued(
    connection: AsyncConnection,
    *,
    issuer_id: str,
    now: datetime,
    cursor: Cursor | None,
    limit: int,
    active: bool | None = None,
    created: TimeRange = ALL_TIME,
) -> Page[CodeFacts]:
    """Return the codes that a user issued, newest first; `active` None: both kinds."""
    query = _query().where(AccessCode.issuer_id == issuer_id)
    if active is not None:
        over = (Account.status != AccountStatus.ACTIVE) | func.coalesce(
            AccessCode.expires_at <= now, false()
        )
        query = query.where(~over if active else over)
    return await page_of(
        connection,
        query,
        order=(Account.created_at, Account.id),
        cursor=cursor,
        limit=limit,
        read=lambda row: _facts(row._mapping, now),
        position=lambda code: (code.created_at, code.account_id),
        within=created,
    )


async def active_account_of(session: AsyncSession, access_code: str, now: datetime) -> str | None:
    """Return the account of an active code, for a gift; None when it may not receive."""
    if not ACCESS_CODE_PATTERN.fullmatch(access_code):
        return None
    row = (
        await session.execute(_query().where(AccessCode.access_code == access_code))
    ).one_or_none()
    code = _facts(row._mapping, now) if row else None
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
    code = _facts(row._mapping, now) if row else None
    if code is None or not code.active:
        raise AccessCodeNotFound
    return code.account_id


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
    return [(_facts(row._mapping, now), row.email) for row in rows]
