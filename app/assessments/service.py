"""Assessments: asking for one, and reading what came of it."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.accounts.authentication import Caller
from app.assessments import duplicates, outcomes
from app.assessments.claims import LeasedAssessment, Subject, reserve
from app.assessments.context import AssessmentContext
from app.assessments.errors import AssessmentFault
from app.assessments.models import Assessment
from app.assessments.payer import NamedCode, Payer
from app.assessments.provider_calls import ask_new
from app.assessments.reserving import reserve_at_once
from app.assessments.views import COLUMNS, AssessmentView, view_of
from app.ledger.actors import Actor
from app.ledger.models import Account
from app.runtime.db.engine import Database

_ONE: Final = (
    select(*COLUMNS, Account.balance)
    .join(Account, Account.id == Assessment.account_id)
    .where(Assessment.id == bindparam("assessment_id"))
)

PickAccount = Callable[[AsyncSession], Awaitable[str]]


def from_access_code(caller: Caller, access_code: str, now: datetime) -> Payer:
    """Debit an access code that the caller owns or issued."""
    return Payer(caller, NamedCode(access_code, now))


def from_own_account(caller: Caller) -> Payer:
    """Debit the caller's own account."""
    return Payer(caller)


@dataclass(frozen=True)
class CreateResult:
    """An assessment, the balance left, and whether a credit was debited for it."""

    assessment: AssessmentView
    credits_available: int
    charged: bool


async def create(
    context: AssessmentContext,
    *,
    pick_account: Payer,
    subject: Subject,
    actor: Actor,
    free_within: timedelta | None = None,
) -> CreateResult:
    """Debit one credit, ask the provider, and return the assessment.

    A provider that is slow, or whose outcome is unknown, leaves it pending. The same question of
    the account that is at most `free_within` old is its answer, and nothing is debited; None: it is
    asked anew. Raises AccessCodeNotFound and InsufficientCredits before anything is debited, and
    AssessmentFault when the provider has failed for good: then the credit is refunded.
    """
    edition = await context.ensemble.edition()
    if free_within is not None:
        row = await duplicates.read(
            context.database,
            pick_account,
            subject,
            provider=context.ensemble.name,
            edition=edition,
            within=free_within,
            now=context.clock.now(),
        )
        if row is not None:
            return CreateResult(view_of(row), row["balance"], charged=False)
    found = await reserve_at_once(
        context, pick_account, subject, edition=edition, free_within=free_within, actor=actor
    )
    if found is not None:
        return await finish(context, *found, actor=actor)
    async with context.database.sessions() as session, session.begin():
        earlier, reserved = await begin(
            session,
            context,
            edition=edition,
            account_id=await pick_account(session),
            subject=subject,
            actor=actor,
            free_within=free_within,
        )
        if reserved is None:
            return await read_earlier(session, earlier)
    return await finish(context, reserved, actor=actor)


async def begin(
    session: AsyncSession,
    context: AssessmentContext,
    *,
    edition: str,
    account_id: str,
    subject: Subject,
    actor: Actor,
    free_within: timedelta | None,
) -> tuple[str, LeasedAssessment | None]:
    """Find the earlier assessment, or debit one credit for a new one; return its id.

    What was reserved is None for an earlier one. `edition` is that of the ensemble: it is read before
    the caller begins the transaction.
    """
    if free_within is not None:
        earlier = await duplicates.find(
            session,
            [subject],
            account_id=account_id,
            provider=context.ensemble.name,
            edition=edition,
            within=free_within,
            now=context.clock.now(),
        )
        if earlier:
            return earlier[subject], None
    [reserved] = await reserve(
        session,
        context,
        edition=edition,
        account_id=account_id,
        subjects=[subject],
        actor=actor,
    )
    return reserved.question.assessment_id, reserved


async def finish(
    context: AssessmentContext,
    reserved: LeasedAssessment,
    balance: int | None = None,
    *,
    actor: Actor,
) -> CreateResult:
    """Ask the provider; return the assessment and the balance left. Raises AssessmentFault.

    `balance` is what the debit left, where that is known.
    """
    verdict = await ask_new(context, reserved)
    if verdict.answer is not None and balance is not None:
        kept = await outcomes.keep_answer(context, reserved, verdict.answer, verdict.progress)
        if kept is not None:
            return CreateResult(kept, balance, charged=True)
    else:
        failed = await outcomes.save_outcome(context, reserved, verdict, actor=actor)
        if failed is not None:
            raise AssessmentFault(failed)
    return await read_paid(context.database, reserved.question.assessment_id)


async def read_paid(database: Database, assessment_id: str) -> CreateResult:
    """Return an assessment for which a credit was debited."""
    async with database.reading() as connection:
        return await _read(connection, assessment_id, charged=True)


async def read_earlier(
    connection: AsyncConnection | AsyncSession, assessment_id: str
) -> CreateResult:
    """Return an earlier assessment, for which nothing more is debited."""
    return await _read(connection, assessment_id, charged=False)


async def _read(
    connection: AsyncConnection | AsyncSession, assessment_id: str, *, charged: bool
) -> CreateResult:
    rows = await connection.execute(_ONE, {"assessment_id": assessment_id})
    row = rows.mappings().one()
    return CreateResult(view_of(row), row["balance"], charged)


async def list_for_account(
    connection: AsyncConnection, account_id: str, assessment_ids: Sequence[str]
) -> list[AssessmentView]:
    """Return those of an account's assessments that are named, each once, in that order."""
    asked = list(dict.fromkeys(assessment_ids))
    found = await views_of(connection, account_id, asked)
    return [found[assessment_id] for assessment_id in asked if assessment_id in found]


async def views_of(
    connection: AsyncConnection, account_id: str, assessment_ids: Collection[str]
) -> dict[str, AssessmentView]:
    """Return those of an account's assessments that are named, by their ids."""
    rows = await connection.execute(
        select(*COLUMNS).where(
            Assessment.account_id == account_id, Assessment.id.in_(assessment_ids)
        )
    )
    return {row["id"]: view_of(row) for row in rows.mappings()}


async def balance_of(connection: AsyncConnection, account_id: str) -> int:
    """Return the credits of an account."""
    rows = await connection.execute(select(Account.balance).where(Account.id == account_id))
    return rows.scalar_one()
