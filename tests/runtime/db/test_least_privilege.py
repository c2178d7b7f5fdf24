"""The two roles that docs/deployment.md makes: one migrates, the other has no more than it needs."""

import asyncio
import re
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import asyncpg
import httpx
import pytest
from sqlalchemy import URL, make_url

from app.cli.demo import Coin
from app.sandbox.serving import esplora_urls
from tests.journey.buyer import CREDITS, Buyer
from tests.orders.wallet.keys import BIP84_ZPUB
from tests.support.databases import Template, connect, run_alone
from tests.support.printed_blocks import ROOT, blocks_of, libpq_url, run_shell, run_sql
from tests.support.processes import Process
from tests.support.sandbox import Upstream, serving_upstream
from tests.support.served import TROUBLE, serving

DOCUMENT: Final = "docs/deployment.md"
LIST: Final = ROOT / "tests/data/lists/sdn.xml"
# Tables whose rows are never changed, typed from the list of guards in docs/reliability.md.
KEPT: Final = (
    "account_events",
    "assessment_changes",
    "audit_log",
    "events",
    "ledger_entries",
    "order_events",
    "receipt_keys",
    "settlements",
)
LOOPS: Final = {
    "address_checks",
    "assessments",
    "gauges",
    "heartbeats",
    "interest",
    "list_reviews",
    "lost_jobs",
    "lost_webhooks",
    "order_creations",
    "order_looks",
    "order_parameters",
    "sweep",
    "webhook_events",
    "webhooks",
}
LOOP: Final = re.compile(r'assay_loop_heartbeat_timestamp_seconds\{loop="([^"]+)"\} (\S+)')


def printed_sql(heading: str) -> str:
    """Return the SQL that stands below a heading."""
    [found] = [
        block.text
        for block in blocks_of(DOCUMENT)
        if (block.heading, block.language) == (heading, "sql")
    ]
    return found


@dataclass(frozen=True)
class Server:
    """A server with a database and roles as printed, but for a suffix that makes them unique."""

    url: URL
    suffix: str

    def run(self, heading: str, url: str) -> None:
        """Run the statements below a heading, with this test's names."""
        named = re.sub(
            r"\b(?<!')(assay|assay_owner|assay_service)\b(?! lists)",
            rf"\1_{self.suffix}",
            printed_sql(heading),
        )
        run_sql(url, named)

    @property
    def superuser(self) -> str:
        return self.url.render_as_string(hide_password=False)

    def url_of(self, role: str, password: str) -> str:
        """Return the database's URL for a role."""
        return self.url.set(
            username=f"{role}_{self.suffix}", password=password, database=f"assay_{self.suffix}"
        ).render_as_string(hide_password=False)

    @property
    def owner(self) -> str:
        return self.url_of("assay_owner", "OWNER_PASSWORD")

    @property
    def service(self) -> str:
        return self.url_of("assay_service", "SERVICE_PASSWORD")

    async def drop(self) -> None:
        """Remove the database and the roles."""
        await run_alone(self.superuser, f"DROP DATABASE IF EXISTS assay_{self.suffix} WITH (FORCE)")
        for role in ("assay_owner", "assay_service"):
            await run_alone(self.superuser, f"DROP ROLE IF EXISTS {role}_{self.suffix}")


async def migrate(folder: Path, url: str) -> int:
    """Run `assay migrate`; return its exit status."""
    process = Process("migrate", folder=folder, ASSAY_DATABASE_URL=url)
    process.start()
    return await asyncio.to_thread(process.wait)


@asynccontextmanager
async def prepared(template: Template) -> AsyncIterator[Server]:
    """Make the roles and an empty database by the first block."""
    server = Server(make_url(template.server_url), secrets.token_hex(4))
    try:
        server.run("Make the roles", server.superuser)
        yield server
    finally:
        await server.drop()


@pytest.fixture(scope="module")
async def server(
    template: Template, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Server]:
    """A database that was migrated by its owner, with all the statements in their order."""
    async with prepared(template) as made:
        made.run("Grant what later migrations make", made.owner)
        assert await migrate(tmp_path_factory.mktemp("owner"), made.owner) == 0
        made.run("Take back what no version needs", made.owner)
        yield made


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    """A sandbox in which buyers of AEON.to pay at once, and blocks come by themselves."""
    async with serving_upstream() as served:
        await served.press("auto", step_seconds=0)
        await served.press("chain/pace", every_seconds=1)
        yield served


async def beating_loops(base_url: str) -> dict[str, float]:
    async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
        metrics = (await http.get(f"{base_url}/metrics")).text
    return {name: float(value) for name, value in LOOP.findall(metrics)}


async def buy_in_bitcoin(base_url: str, upstream: Upstream) -> None:
    """Register a second buyer, and pay its order in bitcoin."""
    buyer = Buyer(base_url, Coin.BTC, email="other@example.com")
    await buyer.sign_up()
    await buyer.order()
    placed = await buyer.post("check_order_status", {"order_id": buyer.order_id})
    await upstream.press("chain/pay", uri=placed["payment"]["uri"])
    await buyer.wait_until(buyer.order_id, lambda order: order["status"] == "PAID")
    assert await buyer.credits_available() == CREDITS


async def test_the_lesser_role_carries_the_whole_journey_and_every_loop(
    server: Server, upstream: Upstream, tmp_path: Path
) -> None:
    settings = {
        "ASSAY_BITCOIN_DESCRIPTOR": BIP84_ZPUB,
        "ASSAY_ESPLORA_URL": ",".join(esplora_urls(upstream.base_url)),
    }
    async with serving(server.service, upstream, tmp_path, **settings) as service:
        buyer = Buyer(service.base_url)
        for step in buyer.steps():
            await step()
        assert await buyer.credits_available() == CREDITS - 1
        await buy_in_bitcoin(service.base_url, upstream)
        imported = service.process.run_json("lists", "import", str(LIST))
        assert imported["is_new"]
        assert service.process.run_json("audit")["breaches"] == []
        async with asyncio.timeout(60):
            while not all((await beating_loops(service.base_url)).values()):
                await asyncio.sleep(0.1)
        loops = await beating_loops(service.base_url)
        assert (await service.get("/readyz")).status_code == 200
    assert loops.keys() >= LOOPS
    assert not TROUBLE & {event["event"] for event in service.events()}
    assert "permission denied" not in service.process.output.read_text()


async def refused(url: str, statement: str) -> bool:
    """Say whether PostgreSQL itself refuses a statement to a role."""
    connection = await connect(url)
    try:
        await connection.execute(statement)
    except asyncpg.InsufficientPrivilegeError:
        return True
    finally:
        await connection.close()
    return False


async def test_the_lesser_role_changes_no_history_and_no_schema(server: Server) -> None:
    forbidden = [
        "UPDATE ledger_entries SET account_id = account_id",
        "UPDATE order_events SET order_id = order_id",
        *(
            f"DELETE FROM {table}"  # noqa: S608  names of this file
            for table in (*KEPT, "list_versions", "alembic_version")
        ),
        *(f"TRUNCATE {table}" for table in (*KEPT, "orders", "jobs.procrastinate_jobs")),
        "DROP TRIGGER append_only ON ledger_entries",
        "ALTER TABLE ledger_entries DISABLE TRIGGER ALL",
        "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE sql AS ''",
        "DROP TABLE orders",
        "ALTER TABLE orders ADD COLUMN more text",
        "CREATE TABLE more (id int)",
        "CREATE TABLE jobs.more (id int)",
        "CREATE TEMPORARY TABLE more (id int)",
        "CREATE SCHEMA more",
        "UPDATE alembic_version SET version_num = '0001'",
        "SET session_replication_role = replica",
        f"SET ROLE assay_owner_{server.suffix}",
    ]
    allowed = [statement for statement in forbidden if not await refused(server.service, statement)]
    assert allowed == []
    assert not await refused(server.service, "SELECT count(*) FROM ledger_entries")


async def test_a_table_of_a_later_migration_is_the_services_too(server: Server) -> None:
    later = "CREATE SCHEMA later; CREATE TABLE later.notes (id bigserial PRIMARY KEY, said text)"
    await run_alone(server.owner, later)
    try:
        await run_alone(server.service, "INSERT INTO later.notes (said) VALUES ('new')")
        await run_alone(server.service, "UPDATE later.notes SET said = 'changed'")
        await run_alone(server.service, "DELETE FROM later.notes")
    finally:
        await run_alone(server.owner, "DROP SCHEMA later CASCADE")


async def test_a_migration_by_the_lesser_role_is_fine_where_there_is_nothing_to_do(
    server: Server, tmp_path: Path
) -> None:
    assert await migrate(tmp_path, server.service) == 0  # there is nothing to do


async def test_a_restored_backup_has_the_same_grants(server: Server, tmp_path: Path) -> None:
    name = f"assay_restored_{server.suffix}"
    restored, service = (
        make_url(url).set(database=name).render_as_string(hide_password=False)
        for url in (server.owner, server.service)
    )
    await run_alone(server.superuser, f"CREATE DATABASE {name} OWNER assay_owner_{server.suffix}")
    try:
        urls = {"OWNER_URL": libpq_url(server.owner), "RESTORED_URL": libpq_url(restored)}
        for block in blocks_of(DOCUMENT):
            is_printed = (block.heading, block.language) == ("Backup and restore", "sh")
            if is_printed and "_URL" in block.text:
                await asyncio.to_thread(run_shell, block.text, tmp_path, urls)
        assert await refused(service, "DELETE FROM ledger_entries")
        assert await refused(service, "CREATE TABLE more (id int)")
        assert not await refused(service, "SELECT FROM jobs.procrastinate_jobs")
        await run_alone(restored, "CREATE TABLE later (id int)")
        assert not await refused(service, "DELETE FROM later")
    finally:
        await run_alone(server.superuser, f"DROP DATABASE {name} WITH (FORCE)")


async def grants_of(server: Server) -> set[tuple[str, ...]]:
    """Return what the lesser role may do with each relation, now and with later ones."""
    connection = await connect(server.owner)
    try:
        rows = await connection.fetch(
            """
            SELECT n.nspname || '.' || c.relname, a.privilege_type
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, aclexplode(c.relacl) a
            WHERE a.grantee = $1::text::regrole
            UNION ALL
            SELECT 'schema ' || n.nspname, a.privilege_type
            FROM pg_namespace n, aclexplode(n.nspacl) a WHERE a.grantee = $1::text::regrole
            UNION ALL
            SELECT 'function ' || p.proname, a.privilege_type
            FROM pg_proc p, aclexplode(p.proacl) a WHERE a.grantee = $1::text::regrole
            UNION ALL
            SELECT 'later ' || d.defaclobjtype::text, a.privilege_type
            FROM pg_default_acl d, aclexplode(d.defaclacl) a WHERE a.grantee = $1::text::regrole
            """,
            f"assay_service_{server.suffix}",
        )
    finally:
        await connection.close()
    return {tuple(row) for row in rows}


@asynccontextmanager
async def split(template: Template, folder: Path) -> AsyncIterator[Server]:
    """A database that its only role migrated, and that got a lesser role afterwards."""
    async with prepared(template) as server:
        assert await migrate(folder, server.service) != 0
        assert "permission denied for schema public" in (folder / "migrate.log").read_text()
        assert await migrate(folder, server.owner) == 0
        server.run("A database that has one role", server.owner)
        server.run("Grant what later migrations make", server.owner)
        server.run("Take back what no version needs", server.owner)
        yield server


async def test_a_database_of_one_role_gets_a_lesser_one_with_the_same_grants(
    server: Server, template: Template, tmp_path: Path
) -> None:
    async with split(template, tmp_path) as later:
        granted = await grants_of(later)
        assert granted == await grants_of(server)
        assert ("public.orders", "INSERT") in granted
        assert await refused(later.service, "DELETE FROM ledger_entries")


@pytest.mark.long
async def test_the_lesser_role_of_a_database_of_one_role_carries_the_journey(
    template: Template, tmp_path: Path, upstream: Upstream
) -> None:
    async with split(template, tmp_path) as server:
        async with serving(server.service, upstream, tmp_path) as service:
            buyer = Buyer(service.base_url, Coin.AEON)
            for step in buyer.steps():
                await step()
        assert "permission denied" not in service.process.output.read_text()
