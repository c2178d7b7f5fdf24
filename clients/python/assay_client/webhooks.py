"""Verification of webhooks: the signatures of the Standard Webhooks specification, 1.0.0."""

import hmac
import json
import time
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping
from typing import Any

# How old or how far ahead of this machine's clock a message may be, in seconds.
TOLERANCE_SECONDS = 300

_PREFIX = "whsec_"


class WebhookRefused(Exception):
    """The request is not one that Assay signed with this secret, lately; the message says why."""


def verify(
    body: bytes, headers: Mapping[str, str], secret: str, *, now: float | None = None
) -> dict[str, Any]:
    """Return the event in a webhook's body, once its signature is verified.

    `body` is the request's body as it came, byte for byte. `secret` is the endpoint's, with its
    prefix `whsec_`. `now` is in seconds since 1970. Raises WebhookRefused. The same `webhook-id`
    may come more than once: keep it, and do nothing the second time.
    """
    named = {name.lower(): value for name, value in headers.items()}
    try:
        message_id, sent_at = named["webhook-id"], named["webhook-timestamp"]
        signatures = named["webhook-signature"].split()
    except KeyError as fault:
        raise WebhookRefused(f"the header {fault.args[0]} is missing") from None
    if not (sent_at.isascii() and sent_at.isdigit()):
        raise WebhookRefused("webhook-timestamp is no number of seconds")
    if abs((time.time() if now is None else now) - int(sent_at)) > TOLERANCE_SECONDS:
        raise WebhookRefused(f"webhook-timestamp is more than {TOLERANCE_SECONDS} seconds off")
    signed = b"%s.%s.%s" % (message_id.encode(), sent_at.encode(), body)
    digest = hmac.digest(_key_of(secret), signed, "sha256")
    expected = b"v1," + b64encode(digest)
    if not any(hmac.compare_digest(expected, one.encode()) for one in signatures):
        raise WebhookRefused("no signature is of this body and this secret")
    event = json.loads(body)
    if not isinstance(event, dict):
        raise WebhookRefused("the body is no JSON object")
    return event


def _key_of(secret: str) -> bytes:
    try:
        return b64decode(secret.removeprefix(_PREFIX), validate=True)
    except Base64Error:
        raise ValueError("secret: expected whsec_ and then base64") from None
