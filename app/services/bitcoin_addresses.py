"""Giving each order an address of the merchant's wallet that no other has."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.bitcoin.wallet import Wallet
from app.domain.rails import Rail
from app.domain.states import OrderStatus
from app.models import BitcoinAddress, BitcoinOutput, BitcoinWallet, Order, Payment
from app.services import leases

# When nobody can be expected to pay an order any more. Its address is then given to another, unless
# anything ever arrived there, or nobody has looked lately.
REUSED_AFTER: Final = timedelta(days=180)
SEEN_WITHIN: Final = timedelta(days=8)


async def take(session: AsyncSession, wallet: Wallet, order_id: str, now: datetime) -> str:
    """Give an order an address, in the caller's transaction; return it.

    It is one that nobody has paid for half a year after its order timed out, else the next of the
    wallet. The order's own row may come after. Until the transaction ends, no other takes the next
    index of this wallet; when it fails, the next one takes this index: no address is left out.
    """
    index = await _given_up(session, wallet, now)
    if index is None:
        index = await _next_index(session, wallet)
    address = wallet.address(index)
    await session.execute(
        insert(BitcoinAddress).values(
            order_id=order_id,
            wallet_id=wallet.wallet_id,
            address_index=index,
            address=address,
            taken_at=now,
        )
    )
    return address


async def gap(connection: AsyncConnection, wallet: Wallet) -> int:
    """Count the addresses that were given out after the last one that was paid."""
    received = (
        select(BitcoinOutput.order_id)
        .where(BitcoinOutput.order_id == BitcoinAddress.order_id, BitcoinOutput.gone_at.is_(None))
        .exists()
    )
    last_paid = (
        select(BitcoinAddress.address_index)
        .where(
            BitcoinAddress.wallet_id == wallet.wallet_id,
            BitcoinAddress.released_at.is_(None),
            received,
        )
        .order_by(BitcoinAddress.address_index.desc())
        .limit(1)
        .scalar_subquery()
    )
    unpaid = await connection.scalar(
        select(BitcoinWallet.next_index - 1 - func.coalesce(last_paid, -1)).where(
            BitcoinWallet.id == wallet.wallet_id
        )
    )
    return unpaid or 0


async def _given_up(session: AsyncSession, wallet: Wallet, now: datetime) -> int | None:
    """Take the address of the order that was given up longest ago; return its index, if any.

    The old order is not looked at any more, and one that a replica works on is left alone.
    """
    anything_arrived = (
        select(BitcoinOutput.order_id).where(BitcoinOutput.order_id == Order.id).exists()
    )
    found = await session.execute(
        select(Order.id, BitcoinAddress.address_index)
        .join(BitcoinAddress, BitcoinAddress.order_id == Order.id)
        .join(Payment, Payment.order_id == Order.id)
        .where(
            Order.rail == Rail.BITCOIN,
            Order.status == OrderStatus.TIMED_OUT,
            Order.status_since < now - REUSED_AFTER,
            # Said of the locked row, it holds also when another took the address meanwhile.
            Order.next_look_at.is_not(None),
            leases.is_free(Order.lease_until),
            Payment.seen_at > now - SEEN_WITHIN,
            BitcoinAddress.wallet_id == wallet.wallet_id,
            BitcoinAddress.released_at.is_(None),
            ~anything_arrived,
        )
        .order_by(Order.status_since)
        .limit(1)
        .with_for_update(skip_locked=True, of=Order)
    )
    given_up = found.one_or_none()
    if given_up is None:
        return None
    await session.execute(
        update(Order)
        .where(Order.id == given_up.id)
        .values(next_look_at=None, lease_token=None, lease_until=None)
    )
    await session.execute(
        update(BitcoinAddress).where(BitcoinAddress.order_id == given_up.id).values(released_at=now)
    )
    return int(given_up.address_index)


async def _next_index(session: AsyncSession, wallet: Wallet) -> int:
    first = insert(BitcoinWallet).values(
        id=wallet.wallet_id, descriptor=wallet.descriptor, next_index=1
    )
    following = first.on_conflict_do_update(
        index_elements=["id"], set_={"next_index": BitcoinWallet.next_index + 1}
    )
    taken = await session.execute(following.returning(BitcoinWallet.next_index - 1))
    return taken.scalar_one()
