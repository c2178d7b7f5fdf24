"""API keys of the peer: found by prefix, compared by hash."""

import hashlib
import hmac
from typing import Any

from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed

from benchmarks.peer.models import Account, ApiKey


class KeyAuthentication(BaseAuthentication):
    """Reads X-API-KEY."""

    def authenticate(self, request: Any) -> tuple[Account, ApiKey] | None:  # noqa: ANN401
        """Return the account of a valid key. Raises AuthenticationFailed."""
        text = request.headers.get("X-API-KEY")
        if text is None:
            return None
        _, prefix, rest = text.split("_")
        key = ApiKey.objects.select_related("account").filter(prefix=prefix).first()
        digest = hashlib.sha256(rest[:-6].encode()).digest()
        if (
            key is None
            or key.revoked_at is not None
            or not hmac.compare_digest(bytes(key.secret_hash), digest)
        ):
            raise AuthenticationFailed("Invalid API key.")
        return key.account, key
