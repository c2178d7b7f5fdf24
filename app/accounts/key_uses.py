"""When each API key was last used: gathered in this process, written in one statement now and then.

To the minute, and at most once a minute for a key. Losing what was gathered costs a minute.
"""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import text

from app.runtime.db.engine import Database

# Beyond so many keys in one minute the others are noted in a later one.
_MOST: Final = 10_000
_A_MINUTE: Final = timedelta(minutes=1)
_SAVE: Final = text(
    """
    UPDATE api_keys SET last_used_at = used.at
    FROM (SELECT k.prefix, u.at FROM api_keys k
          JOIN unnest(CAST(:prefixes AS text[]), CAST(:minutes AS timestamptz[])) u (prefix, at)
              ON u.prefix = k.prefix
          WHERE k.last_used_at IS NULL OR k.last_used_at < u.at
          ORDER BY k.prefix FOR NO KEY UPDATE OF k SKIP LOCKED) used
    WHERE api_keys.prefix = used.prefix
    """
)


class KeyUses:
    """The keys that were used in this minute, and those of which that is not written yet."""

    def __init__(self) -> None:
        """Begin with none."""
        self._minute: datetime | None = None
        self._noted: set[str] = set()
        self._unsaved: dict[str, datetime] = {}

    def note(self, prefix: str, now: datetime) -> None:
        """Remember that a key is used."""
        if prefix in self._noted and self._minute is not None and now < self._minute + _A_MINUTE:
            return
        minute = now.replace(second=0, microsecond=0)
        if minute != self._minute:
            self._minute = minute
            self._noted.clear()
        if len(self._noted) < _MOST:
            self._noted.add(prefix)
            self._unsaved[prefix] = minute

    async def save(self, database: Database) -> None:
        """Write down what is not written yet; what cannot be written is tried again."""
        uses = dict(self._unsaved)
        if not uses:
            return
        async with database.sessions() as session, session.begin():
            await session.execute(_SAVE, {"prefixes": list(uses), "minutes": list(uses.values())})
        for prefix, minute in uses.items():
            if self._unsaved.get(prefix) == minute:
                del self._unsaved[prefix]
