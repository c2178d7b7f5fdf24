"""Asking a provider: reserve a credit, ask, keep the answer or give the credit back.

Nothing is open while the provider is asked: *reserve* (debit and row, one transaction, under a
lease), *ask*, *settle* (the row again, if the lease still holds). Whatever dies in between is asked
again by the worker when the lease is over.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import bindparam, insert, select, update
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
from app.providers.base import (
    Answer,
    ProviderFailed,
    ProviderPending,
    ProviderUnknown,
    Question,
    RiskProvider,
)
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

    @property
    def same(self) -> tuple[str, ...]:
        """What two questions share that are the same one."""
        return self.assessment_type, self.address, self.currency.upper(), self.tx_hash or ""


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
    subjects: Sequence[Subject],
    actor: Actor,
) -> list[Reserved]:
    """Debit one credit for each question and keep them, all or none.

    The caller has begun the transaction. Raises InsufficientCredits.
    """
    now = clock.now()
    reserved = [
        Reserved(
            Question(assessment_id=new_id("asm"), **asdict(subject)),
            account_id,
            lease_token=new_id("lease"),
            attempts=1,
        )
        for subject in subjects
    ]
    await session.execute(
        insert(Assessment).values(lease_until=leases.lasting(LEASE)),
        [
            {
                "id": one.question.assessment_id,
                "account_id": account_id,
                **asdict(subject),
                "provider": provider.name,
                "edition": provider.edition,
                "status": AssessmentStatus.PENDING,
                "attempts": one.attempts,
                "next_try_at": now,
                "lease_token": one.lease_token,
                "created_at": now,
                "updated_at": now,
            }
            for one, subject in zip(reserved, subjects, strict=True)
        ],
    )
    ids = [one.question.assessment_id for one in reserved]
    await ledger.debit_assessments(
        session, account_id=account_id, assessment_ids=ids, actor=actor, at=now
    )
    return reserved


Outcome = Answer | ProviderFailed | ProviderPending | None


async def ask(provider: RiskProvider, question: Question) -> Outcome:
    """Ask the provider, within its deadline; None: nobody knows what came of it."""
    try:
        async with asyncio.timeout(PROVIDER_DEADLINE_SECONDS):
            return await provider.assess(question)
    except (ProviderFailed, ProviderPending) as failure:
        return failure
    except (ProviderUnknown, TimeoutError):
        return None
    except Exception:
        # Nobody knows whether the provider did the work: unknown, not failed.
        log.exception("provider_fault", assessment_id=question.assessment_id)
        return None


async def ask_and_settle(
    database: Database, provider: RiskProvider, clock: Clock, reserved: Reserved, *, actor: Actor
) -> str | None:
    """Ask the provider and keep what came of it; return why the credit was refunded, if it was."""
    outcome = await ask(provider, reserved.question)
    return await settle(database, reserved, outcome, clock, actor=actor)


async def settle(
    database: Database,
    reserved: Reserved,
    outcome: Outcome,
    clock: Clock,
    *,
    actor: Actor,
) -> str | None:
    """Keep what came of a question; return why the credit was refunded, if it was."""
    match outcome:
        case None:
            await _settle_unknown(database, reserved, clock, reserved.question.provider_reference)
        case ProviderPending():
            await _settle_unknown(database, reserved, clock, outcome.reference)
        case ProviderFailed():
            async with database.sessions() as session:
                if await _settle_failed(session, reserved, outcome.description, actor, clock.now()):
                    return outcome.description
        case Answer():
            async with database.sessions() as session, session.begin():
                await _settle(session, reserved, **_ready(outcome, clock.now()))
    return None


async def settle_answers(
    database: Database, answers: Sequence[tuple[Reserved, Answer]], clock: Clock
) -> None:
    """Keep the answers to several questions, in one transaction."""
    now = clock.now()
    under_lease = (
        update(Assessment)
        .where(
            Assessment.id == bindparam("asked"),
            Assessment.lease_token == bindparam("token"),
            Assessment.status == AssessmentStatus.PENDING,
        )
        .values(lease_token=None, lease_until=None)
    )
    async with database.sessions() as session, session.begin():
        connection = await session.connection()
        await connection.execute(
            under_lease.values(
                {
                    name: bindparam(f"its_{name}")
                    for name in ("status", "answer", "next_try_at", "updated_at")
                }
            ),
            [
                {
                    "asked": one.question.assessment_id,
                    "token": one.lease_token,
                    **{f"its_{name}": value for name, value in _ready(answer, now).items()},
                }
                for one, answer in answers
            ],
        )


def _ready(answer: Answer, now: datetime) -> dict[str, Any]:
    return {
        "status": AssessmentStatus.READY,
        "answer": _as_json(asdict(answer)),
        "next_try_at": None,
        "updated_at": now,
    }


async def hand_over(session: AsyncSession, reserved: Sequence[Reserved]) -> None:
    """Leave questions that were not asked to the worker, in the caller's transaction."""
    await session.execute(
        update(Assessment)
        .where(
            Assessment.id.in_([one.question.assessment_id for one in reserved]),
            Assessment.lease_token.in_([one.lease_token for one in reserved]),
        )
        .values(lease_token=None, lease_until=None)
    )


async def _settle_unknown(
    database: Database, reserved: Reserved, clock: Clock, reference: str | None
) -> None:
    now = clock.now()
    pause = _PAUSES[min(reserved.attempts, len(_PAUSES)) - 1]
    async with database.sessions() as session, session.begin():
        await _settle(
            session,
            reserved,
            next_try_at=now + pause,
            updated_at=now,
            provider_reference=reference,
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
                asked_before=True,
                provider_reference=assessment.provider_reference,
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
