"""The tables of `accounts`."""

from app.accounts.models.access_codes import AccessCode
from app.accounts.models.api_keys import ApiKey
from app.accounts.models.failed_attempts import FailedAttempts
from app.accounts.models.sessions import LoginSession
from app.accounts.models.users import User

__all__ = [
    "AccessCode",
    "ApiKey",
    "FailedAttempts",
    "LoginSession",
    "User",
]
