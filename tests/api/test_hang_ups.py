"""Clients that hang up in the middle: nothing of theirs stays behind."""

import asyncio
import json
import random
from typing import Final

from sqlalchemy import text
from structlog.testing import capture_logs

from app import audit
from app.runtime.db.engine import Database
from tests.support.databases import connect
from tests.support.load import ORDER
from tests.support.people import make_access_code, make_user
from tests.support.server import serve_application

REQUESTS: Final = 300
AT_ONCE: Final = 40

_LEFT_OVER: Final = """
    SELECT count(*) FROM pg_stat_activity
    WHERE application_name = 'assay' AND datname = current_database() AND state <> 'idle'"""
_LOCKS: Final = """
    SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)
    WHERE application_name = 'assay' AND datname = current_database()"""


async def test_clients_that_hang_up_leave_no_connection_and_no_lock(
    committed_database: Database, database_url: str
) -> None:
    chance = random.Random(7)  # noqa: S311  a test repeats itself
    gate = asyncio.Semaphore(AT_ONCE)
    with capture_logs():
        async with serve_application(committed_database) as served:
            now = served.clock.now()
            user = await make_user(committed_database, now)
            code = await make_access_code(committed_database, user, now, credits_given=REQUESTS)
            question = {
                "access_code": code.access_code,
                "assessment_type": "address",
                "address": "12Cyjf3qV6qLyXdzpLSLPdRFPUVidvnzFM",
                "currency": "BTC",
                "fresh": True,
            }
            calls = (
                ("new_order", ORDER),
                ("create_new_assessment_for_access_code", question),
                ("check_access_code_status", {"access_code": code.access_code}),
            )

            async def hang_up(number: int) -> None:
                path, body = calls[number % len(calls)]
                content = json.dumps(body)
                async with gate:
                    _, writer = await asyncio.open_connection("127.0.0.1", served.port)
                    writer.write(
                        f"POST /api/{path} HTTP/1.1\r\nHost: assay.test\r\n"
                        f"X-API-KEY: {user.api_key}\r\nContent-Type: application/json\r\n"
                        f"Content-Length: {len(content)}\r\n\r\n{content}".encode()
                    )
                    await asyncio.sleep(chance.uniform(0.005, 0.05))
                    writer.transport.abort()

            await asyncio.gather(*(hang_up(number) for number in range(REQUESTS)))
            pool = committed_database.engine.pool
            async with asyncio.timeout(60):
                while pool.checkedout():  # type: ignore[attr-defined]
                    await asyncio.sleep(0.01)
    watcher = await connect(database_url)
    assert await watcher.fetchval(_LEFT_OVER) == 0
    assert await watcher.fetchval(_LOCKS) == 0
    await watcher.close()
    async with committed_database.reading() as connection:
        assert await audit.breaches(connection) == []
        made = await connection.execute(text("SELECT count(*) FROM assessments"))
        assert made.scalar_one() > 0
