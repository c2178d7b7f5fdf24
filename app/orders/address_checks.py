"""Which addresses of the wallet come next, and what the chain showed there before any order.

A loop keeps a few of them checked, so that an order, which waits for nobody, gets one where nothing
lies. One that was used before is passed over for ever, and reported.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.addresses import canonical_bitcoin_address
from app.orders.models import BitcoinAddress, BitcoinCheck, BitcoinWallet, Order
from app.orders.rules.rails import Rail
from app.orders.wallet.wallet import MAX_INDEX, Wallet
from app.partners.esplora.outputs import ReceivedOutput
from app.runtime.money import SATOSHI

# So many are kept ready: more orders at once than this get one that was not checked.
KEPT_READY: Final = 5
# The next one is looked at often: what comes between its last check and its order looks like the
# buyer's. Those behind it are looked at again before they count as unchecked.
NEXT_EVERY: Final = timedelta(seconds=15)
OTHERS_EVERY: Final = timedelta(minutes=5)


async def due(
    connection: AsyncConnection, wallet: Wallet, now: datetime, *, quarantined: Collection[int] = ()
) -> int | None:
    """Return the index that is to be checked now; None when there is none, but those in quarantine."""
    next_index = await connection.scalar(
        select(BitcoinWallet.next_index).where(BitcoinWallet.id == wallet.wallet_id)
    )
    next_index = next_index or 0
    rows = await connection.execute(
        select(BitcoinCheck.address_index, BitcoinCheck.checked_at, BitcoinCheck.passed_over).where(
            BitcoinCheck.wallet_id == wallet.wallet_id, BitcoinCheck.address_index >= next_index
        )
    )
    known = {row.address_index: row for row in rows}
    ready = 0
    index = next_index
    while ready < KEPT_READY and index <= MAX_INDEX:
        row = known.get(index)
        if row is None or row.passed_over is None:
            every = OTHERS_EVERY if ready else NEXT_EVERY
            if index not in quarantined and (row is None or row.checked_at <= now - every):
                return index
            ready += 1
        index += 1
    return None


async def keep(
    session: AsyncSession,
    wallet: Wallet,
    index: int,
    arrivals: Sequence[ReceivedOutput],
    *,
    tip_height: int,
    destination: str,
    now: datetime,
) -> str | None:
    """Keep what the chain showed at an index; say why no order gets it, if that was not known.

    None, too, where an order took the address meanwhile.
    """
    address = wallet.address(index)
    async with session.begin():
        await session.execute(
            insert(BitcoinWallet)
            .values(id=wallet.wallet_id, descriptor=wallet.descriptor, next_index=0)
            .on_conflict_do_nothing(index_elements=["id"])
        )
        passed_over = "used" if arrivals else None
        if passed_over is None and await _is_destination(session, address, destination):
            passed_over = "destination"
        said: dict[str, Any] = {
            "checked_at": now,
            "passed_over": passed_over,
            "received_btc": sum((one.value_satoshi for one in arrivals), 0) * SATOSHI,
            "outputs": [_shown(one) for one in arrivals] or None,
        }
        kept = (
            insert(BitcoinCheck)
            .values(wallet_id=wallet.wallet_id, address_index=index, address=address, **said)
            .on_conflict_do_update(
                index_elements=["wallet_id", "address_index"],
                set_=said,
                where=BitcoinCheck.passed_over.is_(None),
            )
            .returning(BitcoinCheck.passed_over)
        )
        found: str | None = await session.scalar(kept)
        # Last, for it holds up whoever places an order.
        next_index = await session.scalar(
            update(BitcoinWallet)
            .where(BitcoinWallet.id == wallet.wallet_id)
            .values(known_height=tip_height)
            .returning(BitcoinWallet.next_index)
        )
    # What came while an order took the address is judged when that order is looked at.
    return found if index >= (next_index or 0) else None


async def passed_over(connection: AsyncConnection) -> Sequence[dict[str, Any]]:
    """Return the addresses of all wallets that no order gets, why, and what lay there."""
    given = select(BitcoinAddress.order_id).where(
        BitcoinAddress.wallet_id == BitcoinCheck.wallet_id,
        BitcoinAddress.address_index == BitcoinCheck.address_index,
    )
    rows = await connection.execute(
        select(
            BitcoinCheck.wallet_id.label("wallet"),
            BitcoinCheck.address_index.label("index"),
            BitcoinCheck.address,
            BitcoinCheck.passed_over.label("reason"),
            BitcoinCheck.received_btc,
            BitcoinCheck.checked_at.label("found_at"),
            BitcoinCheck.outputs,
        )
        # An order may have taken the address while it was checked: what came is then the order's.
        .where(BitcoinCheck.passed_over.is_not(None), ~given.exists())
        .order_by(BitcoinCheck.wallet_id, BitcoinCheck.address_index)
    )
    return [{**row._mapping, "outputs": row.outputs or []} for row in rows]


async def _is_destination(session: AsyncSession, address: str, destination: str) -> bool:
    """Say whether AEON.to pays there: for orders to come, or for one that it may still pay."""
    if canonical_bitcoin_address(destination) == address:
        return True
    paid_there = select(Order.id).where(
        Order.next_look_at.is_not(None),
        Order.rail == Rail.AEONTO,
        func.lower(Order.btc_dest_address) == address,
    )
    return await session.scalar(paid_there.limit(1)) is not None


def _shown(arrival: ReceivedOutput) -> dict[str, Any]:
    value_btc: Decimal = arrival.value_satoshi * SATOSHI
    return {
        "txid": arrival.txid,
        "output_index": arrival.output_index,
        "value_btc": f"{value_btc:f}",
        "block_height": arrival.block_height,
    }
