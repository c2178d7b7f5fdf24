"""`list_reviews`, `assessment_changes`: how far earlier answers were looked at again, and what for.

An answer is never rewritten: what a new version of a list would change stands beside it.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.runtime.db.base import Base


class ListReview(Base):
    """How far the answers are looked through that one version of a list may change.

    It goes on after the spelling `after_spelling`, or, where `after_id` is set, after this
    assessment of that spelling. `waits` says that an answer from an older version was still to come
    when this pass began: then there is another one.
    """

    __tablename__ = "list_reviews"
    __table_args__ = (
        ForeignKeyConstraint(
            ["source", "number"],
            ["list_versions.source", "list_versions.number"],
            name="fk_list_reviews_version",
        ),
        Index("ix_list_reviews_next_at", "next_at", postgresql_where="finished_at IS NULL"),
    )

    source: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    next_at: Mapped[datetime]
    after_spelling: Mapped[str]
    after_id: Mapped[str | None]
    waits: Mapped[bool] = mapped_column(server_default="false")
    finished_at: Mapped[datetime | None]


class AssessmentChange(Base):
    """What a version of a list changed for an assessment: it lists the address, or no longer.

    `before` is what was answered, or what the last change made of it. `entries` are the rows of
    the list that came or went.
    """

    __tablename__ = "assessment_changes"
    __table_args__ = (
        UniqueConstraint("assessment_id", "source", "to_version"),
        ForeignKeyConstraint(
            ["source", "to_version"],
            ["list_versions.source", "list_versions.number"],
            name="fk_assessment_changes_version",
        ),
        CheckConstraint(
            "score_before BETWEEN 0 AND 1 AND score_after BETWEEN 0 AND 1", name="scores"
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    assessment_id: Mapped[str] = mapped_column(ForeignKey("assessments.id"))
    source: Mapped[str]
    to_version: Mapped[int]
    found_at: Mapped[datetime]
    is_listed: Mapped[bool]
    score_before: Mapped[Decimal]
    grade_before: Mapped[str]
    score_after: Mapped[Decimal]
    grade_after: Mapped[str]
    entries: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
