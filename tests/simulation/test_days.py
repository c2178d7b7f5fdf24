"""Simulated days: whatever happens in them, every rule holds, and a seed replays to the letter.

One short day of each kind; whole days, and more of them, with `--all`.
"""

import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Final

import pytest
from typer.testing import CliRunner

from app.cli import main as cli
from app.orders.rules.decision import Decision
from app.orders.rules.facts import AeontoOrder
from app.orders.rules.settlement import Settlement
from app.orders.rules.transition_aeonto import evaluate_report
from app.partners.aeonto.report import Report
from app.simulation.chain import Fate
from app.simulation.day import simulate
from app.simulation.plan import draw_plan
from tests.support.cases import each_case

ORDERS = 300
HOURS = 24
# Of every four seeds, one is an overload and one has outages; two more days are on PostgreSQL.
SEEDS = range(18)


def check_day(seed: int, *, orders: int, hours: int) -> None:
    """Simulate a day in which every rule must hold, and in which enough has happened."""
    outcome = simulate(draw_plan(seed, orders=orders, hours=hours))
    replay = f"assay simulate --seed {seed} --orders {orders} --hours {hours}"
    assert outcome.breaches == [], replay
    assert outcome.over_limit == 0, replay
    assert sum(outcome.orders_by_status.values()) == orders
    assert outcome.orders_by_status["BTC_SENT"] > orders / 10
    assert outcome.orders_by_status["PAID"] > orders / 10
    assert outcome.counts["cancelled"] > 0
    assert outcome.counts["crashes"] > 0
    assert outcome.counts["reorganisations"] > 0


@each_case("seed", range(4))
def test_every_rule_holds_after_a_short_day_of_each_kind(seed: int) -> None:
    check_day(seed, orders=30, hours=6)


@pytest.mark.long
@pytest.mark.parametrize("seed", SEEDS)
def test_every_rule_holds_after_a_day(seed: int) -> None:
    check_day(seed, orders=ORDERS, hours=HOURS)


def test_seeds_differ_in_what_they_try() -> None:
    plans = [draw_plan(seed, orders=ORDERS, hours=HOURS) for seed in SEEDS]
    assert {plan.replicas for plan in plans} == {1, 2, 3, 4}
    assert sum(plan.rate_scale <= 0.1 for plan in plans) >= 4
    assert sum(plan.outages > 1 for plan in plans) >= 4
    assert any(plan.fault_rate > 0.1 for plan in plans)


SHORT: Final = ("simulate", "--seed", "14", "--orders", "25", "--hours", "4", "--json")


def days_of(printed: str | bytes) -> list[dict[str, object]]:
    """Read the days that the command printed, but for the time that they took."""
    days: list[dict[str, object]] = json.loads(printed)
    return [{**day, "wall_seconds": None} for day in days]


def test_seed_replays_identically_in_another_process_with_other_hashes() -> None:
    hashes = 1 + (os.environ.get("PYTHONHASHSEED") == "1")
    done = subprocess.run(  # noqa: S603  our own command
        [Path(sys.executable).parent / "assay", *SHORT],
        env={**os.environ, "PYTHONHASHSEED": str(hashes)},
        capture_output=True,
        check=True,
    )
    here = CliRunner().invoke(cli, SHORT)
    assert here.exit_code == 0
    assert days_of(done.stdout) == days_of(here.stdout)


def test_another_seed_is_another_day() -> None:
    days = [simulate(draw_plan(seed, orders=5, hours=1)) for seed in (1, 5)]
    assert days[0].digest != days[1].digest


def test_command_says_what_broke_and_how_to_replay_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here every move grants that reaches PAID or BTC_SENT, whatever was granted before."""

    def decide_again(
        order: AeontoOrder, report: Report, now: datetime, settlement: Settlement | None
    ) -> Decision:
        decision = evaluate_report(order, report, now, settlement)
        return replace(decision, grant=decision.move_to in ("PAID", "BTC_SENT"))

    monkeypatch.setattr("app.orders.rules.transition_aeonto.evaluate_report", decide_again)
    command = ["simulate", "--seed", "16", "--orders", "20", "--hours", "2"]
    done = CliRunner().invoke(cli, command)
    assert done.exit_code == 1
    assert "  broken: " in done.stdout
    assert "  replay: assay simulate --seed 16 --orders 20 --hours 2" in done.stdout


def test_grant_with_one_confirmation_too_few_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "app.orders.rules.bitcoin_payments._is_confirmed",
        lambda arrival, wanted: arrival.confirmations >= wanted - 1,
    )
    outcome = simulate(draw_plan(0, orders=30, hours=3))
    rules = {breach.rule for breach in outcome.breaches}
    assert "credits are granted for what the servers agree is confirmed" in rules


def test_payment_gone_after_its_grant_without_an_alarm_is_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Here every reorganisation drops what was in its blocks, and nobody is told."""
    monkeypatch.setattr("app.simulation.chain._FATES", {Fate.DROPPED: 1})
    monkeypatch.setattr("app.simulation.chain._REORGANISED_SHARE", 0.5)
    monkeypatch.setattr(
        "app.orders.rules.transition_bitcoin._after_the_end", lambda *_: Decision(believed=True)
    )
    outcome = simulate(replace(draw_plan(0, orders=60, hours=4), bitcoin_share=1.0))
    rules = {breach.rule for breach in outcome.breaches}
    assert rules == {"a payment that is gone after its grant rings"}


def test_command_prints_one_line_for_each_seed_and_their_sums() -> None:
    done = CliRunner().invoke(cli, ["simulate", "--orders", "5", "--hours", "1", "--seed", "7"])
    assert done.exit_code == 0
    assert done.stdout.startswith("seed 7: ok in ")
    assert "requests order_status_query" in done.stdout


def test_rate_scale_must_be_a_number_above_nought() -> None:
    done = CliRunner().invoke(cli, ["simulate", "--rate-scale", "0"])
    assert done.exit_code == 2
