"""Users: registering, logging in and out, changing a password; and what an account is worth.

Endpoints call what hashes a password within `Throttles.password_attempt`, which limits how many do so at once.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.accounts.authentication import Caller, CallerQuery
from app.accounts.errors import EmailTaken, WrongPassword
from app.accounts.models import LoginSession, User
from app.ledger import audit_log
from app.ledger.actors import Actor
from app.ledger.models import Account
from app.ledger.rules import AccountKind, AccountStatus
from app.runtime.db.direct import DriverRow
from app.runtime.db.engine import Database
from app.runtime.db.failures import violated_constraint
from app.runtime.errors import NotFound
from app.runtime.security import (
    hash_password,
    hash_token,
    new_affiliate_code,
    new_id,
    new_session_token,
    password_matches,
)

SESSION_LIFETIME: Final = timedelta(days=7)
# The caller, and what its account may know of itself.
OWN_FACTS: Final = CallerQuery(
    "account.balance, account.created_at, own.email, own.affiliate_code,"
    " issuer.affiliate_code AS affiliate_origin",
    joined="LEFT JOIN users own ON own.account_id = account.id"
    " LEFT JOIN users issuer ON issuer.account_id = own_code.issuer_id",
)


@dataclass(frozen=True)
class NewUser:
    """A user as it was just registered."""

    id: str
    email: str
    affiliate_code: str


@dataclass(frozen=True)
class Login:
    """A session at its beginning, the only time that its token is known."""

    session_token: str
    expires_at: datetime


@dataclass(frozen=True)
class AccountFacts:
    """What an account may know of itself."""

    id: str
    kind: AccountKind
    active: bool
    credits_available: int
    created_at: datetime
    email: str | None
    affiliate_code: str | None
    access_code: str | None
    expires_at: datetime | None
    affiliate_origin: str | None


async def register(
    session: AsyncSession, *, email: str, password: str, actor: Actor, now: datetime
) -> NewUser:
    """Make a user. Raises EmailTaken."""
    user = new_user(email)
    password_hash = await asyncio.to_thread(hash_password, password)
    async with refusing_taken_emails(), session.begin():
        await insert_user(session, user, password_hash, actor=actor, now=now)
    return user


def new_user(email: str) -> NewUser:
    """Choose what is new of a user that is about to be made."""
    return NewUser(new_id("acc"), email.lower(), new_affiliate_code())


@asynccontextmanager
async def refusing_taken_emails() -> AsyncIterator[None]:
    """Raise EmailTaken where the transaction of the body fails for an e-mail that a user has."""
    try:
        yield
    except IntegrityError as error:
        if violated_constraint(error) == "uq_users_email":
            raise EmailTaken from None
        raise


async def insert_user(
    session: AsyncSession, user: NewUser, password_hash: str, *, actor: Actor, now: datetime
) -> None:
    """Insert a user in the caller's transaction."""
    await insert_account(session, user.id, AccountKind.USER, now)
    await session.execute(
        insert(User).values(
            account_id=user.id,
            email=user.email,
            password_hash=password_hash,
            affiliate_code=user.affiliate_code,
        )
    )
    await audit_log.record(session, actor=actor, action="user.create", subject=user.id, at=now)


async def insert_account(
    session: AsyncSession, account_id: str, kind: AccountKind, now: datetime
) -> None:
    """Insert the account row of a new user or access code in the caller's transaction."""
    await session.execute(
        insert(Account).values(
            id=account_id, kind=kind, status=AccountStatus.ACTIVE, balance=0, created_at=now
        )
    )


async def login(database: Database, *, email: str, password: str, now: datetime) -> Login:
    """Open a session. Raises WrongPassword, at the same cost whether the e-mail is known or not."""
    verified = await _verified(database, User.email == email.lower(), password)
    token = new_session_token()
    expires_at = now + SESSION_LIFETIME
    async with database.sessions() as session, session.begin():
        await _still_verified(session, verified)
        await session.execute(
            insert(LoginSession).values(
                token_hash=hash_token(token),
                user_id=verified.user_id,
                created_at=now,
                expires_at=expires_at,
            )
        )
    return Login(token, expires_at)


async def logout(session: AsyncSession, token_hash: bytes) -> None:
    """End one session."""
    async with session.begin():
        await session.execute(delete(LoginSession).where(LoginSession.token_hash == token_hash))


@dataclass(frozen=True)
class PasswordChange:
    """A change of a password whose old one was right: the old and the new hash."""

    verified: "_Verified"
    password_hash: str


async def verify_change(
    database: Database, *, user_id: str, password: str, new_password: str
) -> PasswordChange:
    """See that a user's password is right, and hash the new one. Raises WrongPassword."""
    verified = await _verified(database, User.account_id == user_id, password)
    return PasswordChange(verified, await asyncio.to_thread(hash_password, new_password))


async def apply_change(
    session: AsyncSession, change: PasswordChange, *, actor: Actor, now: datetime
) -> None:
    """Set the new password and end every session of the user, in the caller's transaction.

    Raises WrongPassword when it was changed in the meantime.
    """
    user_id = change.verified.user_id
    await _still_verified(session, change.verified)
    await session.execute(
        update(User).where(User.account_id == user_id).values(password_hash=change.password_hash)
    )
    await session.execute(delete(LoginSession).where(LoginSession.user_id == user_id))
    await audit_log.record(
        session, actor=actor, action="user.change_password", subject=user_id, at=now
    )


async def end_expired_sessions(session: AsyncSession, now: datetime) -> None:
    """Delete the sessions that are over."""
    async with session.begin():
        await session.execute(delete(LoginSession).where(LoginSession.expires_at <= now))


async def user_id_of(connection: AsyncConnection, email: str) -> str:
    """Return the account id of a user. Raises NotFound."""
    found = await connection.scalar(select(User.account_id).where(User.email == email.lower()))
    if found is None:
        raise NotFound("no user has this e-mail")
    return found


async def email_of(connection: AsyncConnection, user_id: str) -> str:
    """Return the e-mail of a user."""
    found = await connection.execute(select(User.email).where(User.account_id == user_id))
    return str(found.scalar_one())


def facts_in(caller: Caller, row: DriverRow) -> AccountFacts:
    """Return what an account may know of itself, from a row of OWN_FACTS."""
    return AccountFacts(
        id=caller.account_id,
        kind=caller.kind,
        active=caller.active,
        credits_available=row["balance"],
        created_at=row["created_at"],
        email=row["email"],
        affiliate_code=row["affiliate_code"],
        access_code=caller.access_code,
        expires_at=row["own_expires_at"],
        affiliate_origin=row["affiliate_origin"],
    )


@dataclass(frozen=True)
class _Verified:
    """Whose password was right, and the hash that said so."""

    user_id: str
    password_hash: str


async def _verified(database: Database, whose: ColumnElement[bool], password: str) -> _Verified:
    """Return the active user whose password this is. No connection is held meanwhile."""
    async with database.reading() as connection:
        row = (
            await connection.execute(
                select(User.account_id, User.password_hash)
                .join(Account, Account.id == User.account_id)
                .where(whose, Account.status == AccountStatus.ACTIVE)
            )
        ).one_or_none()
    matches = await asyncio.to_thread(
        password_matches, password, row.password_hash if row else None
    )
    if row is None or not matches:
        raise WrongPassword
    return _Verified(row.account_id, row.password_hash)


async def _still_verified(session: AsyncSession, verified: _Verified) -> None:
    """Lock the user; see that it was not disabled, nor its password changed, in the meantime."""
    password_hash = await session.scalar(
        select(User.password_hash)
        .join(Account, Account.id == User.account_id)
        .where(User.account_id == verified.user_id, Account.status == AccountStatus.ACTIVE)
        .with_for_update(key_share=True)
    )
    if password_hash != verified.password_hash:
        raise WrongPassword
