"""Credits under races: never below zero, never granted twice, always summing up."""

import asyncio

import pytest
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app import audit
from app.ledger import service
from app.ledger.errors import InsufficientCredits
from app.ledger.rules import MAX_BALANCE_CREDITS, EntryKind
from app.orders.models import Order
from app.runtime.db.engine import Database
from app.runtime.db.failures import violated_constraint
from app.runtime.errors import InvalidParameter
from tests.support.clock import HandClock
from tests.support.databases import LentDatabase
from tests.support.orders import OneOrder, balance_of, count
from tests.support.people import ACTOR, Person, give_credits, make_access_code, make_user


async def adjust(database: Database, account_id: str, amount: int, clock: HandClock) -> int:
    """Add or take credits as an operator."""
    async with database.sessions() as session:
        return await service.adjust(
            session,
            account_id=account_id,
            amount=amount,
            reason="a test",
            actor=ACTOR,
            at=clock.now(),
        )


async def transfer(
    database: Database, giver: Person, taker: Person, clock: HandClock, *, moved: int, name: str
) -> int:
    """Move credits between two accounts."""
    async with database.sessions() as session, session.begin():
        return await service.transfer(
            session,
            from_account_id=giver.account_id,
            to_account_id=taker.account_id,
            credits_moved=moved,
            transfer_id=name,
            actor=ACTOR,
            at=clock.now(),
        )


async def breaches(database: Database) -> list[audit.Breach]:
    """Audit the database."""
    async with database.reading() as connection:
        return await audit.breaches(connection)


async def test_fifty_parallel_spends_of_ten_credits_succeed_ten_times(
    committed_database: Database, clock: HandClock
) -> None:
    spender = await make_user(committed_database, clock.now(), credits_given=10)

    async def spend() -> bool:
        try:
            await adjust(committed_database, spender.account_id, -1, clock)
        except InsufficientCredits:
            return False
        return True

    spent = await asyncio.gather(*(spend() for _ in range(50)))
    assert sum(spent) == 10
    assert await balance_of(committed_database, spender.account_id) == 0
    assert await count(committed_database, "ledger_entries", "amount = -1") == 10
    assert await breaches(committed_database) == []


async def test_fifty_parallel_first_entries_of_a_fresh_account_all_count(
    committed_database: Database, clock: HandClock
) -> None:
    user = await make_user(committed_database, clock.now())
    await asyncio.gather(
        *(adjust(committed_database, user.account_id, 2, clock) for _ in range(50))
    )
    assert await balance_of(committed_database, user.account_id) == 100
    assert await breaches(committed_database) == []


async def test_parallel_answers_for_one_order_grant_once(
    committed_database: Database, clock: HandClock
) -> None:
    """Two holders of the same lease (a retry of an unknown commit) apply the same answer."""
    buyer = await make_user(committed_database, clock.now())
    for _ in range(10):
        order = await OneOrder.place(committed_database, clock, buyer)
        await order.created("UNPAID")
        job, report = await order.claim_poll(), order.says("BTC_SENT")
        granted = await asyncio.gather(*(order.apply(job, report) for _ in range(4)))
        assert sorted(applied.granted for applied in granted) == [0, 0, 0, 10]
    assert await balance_of(committed_database, buyer.account_id) == 100
    assert await breaches(committed_database) == []


async def test_database_alone_keeps_two_grants_apart(
    committed_database: Database, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the lock and the lease, both find the order ungranted; the entry is still unique."""
    buyer = await make_user(committed_database, clock.now())
    order = await OneOrder.place(committed_database, clock, buyer)
    await order.created("UNPAID")
    job, report = await order.claim_poll(), order.says("BTC_SENT")
    both_have_read = asyncio.Barrier(2)

    async def unlocked(session: AsyncSession, order_id: str, _token: str) -> Order | None:
        found = await session.get(Order, order_id)
        await asyncio.wait_for(both_have_read.wait(), 60)
        return found

    monkeypatch.setattr("app.orders.apply.locked_under_lease", unlocked)
    outcomes = await asyncio.gather(
        order.apply(job, report), order.apply(job, report), return_exceptions=True
    )
    refused = [outcome for outcome in outcomes if isinstance(outcome, IntegrityError)]
    assert [violated_constraint(fault) for fault in refused] == ["uq_ledger_entries_purchase"]
    assert await balance_of(committed_database, buyer.account_id) == 10
    assert await breaches(committed_database) == []


async def test_opposite_transfers_neither_deadlock_nor_lose_a_credit(
    committed_database: Database, clock: HandClock
) -> None:
    left = await make_user(committed_database, clock.now(), credits_given=50)
    right = await make_access_code(committed_database, left, clock.now(), credits_given=50)
    await asyncio.gather(
        *(
            transfer(committed_database, giver, taker, clock, moved=1, name=f"t{turn}{name}")
            for turn in range(15)
            for name, giver, taker in (("l", left, right), ("r", right, left))
        )
    )
    balances = [await balance_of(committed_database, side.account_id) for side in (left, right)]
    assert balances == [50, 50]
    assert await count(committed_database, "ledger_entries", "kind = 'transfer'") == 60
    assert await breaches(committed_database) == []


async def test_transfer_of_more_than_there_is_moves_nothing(
    database: LentDatabase, clock: HandClock
) -> None:
    giver = await make_user(database, clock.now(), credits_given=3)
    taker = await make_access_code(database, giver, clock.now())
    with pytest.raises(InsufficientCredits):
        await transfer(database, giver, taker, clock, moved=4, name="trf")
    assert await transfer(database, giver, taker, clock, moved=3, name="trf") == 0
    assert await balance_of(database, taker.account_id) == 3


async def test_one_transfer_is_never_made_twice(database: LentDatabase, clock: HandClock) -> None:
    giver = await make_user(database, clock.now(), credits_given=3)
    taker = await make_access_code(database, giver, clock.now())
    await transfer(database, giver, taker, clock, moved=1, name="trf")
    with pytest.raises(IntegrityError, match="uq_ledger_entries_transfer_id_account_id"):
        await transfer(database, giver, taker, clock, moved=1, name="trf")


async def test_adjustment_returns_the_balance_and_leaves_an_audit_line(
    database: LentDatabase, clock: HandClock
) -> None:
    user = await make_user(database, clock.now())
    assert await adjust(database, user.account_id, 7, clock) == 7
    assert await adjust(database, user.account_id, -7, clock) == 0
    assert await count(database, "audit_log", "action = 'ledger.adjustment'") == 2
    assert await count(database, "ledger_entries", "reason = 'a test' AND kind = 'adjustment'") == 2


@pytest.mark.parametrize("amount", [0, MAX_BALANCE_CREDITS, 10**30])
async def test_adjustment_to_what_no_account_may_hold_is_refused(
    database: LentDatabase, clock: HandClock, amount: int
) -> None:
    user = await make_user(database, clock.now(), credits_given=1)
    with pytest.raises(InvalidParameter, match="amount must be not 0"):
        await adjust(database, user.account_id, amount, clock)
    assert await balance_of(database, user.account_id) == 1


async def test_adjustment_may_fill_an_account_to_the_brim(
    database: LentDatabase, clock: HandClock
) -> None:
    user = await make_user(database, clock.now())
    assert await adjust(database, user.account_id, MAX_BALANCE_CREDITS, clock) == 10**12


async def test_adjustment_below_zero_or_of_nobody_is_refused(
    database: LentDatabase, clock: HandClock
) -> None:
    user = await make_user(database, clock.now(), credits_given=1)
    with pytest.raises(InsufficientCredits):
        await adjust(database, user.account_id, -2, clock)
    with pytest.raises(InsufficientCredits):
        await adjust(database, "acc_nobody", 1, clock)


async def test_entry_must_name_what_its_kind_demands(
    database: LentDatabase, clock: HandClock
) -> None:
    user = await make_user(database, clock.now())
    await give_credits(database, user.account_id, 1, clock.now())
    for kind in (EntryKind.PURCHASE, EntryKind.REFUND, EntryKind.TRANSFER, EntryKind.ADJUSTMENT):
        async with database.sessions() as session:
            with pytest.raises(IntegrityError, match="ck_ledger_entries"):
                async with session.begin():
                    await service.post(
                        session,
                        account_id=user.account_id,
                        kind=kind,
                        amount=1,
                        actor=ACTOR,
                        at=clock.now(),
                    )
