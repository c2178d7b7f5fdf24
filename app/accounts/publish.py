"""Publishing changes of access codes and API keys to the streams of events: each as the API shows it then."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.access_code_facts import CodeFacts
from app.accounts.access_code_responses import access_code_response
from app.accounts.api_key_responses import api_key_response
from app.accounts.key_facts import KeyFacts
from app.events.append import NewEvent, append
from app.events.types import EventType


async def publish_access_code(
    session: AsyncSession,
    account_id: str,
    code: CodeFacts,
    *,
    previous_status: str | None,
    now: datetime,
) -> None:
    """Tell of an access code that was issued or changed, in the caller's transaction."""
    data = access_code_response(code).model_dump_json()
    event_type = EventType.ACCESS_CODE_UPDATED
    await append(session, [NewEvent(event_type, account_id, now, data, previous_status)])


async def publish_keys(
    session: AsyncSession, event_type: EventType, keys: Sequence[KeyFacts], now: datetime
) -> None:
    """Tell of API keys that were made or revoked, in the caller's transaction.

    One that is bound to no account has no stream.
    """
    await append(
        session,
        [
            NewEvent(event_type, key.account_id, now, api_key_response(key).model_dump_json())
            for key in keys
            if key.account_id is not None
        ],
    )
