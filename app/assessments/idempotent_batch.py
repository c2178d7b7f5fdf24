"""Many questions under an Idempotency-Key: one reservation of credits per key.

As for one question, the debit commits before the providers are asked: the key keeps which
assessment answers each question, and gets its answer afterwards.
"""

from collections.abc import Callable
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy.ext.asyncio import AsyncSession

from app.assessments import batch as batches
from app.assessments import provider_calls
from app.assessments.batch import Batch, BatchPlan, Questions
from app.assessments.claims import LeasedAssessment
from app.assessments.context import AssessmentContext
from app.assessments.idempotent_create import refuse_while_at_work
from app.assessments.service import PickAccount
from app.runtime import idempotency
from app.runtime.errors import IdempotencyKeyInFlight
from app.runtime.idempotency import KeptAnswer, RequestKey

_PLANS = TypeAdapter(BatchPlan)


async def create_many_once(
    context: AssessmentContext,
    *,
    key: RequestKey,
    write: Callable[[Batch], bytes],
    pick_account: PickAccount,
    questions: Questions,
) -> tuple[KeptAnswer, int]:
    """Ask many questions unless the key did; return what was answered first, as `write` wrote it.

    The number is how many credits were refunded meanwhile. Raises what `create_many` raises,
    IdempotencyKeyInFlight and IdempotencyKeyReused.
    """
    until = provider_calls.deadline()
    edition = await context.ensemble.edition()
    reserved: list[LeasedAssessment] = []
    async with context.database.sessions() as session, session.begin():
        earlier = await idempotency.claim(session, key, context.clock.now())
        if earlier is None:
            plan, reserved = await batches.begin_many(
                session,
                context,
                edition=edition,
                account_id=await pick_account(session),
                questions=questions,
            )
            await idempotency.tie_batch(session, key, _PLANS.dump_python(plan, mode="json"))
        elif earlier.answer is not None:
            return earlier.answer, 0
        else:
            plan = await _left_behind(session, earlier.batch)
    await batches.ask_all(context, reserved, actor=questions.actor, until=until)
    made = await batches.read_batch(context.database, plan)
    async with context.database.sessions() as session, session.begin():
        kept = await idempotency.keep(session, key, write(made))
    return kept, made.refunded if earlier is None else 0


async def _left_behind(session: AsyncSession, kept: dict[str, Any] | None) -> BatchPlan:
    """Return what the first request planned, unless it is still at work."""
    if kept is None:
        raise IdempotencyKeyInFlight
    plan = _PLANS.validate_python(kept)
    await refuse_while_at_work(session, plan.paid)
    return plan
