"""The lock files: nothing is resolved at an install, so each must name all that its packages need."""

import re
import tomllib
from collections.abc import Iterable, Iterator
from importlib.metadata import requires, version
from pathlib import Path
from typing import Any, Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.cases import each_case

ROOT: Final = Path(__file__).parents[1]
PYPROJECT: Final[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text())
RUNS: Final[list[str]] = PYPROJECT["project"]["dependencies"]
EXTRAS: Final[dict[str, list[str]]] = PYPROJECT["project"]["optional-dependencies"]
BUILDS: Final[list[str]] = PYPROJECT["dependency-groups"]["build"]
# Each lock file, and what it is for.
LOCKS: Final = {
    "requirements.lock": RUNS,
    "requirements-run.lock": [*RUNS, *EXTRAS["embedded"], *BUILDS],
    "requirements-dev.lock": [*RUNS, *EXTRAS["embedded"], *BUILDS, *EXTRAS["dev"]],
    "requirements-build.lock": BUILDS,
}


def entries(lock: str) -> dict[str, str]:
    """Return for each package of a lock file its line and its hashes, without who needs it."""
    text = re.sub(r"(?m)^ *#.*\n", "", (ROOT / lock).read_text())
    return {entry.partition("==")[0]: entry for entry in re.split(r"\n(?=\S)", text.rstrip())}


def pins(lock: str) -> dict[str, str]:
    """Return the version of each package that a lock file installs here."""
    found = {}
    for entry in entries(lock).values():
        pinned = Requirement(entry.partition("\\")[0])
        if pinned.marker is None or pinned.marker.evaluate():
            [specifier] = pinned.specifier
            assert specifier.operator == "=="
            found[pinned.name] = specifier.version
    return found


def needs(lines: Iterable[str], extras: Iterable[str] = ()) -> Iterator[Requirement]:
    """Yield those of a package's requirements that hold here, with these of its extras."""
    for requirement in map(Requirement, lines):
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            yield requirement


def closure(lines: Iterable[str]) -> list[Requirement]:
    """Return these requirements and those of what they install, by the metadata of the packages."""
    todo, found = list(needs(lines)), {}
    while todo:
        requirement = todo.pop()
        if str(requirement) not in found:
            found[str(requirement)] = requirement
            todo += needs(requires(requirement.name) or (), requirement.extras)
    return list(found.values())


@each_case("lock", LOCKS)
def test_lock_is_complete_by_itself_and_names_nothing_more(lock: str) -> None:
    pinned = pins(lock)
    required = closure(LOCKS[lock])
    assert {canonicalize_name(requirement.name) for requirement in required} == set(pinned)
    for requirement in required:
        assert requirement.specifier.contains(pinned[canonicalize_name(requirement.name)])
    assert pinned == {name: version(name) for name in pinned}  # so the metadata is of these


@each_case(
    ("smaller", "larger"),
    [
        ("requirements.lock", "requirements-run.lock"),
        ("requirements-build.lock", "requirements-run.lock"),
        ("requirements-run.lock", "requirements-dev.lock"),
    ],
)
def test_package_is_pinned_alike_in_all_locks(smaller: str, larger: str) -> None:
    assert entries(smaller).items() <= entries(larger).items()


def test_locks_hold_what_builds_assay() -> None:
    named = {Requirement(line).name for line in PYPROJECT["build-system"]["requires"]}
    assert {Requirement(line).name for line in BUILDS} == named


@each_case(
    "lock",
    [
        *LOCKS,
        "benchmarks/peer/requirements.lock",
        "docs/lint/package-lock.json",
        "tests/browser/package-lock.json",
        "tests/sdk/package-lock.json",
        "tests/sdk/requirements.lock",
    ],
)
def test_lock_names_no_address_to_download_from(lock: str) -> None:
    assert "://" not in (ROOT / lock).read_text()
