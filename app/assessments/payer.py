"""Whose credit an assessment costs."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts import access_codes
from app.accounts.authentication import Caller
from app.accounts.errors import AccessCodeNotFound
from app.ledger import service
from app.ledger.rules import AccountStatus
from app.runtime.security import ACCESS_CODE_PATTERN

# The account, as `accounts`, of an active code that the caller owns or issued.
SPENDABLE_CODE: Final = f"""
    FROM access_codes code JOIN accounts ON accounts.id = code.account_id
    WHERE code.access_code = :access_code AND accounts.status = '{AccountStatus.ACTIVE}'
        AND (code.account_id = :caller_id OR code.issuer_id = :caller_id)
        AND (code.expires_at IS NULL OR code.expires_at > :paid_at)"""


class NamedCode(NamedTuple):
    """An access code that a request names, and the time by which it may have expired."""

    access_code: str
    now: datetime


@dataclass(frozen=True)
class Payer:
    """The caller itself, or the access code of its own, or that it issued, which it names."""

    caller: Caller
    code: NamedCode | None = None

    async def __call__(self, session: AsyncSession) -> str:
        """Lock and return the account that pays, in the caller's transaction.

        Until that ends, nobody deactivates it, and nobody else asks anything for it. Raises
        AccessCodeNotFound.
        """
        if self.code is not None:
            return await access_codes.spendable_account_of(
                session, caller=self.caller, access_code=self.code.access_code, now=self.code.now
            )
        if not self.caller.active:
            raise AccessCodeNotFound
        await service.lock(session, self.caller.account_id)
        return self.caller.account_id

    @property
    def may_be_known(self) -> bool:
        """Whether the database may be asked for an account that pays."""
        if self.code is None:
            return self.caller.active
        return ACCESS_CODE_PATTERN.fullmatch(self.code.access_code) is not None

    @property
    def parameters(self) -> dict[str, object]:
        """The parameters of SPENDABLE_CODE, or for the caller's own account `caller_id` alone."""
        if self.code is None:
            return {"caller_id": self.caller.account_id}
        return {
            "caller_id": self.caller.account_id,
            "access_code": self.code.access_code,
            "paid_at": self.code.now,
        }
