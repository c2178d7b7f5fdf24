"""The commands and statements that the documents print, found and run as they stand there."""

import os
import re
import subprocess
import textwrap
from pathlib import Path
from typing import Final, NamedTuple

from sqlalchemy import make_url

from app.runtime.db.binaries import find_binaries

ROOT: Final = Path(__file__).parents[2]
_FENCED: Final = re.compile(
    r"^(?P<indent> *)```(?P<language>\w+)\n(?P<text>.*?)^ *```$", re.M | re.S
)
_HEADING: Final = re.compile(r"^#+ (.+)$", re.M)
_RUN_SECONDS: Final = 60


class Block(NamedTuple):
    """A fenced block: its file, the heading it stands below, its language and its text."""

    file: str
    heading: str
    language: str
    text: str


def blocks_of(file: str) -> list[Block]:
    """Return the fenced blocks of a document that name a language, in their order."""
    document = (ROOT / file).read_text()
    found = []
    for match in _FENCED.finditer(document):
        heading = _HEADING.findall(_without_blocks(document[: match.start()]))[-1]
        text = textwrap.dedent(match["text"])
        found.append(Block(file, heading, match["language"], text))
    return found


def _without_blocks(text: str) -> str:
    """Drop fenced blocks, in which a # begins a comment and no heading."""
    return _FENCED.sub("", text)


def libpq_url(url: str) -> str:
    """Return a URL of SQLAlchemy as `psql` takes it."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def program_path() -> str:
    """Return a PATH on which `psql`, `pg_dump` and `pg_restore` are those of the tests' server."""
    return f"{find_binaries()}{os.pathsep}{os.environ.get('PATH', os.defpath)}"


def run_shell(text: str, folder: Path, variables: dict[str, str]) -> None:
    """Give commands to a shell, which ends at the first that fails."""
    done = subprocess.run(  # noqa: S603
        ["/bin/sh", "-eu", "-c", text],
        capture_output=True,
        check=False,
        cwd=folder,
        env={**os.environ, **variables, "PATH": program_path()},
        text=True,
        timeout=_RUN_SECONDS,
    )
    assert done.returncode == 0, f"{text}\n{done.stderr}"


def run_sql(url: str, text: str) -> str:
    """Give statements to `psql`, which ends at the first that fails; return what it prints."""
    done = subprocess.run(  # noqa: S603
        [
            find_binaries() / "psql",
            libpq_url(url),
            "--no-psqlrc",
            "--quiet",
            "--set=ON_ERROR_STOP=1",
            "--file=-",
        ],
        input=text,
        capture_output=True,
        check=False,
        text=True,
        timeout=_RUN_SECONDS,
    )
    assert done.returncode == 0, f"{text}\n{done.stderr}"
    return done.stdout
