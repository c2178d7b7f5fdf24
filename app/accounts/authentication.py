"""Who is calling: one resolution for API keys and for login sessions."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.accounts.errors import InvalidApiKey, NotLoggedIn, UserNotIdentified
from app.accounts.models import AccessCode, ApiKey, LoginSession, User
from app.accounts.rules.expiry import is_past
from app.ledger.models import Account
from app.ledger.rules import AccountKind, AccountStatus
from app.runtime.db.base import AnyRow, AnySelect
from app.runtime.security import read_api_key, read_session_token, same_hash


@dataclass(frozen=True)
class Caller:
    """An identified account. An inactive one is an access code that may read, but not spend.

    `api_key` is the prefix of the key that it came with; None for a session.
    """

    account_id: str
    kind: AccountKind
    access_code: str | None
    active: bool
    api_key: str | None = field(default=None, compare=False)

    @classmethod
    def of_access_code(cls, account_id: str, access_code: str) -> "Caller":
        """Stand for an active access code, for an operator."""
        return cls(account_id, AccountKind.ACCESS_CODE, access_code, active=True)

    @property
    def is_user(self) -> bool:
        """Say whether the caller is a user, by key or by session."""
        return self.kind is AccountKind.USER


@dataclass(frozen=True)
class Credentials:
    """What a request presented: an API key decides when it is there, else a session token."""

    api_key: str | None
    session_token: str | None

    @property
    def missing(self) -> bool:
        """Say whether nothing was presented that could be good or bad."""
        return self.api_key is None and self.session_token is None


@dataclass(frozen=True)
class PresentedKey:
    """An API key of the right form."""

    prefix: str
    secret_hash: bytes


@dataclass(frozen=True)
class PresentedToken:
    """A session token of the right form."""

    token_hash: bytes


ParsedCredentials = PresentedKey | PresentedToken


ACCOUNT_COLUMNS: Final = (
    Account.id.label("account_id"),
    Account.kind,
    Account.status.label("account_status"),
    AccessCode.access_code.label("own_access_code"),
    AccessCode.expires_at.label("own_expires_at"),
)
KEY_COLUMNS: Final = (
    ApiKey.secret_hash,
    ApiKey.expires_at.label("key_expires_at"),
    ApiKey.revoked_at,
    *ACCOUNT_COLUMNS,
)
KEY_SOURCE: Final = ApiKey.__table__.outerjoin(Account, Account.id == ApiKey.account_id).outerjoin(
    AccessCode, AccessCode.account_id == Account.id
)
SESSION_COLUMNS: Final = (LoginSession.expires_at.label("session_expires_at"), *ACCOUNT_COLUMNS)
SESSION_SOURCE: Final = (
    LoginSession.__table__.join(User, User.account_id == LoginSession.user_id)
    .join(Account, Account.id == User.account_id)
    .outerjoin(AccessCode, AccessCode.account_id == Account.id)
)

BY_KEY: Final = (
    select(*KEY_COLUMNS).select_from(KEY_SOURCE).where(ApiKey.prefix == bindparam("prefix"))
)
BY_SESSION: Final = (
    select(*SESSION_COLUMNS)
    .select_from(SESSION_SOURCE)
    .where(LoginSession.token_hash == bindparam("token_hash"))
)


def read(credentials: Credentials) -> ParsedCredentials:
    """Read what was presented, without asking the database.

    Raises InvalidApiKey or NotLoggedIn for what is missing or has not the form of a credential.
    """
    if credentials.api_key is not None:
        key = read_api_key(credentials.api_key)
        if key is None:
            raise InvalidApiKey
        return PresentedKey(*key)
    token_hash = read_session_token(credentials.session_token or "")
    if token_hash is None:
        raise NotLoggedIn
    return PresentedToken(token_hash)


async def resolve(
    connection: AsyncConnection,
    presented: ParsedCredentials,
    now: datetime,
    *,
    by_key: AnySelect = BY_KEY,
    by_session: AnySelect = BY_SESSION,
    parameters: dict[str, Any] | None = None,
) -> tuple[Caller, AnyRow]:
    """Identify the caller in one statement; return it with the row that was read.

    A statement that reads more in the same round trip may stand in for the plain ones. Raises
    InvalidApiKey, UserNotIdentified or NotLoggedIn.
    """
    parameters = parameters or {}
    if isinstance(presented, PresentedKey):
        found = await connection.execute(by_key, {"prefix": presented.prefix, **parameters})
        return _by_key(found.first(), presented, now)
    found = await connection.execute(by_session, {"token_hash": presented.token_hash, **parameters})
    row = found.first()
    if (
        row is None
        or is_past(row.session_expires_at, now)
        or row.account_status != AccountStatus.ACTIVE
    ):
        raise NotLoggedIn
    return _caller(row, now, None), row


def _by_key(row: AnyRow | None, key: PresentedKey, now: datetime) -> tuple[Caller, AnyRow]:
    if row is None or not same_hash(row.secret_hash, key.secret_hash):
        raise InvalidApiKey
    if row.revoked_at is not None or is_past(row.key_expires_at, now):
        raise InvalidApiKey
    if row.account_id is None:
        raise UserNotIdentified
    if row.kind == AccountKind.USER and row.account_status != AccountStatus.ACTIVE:
        raise InvalidApiKey
    return _caller(row, now, key.prefix), row


def _caller(row: AnyRow, now: datetime, api_key: str | None) -> Caller:
    active = row.account_status == AccountStatus.ACTIVE and not is_past(row.own_expires_at, now)
    return Caller(row.account_id, AccountKind(row.kind), row.own_access_code, active, api_key)
