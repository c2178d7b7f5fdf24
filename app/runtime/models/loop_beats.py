"""`loop_beats`: when each loop last finished a round, in whichever process."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from app.runtime.db.base import Base


class LoopBeat(Base):
    """The newest round of one loop, by the database's clock."""

    __tablename__ = "loop_beats"

    loop: Mapped[str] = mapped_column(primary_key=True)
    beat_at: Mapped[datetime]
