"""What a webhook says: an event as `GET /api/events` shows it, and the id that names it."""

import hashlib
import json
from datetime import UTC, datetime
from typing import Any, Final

from app.runtime.security import new_id
from app.webhooks.rules.states import TEST_EVENT

_ID_LENGTH: Final = 32


def message_id(account_id: str, sequence: int) -> str:
    """Return the `webhook-id` of an event: the same whenever and wherever it is sent."""
    digest = hashlib.sha256(f"{account_id}/{sequence}".encode()).hexdigest()
    return f"evt_{digest[:_ID_LENGTH]}"


def event_body(
    *, sequence: int, event_type: str, at: datetime, data: str, previous_status: str | None
) -> str:
    """Write an event; `data` is JSON."""
    return (
        f'{{"sequence":{sequence},"type":{json.dumps(event_type)},"at":"{_time(at)}",'
        f'"data":{data},"previous_status":{json.dumps(previous_status)}}}'
    )


def test_body(endpoint_id: str, at: datetime) -> str:
    """Write what a test sends, in the form of an event without a number."""
    content: dict[str, Any] = {
        "sequence": None,
        "type": TEST_EVENT,
        "at": _time(at),
        "data": {"webhook_endpoint_id": endpoint_id},
        "previous_status": None,
    }
    return json.dumps(content, separators=(",", ":"))


def new_message_id() -> str:
    """Make the `webhook-id` of a test."""
    return new_id("evt")


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
