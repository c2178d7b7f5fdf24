"""Assay behind a real nginx with the sample of docs/operations, as `./run nginx` drives it.

Not one of `./run test`: it needs nginx.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from tests.proxy.nginx import NAME, Nginx, open_nginx
from tests.support.sandbox import serving_upstream
from tests.support.served import Service, serving

PATIENCE_SECONDS: Final = 60.0
HOST = {"Host": NAME}
# Of the right form, and nobody's.
BAD_KEY = "ak_0123456789_" + "a" * 43


@pytest.fixture
async def service(database_url: str, tmp_path: Path) -> AsyncIterator[Service]:
    """An Assay that believes its proxy, as the sample says."""
    async with (
        serving_upstream() as upstream,
        serving(database_url, upstream, tmp_path, ASSAY_TRUSTED_PROXIES="127.0.0.1") as service,
    ):
        yield service


@pytest.fixture
async def nginx(service: Service) -> AsyncIterator[Nginx]:
    """An nginx before it."""
    async with open_nginx(service.base_url) as started:
        yield started


async def get(http: httpx.AsyncClient, path: str, **headers: str) -> httpx.Response:
    return await http.get(path, headers=HOST | headers, extensions={"sni_hostname": NAME})


async def post(http: httpx.AsyncClient, path: str, body: dict[str, Any]) -> httpx.Response:
    return await http.post(path, json=body, headers=HOST, extensions={"sni_hostname": NAME})


async def test_the_api_is_served_by_tls_and_the_metrics_are_not(
    nginx: Nginx, service: Service
) -> None:
    async with nginx.client("127.0.0.1") as http:
        credentials = {"email": "buyer@example.com", "password": "correct horse battery"}
        assert (await post(http, "/api/register", credentials)).status_code == 201
        assert (await post(http, "/api/login", credentials)).json()["session_token"]
        assert (await get(http, "/readyz")).status_code == 200
        for path in ("/metrics", "/metrics/", "//metrics", "/%6detrics", "/api/../metrics"):
            assert (await get(http, path)).status_code == 404, path
        assert (await service.get("/metrics")).status_code == 200
        lists = "/api/check_assessment_list_for_access_code"
        for path, size, is_refused in (
            ("/api/login", 10_000, False),
            ("/api/login", 20_000, True),
            (lists, 200_000, False),
            (lists, 300_000, True),
        ):
            answer = await post(http, path, {"email": "a" * size})
            assert (answer.status_code == 413) is is_refused, (path, size)
            assert answer.status_code < 500
    async with httpx.AsyncClient(trust_env=False, timeout=60) as plain:
        moved = await plain.get(f"http://127.0.0.1:{nginx.http_port}/readyz", headers=HOST)
    assert (moved.status_code, moved.headers["Location"]) == (308, f"https://{NAME}/readyz")


async def test_failures_count_for_the_client_whatever_address_it_claims(nginx: Nginx) -> None:
    async with nginx.client("127.0.0.2") as guesser, nginx.client("127.0.0.3") as other:

        async def guess(http: httpx.AsyncClient, claimed: str) -> int:
            key = {"X-API-KEY": BAD_KEY, "X-Forwarded-For": claimed, "Forwarded": f"for={claimed}"}
            return (await get(http, "/api/check_self_status", **key)).status_code

        guesses = [await guess(guesser, f"203.0.113.{number}") for number in range(21)]
        assert guesses == [403] * 20 + [429]
        assert await guess(other, "127.0.0.2") == 403


async def test_a_payment_page_is_followed_through_the_proxy_and_its_log_has_no_link(
    nginx: Nginx,
) -> None:
    async with nginx.client("127.0.0.4") as http:
        credentials = {"email": "payer@example.com", "password": "correct horse battery"}
        await post(http, "/api/register", credentials)
        login = (await post(http, "/api/login", credentials)).json()
        http.headers["Authorization"] = f"Bearer {login['session_token']}"
        order = {"number_of_credits": 10, "payment_coin": "Aeon", "payment_network": "AEON"}
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (await get(http, "/api/order_parameters")).status_code != 200:
                await asyncio.sleep(0.1)  # until the loop has learnt what AEON.to takes
        placed = await post(http, "/api/new_order", {**order, "order_is_for_self": True})
        path = f"/api/orders/{placed.json()['order_id']}/payment_page"
        link = httpx.URL((await post(http, path, {})).json()["url"]).path
        assert (await get(http, link)).status_code == 200
        events = http.stream(
            "GET", f"{link}/events", headers=HOST, extensions={"sni_hostname": NAME}
        )
        async with asyncio.timeout(PATIENCE_SECONDS), events as stream:
            states = (
                json.loads(line.removeprefix("data: "))["state"]
                async for line in stream.aiter_lines()
                if line.startswith("data: ")
            )
            assert [await anext(states), await anext(states)] == ["preparing", "waiting"]

    logged = nginx.access_log.read_text()
    assert path in logged
    assert "/pay/" not in logged
