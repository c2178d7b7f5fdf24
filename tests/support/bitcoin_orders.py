"""Orders in bitcoin for tests of the services: the test says what the chain shows at the address."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final, Self

from sqlalchemy import select, text
from typing_extensions import override

from app.orders.leases import PollTask
from app.orders.models import BitcoinOutput, Payment
from app.orders.pricing import BitcoinTerms, Terms
from app.orders.rules.facts import BitcoinObservation
from app.orders.rules.rails import Rail
from app.orders.transitions import ApplyResult
from app.orders.wallet.wallet import Wallet
from app.partners.esplora.outputs import ReceivedOutput
from app.runtime.db.engine import Database
from tests.orders.wallet.keys import BIP84_ZPUB
from tests.support import orders
from tests.support.clock import HandClock
from tests.support.orders import OneOrder, apply_observed
from tests.support.people import Person

PRICE_SATOSHI: Final = 50_000
DUE_SATOSHI: Final = 10 * PRICE_SATOSHI
BITCOIN: Final = BitcoinTerms(
    wallet=Wallet.from_text(BIP84_ZPUB),
    confirmations=2,
    unconfirmed_up_to_btc=Decimal(0),
    one_confirmation_up_to_btc=Decimal(0),
    payment_window=timedelta(hours=1),
    late_grace=timedelta(hours=1),
    excess_to_credits=False,
)
TERMS: Final = replace(orders.TERMS, bitcoin=BITCOIN)
EXCESS: Final = replace(TERMS, bitcoin=replace(BITCOIN, excess_to_credits=True))


def priced(price_btc: Decimal) -> Terms:
    """Return terms that sell a credit for so much today."""
    return replace(TERMS, credit_price_btc=price_btc)


def output(
    satoshi: int = DUE_SATOSHI,
    confirmations: int = 2,
    *,
    number: int = 1,
    **facts: Any,  # noqa: ANN401  any field
) -> ReceivedOutput:
    """Return an output of a transaction of its own, told from others by its number."""
    usual = ReceivedOutput(
        txid=f"{number:064x}",
        output_index=0,
        value_satoshi=satoshi,
        confirmations=confirmations,
        replaceable=False,
        block_time=None,
        seen_by_all=True,
    )
    return replace(usual, **facts)


async def check_as_a_commit_does(database: Database) -> None:
    """Let the database check now what it checks at the end of a transaction."""
    async with database.sessions() as session, session.begin():
        await session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
        await session.execute(text("SET CONSTRAINTS ALL DEFERRED"))


class BitcoinOrder(OneOrder):
    """One order of ten credits in bitcoin and a clock; the test says what the chain shows."""

    rail = Rail.BITCOIN

    @override
    @classmethod
    async def place(cls, database: Database, clock: HandClock, buyer: Person, **given: Any) -> Self:
        """Place an order; it has an address at once."""
        return await super().place(database, clock, buyer, **{"terms": TERMS, **given})

    async def shown(self, *arrivals: ReceivedOutput, terms: Terms = TERMS) -> ApplyResult:
        """Look at the order when it is due, and let the chain show this."""
        return await self.apply_shown(await self.claim_poll(), arrivals, terms=terms)

    async def apply_shown(
        self, job: PollTask, arrivals: Sequence[ReceivedOutput], *, terms: Terms = TERMS
    ) -> ApplyResult:
        """Apply what the chain shows under the lease of a job."""
        async with self.database.sessions() as session:
            applied = await apply_observed(
                session, job, BitcoinObservation(arrivals), self.clock.now(), terms
            )
        await check_as_a_commit_does(self.database)
        return applied

    async def payment(self) -> Payment:
        """Read what is known of the payment."""
        async with self.database.sessions() as session, session.begin():
            return await session.get_one(Payment, self.id)

    async def outputs(self) -> list[tuple[str, datetime | None]]:
        """Return what arrived, in the order of the ids: each output, and when it was gone."""
        query = select(BitcoinOutput).where(BitcoinOutput.order_id == self.id)
        async with self.database.sessions() as session, session.begin():
            found = await session.scalars(query.order_by(BitcoinOutput.txid))
            return [(one.txid, one.gone_at) for one in found]
