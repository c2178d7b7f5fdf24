"""The scenario in which whoever receives webhooks fails, while replicas are killed: WEBHOOKS."""

import asyncio
import json
import ssl
from asyncio import StreamReader, StreamWriter
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Final

from sqlalchemy import text
from standardwebhooks import Webhook

from app.runtime.background import running_beside
from app.runtime.db.failures import is_unavailable
from tests.chaos.deployment import open_folder
from tests.chaos.stage import Stage, on_stage
from tests.chaos.verdict import Verdict
from tests.support.people import Person
from tests.support.tls import Authority

_HOST: Final = "localhost"
_TAKEN: Final = b"HTTP/1.1 204 No Content\r\n\r\n"
# Of all answers, a third: each a head, or none. A receiver that stalls does so for 10 s.
_FAILURES: Final = {
    "500": (b"HTTP/1.1 500 x\r\nContent-Length: 0\r\n\r\n", 12),
    "redirect": (b"HTTP/1.1 302 x\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n", 6),
    "429": (b"HTTP/1.1 429 x\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n", 4),
    "hangs up": (b"", 6),
    "hangs up within the head": (b"HTTP/1.1 20", 4),
}
_STALLS: Final = 1
_PERCENT_FAILING: Final = 33
# Pauses of minutes and hours pass at once.
_HASTEN: Final = text(
    "UPDATE webhook_deliveries SET next_attempt_at = clock_timestamp() - interval '1 minute'"
    " WHERE status = 'pending' AND lease_until IS NULL AND next_attempt_at > clock_timestamp()"
)
_UNSENT: Final = """
    SELECT (SELECT count(*) FROM webhook_deliveries WHERE status = 'pending')
        + (SELECT count(*) FROM webhook_endpoints e WHERE last_sequence <
            (SELECT max(sequence) FROM account_events a WHERE a.account_id = e.account_id)) AS n"""
_LOOK_AGAIN_SECONDS: Final = 0.5


@dataclass
class FailingReceiver:
    """Takes two thirds of what comes, until it is healed; keeps what it took, by the path."""

    chance: Random
    port: int = 0
    is_healed: bool = False
    secrets: dict[str, str] = field(default_factory=dict)
    bodies: dict[str, dict[str, list[bytes]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )
    taken: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    wrong: list[str] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)

    def url(self, path: str) -> str:
        """Return a URL of it."""
        return f"https://{_HOST}:{self.port}{path}"

    async def serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Answer one request, or do not."""
        with suppress(asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            path, headers, body = await _read(reader)
            self._note(path, headers, body)
            name, answer = self._draw()
            self.answers[name] += 1
            if answer is None:
                await reader.read()  # until the sender gives up
                return
            if answer == _TAKEN:
                self.taken[path].add(headers["webhook-id"])
            writer.write(answer)
            await writer.drain()
        writer.close()

    def _draw(self) -> tuple[str, bytes | None]:
        if self.is_healed or self.chance.randrange(100) >= _PERCENT_FAILING:
            return "taken", _TAKEN
        names = [*_FAILURES, "stalls"]
        weights = [*(weight for _, weight in _FAILURES.values()), _STALLS]
        [name] = self.chance.choices(names, weights)
        return name, None if name == "stalls" else _FAILURES[name][0]

    def _note(self, path: str, headers: dict[str, str], body: bytes) -> None:
        try:
            Webhook(self.secrets[path]).verify(body, headers)
        except Exception as fault:  # whatever it is, a webhook did not verify
            self.wrong.append(f"a webhook that does not verify: {fault}")
        self.bodies[path][headers["webhook-id"]].append(body)

    def failures_of(self, path: str, stream: Iterable[dict[str, Any]]) -> list[str]:
        """Say what is wrong with what came for a stream of events."""
        sent = {name: bodies for name, bodies in self.bodies[path].items() if name}
        wrong = [
            f"{path}: {name} has different bodies"
            for name, bodies in sent.items()
            if len(set(bodies)) > 1
        ]
        came = [json.loads(bodies[0]) for name, bodies in sent.items() if name in self.taken[path]]
        came.sort(key=lambda event: event["sequence"])
        if len({event["sequence"] for event in came}) < len(came):
            wrong.append(f"{path}: an event came under two ids")
        expected = [*stream]
        if came != expected:
            lost = [event["sequence"] for event in expected if event not in came]
            wrong.append(f"{path}: the streams differ; lost or changed: {lost[:10]}")
        return wrong


async def _read(reader: StreamReader) -> tuple[str, dict[str, str], bytes]:
    """Return the path, the headers in small letters, and the body of a request."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()
    headers = {
        name.lower(): value.strip()
        for name, _, value in (line.partition(":") for line in head[1:] if line)
    }
    body = await reader.readexactly(int(headers["content-length"]))
    return head[0].split(" ")[1], headers, body


@asynccontextmanager
async def failing_receiver(
    chance: Random, authority: Authority
) -> AsyncIterator[tuple[FailingReceiver, asyncio.Server]]:
    """Run a receiver beside the body."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue(_HOST))
    receiver = FailingReceiver(chance)
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0, ssl=context)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver, server
    finally:
        server.close()


async def receiver_fails(
    seed: int, orders: int = 1000, kills: int = 30, replicas: int = 3, per_second: float = 6
) -> Verdict:
    """WEBHOOKS: a third of all webhooks fails while replicas are killed; each event arrives."""
    with open_folder() as folder:
        authority = Authority(Path(folder), "authority")
        async with (
            failing_receiver(Random(seed), authority) as (receiver, _),  # noqa: S311  a replay
            on_stage(
                seed,
                replicas=replicas,
                credits_given=5,
                ASSAY_WEBHOOK_ALLOWED_NETWORKS="127.0.0.0/8,::1/128",
                ASSAY_WEBHOOK_KEY="chaos" * 8,
                SSL_CERT_FILE=str(authority.root),
            ) as stage,
        ):
            people = {"/buyer": stage.callers.buyer, "/code": stage.callers.code}
            starts = {path: await _register(stage, receiver, path) for path in people}
            async with running_beside(_hasten(stage), "hastening"):
                await _load(stage, orders, kills, per_second)
                verdict = await stage.verdict("WEBHOOKS")
                receiver.is_healed = True
                await _until_sent(stage, verdict)
            for path, person in people.items():
                stream = await _stream(stage, person, starts[path])
                verdict.wrong += receiver.failures_of(path, stream)
                verdict.measured[f"events_of_{path[1:]}"] = str(len(stream))
            verdict.wrong += receiver.wrong[:3]
            repeats = sum(
                len(b) - 1 for bodies in receiver.bodies.values() for b in bodies.values()
            )
            verdict.measured["answers"] = str(dict(receiver.answers))
            verdict.measured["repeats"] = str(repeats)
            return verdict


async def _register(stage: Stage, receiver: FailingReceiver, path: str) -> int:
    """Make an endpoint of the buyer or of its code; return the last event before it."""
    person = stage.callers.buyer if path == "/buyer" else stage.callers.code
    answer = await stage.deployment.http.post(
        f"{stage.deployment.replicas[0].url}/api/webhook_endpoints",
        json={"url": receiver.url(path)},
        headers=person.headers,
    )
    answer.raise_for_status()
    made = answer.json()
    receiver.secrets[path] = made["secret"]
    return int(made["last_sequence"])


async def _load(stage: Stage, orders: int, kills: int, per_second: float) -> None:
    """Buy and ask while replicas are killed and stopped, and sessions of the database end."""
    await stage.upstream.press("auto", enabled=True, step_seconds=1)
    seconds = orders / per_second
    async with asyncio.TaskGroup() as group:
        group.create_task(stage.callers.buy_many(orders, per_second=per_second, patience=1))
        for number in range(kills):
            await asyncio.sleep(stage.chance.uniform(0, 2 * seconds / kills))
            await stage.breaker.kill(down_seconds=stage.chance.choice((0, 0, 1)))
            if number % 5 == 0:
                await stage.breaker.terminate_backends()
                group.create_task(stage.breaker.stop(stage.chance.choice((0.5, 2))))
                group.create_task(stage.callers.assess())


async def _hasten(stage: Stage) -> None:
    """Let the pauses between attempts pass, again and again."""
    while True:
        await asyncio.sleep(_LOOK_AGAIN_SECONDS)
        try:
            async with stage.deployment.database.sessions() as session, session.begin():
                await session.execute(_HASTEN)
        except Exception as fault:
            if not is_unavailable(fault):
                raise


async def _until_sent(stage: Stage, verdict: Verdict, within_seconds: float = 900) -> None:
    """Wait until nothing is pending, and every endpoint is at the end of its stream."""
    try:
        async with asyncio.timeout(within_seconds):
            while (await stage.deployment.query(_UNSENT))[0].n:
                await asyncio.sleep(_LOOK_AGAIN_SECONDS)
    except TimeoutError:
        verdict.wrong.append("webhooks are pending after the faults have stopped")


async def _stream(stage: Stage, person: Person, after: int) -> list[dict[str, Any]]:
    """Return the events of an account after one, as `GET /api/events` has them page by page."""
    events: list[dict[str, Any]] = []
    while True:
        answer = await stage.deployment.http.get(
            f"{stage.deployment.replicas[0].url}/api/events",
            params={"after": after, "limit": 100},
            headers=person.headers,
        )
        answer.raise_for_status()
        page = answer.json()
        events += page["items"]
        if page["next_after"] == after:
            return events
        after = page["next_after"]
