"""What processes tell each other: each has an object of its own here, and all of them one PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from app.runtime.background import running_beside
from app.runtime.db.notifications import Notifications
from tests.support.databases import run_alone

CHANNEL = "assay_of_the_test"
IDLE = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%assay_of_the_test%'"


@asynccontextmanager
async def a_process(url: str, *keys: str) -> AsyncIterator[tuple[Notifications, asyncio.Event]]:
    """Yield what a process tells by, and an event that tells of the keys; it is heard already."""
    notifications = Notifications(url)
    async with running_beside(notifications.listen(), "notifications"):
        with notifications.subscribed(CHANNEL, *keys) as news:
            await heard(news)
            news.clear()
            yield notifications, news


async def heard(news: asyncio.Event) -> None:
    async with asyncio.timeout(20):
        await news.wait()


async def test_one_process_hears_what_another_tells_and_by_key_what_is_about_it_alone(
    database_url: str,
) -> None:
    async with (
        a_process(database_url, "mine") as (_, about_mine),
        a_process(database_url) as (_, about_any),
        a_process(database_url) as (teller, _),
    ):
        teller.notify(CHANNEL, "another's")
        await heard(about_any)
        assert not about_mine.is_set()
        about_any.clear()
        teller.notify(CHANNEL, "mine")
        await heard(about_mine)
        await heard(about_any)
        about_mine.clear()
        teller.notify(CHANNEL)
        await heard(about_mine)


async def test_a_trigger_may_tell_too(database_url: str) -> None:
    async with a_process(database_url, "mine") as (_, news):
        await run_alone(database_url, f"SELECT pg_notify('{CHANNEL}', 'mine')")
        await heard(news)


async def test_own_subscribers_are_woken_at_once_and_without_a_database() -> None:
    alone = Notifications("postgresql://127.0.0.1:1/nowhere")
    with alone.subscribed(CHANNEL, "mine") as mine, alone.subscribed(CHANNEL, "theirs") as theirs:
        alone.notify(CHANNEL, "mine")
        assert (mine.is_set(), theirs.is_set(), alone.are_heard) == (True, False, False)
    mine.clear()
    alone.notify(CHANNEL)
    assert not mine.is_set()


async def test_whoever_waits_is_woken_when_the_connection_was_away(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.runtime.db.notifications._AGAIN_SECONDS", 0.01)
    async with a_process(database_url) as (listener, news):
        ended = IDLE.replace("count(*)", "pg_terminate_backend(pid)")
        await run_alone(database_url, f"{ended} AND pid <> pg_backend_pid()")
        await heard(news)
        assert listener.are_heard


async def test_behind_a_pooler_nothing_is_heard_and_own_subscribers_are_still_woken(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asyncpg.Connection, "get_server_pid", lambda _: 1)  # as a pooler greets
    notifications = Notifications(database_url)
    with notifications.subscribed(CHANNEL) as news:
        await notifications.listen()  # returns
        assert not notifications.are_heard
        notifications.notify(CHANNEL)
        assert news.is_set()


async def test_a_process_that_waits_for_nothing_opens_no_connection() -> None:
    notifications = Notifications("not a URL")
    async with running_beside(notifications.listen(), "notifications"):
        notifications.notify(CHANNEL)
        await asyncio.sleep(0)
        assert not notifications.are_heard
