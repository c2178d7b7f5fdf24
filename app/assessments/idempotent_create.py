"""Assessments under an Idempotency-Key: one question and one debit per key.

The debit commits before the provider is asked, so the key is tied to the assessment with it and
gets its answer afterwards. A crash in between costs no credit: who asks again, once the lease of
the first request is over, is answered with the assessment as it is then.
"""

from collections.abc import Callable, Collection
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.assessments import service
from app.assessments.claims import Subject
from app.assessments.context import AssessmentContext
from app.assessments.models import Assessment
from app.assessments.rules.questions import AssessmentStatus
from app.assessments.service import CreateResult, PickAccount
from app.ledger.actors import Actor
from app.runtime import idempotency, leases
from app.runtime.errors import IdempotencyKeyInFlight
from app.runtime.idempotency import KeptAnswer, RequestKey


async def create_once(
    context: AssessmentContext,
    *,
    key: RequestKey,
    write: Callable[[CreateResult], bytes],
    pick_account: PickAccount,
    subject: Subject,
    actor: Actor,
    free_within: timedelta | None = None,
) -> KeptAnswer:
    """Make an assessment unless the key has one; return what was answered first, by `write`.

    Raises what `assessments.create` raises, IdempotencyKeyInFlight and IdempotencyKeyReused. An
    AssessmentFault has freed the key together with the refund.
    """
    edition = await context.ensemble.edition()
    async with context.database.sessions() as session, session.begin():
        earlier = await idempotency.claim(session, key, context.clock.now())
        if earlier is None:
            asked, reserved = await service.begin(
                session,
                context,
                edition=edition,
                account_id=await pick_account(session),
                subject=subject,
                actor=actor,
                free_within=free_within,
            )
            if reserved is None:  # answered for nothing, and at once
                made = await service.read_earlier(session, asked)
                return await idempotency.keep(session, key, write(made))
            await idempotency.tie(session, key, asked)
        elif earlier.answer is not None:
            return earlier.answer
        else:
            left_behind = await _left_behind(session, earlier.assessment_id)
    if earlier is None and reserved is not None:
        made = await service.finish(context, reserved, actor=actor)
    else:
        made = await service.read_paid(context.database, left_behind)
    async with context.database.sessions() as session, session.begin():
        return await idempotency.keep(session, key, write(made))


async def _left_behind(session: AsyncSession, assessment_id: str | None) -> str:
    """Return an assessment whose first request gave no answer, unless it is still at work."""
    if assessment_id is None:
        raise IdempotencyKeyInFlight
    await refuse_while_at_work(session, [assessment_id])
    return assessment_id


async def refuse_while_at_work(session: AsyncSession, assessment_ids: Collection[str]) -> None:
    """Raise IdempotencyKeyInFlight while the request that made these assessments is at work.

    The lease tells: that request's own try is the first, and any later one is the worker's.
    """
    at_work = await session.scalar(
        select(Assessment.id)
        .where(
            Assessment.id.in_(assessment_ids),
            Assessment.status == AssessmentStatus.PENDING,
            Assessment.attempts == 1,
            ~leases.is_free(Assessment.lease_until),
        )
        .limit(1)
    )
    if at_work is not None:
        raise IdempotencyKeyInFlight
