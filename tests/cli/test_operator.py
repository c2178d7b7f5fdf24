"""An operator's commands, on a database of their own; JSON alone on standard output."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from app.orders.rules.transition import OrderFailureReason
from app.runtime.db.engine import Database
from app.sandbox import create_sandbox, serve_sandbox
from tests.support.application import BTC_DEST_ADDRESS
from tests.support.bitcoin_orders import BitcoinOrder, output
from tests.support.clock import HandClock
from tests.support.commands import Assay, commands_on, printed
from tests.support.orders import count, place_order
from tests.support.people import make_user

EMAIL = "me@example.com"


@pytest.fixture
def assay(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Assay]:
    """Run a command on this test's database."""
    with commands_on(database_url, monkeypatch) as run:
        yield run


@pytest.fixture
async def placed(committed_database: Database) -> str:
    """The id of an order that waits to be created at AEON.to."""
    now = datetime.now(UTC)
    return await place_order(committed_database, await make_user(committed_database, now), now)


@pytest.fixture
async def user(assay: Assay) -> dict[str, str]:
    """A user that the command line made."""
    made: dict[str, str] = await printed(
        assay, "user", "create", "--email", EMAIL, "--password", "long enough"
    )
    return made


async def test_user_is_made_and_printed(user: dict[str, str]) -> None:
    assert set(user) == {"id", "email", "affiliate_code"}
    assert user["email"] == EMAIL


async def test_key_is_made_with_a_name_and_its_limits(assay: Assay, user: dict[str, str]) -> None:
    limits = ("--name", "shop", "--scope", "keys", "--scope", "orders:read", "--read-only")
    networks = ("--allow-ip", "10.0.0.0/8", "--allow-ip", "2001:db8::1")

    made = await printed(assay, "api-key", "create", "--user", EMAIL, *limits, *networks)
    listed = await printed(assay, "api-key", "list", "--user", EMAIL)

    expected = {
        "prefix": made["prefix"],
        "name": "shop",
        "user": user["email"],
        "scopes": ["orders:read", "keys"],
        "read_only": True,
        "ip_allow_list": ["10.0.0.0/8", "2001:db8::1/128"],
        "last_used_at": None,
    }
    [key] = listed
    assert {name: key[name] for name in expected} == expected


async def test_access_code_gets_credits_as_an_adjustment(
    assay: Assay, user: dict[str, str]
) -> None:
    code = await printed(
        assay,
        "access-code",
        "create",
        "--issuer",
        EMAIL,
        "--credits",
        "5",
        "--expires-at",
        "2100-01-31T12:00:00+02:00",
    )

    assert set(code) == {"access_code", "affiliate_origin", "credits_available", "expires_at"}
    assert code["affiliate_origin"] == user["affiliate_code"]
    assert code["credits_available"] == 5
    assert code["expires_at"] == "2100-01-31T10:00:00Z"
    audit = await printed(assay, "audit")
    assert audit["breaches"] == []
    assert audit["checked"]["ledger_entries"] == 1


@pytest.mark.usefixtures("user")
async def test_api_key_is_made_and_revoked_once(assay: Assay) -> None:
    key = await printed(assay, "api-key", "create", "--user", EMAIL)
    assert key["api_key"].startswith(f"assay_{key['prefix']}_")

    first = await printed(assay, "api-key", "revoke", key["prefix"])
    again = await printed(assay, "api-key", "revoke", key["prefix"])

    assert first == again
    assert first["prefix"] == key["prefix"]


async def test_unbound_key_is_made_for_nobody(assay: Assay) -> None:
    assert set(await printed(assay, "api-key", "create", "--unbound")) == {"api_key", "prefix"}


@pytest.mark.usefixtures("user")
async def test_credits_are_adjusted_up_and_down_but_not_below_zero(assay: Assay) -> None:
    adjust = ("credits", "adjust", "--user", EMAIL, "--reason", "a gift")
    assert await printed(assay, *adjust, "--amount", "7") == {"credits_available": 7}
    assert await printed(assay, *adjust, "--amount", "-3") == {"credits_available": 4}

    refused = await assay(*adjust, "--amount", "-5")

    assert refused.exit_code == 1
    assert "Insufficient credits" in refused.stderr
    assert (await printed(assay, "audit"))["breaches"] == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("api-key", "create"),
        ("api-key", "create", "--unbound", "--user", EMAIL),
        ("credits", "adjust", "--amount", "1", "--reason", "r"),
        ("credits", "adjust", "--amount", "1", "--reason", " ", "--user", EMAIL),
        ("orders", "settle", "ord_1", "--reason", "r"),
        ("orders", "cancel", "ord_1"),
        ("orders", "cancel", "ord_1", "--reason", " "),
        ("audit", "acknowledge", "money_before_order", "ord_1"),
        ("audit", "acknowledge", "money_before_order", "ord_1", "--reason", " "),
        ("audit", "--json", "acknowledge", "money_before_order", "ord_1", "--reason", "r"),
        ("orders", "settle", "ord_1", "--reason", "r", "--grant", "--close"),
        ("orders", "limit", "--max", "5"),
        ("orders", "limit", "--user", EMAIL),
        ("orders", "limit", "--user", EMAIL, "--max", "-1"),
        ("orders", "limit", "--user", EMAIL, "--max", "5", "--default"),
        ("access-code", "create", "--issuer", EMAIL, "--expires-at", "tomorrow"),
        ("api-key", "create", "--user", EMAIL, "--scope", "everything"),
        ("api-key", "create", "--user", EMAIL, "--allow-ip", "10.0.0.1/8"),
        ("api-key", "create", "--user", EMAIL, "--name", ""),
        ("access-code", "create", "--issuer", EMAIL, "--expires-at", "2100-01-01T00:00:00"),
        ("user", "create", "--email", EMAIL, "--password", "short"),
    ],
)
async def test_wrong_use_exits_with_2_and_changes_nothing(
    assay: Assay, arguments: tuple[str, ...]
) -> None:
    assert (await assay(*arguments)).exit_code == 2
    assert set((await printed(assay, "audit"))["checked"].values()) == {0}


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("api-key", "create", "--user", "nobody@example.com"), "no user has this e-mail"),
        (("api-key", "create", "--access-code", "0" * 16), "access_code not found"),
        (("api-key", "revoke", "0123456789"), "api_key not found"),
        (("orders", "show", "ord_1"), "Invalid order_id"),
        (("orders", "settle", "ord_1", "--close", "--reason", "r"), "Invalid order_id"),
        (("orders", "cancel", "ord_1", "--reason", "r"), "Invalid order_id"),
        (
            ("audit", "acknowledge", "money_before_order", "ord_1", "--reason", "r"),
            "ORDER: must be an open breach of money_before_order",
        ),
        (
            ("audit", "acknowledge", "transfers cancel", "ord_1", "--reason", "r"),
            "RULE: must be one of money_before_order, output_of_two_orders",
        ),
    ],
)
async def test_what_is_not_there_exits_with_1_and_says_so(
    assay: Assay, arguments: tuple[str, ...], text: str
) -> None:
    result = await assay(*arguments)
    assert result.exit_code == 1
    assert text in result.stderr
    assert result.stdout == ""


async def test_order_is_listed_shown_and_closed(assay: Assay, placed: str) -> None:
    [listed] = await printed(assay, "orders", "list", "--status", "TO_BE_CREATED")
    assert listed["order_id"] == placed

    settle = ("orders", "settle", placed, "--close", "--reason", "the buyer asked for it")
    assert await printed(assay, *settle) == {"order_id": placed, "status": "FAILED"}

    shown = await printed(assay, "orders", "show", placed)
    assert (shown["uuid"], shown["btc_dest_address"]) == (None, BTC_DEST_ADDRESS)
    assert shown["failure_reason"] == OrderFailureReason.CLOSED
    assert [event["to_status"] for event in shown["history"]] == ["TO_BE_CREATED", "FAILED"]
    assert shown["history"][-1]["reason"] == "the buyer asked for it"
    assert (await assay(*settle)).exit_code == 1
    assert (await printed(assay, "audit"))["breaches"] == []


async def test_order_is_cancelled_and_a_second_time_says_the_same(
    assay: Assay, placed: str
) -> None:
    cancel = ("orders", "cancel", placed, "--reason", "the buyer asked for it")
    for _ in range(2):
        assert await printed(assay, *cancel) == {"order_id": placed, "status": "CANCELLED"}

    shown = await printed(assay, "orders", "show", placed)
    assert [event["to_status"] for event in shown["history"]] == ["TO_BE_CREATED", "CANCELLED"]
    assert shown["history"][-1]["reason"] == "the buyer asked for it"
    assert [
        one["order_id"] for one in await printed(assay, "orders", "list", "--status", "CANCELLED")
    ] == [placed]
    await printed(assay, "orders", "settle", placed, "--close", "--reason", "for good")
    refused = await assay(*cancel)
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "An order that is FAILED cannot be cancelled" in refused.stderr
    assert (await printed(assay, "audit"))["breaches"] == []


async def test_orders_that_need_attention_are_listed_with_the_reason(
    assay: Assay, placed: str, committed_database: Database
) -> None:
    assert await printed(assay, "orders", "list", "--attention") == []
    clock = HandClock(datetime.now(UTC))
    buyer = await make_user(committed_database, clock.now())
    paid = await BitcoinOrder.place(committed_database, clock, buyer)
    await paid.shown(output(600_000))

    [listed] = await printed(assay, "orders", "list", "--attention")
    assert (listed["order_id"], listed["status"], listed["rail"]) == (paid.id, "PAID", "bitcoin")
    assert listed["reason"] == "more was paid than credits were granted for"
    assert listed["payment"]["received_btc"] == "0.006"
    assert len(listed["payment"]["outputs"]) == 1
    assert {one["order_id"] for one in await printed(assay, "orders", "list")} == {placed, paid.id}

    table = await assay("orders", "list", "--attention")
    assert (table.exit_code, listed["reason"] in table.stdout) == (0, True)
    refused = await assay("orders", "list", "--attention", "--status", "PAID")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "--attention goes without --status" in refused.stderr


async def test_breach_is_printed_and_exits_with_1(
    assay: Assay, committed_database: Database
) -> None:
    person = await make_user(committed_database, datetime.now(UTC), credits_given=3)
    async with committed_database.engine.begin() as connection:
        await connection.exec_driver_sql("ALTER TABLE accounts DISABLE TRIGGER USER")
        await connection.exec_driver_sql("UPDATE accounts SET balance = 4")

    result = await assay("audit", "--json")

    assert result.exit_code == 1
    assert json.loads(result.stdout)["breaches"][0]["subject"] == person.account_id


async def test_acknowledged_breach_is_printed_apart_and_exits_with_0(
    assay: Assay, committed_database: Database
) -> None:
    person = await make_user(committed_database, datetime.now(UTC))
    order = await BitcoinOrder.place(committed_database, HandClock(), person)
    await order.shown(output())
    async with committed_database.engine.begin() as connection:
        await connection.exec_driver_sql("ALTER TABLE bitcoin_outputs DISABLE TRIGGER USER")
        await connection.exec_driver_sql("UPDATE bitcoin_outputs SET before_order = true")
    found = await assay("audit", "--json")
    [breach] = json.loads(found.stdout)["breaches"]

    reason = ("--reason", "taken back by hand")
    done = await printed(assay, "audit", "acknowledge", breach["acknowledge_as"], order.id, *reason)

    assert (found.exit_code, breach["subject"]) == (1, order.id)
    assert done == {"rule": breach["rule"], "subject": order.id, "reason": "taken back by hand"}
    audit = await printed(assay, "audit")
    assert audit["breaches"] == []
    [acknowledged] = audit["acknowledged"]
    assert acknowledged.pop("at").endswith("Z")
    assert acknowledged == {**done, "actor": "operator"}
    assert "taken back by hand" in (await assay("audit")).stdout
    history = (await printed(assay, "orders", "show", order.id))["history"]
    assert history[-1]["reason"] == "taken back by hand"


async def test_missing_database_and_unknown_setting_are_told_plainly(
    assay: Assay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSAY_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")
    away = await assay("audit")
    assert away.exit_code == 2
    assert "the database does not answer" in away.stderr

    monkeypatch.setenv("ASSAY_PRICE", "1")
    unknown = await assay("audit")
    assert unknown.exit_code == 2
    assert "ASSAY_PRICE: no such setting" in unknown.stderr


async def test_aeonto_is_asked_on_the_budget_that_the_database_keeps(
    assay: Assay, committed_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serve_sandbox(create_sandbox(seed=1)) as base_url:
        monkeypatch.setenv("ASSAY_AEONTO_BASE_URL", base_url)
        parameters = await printed(assay, "aeonto", "parameters")
    assert parameters["lower_limit_btc"] == "0.002"
    assert await count(committed_database, "upstream_limits", "jsonb_array_length(slots) = 1") == 1
