"""The tables of `ledger`."""

from app.ledger.models.accounts import Account
from app.ledger.models.audit_log import AuditLine

__all__ = [
    "Account",
    "AuditLine",
]
