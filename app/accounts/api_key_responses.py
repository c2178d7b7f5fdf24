"""What an API key looks like in an answer, but for its secret."""

from app.accounts.api_key_schemas import ApiKeyResponse
from app.accounts.key_facts import KeyFacts


def api_key_response(key: KeyFacts) -> ApiKeyResponse:
    """Return the answer that shows an API key."""
    return ApiKeyResponse(
        prefix=key.prefix,
        name=key.name,
        owner=key.account_id,
        access_code=key.access_code,
        scopes=None if key.limits.scopes is None else list(key.limits.scopes),
        read_only=key.limits.read_only,
        ip_allow_list=None if key.limits.ip_allow_list is None else list(key.limits.ip_allow_list),
        created_at=key.created_at,
        expires_at=key.expires_at,
        revoked_at=key.revoked_at,
        last_used_at=key.last_used_at,
        old_secret_until=key.old_secret_until,
    )
