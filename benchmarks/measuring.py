"""Measures calls in turn: rounds of load, the order reversed every other one, and medians of them."""

import statistics
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx

from benchmarks.calls import Call, send
from benchmarks.load import LoadResult, put_load
from benchmarks.servers import Server
from benchmarks.wire import Traffic

_WARM_UP_SECONDS: Final = 1.0
_FORGOTTEN_CALLS: Final = 4  # in these, connections are opened and statements prepared
_COUNTED_CALLS: Final = 7
_COUNTED_LONG_CALLS: Final = 1


@dataclass(frozen=True)
class Round:
    """One load: what it measured, and the CPU time of the server per request, in ms."""

    load: LoadResult
    cpu_ms: float


@dataclass
class Measured:
    """All rounds of one call, and what it costs in statements and round trips, if counted."""

    call: Call
    rounds: list[Round] = field(default_factory=list)
    statements: int | None = None
    round_trips: int | None = None

    @property
    def requests_per_second(self) -> float:
        """The median of the rounds."""
        return statistics.median(one.load.requests_per_second for one in self.rounds)

    @property
    def p50_ms(self) -> float:
        """The median of the rounds' medians."""
        return statistics.median(one.load.p50_ms for one in self.rounds)

    @property
    def p99_ms(self) -> float:
        """The median of the rounds' 99th percentiles."""
        return statistics.median(one.load.p99_ms for one in self.rounds)

    @property
    def cpu_ms(self) -> float:
        """The median of the rounds, per request."""
        return statistics.median(one.cpu_ms for one in self.rounds)

    @property
    def least_p50_ms(self) -> float:
        """The least of the rounds' medians: what else the machine does only adds to it."""
        return min(one.load.p50_ms for one in self.rounds)

    @property
    def least_cpu_ms(self) -> float:
        """The least of the rounds, per request: what else the machine does only adds to it."""
        return min(one.cpu_ms for one in self.rounds)

    @property
    def failed(self) -> int:
        """How many requests of all rounds failed."""
        return sum(one.load.failed for one in self.rounds)

    def share_of(self, other: "Measured") -> float:
        """Return the median over the rounds of this one's requests per second by the other's."""
        return statistics.median(
            mine.load.requests_per_second / theirs.load.requests_per_second
            for mine, theirs in zip(self.rounds, other.rounds, strict=True)
        )

    def cpu_share_of(self, other: "Measured") -> float:
        """Return the median over the rounds of this one's CPU per request by the other's."""
        return statistics.median(
            mine.cpu_ms / theirs.cpu_ms
            for mine, theirs in zip(self.rounds, other.rounds, strict=True)
        )


async def measure(
    calls: Sequence[Call],
    servers: Mapping[str, Server],
    file: Path | None,
    *,
    rounds: int,
    seconds: float,
) -> dict[str, Measured]:
    """Put load on each call in turn, so many rounds; return what was measured by name.

    `file` is what wrk reads; None: our own client puts the load on.
    """
    found = {call.name: Measured(call) for call in calls}
    say("warming up")
    for call in calls:
        await _round(call, servers[call.server], file, _WARM_UP_SECONDS)
    for number in range(rounds):
        say(f"round {number + 1} of {rounds}: {len(calls)} calls, {seconds:g} s each")
        for call in calls if number % 2 == 0 else reversed(calls):
            one = await _round(call, servers[call.server], file, seconds)
            found[call.name].rounds.append(one)
    return found


async def _round(call: Call, server: Server, file: Path | None, seconds: float) -> Round:
    before = server.cpu_seconds()
    load = await put_load(
        server.base_url,
        file,
        call.requests,
        connections=call.connections,
        seconds=max(seconds, call.least_seconds),
    )
    server.check_alive()
    return Round(load, (server.cpu_seconds() - before) / load.requests * 1000)


async def count_statements(base_url: str, traffic: Traffic, call: Call) -> tuple[int, int]:
    """Return how many statements and round trips one call needs, once everything is prepared.

    The median of several calls: what a loop of the service does beside some of them is left out.
    Raises httpx.HTTPStatusError when a call fails.
    """
    statements, round_trips = [], []
    counted_calls = _COUNTED_LONG_CALLS if call.least_seconds else _COUNTED_CALLS
    async with httpx.AsyncClient(base_url=base_url, trust_env=False, timeout=60) as http:
        for number in range(_FORGOTTEN_CALLS + counted_calls):
            before = (traffic.statements, traffic.round_trips)
            answer = await send(http, call.requests[number % len(call.requests)])
            answer.raise_for_status()
            if number >= _FORGOTTEN_CALLS:
                statements.append(traffic.statements - before[0])
                round_trips.append(traffic.round_trips - before[1])
    return round(statistics.median(statements)), round(statistics.median(round_trips))


def say(words: str) -> None:
    """Tell whoever waits what is being done."""
    sys.stderr.write(f"bench: {words}\n")
    sys.stderr.flush()
