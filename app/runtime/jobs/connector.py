"""The engine's connector, which learns of jobs over the process's own connection for notifications.

The engine listens on a connection of its own, and notifies when a job is inserted, whenever it is
due. Here it is told when a job is due, so that it need not ask once a second.
"""

import json
from collections.abc import Iterable
from functools import partial
from typing import Any, Final

from procrastinate import PsycopgConnector
from procrastinate.connector import Notify
from typing_extensions import override

from app.runtime.db.direct import Statement
from app.runtime.db.engine import Database
from app.runtime.db.failures import is_unavailable
from app.runtime.db.notifications import Notifications
from app.runtime.jobs.pool import BeginningPool
from app.runtime.loops.loops import AFTER_FAULT_SECONDS, rest
from app.runtime.loops.waking import Waking

# What wakes the engine: it then looks for a job, whichever it is.
_LOOK: Final = json.dumps({"type": "job_inserted", "job_id": 0})
_LONGEST_REST_SECONDS: Final = 60.0
# When the next job of a queue is due that nobody has taken.
_NEXT: Final = Statement("""
    SELECT min(scheduled_at) FROM jobs.procrastinate_jobs
    WHERE status = 'todo' AND queue_name = :queue""")


class HearingConnector(PsycopgConnector):
    """Connects the engine to the database, and tells its workers when a job is due."""

    def __init__(
        self,
        database: Database,
        notifications: Notifications,
        *,
        settings: dict[str, str],
        kwargs: dict[str, Any],
        **pool: Any,  # noqa: ANN401
    ) -> None:
        """Begin each transaction with `settings`; `kwargs` are psycopg's, `pool` the pool's."""
        super().__init__(
            pool_factory=partial(BeginningPool, settings=settings), kwargs=kwargs, **pool
        )
        self._database = database
        self._notifications = notifications

    @override
    async def listen_notify(self, on_notification: Notify, channels: Iterable[str]) -> None:
        """Tell a worker to look whenever a job of its one queue is due."""
        [channel] = channels
        queue = channel.partition("#")[2]
        # Jobs are due by the database's clock, whatever stands in for it elsewhere.
        waking = Waking(self._notifications, channel, "", self._database.clock)
        with waking.subscribed() as told:
            while True:
                told.clear()
                try:
                    row = await self._database.fetch_row(_NEXT, queue=queue)
                except Exception as fault:
                    if not is_unavailable(fault):
                        raise
                    await rest(AFTER_FAULT_SECONDS, told)  # the engine itself tells of it
                    continue
                waking.expect(row[0] if row else None)
                if waking.is_due():
                    await on_notification(channel=channel, payload=_LOOK)
                await rest(waking.rest_seconds(_LONGEST_REST_SECONDS), told)
