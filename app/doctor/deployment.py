"""What the checks look at: the settings, the database that they name, what follows from both."""

from collections.abc import Collection
from dataclasses import dataclass

from pydantic import SecretStr

from app.orders.pricing import Terms
from app.resources import Overrides, open_resources, sales_terms
from app.runtime.clock import Clock
from app.runtime.db.engine import Database
from app.runtime.observability.metrics import Metrics
from app.settings import ConfigurationError, SettingFault, Settings
from app.worker.run import loop_names

# Without these, what orders are sold for and who assesses would be misjudged.
_OF_TERMS = frozenset({"ASSAY_AEONTO_BASE_URL", "ASSAY_ESPLORA_URL"})
_OF_PROVIDERS = frozenset(
    {
        "ASSAY_ESPLORA_URL",
        "ASSAY_RISK_PROVIDER",
        "ASSAY_CRYSTAL_API_KEY",
        "ASSAY_CHAINALYSIS_API_KEY",
    }
)
_OF_NO_DATABASE = SecretStr("postgresql+asyncpg://")  # nothing connects to it


@dataclass(frozen=True)
class Place:
    """Where the database is: `database` is None where there is none to connect to, and why."""

    database: Database | None
    is_embedded: bool = False
    why_not: str = ""


@dataclass(frozen=True)
class Deployment:
    """A deployment as this process sees it; `clock` is that of this machine.

    `faults` are the variables that were left out of the settings; `start_faults` say why `serve` and
    `worker` would not start for all that. `terms` and `loops`, the names of those that must run in
    some process, are None where the settings do not tell.
    """

    settings: Settings
    clock: Clock
    place: Place
    faults: Collection[SettingFault]
    start_faults: Collection[str]
    terms: Terms | None
    loops: Collection[str] | None

    @property
    def database(self) -> Database:
        """Return the database, for a check that is made only where there is one."""
        if self.place.database is None:
            raise ValueError("this deployment has no database")
        return self.place.database


async def deployment_of(
    settings: Settings, faults: Collection[SettingFault], place: Place, clock: Clock
) -> Deployment:
    """Return a deployment, by doing all that a process does at its start before it connects."""
    wrong = {fault.variable for fault in faults}
    terms, loops, start_faults = None, None, []
    try:
        if (_OF_TERMS | _OF_PROVIDERS).isdisjoint(wrong):
            terms, loops = await _started(settings, place, clock)
    except ConfigurationError as fault:
        start_faults.append(str(fault))
    if terms is None and _OF_TERMS.isdisjoint(wrong):
        try:
            terms = sales_terms(settings)
        except ConfigurationError as fault:
            start_faults = [str(fault)]
    return Deployment(settings, clock, place, faults, start_faults, terms, loops)


async def _started(settings: Settings, place: Place, clock: Clock) -> tuple[Terms, list[str]]:
    if settings.database.url is None:
        settings = settings.replaced({"ASSAY_DATABASE_URL": _OF_NO_DATABASE})
    overrides = Overrides(
        database=place.database, clock=clock
    )  # with a clock, nothing asks for the time
    async with open_resources(settings, Metrics(), overrides) as resources:
        return resources.terms, loop_names(resources)
