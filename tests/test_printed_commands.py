"""Every command and statement in the documents for operators is run, as it is printed.

A block of `sh` is commands of Assay, run in the test's process, and programs of PostgreSQL; one of
`sql` goes to `psql`. Each gets a user, an order and the rest of its own.
"""

import asyncio
import os
import re
import secrets
import shlex
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import count as count_up
from pathlib import Path
from string import Template as Words
from typing import Final

import pytest
from sqlalchemy import make_url

from app.orders.rules.rails import Rail
from app.runtime.db.engine import Database
from tests.orders.wallet.keys import BIP84_ZPUB
from tests.support.application import BTC_DEST_ADDRESS
from tests.support.bitcoin_orders import TERMS
from tests.support.commands import Assay, commands_on
from tests.support.databases import run_alone
from tests.support.orders import count, place_order
from tests.support.people import PASSWORD, make_access_code, make_user
from tests.support.printed_blocks import (
    ROOT,
    Block,
    blocks_of,
    libpq_url,
    program_path,
    run_sql,
)
from tests.support.sandbox import serving_upstream

DOCUMENTS: Final = ("docs/deployment.md", "docs/operations.md", "docs/operations/runbook.md")
BLOCKS: Final = [block for file in DOCUMENTS for block in blocks_of(file)]
ROLES: Final = (
    "tests/runtime/db/test_least_privilege.py runs it, in its order, on a database of its own"
)
# The first line of what is not run here, and why.
ELSEWHERE: Final = {
    "systemctl start assay-migrate": "needs systemd as the first process, and its root",
    "kubectl apply --filename=kubernetes.yaml": "needs a cluster",
    "CREATE ROLE assay_owner LOGIN PASSWORD 'OWNER_PASSWORD';": ROLES,
    "REVOKE ALL ON SCHEMA public FROM PUBLIC;": ROLES,
    "DO $$": ROLES,
    "GRANT USAGE ON SCHEMA public, jobs TO assay_service;": ROLES,
    "export POSTGRES_PASSWORD=…             # letters and digits": "needs Docker",
    "assay doctor": "tests/cli/test_doctor.py runs it, on a deployment that is well",
    'assay audit acknowledge money_before_order "$ORDER"'
    ' --reason "taken back by an adjustment"': "tests/cli/test_operator.py runs it on such an order",
    "[databases]": "./run pgbouncer starts PgBouncer with these settings",
    "ASSAY_DATABASE_URL='postgresql://assay:PASSWORD@db.example.com/assay?sslmode=verify-full"
    "&sslrootcert=root.crt'": "a setting; tests/runtime/db/test_connecting_by_url.py connects by such URLs",
}
SERVERS_LIST: Final = (
    "https://sanctionslistservice.ofac.treas.gov/api/PublicationPreview/exports/SDN_ADVANCED.XML"
)
LIST: Final = str(ROOT / "tests/data/sanctions/sdn_advanced.xml")  # no test asks OFAC's server
QUOTED_WORD: Final = re.compile(r"'([A-Z]+)'")
SETTING: Final = re.compile(r"(ASSAY_\w+)=(.*)")
PROGRAM_SECONDS: Final = 60


def first_line(block: Block) -> str:
    return block.text.partition("\n")[0]


@asynccontextmanager
async def own_role(database_url: str) -> AsyncIterator[tuple[str, str]]:
    """Lend a role for statements about the role itself: the database's URL for it, and the URL of
    an empty database for a restore.
    """
    name = f"printed_{secrets.token_hex(4)}"
    await run_alone(database_url, f"CREATE ROLE {name} SUPERUSER LOGIN PASSWORD 'first'")
    url = make_url(database_url).set(username=name, password="first")
    await run_alone(database_url, f"CREATE DATABASE {name} OWNER {name}")
    try:
        yield (
            url.render_as_string(hide_password=False),
            url.set(database=name).render_as_string(hide_password=False),
        )
    finally:
        await run_alone(database_url, f"DROP DATABASE {name} WITH (FORCE)")
        await run_alone(database_url, f"DROP ROLE {name}")


class Operator:
    """Runs what is printed, with a user, a code and an order that nobody paid for each block."""

    def __init__(  # noqa: PLR0917
        self, assay: Assay, database: Database, url: str, empty_url: str, uuid: str, folder: Path
    ) -> None:
        self._assay = assay
        self._database = database
        self._url = url
        self._empty_url = empty_url
        self._uuid = uuid
        self._folder = folder
        self._next_indexes = count_up(1000, 1000)

    async def run(self, block: Block) -> None:
        """Run a block; every line of it must succeed."""
        values = await self._values()
        if block.language == "sql":
            text = QUOTED_WORD.sub(lambda word: f"'{values[word[1]]}'", block.text)
            await asyncio.to_thread(run_sql, self._url, text)
            return
        assert block.language == "sh", f"nobody runs {block}"
        for line in block.text.splitlines():
            words = [Words(word).substitute(values) for word in shlex.split(line)]
            await self._run_line(words)

    async def _run_line(self, words: list[str]) -> None:
        settings = {}
        while setting := SETTING.fullmatch(words[0]):
            settings[setting[1]] = setting[2]
            words = words[1:]
        program, *arguments = [LIST if word == SERVERS_LIST else word for word in words]
        if program != "assay":
            await asyncio.to_thread(self._run_program, [program, *arguments])
            return
        assert settings.keys() <= {"ASSAY_DATABASE_URL"}
        result = await self._assay(*arguments, typed=f"{PASSWORD}\n" * 2)
        assert result.exit_code == 0, f"{words}: {result.output}"

    def _run_program(self, words: list[str]) -> None:
        subprocess.run(  # noqa: S603
            words,
            check=True,
            cwd=self._folder,
            env={**os.environ, "PATH": program_path()},
            timeout=PROGRAM_SECONDS,
        )

    async def _values(self) -> dict[str, str]:
        now = datetime.now(UTC)
        user = await make_user(self._database, now, credits_given=1)
        code = await make_access_code(self._database, user, now)
        order = await place_order(self._database, user, now, terms=TERMS, rail=Rail.BITCOIN)
        return {
            "ACCOUNT": user.account_id,
            "CODE": str(code.access_code),
            "CREDITS": "7",
            "EMAIL": str(user.email),
            "NEW": "first",
            "NEXT_INDEX": str(next(self._next_indexes)),
            "ORDER": order,
            "OWNER_URL": libpq_url(self._url),
            "PREFIX": user.api_key.split("_")[1],
            "RESTORED_URL": libpq_url(self._empty_url),
            "TRANSACTION": "ab" * 32,
            "UUID": self._uuid,
        }


@pytest.fixture
async def operator(
    committed_database: Database,
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Operator]:
    """An operator of a database with a sandbox beside it."""
    async with serving_upstream() as upstream, own_role(database_url) as (url, empty):
        monkeypatch.setenv("ASSAY_AEONTO_BASE_URL", upstream.base_url)
        monkeypatch.setenv("ASSAY_AEONTO_RATE_SCALE", "1000")
        monkeypatch.setenv("ASSAY_BITCOIN_DESCRIPTOR", BIP84_ZPUB)
        with commands_on(url, monkeypatch) as assay:
            made = await assay("aeonto", "create", "0.005", BTC_DEST_ADDRESS)
            assert made.exit_code == 0, made.output
            [order] = await upstream.orders()
            yield Operator(assay, committed_database, url, empty, order["uuid"], tmp_path)


async def test_every_block_that_is_printed_for_operators_is_run(operator: Operator) -> None:
    run = [block for block in BLOCKS if first_line(block) not in ELSEWHERE]
    assert len(run) > 40
    failed = []
    for block in run:
        try:
            await operator.run(block)
        except (AssertionError, KeyError, subprocess.CalledProcessError) as fault:
            failed.append(f"{block.file}, {block.heading}:\n{block.text}{fault}")
    assert not failed, "\n".join(failed)


def test_what_is_run_elsewhere_is_still_printed() -> None:
    assert ELSEWHERE.keys() <= {first_line(block) for block in BLOCKS}


def sql_with(words: str) -> str:
    """Return the one statement of the runbook that has these words."""
    [found] = {block.text for block in BLOCKS if block.language == "sql" and words in block.text}
    return found


async def test_the_triggers_that_the_runbook_lists_are_those_of_the_catalogue(
    database_url: str,
) -> None:
    statement = sql_with("pg_get_triggerdef").partition(";")[0]
    printed = run_sql(database_url, f"\\pset format unaligned\n\\t on\n{statement};")
    catalogue = (ROOT / "migrations/catalogue.txt").read_text()
    wanted = catalogue.partition("-- triggers\n")[2].partition("\n-- ")[0].strip().splitlines()
    assert sorted(printed.splitlines()) == sorted(wanted)
    assert {line[:2] for line in wanted} == {"A "}


async def test_addresses_of_before_a_restore_are_not_given_out_again(
    committed_database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime.now(UTC)
    user = await make_user(committed_database, now)
    await place_order(committed_database, user, now, terms=TERMS, rail=Rail.BITCOIN)
    monkeypatch.setenv("ASSAY_BITCOIN_DESCRIPTOR", BIP84_ZPUB)
    with commands_on(database_url, monkeypatch) as assay:
        advanced = await assay("bitcoin", "advance", "--to", "1001")
    assert advanced.exit_code == 0, advanced.output
    await place_order(committed_database, user, now, terms=TERMS, rail=Rail.BITCOIN)
    assert await count(committed_database, "bitcoin_addresses", "address_index = 1001") == 1
