"""The stream of a payment page over a real socket: what it sends, when it ends, and its limits."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Any, Final

import httpx
import pytest
from starlette.types import Message, Receive, Scope, Send

from app.orders.models import Order
from app.orders.payment_page import links
from app.runtime.db.engine import Database
from app.runtime.errors import DatabaseBusy
from app.runtime.observability.metrics import Metrics
from app.runtime.observability.request_id import STREAM_BEGAN, RequestIdMiddleware
from app.web.event_stream import OpenStreams, ServerSentEvent
from tests.support.bitcoin_orders import BitcoinOrder, output
from tests.support.people import ACTOR, make_user
from tests.support.server import Served, serve_application

AWAITED_SECONDS: Final = 20.0


@pytest.fixture
async def served(
    committed_database: Database, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Served]:
    """A server that looks at open pages often."""
    monkeypatch.setattr("app.worker.run._PAYMENT_PAGES_REST_SECONDS", 0.02)
    async with serve_application(committed_database) as served:
        yield served


@pytest.fixture
async def order(served: Served) -> BitcoinOrder:
    buyer = await make_user(served.database, served.clock.now())
    return await BitcoinOrder.place(served.database, served.clock, buyer)


async def link_to(served: Served, order: BitcoinOrder, seconds: int = 3600) -> str:
    """Return the URL of a new link, made as the endpoint makes it."""
    async with served.database.sessions() as session, session.begin():
        buyer_id = (await session.get_one(Order, order.id)).buyer_id
        link = await links.create(
            session,
            order.id,
            account_id=buyer_id,
            return_url=None,
            lasts=timedelta(seconds=seconds),
            actor=ACTOR,
            now=served.clock.now(),
        )
    return f"{served.base_url}/pay/{link.token}"


@asynccontextmanager
async def following(url: str) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
    """Open the stream of a page; yields what it sends, event by event."""

    async def views(answer: httpx.Response) -> AsyncIterator[dict[str, Any]]:
        async for line in answer.aiter_lines():
            if line.startswith("data: "):
                yield json.loads(line.removeprefix("data: "))

    async with (
        asyncio.timeout(AWAITED_SECONDS),
        httpx.AsyncClient(trust_env=False, timeout=AWAITED_SECONDS) as http,
        http.stream("GET", f"{url}/events") as answer,
    ):
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Accel-Buffering"] == "no"
        yield views(answer)


async def test_a_stream_sends_what_the_page_shows_whenever_it_changes_and_ends_with_the_credits(
    served: Served, order: BitcoinOrder
) -> None:
    async with following(await link_to(served, order)) as views:
        sent = [await anext(views)]
        for arrivals in ((output(confirmations=0),), (output(confirmations=1),), (output(),)):
            await order.shown(*arrivals)
            sent.append(await anext(views))
        rest = [view async for view in views]

    assert [view["state"] for view in sent] == ["waiting", "seen", "confirming", "credited"]
    assert [view["is_live"] for view in sent] == [True, True, True, False]
    assert "bitcoin:bc1q" in sent[0]["html"]
    assert "1 of 2" in sent[2]["html"]
    assert "Receipt of payment" in sent[3]["html"]
    assert rest == []


async def test_an_open_page_lets_its_order_be_looked_at_sooner(
    served: Served, order: BitcoinOrder
) -> None:
    hints = served.app.state.resources.poll_hints
    async with following(await link_to(served, order)) as views:
        await anext(views)
        async with asyncio.timeout(AWAITED_SECONDS):
            while order.id not in hints._asked:
                await asyncio.sleep(0.01)


async def test_a_link_that_is_over_has_no_stream_and_an_open_stream_ends_with_it(
    served: Served, order: BitcoinOrder
) -> None:
    url = await link_to(served, order, seconds=600)
    async with following(url) as views:
        await anext(views)
        served.clock.advance(600)
        await order.shown(output(confirmations=0))
        assert [view async for view in views] == []
    async with httpx.AsyncClient(trust_env=False) as http:
        over = await http.get(f"{url}/events")
    assert (over.status_code, over.json()["code"]) == (404, "not_found")


async def test_a_head_of_a_stream_is_answered_at_once(served: Served, order: BitcoinOrder) -> None:
    url = await link_to(served, order)
    async with httpx.AsyncClient(trust_env=False, timeout=AWAITED_SECONDS) as http:
        answer = await http.head(f"{url}/events")
    assert (answer.status_code, answer.content) == (200, b"")


async def test_an_order_has_so_many_streams_and_one_more_is_told_to_come_again(
    served: Served, order: BitcoinOrder
) -> None:
    served.app.state.streams = OpenStreams(most=500, most_of_one=1)
    url = await link_to(served, order)
    async with following(url) as views:
        await anext(views)
        async with httpx.AsyncClient(trust_env=False) as http:
            refused = await http.get(f"{url}/events")
            page = await http.get(url)
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
    assert page.status_code == 200, "the page itself is there all the same"
    async with following(url) as views:
        assert (await anext(views))["state"] == "waiting"


async def test_a_process_that_stops_ends_its_streams_before_it_waits_for_requests(
    committed_database: Database,
) -> None:
    async with AsyncExitStack() as running:
        served = await running.enter_async_context(serve_application(committed_database))
        buyer = await make_user(served.database, served.clock.now())
        order = await BitcoinOrder.place(served.database, served.clock, buyer)
        async with following(await link_to(served, order)) as views:
            await anext(views)
            await running.aclose()
            assert [view async for view in views] == [], "ended, not cut off"


# Without a server


def test_streams_are_counted_while_they_are_open_in_all_and_about_one_thing() -> None:
    streams = OpenStreams(most=2, most_of_one=1)
    with streams.one("a", asyncio.Event()):
        with pytest.raises(DatabaseBusy):
            streams.admit("a")
        with streams.one("b", asyncio.Event()), pytest.raises(DatabaseBusy):
            streams.admit("c")
        streams.admit("c")
    streams.admit("a")
    streams.end()
    with pytest.raises(DatabaseBusy):
        streams.admit("a")


def test_an_event_is_written_as_its_standard_says() -> None:
    assert ServerSentEvent("view", "{}").written() == "event: view\ndata: {}\n\n"
    numbered = ServerSentEvent("view", "{}", id="7")
    assert numbered.written() == "event: view\nid: 7\ndata: {}\n\n"


async def test_of_a_stream_the_time_until_it_began_is_measured() -> None:
    metrics, seconds = Metrics(), iter((10.0, 910.0))

    async def stream(scope: Scope, _receive: Receive, send: Send) -> None:
        scope["state"][STREAM_BEGAN] = 10.25
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(_message: Message) -> None:
        pass

    scope = {"type": "http", "method": "GET", "path": "/x", "headers": []}
    app = RequestIdMiddleware(stream, metrics=metrics, seconds=lambda: next(seconds))
    await app(scope, receive, send)

    text, _ = metrics.render()
    assert 'assay_http_request_seconds_sum{route="unmatched"} 0.25' in str(text)
