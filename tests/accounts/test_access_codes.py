"""Access codes under races."""

import asyncio

from app.accounts import access_code_credits, access_codes
from app.runtime.db.engine import Database
from tests.support.clock import HandClock
from tests.support.people import ACTOR, make_access_code, make_user


async def test_code_is_not_deactivated_while_a_debit_is_open(
    committed_database: Database, clock: HandClock
) -> None:
    issuer = await make_user(committed_database, clock.now())
    code = await make_access_code(committed_database, issuer, clock.now(), credits_given=1)
    access_code = code.access_code or ""

    async def deactivate() -> None:
        async with committed_database.sessions() as session, session.begin():
            await access_code_credits.deactivate(
                session,
                caller=issuer.caller,
                access_code=access_code,
                keep_credits=False,
                actor=ACTOR,
                now=clock.now(),
            )

    async with committed_database.sessions() as session, session.begin():
        await access_codes.spendable_account_of(
            session, caller=code.caller, access_code=access_code, now=clock.now()
        )
        deactivating = asyncio.create_task(deactivate())
        done, _ = await asyncio.wait({deactivating}, timeout=0.05)
        assert not done
    await deactivating

    async with committed_database.reading() as connection:
        facts = await access_codes.facts(
            connection, caller=issuer.caller, access_code=access_code, now=clock.now()
        )
    assert not facts.active
