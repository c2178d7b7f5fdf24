"""`settlements`: taking the output of a transaction that settles an order."""

from datetime import datetime

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.domain.settlement import Verified
from app.models import SettledOutput


async def take(
    session: AsyncSession, order_id: str, verified: Verified, now: datetime
) -> int | None:
    """Take the best output that no other order has, in the caller's transaction; return its index.

    None: all are taken. Another transaction that is about to take the same output is waited for.
    """
    for output_index in verified.outputs:
        taken: int | None = await session.scalar(
            insert(SettledOutput)
            .values(
                order_id=order_id,
                txid=verified.txid,
                output_index=output_index,
                confirmations=verified.confirmations,
                at=now,
            )
            .on_conflict_do_nothing(index_elements=["txid", "output_index"])
            .returning(SettledOutput.output_index)
        )
        if taken is not None:
            return taken
    return None
