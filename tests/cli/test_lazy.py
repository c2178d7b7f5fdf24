"""What each command loads: its own needs and no more; and what the table of commands says of it."""

import inspect
import subprocess
import sys
from importlib import import_module
from typing import Any, Final

from typer.main import get_command
from typer.testing import CliRunner

from app.cli import main
from app.cli.lazy import _LazyCommand
from tests.support.cases import all_cases, each_case

HTTP_SERVER: Final = {"fastapi", "starlette", "uvicorn"}
DATABASE: Final = {"sqlalchemy", "asyncpg", "alembic", "psycopg", "procrastinate"}
HEAVY: Final = {
    *(*HTTP_SERVER, *DATABASE, "httpx", "jinja2", "pydantic", "rich", "wallycore", "Crypto", "yaml")
}
OPERATOR: Final = {*HTTP_SERVER, "httpx", "jinja2", "procrastinate", "alembic"}
# What a command must not load, with words that bring it to its end before any work.
FORBIDDEN: Final[dict[str, set[str]]] = {
    "--help": HEAVY,
    "verify --help": HEAVY,
    "verify absent.json": HEAVY,
    "receipt-key create --json": HEAVY,
    "aeonto status --help": {*HTTP_SERVER, *DATABASE},
    "demo --help": {*HTTP_SERVER, *DATABASE, "pydantic"},
    "sandbox --help": DATABASE,
    "migrate --help": {*HTTP_SERVER, "httpx", "procrastinate", "wallycore"},
    "user create --help": {*OPERATOR, "wallycore", "Crypto"},
    "access-code create --help": {*OPERATOR, "wallycore", "Crypto"},
    "api-key create --help": {*OPERATOR, "wallycore", "Crypto"},
    "credits adjust --help": {*OPERATOR, "wallycore", "Crypto"},
    "audit --help": OPERATOR,
    "audit acknowledge --help": OPERATOR,
    "doctor --help": HTTP_SERVER,
    "orders list --help": OPERATOR,
    "lists import --help": HTTP_SERVER,
    "bitcoin addresses --help": HTTP_SERVER,
}
# The commands on one line each; what they load is added to what `assay` loads in any case.
LOADED: Final = """
import os, sys
from app.cli import main
for line in sys.stdin.read().splitlines():
    child = os.fork()
    if child == 0:
        try:
            main(line.split())
        except SystemExit:
            print("loaded", *sys.modules, file=sys.__stderr__, flush=True)
            os._exit(0)
        os._exit(1)
    _, status = os.waitpid(child, 0)
    if status:
        sys.exit(f"{line}: no end by SystemExit")
"""


def leaves(group: Any, *path: str) -> dict[str, _LazyCommand]:  # noqa: ANN401  Typer's own is private
    """Return every command by its words."""
    found: dict[str, _LazyCommand] = {}
    for name, command in group.commands.items():
        if isinstance(command, _LazyCommand):
            found[" ".join([*path, name])] = command
            if command.commands:
                found |= leaves(command._load(), *path, name)
        else:
            found |= leaves(command, *path, name)
    return found


def groups() -> list[str]:
    top: Any = get_command(main)
    return [name for name, command in top.commands.items() if not isinstance(command, _LazyCommand)]


def test_a_command_loads_no_more_than_it_needs() -> None:
    commands = [*FORBIDDEN, *(f"{group} --help" for group in groups())]
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", LOADED],
        input="\n".join(commands),
        capture_output=True,
        check=True,
        text=True,
    )
    loaded = [line.split() for line in done.stderr.splitlines() if line.startswith("loaded ")]
    with all_cases() as cases:
        for words, modules in zip(commands, loaded, strict=True):
            with cases.case(words):
                assert not FORBIDDEN.get(words, HEAVY) & set(modules)


def test_the_table_says_of_each_command_what_its_own_help_says_first() -> None:
    for words, command in leaves(get_command(main)).items():
        module, _, function = command._target.partition(":")
        text = inspect.getdoc(getattr(import_module(module), function)) or ""
        assert command.help == " ".join(text.split("\n\n")[0].split()), words


def test_help_lists_every_command_in_full() -> None:
    shown = " ".join(CliRunner().invoke(main, ["--help"]).output.split())
    for command in get_command(main).commands.values():  # type: ignore[attr-defined]
        assert f"{command.name} {command.help}" in shown


@each_case(
    ("words", "option"),
    [
        ("orders list --limit \u0661", "--limit"),
        ("orders list --limit 1_0", "--limit"),
        ("orders list --limit \uff11", "--limit"),
        ("credits adjust --reason r --user u --amount 1_000", "--amount"),
        ("credits adjust --reason r --user u --amount 1.0", "--amount"),
        ("access-code create --issuer i --credits \u0665", "--credits"),
        ("lists check --random 1e3", "--random"),
        ("simulate --hours \u0662", "--hours"),
        ("simulate --hours inf", "--hours"),
        ("sandbox --port 0x50", "--port"),
    ],
)
def test_numbers_are_written_in_ascii_digits(words: str, option: str) -> None:
    done = CliRunner().invoke(main, words.split())
    assert done.exit_code == 2
    assert f"Invalid value for '{option}': must be a" in done.output
