"""Signatures of webhooks by Standard Webhooks 1.0: HMAC-SHA256 over id, time and body."""

import base64
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from standardwebhooks import Webhook

SECRET_BYTES: Final = 32  # the specification: between 24 and 64
_PREFIX: Final = "whsec_"


def new_secret() -> bytes:
    """Make a secret of 256 random bits."""
    return secrets.token_bytes(SECRET_BYTES)


def write_secret(secret: bytes) -> str:
    """Write a secret as it is shown: `whsec_` and base64."""
    return _PREFIX + base64.b64encode(secret).decode()


def signed_headers(
    body: bytes, *, message_id: str, at: datetime, keys: Sequence[bytes]
) -> dict[str, str]:
    """Return the headers that a webhook is verified by, with a signature by each secret."""
    at = at.astimezone(UTC)  # the library takes any time for one in UTC
    signatures = [Webhook(key).sign(message_id, at, body.decode()) for key in keys]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
