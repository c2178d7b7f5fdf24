"""Samples for deployments name only settings, commands, ports and paths that there are."""

import json
import re
from configparser import ConfigParser
from typing import Any, Final

import kubernetes_validate
import pytest
import yaml
from typer.main import get_command

from app.cli import main as cli
from app.settings import PREFIX, variables
from tests.support.cases import each_case
from tests.support.printed_blocks import ROOT

FOLDER: Final = ROOT / "docs/operations"
UNITS: Final = ("migrate", "serve", "worker")
SAMPLES: Final = (
    "nginx.conf",
    "Caddyfile",
    "kubernetes.yaml",
    *(f"assay-{unit}.service" for unit in UNITS),
)
OBJECTS: Final[list[dict[str, Any]]] = list(
    yaml.safe_load_all((FOLDER / "kubernetes.yaml").read_text())
)
KUBERNETES_VERSIONS: Final = ("1.30", "1.33", "1.37")
SETTING: Final = re.compile(rf"\b{PREFIX}[A-Z_]+\b")
SERVED: Final = json.loads((ROOT / "docs/openapi.json").read_text())["paths"]


@each_case("name", SAMPLES)
def test_samples_name_settings_that_exist(name: str) -> None:
    named = SETTING.findall((FOLDER / name).read_text())
    assert named
    assert set(named) <= variables().keys()


@each_case("unit", UNITS)
def test_units_run_the_commands_of_their_names_without_privileges(unit: str) -> None:
    parsed = ConfigParser(strict=False, interpolation=None)
    parsed.optionxform = str  # type: ignore[assignment,method-assign]
    parsed.read_string((FOLDER / f"assay-{unit}.service").read_text())
    service = parsed["Service"]
    assert service["ExecStart"] == f"/opt/assay/bin/assay {unit}"
    assert unit in get_command(cli).commands  # type: ignore[attr-defined]
    assert (service["ProtectSystem"], service["NoNewPrivileges"]) == ("strict", "true")
    assert not service["CapabilityBoundingSet"]
    assert service["Type"] == ("oneshot" if unit == "migrate" else "exec")
    assert unit == "migrate" or int(service["LimitNOFILE"]) >= 65536


@each_case("version", KUBERNETES_VERSIONS)
def test_kubernetes_objects_fit_the_schema_of_each_version_and_have_no_unknown_field(
    version: str,
) -> None:
    for one in OBJECTS:
        assert kubernetes_validate.validate(one, version, strict=True) == version
        with pytest.raises(kubernetes_validate.ValidationError, match="unexpected"):
            kubernetes_validate.validate(one | {"specs": {}}, version, strict=True)


def pods() -> list[tuple[str, dict[str, Any]]]:
    return [
        (one["kind"], one["spec"]["template"])
        for one in OBJECTS
        if one["kind"] in ("Job", "Deployment")
    ]


def test_kubernetes_runs_a_job_for_the_schema_and_two_deployments() -> None:
    commands = [
        (kind, container["args"]) for kind, pod in pods() for container in pod["spec"]["containers"]
    ]
    assert commands == [
        ("Job", ["assay", "migrate"]),
        ("Deployment", ["assay", "serve"]),
        ("Deployment", ["assay", "worker"]),
    ]


def test_kubernetes_gives_containers_no_more_than_they_need() -> None:
    for _, pod in pods():
        [container] = pod["spec"]["containers"]
        assert pod["spec"]["securityContext"]["runAsNonRoot"] is True
        assert pod["spec"]["automountServiceAccountToken"] is False
        assert container["securityContext"] == {
            "readOnlyRootFilesystem": True,
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        }
        assert {"requests", "limits"} <= container["resources"].keys()


def test_kubernetes_asks_paths_that_are_served_and_hands_no_metrics_on() -> None:
    for kind, pod in pods():
        [container] = pod["spec"]["containers"]
        if kind == "Job":
            continue
        assert container["ports"] == [{"name": "http", "containerPort": 8000}]
        assert container["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "http"}
        assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "http"}
    [ingress] = [one for one in OBJECTS if one["kind"] == "Ingress"]
    [rule] = ingress["spec"]["rules"]
    handed_on = [path["path"] for path in rule["http"]["paths"]]
    assert all(any(path.startswith(f"{prefix}/") for path in SERVED) for prefix in handed_on)
    assert not any("/metrics".startswith(prefix) for prefix in handed_on)


def test_kubernetes_selects_the_pods_that_it_makes() -> None:
    labels = [pod["metadata"]["labels"] for _, pod in pods()]
    selectors = [
        one["spec"]["selector"].get("matchLabels", one["spec"]["selector"])
        for one in OBJECTS
        if "selector" in one.get("spec", {})
    ]
    assert len(selectors) == 3
    assert all(selector in labels for selector in selectors)


def test_the_caddyfile_keeps_the_metrics_inside() -> None:
    text = (FOLDER / "Caddyfile").read_text()
    assert "@metrics path /metrics /metrics/*" in text
    assert "respond @metrics 404" in text
