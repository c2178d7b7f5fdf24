"""Tables of every command: no secret or id is broken, however narrow the terminal; plain in a pipe."""

import os
import pty
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest
from typer.testing import CliRunner

from app.cli import main, tables
from app.cli.printing import print_record, print_records
from app.runtime.db.engine import Database
from tests.support.application import BTC_DEST_ADDRESS
from tests.support.commands import commands_on
from tests.support.orders import place_order
from tests.support.people import make_user

FRAMES: Final = re.compile("[\u2500-\u257f]")
ESCAPE: Final = "\x1b"
KEY: Final = r"assay_[0-9A-Za-z]{10}_[0-9A-Za-z]{38}"
ORDER: Final = r"ord_[0-9A-Za-z]{25}"
RECEIPT_KEY: Final = r"[0-9A-Za-z+/]{43}="
# Each command that prints a table from the database, and what it must print unbroken.
COMMANDS: Final = (
    ("user create --email {email} --password long-enough", r"acc_[0-9A-Za-z]{25}", "{email}"),
    ("access-code create --issuer {email} --credits 5", r"\b[0-9A-Za-z]{16}\b"),
    ("api-key create --user {email}", KEY),
    ("api-key create --unbound", KEY),
    ("api-key revoke {prefix}", "{prefix}"),
    ("api-key list", "{email}", "{prefix}"),
    ("api-key revoke --all-of {email}", r"\b[0-9A-Za-z]{10}\b"),
    ("access-code list", r"\b[0-9A-Za-z]{16}\b", "{email}"),
    ("user list", "{email}"),
    ("user disable {email}", r"acc_[0-9A-Za-z]{25}"),
    ("user enable {email}", r"acc_[0-9A-Za-z]{25}"),
    ("user end-sessions {email}", "sessions_ended"),
    ("credits adjust --user {email} --amount 1000000000 --reason r", "1000000000"),
    ("orders list", ORDER, "TO_BE_CREATED"),
    ("orders show {order}", ORDER, BTC_DEST_ADDRESS),
    ("orders cancel {order} --reason r", ORDER, "CANCELLED"),
    ("orders settle {order} --close --reason r", ORDER, "FAILED"),
    ("orders limit --user {email} --max 1000000", "1000000"),
    ("audit", "ledger_entries"),
    ("lists show", "effective_on"),
    ("lists check --random 1", "false_hits"),
)


@pytest.fixture(autouse=True)
def _narrow_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")


async def test_no_command_breaks_an_id_or_a_secret(
    database_url: str, committed_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime.now(UTC)
    with commands_on(database_url, monkeypatch) as assay:
        for drawn in (False, True):
            monkeypatch.setattr(tables, "is_drawn", lambda drawn=drawn: drawn)
            buyer = await make_user(committed_database, now)
            names = {
                "email": f"somebody.with.a.long.name.{drawn}@example.com".lower(),
                "order": await place_order(committed_database, buyer, now),
                "prefix": buyer.api_key.split("_")[1],
            }
            for command, *unbroken in COMMANDS:
                result = await assay(*command.format(**names).split())
                assert result.exit_code == 0, result.output
                assert (FRAMES.search(result.stdout) is not None) == drawn
                assert ESCAPE not in result.stdout
                for word in unbroken:
                    pattern = names.get(word.strip("{}"), word)
                    assert re.search(pattern, result.stdout), (command, result.stdout)


def test_what_needs_no_database_is_not_broken_either(monkeypatch: pytest.MonkeyPatch) -> None:
    bip84 = (  # the account key of the test vector of BIP 84, and its first address
        "zpub6rFR7y4Q2AijBEqTUquhVz398htDFrtymD9xYYfG1m4wAcvPhXNfE3EfH1r1ADqtfSdVCToUG868RvUUkgDK"
        "f31mGDtKsAYz2oz2AGutZYs"
    )
    monkeypatch.setenv("ASSAY_BITCOIN_DESCRIPTOR", bip84)
    monkeypatch.setenv("ASSAY_ESPLORA_URL", "http://127.0.0.1:1/")
    for drawn in (False, True):
        monkeypatch.setattr(tables, "is_drawn", lambda drawn=drawn: drawn)
        made = CliRunner().invoke(main, ["receipt-key", "create"])
        shown = CliRunner().invoke(main, ["bitcoin", "addresses"])
        assert re.search(RECEIPT_KEY, made.stdout)
        assert "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu" in shown.stdout
        assert (FRAMES.search(made.stdout + shown.stdout) is not None) == drawn


def test_a_secret_is_one_word_on_a_real_terminal_and_has_no_colour_if_none_is_wanted(
    tmp_path: Path,
) -> None:
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "NO_COLOR": "1"}
    command = [sys.executable, "-m", "app.cli", "receipt-key", "create"]
    with subprocess.Popen(  # noqa: S603
        command, stdout=theirs, stdin=theirs, env=environment
    ) as process:
        os.close(theirs)
        printed = b""
        try:
            while part := os.read(ours, 4096):
                printed += part
        except OSError:  # the terminal's other end is closed
            pass
    os.close(ours)

    assert process.returncode == 0
    assert re.search(rf"│ {RECEIPT_KEY} ", printed.decode())
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]", printed.decode())


def test_a_pipe_gets_aligned_lines_with_each_row_on_one(capsys: pytest.CaptureFixture[str]) -> None:
    records: list[dict[str, object]] = [
        {"name": "a", "what": "words of a long text that would be folded", "more": [{"b": 1}]},
        {"name": "longer", "what": "two\nlines, \x1b[31mred\u202e", "more": None},
    ]
    print_records(records, columns=("name", "what", "more"), as_json=False)
    print_record({"field": 7, "none": None}, as_json=False)

    assert capsys.readouterr().out == (
        "name    what                                       more\n"
        'a       words of a long text that would be folded  [{"b": 1}]\n'
        "longer  two\\nlines, \\x1b[31mred\\u202e\n"
        "field  value\n"
        "field  7\n"
        "none\n"
    )
