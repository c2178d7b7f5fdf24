"""Who is calling: one resolution for API keys and for login sessions."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from app.accounts.errors import InvalidApiKey, NotLoggedIn, UserNotIdentified
from app.accounts.rules.expiry import is_past
from app.accounts.rules.key_limits import UNLIMITED, KeyLimits
from app.ledger.rules import AccountKind, AccountStatus
from app.runtime.db.direct import DriverRow, Statement
from app.runtime.db.engine import Database
from app.runtime.security import read_api_key, read_session_token, same_hash


@dataclass(frozen=True)
class Caller:
    """An identified account. An inactive one is an access code that may read, but not spend.

    `api_key` is the prefix of the key that it came with; None for a session. `limits` are those of
    the key.
    """

    account_id: str
    kind: AccountKind
    access_code: str | None
    active: bool
    api_key: str | None = field(default=None, compare=False)
    limits: KeyLimits = field(default=UNLIMITED, compare=False)

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


_ACCOUNT_COLUMNS: Final = """
    account.id AS account_id, account.kind, account.status AS account_status,
    own_code.access_code AS own_access_code, own_code.expires_at AS own_expires_at"""


class CallerQuery:
    """A read of whoever calls, by key or by session, and of what else is wanted of the same look.

    What is joined may name `account`, the caller's, and `own_code`, the access code that it may be.
    """

    def __init__(self, columns: str = "", joined: str = "") -> None:
        """Read `columns` of what is `joined`, both in SQL, beside the caller."""
        also = f", {columns}" if columns else ""
        self.by_key: Final = Statement(
            f"""SELECT key.secret_hash, key.expires_at AS key_expires_at, key.revoked_at,
                key.old_secret_hash, key.old_secret_until,
                key.scopes, key.read_only, key.ip_allow_list,
                {_ACCOUNT_COLUMNS}{also}
            FROM api_keys key LEFT JOIN accounts account ON account.id = key.account_id
                LEFT JOIN access_codes own_code ON own_code.account_id = account.id {joined}
            WHERE key.prefix = :prefix"""  # noqa: S608  all of it is ours
        )
        self.by_session: Final = Statement(
            f"""SELECT login.expires_at AS session_expires_at, {_ACCOUNT_COLUMNS}{also}
            FROM sessions login JOIN users login_user ON login_user.account_id = login.user_id
                JOIN accounts account ON account.id = login_user.account_id
                LEFT JOIN access_codes own_code ON own_code.account_id = account.id {joined}
            WHERE login.token_hash = :token_hash"""  # noqa: S608
        )


CALLER: Final = CallerQuery()


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
    database: Database,
    presented: ParsedCredentials,
    now: datetime,
    query: CallerQuery = CALLER,
    **values: object,
) -> tuple[Caller, DriverRow]:
    """Identify the caller in one statement; return it with the row of `query`, given its `values`.

    Raises InvalidApiKey, UserNotIdentified or NotLoggedIn.
    """
    if isinstance(presented, PresentedKey):
        found = await database.fetch_row(query.by_key, prefix=presented.prefix, **values)
        return _by_key(found, presented, now)
    row = await database.fetch_row(query.by_session, token_hash=presented.token_hash, **values)
    if (
        row is None
        or is_past(row["session_expires_at"], now)
        or row["account_status"] != AccountStatus.ACTIVE
    ):
        raise NotLoggedIn
    return _caller(row, now, None, UNLIMITED), row


def _by_key(row: DriverRow | None, key: PresentedKey, now: datetime) -> tuple[Caller, DriverRow]:
    if row is None or not _is_secret(row, key.secret_hash, now):
        raise InvalidApiKey
    if row["revoked_at"] is not None or is_past(row["key_expires_at"], now):
        raise InvalidApiKey
    if row["account_id"] is None:
        raise UserNotIdentified
    if row["kind"] == AccountKind.USER and row["account_status"] != AccountStatus.ACTIVE:
        raise InvalidApiKey
    limits = KeyLimits(row["scopes"], row["read_only"], row["ip_allow_list"])
    return _caller(row, now, key.prefix, limits), row


def _is_secret(row: DriverRow, secret_hash: bytes, now: datetime) -> bool:
    """Say whether it is the secret of a key, or the one before its rotation, for a while."""
    if same_hash(row["secret_hash"], secret_hash):
        return True
    return (
        row["old_secret_hash"] is not None
        and same_hash(row["old_secret_hash"], secret_hash)
        and not is_past(row["old_secret_until"], now)
    )


def _caller(row: DriverRow, now: datetime, api_key: str | None, limits: KeyLimits) -> Caller:
    active = row["account_status"] == AccountStatus.ACTIVE and not is_past(
        row["own_expires_at"], now
    )
    kind = AccountKind(row["kind"])
    return Caller(row["account_id"], kind, row["own_access_code"], active, api_key, limits)
