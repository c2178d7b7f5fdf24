"""Process-wide things: made once when a process starts, closed in reverse when it ends."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Final
from urllib.parse import urlsplit

from pydantic import SecretStr

from app.accounts.key_uses import KeyUses
from app.accounts.throttles import Throttles
from app.addresses import BitcoinNetwork, InvalidAddress, bitcoin_network
from app.assessments.context import AssessmentContext
from app.assessments.providers.base import RiskProvider
from app.assessments.providers.chainalysis import ChainalysisProvider, chainalysis_headers
from app.assessments.providers.crystal import CrystalProvider, crystal_headers
from app.assessments.providers.ensemble import ProviderEnsemble
from app.assessments.providers.exposure import ExposureProvider
from app.assessments.providers.sanctions import SanctionsProvider
from app.assessments.providers.tags import TagsProvider
from app.assessments.rules.receipts import SigningKey
from app.lists.lookup import Lists
from app.lists.rules.listings import RequiredLists
from app.orders.payment_page.watch import PaymentWatch
from app.orders.poll_hints import PollHints
from app.orders.pricing import BitcoinTerms, Terms
from app.orders.wallet.wallet import Wallet, WalletRefused
from app.partners.aeonto.client import AeontoClient, open_aeonto
from app.partners.esplora.chain import Chain
from app.partners.esplora.client import EsploraClient, open_esplora
from app.partners.esplora.rate_limit import limit_of
from app.partners.http import HttpTransport, PartnerClient
from app.runtime.background import running_beside
from app.runtime.clock import Clock
from app.runtime.clock_watch import clock_watched
from app.runtime.db.concurrency import ConcurrencyLimit
from app.runtime.db.engine import Database, create_database
from app.runtime.db.notifications import Notifications
from app.runtime.observability.logging import get_logger
from app.runtime.observability.metrics import Metrics
from app.runtime.rate_limit.postgres import PostgresRateLimiter
from app.runtime.rate_limit.rules import Pace
from app.settings import ConfigurationError, RiskProviderName, Settings
from app.webhooks.rules.urls import Policy
from app.webhooks.secrets import SecretStore
from app.webhooks.sender import WebhookSender

log = get_logger(__name__)

# The upstreams whose network is known; any other host may be either.
_NETWORKS: Final = {
    "aeon.to": BitcoinNetwork.MAINNET,
    "test.aeon.to": BitcoinNetwork.TESTNET,
}

# Drawing a report takes some 10 ms of a core; others wait as long as for a connection.
_REPORTS_AT_ONCE: Final = 2
_REPORT_WITHIN_SECONDS: Final = 2.0
# How far into the wallet the destination is looked for before there is a database to ask.
_OWN_INDEXES: Final = range(2000)
OWN_DESTINATION: Final = (
    "ASSAY_BTC_DEST_ADDRESS: is an address of the wallet in ASSAY_BITCOIN_DESCRIPTOR, so that one"
    " payment could count for two orders; name an address of another wallet, or of another account"
)
# What is said of an xpub or tpub alone, which names no kind of address.
READ_AS_WPKH: Final = (
    "ASSAY_BITCOIN_DESCRIPTOR: an xpub or tpub alone does not say of which kind its addresses are;"
    " it is read as wpkh(KEY/0/*). Compare the first address with your wallet"
)


@dataclass(frozen=True)
class Resources:
    """What requests and loops work with.

    `chain` is None where no Esplora server is named, `receipt_key` where receipts are not signed.
    A report is drawn in one of `report_limit`.
    """

    settings: Settings
    terms: Terms
    clock: Clock
    database: Database
    pace: Pace
    aeonto: AeontoClient
    chain: Chain | None
    ensemble: ProviderEnsemble
    lists: Lists
    metrics: Metrics
    poll_hints: PollHints
    payment_watch: PaymentWatch
    key_uses: KeyUses
    throttles: Throttles
    receipt_key: SigningKey | None
    report_limit: ConcurrencyLimit
    notifications: Notifications
    webhook_sender: WebhookSender
    webhook_secrets: SecretStore

    @cached_property
    def assessments(self) -> AssessmentContext:
        """What creating, asking and finishing assessments needs."""
        return AssessmentContext(self.database, self.ensemble, self.clock)

    @property
    def clock_is_right(self) -> bool:
        """Whether loops may run; a clock that was put in the place of the real ones is right."""
        return self.clock is not self.database.clock or self.database.clock.is_right()


@dataclass(frozen=True)
class Overrides:
    """What a test or a simulation puts in the place of the real things."""

    database: Database | None = None
    clock: Clock | None = None
    provider: RiskProvider | None = None
    chain: Chain | None = None
    webhook_sender: WebhookSender | None = None


def sales_terms(settings: Settings) -> Terms:
    """Return what orders are sold for.

    Raises ConfigurationError for a bad destination or wallet.
    """
    address = settings.orders.btc_dest_address
    if address is None:
        raise ConfigurationError("ASSAY_BTC_DEST_ADDRESS: required: where the bitcoin goes")
    try:
        network = bitcoin_network(address)
    except InvalidAddress as fault:
        raise ConfigurationError(f"ASSAY_BTC_DEST_ADDRESS: {fault}") from None
    host = urlsplit(settings.aeonto.base_url).hostname or ""
    wanted = _NETWORKS.get(host)
    if wanted is not None and network is not wanted:
        raise ConfigurationError(
            f"ASSAY_BTC_DEST_ADDRESS: is a {network} address, but {host} pays on {wanted}"
        )
    return Terms(
        credit_price_btc=settings.orders.credit_price_btc,
        max_credits_per_order=settings.orders.max_credits_per_order,
        btc_dest_address=address,
        granting_status=settings.orders.grant_credits_at,
        create_deadline=settings.orders.create_deadline,
        bitcoin=_bitcoin_terms(settings, network),
        max_open_orders=settings.orders.max_open_orders,
    )


def wallet_of(settings: Settings) -> Wallet | None:
    """Return the merchant's wallet; None where none is named. Raises ConfigurationError."""
    if settings.bitcoin.descriptor is None:
        return None
    try:
        return Wallet.from_text(settings.bitcoin.descriptor.get_secret_value())
    except WalletRefused as refused:
        raise ConfigurationError(f"ASSAY_BITCOIN_DESCRIPTOR: {refused}") from None


def _bitcoin_terms(settings: Settings, network: BitcoinNetwork) -> BitcoinTerms | None:
    """Return how buyers pay in bitcoin; None where no wallet is named. Raises ConfigurationError."""
    wallet = wallet_of(settings)
    if wallet is None:
        return None
    if not settings.esplora.urls:
        raise ConfigurationError(
            "ASSAY_BITCOIN_DESCRIPTOR: needs ASSAY_ESPLORA_URL, to see what buyers pay"
        )
    if wallet.network is not network:
        raise ConfigurationError(
            f"ASSAY_BITCOIN_DESCRIPTOR: is a {wallet.network} wallet, but ASSAY_BTC_DEST_ADDRESS"
            f" is a {network} address"
        )
    if wallet.is_own(settings.orders.btc_dest_address or "", _OWN_INDEXES):
        raise ConfigurationError(OWN_DESTINATION)
    return BitcoinTerms(
        wallet=wallet,
        confirmations=settings.bitcoin.confirmations,
        unconfirmed_up_to_btc=settings.bitcoin.unconfirmed_up_to_btc,
        one_confirmation_up_to_btc=settings.bitcoin.one_confirmation_up_to_btc,
        payment_window=settings.bitcoin.payment_window,
        late_grace=settings.bitcoin.late_grace,
        excess_to_credits=settings.bitcoin.excess_to_credits,
    )


def _ensemble(
    settings: Settings,
    metrics: Metrics,
    clock: Clock,
    stack: AsyncExitStack,
    *,
    lists: Lists,
    servers: Sequence[EsploraClient],
) -> ProviderEnsemble:
    """Return the providers that the settings name. Raises ConfigurationError."""

    def ring(kind: str) -> None:
        metrics.alarms.labels(kind).inc()
        log.error("alarm", alarm=kind)

    def open_vendor(name: str, url: str, headers: dict[str, str]) -> PartnerClient:
        transport = HttpTransport(url, headers=headers)
        stack.push_async_callback(transport.aclose)
        observe = partial(metrics.observe_vendor, name)
        return PartnerClient(transport, clock=clock, observe=observe)

    def provider(name: RiskProviderName) -> RiskProvider:
        match name:
            case "sanctions":
                return SanctionsProvider(lists, faults=lists.faults)
            case "tags":
                return TagsProvider(lists)
            case "exposure":
                if not servers:
                    raise ConfigurationError(
                        "ASSAY_RISK_PROVIDER: exposure needs ASSAY_ESPLORA_URL"
                    )
                return ExposureProvider(servers, lists, alarm=ring)
            case "crystal":
                key = _required(settings.crystal.api_key, "ASSAY_CRYSTAL_API_KEY")
                http = open_vendor(name, settings.crystal.url, crystal_headers(key))
                gauge = metrics.vendor_calls_left.labels(name).set
                return CrystalProvider(http, gauge=gauge, alarm=ring)
            case "chainalysis":
                key = _required(settings.chainalysis.api_key, "ASSAY_CHAINALYSIS_API_KEY")
                http = open_vendor(name, settings.chainalysis.url, chainalysis_headers(key))
                return ChainalysisProvider(http, alarm=ring)

    return ProviderEnsemble([provider(name) for name in settings.assessments.risk_providers])


def _required(key: SecretStr | None, name: str) -> str:
    if key is None:
        raise ConfigurationError(f"{name}: required by the provider that ASSAY_RISK_PROVIDER names")
    return key.get_secret_value()


def receipt_key(settings: Settings) -> SigningKey | None:
    """Return what signs receipts; None where no key is set."""
    if settings.assessments.receipt_key is None:
        return None
    return SigningKey.from_text(settings.assessments.receipt_key.get_secret_value())


def _open_servers(
    settings: Settings, terms: Terms, metrics: Metrics, clock: Clock, stack: AsyncExitStack
) -> list[EsploraClient]:
    """Return the named servers of the chain; their connections close with the stack."""
    servers = []
    network = bitcoin_network(terms.btc_dest_address)
    for url in settings.esplora.urls:
        transport = open_esplora(url)
        stack.push_async_callback(transport.aclose)
        servers.append(
            EsploraClient(
                transport,
                clock=clock,
                limit=limit_of(url),
                network=network,
                observe=metrics.observe_esplora,
            )
        )
    return servers


def _open_database(settings: Settings, stack: AsyncExitStack) -> Database:
    """Return the database; its connections close with the stack. Raises ConfigurationError."""
    if settings.database.url is None:
        raise ConfigurationError("ASSAY_DATABASE_URL: required")
    database = create_database(settings.database.url.get_secret_value())
    stack.push_async_callback(database.dispose)
    return database


@asynccontextmanager
async def open_resources(
    settings: Settings, metrics: Metrics, overrides: Overrides
) -> AsyncIterator[Resources]:
    """Open everything, and close it in reverse. Raises ConfigurationError."""
    terms = sales_terms(settings)
    async with AsyncExitStack() as stack:
        database = overrides.database or _open_database(settings, stack)
        clock = overrides.clock or database.clock
        if clock is database.clock:
            await stack.enter_async_context(clock_watched(database, metrics))
        notifications = Notifications(database.url)
        await stack.enter_async_context(running_beside(notifications.listen(), "notifications"))
        required = RequiredLists(names=settings.lists.required, max_age=settings.lists.max_age)
        lists = Lists(database, clock, required)
        servers = _open_servers(settings, terms, metrics, clock, stack)
        ensemble = (
            ProviderEnsemble([overrides.provider])
            if overrides.provider
            else _ensemble(settings, metrics, clock, stack, lists=lists, servers=servers)
        )
        pace = PostgresRateLimiter(
            database, clock, settings.aeonto.rate_scale, metrics.observe_slot
        )
        transport = open_aeonto(settings.aeonto.base_url)
        stack.push_async_callback(transport.aclose)
        sender = overrides.webhook_sender or WebhookSender(
            Policy(allowed=settings.webhooks.allowed_networks)
        )
        stack.push_async_callback(sender.aclose)
        yield Resources(
            settings,
            terms,
            clock,
            database,
            pace,
            AeontoClient(transport, pace=pace, clock=clock, observe=metrics.observe_upstream),
            overrides.chain or (Chain(servers) if servers else None),
            ensemble,
            lists,
            metrics,
            PollHints(),
            PaymentWatch(),
            KeyUses(),
            Throttles(database, clock, metrics.observe_refused_attempt),
            receipt_key(settings),
            report_limit=ConcurrencyLimit(_REPORTS_AT_ONCE, within_seconds=_REPORT_WITHIN_SECONDS),
            notifications=notifications,
            webhook_sender=sender,
            webhook_secrets=SecretStore(settings.webhooks.keys),
        )
