"""`upstream_limits`: the rate limits that all replicas share, one row per bucket."""

from datetime import datetime
from typing import Any

from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.runtime.db.base import Base


class UpstreamLimit(Base):
    """The last N slots of a bucket, oldest first; times are the database's own clock."""

    __tablename__ = "upstream_limits"

    bucket: Mapped[str] = mapped_column(primary_key=True)
    slots: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    paused_until: Mapped[datetime | None]
    probing: Mapped[bool]
