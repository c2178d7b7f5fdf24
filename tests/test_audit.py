"""The audit finds each breach on a database that was corrupted on purpose, and none on a clean one."""

from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import cast

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app import audit
from app.accounts import access_code_credits
from app.assessments.errors import AssessmentFault
from app.assessments.providers.base import FailureReason, ProviderFailed
from app.doctor.database import check_books
from app.doctor.deployment import Deployment
from app.doctor.findings import Status
from app.orders import operator
from app.runtime.db.engine import Database
from app.runtime.faults import OperatorFault
from tests.assessments.test_service import create
from tests.support import invariants
from tests.support.application import ScriptedProvider
from tests.support.bitcoin_orders import EXCESS, BitcoinOrder, check_as_a_commit_does, output
from tests.support.clock import HandClock
from tests.support.databases import LentDatabase
from tests.support.orders import TERMS, OneOrder
from tests.support.people import ACTOR, Person, make_access_code, make_user

# Off goes all that would refuse the corruption; the test's transaction is rolled back.
DISARMED = """
DO $$ DECLARE it record; BEGIN
    SET CONSTRAINTS ALL IMMEDIATE;
    FOR it IN SELECT c.conrelid::regclass AS of, c.conname AS name FROM pg_constraint c
        WHERE c.connamespace = 'public'::regnamespace AND c.contype = 'c' LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', it.of, it.name);
    END LOOP;
    FOR it IN SELECT indexrelid::regclass AS name FROM pg_index
        WHERE indpred IS NOT NULL AND indisunique AND indrelid = 'ledger_entries'::regclass LOOP
        EXECUTE format('DROP INDEX %s', it.name);
    END LOOP;
    FOR it IN SELECT oid::regclass AS name FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' LOOP
        EXECUTE format('ALTER TABLE %s DISABLE TRIGGER ALL', it.name);
    END LOOP;
END $$
"""

# rule: what breaks it
CORRUPTIONS = {
    "a balance equals the sum of its entries": (
        "UPDATE accounts SET balance = balance + 1 WHERE balance > 0",
    ),
    "a balance is never negative, at no point of the ledger": (
        "UPDATE ledger_entries SET amount = -amount WHERE kind = 'adjustment'",
        "UPDATE accounts SET balance = -1",
    ),
    "transfers cancel": (
        "UPDATE ledger_entries SET amount = amount + 1 WHERE kind = 'transfer' AND amount > 0",
        "DELETE FROM ledger_entries WHERE kind = 'transfer' AND amount > 0",
    ),
    "a transfer is between an access code and its issuer": (
        "UPDATE access_codes SET issuer_id = (SELECT account_id FROM users WHERE account_id NOT IN"
        " (SELECT issuer_id FROM access_codes) LIMIT 1)",
    ),
    "the credits of a deactivated code are with its issuer, unless it keeps them": (
        "UPDATE accounts SET balance = 1 WHERE returns_to IS NOT NULL",
        "UPDATE accounts SET status = 'active' WHERE returns_to IS NOT NULL",
        "UPDATE accounts SET returns_to = id WHERE returns_to IS NOT NULL",
    ),
    "an order in or past its granting state has exactly one purchase, any other none": (
        "DELETE FROM ledger_entries WHERE kind = 'purchase'",
        "UPDATE ledger_entries SET amount = 9 WHERE amount = 12",
        "UPDATE orders SET grant_price_btc = NULL WHERE credits_granted = 12",
        "UPDATE ledger_entries SET amount = amount + 1 WHERE kind = 'purchase'",
        "UPDATE orders SET status = 'BTC_SENT'",
        "UPDATE orders SET status = 'PAID' WHERE status = 'BTC_SENT'",
        "INSERT INTO ledger_entries (account_id, kind, amount, balance_after, at, order_id)"
        " SELECT account_id, kind, amount, amount, at, order_id"
        " FROM ledger_entries WHERE kind = 'purchase'",
    ),
    "an assessment has one debit, and a refund if and only if it failed": (
        "DELETE FROM ledger_entries WHERE kind = 'refund'",
        "DELETE FROM ledger_entries WHERE kind = 'assessment'",
        "UPDATE assessments SET status = 'failed' WHERE status = 'ready'",
        "UPDATE assessments SET status = 'pending' WHERE status = 'failed'",
        "INSERT INTO ledger_entries (account_id, kind, amount, balance_after, at, assessment_id)"
        " SELECT account_id, kind, amount, 0, at, assessment_id"
        " FROM ledger_entries WHERE kind = 'assessment'",
    ),
    "the events of an order form one path": (
        "INSERT INTO order_events (order_id, kind, from_status, to_status, at, reason)"
        " SELECT id, 'moved', 'PAID', status, now(), '' FROM orders",
        "DELETE FROM order_events WHERE from_status IS NULL",
    ),
    "the path of an order is legal": (
        "INSERT INTO order_events (order_id, kind, from_status, to_status, at, reason)"
        " SELECT id, 'moved', status, 'UNPAID', now(), '' FROM orders"
        " WHERE status = 'BTC_SENT'",
        "INSERT INTO order_events (order_id, kind, from_status, to_status, at, reason)"
        " SELECT id, 'moved', status, status, now(), '' FROM orders",
    ),
    "the path of an order ends in its status": (
        "UPDATE orders SET status = 'UNDERPAID' WHERE status = 'UNPAID'",
        "DELETE FROM order_events WHERE kind = 'moved'",
    ),
    "an order that an output settled is in BTC_SENT": (
        "INSERT INTO settlements (order_id, txid, output_index, confirmations, at)"
        " SELECT id, repeat('a', 64), 0, 1, now() FROM orders WHERE status <> 'BTC_SENT' LIMIT 1",
    ),
    "new coins settle an order with 100 confirmations": (
        "INSERT INTO settlements (order_id, txid, output_index, confirmations, at, is_coinbase)"
        " SELECT id, repeat('a', 64), 0, 99, now(), true FROM orders"
        " WHERE status = 'BTC_SENT' LIMIT 1",
    ),
    "an order granted in bitcoin is paid by its outputs or by an operator's word": (
        "UPDATE bitcoin_outputs SET gone_at = (SELECT granted_at FROM orders WHERE id = order_id)",
        "UPDATE bitcoin_outputs SET value_btc = value_btc - 0.00000001",
        "DELETE FROM bitcoin_outputs",
        "UPDATE orders SET grant_price_btc = grant_price_btc * 2",
        "DELETE FROM audit_log WHERE action = 'order.settle_grant'",
        "UPDATE orders SET grant_price_btc = price_btc WHERE rail = 'bitcoin'",
    ),
    "no order is granted for money that was at its address before it": (
        "UPDATE bitcoin_outputs SET before_order = true",
        "UPDATE bitcoin_outputs SET arrived_at = arrived_at - interval '3 hours'",
    ),
    "an output counts for one order, on whichever rail": (
        "INSERT INTO settlements (order_id, txid, output_index, confirmations, at)"
        " SELECT o.id, b.txid, b.output_index, 1, now() FROM orders o, bitcoin_outputs b"
        " WHERE o.status = 'BTC_SENT'",
    ),
    "an order in bitcoin is to be paid to the address that it was given": (
        "UPDATE orders SET btc_dest_address = 'another' WHERE rail = 'bitcoin'",
        "UPDATE payments SET btc_dest_address = 'another' WHERE uuid IS NULL",
        "UPDATE bitcoin_addresses SET address = address || 'x'",
        "DELETE FROM bitcoin_addresses",
    ),
    "a ledger entry has exactly one audit line": (
        "UPDATE audit_log SET ledger_entry_id = NULL",
        "DELETE FROM audit_log WHERE action = 'ledger.purchase'",
    ),
    "the events of an account are numbered from 1 without a gap": (
        "DELETE FROM account_events WHERE sequence = 1",
        "DELETE FROM account_events WHERE sequence = 2",
    ),
    "what an account is told of its credits adds up to its balance": (
        "DELETE FROM events WHERE data->>'kind' = 'purchase'",
        "INSERT INTO events (transaction_id, account_ids, type, at, data)"
        " SELECT 0, account_ids, type, at, data FROM events WHERE data->>'kind' = 'refund'",
    ),
    "an order whose placing was told is told credited once if it is granted, else never": (
        "DELETE FROM events WHERE type = 'order.credited'",
        "INSERT INTO events (transaction_id, account_ids, type, at, data)"
        " SELECT 0, account_ids, 'order.credited', at, data FROM events"
        " WHERE type = 'order.updated'",
    ),
}


@pytest.fixture(scope="module")
async def outer(worker_database: Database) -> AsyncIterator[AsyncConnection]:
    """One connection, on which everything has happened once; nothing on it is ever committed."""
    async with worker_database.engine.connect() as connection:
        await connection.begin()
        await connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        await live(LentDatabase(connection), HandClock())
        yield connection
        await connection.rollback()


@pytest.fixture
async def lived(outer: AsyncConnection) -> AsyncIterator[LentDatabase]:
    """That database for one test, which may corrupt it: afterwards it is as before."""
    async with outer.begin_nested() as savepoint:
        yield LentDatabase(outer)
        await savepoint.rollback()


async def live(database: LentDatabase, clock: HandClock) -> None:
    """Let everything happen once."""
    user = await make_user(database, clock.now(), credits_given=5)
    await make_user(database, clock.now())
    code = await make_access_code(database, user, clock.now())
    async with database.sessions() as session, session.begin():
        await access_code_credits.move_credits(
            session,
            caller=user.caller,
            access_code=code.access_code or "",
            credits_moved=2,
            actor=ACTOR,
            now=clock.now(),
        )
    await close_a_code(database, clock, user)
    bought = await OneOrder.place(database, clock, user)
    await bought.created("UNPAID")
    await bought.reported("PAID")
    await bought.reported("BTC_SENT")
    await pay_in_bitcoin(database, clock, user)
    waiting = await OneOrder.place(database, clock, user)
    await waiting.created("UNPAID")
    provider = ScriptedProvider()
    await create(database, provider, clock, user)
    failing = ScriptedProvider(raises=ProviderFailed(FailureReason.BROKEN))
    with pytest.raises(AssessmentFault):
        await create(database, failing, clock, user)
    await check_as_a_commit_does(database)


async def close_a_code(database: LentDatabase, clock: HandClock, user: Person) -> None:
    """Deactivate a code that has a credit."""
    code = await make_access_code(database, user, clock.now(), credits_given=1)
    async with database.sessions() as session, session.begin():
        await access_code_credits.deactivate(
            session,
            caller=user.caller,
            access_code=code.access_code or "",
            keep_credits=False,
            actor=ACTOR,
            now=clock.now(),
        )


async def pay_in_bitcoin(database: LentDatabase, clock: HandClock, user: Person) -> None:
    """Grant an order whose money goes afterwards, and one by an operator's word."""
    paid = await BitcoinOrder.place(database, clock, user)
    await paid.shown(output(600_000), terms=EXCESS)
    await paid.shown()
    given = await BitcoinOrder.place(database, clock, user)
    async with database.sessions() as session:
        await operator.resolve(
            session,
            given.id,
            grant=True,
            reason="a test",
            actor=ACTOR,
            valuation=TERMS.valuation(),
            now=clock.now(),
        )


async def broken_rules(database: Database) -> set[str]:
    """Return the rules that the audit finds broken."""
    async with database.reading() as connection:
        return {breach.rule for breach in await audit.breaches(connection)}


async def test_clean_database_has_no_breach_and_everything_is_covered(
    lived: LentDatabase, clock: HandClock
) -> None:
    assert await broken_rules(lived) == set()
    assert await invariants.broken(lived, clock.now()) == {}
    async with lived.reading() as connection:
        assert await audit.checked(connection) == {
            "accounts": 4,
            "orders": 4,
            "assessments": 2,
            "ledger_entries": 12,
            "order_events": 12,
            "settlements": 0,
            "bitcoin_addresses": 2,
            "bitcoin_outputs": 1,
            "account_events": 40,
        }


def test_every_rule_has_a_corruption_that_breaks_it() -> None:
    assert set(CORRUPTIONS) == set(audit._RULES)


@pytest.mark.parametrize(
    ("rule", "corruption"),
    [
        pytest.param(rule, corruption, id=f"{rule} {number}")
        for rule, corruptions in CORRUPTIONS.items()
        for number, corruption in enumerate(corruptions)
    ],
)
async def test_corruption_is_reported_under_its_rule_and_breaks_an_invariant(
    lived: LentDatabase, clock: HandClock, rule: str, corruption: str
) -> None:
    async with lived.reading() as connection:
        await connection.execute(text(DISARMED))
        await connection.execute(text(corruption))
    assert rule in await broken_rules(lived)
    assert await invariants.broken(lived, clock.now()) != {}


async def test_breach_names_the_thing_that_is_broken(lived: LentDatabase) -> None:
    async with lived.reading() as connection:
        await connection.execute(text(DISARMED))
        await connection.execute(text("UPDATE orders SET status = 'PAID' WHERE status = 'UNPAID'"))
        order_id = await connection.scalar(
            text("SELECT id FROM orders WHERE status = 'PAID' AND rail = 'aeonto'")
        )
        breaches = await audit.breaches(connection)
    assert breaches == [audit.Breach("the path of an order ends in its status", str(order_id))]


# Breaches that may stay


MONEY_BEFORE = "no order is granted for money that was at its address before it"
TWO_ORDERS = "an output counts for one order, on whichever rail"
NOT_TOLD = "an order whose placing was told is told credited once if it is granted, else never"
KEYS = {
    MONEY_BEFORE: "money_before_order",
    TWO_ORDERS: "output_of_two_orders",
    NOT_TOLD: "grant_not_told",
}


async def corrupt(database: Database, corruption: str) -> None:
    async with database.reading() as connection:
        await connection.execute(text(DISARMED))
        await connection.execute(text(corruption))


async def examined(database: Database) -> audit.Findings:
    async with database.reading() as connection:
        return await audit.examine(connection)


async def acknowledge(database: Database, clock: HandClock, key: str, subject: str) -> audit.Breach:
    async with database.sessions() as session:
        return await audit.acknowledge(
            session, key, subject, reason="repaid", actor=ACTOR, now=clock.now()
        )


def test_only_breaches_of_earlier_versions_can_be_acknowledged() -> None:
    assert {rule: audit.key_of(rule) for rule in CORRUPTIONS} == {
        rule: KEYS.get(rule) for rule in CORRUPTIONS
    }


@pytest.mark.parametrize("rule", KEYS)
async def test_acknowledged_breach_is_listed_apart_and_hides_no_other(
    lived: LentDatabase, clock: HandClock, rule: str
) -> None:
    await corrupt(lived, CORRUPTIONS[rule][0])
    await corrupt(lived, "UPDATE accounts SET balance = balance + 1 WHERE balance > 0")
    before = (await examined(lived)).open
    [breach, *others] = [one for one in before if one.rule == rule]

    assert await acknowledge(lived, clock, KEYS[rule], breach.subject) == breach

    after = await examined(lived)
    assert after.open == [one for one in before if one != breach]
    assert after.acknowledged == [
        audit.Acknowledgement(rule, breach.subject, ACTOR.name, clock.now(), "repaid")
    ]
    assert "a balance equals the sum of its entries" in {one.rule for one in after.open}
    for other in others:
        await acknowledge(lived, clock, KEYS[rule], other.subject)
    assert rule not in {one.rule for one in (await examined(lived)).open}


async def test_doctor_goes_by_the_open_breaches(lived: LentDatabase, clock: HandClock) -> None:
    deployment = cast("Deployment", SimpleNamespace(database=lived))
    await corrupt(lived, CORRUPTIONS[MONEY_BEFORE][0])
    assert (await check_books(deployment)).status is Status.PROBLEM
    for breach in (await examined(lived)).open:
        await acknowledge(lived, clock, KEYS[breach.rule], breach.subject)
    assert (await check_books(deployment)).status is Status.OK


async def test_what_is_no_open_breach_is_not_acknowledged(
    lived: LentDatabase, clock: HandClock
) -> None:
    await corrupt(lived, CORRUPTIONS[MONEY_BEFORE][0])
    await corrupt(
        lived, CORRUPTIONS["an order in bitcoin is to be paid to the address that it was given"][0]
    )
    broken = {one.subject for one in (await examined(lived)).open if one.rule == MONEY_BEFORE}
    async with lived.reading() as connection:
        orders = set(await connection.scalars(text("SELECT id FROM orders")))
        lines = await connection.scalar(text("SELECT count(*) FROM audit_log"))
    [subject] = broken
    refused = [
        *((KEYS[MONEY_BEFORE], order) for order in sorted(orders - broken)),
        (KEYS[MONEY_BEFORE], "ord_1"),
        (KEYS[TWO_ORDERS], subject),
        (MONEY_BEFORE, subject),
        ("a balance equals the sum of its entries", subject),
        ("", subject),
    ]
    for key, order in refused:
        with pytest.raises(OperatorFault):
            await acknowledge(lived, clock, key, order)
    async with lived.reading() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM audit_log")) == lines
    await acknowledge(lived, clock, KEYS[MONEY_BEFORE], subject)
    with pytest.raises(OperatorFault, match="must be an open breach"):
        await acknowledge(lived, clock, KEYS[MONEY_BEFORE], subject)
