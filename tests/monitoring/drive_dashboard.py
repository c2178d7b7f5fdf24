"""Every query of the dashboard, asked of a real Prometheus after scripted traffic: `./run prometheus`.

Ordinary traffic comes first: orders on both rails and an assessment by every vendor. Each query must
find numbers then, but for those that docs/operations.md says wait for an event. Then the events
happen that can within seconds, and those queries must count them, the first one too.
"""

import asyncio
import json
import math
import re
import time
from pathlib import Path
from typing import Any, Final

import httpx

from app.cli.demo import Coin
from app.sandbox import esplora_urls
from tests.journey.buyer import IN_COIN, Buyer
from tests.monitoring.prometheus import FOLDER, INTERVAL_SECONDS, asked, watching
from tests.orders.wallet.keys import BIP84_ZPUB
from tests.support.databases import run_alone
from tests.support.people import PASSWORD
from tests.support.sandbox import Upstream, serving_upstream
from tests.support.served import Service, serving

PATIENCE_SECONDS: Final = 60
# What Grafana puts for $__rate_interval: four times the interval of the scrapes.
RATE_INTERVAL: Final = f"{4 * INTERVAL_SECONDS * 1000:.0f}ms"
# Events that take minutes: a provider that cannot say for 90 s what it was asked, a loop that is
# stuck for 45 s.
NOT_MADE_HERE: Final = {"assay_provider_asked_again_total", "assay_loop_restarts_total"}
ALLOWED_BAD_KEYS: Final = 20  # within a minute
MUCH_BEYOND_THE_PRICE_SATOSHI: Final = 900_000


def queries() -> dict[str, str]:
    """Return each query of the dashboard as Grafana sends it, by the metric that it is about."""
    found: dict[str, str] = {}
    for panel in json.loads((FOLDER / "dashboard.json").read_text())["panels"]:
        for target in panel.get("targets", []):
            written: str = target["expr"]
            [metric, *more] = sorted(set(re.findall(r"\b(?:assay|process)_\w+", written)))
            assert not more
            assert metric not in found, metric
            found[metric] = written.replace("$job", "assay").replace(
                "$__rate_interval", RATE_INTERVAL
            )
    return found


def waiting_metrics() -> set[str]:
    """Return the metrics whose queries are said to wait for an event."""
    _, _, section = (FOLDER.parent / "operations.md").read_text().partition("### Queries that wait")
    return set(re.findall(r"^\| `(\w+)` \|", section.partition("\n#")[0], re.MULTILINE))


async def numbers(prometheus: httpx.AsyncClient, query: str, since: float) -> list[float]:
    """Return every finite number that a query found at any second since then."""
    found = await asked(
        prometheus, "query_range", query=query, start=f"{since}", end=f"{time.time()}", step="1s"
    )
    lines = found.get("result", [])
    values = [float(value) for line in lines for _, value in line["values"]]
    return [value for value in values if math.isfinite(value)]


async def until_found(
    prometheus: httpx.AsyncClient, wanted: dict[str, str], since: float, *, at_least: float
) -> None:
    """Wait until each query has found a number that is not less."""
    missing = set(wanted)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while missing and time.monotonic() < deadline:
        await asyncio.sleep(0.2)
        for metric in sorted(missing):
            if max(await numbers(prometheus, wanted[metric], since), default=-math.inf) >= at_least:
                missing.discard(metric)
    assert not missing


def partners(upstream: Upstream) -> dict[str, str]:
    """Return the settings of a service that works with all partners of the sandbox."""
    root = upstream.base_url.partition("/api/")[0]
    return {
        "ASSAY_ESPLORA_URL": ",".join(esplora_urls(upstream.base_url)),
        "ASSAY_BITCOIN_DESCRIPTOR": BIP84_ZPUB,
        "ASSAY_RISK_PROVIDER": "sanctions,exposure,crystal,chainalysis",
        "ASSAY_CRYSTAL_URL": f"{root}/crystal/",
        "ASSAY_CRYSTAL_API_KEY": "sandbox",
        "ASSAY_CHAINALYSIS_URL": f"{root}/chainalysis/api/v1/",
        "ASSAY_CHAINALYSIS_API_KEY": "sandbox",
    }


async def order_in_bitcoin(buyer: Buyer) -> dict[str, Any]:
    placed: dict[str, Any] = await buyer.post(
        "new_order", {"number_of_credits": 10, "order_is_for_self": True, **IN_COIN[Coin.BTC]}
    )
    return placed


async def buy_and_ask(service: Service, upstream: Upstream) -> Buyer:
    """Buy credits in AEON and in bitcoin, and spend one on a question to every provider."""
    buyer = Buyer(service.base_url)
    await upstream.press("auto", step_seconds=0.2)
    for step in buyer.steps():
        await step()
    placed = await order_in_bitcoin(buyer)
    await upstream.press("chain/pay", uri=placed["payment"]["uri"])
    await upstream.press("chain/mine", blocks=2)
    await buyer.wait_until(placed["order_id"], lambda order: order["status"] == "PAID")
    return buyer


async def make_events(
    service: Service, upstream: Upstream, database_url: str, buyer: Buyer
) -> None:
    """Overpay an order in bitcoin, let AEON.to lie about one, meet a fault, and guess keys."""
    await upstream.press("auto", enabled=False)
    await buyer.order()
    overpaid = await order_in_bitcoin(buyer)
    await buyer.wait_until(buyer.order_id, lambda order: order["payment"] is not None)
    await upstream.press("orders/all/lie", field="btc_amount", value=1)
    await upstream.press(
        "chain/send", address=overpaid["payment"]["address"], satoshi=MUCH_BEYOND_THE_PRICE_SATOSHI
    )
    await upstream.press("chain/mine", blocks=2)
    await buyer.wait_until(overpaid["order_id"], lambda order: order["status"] == "PAID")
    await run_alone(database_url, "ALTER TABLE users RENAME COLUMN password_hash TO lost")
    async with httpx.AsyncClient(base_url=service.base_url, trust_env=False, timeout=60) as http:
        credentials = {"email": "buyer@example.com", "password": PASSWORD}
        assert (await http.post("/api/login", json=credentials)).status_code == 500
        for _ in range(ALLOWED_BAD_KEYS + 1):
            guessed = await http.get("/api/check_self_status", headers={"X-API-KEY": "guessed"})
        assert guessed.status_code == 429


async def test_queries_find_data_after_ordinary_traffic_and_the_others_at_their_first_event(
    database_url: str, tmp_path: Path
) -> None:
    since, asks, waiting = time.time(), queries(), waiting_metrics()
    assert waiting <= asks.keys()
    async with (
        serving_upstream(mine_payouts=True) as upstream,
        serving(database_url, upstream, tmp_path, **partners(upstream)) as service,
        watching(tmp_path, httpx.URL(service.base_url).port or 0) as prometheus,
    ):
        await until_found(prometheus, {"up": "up == 1"}, since, at_least=1)
        buyer = await buy_and_ask(service, upstream)
        ordinary = {metric: asks[metric] for metric in asks.keys() - waiting}
        await until_found(prometheus, ordinary, since, at_least=-math.inf)
        early = {metric for metric in waiting if await numbers(prometheus, asks[metric], since)}
        assert not early, "the document says that these wait for an event"

        await make_events(service, upstream, database_url, buyer)
        counted = {metric: asks[metric] for metric in waiting - NOT_MADE_HERE}
        await until_found(prometheus, counted, since, at_least=1)
