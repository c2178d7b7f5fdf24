"""Users, access codes, keys, sessions and callers, as the services know them."""

import asyncio
import threading
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from app.accounts import access_code_credits, access_codes, api_keys, idempotent_users, users
from app.accounts.authentication import Caller, Credentials, read, resolve
from app.accounts.errors import (
    AccessCodeNotFound,
    EmailTaken,
    InvalidApiKey,
    NotLoggedIn,
    UserNotIdentified,
    WrongPassword,
)
from app.accounts.models import LoginSession, User
from app.ledger.errors import InsufficientCredits
from app.ledger.rules import AccountKind
from app.runtime.db.engine import Database
from app.runtime.errors import InvalidParameter, NotFound
from app.runtime.paging import read_cursor, write_cursor
from app.runtime.security import hash_password, hash_token, password_matches
from tests.support.cases import each_case
from tests.support.clock import HandClock
from tests.support.databases import LentDatabase
from tests.support.orders import balance_of, count
from tests.support.people import ACTOR, PASSWORD, Person, make_access_code, make_key, make_user


async def resolved(
    database: LentDatabase,
    clock: HandClock,
    *,
    api_key: str | None = None,
    session_token: str | None = None,
) -> Caller:
    """Identify whoever presents these."""
    credentials = Credentials(api_key, session_token)
    caller, _ = await resolve(database, read(credentials), clock.now())
    return caller


async def issue(
    database: LentDatabase, clock: HandClock, issuer: Person, *, credits_moved: int
) -> str:
    """Issue a code that takes credits of its issuer with it."""
    async with database.sessions() as session, session.begin():
        code = await access_codes.create(
            session,
            issuer_id=issuer.account_id,
            expires_at=None,
            credits_moved=credits_moved,
            actor=ACTOR,
            now=clock.now(),
        )
        return code.access_code


async def test_session_identifies_its_user_until_it_is_over(
    database: LentDatabase, clock: HandClock, buyer: Person
) -> None:
    assert buyer.email is not None
    login = await users.login(
        database, email=buyer.email.upper(), password=PASSWORD, now=clock.now()
    )
    assert await resolved(database, clock, session_token=login.session_token) == buyer.caller
    clock.advance(users.SESSION_LIFETIME.total_seconds())
    with pytest.raises(NotLoggedIn, match="log in"):
        await resolved(database, clock, session_token=login.session_token)
    async with database.sessions() as session:
        await users.end_expired_sessions(session, clock.now())
    assert await count(database, "sessions") == 0


async def test_logout_ends_one_session_and_a_new_password_all_of_them(
    database: LentDatabase, clock: HandClock, buyer: Person
) -> None:
    assert buyer.email is not None
    tokens = [
        (
            await users.login(database, email=buyer.email, password=PASSWORD, now=clock.now())
        ).session_token
        for _ in range(3)
    ]
    async with database.sessions() as session:
        await users.logout(session, hash_token(tokens[0]))
    with pytest.raises(NotLoggedIn):
        await resolved(database, clock, session_token=tokens[0])
    assert await resolved(database, clock, session_token=tokens[1]) == buyer.caller
    await idempotent_users.change_password(
        database,
        key=None,
        user_id=buyer.account_id,
        password=PASSWORD,
        new_password="another horse",
        actor=ACTOR,
        now=clock.now(),
    )
    for token in tokens:
        with pytest.raises(NotLoggedIn):
            await resolved(database, clock, session_token=token)
    with pytest.raises(WrongPassword):
        await users.login(database, email=buyer.email, password=PASSWORD, now=clock.now())


async def test_wrong_password_and_unknown_email_are_refused_alike(
    database: LentDatabase, clock: HandClock, buyer: Person
) -> None:
    for email in (buyer.email or "", "nobody@example.com"):
        with pytest.raises(WrongPassword):
            await users.login(database, email=email, password="not it", now=clock.now())


async def test_email_is_taken_whatever_its_case(
    database: LentDatabase, clock: HandClock, buyer: Person
) -> None:
    assert buyer.email is not None
    async with database.sessions() as session:
        with pytest.raises(EmailTaken):
            await users.register(
                session,
                email=buyer.email.upper(),
                password=PASSWORD,
                actor=ACTOR,
                now=clock.now(),
            )
    async with database.reading() as connection:
        assert await users.user_id_of(connection, buyer.email.upper()) == buyer.account_id
        with pytest.raises(NotFound):
            await users.user_id_of(connection, "nobody@example.com")


async def test_account_knows_its_balance_and_where_it_comes_from(
    database: LentDatabase, clock: HandClock, buyer: Person
) -> None:
    code = await make_access_code(database, buyer, clock.now(), credits_given=4)
    of_user, of_code = [
        users.facts_in(
            *await resolve(
                database,
                read(Credentials(person.api_key, None)),
                clock.now(),
                users.OWN_FACTS,
            )
        )
        for person in (buyer, code)
    ]
    assert of_user.email == buyer.email
    assert of_code.affiliate_origin == of_user.affiliate_code
    assert (of_code.credits_available, of_code.access_code) == (4, code.access_code)


async def test_key_decides_even_beside_a_valid_session(
    database: LentDatabase, clock: HandClock, buyer: Person
) -> None:
    assert buyer.email is not None
    login = await users.login(database, email=buyer.email, password=PASSWORD, now=clock.now())
    with pytest.raises(InvalidApiKey):
        await resolved(
            database,
            clock,
            api_key=buyer.api_key[:-1],
            session_token=login.session_token,
        )


async def test_key_of_nobody_identifies_nobody(database: LentDatabase, clock: HandClock) -> None:
    with pytest.raises(UserNotIdentified):
        await resolved(database, clock, api_key=await make_key(database, None, clock.now()))


async def test_right_prefix_with_another_secret_is_no_key(
    database: LentDatabase, clock: HandClock, buyer: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    prefix = buyer.api_key.split("_")[1]
    monkeypatch.setattr("app.accounts.authentication.read_api_key", lambda _: (prefix, b"x" * 32))
    with pytest.raises(InvalidApiKey):
        await resolved(database, clock, api_key="any")


async def test_expired_and_revoked_keys_are_dead_at_once(
    database: LentDatabase, clock: HandClock, buyer: Person
) -> None:
    short_lived = await make_key(
        database, buyer.account_id, clock.now(), expires_at=clock.now() + timedelta(seconds=5)
    )
    assert await resolved(database, clock, api_key=short_lived) == buyer.caller
    clock.advance(5)
    with pytest.raises(InvalidApiKey):
        await resolved(database, clock, api_key=short_lived)
    prefix = buyer.api_key.split("_")[1]
    async with database.sessions() as session:
        first = await api_keys.revoke(
            session, prefix, owner=buyer.account_id, actor=ACTOR, now=clock.now()
        )
        clock.advance(60)
        again = await api_keys.revoke(session, prefix, owner=None, actor=ACTOR, now=clock.now())
    assert first.revoked_at is not None
    assert first == again
    with pytest.raises(InvalidApiKey):
        await resolved(database, clock, api_key=buyer.api_key)


async def test_key_is_revoked_by_its_owner_or_the_issuer_of_its_code_alone(
    database: LentDatabase, clock: HandClock, buyer: Person
) -> None:
    code = await make_access_code(database, buyer, clock.now())
    stranger = await make_user(database, clock.now())
    prefix = code.api_key.split("_")[1]
    async with database.sessions() as session:
        for wanted, owner in ((prefix, stranger), ("x" * 10, buyer), ("' OR 1=1", buyer)):
            with pytest.raises(NotFound):
                await api_keys.revoke(
                    session, wanted, owner=owner.account_id, actor=ACTOR, now=clock.now()
                )
        await api_keys.revoke(session, prefix, owner=buyer.account_id, actor=ACTOR, now=clock.now())
    async with database.reading() as connection:
        page = await api_keys.list_own(connection, code.account_id, cursor=None, limit=10)
    assert [key.prefix for key in page.items] == [prefix]
    assert page.items[0].revoked_at == clock.now()


async def test_key_cannot_expire_in_the_past(
    database: LentDatabase, clock: HandClock, buyer: Person
) -> None:
    with pytest.raises(InvalidParameter, match="expires_at"):
        await make_key(database, buyer.account_id, clock.now(), expires_at=clock.now())


async def test_code_takes_credits_of_its_issuer_with_it(
    database: LentDatabase, clock: HandClock
) -> None:
    issuer = await make_user(database, clock.now(), credits_given=5)
    code = await issue(database, clock, issuer, credits_moved=3)
    async with database.sessions() as session, session.begin():
        await access_code_credits.move_credits(
            session,
            caller=issuer.caller,
            access_code=code,
            credits_moved=2,
            actor=ACTOR,
            now=clock.now(),
        )
    assert await balance_of(database, issuer.account_id) == 0
    async with database.reading() as connection:
        known = await access_codes.facts(
            connection, caller=issuer.caller, access_code=code, now=clock.now()
        )
    assert known.credits_available == 5
    with pytest.raises(InsufficientCredits):
        await issue(database, clock, issuer, credits_moved=1)
    assert await count(database, "access_codes") == 1


async def test_stranger_moves_reads_and_deactivates_nothing(
    database: LentDatabase, clock: HandClock, buyer: Person
) -> None:
    code = await make_access_code(database, buyer, clock.now())
    stranger = (await make_user(database, clock.now(), credits_given=1)).caller
    name = code.access_code or ""
    async with database.reading() as connection:
        for wanted in (name, "x" * 16, "short", "\x00" * 16):
            with pytest.raises(AccessCodeNotFound):
                await access_codes.facts(
                    connection, caller=stranger, access_code=wanted, now=clock.now()
                )
    async with database.sessions() as session, session.begin():
        with pytest.raises(AccessCodeNotFound):
            await access_code_credits.move_credits(
                session,
                caller=stranger,
                access_code=name,
                credits_moved=1,
                actor=ACTOR,
                now=clock.now(),
            )
        with pytest.raises(AccessCodeNotFound):
            await access_code_credits.deactivate(
                session,
                caller=stranger,
                access_code=name,
                keep_credits=False,
                actor=ACTOR,
                now=clock.now(),
            )


async def test_deactivated_code_still_reads_but_is_inactive(
    database: LentDatabase, clock: HandClock, buyer: Person
) -> None:
    code = await make_access_code(database, buyer, clock.now())
    for _ in range(2):
        async with database.sessions() as session, session.begin():
            await access_code_credits.deactivate(
                session,
                caller=buyer.caller,
                access_code=code.access_code or "",
                keep_credits=False,
                actor=ACTOR,
                now=clock.now(),
            )
    assert await count(database, "audit_log", "action = 'access_code.deactivate'") == 1
    caller = await resolved(database, clock, api_key=code.api_key)
    assert (caller.kind, caller.active) == (AccountKind.ACCESS_CODE, False)
    async with database.reading() as connection:
        page = await access_codes.list_issued(
            connection, issuer_id=buyer.account_id, now=clock.now(), cursor=None, limit=10
        )
    assert [known.active for known in page.items] == [False]


async def test_expired_code_is_inactive(
    database: LentDatabase, clock: HandClock, buyer: Person
) -> None:
    code = await make_access_code(
        database, buyer, clock.now(), expires_at=clock.now() + timedelta(seconds=1)
    )
    assert (await resolved(database, clock, api_key=code.api_key)).active
    clock.advance(1)
    assert not (await resolved(database, clock, api_key=code.api_key)).active


def test_cursor_reads_back_to_the_microsecond(clock: HandClock) -> None:
    at = clock.now() + timedelta(microseconds=123_457)
    assert read_cursor(write_cursor((at, "ord_x"))) == (at, "ord_x")


@each_case("text", ["", "x", "é", "!!!!", "AAAA", "MSAA", "OTk5OTk5OTk5OTk5OTk5OTk5OSB4"])
def test_text_that_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(InvalidParameter, match="cursor"):
        read_cursor(text)


async def test_login_that_a_password_change_overtakes_opens_no_session(
    committed_database: Database, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old password was right when it was read, and no longer when the session begins."""
    user = await make_user(committed_database, clock.now())
    email = user.email or ""
    begun, overtaken = threading.Event(), threading.Event()

    def verify_late(password: str, password_hash: str | None) -> bool:
        matches = password_matches(password, password_hash)
        begun.set()
        overtaken.wait(10)
        return matches

    monkeypatch.setattr("app.accounts.users.password_matches", verify_late)
    login = asyncio.create_task(
        users.login(committed_database, email=email, password=PASSWORD, now=clock.now())
    )
    assert await asyncio.to_thread(begun.wait, 10)
    async with committed_database.engine.begin() as connection:
        await connection.execute(
            update(User).values(password_hash=hash_password("another password"))
        )
    overtaken.set()

    with pytest.raises(WrongPassword):
        await login
    async with committed_database.reading() as connection:
        assert await connection.scalar(select(func.count()).select_from(LoginSession)) == 0
