"""What may be known of an access code."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class CodeFacts:
    """What its owner and its issuer may know of an access code."""

    account_id: str
    access_code: str
    active: bool
    created_at: datetime
    expires_at: datetime | None
    affiliate_origin: str
    credits_available: int
