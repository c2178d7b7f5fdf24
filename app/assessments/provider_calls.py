"""Asking the providers: at most for the deadline, and never for money twice where that can be known.

A question that may have been asked before is first looked for at its provider, which costs nothing.
Where that look keeps failing it is asked once more, and never a third time.
"""

import asyncio
from collections.abc import Awaitable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, TypeVar

from app.assessments import outcomes as assessment_outcomes
from app.assessments.claims import PROVIDER_DEADLINE_SECONDS, LeasedAssessment, claim, count_asks
from app.assessments.context import AssessmentContext
from app.assessments.outcomes import AssessmentOutcome, Outcome
from app.assessments.progress import Progress
from app.assessments.providers.base import (
    Answer,
    ProviderFailed,
    ProviderPending,
    ProviderUnknown,
    Question,
)
from app.assessments.providers.ensemble import ProviderEnsemble
from app.ledger.actors import WORKER, Actor
from app.runtime.observability.logging import get_logger

log = get_logger(__name__)

# How often a provider is asked at most that cannot say whether it was asked before.
MOST_ASKS: Final = 2
# From this try on, more than a minute and a half after the first, it is asked without knowing.
_WITHOUT_KNOWING: Final = 5
# No question stays unanswered for longer than this without an alarm.
OVERDUE_AFTER: Final = timedelta(minutes=10)

_T = TypeVar("_T")


def deadline() -> float:
    """Return until when providers may answer that are asked now, on the clock of the event loop."""
    return asyncio.get_running_loop().time() + PROVIDER_DEADLINE_SECONDS


async def ask(
    ensemble: ProviderEnsemble, reserved: LeasedAssessment, until: float
) -> dict[str, Outcome | None]:
    """Ask every provider that a new question is for; return what each said."""
    return await _ask_each(ensemble, reserved.question, reserved.progress, until)


async def ask_new(context: AssessmentContext, reserved: LeasedAssessment) -> AssessmentOutcome:
    """Ask a new question; return what it comes to."""
    outcomes = await ask(context.ensemble, reserved, deadline())
    return assessment_outcomes.combine_outcomes(context.ensemble, reserved, outcomes)


@dataclass(frozen=True)
class RetryResult:
    """What became of one more try.

    `asked_again` names the providers that were asked once more without knowing whether they had
    done the work. `is_overdue` is said once, by the first try after OVERDUE_AFTER that is in vain.
    """

    assessment_id: str
    refunded: bool = False
    asked_again: tuple[str, ...] = ()
    is_overdue: bool = False


async def finish(context: AssessmentContext, assessment_id: str) -> RetryResult | None:
    """Try a pending assessment again; None when it is not due, not free, or done."""
    async with context.database.sessions() as session:
        claimed = await claim(session, context.clock.now(), assessment_id)
    if claimed is None:
        return None
    until = deadline()
    outcomes = await _find_existing(
        context.ensemble, claimed, context.clock.now(), until - PROVIDER_DEADLINE_SECONDS / 2
    )
    again = [name for name in outcomes if _may_ask_again(claimed, name, outcomes[name])]
    unknown = [name for name, outcome in outcomes.items() if outcome is None]
    reserved: LeasedAssessment | None = claimed
    if unknown or again:
        reserved = await count_asks(
            context.database, claimed, {*unknown, *again}, context.clock.now()
        )
    if reserved is None:
        return RetryResult(claimed.question.assessment_id)
    asked = {name: reserved.progress[name] for name in (*unknown, *again)}
    outcomes |= await _ask_each(context.ensemble, reserved.question, asked, until)
    verdict = assessment_outcomes.combine_outcomes(context.ensemble, reserved, outcomes)
    refunded = await assessment_outcomes.save_outcome(
        context,
        reserved,
        verdict,
        actor=Actor(WORKER, reserved.lease_token),
    )
    overdue_at = reserved.created_at + OVERDUE_AFTER
    return RetryResult(
        reserved.question.assessment_id,
        refunded=refunded is not None,
        asked_again=tuple(again),
        is_overdue=verdict.is_open and reserved.last_tried_at < overdue_at <= context.clock.now(),
    )


def _may_ask_again(reserved: LeasedAssessment, name: str, outcome: Outcome | None) -> bool:
    """Say whether to ask without knowing: not before many looks were in vain, and not often."""
    return (
        isinstance(outcome, ProviderUnknown)
        and reserved.attempts >= _WITHOUT_KNOWING
        and reserved.progress[name].asks < MOST_ASKS
    )


async def _find_existing(
    ensemble: ProviderEnsemble, reserved: LeasedAssessment, now: datetime, until: float
) -> dict[str, Outcome | None]:
    """Return what each provider recalls; None: it was surely not asked, or it costs nothing."""

    async def find_existing(name: str, known: Progress) -> Outcome | None:
        provider = ensemble.provider(name)
        if provider is None:
            log.warning("provider_not_named", provider=name)
            return ProviderUnknown()
        if not known.asks:
            return None
        question = replace(
            reserved.question,
            provider_reference=known.reference,
            first_attempt_at=reserved.created_at,
            idle_for=now - reserved.last_tried_at,
        )
        return await _guarded(provider.find_existing(question), until, question)

    return await _each(
        {
            name: find_existing(name, one)
            for name, one in reserved.progress.items()
            if not one.is_settled
        }
    )


async def _ask_each(
    ensemble: ProviderEnsemble, question: Question, names: Collection[str], until: float
) -> dict[str, Outcome | None]:
    return await _each(
        {
            name: _guarded(provider.assess(question), until, question)
            for name in names
            if (provider := ensemble.provider(name)) is not None
        }
    )


async def _each(tries: Mapping[str, Awaitable[_T]]) -> dict[str, _T]:
    return dict(zip(tries, await asyncio.gather(*tries.values()), strict=True))


async def _guarded(
    work: Awaitable[Answer | None], until: float, question: Question
) -> Outcome | None:
    """Wait for a provider until the deadline; whatever is no answer of it is unknown."""
    try:
        async with asyncio.timeout_at(until):
            return await work
    except (ProviderFailed, ProviderPending, ProviderUnknown) as outcome:
        return outcome
    except TimeoutError:
        return ProviderUnknown()
    except Exception:
        # Nobody knows whether the provider did the work: unknown, not failed.
        log.exception("provider_fault", assessment_id=question.assessment_id)
        return ProviderUnknown()
