"""Every request has an id, one log line and its place in the metrics."""

import re
from collections.abc import Iterator

import httpx
import pytest
from fastapi import FastAPI
from structlog.testing import capture_logs

from tests.support.cases import each_case
from tests.web.small_app import client_of, create_small_app

MADE = re.compile(r"[0-9a-f]{32}")


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with capture_logs():
        yield


async def get(path: str, **headers: str) -> httpx.Response:
    app = create_small_app(functions=["check_self_status"])
    async with client_of(app) as client:
        return await client.get(path, headers=headers)


def count(app: FastAPI, name: str, **labels: str) -> float | None:
    value: float | None = app.state.metrics.registry.get_sample_value(name, labels)
    return value


@each_case(
    "path",
    [
        "/api/pages",
        "/api/pages?limit=x",
        "/api/new_order",
        "/nowhere",
        "/fail/check_self_status",
        "/docs",
        "/static/docs.js",
        "/openapi.json",
    ],
)
async def test_every_answer_carries_one_id_and_no_two_the_same(path: str) -> None:
    first, second = await get(path), await get(path)
    assert len(first.headers.get_list("X-Request-ID")) == 1
    assert MADE.fullmatch(first.headers["X-Request-ID"])
    assert first.headers["X-Request-ID"] != second.headers["X-Request-ID"]


@each_case("sent", ["a", "x" * 64, "Trace-01.part_2"])
async def test_a_well_formed_id_is_kept(sent: str) -> None:
    answer = await get("/nowhere", **{"X-Request-ID": sent})
    assert answer.headers["X-Request-ID"] == sent
    assert answer.json()["request_id"] == sent


@each_case("sent", ["", "x" * 65, "a b", 'a"b', "a\\b", "<b>", "a/b", "a%0a"])
async def test_a_malformed_id_is_replaced(sent: str) -> None:
    answer = await get("/nowhere", **{"X-Request-ID": sent})
    assert MADE.fullmatch(answer.headers["X-Request-ID"])


async def test_each_request_is_one_line_with_its_template() -> None:
    app = create_small_app()
    async with client_of(app) as client:
        with capture_logs() as logs:
            await client.get("/api/pages?limit=7&key=cAnArY")
            await client.get("/static/docs.js")
            await client.delete("/api/pages", headers={"X-API-KEY": "cAnArY"})
    lines = [(line["method"], line["route"], line["status"]) for line in logs]
    assert lines == [
        ("GET", "/api/pages", 200),
        ("GET", "/static/{path}", 200),
        ("DELETE", "/api/pages", 403),
    ]
    assert all(line["milliseconds"] >= 0 for line in logs)
    assert "cAnArY" not in str(logs)


async def test_a_path_that_matches_nothing_is_logged_without_its_codes() -> None:
    app = create_small_app()
    async with client_of(app) as client:
        with capture_logs() as logs:
            await client.get("/api/access_codes/Ab12Ab12Ab12Ab12/creditz?x=cAnArY")
            await client.get("/" + "a/" * 5000)
    assert logs[0]["route"] == "unmatched"
    assert logs[0]["path"] == "/api/access_codes/Ab12…/creditz"
    assert len(logs[1]["path"]) == 200


async def test_requests_are_counted_by_template_and_strange_methods_together() -> None:
    app = create_small_app(functions=["check_self_status"])
    async with client_of(app) as client:
        for limit in range(1, 4):
            await client.get(f"/api/pages?limit={limit}")
        for number in range(3):
            await client.get(f"/nowhere/{number}")
            await client.request(f"BREW{number}", "/api/pages")
        await client.get("/fail/check_self_status")
    requests = "assay_http_requests_total"
    assert count(app, requests, method="GET", route="/api/pages", status="200") == 3
    assert count(app, requests, method="GET", route="unmatched", status="404") == 3
    assert count(app, requests, method="other", route="/api/pages", status="405") == 3
    assert count(app, requests, method="GET", route="/fail/check_self_status", status="500") == 1
    assert count(app, "assay_http_request_seconds_count", route="/api/pages") == 6


async def test_each_application_counts_for_itself_and_renders_text() -> None:
    counted, fresh = create_small_app(), create_small_app()
    async with client_of(counted) as client:
        await client.get("/api/pages")
    text, content_type = counted.state.metrics.render()
    assert content_type.startswith("text/plain")
    assert b'assay_http_requests_total{method="GET",route="/api/pages",status="200"} 1.0' in text
    assert b"route=" not in fresh.state.metrics.render()[0]
