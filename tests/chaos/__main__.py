"""The long scenarios, and their table: `./run chaos [--seed N] [--scenario NAME]`."""

import argparse
import asyncio
import secrets
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from rich.console import Console
from rich.table import Table

from tests.chaos import addresses, crashes, crowds, measures, partners, webhooks
from tests.chaos.verdict import Verdict

Scenario = Callable[[int], Awaitable[Verdict]]

SCENARIOS: Final[dict[str, Scenario]] = {
    "R02": crashes.lost_creation,
    "R03": crashes.killed_while_polling,
    "R04": crashes.all_sent_at_once,
    "R05": crashes.everything_at_once,
    "R06": crowds.more_spends_than_credits,
    "R07": crowds.one_key_many_times,
    "R10": partners.flapping,
    "R14": partners.refusals,
    "R15": partners.no_new_orders,
    "R16": partners.black_hole,
    "R17": crashes.database_restarts,
    "R18": crashes.terminated_while_granting,
    "R19": crowds.killed_while_assessing,
    "R20": crowds.hung_up,
    "R29": crowds.rolling_restart,
    "WEBHOOKS": webhooks.receiver_fails,
}
# Long, and about numbers more than about faults: only when they are named.
MEASURES: Final[dict[str, Scenario]] = {
    "G2": measures.pace,
    "G8": measures.detection,
    "G13": measures.guessing,
    "ADDRESSES": addresses.many_at_once,
}
_WIDTH: Final = 140
_console = Console(width=max(_WIDTH, Console().width))


def main(arguments: Sequence[str]) -> int:
    """Run what was asked for; return 0 when every rule held."""
    known = [*SCENARIOS, *MEASURES]
    parser = argparse.ArgumentParser(prog="./run chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6), help="replays a run")
    parser.add_argument(
        "--scenario",
        action="append",
        choices=known,
        help="one, by its name; may be repeated (by default all but the measurements: "
        f"{', '.join(MEASURES)})",
    )
    given = parser.parse_args(arguments)
    names = given.scenario or list(SCENARIOS)
    verdicts = asyncio.run(_play(names, given.seed))
    _console.print(_table(verdicts, given.seed))
    for verdict in verdicts:
        _explain(verdict)
    return 0 if all(verdict.is_clean for verdict in verdicts) else 1


async def _play(names: list[str], seed: int) -> list[Verdict]:
    verdicts = []
    for name in names:
        scenario = (SCENARIOS | MEASURES)[name]
        _say(f"{name}, seed {seed}: {(scenario.__doc__ or '').splitlines()[0]}")
        began = time.monotonic()
        verdict = await scenario(seed)
        verdicts.append(verdict)
        word = "held" if verdict.is_clean else "BROKEN"
        _say(f"{name}: {word}, after {time.monotonic() - began:.0f} s")
    return verdicts


def _table(verdicts: list[Verdict], seed: int) -> Table:
    table = Table(title=f"seed {seed}")
    for heading in ("scenario", "faults"):
        table.add_column(heading)
    for heading in ("orders", "lost", "doubled", "over the limit", "slowest recovery (s)"):
        table.add_column(heading, justify="right")
    for verdict in verdicts:
        table.add_row(
            verdict.scenario,
            verdict.faults,
            str(verdict.orders),
            str(len(verdict.lost)),
            str(len(verdict.doubled)),
            str(verdict.over_limit),
            f"{verdict.slowest_recovery_seconds:.1f}",
        )
    return table


def _explain(verdict: Verdict) -> None:
    for name, value in verdict.measured.items():
        _say(f"{verdict.scenario}: {name.replace('_', ' ')}: {value}")
    for text in [*verdict.lost, *verdict.doubled, *verdict.wrong]:
        _say(f"{verdict.scenario}: WRONG: {text}")


def _say(text: str) -> None:
    _console.print(text, markup=False, highlight=False, soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
