"""Scenarios in which callers race, repeat themselves, or hang up: R06, R07, R19, R20, R29."""

import asyncio
import json
from collections import Counter
from typing import Final

import httpx

from tests.chaos.callers import CREDITS, Outcome, Purchase, order_of
from tests.chaos.deployment import Replica
from tests.chaos.stage import Stage, on_stage
from tests.chaos.verdict import Verdict
from tests.support.people import give_credits
from tests.support.processes import Process

_SLOW_SETTLE: Final = (
    """CREATE FUNCTION slow_settle() RETURNS trigger LANGUAGE plpgsql AS
       $$ BEGIN PERFORM pg_sleep(0.2); RETURN NEW; END $$""",
    """CREATE TRIGGER slow_settle BEFORE UPDATE ON assessments
       FOR EACH ROW EXECUTE FUNCTION slow_settle()""",
)
_TAKEN_OVER_SECONDS: Final = 60.0
# A question that never arrived is asked again when nobody has tried it for 30 seconds.
_VENDOR_ASKED_AGAIN_SECONDS: Final = 180.0
_VENDOR_FAULTS: Final = (
    {"kind": "timeout", "when": "after", "seconds": 12},
    {"kind": "drop", "when": "before"},
    {"kind": "drop", "when": "after"},
    {"kind": "500", "when": "before"},
    {"kind": "500", "when": "after"},
    {"kind": "400", "when": "before"},
)
_ASK_AGAIN_SECONDS: Final = 0.1
_POOL: Final = 10


async def more_spends_than_credits(seed: int, repetitions: int = 100) -> Verdict:
    """R06, G11: 200 parallel spends of 10 credits over three replicas; exactly 10 succeed."""
    busy = 0
    async with on_stage(seed) as stage:
        for _ in range(repetitions):
            await _fill(stage, CREDITS)
            calls = await asyncio.gather(*(stage.callers.assess() for _ in range(200)))
            statuses = Counter(call.status for call in calls)
            busy += statuses[503]
            # A 503 of a busy replica is unknown: it has spent a credit, or has not.
            stage.expect(
                set(statuses) <= {201, 402, 503}
                and statuses[201] <= CREDITS <= statuses[201] + statuses[503],
                f"answered {dict(statuses)}",
            )
        return await stage.verdict("R06", repetitions=str(repetitions), busy_503=str(busy))


async def one_key_many_times(seed: int, repetitions: int = 100) -> Verdict:
    """R07, G11: 50 parallel orders under one key are one order; another body is refused."""
    busy = 0
    async with on_stage(seed) as stage:
        callers = stage.callers
        for number in range(repetitions):
            purchase = Purchase(f"same-{number}")
            callers.purchases.append(purchase)
            calls = await asyncio.gather(*(callers.send(purchase) for _ in range(50)))
            statuses = Counter(call.status for call in calls)
            busy += statuses[503]
            stage.expect(
                set(statuses) <= {201, 409, 503} and statuses[201] > 0,
                f"answered {dict(statuses)}",
            )
            other = await callers.call("new_order", order_of(CREDITS + 1), key=purchase.key)
            stage.expect(other.status == 422, f"another body got {other.status}")
        await stage.upstream.press("auto", enabled=True, step_seconds=0.5)
        return await stage.verdict("R07", repetitions=str(repetitions), busy_503=str(busy))


async def killed_while_assessing(seed: int, kills: int = 25, faults: int = 50) -> Verdict:
    """R19: the vendor fails in every way, and replicas die before they have kept its answer.

    The vendor has at most one question for each assessment: nothing is paid for twice.
    """
    async with on_stage(
        seed,
        credits_given=10_000,
        ASSAY_RISK_PROVIDER="crystal",
        ASSAY_CRYSTAL_API_KEY="a-key",
    ) as stage:
        for fault in _VENDOR_FAULTS:
            await stage.upstream.fault(
                **fault, source="crystal", endpoint="tx_add", times=faults, p=0.3
            )
        async with stage.deployment.database.sessions() as session, session.begin():
            connection = await session.connection()
            for statement in _SLOW_SETTLE:
                await connection.exec_driver_sql(statement)
        spending = asyncio.create_task(_spend_on(stage, rest_seconds=0.1))
        for _ in range(kills):
            await asyncio.sleep(stage.chance.uniform(0.1, 0.5))
            await stage.breaker.kill()
        spending.cancel()
        await stage.breaker.make_peace()
        pending = await _pending_after(stage, _VENDOR_ASKED_AGAIN_SECONDS)
        stage.expect(pending == 0, f"{pending} assessments are stuck")
        calls = await _paid_calls(stage)
        twice = sum(count - 1 for count in calls.values())
        stage.expect(twice == 0, f"the vendor was paid {twice} times too often")
        answered = await _ids(stage, "ready")
        stage.expect(answered <= set(calls), "an answer came from nowhere")
        refunded = await _ids(stage, "failed")
        stage.expect(not refunded & set(calls), "what the vendor answered was refunded")
        return await stage.verdict("R19", paid_calls=str(len(calls)), **await _spent(stage))


async def _paid_calls(stage: Stage) -> Counter[str]:
    """Count what the vendor was asked, by the assessment."""
    shown = await stage.upstream.look("vendors")
    return Counter(one["customer"]["name"] for one in shown["crystal"]["transfers"])


async def _ids(stage: Stage, status: str) -> set[str]:
    rows = await stage.deployment.query(
        "SELECT id FROM assessments WHERE status = :status", status=status
    )
    return {row.id for row in rows}


async def hung_up(seed: int, requests: int = 1000) -> Verdict:
    """R20: a thousand requests whose caller hangs up after 5 to 50 ms."""
    async with on_stage(seed, credits_given=requests) as stage:
        most = 0
        for _ in range(requests // 20):
            await asyncio.gather(*(_hang_up(stage) for _ in range(20)))
            sessions = await stage.deployment.query(
                "SELECT count(*) AS n FROM pg_stat_activity"
                " WHERE application_name = 'assay' AND datname = current_database()"
            )
            most = max(most, sessions[0].n)
        # Each replica has one for its jobs, too; the last pool is ours.
        allowed = len(stage.deployment.replicas) * (_POOL + 1) + _POOL
        stage.expect(most <= allowed, f"{most} connections, at most {allowed} are pooled")
        pending = await _pending_after(stage, _TAKEN_OVER_SECONDS)
        stage.expect(pending == 0, f"{pending} assessments are stuck")
        held = await stage.deployment.query(
            "SELECT count(*) AS n FROM pg_locks l JOIN pg_stat_activity a USING (pid)"
            " WHERE a.state LIKE 'idle%' AND l.locktype <> 'virtualxid'"
        )
        stage.expect(held[0].n == 0, f"{held[0].n} locks are held by idle sessions")
        return await stage.verdict("R20", connections=f"{most} at most", **await _spent(stage))


async def rolling_restart(seed: int) -> Verdict:
    """R29, G6: each replica gets a SIGTERM under 50 requests a second; `assay migrate` runs too."""
    async with on_stage(seed) as stage:
        await stage.upstream.press("auto", enabled=True, step_seconds=0.5)
        load = asyncio.create_task(_load(stage))
        slowest = 0.0
        migrate = Process(
            "migrate", folder=stage.deployment.postgres.folder.parent, **stage.deployment.settings
        )
        for replica in stage.deployment.replicas:
            await asyncio.sleep(2)
            slowest = max(slowest, await replica.terminate())
            migrate.start()
            replica.start()
            await replica.until_ready()
        load.cancel()
        migrate.end()
        stage.expect(slowest <= 10, f"an exit took {slowest:.1f} s")
        unknown = [call for call in stage.callers.calls if call.outcome is Outcome.UNKNOWN]
        stage.expect(not unknown, f"{len(unknown)} requests were cut off, as {unknown[:2]}")
        return await stage.verdict("R29", slowest_exit=f"{slowest:.1f} s")


async def _load(stage: Stage) -> None:
    """Send 50 requests a second, one in ten an order, until cancelled."""
    async with asyncio.TaskGroup() as group:
        for number in range(1_000_000):
            if number % 10:
                group.create_task(stage.callers.call("check_self_status", None))
            else:
                group.create_task(stage.callers.buy())
            await asyncio.sleep(0.02)


async def _spend_on(stage: Stage, rest_seconds: float) -> None:
    async with asyncio.TaskGroup() as group:
        while True:
            group.create_task(stage.callers.assess())
            await asyncio.sleep(rest_seconds)


async def _spent(stage: Stage) -> dict[str, str]:
    rows = await stage.deployment.query(
        "SELECT status, count(*) AS n FROM assessments GROUP BY status ORDER BY status"
    )
    return {f"assessments_{row.status}": str(row.n) for row in rows}


async def _fill(stage: Stage, credits_wanted: int) -> None:
    """Bring the access code's balance to so many credits."""
    account_id = stage.callers.code.account_id
    rows = await stage.deployment.query(
        "SELECT balance FROM accounts WHERE id = :account_id", account_id=account_id
    )
    missing = credits_wanted - rows[0].balance
    await give_credits(stage.deployment.database, account_id, missing, stage.callers.now())


async def _pending_after(stage: Stage, seconds: float) -> int:
    """Wait until no assessment is pending, at most so long; return how many still are."""
    pending = 0
    for _ in range(int(seconds / _ASK_AGAIN_SECONDS)):
        rows = await stage.deployment.query(
            "SELECT count(*) AS n FROM assessments WHERE status = 'pending'"
        )
        pending = int(rows[0].n)
        if not pending:
            break
        await asyncio.sleep(_ASK_AGAIN_SECONDS)
    return pending


async def _hang_up(stage: Stage) -> None:
    replica: Replica = stage.chance.choice(stage.deployment.replicas)
    url = httpx.URL(replica.url)
    _, writer = await asyncio.open_connection(url.host, url.port)
    body = json.dumps(
        {
            "access_code": stage.callers.code.access_code,
            "assessment_type": "address",
            "address": "12Cyjf3qV6qLyXdzpLSLPdRFPUVidvnzFM",
            "currency": "BTC",
            "fresh": True,
        }
    ).encode()
    writer.write(
        b"POST /api/create_new_assessment_for_access_code HTTP/1.1\r\nHost: assay\r\n"
        b"Content-Type: application/json\r\nX-API-KEY: %s\r\nContent-Length: %d\r\n\r\n%s"
        % (stage.callers.buyer.api_key.encode(), len(body), body)
    )
    await asyncio.sleep(stage.chance.uniform(0.005, 0.05))
    writer.transport.abort()
