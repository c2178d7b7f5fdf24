"""What streams of events tell of access codes and API keys, each as the API shows it then."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.access_code_facts import CodeFacts
from app.accounts.access_code_responses import access_code_response
from app.accounts.api_key_responses import api_key_response
from app.accounts.key_facts import KeyFacts
from app.events.append import NewEvent, append
from app.events.types import EventType


async def tell_access_code(
    session: AsyncSession,
    account_id: str,
    code: CodeFacts,
    *,
    previous_status: str | None,
    now: datetime,
) -> None:
    """Tell of an access code that was issued or changed, in the caller's transaction."""
    data = access_code_response(code).model_dump_json()
    told = EventType.ACCESS_CODE_UPDATED
    await append(session, [NewEvent(told, account_id, now, data, previous_status)])


async def tell_keys(
    session: AsyncSession, told: EventType, keys: Sequence[KeyFacts], now: datetime
) -> None:
    """Tell of API keys that were made or revoked, in the caller's transaction.

    Of one that is bound to no account, nobody is told.
    """
    await append(
        session,
        [
            NewEvent(told, key.account_id, now, api_key_response(key).model_dump_json())
            for key in keys
            if key.account_id is not None
        ],
    )
