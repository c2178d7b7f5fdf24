"""The checks of who is asked over the network: AEON.to, and the servers of the chain."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack, aclosing
from typing import Final
from urllib.parse import urlsplit

from app.addresses import bitcoin_network
from app.doctor.deployment import Deployment
from app.doctor.findings import Result, not_checked, ok, problem, warning
from app.orders.aeonto_parameters import KnownParameters
from app.partners.aeonto.client import AeontoClient, open_aeonto
from app.partners.aeonto.failures import SlotExpired
from app.partners.aeonto.wire import OrderParameters
from app.partners.esplora.chain import Chain, Disagree, required
from app.partners.esplora.client import EsploraClient, open_esplora
from app.partners.esplora.failures import NotOffered
from app.partners.failures import DeadlinePassed, OperatorNeeded, PartnerFailure, Throttled
from app.partners.http import HttpTransport
from app.runtime.money import plain
from app.runtime.rate_limit.postgres import PostgresRateLimiter
from app.runtime.rate_limit.rules import Bucket

_AGAIN: Final = "Run `assay doctor` again in a minute."
_SLOT_WITHIN_SECONDS: Final = 3.0
_TRIES: Final = 3
_LOOK_WITHIN_SECONDS: Final = 7.0
# Blocks come every ten minutes, and reach every server within seconds.
_NOTED_LAG: Final = 2
_MOST_LAG: Final = 6
# As deep as this, no block is replaced by another.
_SETTLED_BLOCKS: Final = 6


async def check_aeonto(deployment: Deployment) -> Result:
    """Ask AEON.to for its limits, by the pace that all processes on the database share."""
    base_url = deployment.settings.aeonto.base_url
    host = urlsplit(base_url).hostname or ""
    async with aclosing(open_aeonto(base_url)) as transport:
        try:
            offer = await _ask_aeonto(deployment, transport)
        except (SlotExpired, Throttled) as failure:
            return not_checked(f"{host}: {failure}", _AGAIN)
        except PartnerFailure as failure:
            return problem(f"{host}: {failure}", _aeonto_remedy(failure))
    if offer is None:
        return not_checked("AEON.to's rate limit leaves no room for a request now", _AGAIN)
    return _judge_offer(deployment, host, offer)


async def _ask_aeonto(deployment: Deployment, transport: HttpTransport) -> OrderParameters | None:
    """Ask under a permit; again where this process was too slow to use it. None: no permit came."""
    pace = PostgresRateLimiter(
        deployment.database, deployment.clock, deployment.settings.aeonto.rate_scale
    )
    client = AeontoClient(transport, pace=pace, clock=deployment.clock)
    for tries_left in reversed(range(_TRIES)):
        slot = await pace.reserve(Bucket.ORDER_PARAMETERS, within_seconds=_SLOT_WITHIN_SECONDS)
        if slot is None:
            break
        try:
            return await client.order_parameter_query(slot=slot)
        except SlotExpired:
            if not tries_left:
                raise
    return None


def _aeonto_remedy(failure: PartnerFailure) -> str:
    if isinstance(failure, OperatorNeeded):
        return "Ask AEON.to's operators; 403 means that they do not serve this machine's address."
    return (
        "Compare ASSAY_AEONTO_BASE_URL, and this machine's way to it; if both are right, wait:"
        " orders go on by themselves."
    )


def _judge_offer(deployment: Deployment, host: str, offer: OrderParameters) -> Result:
    settings = deployment.settings
    known = KnownParameters(
        price_btc=offer.price_btc,
        lower_limit_btc=offer.lower_limit_btc,
        upper_limit_btc=offer.upper_limit_btc,
        zero_conf_enabled=offer.zero_conf_enabled,
        zero_conf_max_amount_btc=offer.zero_conf_max_amount_btc,
        seen_at=deployment.clock.now(),
    )
    least, most = known.credit_range(
        settings.orders.credit_price_btc, settings.orders.max_credits_per_order
    )
    limits = f"{plain(offer.lower_limit_btc)} to {plain(offer.upper_limit_btc)} BTC"
    if least > most:
        return problem(
            f"{host} takes {limits}, and no number of credits costs that",
            "Change ASSAY_CREDIT_PRICE_BTC or ASSAY_MAX_CREDITS_PER_ORDER.",
        )
    if settings.aeonto.is_on_loopback:
        return warning(
            f"{host} answers, which is this machine: the SANDBOX, where no coin is real",
            "For real coins leave ASSAY_AEONTO_BASE_URL out.",
        )
    return ok(f"{host} answers: orders of {limits}, {least} to {most} credits")


async def check_esplora(deployment: Deployment) -> Sequence[Result]:
    """Ask every server of the chain for its height, and see whether they show one chain."""
    urls = deployment.settings.esplora.urls
    if not urls:
        return [
            warning(
                "no server of the chain is named: what AEON.to says it paid is not verified",
                "Name at least two in ASSAY_ESPLORA_URL.",
            )
        ]
    terms = deployment.terms
    network = bitcoin_network(terms.btc_dest_address) if terms else None
    async with AsyncExitStack() as stack:
        servers = [
            EsploraClient(
                await stack.enter_async_context(aclosing(open_esplora(url))),
                clock=deployment.clock,
                network=network,
            )
            for url in urls
        ]
        heights = await asyncio.gather(*(_height(server) for server in servers))
        answered = {
            server: height
            for server, height in zip(servers, heights, strict=True)
            if isinstance(height, int)
        }
        is_enough = len(answered) >= required(len(servers))
        results = [
            _judge_height(server, height, is_enough=is_enough)
            for server, height in zip(servers, heights, strict=True)
        ]
        if len(servers) == 1:
            return [*results, _ONE_SERVER]
        if len(answered) > 1:
            try:
                async with asyncio.timeout(_LOOK_WITHIN_SECONDS):
                    results.append(await _compare(deployment, answered))
            except TimeoutError:
                results.append(not_checked("the servers took too long to compare", _AGAIN))
        return results


_ONE_SERVER: Final = warning(
    "one server of the chain is named: its word counts, and nothing contradicts it",
    "Name a second one in ASSAY_ESPLORA_URL, of another operator.",
)


async def _height(server: EsploraClient) -> int | PartnerFailure:
    try:
        async with asyncio.timeout(_LOOK_WITHIN_SECONDS):
            return await server.tip_height()
    except TimeoutError:
        return DeadlinePassed("tip_height")
    except PartnerFailure as failure:
        return failure


def _judge_height(
    server: EsploraClient, height: int | PartnerFailure, *, is_enough: bool
) -> Result:
    if isinstance(height, int):
        return ok(f"{server.source} answers: block {height}")
    found = f"{server.source}: {height}"
    if isinstance(height, OperatorNeeded):
        remedy = "Put this server in ASSAY_ESPLORA_URL right, up to its API, or name another one."
    else:
        remedy = "Wait, or name another server in its place in ASSAY_ESPLORA_URL."
    return warning(found, remedy) if is_enough else problem(found, remedy)


async def _compare(deployment: Deployment, heights: dict[EsploraClient, int]) -> Result:
    """Say whether servers that answered show the same chain, and the same payments."""
    remedy = (
        "Compare them with a third one, and name another in the place of the one that is wrong."
    )
    lowest, highest = min(heights.values()), max(heights.values())
    settled = max(lowest - _SETTLED_BLOCKS, 0)
    try:
        hashes = await asyncio.gather(*(server.block_hash(settled) for server in heights))
    except PartnerFailure as failure:
        if not isinstance(failure, NotOffered):
            return not_checked(str(failure), _AGAIN)
        hashes = []
    if len(set(hashes)) > 1:
        return problem(f"the servers disagree: block {settled} is not the same for all", remedy)
    if fault := await _payments_fault(deployment, list(heights)):
        return problem(fault, remedy)
    behind = highest - lowest
    if behind > _NOTED_LAG:
        slowest = min(heights, key=lambda server: heights[server])
        found = f"the servers disagree: {slowest.source} is {behind} blocks behind"
        return (problem if behind > _MOST_LAG else warning)(found, remedy)
    return ok(f"the servers agree up to block {lowest}")


async def _payments_fault(deployment: Deployment, servers: Sequence[EsploraClient]) -> str | None:
    """Say whether the servers read payments to the wallet's first address differently."""
    bitcoin = deployment.terms.bitcoin if deployment.terms else None
    if bitcoin is None:
        return None
    seen = await Chain(servers).payments(
        bitcoin.wallet.address(0), within_seconds=_LOOK_WITHIN_SECONDS
    )
    return seen.reason if isinstance(seen, Disagree) else None
