"""Users, access codes, keys and credits for tests, made by the services themselves."""

from dataclasses import dataclass
from datetime import datetime

from app.accounts import access_codes, api_keys, users
from app.accounts.api_keys import KeyWish
from app.accounts.authentication import Caller
from app.ledger import service
from app.ledger.actors import OPERATOR, Actor
from app.ledger.rules import AccountKind
from app.runtime.db.engine import Database
from app.runtime.security import new_id

ACTOR = Actor(OPERATOR, "test")
PASSWORD = "correct horse battery"


@dataclass(frozen=True)
class Person:
    """An account with a key of its own."""

    caller: Caller
    api_key: str
    email: str | None = None
    access_code: str | None = None

    @property
    def account_id(self) -> str:
        """The id of the account."""
        return self.caller.account_id

    @property
    def headers(self) -> dict[str, str]:
        """What a request of this account carries."""
        return {"X-API-KEY": self.api_key}


async def make_user(database: Database, now: datetime, *, credits_given: int = 0) -> Person:
    """Register a user with a key, and credits if any are given."""
    email = f"{new_id('u').lower()}@example.com"
    async with database.sessions() as session:
        user = await users.register(session, email=email, password=PASSWORD, actor=ACTOR, now=now)
    await give_credits(database, user.id, credits_given, now)
    caller = Caller(user.id, AccountKind.USER, None, active=True)
    return Person(caller, await make_key(database, user.id, now), email=email)


async def make_access_code(
    database: Database,
    issuer: Person,
    now: datetime,
    *,
    credits_given: int = 0,
    expires_at: datetime | None = None,
) -> Person:
    """Issue an access code with a key of its own, and credits if any are given."""
    async with database.sessions() as session, session.begin():
        code = await access_codes.create(
            session,
            issuer_id=issuer.account_id,
            expires_at=expires_at,
            credits_moved=0,
            actor=ACTOR,
            now=now,
        )
    account_id = code.account_id
    await give_credits(database, account_id, credits_given, now)
    caller = Caller.of_access_code(account_id, code.access_code)
    return Person(caller, await make_key(database, account_id, now), access_code=code.access_code)


async def make_key(
    database: Database, account_id: str | None, now: datetime, *, expires_at: datetime | None = None
) -> str:
    """Make an API key for an account, or for none; return its text."""
    async with database.sessions() as session, session.begin():
        key = await api_keys.create(
            session,
            account_id=account_id,
            wish=KeyWish(expires_at=expires_at),
            actor=ACTOR,
            now=now,
        )
    return key.text


async def give_credits(database: Database, account_id: str, amount: int, now: datetime) -> None:
    """Adjust a balance, if there is anything to adjust."""
    if amount:
        async with database.sessions() as session:
            await service.adjust(
                session,
                account_id=account_id,
                amount=amount,
                reason="a test needs it",
                actor=ACTOR,
                at=now,
            )
