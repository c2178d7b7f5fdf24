"""What breaks a deployment, drawn from a seed: processes, PostgreSQL, connections, the upstream."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

import asyncpg

from app.runtime.db.failures import is_unavailable
from app.sandbox.bitcoin import Fate
from app.sandbox.faults import AEONTO, Kind
from app.sandbox.views import View
from tests.chaos.deployment import Deployment, Replica
from tests.support.databases import connect
from tests.support.invariants import broken_now, prepare

_SAMPLE_SECONDS: Final = 1.0
# What a lie claims. None is one that AEON.to could tell and that would still be about our order.
_LIES: Final = (
    ("btc_amount", "0.00000001"),
    ("btc_dest_address", "1BoatSLRHtKNngkdXEeobR76b53LETtpyT"),
    ("uuid", "somebody-elses"),
    ("state", "WEIRD"),
    ("btc_amount", -1),
)


@dataclass
class Breaker:
    """Breaks a deployment, and remembers how often, and how soon it came back in seconds.

    While somebody holds `chain_grows`, no block is taken back.
    """

    deployment: Deployment
    chance: Random
    counts: dict[str, int] = field(default_factory=dict)
    recoveries: list[float] = field(default_factory=list)
    chain_grows: asyncio.Lock = field(default_factory=asyncio.Lock)
    _busy: set[str] = field(default_factory=set)

    def _did(self, what: str) -> None:
        self.counts[what] = self.counts.get(what, 0) + 1

    def _victim(self) -> Replica | None:
        """Return a replica that nothing else is being done to."""
        free = [
            replica
            for replica in self.deployment.replicas
            if replica.lives and replica.url not in self._busy
        ]
        return self.chance.choice(free) if free else None

    @asynccontextmanager
    async def _holding(self, replica: Replica) -> AsyncIterator[None]:
        self._busy.add(replica.url)
        try:
            yield
        finally:
            self._busy.discard(replica.url)

    async def kill(self, *, down_seconds: float = 0.0) -> None:
        """Kill a replica with SIGKILL, start it again, and wait until it is ready."""
        replica = self._victim()
        if replica is None:
            return
        async with self._holding(replica):
            self._did("kill -9")
            replica.kill()
            await asyncio.sleep(down_seconds)
            replica.start()
            await replica.until_ready()

    async def stop(self, seconds: float) -> None:
        """Stop a replica with SIGSTOP for a while, then let it go on."""
        replica = self._victim()
        if replica is None:
            return
        async with self._holding(replica):
            self._did("SIGSTOP")
            replica.process.send(signal.SIGSTOP)
            try:
                await asyncio.sleep(seconds)
            finally:
                replica.process.send(signal.SIGCONT)

    async def restart_postgres(self, *, down_seconds: float = 0.0) -> None:
        """Restart PostgreSQL as `pg_ctl restart -m immediate` does; time how soon all are ready."""
        self._did("PostgreSQL restart")
        await self.deployment.postgres.crash()
        await asyncio.sleep(down_seconds)
        await self.deployment.postgres.start()
        began = time.monotonic()
        ready = [r.until_ready() for r in self.deployment.replicas if r.url not in self._busy]
        await asyncio.gather(*ready)
        self.recoveries.append(time.monotonic() - began)

    async def terminate_backends(self, where: str = "true", *, share: float = 0.3) -> int:
        """End some of the replicas' sessions in PostgreSQL; return how many were ended."""
        ended = 0
        with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            connection = await connect(self.deployment.database_url)
            try:
                for row in await connection.fetch(
                    "SELECT pid FROM pg_stat_activity"  # noqa: S608  ours alone
                    f" WHERE application_name = 'assay' AND {where}"
                ):
                    if self.chance.random() < share:
                        await connection.execute("SELECT pg_terminate_backend($1)", row["pid"])
                        self._did("terminated backend")
                        ended += 1
            finally:
                await connection.close()
        return ended

    async def spoil_answers(self, share: float = 0.05) -> None:
        """Let a share of all requests meet a fault, of any kind with the same chance.

        Requests to AEON.to, and where the deployment sells in bitcoin those to the chain's servers.
        """
        self._did(f"{share:.0%} faults")
        for source in (AEONTO, *(View if self.deployment.in_bitcoin else ())):
            # AEON.to never sends a 429.
            kinds = [kind for kind in Kind if source != AEONTO or kind is not Kind.E429]
            for kind in kinds:
                given: dict[str, Any] = {"code": f"{self.deployment.upstream.base_url}elsewhere/"}
                await self.deployment.upstream.fault(
                    kind,
                    source=source,
                    p=share / len(kinds),
                    times=-1,
                    seconds=3,
                    **(given if kind is Kind.REDIRECT else {}),
                )

    async def reorganise(self) -> None:
        """Replace up to three blocks; what was in them waits again, or is mined anew."""
        async with self.chain_grows:
            self._did("reorganisation")
            await self.deployment.upstream.press(
                "chain/reorganise",
                depth=self.chance.randint(1, 3),
                transactions=self.chance.choice((Fate.MEMPOOL, Fate.MINED)),
            )

    async def lag(self, seconds: float) -> None:
        """Let the second view of the chain lack some blocks for a while."""
        self._did("view behind")
        await self._lag(self.chance.randint(1, 3))
        await asyncio.sleep(seconds)
        await self._lag(0)

    async def _lag(self, blocks: int) -> None:
        await self.deployment.upstream.press("chain/lag", view=View.ESPLORA2, blocks=blocks)

    async def black_hole(self) -> None:
        """Let nothing come back from upstream."""
        self._did("black hole")
        await self.deployment.upstream.fault("timeout", when="before", times=-1, seconds=3600)

    async def lie(self) -> None:
        """Let upstream lie about one of its orders."""
        orders = await self.deployment.upstream.orders()
        if orders:
            self._did("lie")
            name, value = self.chance.choice(_LIES)
            uuid = self.chance.choice(orders)["uuid"]
            await self.deployment.upstream.press(f"orders/{uuid}/lie", field=name, value=value)

    async def make_peace(self) -> None:
        """End every fault, and bring everything back."""
        await self.deployment.upstream.no_faults()
        await self._lag(0)
        for name in {name for name, _ in _LIES}:
            await self.deployment.upstream.press("orders/all/lie", field=name, value=None)
        await self.deployment.start_all()

    def summary(self) -> str:
        """Return what was done, in words."""
        return ", ".join(f"{count} {what}" for what, count in sorted(self.counts.items()))


@asynccontextmanager
async def sampling(deployment: Deployment) -> AsyncIterator[dict[str, list[str]]]:
    """Read I1 to I3 every second beside the body; yields what breaks them, empty when nothing did."""
    found: dict[str, list[str]] = {}
    async with deployment.database.reading() as connection:
        await prepare(connection)

    async def sample() -> None:
        while True:
            try:
                async with deployment.database.reading() as connection:
                    found.update(await broken_now(connection))
            except Exception as fault:
                if not is_unavailable(fault):
                    raise
            await asyncio.sleep(_SAMPLE_SECONDS)

    task = asyncio.create_task(sample())
    try:
        yield found
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
