"""Credits of a deactivated code go back to its issuer, those that come late too, under races."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from app import audit
from app.accounts import access_code_credits
from app.accounts.errors import AccessCodeNotFound
from app.assessments.providers.base import FailureReason, ProviderFailed, ProviderUnknown
from app.assessments.providers.ensemble import ProviderEnsemble
from app.ledger.errors import InsufficientCredits
from app.runtime.db.engine import Database
from tests.assessments.test_service import create
from tests.support.application import ScriptedProvider
from tests.support.assessments import finish_due
from tests.support.clock import HandClock
from tests.support.orders import OneOrder, balance_of, count
from tests.support.people import ACTOR, Person, give_credits, make_access_code, make_user


async def deactivate(
    database: Database, clock: HandClock, issuer: Person, code: Person, *, keep: bool = False
) -> int:
    """Take a code out of use; return how many credits went back."""
    async with database.sessions() as session, session.begin():
        return await access_code_credits.deactivate(
            session,
            caller=issuer.caller,
            access_code=code.access_code or "",
            keep_credits=keep,
            actor=ACTOR,
            now=clock.now(),
        )


async def take_back(
    database: Database, clock: HandClock, issuer: Person, code: Person, number: int | None = None
) -> int:
    """Move credits of a code back."""
    async with database.sessions() as session, session.begin():
        return await access_code_credits.return_credits(
            session,
            caller=issuer.caller,
            access_code=code.access_code or "",
            credits_moved=number,
            actor=ACTOR,
            now=clock.now(),
        )


async def fill(database: Database, clock: HandClock, issuer: Person, code: Person) -> None:
    """Move one credit of the issuer to the code."""
    async with database.sessions() as session, session.begin():
        await access_code_credits.move_credits(
            session,
            caller=issuer.caller,
            access_code=code.access_code or "",
            credits_moved=1,
            actor=ACTOR,
            now=clock.now(),
        )


async def balances(database: Database, *people: Person) -> list[int]:
    """Return what these have."""
    return [await balance_of(database, person.account_id) for person in people]


async def is_clean(database: Database) -> bool:
    """Say whether the audit finds nothing."""
    async with database.reading() as connection:
        return await audit.breaches(connection) == []


async def test_what_comes_to_a_deactivated_code_later_goes_on_to_its_issuer(
    committed_database: Database, clock: HandClock
) -> None:
    database = committed_database
    issuer = await make_user(database, clock.now())
    code = await make_access_code(database, issuer, clock.now(), credits_given=3)
    order = await OneOrder.place(database, clock, issuer, access_code=code.access_code)
    await order.created("UNPAID")
    provider = ScriptedProvider(raises=ProviderUnknown())
    await create(database, provider, clock, code)

    assert await deactivate(database, clock, issuer, code) == 2
    assert await balances(database, issuer, code) == [2, 0]
    provider.raises = ProviderFailed(FailureReason.REFUSED)
    clock.advance(2)
    assert await finish_due(database, ProviderEnsemble([provider]), clock)
    assert await balances(database, issuer, code) == [3, 0]
    await order.reported("BTC_SENT")
    assert await balances(database, issuer, code) == [13, 0]
    await give_credits(database, code.account_id, 4, clock.now())
    assert await balances(database, issuer, code) == [17, 0]

    assert await count(database, "ledger_entries", "kind = 'transfer'") == 8
    assert await is_clean(database)


async def test_what_comes_later_to_a_code_that_keeps_its_credits_stays_until_it_is_taken_back(
    committed_database: Database, clock: HandClock
) -> None:
    database = committed_database
    issuer = await make_user(database, clock.now())
    code = await make_access_code(database, issuer, clock.now(), credits_given=3)
    order = await OneOrder.place(database, clock, issuer, access_code=code.access_code)
    await order.created("UNPAID")

    assert await deactivate(database, clock, issuer, code, keep=True) == 0
    await order.reported("BTC_SENT")
    assert await balances(database, issuer, code) == [0, 13]
    assert await take_back(database, clock, issuer, code, 4) == 4
    assert await deactivate(database, clock, issuer, code) == 9
    assert await deactivate(database, clock, issuer, code, keep=True) == 0
    assert await balances(database, issuer, code) == [13, 0]
    with pytest.raises(InsufficientCredits):
        await take_back(database, clock, issuer, code, 1)
    assert await is_clean(database)


async def test_credits_that_move_both_ways_and_a_deactivation_lose_none_and_do_not_deadlock(
    committed_database: Database, clock: HandClock
) -> None:
    database = committed_database
    issuer = await make_user(database, clock.now(), credits_given=30)
    code = await make_access_code(database, issuer, clock.now(), credits_given=30)

    def four(move: Callable[[], Awaitable[object]]) -> list[Awaitable[object]]:
        return [move() for _ in range(4)]

    for _ in range(2):  # no more at once than there are connections
        outcomes = await asyncio.gather(
            *four(lambda: fill(database, clock, issuer, code)),
            *four(lambda: take_back(database, clock, issuer, code, 1)),
            return_exceptions=True,
        )
        assert [one for one in outcomes if isinstance(one, BaseException)] == []
    outcomes = await asyncio.gather(
        *four(lambda: fill(database, clock, issuer, code)),
        deactivate(database, clock, issuer, code),
        *four(lambda: give_credits(database, code.account_id, 1, clock.now())),
        return_exceptions=True,
    )

    faults = {type(one) for one in outcomes if isinstance(one, BaseException)}
    assert faults <= {AccessCodeNotFound}
    assert await balances(database, issuer, code) == [64, 0]
    assert await is_clean(database)


async def test_credits_do_not_move_to_a_code_that_is_just_being_deactivated(
    committed_database: Database, clock: HandClock
) -> None:
    database = committed_database
    issuer = await make_user(database, clock.now(), credits_given=3)
    code = await make_access_code(database, issuer, clock.now(), credits_given=2)

    async with database.sessions() as session, session.begin():
        await access_code_credits.deactivate(
            session,
            caller=issuer.caller,
            access_code=code.access_code or "",
            keep_credits=False,
            actor=ACTOR,
            now=clock.now(),
        )
        filling = asyncio.create_task(fill(database, clock, issuer, code))
        done, _ = await asyncio.wait({filling}, timeout=0.05)
        assert not done
    with pytest.raises(AccessCodeNotFound):
        await filling

    assert await balances(database, issuer, code) == [5, 0]
