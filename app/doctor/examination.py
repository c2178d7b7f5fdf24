"""Making all checks: together where they can be, each within its time, none hiding another."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from app.doctor import database, partners, service
from app.doctor.deployment import Deployment
from app.doctor.findings import Finding, Result, Status, not_checked, problem
from app.runtime.db.failures import is_database_fault, plain_reason, reason_of
from app.runtime.observability.logging import get_logger

log = get_logger(__name__)

# Longer than a request to a partner and the wait for its permit.
_CHECK_WITHIN_SECONDS: Final = 15.0
# As many checks of the database at a time as it lends connections here.
CONNECTIONS: Final = 4
_SETTINGS_FIRST: Final = "Put the settings right first."
_DATABASE_FIRST: Final = "Put the database right first."

Outcome = Result | Sequence[Result]


@dataclass(frozen=True)
class Check:
    """A check, and what it cannot be made without: the database, and fields of the settings."""

    name: str
    run: Callable[[Deployment], Awaitable[Outcome]]
    needs_database: bool = False
    variables: tuple[str, ...] = ()


REACH: Final = Check(
    "database", database.check_reach, variables=("ASSAY_DATABASE_URL", "ASSAY_DATA_DIR")
)
CHECKS: Final = (
    Check("settings", service.check_settings),
    REACH,
    Check("database_tls", database.check_tls, needs_database=True),
    Check("database_pooler", database.check_pooler, needs_database=True),
    Check("database_role", database.check_role, needs_database=True),
    Check("database_writes", database.check_writes, needs_database=True),
    Check("database_clock", database.check_clock, needs_database=True),
    Check("database_schema", database.check_schema, needs_database=True),
    Check("books", database.check_books, needs_database=True),
    Check(
        "aeonto",
        partners.check_aeonto,
        needs_database=True,
        variables=("ASSAY_AEONTO_BASE_URL", "ASSAY_AEONTO_RATE_SCALE"),
    ),
    Check("esplora", partners.check_esplora, variables=("ASSAY_ESPLORA_URL",)),
    Check(
        "lists",
        service.check_lists,
        needs_database=True,
        variables=("ASSAY_REQUIRED_LISTS", "ASSAY_LIST_MAX_AGE_DAYS"),
    ),
    Check("wallet", service.check_wallet, variables=("ASSAY_BITCOIN_DESCRIPTOR",)),
    Check(
        "wallet_gap",
        service.check_gap,
        needs_database=True,
        variables=("ASSAY_BITCOIN_GAP_LIMIT",),
    ),
    Check("loops", service.check_loops, needs_database=True),
    Check("receipt_key", service.check_receipt_key, variables=("ASSAY_RECEIPT_KEY",)),
    Check(
        "receipt_key_published",
        service.check_published_key,
        needs_database=True,
        variables=("ASSAY_RECEIPT_KEY",),
    ),
    Check(
        "webhook_secrets",
        service.check_webhook_secrets,
        needs_database=True,
        variables=("ASSAY_WEBHOOK_KEY",),
    ),
)


async def examine(deployment: Deployment) -> list[Finding]:
    """Make every check; return the findings in the order of the checks."""
    places = asyncio.Semaphore(CONNECTIONS)
    reached = asyncio.create_task(_made(REACH, deployment))

    async def made(check: Check) -> list[Finding]:
        if check is REACH:
            return await reached
        if check.needs_database:
            [reach] = await reached
            if reach.status in (Status.PROBLEM, Status.UNKNOWN):
                why = not_checked("the database is away", _DATABASE_FIRST)
                return [why.named(check.name)]
            async with places:
                return await _made(check, deployment)
        return await _made(check, deployment)

    findings = await asyncio.gather(*(made(check) for check in CHECKS))
    return [finding for some in findings for finding in some]


def nothing_examined(fault: str) -> list[Finding]:
    """Return the findings where the settings cannot even be read, for this reason."""
    unread = Finding("settings", Status.PROBLEM, fault, "Put it right, then run this again.")
    reason = not_checked("the settings cannot be read", _SETTINGS_FIRST)
    return [unread, *(reason.named(check.name) for check in CHECKS if check.name != unread.name)]


async def _made(check: Check, deployment: Deployment) -> list[Finding]:
    """Make one check. What goes wrong with it is its finding, and nobody else's."""
    wrong = [fault.variable for fault in deployment.faults if fault.variable in check.variables]
    outcome: Outcome
    if wrong:
        outcome = not_checked(f"{', '.join(wrong)} cannot be used", _SETTINGS_FIRST)
    else:
        try:
            async with asyncio.timeout(_CHECK_WITHIN_SECONDS):
                outcome = await check.run(deployment)
        except Exception as fault:
            outcome = _failed(check, fault)
    results = [outcome] if isinstance(outcome, Result) else outcome
    return [result.named(check.name) for result in results]


def _failed(check: Check, fault: Exception) -> Result:
    again = "Put right what the other lines name, then run `assay doctor` again."
    if isinstance(fault, TimeoutError):
        return problem(f"there is no answer after {_CHECK_WITHIN_SECONDS:.0f} s", again)
    if is_database_fault(fault):
        return not_checked(plain_reason(fault) or reason_of(fault), again)
    log.error("check_failed", check=check.name, exc_info=fault)
    return not_checked(f"it failed by {reason_of(fault)}", "Report this as a bug of Assay.")
