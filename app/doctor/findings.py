"""What a check finds: a status, one sentence, and what to do about it."""

from dataclasses import dataclass
from enum import StrEnum

from app.runtime.observability.logging import redact


class Status(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARNING = "warning"  # to be known, or to be put right some day
    PROBLEM = "problem"  # would lose money or sales, or wake somebody up
    UNKNOWN = "unknown"  # not checked


@dataclass(frozen=True)
class Finding:
    """What one check found; `remedy` is empty where nothing is to be done. No secret is in it."""

    name: str
    status: Status
    found: str
    remedy: str = ""


@dataclass(frozen=True)
class Result:
    """What a check returns: a finding without the name of the check."""

    status: Status
    found: str
    remedy: str = ""

    def named(self, name: str) -> Finding:
        """Return the finding of a check, with whatever looks like a secret hidden."""
        return Finding(name, self.status, redact(self.found), redact(self.remedy))


def ok(found: str) -> Result:
    """Return that all is well."""
    return Result(Status.OK, found)


def warning(found: str, remedy: str) -> Result:
    """Return what an operator should know."""
    return Result(Status.WARNING, found, remedy)


def problem(found: str, remedy: str) -> Result:
    """Return what must be put right."""
    return Result(Status.PROBLEM, found, remedy)


def not_checked(reason: str, remedy: str) -> Result:
    """Return that a check could not be made."""
    return Result(Status.UNKNOWN, f"not checked: {reason}", remedy)
