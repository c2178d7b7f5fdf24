"""`settlements`: taking the output of a transaction that settles an order."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.orders.models import BitcoinOutput, SettledOutput
from app.orders.rules.settlement import Verified
from app.partners.esplora.outputs import OutputId


async def take(
    session: AsyncSession, order_id: str, verified: Verified, now: datetime
) -> int | None:
    """Take the best output that no other order has, in the caller's transaction; return its index.

    None: all are taken. Another transaction that is about to take the same output is waited for.
    """
    for output_index in await _free(session, verified):
        taken: int | None = await session.scalar(
            insert(SettledOutput)
            .values(
                order_id=order_id,
                txid=verified.txid,
                output_index=output_index,
                confirmations=verified.confirmations,
                is_coinbase=verified.is_coinbase,
                at=now,
            )
            .on_conflict_do_nothing(index_elements=["txid", "output_index"])
            .returning(SettledOutput.output_index)
        )
        if taken is not None:
            return taken
    return None


async def taken_of(session: AsyncSession, outputs: Collection[OutputId]) -> set[OutputId]:
    """Return those of some outputs that settled an order."""
    if not outputs:
        return set()
    which = tuple_(SettledOutput.txid, SettledOutput.output_index)
    rows = await session.execute(
        select(SettledOutput.txid, SettledOutput.output_index).where(which.in_(list(outputs)))
    )
    return {(row.txid, row.output_index) for row in rows}


async def _free(session: AsyncSession, verified: Verified) -> list[int]:
    """Return the outputs that pay no order in bitcoin, the best first."""
    paying = await session.scalars(
        select(BitcoinOutput.output_index).where(
            BitcoinOutput.txid == verified.txid, BitcoinOutput.before_order.is_(False)
        )
    )
    taken = set(paying)
    return [index for index in verified.outputs if index not in taken]
