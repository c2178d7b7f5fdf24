"""The part `calls`: every call beside its ceiling, under load, and what it asks of PostgreSQL."""

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Final

from benchmarks import calls as kinds
from benchmarks.calls import Call
from benchmarks.measuring import Measured, count_statements, measure, say
from benchmarks.peers import PEER, PEER_READ, PEER_WRITE, peer_serving
from benchmarks.report import Figure, Report, at_least, at_most, call_row
from benchmarks.servers import Server
from benchmarks.stage import Stage
from benchmarks.wire import counted
from benchmarks.world import World, make_world

_MOST_P99_BY_P50: Final = 3.0
_MOST_MIDDLEWARE_PERCENT: Final = 8.0
# A call of Assay, the same call of the peer, and the least ratio of requests per second.
_BESIDE_PEER: Final = (("check_order_status", PEER_READ, 7.0), ("new_order", PEER_WRITE, 5.0))


@dataclass(frozen=True)
class Plan:
    """What to measure: calls whose names begin with one of `only`, or all; and for how long."""

    only: Sequence[str]
    rounds: int
    seconds: float
    with_peer: bool


async def measure_calls(stage: Stage, report: Report, plan: Plan) -> None:
    """Measure the calls and add them to the report."""
    say("preparing the database of the calls")
    url = await stage.database("calls")
    world = await make_world(url)
    async with AsyncExitStack() as stack:
        servers = {
            kinds.ASSAY: await stack.enter_async_context(stage.assay("assay", url, "serve")),
            kinds.BARE: await stack.enter_async_context(stage.ceiling("bare", url)),
            kinds.WRAPPED: await stack.enter_async_context(stage.ceiling("wrapped", url)),
        }
        calls = await _calls_of(servers[kinds.ASSAY], world)
        if plan.with_peer:
            servers[PEER], more = await stack.enter_async_context(peer_serving(stage, world))
            calls += more
        chosen = _chosen(calls, plan.only)
        for name, server in servers.items():
            await kinds.answer_once(server.base_url, [one for one in chosen if one.server == name])
        found = await measure(
            chosen, servers, stage.requests_file, rounds=plan.rounds, seconds=plan.seconds
        )
    await _count(stage, url, found)
    for one in found.values():
        report.calls.append(call_row(one, found.get(one.call.ceiling or "")))
    report.figures += _figures(found)


async def _calls_of(assay: Server, world: World) -> list[Call]:
    say("asking for assessments")
    asked = await kinds.ask_before(assay.base_url, world)
    return [*kinds.ceiling_calls(world), *kinds.assay_calls(world, asked)]


def _chosen(calls: Sequence[Call], only: Sequence[str]) -> list[Call]:
    """Return the calls whose names begin with one of the words, and their ceilings; or all."""
    if not only:
        return list(calls)
    wanted = {call.name for call in calls if call.name.startswith(tuple(only))}
    wanted |= {call.ceiling for call in calls if call.name in wanted and call.ceiling}
    return [call for call in calls if call.name in wanted]


async def _count(stage: Stage, url: str, found: Mapping[str, Measured]) -> None:
    """Count the statements of Assay's calls, with a service that is connected for that alone."""
    say("counting statements and round trips")
    async with (
        counted(url, stage.subfolder("wire")) as traffic,
        stage.assay("counted", traffic.url, "serve") as server,
    ):
        for one in found.values():
            if one.call.server == kinds.ASSAY:
                one.statements, one.round_trips = await count_statements(
                    server.base_url, traffic, one.call
                )


def _figures(found: Mapping[str, Measured]) -> list[Figure]:
    figures = [figure for one in found.values() for figure in _figures_of(one, found)]
    for name, peer, least in _BESIDE_PEER:
        if name in found and peer in found:
            share = found[name].share_of(found[peer])
            figures.append(at_least(f"{name}: requests/s of {peer}", share, "x", least))
    if kinds.HTTP_IN_MIDDLEWARE in found and kinds.C_HTTP in found:
        share = found[kinds.HTTP_IN_MIDDLEWARE].cpu_share_of(found[kinds.C_HTTP])
        words = "all middleware: share of the CPU of C_http inside it"
        figures.append(at_most(words, 100 * (1 - 1 / share), "%", _MOST_MIDDLEWARE_PERCENT))
    return figures


def _figures_of(one: Measured, found: Mapping[str, Measured]) -> list[Figure]:
    figures, call = [], one.call
    ceiling = found.get(call.ceiling or "")
    if call.least_share is not None and ceiling is not None:
        share = one.share_of(ceiling)
        words = f"{call.name}: requests/s of {call.ceiling}"
        figures.append(at_least(words, share, "", call.least_share))
        by_p50 = one.p99_ms / one.p50_ms
        figures.append(at_most(f"{call.name}: p99 by p50", by_p50, "", _MOST_P99_BY_P50))
    for counted_as, count, most in (
        ("statements", one.statements, call.most_statements),
        ("round trips", one.round_trips, call.most_round_trips),
    ):
        if count is not None and most is not None:
            figures.append(at_most(f"{call.name}: {counted_as}", count, "", most))
    if one.failed:
        figures.append(at_most(f"{call.name}: failed requests", one.failed, "", 0))
    return figures
