"""The files for operators: alerts, dashboard and runbook name only what there is."""

import json
import re
from pathlib import Path
from typing import Any, Final

import yaml

from app.orders.rules.states import OrderStatus
from app.runtime.observability.metrics import Metrics
from tests.support.cases import each_case

ROOT: Final = Path(__file__).parents[1]
FOLDER: Final = ROOT / "docs/operations"
DASHBOARD: Final[dict[str, Any]] = json.loads((FOLDER / "dashboard.json").read_text())
ALERTS: Final[list[dict[str, Any]]] = [
    rule
    for group in yaml.safe_load((FOLDER / "alerts.yaml").read_text())["groups"]
    for rule in group["rules"]
]
ENSEMBLES: Final = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
EXPRESSIONS: Final = [
    *(rule["expr"] for rule in ALERTS),
    *(target["expr"] for panel in ENSEMBLES for target in panel["targets"]),
]

METRIC: Final = re.compile(r"\b(assay_\w+|process_\w+)(?:\{([^}]*)\})?")
GROUPING: Final = re.compile(r"\bby \(([^)]*)\)")
PLACE: Final = re.compile(r"\{\{ ?(?:\$labels\.)?(\w+) ?\}\}")
# What Prometheus itself adds to every sample.
OF_THE_TARGET: Final = frozenset({"job", "instance"})


def labels_of_metrics() -> dict[str, frozenset[str]]:
    """Return the labels of every metric by the names that Prometheus stores it under."""
    found: dict[str, frozenset[str]] = {}
    metrics = Metrics()
    single = set(metrics.registry._collector_to_names) - {metrics.backlog}
    for collector in (*single, *metrics.backlog.gauges()):
        labels = frozenset(getattr(collector, "_labelnames", ()))
        for family in collector.collect():
            match family.type:
                case "counter":
                    found[f"{family.name}_total"] = labels
                case "histogram":
                    found[f"{family.name}_bucket"] = labels | {"le"}
                    found |= {f"{family.name}_{part}": labels for part in ("sum", "count")}
                case _:
                    found[family.name] = labels
    return found


LABELS: Final = labels_of_metrics()


@each_case("expression", EXPRESSIONS)
def test_every_expression_names_metrics_and_labels_that_exist(expression: str) -> None:
    named = METRIC.findall(expression)
    known = set(OF_THE_TARGET)
    for metric, matchers in named:
        assert metric in LABELS, metric
        known |= LABELS[metric]
        for label in re.findall(r"(\w+) ?(?:=~|!~|!=|=)", matchers):
            assert label in LABELS[metric] | OF_THE_TARGET, f"{metric}: {label}"
    assert named or "up{" in expression
    for labels in GROUPING.findall(expression):
        assert {label.strip() for label in labels.split(",")} <= known
    assert expression.count("(") == expression.count(")")
    assert expression.count("{") == expression.count("}")


def test_states_that_expressions_name_exist() -> None:
    named = re.findall(r'state=~"([^"]+)"', " ".join(EXPRESSIONS))
    assert named
    for states in named:
        assert set(states.split("|")) <= set(OrderStatus)


def carried(expression: str) -> set[str]:
    """Return the labels that the result of an expression carries."""
    groupings = GROUPING.findall(expression)
    if groupings:
        return {label.strip() for label in groupings[0].split(",")}
    named = METRIC.findall(expression)  # none: it is about `up`
    return set(OF_THE_TARGET.union(*(LABELS[metric] for metric, _ in named[:1])))


@each_case("rule", ALERTS)
def test_every_alert_says_what_is_wrong_and_what_to_do(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in ("page", "ticket")
    notes = rule["annotations"]
    assert notes.keys() == {"summary", "action", "runbook"}
    for label in PLACE.findall(notes["summary"] + notes["action"]):
        assert label in carried(rule["expr"]), label


@each_case("rule", ALERTS)
def test_every_alert_leads_to_a_section_of_the_runbook(rule: dict[str, Any]) -> None:
    file, _, anchor = rule["annotations"]["runbook"].partition("#")
    headings = re.findall(r"^#+ (.+)$", (ROOT / file).read_text(), re.MULTILINE)
    slugs = [re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings]
    assert anchor in slugs


def test_every_alert_is_seen_to_ring_and_not_to_ring() -> None:
    file = ROOT / "tests/monitoring/alerts.test.yaml"
    seen: dict[str, set[bool]] = {}
    for case in yaml.safe_load(file.read_text())["tests"]:
        for asked in case["promql_expr_test"]:
            for name in re.findall(r'alertname="(\w+)", alertstate="firing"}$', asked["expr"]):
                seen.setdefault(name, set()).add(bool(asked["exp_samples"]))
    assert seen == {rule["alert"]: {True, False} for rule in ALERTS}


def test_alerts_have_names_of_their_own() -> None:
    names = [rule["alert"] for rule in ALERTS]
    assert len(names) == len(set(names))


def test_every_metric_of_ours_is_shown_or_alerted_on() -> None:
    named = {metric for expression in EXPRESSIONS for metric, _ in METRIC.findall(expression)}
    families = {re.sub(r"_(bucket|sum|count)$", "", metric) for metric in named}
    assert {
        re.sub(r"_(bucket|sum|count)$", "", metric)
        for metric in LABELS
        if metric.startswith("assay_")
    } <= families


def test_dashboard_asks_the_data_source_that_is_chosen() -> None:
    variables = {variable["name"] for variable in DASHBOARD["templating"]["list"]}
    assert variables == {"datasource", "job"}
    for panel in ENSEMBLES:
        for part in (panel, *panel["targets"]):
            assert part["datasource"] == {"type": "prometheus", "uid": "${datasource}"}


def test_panels_of_the_dashboard_do_not_overlap() -> None:
    cells = [
        (x, y)
        for panel in DASHBOARD["panels"]
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))
