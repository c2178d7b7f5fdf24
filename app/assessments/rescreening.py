"""Looking again: which earlier answers of `sanctions` and `tags` a new version of a list changes.

Such an assessment is marked with what changed, for nothing; its answer stays as it was given. A
version is looked through in steps, each a short transaction, one after the other: by the spellings
that it added or ended, never by all assessments. A step that dies is done again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Text, func, literal, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import ARRAY, distinct_on, insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.assessments.answer_changes import change_of
from app.assessments.models import Assessment, AssessmentChange, ListReview
from app.assessments.providers import sanctions, tags
from app.assessments.publish import publish_changed
from app.assessments.rules.questions import AssessmentStatus
from app.lists import lookup, respelling, versions
from app.lists.models import ImportedVersion, ListEntry
from app.lists.rules.listings import ListVersion
from app.runtime.clock import Clock
from app.runtime.db.base import AnyRow
from app.runtime.db.engine import Database
from app.runtime.observability.logging import get_logger

log = get_logger(__name__)

_SPELT: Final = (Assessment, ListEntry)  # tables whose rows keep a spelling

# After so long, every process answers from a new version: it polls every 10 s, and an answer takes
# 8 s at most. Clocks may differ by the rest.
SETTLED_AFTER: Final = timedelta(seconds=60)
# An answer from before that is still being waited for is looked for again after this.
RETRY_AFTER: Final = timedelta(minutes=5)
STEP: Final = 500  # spellings, and assessments, of one transaction

_A = Assessment
_ASKED_NOW: Final = (
    func.string_to_array(_A.provider, "+", type_=ARRAY(Text)).overlap([sanctions.NAME, tags.NAME]),
    _A.as_of.is_(None),
)


@dataclass(frozen=True)
class _Step:
    """A version that is looked through, and how far that is; `waits` as in `list_reviews`."""

    version: ListVersion
    before: ListVersion | None
    after_spelling: str
    after_id: str | None
    waits: bool

    @property
    def is_first(self) -> bool:
        """Say whether nothing of the version has been looked through yet."""
        return not self.after_spelling and self.after_id is None


async def review_next(database: Database, clock: Clock) -> bool:
    """Take one step; say whether there was anything to do. Raises nothing of its own."""
    now = clock.now()
    async with database.sessions() as session, session.begin():
        if any([await respelling.spell_some(session, table) for table in _SPELT]):
            await _start_over(session)
            return True
        if any(
            [await respelling.is_one_later(session, table) for table in _SPELT]
        ):  # the worker of that version looks
            return False
        await _open_reviews(session)
        step = await _claim(session, now)
        if step is None:
            return False
        await _take(session, step, now)
    return True


async def _start_over(session: AsyncSession) -> None:
    """Look through open versions from their start: rows are spelt, and sorted, otherwise now."""
    await session.execute(
        update(ListReview)
        .where(ListReview.finished_at.is_(None), ListReview.after_spelling != "")
        .values(after_spelling="", after_id=None)
    )


async def _open_reviews(session: AsyncSession) -> None:
    """Begin to look through every version that nobody has begun with."""
    known = select(ListReview.number).where(
        ListReview.source == ImportedVersion.source, ListReview.number == ImportedVersion.number
    )
    new = select(
        ImportedVersion.source,
        ImportedVersion.number,
        ImportedVersion.imported_at + SETTLED_AFTER,
        literal(""),
    ).where(~known.exists())
    await session.execute(
        insert(ListReview)
        .from_select(["source", "number", "next_at", "after_spelling"], new)
        .on_conflict_do_nothing()
    )


async def _claim(session: AsyncSession, now: datetime) -> _Step | None:
    """Lock the version that is due first, unless another worker has it: one goes at a time."""
    first = (
        select(ListReview.source, ListReview.number)
        .where(ListReview.finished_at.is_(None), ListReview.next_at <= now)
        .order_by(ListReview.next_at, ListReview.source, ListReview.number)
        .limit(1)
    )
    review = await session.scalar(
        select(ListReview)
        .where(tuple_(ListReview.source, ListReview.number) == first.scalar_subquery())
        .with_for_update(skip_locked=True)
    )
    if review is None:
        return None
    numbered = await versions.versions_of(session, review.source, review.number - 1, review.number)
    return _Step(
        numbered[review.number],
        numbered.get(review.number - 1),
        review.after_spelling,
        review.after_id,
        review.waits,
    )


async def _take(session: AsyncSession, step: _Step, now: datetime) -> None:
    waits = step.waits
    if step.is_first:  # before the answers are read: what comes in between is looked for again
        waits = await _is_one_unanswered(session, step.version)
    spellings = await _changed_spellings(session, step)
    rows = await _answered(session, step, spellings) if spellings else []
    marked = await _mark(session, step, rows, now) if rows else 0
    if marked:
        version = step.version
        log.info("assessments_changed", source=version.source, version=version.number, count=marked)
    progress: dict[str, Any] = {"waits": waits}
    if len(rows) == STEP:
        progress |= {"after_spelling": rows[-1].spelling, "after_id": rows[-1].id}
    elif len(spellings) == STEP:
        progress |= {"after_spelling": spellings[-1], "after_id": None}
    elif waits:
        progress |= {"after_spelling": "", "after_id": None, "next_at": now + RETRY_AFTER}
    else:
        progress["finished_at"] = now
    await session.execute(
        update(ListReview)
        .where(ListReview.source == step.version.source, ListReview.number == step.version.number)
        .values(progress)
    )


def _touched_by(version: ListVersion) -> tuple[Any, ...]:
    """Say which entries a version added or ended."""
    return (
        ListEntry.source == version.source,
        or_(
            ListEntry.first_version == version.number,
            ListEntry.last_version == version.number - 1,
        ),
    )


async def _changed_spellings(session: AsyncSession, step: _Step) -> list[str]:
    after = (
        ListEntry.spelling > step.after_spelling
        if step.after_id is None
        else ListEntry.spelling >= step.after_spelling
    )
    found = await session.scalars(
        select(ListEntry.spelling)
        .where(*_touched_by(step.version), after)
        .distinct()
        .order_by(ListEntry.spelling)
        .limit(STEP)
    )
    return list(found)


async def _answered(
    session: AsyncSession, step: _Step, spellings: Sequence[str]
) -> Sequence[AnyRow]:
    statement = select(_A.id, _A.spelling, _A.provider, _A.answer).where(
        _A.spelling.in_(spellings), _A.status == AssessmentStatus.READY, *_ASKED_NOW
    )
    if step.after_id is not None:
        statement = statement.where(or_(_A.spelling > step.after_spelling, _A.id > step.after_id))
    rows = await session.execute(statement.order_by(_A.spelling, _A.id).limit(STEP))
    return rows.all()


async def _is_one_unanswered(session: AsyncSession, version: ListVersion) -> bool:
    """Say whether an answer may still come that was begun before the version was everywhere."""
    touched = select(ListEntry.spelling).where(*_touched_by(version))
    found = await session.scalar(
        select(_A.id)
        .where(
            _A.next_try_at.is_not(None),
            _A.created_at <= version.imported_at + SETTLED_AFTER,
            _A.spelling.in_(touched),
            *_ASKED_NOW,
        )
        .limit(1)
    )
    return found is not None


async def _mark(session: AsyncSession, step: _Step, rows: Sequence[AnyRow], now: datetime) -> int:
    """Mark the answers that the version changes; return how many there were."""
    spellings = {row.spelling for row in rows}
    source = step.version.source
    others = await versions.newest_by(session, step.version.imported_at)
    before = {source: step.before} if step.before else {}
    is_now = await lookup.listings_in(session, spellings, {**others, source: step.version})
    was = await lookup.listings_in(session, spellings, before)
    said = await _said_last(session, [row.id for row in rows])
    changes = [
        change_of(
            step.version,
            row.answer,
            asked=row.provider.split("+"),
            was=was.get(row.spelling, ()),
            is_now=is_now.get(row.spelling, ()),
            said=said.get(row.id),
        )
        for row in rows
    ]
    marks = [
        {**change, "assessment_id": row.id, "found_at": now}
        for row, change in zip(rows, changes, strict=True)
        if change is not None
    ]
    if not marks:
        return 0
    written = await session.execute(
        insert(AssessmentChange)
        .values(marks)
        .on_conflict_do_nothing()
        .returning(AssessmentChange.assessment_id)
    )
    changed = written.scalars().all()
    await publish_changed(session, changed, now)
    return len(changed)


async def _said_last(
    session: AsyncSession, assessment_ids: Sequence[str]
) -> dict[str, tuple[Decimal, str]]:
    """Return what the last change made of assessments, of those that have changed."""
    C = AssessmentChange  # noqa: N806
    rows = await session.execute(
        select(C.assessment_id, C.score_after, C.grade_after)
        .ext(distinct_on(C.assessment_id))
        .where(C.assessment_id.in_(assessment_ids))
        .order_by(C.assessment_id, C.id.desc())
    )
    return {row.assessment_id: (row.score_after, row.grade_after) for row in rows}
