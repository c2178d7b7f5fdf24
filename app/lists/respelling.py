"""Spelling rows of lists and assessments by the rules of this program.

A row keeps the number of the rules by which it was spelt. What other rules spelt is spelt when it
is read, until the worker has spelt it anew; what later rules spelt stays, for a later version of
the program is at work.
"""

from typing import Any, Final

from sqlalchemy import ColumnElement, exists, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.addresses.spelling import SPELLING_RULES, canonicalize
from app.runtime.db.base import AnyRow, Base

_STEP: Final = 1000  # rows of one transaction


def spelt_otherwise(table: type[Base]) -> ColumnElement[bool]:
    """Select the rows of a table that other rules spelt; both sides use the index."""
    rules = table.__table__.c.spelling_rules
    return or_(rules < SPELLING_RULES, rules > SPELLING_RULES)


def spelling_of(row: AnyRow) -> str:
    """Return the spelling of a row by the rules of this program, whichever spelt it."""
    if row.spelling is not None and row.spelling_rules == SPELLING_RULES:
        return str(row.spelling)
    return canonicalize(row.address)


async def spell_some(session: AsyncSession, table: type[Base]) -> bool:
    """Spell rows of a table anew that earlier rules spelt; say whether there were any.

    Also while another worker has them: a row in an earlier spelling would be passed over.
    """
    columns = table.__table__.c
    earlier = columns.spelling_rules < SPELLING_RULES
    rows = await session.execute(
        select(columns.id, columns.address)
        .where(earlier)
        .order_by(columns.spelling_rules)
        .limit(_STEP)
        .with_for_update(skip_locked=True)
    )
    spelt: list[dict[str, Any]] = [
        {
            "id": row.id,
            "spelling": canonicalize(row.address),
            "spelling_rules": SPELLING_RULES,
        }
        for row in rows
    ]
    if spelt:
        await session.execute(update(table), spelt)
    return bool(spelt) or bool(await session.scalar(select(exists().where(earlier))))


async def is_one_later(session: AsyncSession, table: type[Base]) -> bool:
    """Say whether later rules than those of this program spelt a row of a table."""
    later = table.__table__.c.spelling_rules > SPELLING_RULES
    return bool(await session.scalar(select(exists().where(later))))
