"""`assay doctor`: a deployment, checked in one command."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict
from logging import ERROR
from typing import Final

import typer

from app.cli.databases import url_of, with_database
from app.cli.printing import AsJson, print_records
from app.cli.running import run
from app.doctor.deployment import Deployment, Place, deployment_of
from app.doctor.examination import CONNECTIONS, examine, nothing_examined
from app.doctor.findings import Finding, Status
from app.runtime.clock import SystemClock
from app.runtime.db.engine import create_database
from app.runtime.faults import OperatorFault
from app.runtime.observability.logging import configure_logging
from app.settings import ConfigurationError, SettingFault, Settings, read_settings

_COLUMNS: Final = ("status", "name", "found", "remedy")


def doctor(*, as_json: AsJson = False) -> None:
    """Check a deployment, and say what to do about each fault; exit with 1 if there is a problem.

    Settings, database, AEON.to, servers of the chain, lists, wallet, loops, key of receipts. It
    changes nothing, and asks AEON.to one question, within the rate limit that all processes share.
    A warning alone does not change the exit status.
    """

    async def main() -> list[Finding]:
        try:
            settings, faults = read_settings()
        except ConfigurationError as fault:
            return nothing_examined(str(fault))
        configure_logging(settings.server.log_format, ERROR)  # findings say the rest
        async with _deployed(settings, faults) as deployment:
            return await examine(deployment)

    findings = run(main)
    print_records([asdict(one) for one in findings], columns=_COLUMNS, as_json=as_json)
    if any(one.status is Status.PROBLEM for one in findings):
        raise typer.Exit(1)


@asynccontextmanager
async def _deployed(settings: Settings, faults: list[SettingFault]) -> AsyncIterator[Deployment]:
    """Yield the deployment. An embedded database is started where it was made before."""
    is_wrong = any(fault.variable == "ASSAY_DATABASE_URL" for fault in faults)
    embedded = settings.database.url is None and not is_wrong
    why_not = ""
    async with AsyncExitStack() as stack:
        if embedded and settings.database.postgres_folder.exists():
            try:
                settings = await stack.enter_async_context(with_database(settings))
            except OperatorFault as fault:
                why_not = str(fault)
        elif embedded:
            why_not = (
                f"ASSAY_DATABASE_URL is not set, and {settings.database.data_dir} has no database"
            )
        database = None
        if settings.database.url is not None:
            database = create_database(url_of(settings), pool_size=CONNECTIONS)
            stack.push_async_callback(database.dispose)
        place = Place(database, embedded, why_not)
        yield await deployment_of(settings, faults, place, SystemClock())
