"""`python -m tests.mutations`: take each guard away in a copy of the project, and run its test.

Prints one line per guard. Exit status 1 if a test passes without the guard that it is named for,
or does not pass with it.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from tests.mutations.guards import MUTATIONS, Mutation

ROOT: Final = Path(__file__).parents[2]
_COPIED: Final = ("app", "migrations", "tests", "docs", "pyproject.toml", "alembic.ini")
_PASSED, _FAILED = 0, 1  # pytest's exit statuses; all others mean that it could not run


def _copy(folder: Path) -> None:
    for name in _COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / name)


def _run(folder: Path, *tests: str) -> int:
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-n", "0", "--all", *tests]
    return subprocess.run(  # noqa: S603
        command, cwd=folder, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ).returncode


def _status_without(folder: Path, mutation: Mutation) -> int:
    path = folder / mutation.file
    whole = path.read_text()
    if whole.count(mutation.text) != 1:
        raise SystemExit(f"{mutation.file}: does not hold once: {mutation.text!r}")
    path.write_text(whole.replace(mutation.text, mutation.without))
    try:
        return _run(folder, mutation.test)
    finally:
        path.write_text(whole)


def main() -> int:
    """Run all; return the exit status."""
    unnoticed = 0
    with tempfile.TemporaryDirectory(prefix="assay-mutations-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        _copy(folder)
        if _run(folder, *(mutation.test for mutation in MUTATIONS)) != _PASSED:
            print("the tests do not pass as things are", file=sys.stderr)  # noqa: T201
            return 1
        for mutation in MUTATIONS:
            noticed = _status_without(folder, mutation) == _FAILED
            unnoticed += not noticed
            verdict = "noticed" if noticed else "NOT NOTICED"
            print(f"{verdict:12} {mutation.guard}: {mutation.test}", flush=True)  # noqa: T201
    return min(unnoticed, 1)


if __name__ == "__main__":
    sys.exit(main())
