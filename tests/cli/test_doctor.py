"""`assay doctor`: a healthy deployment passes, and each fault has a line with a remedy."""

import json
import re
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

import pytest
from sqlalchemy import make_url, text

from app.assessments.rules.receipts import SigningKey
from app.doctor.database import check_clock, judge_tls
from app.doctor.deployment import Place, deployment_of
from app.orders.wallet.wallet import Wallet
from app.runtime.db.engine import Database, create_database
from app.runtime.loops import beats
from app.webhooks import endpoints
from app.webhooks.endpoints import EndpointWish
from app.webhooks.secrets import SecretStore
from tests.orders.wallet.keys import BIP84_ZPUB
from tests.support.application import BTC_DEST_ADDRESS, RECEIPT_KEY, settings_for_tests
from tests.support.commands import Assay, commands_on
from tests.support.databases import let_changes, run_alone
from tests.support.lists import import_rows, listed
from tests.support.people import ACTOR, make_user
from tests.support.processes import free_port
from tests.support.sandbox import LeapingClock, Upstream, serving_upstream

LOOPS: Final = (
    *("order_creations", "order_parameters", "order_looks", "bitcoin_looks"),
    *("lost_jobs", "sweep", "list_reviews", "gauges", "address_checks", "assessments"),
    *("webhooks", "webhook_events", "lost_webhooks"),
)
# The first address of the wallet of BIP 84's test vectors.
FIRST_ADDRESS: Final = "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu"
OF_THE_DATABASE: Final = {
    *("database_tls", "database_pooler", "database_role", "database_writes", "database_clock"),
    *("database_schema", "books", "aeonto", "lists", "wallet_gap", "loops"),
    "receipt_key_published",
    "webhook_secrets",
}
ALL: Final = OF_THE_DATABASE | {"settings", "database", "esplora", "wallet", "receipt_key"}
# What the documents grant, table by table.
RIGHTS: Final = """
    GRANT USAGE ON SCHEMA public, jobs TO {role};
    GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public, jobs TO {role};
    GRANT USAGE ON ALL SEQUENCES IN SCHEMA public, jobs TO {role};
    REVOKE UPDATE, DELETE ON ledger_entries, order_events, audit_log FROM {role};
    REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM {role};
"""
LESS_RIGHTS: Final = """
    REVOKE INSERT ON orders FROM {role};
    REVOKE SELECT ON accounts FROM {role};
    REVOKE USAGE ON SCHEMA jobs FROM {role};
"""


class Deployed(NamedTuple):
    """A deployment that is well, and what a test breaks of it."""

    assay: Assay
    database: Database
    url: str
    upstream: Upstream
    chain: str
    give: Callable[[str, str], None]

    async def examined(self, exit_status: int) -> dict[str, list[tuple[str, str]]]:
        """Run the doctor; return by the name of the check what it found, as status and text."""
        result = await self.assay("doctor", "--json")
        assert result.exit_code == exit_status, result.output
        found: dict[str, list[tuple[str, str]]] = {}
        for one in json.loads(result.stdout):
            assert set(one) == {"name", "status", "found", "remedy"}
            assert bool(one["remedy"]) == (one["status"] != "ok"), one
            found.setdefault(one["name"], []).append((one["status"], one["found"]))
        return found

    async def execute(self, *statements: str) -> None:
        """Change the database as its owner, a transaction for each statement."""
        for statement in statements:
            async with self.database.sessions() as session, session.begin():
                await session.execute(text(statement))

    async def beat(self, seconds_ago: float) -> None:
        """Let every loop have finished its last round so long ago."""
        await self.execute("DELETE FROM loop_beats")
        await beats.save(self.database, dict.fromkeys(LOOPS, timedelta(seconds=seconds_ago)))


def with_status(status: str, found: dict[str, list[tuple[str, str]]]) -> dict[str, str]:
    """Return the first such finding of each check that has one."""
    return {
        name: texts[0]
        for name, findings in found.items()
        if (texts := [words for one, words in findings if one == status])
    }


@pytest.fixture(scope="module")
async def upstream() -> AsyncIterator[Upstream]:
    async with serving_upstream() as upstream:
        yield upstream


@pytest.fixture
async def deployed(
    upstream: Upstream,
    database_url: str,
    committed_database: Database,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> AsyncIterator[Deployed]:
    chain = upstream.base_url.partition("/api/")[0]

    def give(name: str, value: str) -> None:
        monkeypatch.setenv(f"ASSAY_{name}", value)

    monkeypatch.chdir(tmp_path)
    with commands_on(database_url, monkeypatch) as assay:
        give("AEONTO_BASE_URL", upstream.base_url)
        give("ESPLORA_URL", f"{chain}/esplora,{chain}/esplora2")
        give("BTC_DEST_ADDRESS", BTC_DEST_ADDRESS)
        give("RECEIPT_KEY", RECEIPT_KEY)
        deployed = Deployed(assay, committed_database, database_url, upstream, chain, give)
        await deployed.beat(0)
        yield deployed


async def test_healthy_deployment_passes_and_shows_no_secret(deployed: Deployed) -> None:
    deployed.give("BITCOIN_DESCRIPTOR", BIP84_ZPUB)
    created = await deployed.upstream.requests("order_create")
    asked = await deployed.upstream.requests("order_parameter_query")
    found = await deployed.examined(0)
    assert found.keys() == ALL
    assert with_status("unknown", found) == {}
    # What a test stands on: a superuser, the sandbox, and no list.
    assert with_status("warning", found).keys() == {"database_role", "aeonto", "lists"}
    assert FIRST_ADDRESS in found["wallet"][0][1]
    assert len(found["esplora"]) == 3
    assert await deployed.upstream.requests("order_create") == created
    assert await deployed.upstream.requests("order_parameter_query") == asked + 1
    table = await deployed.assay("doctor")
    assert table.exit_code == 0
    lines = table.stdout.splitlines()
    assert lines[0].split() == ["status", "name", "found", "remedy"]
    assert len(lines) == 1 + sum(map(len, found.values()))
    password = make_url(deployed.url).password
    for secret in (RECEIPT_KEY, BIP84_ZPUB, password or RECEIPT_KEY):
        assert secret not in table.output + json.dumps(found)


async def test_each_fault_has_its_line_and_hides_no_other(deployed: Deployed) -> None:
    closed = free_port()
    deployed.give("AEONTO_BASE_URL", f"{deployed.chain}/esplora")
    deployed.give("ESPLORA_URL", f"http://127.0.0.1:{closed},{deployed.chain}/esplora")
    deployed.give("REQUIRED_LISTS", "OFAC SDN")
    deployed.give("RECEIPT_KEY", "")
    await deployed.beat(61)
    found = await deployed.examined(1)
    problems = with_status("problem", found)
    assert problems.keys() == {"aeonto", "esplora", "lists", "receipt_key", "loops"}
    assert "order_parameter_query" in problems["aeonto"]
    assert problems["esplora"].startswith(f"127.0.0.1:{closed}: ")
    assert problems["lists"] == "the required list OFAC SDN is not in force"
    assert "404" in problems["receipt_key"]
    assert re.search(r"order_looks \(6\d s ago\)", problems["loops"])
    await deployed.execute("DELETE FROM loop_beats")
    deployed.give("AEONTO_BASE_URL", f"http://127.0.0.1:{closed}")
    deployed.give("ESPLORA_URL", f"{deployed.chain}/nothing,{deployed.chain}/esplora")
    problems = with_status("problem", await deployed.examined(1))
    assert "order_looks (never)" in problems["loops"]
    assert "no connection could be made" in problems["aeonto"]
    assert "is the URL that of an Esplora" in problems["esplora"]


async def test_servers_of_the_chain_that_disagree_are_named(deployed: Deployed) -> None:
    async with serving_upstream() as fork:
        other = fork.base_url.partition("/api/")[0]

        async def last() -> tuple[str, str]:
            return (await deployed.examined(1))["esplora"][-1]

        deployed.give("ESPLORA_URL", f"{other}/esplora,{other}/esplora2")
        await fork.press("chain/lag", view="esplora2", blocks=7)
        status, words = await last()
        assert (status, "7 blocks behind" in words) == ("problem", True)
        await fork.press("chain/lag", view="esplora2", blocks=3)
        status, words = (await deployed.examined(0))["esplora"][-1]
        assert (status, "3 blocks behind" in words) == ("warning", True)
        await fork.press("chain/lag", view="esplora2", blocks=0)
        deployed.give("BITCOIN_DESCRIPTOR", BIP84_ZPUB)
        paid = await fork.press("chain/send", address=FIRST_ADDRESS, satoshi=50_000)
        await fork.press("chain/disagree", view="esplora2", txid=paid["txid"], how="less")
        assert await last() == (
            "problem",
            "the servers read the outputs of the transaction differently",
        )
        deployed.give("BITCOIN_DESCRIPTOR", "")
        await fork.press("chain/reorganise", depth=50)
        deployed.give("ESPLORA_URL", f"{deployed.chain}/esplora,{other}/esplora")
        status, words = await last()
        assert (status, words.startswith("the servers disagree: block ")) == ("problem", True)


async def test_few_or_no_servers_of_the_chain_are_a_warning(deployed: Deployed) -> None:
    deployed.give("ESPLORA_URL", f"{deployed.chain}/esplora")
    found = await deployed.examined(0)
    assert [status for status, _ in found["esplora"]] == ["ok", "warning"]
    assert "wallet_gap" not in found
    deployed.give("ESPLORA_URL", "")
    found = await deployed.examined(0)
    assert [status for status, _ in found["esplora"]] == ["warning"]


async def test_links_that_lead_behind_the_proxy_are_a_warning(deployed: Deployed) -> None:
    deployed.give("TRUSTED_PROXIES", "127.0.0.1")
    [(status, words)] = (await deployed.examined(0))["settings"]
    assert (status, "ASSAY_PUBLIC_URL is not set" in words) == ("warning", True)
    deployed.give("PUBLIC_URL", "https://assay.example.com")
    assert (await deployed.examined(0))["settings"] == [("ok", "every setting can be used")]


async def test_database_that_takes_no_changes_is_a_problem(deployed: Deployed) -> None:
    await let_changes(deployed.url, allowed=False)
    found = await deployed.examined(1)
    assert with_status("problem", found) == {
        "database_writes": "the database takes no changes: it is read only"
    }
    assert with_status("unknown", found).keys() == {"aeonto"}


@asynccontextmanager
async def role_on(url: str) -> AsyncIterator[tuple[str, str]]:
    """Make a role with the documented rights; lend its name and its URL."""
    role, password = f"service_{secrets.token_hex(4)}", secrets.token_hex(8)
    await run_alone(url, f"CREATE ROLE {role} LOGIN PASSWORD '{password}'")
    try:
        await run_alone(url, RIGHTS.format(role=role))
        named = make_url(url).set(username=role, password=password)
        yield role, named.render_as_string(hide_password=False)
    finally:
        await run_alone(url, f"DROP OWNED BY {role}; DROP ROLE {role}")


async def test_role_needs_the_documented_rights_and_no_more(deployed: Deployed) -> None:
    async with role_on(deployed.url) as (role, url):
        deployed.give("DATABASE_URL", url)
        found = await deployed.examined(0)
        assert found["database_role"] == [("ok", f"the role {role} has the rights that it needs")]
        assert with_status("unknown", found) == {}
        await run_alone(
            deployed.url,
            LESS_RIGHTS.format(role=role),
        )
        [(status, words)] = (await deployed.examined(1))["database_role"]
    assert (status, words) == (
        "problem",
        f"the role {role} lacks SELECT on public.accounts; INSERT on public.orders; USAGE on the"
        " schema jobs",
    )


async def test_schema_of_a_later_version_is_a_warning(deployed: Deployed) -> None:
    await deployed.execute("UPDATE alembic_version SET version_num = '9999'")
    assert (await deployed.examined(0))["database_schema"] == [
        ("warning", "the schema is at 9999, which a later version made")
    ]


async def test_schema_that_is_behind_and_guards_that_are_off_are_problems(
    deployed: Deployed,
) -> None:
    await deployed.execute(
        "INSERT INTO accounts (id, kind, status, balance, created_at)"
        " VALUES ('acc_doctor', 'user', 'active', 0, now())",
        "ALTER TABLE accounts DISABLE TRIGGER ALL",
        "UPDATE accounts SET balance = 5 WHERE id = 'acc_doctor'",
    )
    problems = with_status("problem", await deployed.examined(1))
    assert problems.keys() == {"database_schema", "books"}
    assert "accounts." in problems["database_schema"]
    assert "a balance equals the sum of its entries" in problems["books"]
    await deployed.execute("UPDATE alembic_version SET version_num = '0001'")
    [(status, words)] = (await deployed.examined(1))["database_schema"]
    assert (status, words.startswith("the schema is at 0001, this program")) == ("problem", True)
    await deployed.execute("DELETE FROM alembic_version")
    [(status, words)] = (await deployed.examined(1))["database_schema"]
    assert (status, words.startswith("there is no schema")) == ("problem", True)


async def test_destination_in_the_wallet_stops_no_other_check(deployed: Deployed) -> None:
    deployed.give("BITCOIN_DESCRIPTOR", BIP84_ZPUB)
    deployed.give("BTC_DEST_ADDRESS", FIRST_ADDRESS)
    found = await deployed.examined(1)
    problems = with_status("problem", found)
    assert problems.keys() == {"settings"}
    assert "is an address of the wallet" in problems["settings"]
    assert with_status("unknown", found).keys() == {"wallet_gap", "loops"}
    deployed.give("BTC_DEST_ADDRESS", "")
    problems = with_status("problem", await deployed.examined(1))
    assert problems["settings"].startswith("ASSAY_BTC_DEST_ADDRESS: required")


async def test_bad_settings_stop_only_what_needs_them(deployed: Deployed, tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    deployed.give("PORT", "none")
    deployed.give("POTR", "8000")
    deployed.give("ESPLORA_URL", "http://example.com")
    found = await deployed.examined(1)
    assert [words.partition(":")[0] for _, words in found["settings"]] == [
        *("ASSAY_POTR", "ASSAY_PORT", "ASSAY_ESPLORA_URL"),
    ]
    assert with_status("unknown", found).keys() == {"esplora", "wallet_gap", "loops"}
    deployed.give("ESPLORA_URL", "")
    deployed.give("RISK_PROVIDER", "crystal")
    deployed.give("DATABASE_URL", "mysql://u:hunter2@db/assay")
    found = await deployed.examined(1)
    assert "hunter2" not in json.dumps(found)
    assert any("ASSAY_CRYSTAL_API_KEY: required" in words for _, words in found["settings"])
    assert with_status("unknown", found).keys() == OF_THE_DATABASE | {"database"}
    dotenv.write_text("no equals sign\n")
    found = await deployed.examined(1)
    assert with_status("problem", found).keys() == {"settings"}
    assert with_status("unknown", found).keys() == ALL - {"settings"}


async def test_database_that_is_away_leaves_what_needs_it_unchecked(
    deployed: Deployed, tmp_path: Path
) -> None:
    url = make_url(deployed.url)
    for bad, words in (
        (f"postgresql://u:hunter2@127.0.0.1:{free_port()}/none", "does not answer"),
        (url.set(database="none").render_as_string(hide_password=False), "the database refuses"),
        ("", "ASSAY_DATABASE_URL is not set, and "),
    ):
        deployed.give("DATABASE_URL", bad)
        found = await deployed.examined(1)
        problems = with_status("problem", found)
        assert problems.keys() == {"database"}
        assert words in problems["database"]
        unknown = with_status("unknown", found)
        assert unknown == dict.fromkeys(OF_THE_DATABASE, "not checked: the database is away")
        assert "hunter2" not in json.dumps(found)
    assert not (tmp_path / ".assay").exists()


async def test_lists_gap_and_a_replaced_key_are_judged(deployed: Deployed) -> None:
    today = datetime.now(UTC).date()
    for source, days, address in (
        ("required", 9, "12cbQLTFMXRnSzktFkuoG3eHoMeFtpTu3S"),
        ("forgotten", 15, "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"),
        ("early", -3, "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2"),
    ):
        day = today - timedelta(days=days)
        later = datetime.now(UTC) + timedelta(days=5)  # by that clock, none is of the future
        await import_rows(
            deployed.database, [listed(address)], source=source, issued=day, now=later
        )
    deployed.give("REQUIRED_LISTS", "required")
    deployed.give("LIST_MAX_AGE_DAYS", "7")
    deployed.give("BITCOIN_GAP_LIMIT", "10")
    ours, newer = SigningKey.from_text(RECEIPT_KEY), SigningKey(bytes(32))
    async with deployed.database.sessions() as session, session.begin():
        for key, day_of_may in ((ours, 1), (newer, 2)):
            await session.execute(
                text("INSERT INTO receipt_keys VALUES (:id, :public, :since)"),
                {
                    "id": key.key_id,
                    "public": key.public_key,
                    "since": datetime(2026, 5, day_of_may, tzinfo=UTC),
                },
            )
    deployed.give("BITCOIN_DESCRIPTOR", BIP84_ZPUB)
    async with deployed.database.sessions() as session, session.begin():
        wallet = Wallet.from_text(BIP84_ZPUB)
        await session.execute(
            text("INSERT INTO bitcoin_wallets (id, descriptor, next_index) VALUES (:id, :it, 11)"),
            {"id": wallet.wallet_id, "it": wallet.descriptor},
        )
    found = await deployed.examined(1)
    problems = with_status("problem", found)
    assert problems.keys() == {"lists", "receipt_key_published", "wallet_gap"}
    assert "the last 11 addresses" in problems["wallet_gap"]
    assert problems["lists"] == "the required list required is 9 days old, more than 7"
    assert problems["receipt_key_published"].endswith("was replaced on 2026-05-02")
    assert sorted(status for status, _ in found["lists"]) == ["problem", "warning", "warning"]
    warned = [words for status, words in found["lists"] if status == "warning"]
    assert any("forgotten, version 1, is 15 days old" in words for words in warned)
    assert any("is in the future" in words for words in warned)


@pytest.mark.parametrize(
    ("ahead", "status"), [(0, "ok"), (3, "warning"), (-3, "warning"), (3600, "problem")]
)
async def test_clock_that_differs_from_the_database_s_is_found(
    ahead: float, status: str, database_url: str
) -> None:
    clock = LeapingClock()
    clock.leap(ahead)
    database = create_database(database_url, machine_clock=clock)
    try:
        deployment = await deployment_of(settings_for_tests(), [], Place(database), clock)
        assert (await check_clock(deployment)).status == status
    finally:
        await database.dispose()


def test_connection_is_judged_by_who_may_read_along() -> None:
    for host, encrypted, verified, status in (
        (None, False, False, "ok"),
        ("127.0.0.1", False, False, "ok"),
        ("::1", False, False, "ok"),
        ("db.example.com", True, True, "ok"),
        ("db.example.com", True, False, "warning"),
        ("10.0.0.5", True, False, "warning"),
        ("10.0.0.5", False, False, "warning"),
        ("database", False, True, "warning"),
        ("203.0.113.5", False, False, "problem"),
    ):
        found = judge_tls(host, encrypted=encrypted, verified=verified)
        assert found.status == status, (host, encrypted, verified)


async def test_secrets_of_webhooks_that_are_open_or_cannot_be_opened_are_told(
    deployed: Deployed,
) -> None:
    person = await make_user(deployed.database, datetime.now(UTC))

    async def made_under(*keys: str) -> tuple[str, str]:
        async with deployed.database.sessions() as session, session.begin():
            await endpoints.create(
                session,
                caller=person.caller,
                wish=EndpointWish("https://shop.example.com/", None, None),
                secrets=SecretStore(keys),
                actor=ACTOR,
                now=datetime.now(UTC),
            )
        found = await deployed.examined(1 if keys and keys[0] != "a" * 32 else 0)
        return found["webhook_secrets"][0]

    deployed.give("WEBHOOK_KEY", "a" * 32)
    status, words = await made_under("a" * 32)
    assert (status, words) == ("ok", "the secrets of 1 webhook endpoints are sealed")
    status, words = await made_under()
    assert (status, "of 1 webhook endpoints as they are" in words) == ("warning", True)
    status, words = await made_under("b" * 32)
    assert (status, "of 1 webhook endpoints" in words) == ("problem", True)
