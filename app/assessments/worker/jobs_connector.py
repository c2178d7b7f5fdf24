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

from app.assessments import jobs
from app.assessments.worker.jobs_pool import BeginningPool
from app.resources import Resources
from app.runtime.db.failures import is_unavailable
from app.runtime.loops.loops import AFTER_FAULT_SECONDS, rest
from app.runtime.loops.waking import Waking

# What wakes the engine: it then looks for a job, whichever it is.
_LOOK: Final = json.dumps({"type": "job_inserted", "job_id": 0})
_LONGEST_REST_SECONDS: Final = 60.0


class HearingConnector(PsycopgConnector):
    """Connects the engine to the database, and tells it when a job is due."""

    def __init__(
        self,
        resources: Resources,
        settings: dict[str, str],
        kwargs: dict[str, Any],
        **pool: Any,  # noqa: ANN401
    ) -> None:
        """Begin each transaction with `settings`; `kwargs` are psycopg's, `pool` the pool's."""
        super().__init__(
            pool_factory=partial(BeginningPool, settings=settings), kwargs=kwargs, **pool
        )
        self._resources = resources

    @override
    async def listen_notify(self, on_notification: Notify, channels: Iterable[str]) -> None:
        """Tell the engine to look whenever a job of its one queue is due."""
        [channel] = channels
        resources = self._resources
        # Jobs are due by the database's clock, whatever stands in for it elsewhere.
        waking = Waking(resources.notifications, channel, "", resources.database.clock)
        with waking.subscribed() as told:
            while True:
                told.clear()
                try:
                    waking.expect(await jobs.next_at(resources.database))
                except Exception as fault:
                    if not is_unavailable(fault):
                        raise
                    await rest(AFTER_FAULT_SECONDS, told)  # the engine itself tells of it
                    continue
                if waking.is_due():
                    await on_notification(channel=channel, payload=_LOOK)
                await rest(waking.rest_seconds(_LONGEST_REST_SECONDS), told)
