"""The command line of the benchmarks: `./run bench [PART ...]`."""

import argparse
import asyncio
import platform
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.guard import EXPECTED, check_calls
from benchmarks.load import has_wrk
from benchmarks.measuring import say
from benchmarks.part_calls import Plan, measure_calls
from benchmarks.part_growth import measure_growth
from benchmarks.part_guards import measure_guards
from benchmarks.part_loop import measure_loop
from benchmarks.part_process import measure_memory, measure_process
from benchmarks.report import Report
from benchmarks.stage import staged

_PARTS: Final = ("calls", "loop", "process", "memory", "guards", "growth")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the parts and print what they found."""
    parser = _parser()
    given = parser.parse_args(arguments)
    for part in given.parts:
        if part not in _PARTS:
            parser.error(f"PART: must be one of {', '.join(_PARTS)}")
    if not sys.platform.startswith("linux"):
        sys.exit("bench: measures CPU and memory as Linux shows them: run it on Linux")
    report = Report(_machine())
    passed = asyncio.run(_run(given, report))
    sys.stdout.write((report.as_json() if given.json else report.as_text()) + "\n")
    if not passed:
        now = "\n".join(f"{name}: {row}" for name, row in report.now.items())
        sys.exit(f"bench: a call got worse; {EXPECTED.name} by this run:\n{now}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="./run bench",
        description="Measure Assay beside its ceilings on this machine, with a PostgreSQL of its"
        " own, and say which goals are met. docs/performance.md explains every figure.",
    )
    parser.add_argument(
        "parts",
        nargs="*",
        metavar="PART",
        help=f"what to measure: {', '.join(_PARTS)}; default: all",
    )
    parser.add_argument(
        "--call",
        action="append",
        default=[],
        metavar="NAME",
        help="measure only calls that begin so",
    )
    parser.add_argument("--rounds", type=int, default=5, help="rounds of load; default: 5")
    parser.add_argument("--seconds", type=float, default=2, help="of each load; default: 2")
    parser.add_argument(
        "--peer",
        action="store_true",
        help="beside a Django REST Framework service, too; installs it into the cache folder once",
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="only hold statements, round trips and CPU per request of the main calls against"
        " benchmarks/expected.json; exit with 1 if one got worse",
    )
    parser.add_argument("--json", action="store_true", help="print JSON in place of tables")
    return parser


async def _run(given: argparse.Namespace, report: Report) -> bool:
    """Run what was asked for; return whether the guard, if it was, found nothing worse."""
    if given.check:
        async with staged() as stage:
            return await check_calls(stage, report)
    if not has_wrk():
        say("wrk is not installed: a client of our own puts the load on, and takes more CPU for it")
    async with staged() as stage:
        for part in given.parts or _PARTS:
            match part:
                case "calls":
                    plan = Plan(given.call, given.rounds, given.seconds, given.peer)
                    await measure_calls(stage, report, plan)
                case "loop":
                    await measure_loop(stage, report)
                case "process":
                    await measure_process(stage, report)
                case "memory":
                    await measure_memory(stage, report)
                case "guards":
                    await measure_guards(stage, report)
                case _:
                    await measure_growth(stage, report, rounds=given.rounds, seconds=given.seconds)
    return True


def _machine() -> dict[str, str]:
    processor = ""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            processor = line.partition(":")[2].strip()
    return {
        "Python": platform.python_version(),
        "processor": processor,
        "cores": str(len(_cores())),
        "load": "wrk" if has_wrk() else "own client",
    }


def _cores() -> list[str]:
    return [
        line
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("processor")
    ]


if __name__ == "__main__":
    main()
