"""What an access code looks like in an answer."""

from app.accounts.access_code_facts import CodeFacts
from app.accounts.access_code_schemas import AccessCodeResponse
from app.accounts.schemas import Activity


def access_code_response(code: CodeFacts) -> AccessCodeResponse:
    """Return the answer that shows an access code."""
    return AccessCodeResponse(
        access_code=code.access_code,
        status=Activity.of(code.active),
        created_at=code.created_at,
        expires_at=code.expires_at,
        affiliate_origin=code.affiliate_origin,
        credits_available=code.credits_available,
    )
