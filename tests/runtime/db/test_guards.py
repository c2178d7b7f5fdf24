"""Every money rule that stands below Python, tried with plain SQL by the most powerful role.

One database for all: each attempt is a transaction of its own that must not commit.
"""

from collections.abc import AsyncIterator
from typing import NamedTuple

import asyncpg
import pytest

from app.assessments.providers.base import FailureReason, ProviderFailed
from app.orders.rules.settlement import Verified
from app.runtime.db.engine import create_database
from tests.assessments.test_service import create
from tests.support.application import ScriptedProvider
from tests.support.bitcoin_orders import BitcoinOrder, output
from tests.support.cases import each_case
from tests.support.clock import HandClock
from tests.support.databases import Template, connect
from tests.support.orders import TERMS, OneOrder
from tests.support.people import give_credits, make_access_code, make_user

APPEND_ONLY = ("ledger_entries", "order_events", "audit_log", "settlements")
ANSWERS_MAY_CHANGE = "ALTER TABLE assessments DISABLE TRIGGER keep_answer"
TERMS_MAY_CHANGE = "ALTER TABLE orders DISABLE TRIGGER keep_terms"
KEPT = "INSERT INTO idempotency_keys (account_id, endpoint, created_at, key, request_hash, status, body"
TXID = "a" * 64
SETTLED = "INSERT INTO settlements (order_id, txid, output_index, confirmations, at)"
POSTED = "INSERT INTO ledger_entries (account_id, kind, amount, balance_after, at"


class Lived(NamedTuple):
    """A superuser's connection, and the ids of what exists."""

    connection: asyncpg.Connection
    names: dict[str, str]

    async def attempt(self, *statements: str, replica: bool = False) -> None:
        """Run statements in one transaction and commit; `{name}` stands for an id."""
        async with self.connection.transaction():
            if replica:
                await self.connection.execute("SET LOCAL session_replication_role = replica")
            for statement in statements:
                await self.connection.execute(statement.format(**self.names))

    async def refused(self, by: str, *statements: str, replica: bool = False) -> None:
        """Insist that statements are refused, by a text in what the database says."""
        with pytest.raises(asyncpg.IntegrityConstraintViolationError, match=by):
            await self.attempt(*statements, replica=replica)


@pytest.fixture(scope="module")
async def lived(template: Template) -> AsyncIterator[Lived]:
    """A database with a rich user, a code, orders in three states and answered questions."""
    clock = HandClock()
    async with template.copy() as url:
        database = create_database(url, pool_size=2)
        user = await make_user(database, clock.now(), credits_given=5)
        other = await make_user(database, clock.now())
        code = await make_access_code(database, user, clock.now())
        await give_credits(database, code.account_id, 3, clock.now())
        granted = await OneOrder.place(database, clock, user)
        await granted.created("UNPAID")
        await granted.reported("BTC_SENT", settlement=Verified("a" * 64, (0,), 1))
        waiting = await OneOrder.place(database, clock, user)
        await waiting.created("UNPAID")
        payer = await make_user(database, clock.now())
        paid = await BitcoinOrder.place(database, clock, payer)
        await paid.shown(output())
        asked = await BitcoinOrder.place(database, clock, payer)
        await asked.shown(output(400_000, 1, number=2), output(100_000, 2, number=3))
        failed = ScriptedProvider(raises=ProviderFailed(FailureReason.BROKEN))
        ready, _ = await create(database, ScriptedProvider(), clock, user)
        with pytest.raises(Exception, match="4J9Y1"):
            await create(database, failed, clock, user)
        await database.dispose()
        connection = await connect(url)
        assert await connection.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = user")
        yield Lived(
            connection,
            {
                "user": user.account_id,
                "payer": payer.account_id,
                "other": other.account_id,
                "code": code.account_id,
                "granted": granted.id,
                "waiting": waiting.id,
                "paid": paid.id,
                "asked": asked.id,
                "ready": ready.id,
                "failed": failed.asked[0].assessment_id,
                "destination": TERMS.btc_dest_address,
            },
        )
        await connection.close()


# The balance of the user is 14: 5 given, 10 bought, 2 spent, 1 given back.


async def test_what_is_right_is_let_through(lived: Lived) -> None:
    await lived.attempt(
        POSTED + ", reason) VALUES ('{user}', 'adjustment', 1, 15, now(), 'right')",
        "UPDATE accounts SET balance = 15 WHERE id = '{user}'",
    )
    await lived.attempt(
        POSTED + ", reason) VALUES ('{user}', 'adjustment', -1, 14, now(), 'and back')",
        "UPDATE accounts SET balance = 14 WHERE id = '{user}'",
    )


# Append-only tables


@each_case("replica", [False, True])
@each_case("table", APPEND_ONLY)
@each_case(
    "statement",
    ["UPDATE {} SET at = now()", "DELETE FROM {}", "TRUNCATE {} CASCADE"],
)
async def test_history_is_never_changed(
    lived: Lived, statement: str, table: str, replica: bool
) -> None:
    await lived.refused("is append-only", statement.format(table), replica=replica)


@each_case("table", ["accounts", "orders", "assessments"])
async def test_truncating_what_history_hangs_on_is_refused(lived: Lived, table: str) -> None:
    await lived.refused("is append-only", f"TRUNCATE {table} CASCADE")


@pytest.mark.parametrize("table", ["accounts", "orders"])
async def test_what_has_a_history_is_not_deleted(lived: Lived, table: str) -> None:
    await lived.refused("foreign key", f"DELETE FROM {table}")  # noqa: S608


# The chain and the balance


@each_case("replica", [False, True])
@each_case(("account", "amount", "after"), [("user", 1, 16), ("user", 1, 1), ("other", 5, 6)])
async def test_entry_must_continue_the_chain(
    lived: Lived, account: str, amount: int, after: int, replica: bool
) -> None:
    entry = f"('{{{account}}}', 'adjustment', {amount}, {after}, now(), 'x')"
    await lived.refused("follows", f"{POSTED}, reason) VALUES {entry}", replica=replica)


@pytest.mark.parametrize("replica", [False, True], ids=["superuser", "replica"])
async def test_balance_does_not_change_without_an_entry(lived: Lived, replica: bool) -> None:
    await lived.refused(
        "its ledger says", "UPDATE accounts SET balance = 99 WHERE id = '{user}'", replica=replica
    )


async def test_entry_does_not_stand_without_its_balance(lived: Lived) -> None:
    await lived.refused(
        "its ledger says",
        POSTED + ", reason) VALUES ('{user}', 'adjustment', 1, 15, now(), 'x')",
    )


async def test_account_is_not_born_rich(lived: Lived) -> None:
    await lived.refused(
        "its ledger says",
        "INSERT INTO accounts (id, kind, status, balance, created_at)"
        " VALUES ('acc_new', 'user', 'active', 1, now())",
    )


@pytest.mark.parametrize("balance", [-1, 10**12 + 1])
async def test_balance_has_bounds(lived: Lived, balance: int) -> None:
    await lived.refused(
        "ck_accounts_balance",
        f"UPDATE accounts SET balance = {balance} WHERE id = '{{user}}'",  # noqa: S608
    )


async def test_entry_below_zero_is_refused(lived: Lived) -> None:
    await lived.refused(
        "ck_ledger_entries_balance_after",
        POSTED + ", reason) VALUES ('{other}', 'adjustment', -1, -1, now(), 'x')",
    )


@each_case(
    ("check", "columns", "values"),
    [
        ("kind", "", "'gift', 1, 15, now()"),
        ("order", "", "'purchase', 1, 15, now()"),
        ("order", ", reason, order_id", "'adjustment', 1, 15, now(), 'x', '{granted}'"),
        ("assessment", "", "'refund', 1, 15, now()"),
        ("assessment", "", "'assessment', -1, 13, now()"),
        ("transfer", "", "'transfer', 1, 15, now()"),
        ("reason", "", "'adjustment', 1, 15, now()"),
        ("amount", ", order_id", "'purchase', -1, 13, now(), '{waiting}'"),
        ("amount", ", assessment_id", "'assessment', -2, 12, now(), '{ready}'"),
        ("amount", ", assessment_id", "'refund', 2, 16, now(), '{ready}'"),
        ("amount", ", reason", "'adjustment', 0, 14, now(), 'x'"),
    ],
)
async def test_entry_has_its_own_cause_and_amount_and_no_other(
    lived: Lived, check: str, columns: str, values: str
) -> None:
    await lived.refused(
        f"ck_ledger_entries_{check}", f"{POSTED}{columns}) VALUES ('{{user}}', {values})"
    )


# Purchases and grants


async def test_second_purchase_of_an_order_is_refused(lived: Lived) -> None:
    await lived.refused(
        "uq_ledger_entries_purchase",
        POSTED + ", order_id) VALUES ('{user}', 'purchase', 10, 24, now(), '{granted}')",
    )


async def test_purchase_for_another_account_than_the_beneficiary_is_refused(lived: Lived) -> None:
    await lived.refused(
        "fk_ledger_entries_order_id_account_id",
        POSTED + ", order_id) VALUES ('{other}', 'purchase', 10, 10, now(), '{waiting}')",
    )


@pytest.mark.parametrize("replica", [False, True], ids=["superuser", "replica"])
async def test_grant_without_a_purchase_is_refused(lived: Lived, replica: bool) -> None:
    await lived.refused(
        "its purchase entry says",
        "UPDATE orders SET status = 'BTC_SENT', credits_granted = 10, granted_at = now()"
        " WHERE id = '{waiting}'",
        replica=replica,
    )


@pytest.mark.parametrize("replica", [False, True], ids=["superuser", "replica"])
async def test_purchase_without_a_grant_is_refused(lived: Lived, replica: bool) -> None:
    await lived.refused(
        "its purchase entry says",
        POSTED + ", order_id) VALUES ('{user}', 'purchase', 10, 24, now(), '{waiting}')",
        "UPDATE accounts SET balance = 24 WHERE id = '{user}'",
        replica=replica,
    )


async def test_grant_of_another_number_than_the_purchase_is_refused(lived: Lived) -> None:
    await lived.refused(
        "its purchase entry says",
        "UPDATE orders SET status = 'BTC_SENT', credits_granted = 10, granted_at = now()"
        " WHERE id = '{waiting}'",
        POSTED + ", order_id) VALUES ('{user}', 'purchase', 11, 25, now(), '{waiting}')",
        "UPDATE accounts SET balance = 25 WHERE id = '{user}'",
    )


async def test_more_credits_than_were_bought_are_never_granted(lived: Lived) -> None:
    await lived.refused(
        "ck_orders_credits_granted",
        POSTED + ", order_id) VALUES ('{user}', 'purchase', 1000, 1014, now(), '{waiting}')",
        "UPDATE accounts SET balance = 1014 WHERE id = '{user}'",
        "UPDATE orders SET status = 'BTC_SENT', credits_granted = 1000, granted_at = now()"
        " WHERE id = '{waiting}'",
    )


async def test_number_that_was_granted_is_never_changed(lived: Lived) -> None:
    await lived.refused(
        "ck_orders_credits_granted",
        "UPDATE orders SET credits_granted = 11 WHERE id = '{granted}'",
    )


@each_case("status", ["UNPAID", "PAID", "TIMED_OUT", "NOT_FOUND"])
async def test_granted_order_never_moves_back(lived: Lived, status: str) -> None:
    moved = f"UPDATE orders SET status = '{status}', next_look_at = now()"  # noqa: S608
    await lived.refused("ck_orders_granted_in_granting_state", moved + " WHERE id = '{granted}'")
    ungranted = ", granted_at = NULL, credits_granted = NULL WHERE id = '{granted}'"
    await lived.refused("its purchase entry says", moved + ungranted)


async def test_order_in_its_granting_state_is_granted(lived: Lived) -> None:
    await lived.refused(
        "ck_orders_granted_in_granting_state",
        "UPDATE orders SET status = 'BTC_SENT' WHERE id = '{waiting}'",
    )
    await lived.refused(
        "ck_orders_granted_in_granting_state",
        TERMS_MAY_CHANGE,
        "UPDATE orders SET status = 'PAID', granting_status = 'PAID' WHERE id = '{waiting}'",
    )


# Orders


@each_case(
    ("check", "change"),
    [
        ("open_is_due", "next_look_at = NULL"),
        ("status", "status = 'SETTLED', next_look_at = now()"),
        ("lease", "lease_token = 'x'"),
        ("lease", "lease_until = now()"),
        ("failure", "failure_reason = 'x'"),
        ("failure", "status = 'FAILED'"),
        ("grant", "credits_granted = 10"),
    ],
)
async def test_open_order_agrees_with_itself(lived: Lived, check: str, change: str) -> None:
    await lived.refused(
        f"ck_orders_{check}\\b",
        f"UPDATE orders SET {change} WHERE id = '{{waiting}}'",  # noqa: S608
    )


@each_case(
    ("check", "change"),
    [
        ("granting_status", "granting_status = 'UNPAID'"),
        ("number_of_credits", "number_of_credits = 0, btc_amount = 0"),
        ("price_btc", "price_btc = 0, btc_amount = 0"),
        ("btc_amount", "btc_amount = btc_amount + 0.00000001"),
        ("btc_amount", "number_of_credits = number_of_credits + 1"),
        ("client_reference", "client_reference = ''"),
        ("client_reference", "client_reference = repeat('x', 129)"),
        ("client_metadata", "client_metadata = '[]'"),
        ("unique_reference", "unique_reference = true"),
    ],
)
async def test_terms_of_an_order_agree_with_each_other(
    lived: Lived, check: str, change: str
) -> None:
    await lived.refused(
        f"ck_orders_{check}\\b",
        TERMS_MAY_CHANGE,
        f"UPDATE orders SET {change} WHERE id = '{{waiting}}'",  # noqa: S608
    )


@each_case(
    "change",
    [
        "buyer_id = '{other}'",
        "beneficiary_id = '{other}'",
        "number_of_credits = 5, btc_amount = 5 * price_btc",
        "btc_dest_address = 'another'",
        "granting_status = 'PAID'",
        "rail = 'bitcoin'",
        "created_at = created_at - interval '1 s'",
        "client_reference = 'another'",
        "client_metadata = '{{}}'",
        "client_reference = 'another', unique_reference = true",
    ],
)
async def test_terms_of_an_order_never_change(lived: Lived, change: str) -> None:
    await lived.refused(
        "the terms of order",
        f"UPDATE orders SET {change} WHERE id = '{{waiting}}'",  # noqa: S608
    )


async def test_order_is_not_granted_before_it_was_made(lived: Lived) -> None:
    await lived.refused(
        "ck_orders_grant\\b",
        "UPDATE orders SET granted_at = created_at - interval '1 s' WHERE id = '{granted}'",
    )


async def test_two_orders_never_share_a_uuid(lived: Lived) -> None:
    await lived.refused(
        "uq_payments_uuid",
        "UPDATE payments SET uuid = 'uuid-of-{granted}' WHERE order_id = '{waiting}'",
    )


async def test_two_orders_of_a_buyer_never_share_a_reference_that_both_have_alone(
    lived: Lived,
) -> None:
    alone = "UPDATE orders SET client_reference = 'mine', unique_reference = true WHERE id = "
    await lived.refused(
        "uq_orders_buyer_id_client_reference",
        TERMS_MAY_CHANGE,
        alone + "'{waiting}'",
        alone + "'{granted}'",
    )


async def test_order_has_one_payment(lived: Lived) -> None:
    await lived.refused(
        "pk_payments",
        "INSERT INTO payments (order_id, uuid, state, btc_amount, btc_dest_address, seen_at)"
        " VALUES ('{waiting}', 'another', 'UNPAID', 0.005, '{destination}', now())",
    )


async def test_event_is_of_a_known_kind(lived: Lived) -> None:
    await lived.refused(
        "ck_order_events_kind",
        "INSERT INTO order_events (order_id, kind, to_status, at, reason)"
        " VALUES ('{waiting}', 'guessed', 'PAID', now(), '')",
    )


# Orders in bitcoin: "paid" was, "asked" has 400,000 satoshi with one confirmation, 100,000 with two

GRANT = (
    POSTED + ", order_id) VALUES ('{{payer}}', 'purchase', {0}, 10 + {0}, now(), '{{asked}}')",
    "UPDATE accounts SET balance = 10 + {0} WHERE id = '{{payer}}'",
    "UPDATE orders SET status = 'PAID', credits_granted = {0}, granted_at = now(),"
    " grant_price_btc = {1} WHERE id = '{{asked}}'",
)
CONFIRMED = "UPDATE bitcoin_outputs SET confirmations = 2 WHERE order_id = '{asked}'"
NEW_COINS = (
    "UPDATE bitcoin_outputs SET is_coinbase = true, confirmations = {} WHERE order_id = '{{asked}}'"
)
GONE = "UPDATE bitcoin_outputs SET gone_at = now() WHERE value_btc = 0.001"


def granted(credits_granted: int, price: str) -> tuple[str, ...]:
    """Return what grants credits for the order that was asked, with all that belongs to it."""
    return tuple(statement.format(credits_granted, price) for statement in GRANT)


async def test_grant_in_bitcoin_that_is_paid_is_let_through(lived: Lived) -> None:
    undone = lived.connection.transaction()
    await undone.start()
    await lived.attempt(CONFIRMED, *granted(10, "0.0005"), "SET CONSTRAINTS ALL IMMEDIATE")
    await undone.rollback()


async def test_grant_for_new_coins_is_let_through_at_their_hundredth_confirmation(
    lived: Lived,
) -> None:
    undone = lived.connection.transaction()
    await undone.start()
    coins = NEW_COINS.format(100)
    await lived.attempt(coins, *granted(10, "0.0005"), "SET CONSTRAINTS ALL IMMEDIATE")
    await undone.rollback()


@each_case("replica", [False, True])
@each_case(
    ("before", "credits_granted", "price", "paid"),
    [
        ((), 10, "0.0005", "0.00100000"),
        ((CONFIRMED,), 11, "0.0005", "0.00500000"),
        ((CONFIRMED,), 10, "0.00050001", "0.00500000"),
        ((CONFIRMED, GONE), 10, "0.0005", "0.00400000"),
        ((NEW_COINS.format(99),), 10, "0.0005", "0"),
    ],
)
async def test_grant_in_bitcoin_that_confirmed_outputs_do_not_pay_is_refused(
    lived: Lived,
    before: tuple[str, ...],
    credits_granted: int,
    price: str,
    paid: str,
    *,
    replica: bool,
) -> None:
    await lived.refused(
        f"for {paid} confirmed BTC", *before, *granted(credits_granted, price), replica=replica
    )


async def test_grant_in_bitcoin_without_a_price_needs_an_operators_word(lived: Lived) -> None:
    await lived.refused(
        "without a price or an operator", CONFIRMED, *granted(10, "NULL"), replica=True
    )


async def test_operators_grant_in_bitcoin_is_of_what_was_ordered(lived: Lived) -> None:
    await lived.refused(r"ck_orders_credits_granted\b", *granted(11, "NULL"))


@pytest.mark.parametrize("price", ["0.0006", "NULL"])
async def test_price_of_a_grant_in_bitcoin_never_rises_and_never_goes(
    lived: Lived, price: str
) -> None:
    change = f"UPDATE orders SET grant_price_btc = {price}"  # noqa: S608
    await lived.refused("grant", f"{change} WHERE id = '{{paid}}'")


@each_case(
    ("check", "change"),
    [
        ("grant_price_btc", "grant_price_btc = 0.0005 WHERE id = '{granted}'"),
        ("grant_price_btc", "grant_price_btc = 0.0005 WHERE id = '{asked}'"),
        ("grant_price_btc", "grant_price_btc = 0 WHERE id = '{paid}'"),
        ("credits_granted", "credits_granted = 0 WHERE id = '{paid}'"),
        ("ends_at_paid", "status = 'BTC_SENT' WHERE id = '{paid}'"),
    ],
)
async def test_order_in_bitcoin_agrees_with_itself(lived: Lived, check: str, change: str) -> None:
    await lived.refused(f"ck_orders_{check}\\b", f"UPDATE orders SET {change}")  # noqa: S608


@pytest.mark.parametrize(
    ("check", "change"),
    [
        ("rail", "rail = 'lightning', granting_status = 'PAID'"),
        ("ends_at_paid", "rail = 'bitcoin'"),
    ],
)
async def test_order_has_a_rail_that_ends_where_its_granting_state_is(
    lived: Lived, check: str, change: str
) -> None:
    await lived.refused(
        f"ck_orders_{check}\\b",
        TERMS_MAY_CHANGE,
        f"UPDATE orders SET {change} WHERE id = '{{waiting}}'",  # noqa: S608
    )


@each_case(
    ("check", "change"),
    [
        ("one_rail", "uuid = 'another' WHERE order_id = '{paid}'"),
        ("one_rail", "uuid = NULL WHERE order_id = '{waiting}'"),
        ("one_rail", "received_btc = 0 WHERE order_id = '{waiting}'"),
        ("one_rail", "late_until = NULL WHERE order_id = '{paid}'"),
        ("received", "confirmed_btc = received_btc + 0.00000001 WHERE order_id = '{paid}'"),
        ("received", "confirmed_btc = -0.00000001 WHERE order_id = '{paid}'"),
        ("confirmations_wanted", "confirmations_wanted = -1 WHERE order_id = '{paid}'"),
        ("confirmations_wanted", "confirmations_wanted = 101 WHERE order_id = '{paid}'"),
    ],
)
async def test_payment_is_of_one_rail_and_confirms_no_more_than_came(
    lived: Lived, check: str, change: str
) -> None:
    await lived.refused(f"ck_payments_{check}\\b", f"UPDATE payments SET {change}")  # noqa: S608


@each_case(
    ("check", "change"),
    [
        ("txid", "txid = upper(txid) || 'A'"),
        ("output_index", "output_index = -1"),
        ("value_btc", "value_btc = -0.00000001"),
        ("confirmations", "confirmations = -1"),
    ],
)
async def test_output_is_one(lived: Lived, check: str, change: str) -> None:
    await lived.refused(
        f"ck_bitcoin_outputs_{check}\\b",
        f"UPDATE bitcoin_outputs SET {change} WHERE order_id = '{{paid}}'",  # noqa: S608
    )


async def test_output_pays_one_order_only(lived: Lived) -> None:
    await lived.refused(
        "pk_bitcoin_outputs",
        "INSERT INTO bitcoin_outputs (txid, output_index, order_id, value_btc, confirmations,"
        " replaceable, arrived_at) SELECT txid, output_index, '{asked}', value_btc, confirmations,"
        " replaceable, arrived_at FROM bitcoin_outputs WHERE order_id = '{paid}'",
    )


# Assessments


@pytest.mark.parametrize("replica", [False, True], ids=["superuser", "replica"])
async def test_refund_without_a_failure_is_refused(lived: Lived, replica: bool) -> None:
    await lived.refused(
        "has 1 debits and 1 refunds",
        POSTED + ", assessment_id) VALUES ('{user}', 'refund', 1, 15, now(), '{ready}')",
        "UPDATE accounts SET balance = 15 WHERE id = '{user}'",
        replica=replica,
    )


@pytest.mark.parametrize("replica", [False, True], ids=["superuser", "replica"])
async def test_failure_without_a_refund_is_refused(lived: Lived, replica: bool) -> None:
    await lived.refused(
        "has 1 debits and 0 refunds",
        ANSWERS_MAY_CHANGE,
        "UPDATE assessments SET status = 'failed', answer = NULL, failure_reason = 'x'"
        " WHERE id = '{ready}'",
        replica=replica,
    )


@pytest.mark.parametrize(("kind", "amount"), [("refund", 1), ("assessment", -1)])
async def test_second_refund_and_second_debit_are_refused(
    lived: Lived, kind: str, amount: int
) -> None:
    values = f"('{{user}}', '{kind}', {amount}, {14 + amount}, now(), '{{failed}}')"
    await lived.refused(
        "uq_ledger_entries_assessment_id_kind", f"{POSTED}, assessment_id) VALUES {values}"
    )


async def test_refund_to_another_account_is_refused(lived: Lived) -> None:
    await lived.refused(
        "fk_ledger_entries_assessment_id_account_id",
        POSTED + ", assessment_id) VALUES ('{other}', 'refund', 1, 1, now(), '{ready}')",
    )


async def test_assessment_without_a_debit_is_refused(lived: Lived) -> None:
    await lived.refused(
        "has 0 debits",
        "INSERT INTO assessments (id, account_id, assessment_type, address, currency, provider,"
        " status, attempts, next_try_at, created_at, updated_at) VALUES ('asm_free', '{user}',"
        " 'address', 'x', 'BTC', 'p', 'pending', 1, now(), now(), now())",
    )


@each_case(
    ("check", "change"),
    [
        ("pending_is_due", "next_try_at = now()"),
        ("pending_is_due", "status = 'pending', answer = NULL"),
        ("answer", "answer = NULL"),
        ("failure", "failure_reason = 'x'"),
        ("status", "status = 'lost', answer = NULL"),
        ("assessment_type", "assessment_type = 'wallet'"),
        ("tx_hash", "tx_hash = 'ab'"),
        ("lease", "lease_token = 'x'"),
    ],
)
async def test_assessment_agrees_with_itself(lived: Lived, check: str, change: str) -> None:
    await lived.refused(
        f"ck_assessments_{check}\\b",
        ANSWERS_MAY_CHANGE,
        f"UPDATE assessments SET {change} WHERE id = '{{ready}}'",  # noqa: S608
    )


@each_case("replica", [False, True])
@each_case("which", ["ready", "failed"])
@each_case(
    "statement",
    [
        "UPDATE assessments SET answer = '{{}}'",
        "UPDATE assessments SET answered_at = now()",
        "UPDATE assessments SET updated_at = now()",
        "UPDATE assessments SET as_of = '2025-01-01'",
        "UPDATE assessments SET address = 'x'",
        "UPDATE assessments SET spelling = 'x'",
        "UPDATE assessments SET spelling = NULL",
        "UPDATE assessments SET status = 'pending', answer = NULL, next_try_at = now()",
        "DELETE FROM assessments",
    ],
)
async def test_finished_assessment_never_changes(
    lived: Lived, statement: str, which: str, replica: bool
) -> None:
    await lived.refused(
        "is finished and stays as it is",
        f"{statement} WHERE id = '{{{which}}}'",
        replica=replica,
    )


async def test_finished_assessment_is_spelt_by_later_rules_alone(lived: Lived) -> None:
    await lived.attempt("UPDATE assessments SET canonical = 'a' WHERE canonical IS NULL")
    later = "UPDATE assessments SET spelling_rules = 7, spelling = 'b'"
    await lived.attempt(later)
    for change in (
        "canonical = 'b'",
        "canonical = NULL",
        "spelling_rules = 6",
        "spelling_rules = 7, spelling = 'c'",
        "spelling_rules = 8, spelling = NULL",
        "spelling_rules = 8, spelling = 'c', canonical = 'c'",
        "spelling_rules = 8, spelling = 'c', updated_at = now()",
    ):
        await lived.refused("is finished and stays", f"UPDATE assessments SET {change}")  # noqa: S608


# Looking again


LISTED = (
    "INSERT INTO list_versions (source, number, effective_on, sha256, origin, imported_at, entries,"
    " added, removed, assets) VALUES ('x', 1, now(), repeat('0', 64), 'x', now(), 1, 1, 0, '{{}}')"
)
ENTRY = (
    "INSERT INTO list_entries (source, first_version, spelling, address, asset, category, label,"
    " reference, digest) VALUES ('spelt', 1, 'a', 'a', 'XBT', 'sanctions', '', '', '\\x00')"
)
CHANGED = (
    "INSERT INTO assessment_changes (assessment_id, source, to_version, found_at, is_listed,"
    " score_before, grade_before, score_after, grade_after, entries)"
    " VALUES ('{ready}', 'x', 1, now(), true, 0, 'none', 1, 'severe', '[]')"
)


async def test_entry_is_spelt_by_later_rules_alone(lived: Lived) -> None:
    change = "UPDATE list_entries SET {change} WHERE source = 'spelt'"
    later = change.format(change="spelling_rules = 7, spelling = 'b'")
    await lived.attempt(LISTED.replace("'x', 1,", "'spelt', 1,", 1), ENTRY, later)
    for wrong in (
        "spelling_rules = 6",
        "spelling_rules = 7, spelling = 'c'",
        "spelling_rules = 8, spelling = 'c', address = 'c'",
        "spelling_rules = 8, spelling = 'c', last_version = 1",
    ):
        await lived.refused("can only end", change.format(change=wrong))
    await lived.attempt(change.format(change="last_version = 1"))
    await lived.attempt(change.format(change="spelling_rules = 8, spelling = 'c'"))


async def test_spelling_of_the_version_before_is_filled_in_once_and_alone(lived: Lived) -> None:
    listed, entry = LISTED.replace("'x', 1,", "'filled', 1,", 1), ENTRY.replace("spelt", "filled")
    change = "UPDATE list_entries SET {change} WHERE source = 'filled'"
    await lived.attempt(listed, entry, change.format(change="canonical = 'a'"))
    for wrong in ("canonical = 'b'", "canonical = NULL", "spelling = 'b'"):
        await lived.refused("can only end", change.format(change=wrong))
    await lived.attempt(change.format(change="last_version = 1"))
    await lived.refused("can only end", change.format(change="canonical = 'b'"))


@each_case("replica", [False, True])
@each_case(
    "statement",
    [
        "UPDATE assessment_changes SET is_listed = false",
        "DELETE FROM assessment_changes",
        "TRUNCATE assessment_changes",
    ],
)
async def test_what_changed_for_an_assessment_stays(
    lived: Lived, statement: str, replica: bool
) -> None:
    await lived.refused("is append-only", LISTED, CHANGED, statement, replica=replica)


async def test_version_changes_an_assessment_once(lived: Lived) -> None:
    await lived.refused(
        "uq_assessment_changes_assessment_id_source_to_version", LISTED, CHANGED, CHANGED
    )


# Transfers and audit lines


@pytest.mark.parametrize("replica", [False, True], ids=["superuser", "replica"])
async def test_half_a_transfer_is_refused(lived: Lived, replica: bool) -> None:
    await lived.refused(
        "has 1 entries that sum to -1",
        POSTED + ", transfer_id) VALUES ('{user}', 'transfer', -1, 13, now(), 'trf_half')",
        "UPDATE accounts SET balance = 13 WHERE id = '{user}'",
        replica=replica,
    )


async def test_transfer_that_makes_credits_is_refused(lived: Lived) -> None:
    await lived.refused(
        "has 2 entries that sum to 1",
        POSTED + ", transfer_id) VALUES ('{user}', 'transfer', -1, 13, now(), 'trf_more')",
        POSTED + ", transfer_id) VALUES ('{code}', 'transfer', 2, 5, now(), 'trf_more')",
        "UPDATE accounts SET balance = 13 WHERE id = '{user}'",
        "UPDATE accounts SET balance = 5 WHERE id = '{code}'",
    )


async def test_transfer_to_oneself_is_refused(lived: Lived) -> None:
    await lived.refused(
        "uq_ledger_entries_transfer_id_account_id",
        POSTED + ", transfer_id) VALUES ('{user}', 'transfer', -1, 13, now(), 'trf_self')",
        POSTED + ", transfer_id) VALUES ('{user}', 'transfer', 1, 14, now(), 'trf_self')",
    )


async def test_transfer_between_strangers_is_refused(lived: Lived) -> None:
    await lived.refused(
        "is not between an access code and its issuer",
        POSTED + ", transfer_id) VALUES ('{user}', 'transfer', -1, 13, now(), 'trf_gift')",
        POSTED + ", transfer_id) VALUES ('{other}', 'transfer', 1, 1, now(), 'trf_gift')",
        "UPDATE accounts SET balance = 13 WHERE id = '{user}'",
        "UPDATE accounts SET balance = 1 WHERE id = '{other}'",
    )


@pytest.mark.parametrize("replica", [False, True], ids=["superuser", "replica"])
async def test_credits_of_a_deactivated_code_are_with_its_issuer(
    lived: Lived, replica: bool
) -> None:
    returned = (
        POSTED + ", transfer_id) VALUES ('{code}', 'transfer', -3, 0, now(), 'trf_back')",
        POSTED + ", transfer_id) VALUES ('{user}', 'transfer', 3, 17, now(), 'trf_back')",
        "UPDATE accounts SET balance = 0 WHERE id = '{code}'",
        "UPDATE accounts SET balance = 17 WHERE id = '{user}'",
    )
    closed = "UPDATE accounts SET status = 'inactive', returns_to = '{%s}' WHERE id = '{code}'"

    await lived.refused("are not with its issuer", closed % "user", replica=replica)
    await lived.refused("are not with its issuer", *returned, closed % "other", replica=replica)


async def test_only_a_deactivated_code_returns_its_credits(lived: Lived) -> None:
    returned = "UPDATE accounts SET returns_to = '{user}' WHERE id = "
    for account in ("'{code}'", "'{user}'"):
        await lived.refused("ck_accounts_returns_to", returned + account)


async def test_entry_has_one_audit_line_at_most(lived: Lived) -> None:
    await lived.refused(
        "uq_audit_log_ledger_entry_id",
        "INSERT INTO audit_log (at, actor, action, subject, request_id, ledger_entry_id)"
        " SELECT now(), 'x', 'x', 'x', 'x', min(id) FROM ledger_entries",
    )


# Accounts


async def test_kinds_of_accounts_are_kept_apart(lived: Lived) -> None:
    await lived.refused(
        "fk_users_account_id_kind",
        "INSERT INTO users (account_id, email, password_hash, affiliate_code)"
        " VALUES ('{code}', 'x@example.com', 'x', 'x')",
    )
    await lived.refused(
        "fk_access_codes_account_id_kind",
        "INSERT INTO access_codes (account_id, access_code, issuer_id)"
        " VALUES ('{other}', 'AAAAAAAAAAAAAAAA', '{user}')",
    )


@each_case("code", ["A" * 15, "A" * 17, "A" * 15 + "-", "A" * 15 + "é"])
async def test_access_code_has_its_form(lived: Lived, code: str) -> None:
    await lived.refused(
        "ck_access_codes_access_code",
        f"UPDATE access_codes SET access_code = '{code}' WHERE account_id = '{{code}}'",  # noqa: S608
    )


# Settlements


async def test_output_settles_one_order_only(lived: Lived) -> None:
    await lived.refused(
        "uq_settlements_txid_output_index",
        f"{SETTLED} VALUES ('{{waiting}}', '{TXID}', 0, 1, now())",
    )


async def test_new_coins_settle_an_order_with_their_hundredth_confirmation(lived: Lived) -> None:
    new_coins = SETTLED.replace("at)", "at, is_coinbase)")
    await lived.refused(
        "ck_settlements_new_coins",
        f"{new_coins} VALUES ('{{waiting}}', '{'b' * 64}', 0, 99, now(), true)",
    )


async def test_order_is_settled_by_one_output_only(lived: Lived) -> None:
    await lived.refused(
        "pk_settlements", f"{SETTLED} VALUES ('{{granted}}', '{TXID}', 1, 1, now())"
    )


@each_case(
    ("check", "values"),
    [
        ("ck_settlements_txid", f"'{'A' * 64}', 0, 1"),
        ("ck_settlements_txid", f"'{'a' * 63}', 0, 1"),
        ("ck_settlements_output_index", f"'{'b' * 64}', -1, 1"),
        ("ck_settlements_confirmations", f"'{'b' * 64}', 0, 0"),
    ],
)
async def test_settlement_agrees_with_itself(lived: Lived, check: str, values: str) -> None:
    await lived.refused(check, f"{SETTLED} VALUES ('{{waiting}}', {values}, now())")


# Public keys of receipts

RECEIPT_KEY = "INSERT INTO receipt_keys (id, public_key, since)"


@each_case("replica", [False, True])
@each_case(
    "statement",
    [
        "UPDATE receipt_keys SET public_key = sha256('x')",
        "DELETE FROM receipt_keys",
        "TRUNCATE receipt_keys",
    ],
)
async def test_public_key_is_kept_for_good(lived: Lived, statement: str, replica: bool) -> None:
    key = f"{RECEIPT_KEY} VALUES ('0123456789abcdef', sha256(''), now())"
    await lived.refused("is append-only", key, statement, replica=replica)


@each_case(
    ("check", "values"),
    [
        ("ck_receipt_keys_id", "'0123456789abcde', sha256('')"),
        ("ck_receipt_keys_id", "'0123456789ABCDEF', sha256('')"),
        ("ck_receipt_keys_public_key", "'0123456789abcdef', 'short'"),
    ],
)
async def test_public_key_agrees_with_itself(lived: Lived, check: str, values: str) -> None:
    await lived.refused(check, f"{RECEIPT_KEY} VALUES ({values}, now())")


# Idempotency keys


@each_case(
    ("check", "values"),
    [
        ("ck_idempotency_keys_key", "'', sha256(''), 201, ''"),
        ("ck_idempotency_keys_key", "repeat('a', 256), sha256(''), 201, ''"),
        ("ck_idempotency_keys_key", "'a b', sha256(''), 201, ''"),
        ("ck_idempotency_keys_key", "'é', sha256(''), 201, ''"),
        ("ck_idempotency_keys_request_hash", "'k', 'short', 201, ''"),
        ("ck_idempotency_keys_status", "'k', sha256(''), 500, ''"),
        ("ck_idempotency_keys_status", "'k', sha256(''), 402, ''"),
        ("ck_idempotency_keys_answer", "'k', sha256(''), 201, NULL"),
        ("ck_idempotency_keys_answer", "'k', sha256(''), NULL, ''"),
    ],
)
async def test_idempotency_key_agrees_with_itself(lived: Lived, check: str, values: str) -> None:
    await lived.refused(check, f"{KEPT}) VALUES ('{{user}}', 'e', now(), {values})")


@pytest.mark.parametrize("replica", [False, True], ids=["superuser", "replica"])
async def test_idempotency_key_that_could_not_be_answered_is_refused(
    lived: Lived, replica: bool
) -> None:
    await lived.refused(
        "has no answer",
        f"{KEPT}) VALUES ('{{user}}', 'e', now(), 'k', sha256(''), NULL, NULL)",
        replica=replica,
    )


async def test_assessment_stands_under_one_key_at_most(lived: Lived) -> None:
    values = "('{{user}}', 'e', now(), '{key}', sha256(''), NULL, NULL, '{{ready}}')"
    await lived.refused(
        "uq_idempotency_keys_assessment_id",
        *(f"{KEPT}, assessment_id) VALUES {values.format(key=key)}" for key in "ab"),
    )


async def test_every_guard_is_armed_for_every_role(lived: Lived) -> None:
    """ENABLE ALWAYS: neither ownership nor session_replication_role disarms one."""
    armed = await lived.connection.fetch(
        "SELECT tgname, tgenabled::text AS armed"
        " FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid"
        " WHERE NOT tgisinternal AND relnamespace = 'public'::regnamespace"
    )
    assert len(armed) == 44
    assert {row["armed"] for row in armed} == {"A"}


# Addresses of the merchant's wallet

WALLET_ID = "0123456789abcdef"
GIVEN = "INSERT INTO bitcoin_addresses (order_id, wallet_id, address_index, address, taken_at"
WITH_WALLET = "INSERT INTO bitcoin_wallets VALUES ('0123456789abcdef', 'wpkh(...)', 1)"


@pytest.mark.parametrize(("index", "address"), [(0, "another"), (1, "one")])
async def test_two_orders_never_hold_one_address(lived: Lived, index: int, address: str) -> None:
    await lived.refused(
        "uq_bitcoin_addresses",
        WITH_WALLET,
        f"{GIVEN}) VALUES ('{{granted}}', '{WALLET_ID}', 0, 'one', now())",
        f"{GIVEN}) VALUES ('{{waiting}}', '{WALLET_ID}', {index}, '{address}', now())",
    )


async def test_address_that_was_given_is_its_orders_for_ever(lived: Lived) -> None:
    for change in (
        "UPDATE bitcoin_addresses SET released_at = taken_at + interval '180 days'",
        "UPDATE bitcoin_addresses SET address = 'another'",
        "DELETE FROM bitcoin_addresses",
    ):
        await lived.refused("for ever", change)


async def test_output_counts_on_one_rail_only(lived: Lived) -> None:
    await lived.refused(
        "pays an order in bitcoin",
        f"{SETTLED} SELECT '{{waiting}}', txid, output_index, 1, now()"  # noqa: S608
        " FROM bitcoin_outputs WHERE order_id = '{paid}'",
    )
    await lived.refused(
        "settled an order of AEON.to",
        f"{SETTLED} VALUES ('{{waiting}}', repeat('c', 64), 0, 1, now())",
        "INSERT INTO bitcoin_outputs (txid, output_index, order_id, value_btc, confirmations,"
        " replaceable, arrived_at) VALUES (repeat('c', 64), 0, '{asked}', 1, 1, false, now())",
    )


async def test_grant_in_bitcoin_is_not_paid_by_what_was_there_before(lived: Lived) -> None:
    for change in (
        "UPDATE bitcoin_outputs SET before_order = true, confirmations = 2"
        " WHERE order_id = '{asked}'",
        "UPDATE bitcoin_outputs SET arrived_at = arrived_at - interval '3 hours',"
        " confirmations = 2 WHERE order_id = '{asked}'",
    ):
        await lived.refused("confirmed BTC", change, *granted(10, "0.0005"))
    await lived.refused(
        "came before its order",
        "UPDATE bitcoin_outputs SET before_order = true",
        "UPDATE bitcoin_outputs SET before_order = false",
    )


async def test_address_is_given_to_an_order_that_exists(lived: Lived) -> None:
    await lived.refused(
        "fk_bitcoin_addresses_order_id_orders",
        WITH_WALLET,
        f"{GIVEN}) VALUES ('ord_none', '{WALLET_ID}', 0, 'one', now())",
    )


@pytest.mark.parametrize("index", [-1, 2**31])
async def test_index_that_no_public_key_derives_is_refused(lived: Lived, index: int) -> None:
    await lived.refused(
        "ck_bitcoin_addresses_address_index",
        WITH_WALLET,
        f"{GIVEN}) VALUES ('{{waiting}}', '{WALLET_ID}', {index}, 'one', now())",
    )
