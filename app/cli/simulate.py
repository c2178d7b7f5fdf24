"""`assay simulate`: days of orders in seconds, each from its seed."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from decimal import Decimal
from functools import partial
from typing import Annotated, Any

import typer

from app.cli.printing import AsJson, print_record, print_records
from app.runtime import plain_text
from app.simulation.day import Outcome, simulate
from app.simulation.plan import draw_plan


def simulate_days(
    seeds: Annotated[int, typer.Option(min=1, help="how many days, each of another seed")] = 1,
    orders: Annotated[int, typer.Option(min=1, max=100_000, help="orders of each day")] = 300,
    seed: Annotated[int, typer.Option(min=0, help="the seed of the first day")] = 0,
    hours: Annotated[
        float, typer.Option(min=1, help="simulated hours with buyers and faults")
    ] = 24,
    rate_scale: Annotated[
        str | None, typer.Option(metavar="FACTOR", help="multiplies AEON.to's limits; else drawn")
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Play simulated days of the worker, with crashes and faults; exit with 1 if a rule breaks."""
    scale = _positive(rate_scale)
    play = partial(_play, orders=orders, hours=hours, rate_scale=scale)
    outcomes = []
    for outcome in _each(range(seed, seed + seeds), play):
        outcomes.append(outcome)
        if not as_json:
            typer.echo(_line(outcome))
            for breach in outcome.breaches:
                typer.echo(f"  broken: {breach.rule}: {breach.subject}")
            if outcome.breaches:
                typer.echo(f"  replay: {_replay(outcome.seed, orders, hours, rate_scale)}")
    if as_json:
        print_records([asdict(outcome) for outcome in outcomes], columns=(), as_json=True)
    else:
        print_record(_sum(outcomes), as_json=False)
    if any(outcome.breaches for outcome in outcomes):
        raise typer.Exit(1)


def _positive(rate_scale: str | None) -> Decimal | None:
    if rate_scale is None:
        return None
    try:
        scale = plain_text.decimal_number(rate_scale)
    except ValueError:
        scale = Decimal(0)
    if scale <= 0:
        raise typer.BadParameter("--rate-scale: a number above 0")
    return scale


def _play(seed: int, *, orders: int, hours: float, rate_scale: Decimal | None) -> Outcome:
    return simulate(draw_plan(seed, orders=orders, hours=hours, rate_scale=rate_scale))


def _each(seeds: range, play: "partial[Outcome]") -> Iterator[Outcome]:
    """Play every seed, on all processors, in the order of the seeds."""
    if len(seeds) == 1:
        yield play(seeds[0])
        return
    with ProcessPoolExecutor(min(len(seeds), os.cpu_count() or 1)) as processes:
        yield from processes.map(play, seeds)


def _replay(seed: int, orders: int, hours: float, rate_scale: str | None) -> str:
    scale = f" --rate-scale {rate_scale}" if rate_scale else ""
    return f"assay simulate --seed {seed} --orders {orders} --hours {hours:g}{scale}"


def _line(outcome: Outcome) -> str:
    statuses = " ".join(f"{name}={count}" for name, count in outcome.orders_by_status.items())
    return (
        f"seed {outcome.seed}: {'BROKEN' if outcome.breaches else 'ok'}"
        f" in {outcome.wall_seconds:.1f} s, digest {outcome.digest[:12]}; {statuses}"
    )


def _sum(outcomes: list[Outcome]) -> Mapping[str, Any]:
    sums: Counter[str] = Counter()
    for outcome in outcomes:
        sums.update({f"orders {name}": n for name, n in outcome.orders_by_status.items()})
        sums.update({f"requests {name}": n for name, n in outcome.requests.items()})
        sums.update(outcome.counts)
        sums["faults of the network"] += sum(outcome.faults.values())
    return {
        "seeds": len(outcomes),
        "seeds broken": sum(bool(outcome.breaches) for outcome in outcomes),
        "over limit": sum(outcome.over_limit for outcome in outcomes),
        **dict(sorted(sums.items())),
        "seconds": f"{sum(outcome.wall_seconds for outcome in outcomes):.1f}",
    }
