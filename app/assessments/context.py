"""What every function needs that creates, asks or finishes assessments."""

from dataclasses import dataclass

from app.assessments.providers.ensemble import ProviderEnsemble
from app.runtime.clock import Clock
from app.runtime.db.engine import Database


@dataclass(frozen=True)
class AssessmentContext:
    """The database, the providers that are asked, and the time; made once for a process."""

    database: Database
    ensemble: ProviderEnsemble
    clock: Clock
