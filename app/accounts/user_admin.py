"""What an operator does to users: listing, disabling and enabling them, ending their sessions."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.accounts.models import ApiKey, LoginSession, User
from app.ledger import audit_log
from app.ledger.actors import Actor
from app.ledger.models import Account
from app.ledger.rules import AccountStatus


@dataclass(frozen=True)
class UserFacts:
    """What an operator sees of a user; keys and sessions are counted that are good now."""

    id: str
    email: str
    active: bool
    affiliate_code: str
    credits_available: int
    created_at: datetime
    api_keys: int
    sessions: int


async def list_users(connection: AsyncConnection, *, now: datetime, limit: int) -> list[UserFacts]:
    """Return users, newest first."""
    keys = (
        select(func.count())
        .where(
            ApiKey.account_id == User.account_id,
            ApiKey.revoked_at.is_(None),
            or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > now),
        )
        .scalar_subquery()
    )
    sessions = (
        select(func.count())
        .where(LoginSession.user_id == User.account_id, LoginSession.expires_at > now)
        .scalar_subquery()
    )
    rows = await connection.execute(
        select(
            Account.id,
            User.email,
            Account.status,
            User.affiliate_code,
            Account.balance,
            Account.created_at,
            keys.label("api_keys"),
            sessions.label("sessions"),
        )
        .join(Account, Account.id == User.account_id)
        .order_by(Account.created_at.desc(), Account.id.desc())
        .limit(limit)
    )
    return [
        UserFacts(
            id=row.id,
            email=row.email,
            active=row.status == AccountStatus.ACTIVE,
            affiliate_code=row.affiliate_code,
            credits_available=row.balance,
            created_at=row.created_at,
            api_keys=row.api_keys,
            sessions=row.sessions,
        )
        for row in rows
    ]


async def disable(session: AsyncSession, user_id: str, *, actor: Actor, now: datetime) -> int:
    """Refuse a user's password and keys from now on; end its sessions and return how many.

    Its credits stay, its orders are followed and granted, and the access codes that it issued are
    accounts of their own, which go on. Doing it twice changes nothing.
    """
    async with session.begin():
        changed = await _set_status(session, user_id, AccountStatus.INACTIVE)
        if changed:
            await audit_log.record(
                session, actor=actor, action="user.disable", subject=user_id, at=now
            )
        return await _end_sessions(session, user_id)


async def enable(session: AsyncSession, user_id: str, *, actor: Actor, now: datetime) -> None:
    """Let a disabled user in again, by its password and by keys that were not revoked."""
    async with session.begin():
        if await _set_status(session, user_id, AccountStatus.ACTIVE):
            await audit_log.record(
                session, actor=actor, action="user.enable", subject=user_id, at=now
            )


async def end_sessions(
    session: AsyncSession, user_id: str | None, *, actor: Actor, now: datetime
) -> int:
    """End every session of a user, or of all users; return how many."""
    async with session.begin():
        ended = await _end_sessions(session, user_id)
        await audit_log.record(
            session, actor=actor, action="user.end_sessions", subject=user_id or "all", at=now
        )
    return ended


async def _set_status(session: AsyncSession, user_id: str, status: AccountStatus) -> bool:
    """Set the status of a user; say whether it was another."""
    changed = await session.scalar(
        update(Account)
        .where(Account.id == user_id, Account.status != status)
        .values(status=status)
        .returning(Account.id)
    )
    return changed is not None


async def _end_sessions(session: AsyncSession, user_id: str | None) -> int:
    ended = delete(LoginSession).returning(LoginSession.token_hash)
    if user_id is not None:
        ended = ended.where(LoginSession.user_id == user_id)
    return len((await session.scalars(ended)).all())
