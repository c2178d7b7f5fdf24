"""The stream of events over a real socket: its order, its data, waiting for it, and following it."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any, Final

import httpx
import pytest

from app.assessments.providers.base import FailureReason, ProviderFailed
from app.orders.rules.settlement import Verified
from app.runtime.db.engine import Database, create_database
from app.web.event_stream import OpenStreams
from tests.api import problems
from tests.api.asking import refusal
from tests.support.bitcoin_orders import BitcoinOrder, output
from tests.support.orders import OneOrder
from tests.support.people import Person, give_credits, make_access_code, make_user
from tests.support.server import Served, serve_application

AWAITED_SECONDS: Final = 20.0
QUESTION: Final = {
    "assessment_type": "address",
    "address": "12Cyjf3qV6qLyXdzpLSLPdRFPUVidvnzFM",
    "currency": "BTC",
    "fresh": True,
}
Event = dict[str, Any]


@pytest.fixture
async def served(committed_database: Database) -> AsyncIterator[Served]:
    async with serve_application(committed_database) as served:
        yield served


@pytest.fixture
async def user(served: Served) -> Person:
    return await make_user(served.database, served.clock.now(), credits_given=10)


class Client:
    """Asks a server as one account."""

    def __init__(self, served: Served, headers: Mapping[str, str]) -> None:
        self.http = httpx.AsyncClient(
            base_url=served.base_url,
            headers=dict(headers),
            trust_env=False,
            timeout=AWAITED_SECONDS,
        )

    async def get(self, path: str, **query: object) -> httpx.Response:
        return await self.http.get(f"/api/{path}", params=query)  # type: ignore[arg-type]

    async def post(self, path: str, body: object) -> httpx.Response:
        answer = await self.http.post(f"/api/{path}", json=body)
        assert answer.status_code in {200, 201}, answer.text
        return answer

    async def events(self, **query: object) -> list[Event]:
        """Return a whole stream, page by page."""
        events: list[Event] = []
        after = 0
        while True:
            answer = await self.get("events", after=after, limit=7, **query)
            assert answer.status_code == 200, answer.text
            page = answer.json()
            events += page["items"]
            if page["next_after"] == after:
                return events
            after = page["next_after"]

    @asynccontextmanager
    async def following(
        self, last_id: int | None = None, **query: object
    ) -> AsyncIterator[AsyncIterator[Event]]:
        """Follow the stream; yields what it sends, event by event."""
        headers = {} if last_id is None else {"Last-Event-ID": str(last_id)}

        async def sent(answer: httpx.Response) -> AsyncIterator[Event]:
            fields: dict[str, str] = {}
            async for line in answer.aiter_lines():
                name, _, value = line.partition(": ")
                fields[name] = value
                if not line and "data" in fields:
                    event: Event = json.loads(fields["data"])
                    assert fields["id"] == str(event["sequence"])
                    assert fields["event"] == event["type"]
                    fields.clear()
                    yield event

        async with (
            asyncio.timeout(AWAITED_SECONDS),
            self.http.stream(
                "GET",
                "/api/events/stream",
                params=query,  # type: ignore[arg-type]
                headers=headers,
            ) as answer,
        ):
            assert answer.status_code == 200, await answer.aread()
            assert answer.headers["Content-Type"] == "text/event-stream; charset=utf-8"
            assert answer.headers["Cache-Control"] == "no-store"
            yield sent(answer)


@pytest.fixture
async def client_of(served: Served) -> AsyncIterator[Callable[[Mapping[str, str]], Client]]:
    """Make clients, and close them."""
    clients: list[Client] = []

    def make(headers: Mapping[str, str]) -> Client:
        clients.append(Client(served, headers))
        return clients[-1]

    yield make
    for client in clients:
        await client.http.aclose()


Clients = Callable[[Mapping[str, str]], Client]


def told(events: list[Event], *types: str) -> list[tuple[str, str | None, str]]:
    """Return the type of each event, and the status before and after it."""
    return [
        (event["type"], event["previous_status"], event["data"]["status"])
        for event in events
        if event["type"].startswith(types)
    ]


async def test_the_life_of_an_order_is_told_to_all_who_may_see_it_as_the_api_shows_it(
    served: Served, user: Person, client_of: Clients
) -> None:
    buyer = await make_user(served.database, served.clock.now())
    code = await make_access_code(served.database, user, served.clock.now())
    clients = [client_of(person.headers) for person in (buyer, code, user)]
    order = await OneOrder.place(served.database, served.clock, buyer, access_code=code.access_code)
    shown = [(await clients[0].get(f"orders/{order.id}")).json()]
    settled = Verified("a" * 64, (0,), 1)
    await order.created("UNPAID", remaining_amount_incoming=Decimal("14.5"))
    shown.append((await clients[0].get(f"orders/{order.id}")).json())
    for state, facts in (
        ("UNPAID", {"remaining_amount_incoming": Decimal("14.5")}),
        ("UNDERPAID", {"remaining_amount_incoming": Decimal("4.5")}),
        ("UNDERPAID", {"remaining_amount_incoming": Decimal("2.5")}),
        ("PAID", {}),
        ("BTC_SENT", {"btc_transaction_id": "a" * 64, "settlement": settled}),
    ):
        await order.reported(state, **facts)
        shown.append((await clients[0].get(f"orders/{order.id}")).json())
    del shown[2]  # nothing had changed

    for client in clients:
        events = [one for one in await client.events() if one["type"].startswith("order.")]
        assert told(events, "order.") == [
            ("order.updated", None, "TO_BE_CREATED"),
            ("order.updated", "TO_BE_CREATED", "UNPAID"),
            ("order.updated", "UNPAID", "UNDERPAID"),
            ("order.updated", "UNDERPAID", "UNDERPAID"),
            ("order.updated", "UNDERPAID", "PAID"),
            ("order.updated", "PAID", "BTC_SENT"),
            ("order.credited", "PAID", "BTC_SENT"),
        ]
        assert [event["data"] for event in events] == [*shown, shown[-1]]
    moved = [one["data"] for one in await clients[1].events() if one["type"] == "credits.moved"]
    assert moved == (await clients[1].get("ledger")).json()["items"]
    assert await clients[2].events(access_code=code.access_code) == await clients[1].events()


async def test_each_sight_of_a_payment_in_bitcoin_is_told_and_no_look_that_shows_nothing_new(
    served: Served, user: Person, client_of: Clients
) -> None:
    client = client_of(user.headers)
    order = await BitcoinOrder.place(served.database, served.clock, user)
    shown = [(await client.get(f"orders/{order.id}")).json()]
    for arrivals in ((), (output(confirmations=0),), (output(confirmations=0),), (output(),)):
        await order.shown(*arrivals)
        shown.append((await client.get(f"orders/{order.id}")).json())

    events = [one for one in await client.events() if one["type"].startswith("order.")]

    assert told(events, "order.") == [
        ("order.updated", None, "UNPAID"),
        ("order.updated", "UNPAID", "PAID_UNCONFIRMED"),
        ("order.updated", "PAID_UNCONFIRMED", "PAID"),
        ("order.credited", "PAID_UNCONFIRMED", "PAID"),
    ]
    assert [event["data"] for event in events] == [shown[0], shown[2], shown[4], shown[4]]


async def test_assessments_codes_keys_and_credits_are_told_as_the_api_shows_them(
    served: Served, user: Person, client_of: Clients
) -> None:
    client = client_of(user.headers)
    made = (await client.post("access_codes", {"credits": 3})).json()
    code = {"access_code": made["access_code"]}
    key = (await client.post("api_keys", {**code, "name": "till"})).json()
    child = client_of({"X-API-KEY": key["api_key"]})
    inner = (await child.post("api_keys", {})).json()
    asked = await client.post("create_new_assessment_for_access_code", {**code, **QUESTION})
    served.clock.advance(1.5)
    await client.http.delete(f"/api/api_keys/{key['prefix']}")
    keys = (await client.get("api_keys", **code)).json()["items"]
    closed = (await client.post(f"access_codes/{made['access_code']}/deactivate", {})).json()
    closed.pop("credits_returned")

    of_code = await client.events(**code)
    own = await client.events()

    assessment = (await client.get(f"assessments/{asked.json()['assessment_id']}")).json()
    told_of_code = [(one["type"], one["previous_status"]) for one in of_code]
    assert told_of_code == [
        ("credits.moved", None),
        ("access_code.updated", None),
        ("key.created", None),
        ("key.created", None),
        ("credits.moved", None),
        ("assessment.ready", "pending"),
        ("key.revoked", None),
        ("key.revoked", None),
        ("credits.moved", None),
        ("access_code.updated", "Active"),
    ]
    data = {one["type"]: one["data"] for one in of_code}
    assert data["assessment.ready"] == assessment
    assert data["access_code.updated"] == closed
    revoked = [one["data"] for one in of_code if one["type"] == "key.revoked"]
    by_prefix = {one["prefix"]: one for one in keys}
    assert {one["prefix"] for one in revoked} == {key["prefix"], inner["prefix"]}
    for one in revoked:
        assert one == {**by_prefix[one["prefix"]], "last_used_at": one["last_used_at"]}
    moved = [one["data"] for one in reversed(of_code) if one["type"] == "credits.moved"]
    assert moved == (await client.get("ledger", **code)).json()["items"]
    # The issuer is told of what is its codes', but for their credits: a ledger is of one account.
    shared = [one["data"] for one in of_code if one["type"] != "credits.moved"]
    assert [one["data"] for one in own if one["data"] in shared] == shared
    mine = [one["data"]["credits"] for one in own if one["type"] == "credits.moved"]
    assert mine == [10, -3, 2]


async def test_a_question_that_fails_is_told_with_its_refund(
    served: Served, user: Person, client_of: Clients
) -> None:
    client = client_of(user.headers)
    [provider] = served.app.state.resources.assessments.ensemble._providers.values()
    provider.raises = ProviderFailed(FailureReason.BROKEN)
    await client.http.post("/api/create_new_assessment", json=QUESTION)

    *_, debit, failed, refund = await client.events()

    assert [debit["data"]["credits"], refund["data"]["credits"]] == [-1, 1]
    assert (failed["type"], failed["previous_status"]) == ("assessment.failed", "pending")
    shown = await client.get(f"assessments/{failed['data']['assessment_id']}")
    assert failed["data"] == shown.json()


async def test_what_happens_at_once_leaves_no_gap_and_the_credits_add_up(
    served: Served, user: Person, client_of: Clients
) -> None:
    client = client_of(user.headers)
    codes = [(await client.post("access_codes", {})).json()["access_code"] for _ in range(2)]
    order = {
        "number_of_credits": 10,
        "payment_coin": "Aeon",
        "payment_network": "AEON",
        "order_is_for_self": False,
    }
    async with asyncio.TaskGroup() as group:
        for code in codes * 2:
            group.create_task(client.post(f"access_codes/{code}/credits", {"credits": 1}))
            group.create_task(client.post("new_order", {**order, "access_code": code}))
            group.create_task(client.post("create_new_assessment", QUESTION))
            group.create_task(client.post("api_keys", {"access_code": code}))
    for query in ({}, *({"access_code": code} for code in codes)):
        events = await client.events(**query)
        assert [one["sequence"] for one in events] == list(range(1, len(events) + 1))
        moved = [one["data"] for one in events if one["type"] == "credits.moved"]
        assert sum(one["credits"] for one in moved) == moved[-1]["balance_after"]
        orders = [one["data"]["order_id"] for one in events if one["type"] == "order.updated"]
        assert len(orders) == len(set(orders)) == (2 if query else 4)


async def test_a_wait_ends_with_the_first_event_by_its_notification_and_holds_no_connection(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = create_database(database_url, pool_size=1)
    async with serve_application(database) as served:
        person = await make_user(database, served.clock.now())
        client = Client(served, person.headers)
        notifications = served.app.state.resources.notifications
        monkeypatch.setattr("app.accounts.event_router._LOOK_SECONDS", 0.02)  # until it is heard
        monkeypatch.setattr("app.accounts.event_router._LOOK_WHILE_HEARING_SECONDS", 1000.0)
        async with asyncio.timeout(AWAITED_SECONDS), asyncio.TaskGroup() as group:
            for amount in (1, 2):
                last = (await client.events())[-1]["sequence"]
                waiting = group.create_task(client.get("events", after=last, wait_seconds=30))
                while not (notifications.are_heard and notifications._awaited):
                    await asyncio.sleep(0.01)
                assert (await client.get("check_self_status")).status_code == 200
                await give_credits(database, person.account_id, amount, served.clock.now())
                page = (await waiting).json()
                assert [one["data"]["credits"] for one in page["items"]] == [amount]
                assert page["next_after"] == last + 1
        await client.http.aclose()
    await database.dispose()


async def test_a_wait_without_an_event_ends_in_time_and_where_nothing_is_heard_it_looks_again(
    served: Served, user: Person, client_of: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = client_of(user.headers)
    last = (await client.events())[-1]["sequence"]
    nothing = await client.get("events", after=last, wait_seconds=1)
    assert nothing.json() == {"items": [], "next_after": last}
    monkeypatch.setattr("app.accounts.event_router._LOOK_SECONDS", 0.02)
    monkeypatch.setattr(
        "app.runtime.db.notifications.Notifications.are_heard", property(lambda _: False)
    )
    monkeypatch.setattr("app.runtime.db.notifications.Notifications.wake", lambda *_: None)
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(client.get("events", after=last, wait_seconds=30))
        await client.post("create_new_assessment", QUESTION)
    assert len(waiting.result().json()["items"]) >= 1


async def test_a_stream_sends_what_the_pages_have_and_goes_on_after_the_last_event_id(
    served: Served, user: Person, client_of: Clients
) -> None:
    client = client_of(user.headers)
    await client.post("create_new_assessment", QUESTION)
    pages = await client.events()
    async with client.following() as events:
        sent = [await anext(events) for _ in pages]
        assert sent == pages
        await client.post("create_new_assessment", QUESTION)
        sent += [await anext(events), await anext(events)]
    pages = await client.events()
    assert sent == pages
    for last_id, after, begin in ((3, 0, 3), (1, 4, 1), (None, 4, 4)):
        async with client.following(last_id, after=after) as events:
            assert await anext(events) == pages[begin]
    refused = await client.http.get("/api/events/stream", headers={"Last-Event-ID": "x"})
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_parameter")
    assert "Last-Event-ID must be a whole number" in refused.json()["detail"]


async def test_a_stream_ends_when_its_key_is_revoked_and_shows_nothing_of_later(
    served: Served, user: Person, client_of: Clients
) -> None:
    client = client_of(user.headers)
    key = (await client.post("api_keys", {})).json()
    follower = client_of({"X-API-KEY": key["api_key"]})
    known = len(await client.events())
    async with follower.following() as events:
        for _ in range(known):
            await anext(events)
        await client.http.delete(f"/api/api_keys/{key['prefix']}")
        assert [event async for event in events] == []


async def test_a_wait_is_refused_when_its_key_is_revoked_meanwhile(
    served: Served, user: Person, client_of: Clients
) -> None:
    client = client_of(user.headers)
    key = (await client.post("api_keys", {})).json()
    last = (await client.events())[-1]["sequence"]
    waiter = client_of({"X-API-KEY": key["api_key"]})
    streams: OpenStreams = served.app.state.streams
    async with asyncio.timeout(AWAITED_SECONDS), asyncio.TaskGroup() as group:
        waiting = group.create_task(waiter.get("events", after=last, wait_seconds=30))
        while not streams._wakers:
            await asyncio.sleep(0.01)
        await client.http.delete(f"/api/api_keys/{key['prefix']}")
    assert refusal(waiting.result()) == problems.INVALID_API_KEY


async def test_streams_and_waits_end_when_the_process_stops(committed_database: Database) -> None:
    person = None
    async with serve_application(committed_database) as served:
        person = await make_user(served.database, served.clock.now())
        client = Client(served, person.headers)
        last = (await client.events())[-1]["sequence"]
        waiting = asyncio.create_task(client.get("events", after=last, wait_seconds=30))
        following = asyncio.create_task(client.get("events/stream"))
        streams: OpenStreams = served.app.state.streams
        async with asyncio.timeout(AWAITED_SECONDS):
            while len(streams._wakers) < 2:
                await asyncio.sleep(0.01)
    async with asyncio.timeout(AWAITED_SECONDS):
        assert (await waiting).json() == {"items": [], "next_after": last}
        assert '"type":"key.created"' in (await following).text
    await client.http.aclose()


async def test_one_account_has_only_so_many_waiting_requests_and_a_process_too(
    served: Served, user: Person, client_of: Clients
) -> None:
    other = await make_user(served.database, served.clock.now())
    client, stranger = client_of(user.headers), client_of(other.headers)
    served.app.state.streams = OpenStreams(most=2, most_of_one=1)
    async with client.following() as first:
        await anext(first)
        for refused in (
            await client.get("events/stream"),
            await client.get("events", after=10_000, wait_seconds=30),
        ):
            assert refusal(refused) == problems.TOO_MANY_STREAMS
            assert int(refused.headers["Retry-After"]) > 0
        assert (await client.get("events")).status_code == 200
        async with stranger.following() as second:
            await anext(second)
            third = await make_user(served.database, served.clock.now())
            busy = await client_of(third.headers).get("events/stream")
            assert (busy.status_code, busy.json()["code"]) == (503, "busy")


async def test_a_key_reads_the_events_of_what_its_scopes_let_it_read(
    served: Served, user: Person, client_of: Clients
) -> None:
    client = client_of(user.headers)
    await client.post("access_codes", {"credits": 1})
    await client.post("create_new_assessment", QUESTION)
    for scope, families in (
        ("orders:read", {"credits"}),
        ("assessments:read", {"assessment"}),
        ("codes", {"access_code"}),
        ("keys", {"key"}),
    ):
        key = (await client.post("api_keys", {"scopes": [scope], "read_only": True})).json()
        reader = client_of({"X-API-KEY": key["api_key"]})
        seen = await reader.events()
        assert {one["type"].split(".")[0] for one in seen} == families, scope
        everything = await client.events()
        assert seen == [one for one in everything if one["type"].split(".")[0] in families]
        async with reader.following() as events:
            assert await anext(events) == seen[0]
    for scope in ("orders:write", "assessments:write", "webhooks"):
        key = (await client.post("api_keys", {"scopes": [scope]})).json()
        refused = await client_of({"X-API-KEY": key["api_key"]}).get("events")
        assert (refused.status_code, refused.json()["code"]) == (403, "missing_scope")
