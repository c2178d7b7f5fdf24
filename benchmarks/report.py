"""What a run found: rows of tables, and figures with their goals and verdicts; as text or JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from benchmarks.measuring import Measured


@dataclass(frozen=True)
class Figure:
    """One figure; with `wanted`, the words of its goal, `met` says whether it was reached."""

    name: str
    value: float
    unit: str
    wanted: str = ""
    met: bool | None = None

    @property
    def verdict(self) -> str:
        """The verdict in words; empty where there is no goal."""
        return {None: "", True: "met", False: "NOT MET"}[self.met]


def at_least(name: str, value: float, unit: str, least: float) -> Figure:
    """Make a figure whose goal is a least value."""
    return Figure(name, value, unit, f">= {least:g}", value >= least)


def at_most(name: str, value: float, unit: str, most: float) -> Figure:
    """Make a figure whose goal is a greatest value."""
    return Figure(name, value, unit, f"<= {most:g}", value <= most)


@dataclass
class Report:
    """The table of calls, and all figures in the order in which they are printed.

    `now` is the guard's table as it would be by this run.
    """

    machine: dict[str, str]
    calls: list[dict[str, Any]] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)
    now: dict[str, dict[str, Any]] = field(default_factory=dict)

    def as_json(self) -> str:
        """Return all as one JSON document."""
        figures = [{**asdict(one), "verdict": one.verdict} for one in self.figures]
        document = {
            "machine": self.machine,
            "calls": self.calls,
            "figures": figures,
            "now": self.now,
        }
        return json.dumps(document, indent=2)

    def as_text(self) -> str:
        """Return all as tables of Markdown."""
        parts = [", ".join(f"{name} {value}" for name, value in self.machine.items())]
        if self.calls:
            parts.append(_table(self.calls))
        if self.figures:
            rows = [
                {
                    "figure": one.name,
                    "measured": f"{_number(one.value)} {one.unit}".strip(),
                    "goal": one.wanted,
                    "verdict": one.verdict,
                }
                for one in self.figures
            ]
            parts.append(_table(rows))
        met = [one.met for one in self.figures if one.met is not None]
        parts.append(f"{met.count(True)} of {len(met)} goals met")
        return "\n\n".join(parts)


def call_row(one: Measured, ceiling: Measured | None) -> dict[str, Any]:
    """Return the row of a call in the table."""
    return {
        "call": one.call.name,
        "requests/s": round(one.requests_per_second),
        "p50 ms": round(one.p50_ms, 1),
        "p99 ms": round(one.p99_ms, 1),
        "CPU ms/request": round(one.cpu_ms, 3),
        "statements": one.statements,
        "round trips": one.round_trips,
        "ceiling": ceiling.call.name if ceiling else None,
        "requests/s of it": round(one.share_of(ceiling), 2) if ceiling else None,
        "CPU of it": round(one.cpu_share_of(ceiling), 2) if ceiling else None,
        "failed": one.failed,
    }


def _table(rows: Sequence[dict[str, Any]]) -> str:
    heads = list(rows[0])
    cells = [heads, *([_cell(row[head]) for head in heads] for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(heads))]
    lines = [
        "| "
        + " | ".join(word.ljust(width) for word, width in zip(line, widths, strict=True))
        + " |"
        for line in cells
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])


def _cell(value: object) -> str:
    return "" if value is None else str(value)


def _number(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"  # noqa: PLR2004
