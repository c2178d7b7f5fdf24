"""Asking a provider: reserve a credit, ask, keep the answer or give the credit back.

Nothing is open while the provider is asked: *reserve* (debit and row, one transaction, under a
lease), *ask*, *settle* (the row again, if the lease still holds). Whatever dies in between is asked
again by the worker when the lease is over.
"""

import asyncio
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.db.engine import Database
from app.domain.accounts import EntryKind
from app.domain.actors import WORKER, Actor
from app.domain.assessments import AssessmentStatus, AssessmentType
from app.domain.clock import Clock
from app.domain.money import plain
from app.domain.security import new_id
from app.models import Assessment
from app.observability.logging import get_logger
from app.providers.base import Answer, ProviderFailed, ProviderUnknown, Question, RiskProvider
from app.services import idempotency, leases, ledger

log = get_logger(__name__)

# A request waits this long for its provider; then the answer is 201 `pending` (notes.md).
PROVIDER_DEADLINE_SECONDS: Final = 8.0
LEASE: Final = timedelta(seconds=PROVIDER_DEADLINE_SECONDS + 4)
# How long an unanswered question rests, by the number of times it was asked.
_PAUSES: Final = tuple(timedelta(seconds=seconds) for seconds in (2, 10, 30, 60, 300))


@dataclass(frozen=True)
class Subject:
    """What is to be assessed."""

    assessment_type: AssessmentType
    address: str
    currency: str
    tx_hash: str | None


@dataclass(frozen=True)
class Reserved:
    """A question whose credit is reserved, under a lease."""

    question: Question
    account_id: str
    lease_token: str
    attempts: int


async def reserve(
    session: AsyncSession,
    provider: RiskProvider,
    clock: Clock,
    *,
    account_id: str,
    subject: Subject,
    actor: Actor,
) -> Reserved:
    """Debit one credit and keep the question, in a transaction that the caller has begun."""
    assessment_id, lease_token, now = new_id("asm"), new_id("lease"), clock.now()
    await session.execute(
        insert(Assessment).values(
            id=assessment_id,
            account_id=account_id,
            assessment_type=subject.assessment_type,
            address=subject.address,
            currency=subject.currency,
            tx_hash=subject.tx_hash,
            provider=provider.name,
            edition=provider.edition,
            status=AssessmentStatus.PENDING,
            attempts=1,
            next_try_at=now,
            lease_token=lease_token,
            lease_until=leases.lasting(LEASE),
            created_at=now,
            updated_at=now,
        )
    )
    await ledger.post(
        session,
        account_id=account_id,
        kind=EntryKind.ASSESSMENT,
        amount=-1,
        assessment_id=assessment_id,
        actor=actor,
        at=now,
    )
    question = Question(assessment_id=assessment_id, **asdict(subject))
    return Reserved(question, account_id, lease_token, attempts=1)


async def ask_and_settle(
    database: Database, provider: RiskProvider, clock: Clock, reserved: Reserved, *, actor: Actor
) -> str | None:
    """Ask the provider and keep what came of it; return why the credit was refunded, if it was."""
    try:
        async with asyncio.timeout(PROVIDER_DEADLINE_SECONDS):
            answer = await provider.assess(reserved.question)
    except ProviderFailed as failure:
        async with database.sessions() as session:
            settled = await _settle_failed(
                session, reserved, failure.description, actor, clock.now()
            )
        return failure.description if settled else None
    except (ProviderUnknown, TimeoutError):
        await _settle_unknown(database, reserved, clock)
        return None
    except Exception:
        # Nobody knows whether the provider did the work: unknown, not failed.
        log.exception("provider_fault", assessment_id=reserved.question.assessment_id)
        await _settle_unknown(database, reserved, clock)
        return None
    async with database.sessions() as session:
        await _settle_ready(session, reserved, answer, clock.now())
    return None


async def _settle_unknown(database: Database, reserved: Reserved, clock: Clock) -> None:
    now = clock.now()
    pause = _PAUSES[min(reserved.attempts, len(_PAUSES)) - 1]
    async with database.sessions() as session, session.begin():
        await _settle(session, reserved, next_try_at=now + pause, updated_at=now)


async def _settle_ready(
    session: AsyncSession, reserved: Reserved, answer: Answer, now: datetime
) -> None:
    async with session.begin():
        await _settle(
            session,
            reserved,
            status=AssessmentStatus.READY,
            answer=_as_json(asdict(answer)),
            next_try_at=None,
            updated_at=now,
        )


async def _settle_failed(
    session: AsyncSession, reserved: Reserved, reason: str, actor: Actor, now: datetime
) -> bool:
    async with session.begin():
        settled = await _settle(
            session,
            reserved,
            status=AssessmentStatus.FAILED,
            failure_reason=reason,
            next_try_at=None,
            updated_at=now,
        )
        if settled:
            await ledger.post(
                session,
                account_id=reserved.account_id,
                kind=EntryKind.REFUND,
                amount=1,
                assessment_id=reserved.question.assessment_id,
                actor=actor,
                at=now,
            )
            await idempotency.release(session, reserved.question.assessment_id)
    return settled


async def _settle(session: AsyncSession, reserved: Reserved, **values: object) -> bool:
    """Write the outcome if the lease still holds; say whether it did."""
    settled = await session.scalar(
        update(Assessment)
        .where(
            Assessment.id == reserved.question.assessment_id,
            Assessment.lease_token == reserved.lease_token,
            Assessment.status == AssessmentStatus.PENDING,
        )
        .values(lease_token=None, lease_until=None, **values)
        .returning(Assessment.id)
    )
    return settled is not None


async def claim(session: AsyncSession, now: datetime) -> Reserved | None:
    """Take a pending assessment that is due and that nobody works on; None when there is none."""
    async with session.begin():
        assessment = await session.scalar(
            select(Assessment)
            .where(Assessment.next_try_at <= now, leases.is_free(Assessment.lease_until))
            .order_by(Assessment.next_try_at)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        if assessment is None:
            return None
        reserved = Reserved(
            Question(
                assessment_id=assessment.id,
                assessment_type=AssessmentType(assessment.assessment_type),
                address=assessment.address,
                currency=assessment.currency,
                tx_hash=assessment.tx_hash,
            ),
            assessment.account_id,
            lease_token=new_id("lease"),
            attempts=assessment.attempts + 1,
        )
        await session.execute(
            update(Assessment)
            .where(Assessment.id == assessment.id)
            .values(
                attempts=reserved.attempts,
                lease_token=reserved.lease_token,
                lease_until=leases.lasting(LEASE),
            )
        )
    return reserved


class Finished(StrEnum):
    """What became of one more try."""

    REFUNDED = "refunded"
    ASKED = "asked"


async def finish_one(database: Database, provider: RiskProvider, clock: Clock) -> Finished | None:
    """Ask about one pending assessment again; None when none is due."""
    async with database.sessions() as session:
        reserved = await claim(session, clock.now())
    if reserved is None:
        return None
    failed = await ask_and_settle(
        database, provider, clock, reserved, actor=Actor(WORKER, reserved.lease_token)
    )
    return Finished.ASKED if failed is None else Finished.REFUNDED


def _as_json(value: Any) -> Any:  # noqa: ANN401  any part of an answer
    match value:
        case dict():
            return {name: _as_json(part) for name, part in value.items()}
        case list() | tuple():
            return [_as_json(part) for part in value]
        case Decimal():
            return plain(value)
        case date():
            return value.isoformat()
        case _:
            return value
