"""The checks of what Assay itself needs: settings, lists, wallet, loops, the key of receipts."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from app.assessments import receipts
from app.doctor.deployment import Deployment
from app.doctor.findings import Result, not_checked, ok, problem, warning
from app.lists import versions
from app.lists.rules.listings import ListVersion, RequiredLists, is_in_future
from app.orders import addresses
from app.orders.worker.address_gap import is_wide
from app.resources import READ_AS_WPKH, receipt_key, wallet_of
from app.runtime.loops import beats
from app.runtime.loops.heartbeats import SILENT_AFTER
from app.settings import ConfigurationError
from app.webhooks import endpoints
from app.webhooks.secrets import SecretStore, SecretUnreadable

_SETTINGS_FIRST: Final = "Put the settings right first."
_PUT_RIGHT: Final = (
    "Put it right in the environment or in .env: docs/configuration.md has them all."
)
# As the alert AssayListOld: whoever imports daily has failed to for a while.
_OLD_AFTER: Final = timedelta(days=14)
_FIRST_ADDRESSES: Final = 3


async def check_settings(deployment: Deployment) -> Sequence[Result]:
    """Say which settings `serve` and `worker` would not start with, or which one is missing."""
    wrong = [*map(str, deployment.faults), *deployment.start_faults]
    if wrong:
        return [problem(fault, _PUT_RIGHT) for fault in wrong]
    server = deployment.settings.server
    if server.trusted_proxies and server.public_url is None:
        return [
            warning(
                "links to payment pages lead to the address that the proxy asks, for"
                " ASSAY_PUBLIC_URL is not set",
                "Set ASSAY_PUBLIC_URL to where people reach the proxy.",
            )
        ]
    return [ok("every setting can be used")]


async def check_lists(deployment: Deployment) -> Sequence[Result]:
    """See whether the lists that must be in force are, and how old every list is."""
    settings, today = deployment.settings, deployment.database.clock.now().date()
    required = RequiredLists(names=settings.lists.required, max_age=settings.lists.max_age)
    async with deployment.database.reading() as connection:
        newest = await versions.in_force(connection)
    wrong = [
        problem(fault, "Import its newest version with `assay lists import`, daily.")
        for fault in required.faults(newest, today)
    ]
    told = {*required.old(newest, today), *required.future(newest, today)}
    others = [version for version in newest if version.source not in told]
    return [*wrong, *(_judge_list(deployment, version) for version in others)]


def _judge_list(deployment: Deployment, version: ListVersion) -> Result:
    today = deployment.database.clock.now().date()
    if version.is_sample:
        return warning(
            "no sanctions list is imported: the built-in sample answers, and says so",
            "Import one with `assay lists import`, daily.",
        )
    age = today - version.effective_on
    found = f"{version.source}, version {version.number}, is {age.days} days old"
    if is_in_future(version.effective_on, today):
        return warning(
            f"{version.source} is dated {version.effective_on}, which is in the future",
            "Compare it with its publisher's, and the clock of this machine.",
        )
    if age > _OLD_AFTER:
        return warning(found, "See whether `assay lists import` still runs, and what it says.")
    return ok(found)


async def check_wallet(deployment: Deployment) -> Result:
    """Show the first addresses that buyers are given, for comparison with the wallet."""
    try:
        wallet = wallet_of(deployment.settings)
    except ConfigurationError as fault:
        return problem(str(fault), _PUT_RIGHT)
    if wallet is None:
        return ok("no wallet is named: nobody can pay in bitcoin")
    first = ", ".join(wallet.address(index) for index in range(_FIRST_ADDRESSES))
    if wallet.kind_assumed:
        return warning(
            f"its first addresses are {first}; {READ_AS_WPKH}",
            "If they are not those that your wallet receives at, write the descriptor out.",
        )
    return ok(f"its first addresses are {first}: compare them with your wallet")


async def check_gap(deployment: Deployment) -> Sequence[Result]:
    """Count the unpaid addresses at the end of the wallet; nothing where there is no wallet."""
    if deployment.terms is None:
        return [not_checked("the settings do not say which wallet is used", _SETTINGS_FIRST)]
    if deployment.terms.bitcoin is None:
        return []
    limit = deployment.settings.bitcoin.gap_limit
    async with deployment.database.reading() as connection:
        gap = await addresses.gap(connection, deployment.terms.bitcoin.wallet)
    found = f"the last {gap} addresses given out were not paid; the wallet looks {limit} ahead"
    remedy = "Raise the gap limit of the wallet, then ASSAY_BITCOIN_GAP_LIMIT."
    if gap > limit:
        return [problem(found, remedy)]
    return [warning(found, remedy) if is_wide(gap, limit) else ok(found)]


async def check_loops(deployment: Deployment) -> Result:
    """See whether every loop finished a round lately, in whichever process."""
    if deployment.loops is None:
        return not_checked("the settings do not say which loops must run", _SETTINGS_FIRST)
    async with deployment.database.reading() as connection:
        ages = await beats.seconds_ago(connection)
    silent = [
        f"{loop} (never)" if loop not in ages else f"{loop} ({ages[loop]:.0f} s ago)"
        for loop in deployment.loops
        if ages.get(loop, float("inf")) > SILENT_AFTER.total_seconds()
    ]
    if silent:
        return problem(
            f"no process ran these loops within {SILENT_AFTER.total_seconds():.0f} s:"
            f" {', '.join(silent)}",
            "Start `assay worker`, or `assay serve` without ASSAY_RUN_WORKER=false; if one runs,"
            " its log says why.",
        )
    return ok(
        f"each of {len(deployment.loops)} loops ran within {SILENT_AFTER.total_seconds():.0f} s"
    )


async def check_receipt_key(deployment: Deployment) -> Result:
    """See whether receipts are signed."""
    key = receipt_key(deployment.settings)
    if key is None:
        return problem(
            "no key of receipts is set: every receipt is answered with 404",
            "Set ASSAY_RECEIPT_KEY to what `assay receipt-key create` prints.",
        )
    return ok(f"receipts are signed by the key {key.key_id}")


async def check_published_key(deployment: Deployment) -> Sequence[Result]:
    """See whether the key of receipts was replaced; nothing where there is none."""
    key = receipt_key(deployment.settings)
    if key is None:
        return []
    async with deployment.database.reading() as connection:
        [published] = [
            one
            for one in await receipts.published_keys(connection, key)
            if one.key_id == key.key_id
        ]
    if published.until is not None:
        return [
            problem(
                f"the key {key.key_id} was replaced on {published.until:%Y-%m-%d}",
                "Set ASSAY_RECEIPT_KEY to the newest key at every `assay serve`.",
            )
        ]
    if published.since is None:
        return [ok(f"the key {key.key_id} will be published with its first receipt")]
    return [ok(f"the key {key.key_id} is the newest that signed")]


async def check_webhook_secrets(deployment: Deployment) -> Result:
    """See whether the secrets of webhook endpoints are sealed, and can be opened."""
    store = SecretStore(deployment.settings.webhooks.keys)
    async with deployment.database.reading() as connection:
        stored = await endpoints.stored_secrets(connection)
    unreadable = sum(not _can_be_opened(store, secret) for secret in stored)
    if unreadable:
        return problem(
            f"no key of ASSAY_WEBHOOK_KEY opens the secrets of {unreadable} webhook endpoints",
            "Add the key that sealed them, after the one in use.",
        )
    in_the_open = sum(not store.is_sealed(secret) for secret in stored)
    if in_the_open:
        return warning(
            f"the database has the secrets of {in_the_open} webhook endpoints as they are",
            "Set ASSAY_WEBHOOK_KEY; a secret is sealed when it is next rotated.",
        )
    return ok(f"the secrets of {len(stored)} webhook endpoints are sealed")


def _can_be_opened(store: SecretStore, secret: bytes) -> bool:
    try:
        store.unseal(secret)
    except SecretUnreadable:
        return False
    return True
