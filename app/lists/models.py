"""`list_versions`, `list_entries`: the lists of addresses that were imported, and what they said.

Versions are append-only. An entry is one row for as long as its list has it: it remembers the
first version that has it and the last one that had it, so that a version costs what it changed.
"""

from datetime import date, datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKeyConstraint,
    Identity,
    Index,
    LargeBinary,
    SmallInteger,
    Text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.lists.rules.listings import PartyType
from app.runtime.db.base import Base, one_of


class ImportedVersion(Base):
    """One state of a list, as it was imported; numbered from 1 within its source.

    `origin` is the path or URL; `etag` is what the server called the file. `assets` counts
    addresses by the asset that they are filed under. `reading` says how its rows were made of the
    file: another reading of the same file is another version.
    """

    __tablename__ = "list_versions"
    __table_args__ = (
        CheckConstraint("number >= 1", name="number"),
        CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name="sha256"),
        CheckConstraint("entries > 0", name="entries"),
        CheckConstraint("added >= 0 AND removed >= 0", name="changes"),
    )

    source: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    issued: Mapped[date | None]
    effective_on: Mapped[date]
    sha256: Mapped[str]
    origin: Mapped[str]
    etag: Mapped[str | None]
    imported_at: Mapped[datetime]
    entries: Mapped[int]
    added: Mapped[int]
    removed: Mapped[int]
    assets: Mapped[dict[str, int]] = mapped_column(JSONB)
    reading: Mapped[str] = mapped_column(server_default="")


class ListEntry(Base):
    """One row of a list; `last_version` is null while the newest version has it.

    `spelling` is what it is found by, where this program has the `spelling_rules` that made it (0:
    those of an earlier version); the worker spells the others anew. `canonical` is for the version
    before alone. `digest` says whether two rows are the same. `aliases` to `source_url` are the
    facts of the party, as far as the list has them; `confidence`, in percent, and `is_mention` are
    how far a tag may be believed.
    """

    __tablename__ = "list_entries"
    __table_args__ = (
        ForeignKeyConstraint(
            ["source", "first_version"],
            ["list_versions.source", "list_versions.number"],
            name="fk_list_entries_first_version",
        ),
        ForeignKeyConstraint(
            ["source", "last_version"],
            ["list_versions.source", "list_versions.number"],
            name="fk_list_entries_last_version",
        ),
        CheckConstraint("last_version >= first_version", name="last_version"),
        CheckConstraint(one_of("party_type", PartyType), name="party_type"),
        CheckConstraint("confidence BETWEEN 0 AND 100", name="confidence"),
        Index("ix_list_entries_canonical", "canonical"),
        Index("ix_list_entries_spelling", "spelling"),
        Index("ix_list_entries_spelling_rules", "spelling_rules"),
        # Tells sanctions lists from others without a look at all their rows.
        Index(
            "ix_list_entries_other_than_sanctions",
            "source",
            postgresql_where="category <> 'sanctions'",
        ),
        Index("ix_list_entries_without_canonical", "id", postgresql_where="canonical IS NULL"),
        Index(
            "uq_list_entries_source_digest",
            "source",
            "digest",
            unique=True,
            postgresql_where="last_version IS NULL",
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    source: Mapped[str]
    first_version: Mapped[int]
    last_version: Mapped[int | None]
    spelling: Mapped[str]
    spelling_rules: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    canonical: Mapped[str | None]
    address: Mapped[str]
    asset: Mapped[str]
    category: Mapped[str]
    label: Mapped[str]
    reference: Mapped[str]
    noted_on: Mapped[date | None]
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    aliases: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    party_type: Mapped[str | None]
    list_uid: Mapped[str | None]
    programs: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    listed_on: Mapped[date | None]
    source_url: Mapped[str | None]
    confidence: Mapped[int | None] = mapped_column(SmallInteger)
    is_mention: Mapped[bool] = mapped_column(server_default="false")
