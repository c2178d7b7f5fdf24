"""Registering and changing a password under an Idempotency-Key: done once, answered alike.

What was asked holds passwords, so the key keeps a slow hash of it. Nobody is known who registers:
there a key belongs to the account of the e-mail.
"""

import asyncio
import hashlib
from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.accounts import users
from app.accounts.errors import EmailTaken
from app.accounts.models import User
from app.accounts.users import NewUser
from app.ledger.actors import Actor
from app.runtime import idempotency
from app.runtime.db.engine import Database
from app.runtime.idempotency import KeptAnswer, RequestKey
from app.runtime.security import hash_password, hash_secret_request

_REGISTER: Final = "register"
_CHANGE: Final = "change_password"
_SALT_BYTES: Final = 16


async def register_once(
    database: Database,
    *,
    key: str,
    email: str,
    password: str,
    write: Callable[[NewUser], bytes],
    actor: Actor,
    now: datetime,
) -> KeptAnswer:
    """Make a user unless this key did; return what was answered first, as `write` wrote it.

    Raises EmailTaken where the e-mail was registered without the key, and IdempotencyKeyReused
    where it came with another password.
    """
    user = users.new_user(email)
    asked = await _hash(_REGISTER, user.email, key, password)
    async with database.reading() as connection:
        earlier = await _registered(connection, user.email, key, asked)
    if earlier is not None:
        return earlier
    password_hash = await asyncio.to_thread(hash_password, password)
    made = RequestKey(user.id, _REGISTER, key, asked)
    try:
        async with (
            users.refusing_taken_emails(),
            database.sessions() as session,
            session.begin(),
        ):
            await users.insert_user(session, user, password_hash, actor=actor, now=now)
            await idempotency.claim(session, made, now)
            return await idempotency.keep(session, made, write(user))
    except EmailTaken:  # a moment ago, maybe by this very request, sent twice
        async with database.reading() as connection:
            earlier = await _registered(connection, user.email, key, asked)
        if earlier is None:
            raise
        return earlier


async def _registered(
    connection: AsyncConnection, email: str, key: str, asked: bytes
) -> KeptAnswer | None:
    """Return what was answered when this key registered an e-mail; None: nobody has the e-mail.

    Raises EmailTaken where somebody else has it.
    """
    account_id = await connection.scalar(select(User.account_id).where(User.email == email))
    if account_id is None:
        return None
    earlier = await idempotency.find(connection, RequestKey(account_id, _REGISTER, key, asked))
    if earlier is None or earlier.answer is None:
        raise EmailTaken
    return earlier.answer


async def change_password(
    database: Database,
    *,
    key: str | None,
    user_id: str,
    password: str,
    new_password: str,
    actor: Actor,
    now: datetime,
) -> KeptAnswer:
    """Set a new password and end every session of the user, unless this key did; say nothing.

    Raises WrongPassword, IdempotencyKeyInFlight and IdempotencyKeyReused.
    """
    made = None
    if key is not None:
        asked = await _hash(_CHANGE, user_id, key, password, new_password)
        made = RequestKey(user_id, _CHANGE, key, asked)
        async with database.reading() as connection:  # the old password is wrong by now
            earlier = await idempotency.find(connection, made)
        if earlier is not None and earlier.answer is not None:
            return earlier.answer
    change = await users.verify_change(
        database, user_id=user_id, password=password, new_password=new_password
    )

    async def apply() -> bytes:
        await users.apply_change(session, change, actor=actor, now=now)
        return b""

    async with database.sessions() as session:
        return await idempotency.once(session, made, now, apply, status=HTTPStatus.NO_CONTENT)


async def _hash(endpoint: str, whose: str, key: str, *secrets: str) -> bytes:
    """Hash what was asked, with a salt that is of this key alone."""
    salt = hashlib.sha256("\0".join((endpoint, whose, key)).encode()).digest()[:_SALT_BYTES]
    return await asyncio.to_thread(hash_secret_request, "\0".join((whose, *secrets)), salt)
