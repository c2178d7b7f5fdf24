"""What may be shown of API keys, and how it is read."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from app.accounts.models import AccessCode, ApiKey
from app.accounts.rules.key_limits import KeyLimits
from app.runtime.db.base import AnyRow, AnySelect


@dataclass(frozen=True)
class KeyFacts:
    """What may be shown of a key after its creation."""

    prefix: str
    name: str | None
    account_id: str | None
    access_code: str | None
    limits: KeyLimits
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    old_secret_until: datetime | None


def facts_query() -> AnySelect:
    """Read what may be shown of keys."""
    return select(
        ApiKey.prefix,
        ApiKey.name,
        ApiKey.account_id,
        AccessCode.access_code,
        ApiKey.scopes,
        ApiKey.read_only,
        ApiKey.ip_allow_list,
        ApiKey.created_at,
        ApiKey.expires_at,
        ApiKey.revoked_at,
        ApiKey.last_used_at,
        ApiKey.old_secret_until,
    ).outerjoin(AccessCode, AccessCode.account_id == ApiKey.account_id)


def key_facts(row: AnyRow) -> KeyFacts:
    """Read a row of `facts_query`."""
    return KeyFacts(
        prefix=row.prefix,
        name=row.name,
        account_id=row.account_id,
        access_code=row.access_code,
        limits=KeyLimits(row.scopes, row.read_only, row.ip_allow_list),
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        last_used_at=row.last_used_at,
        old_secret_until=row.old_secret_until,
    )
