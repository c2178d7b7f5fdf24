"""Carrying jobs: workers of the engine, procrastinate, as one more thing that must keep running.

The engine only wakes: it says what to look at, at a time at which it is due, and remembers what
failed. Whether there is anything to do, and who may do it, the feature says.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any, Final

import psycopg
from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import DeleteJobCondition, Job
from procrastinate.manager import JobManager
from typing_extensions import override

from app.runtime.db.engine import TIMEOUTS, Database
from app.runtime.db.failures import Unavailable, unavailability
from app.runtime.db.libpq import for_psycopg
from app.runtime.db.notifications import Notifications
from app.runtime.db.urls import read_database_url
from app.runtime.jobs.connector import HearingConnector
from app.runtime.loops.heartbeats import Heartbeats
from app.runtime.loops.loops import AFTER_FAULT_SECONDS, GRACE_SECONDS, rest
from app.runtime.loops.outages import Outage

# The connector tells when a job is due. What nobody told of is found all the same.
_POLL_SECONDS: Final = 20.0
# A job in flight is let finish for so long; then it is for whoever comes when its lease is over.
_FINISH_SECONDS: Final = GRACE_SECONDS * 0.7
# One connection is enough: a job uses it twice, for a statement each time.
_CONNECTIONS: Final = 1
_CONNECTION_WITHIN_SECONDS: Final = 5.0
_SETTINGS: Final = TIMEOUTS | {"search_path": "jobs", "statement_timeout": "5s"}


class WorkerEnded(Exception):
    """A worker of the engine ended, and nobody had told it to."""


class JobCarrier:
    """Does what jobs of some queues wake it for, and beats whenever it has looked for one."""

    def __init__(
        self,
        name: str,
        database: Database,
        notifications: Notifications,
        *,
        add_tasks: Callable[[App], None],
        queues: Mapping[str, int],
    ) -> None:
        """Carry nothing yet. `queues` says how many jobs of each are done at once."""
        self.name = name
        self._database = database
        self._notifications = notifications
        self._add_tasks = add_tasks
        self._queues = queues

    async def run(self, heartbeats: Heartbeats, stopping: asyncio.Event) -> None:
        """Carry jobs until `stopping` is set. Raises what ended a worker otherwise."""
        outage = Outage(self.name)

        def beat() -> None:
            outage.end()
            heartbeats.beat(self.name)

        while not stopping.is_set():
            try:
                await self._carry(beat, stopping)
            except (ConnectorException, psycopg.Error) as fault:
                why = _unavailability(fault)
                if why is None:
                    raise
                await rest(outage.go_on(why, fault, AFTER_FAULT_SECONDS), stopping)

    async def _carry(self, beat: Callable[[], None], stopping: asyncio.Event) -> None:
        app = engine_app(self._database, self._notifications, beat)
        self._add_tasks(app)
        async with app.open_async():
            working = [
                asyncio.create_task(_work(app, queue, at_once))
                for queue, at_once in self._queues.items()
            ]
            told = asyncio.create_task(stopping.wait())
            try:
                await asyncio.wait({*working, told}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                told.cancel()
                for worker in working:
                    worker.cancel()  # to a worker this is a request to stop
                await asyncio.wait(working)
        for worker in working:
            if not worker.cancelled():
                worker.result()
        if not stopping.is_set():
            raise WorkerEnded


def engine_app(database: Database, notifications: Notifications, beat: Callable[[], None]) -> App:
    """Return an application of the engine without tasks; it is not open yet."""
    connector = HearingConnector(
        database,
        notifications,
        settings=_SETTINGS,
        kwargs=for_psycopg(read_database_url(database.url)),
        min_size=0,
        max_size=_CONNECTIONS,
        timeout=_CONNECTION_WITHIN_SECONDS,
    )
    app = App(connector=connector)
    app.job_manager = _BeatingManager(connector, beat)
    return app


def _work(app: App, queue: str, at_once: int) -> Coroutine[Any, Any, None]:
    return app.run_worker_async(
        queues=[queue],
        concurrency=at_once,
        fetch_job_polling_interval=_POLL_SECONDS,
        shutdown_graceful_timeout=_FINISH_SECONDS,
        install_signal_handlers=False,
        delete_jobs=DeleteJobCondition.SUCCESSFUL,
    )


class _BeatingManager(JobManager):
    """A manager that tells when a worker has looked for a job."""

    def __init__(self, connector: PsycopgConnector, beat: Callable[[], None]) -> None:
        super().__init__(connector)
        self._beat = beat

    @override
    async def fetch_job(self, queues: Iterable[str] | None, worker_id: int) -> Job | None:
        job = await super().fetch_job(queues, worker_id)
        self._beat()
        return job


def _unavailability(fault: Exception) -> Unavailable | None:
    """Say why the database cannot serve the engine now; None when the fault is another one."""
    told = fault.__cause__ or fault
    why = unavailability(told)
    if why is None and isinstance(told, psycopg.OperationalError):
        return Unavailable.AWAY  # libpq gives no state for what it could not reach
    return why
