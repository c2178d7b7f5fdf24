"""The guard: what must not get worse unnoticed, on any machine, however busy.

`expected.json` has for each call how many statements and round trips it needs, which are counted,
and the CPU time of the service per request as a multiple of its ceiling's in the same run: the
least of several rounds by the least, for what else a machine does only adds to either. What seems
worse is measured again before it counts.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final

from benchmarks import calls as kinds
from benchmarks.calls import Call
from benchmarks.measuring import Measured, count_statements, measure, say
from benchmarks.report import Figure, Report, at_most
from benchmarks.servers import Server
from benchmarks.stage import Stage
from benchmarks.wire import counted
from benchmarks.world import World, make_world

EXPECTED: Final = Path(__file__).with_name("expected.json")
_MARGIN: Final = 1.3
_CALLERS: Final = 60
_ROUNDS: Final = 5
_SECONDS: Final = 0.4
_REPEATS: Final = 3  # of calls that seem worse, before they count as worse


async def check_calls(stage: Stage, report: Report) -> bool:
    """Hold every call of the table against it; say whether all are as good, or better."""
    expected: dict[str, dict[str, float]] = json.loads(EXPECTED.read_text())
    url = await stage.database("guard")
    world = await make_world(url, callers=_CALLERS)
    async with AsyncExitStack() as stack:
        traffic = await stack.enter_async_context(counted(url, stage.subfolder("wire")))
        servers = {
            kinds.ASSAY: await stack.enter_async_context(
                stage.assay("assay", traffic.url, "serve")
            ),
            kinds.BARE: await stack.enter_async_context(stage.ceiling("bare", url)),
        }
        calls = await _chosen(servers[kinds.ASSAY].base_url, world, expected)
        for call in calls:
            await kinds.answer_once(servers[call.server].base_url, [call])
        say("counting statements and round trips")
        counts = {
            call.name: await count_statements(servers[call.server].base_url, traffic, call)
            for call in calls
            if call.server == kinds.ASSAY
        }
        found = await measure(calls, servers, None, rounds=_ROUNDS, seconds=_SECONDS)
        for _ in range(_REPEATS):
            worse = {name for name, limits in expected.items() if _is_worse(name, limits, found)}
            if worse:
                say(f"measuring again: {', '.join(sorted(worse))}")
                await _measure_again(calls, worse, servers, found)
    for name, limits in expected.items():
        report.figures += _figures(name, limits, counts[name], found)
    report.now = _now(expected, counts, found)
    return all(figure.met for figure in report.figures)


def _is_worse(name: str, limits: Mapping[str, float], found: Mapping[str, Measured]) -> bool:
    return _cpu_of_ceiling(name, found) > limits["cpu_of_ceiling"] * _MARGIN


async def _measure_again(
    calls: Sequence[Call],
    names: Collection[str],
    servers: Mapping[str, Server],
    found: Mapping[str, Measured],
) -> None:
    """Add rounds of calls and of their ceilings to what was found."""
    ceilings = {found[name].call.ceiling for name in names}
    again = [call for call in calls if call.name in names or call.name in ceilings]
    more = await measure(again, servers, None, rounds=_ROUNDS, seconds=_SECONDS)
    for name, one in more.items():
        found[name].rounds += one.rounds


async def _chosen(base_url: str, world: World, names: Mapping[str, object]) -> Sequence[Call]:
    """Return the calls of the table, and their ceilings."""
    asked = await kinds.ask_before(base_url, world, callers=_CALLERS)
    every = [*kinds.ceiling_calls(world), *kinds.assay_calls(world, asked)]
    ceilings = {call.ceiling for call in every if call.name in names}
    return [call for call in every if call.name in names or call.name in ceilings]


def _cpu_of_ceiling(name: str, found: Mapping[str, Measured]) -> float:
    ceiling = found[found[name].call.ceiling or ""]
    return found[name].least_cpu_ms / ceiling.least_cpu_ms


def _figures(
    name: str,
    limits: Mapping[str, float],
    counts: tuple[int, int],
    found: Mapping[str, Measured],
) -> list[Figure]:
    statements, round_trips = counts
    most_cpu = limits["cpu_of_ceiling"] * _MARGIN
    words = f"{name}: CPU of {found[name].call.ceiling}"
    return [
        at_most(f"{name}: statements", statements, "", limits["statements"]),
        at_most(f"{name}: round trips", round_trips, "", limits["round_trips"]),
        at_most(words, _cpu_of_ceiling(name, found), "x", round(most_cpu, 2)),
    ]


def _now(
    names: Mapping[str, object],
    counts: Mapping[str, tuple[int, int]],
    found: Mapping[str, Measured],
) -> dict[str, dict[str, Any]]:
    """Return the table as it would be by this run."""
    return {
        name: {
            "statements": counts[name][0],
            "round_trips": counts[name][1],
            "cpu_of_ceiling": round(_cpu_of_ceiling(name, found), 2),
        }
        for name in names
    }
