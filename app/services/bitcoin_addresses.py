"""Giving each order an address of the merchant's wallet that no other has."""

from datetime import datetime

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.bitcoin.wallet import Wallet
from app.models import BitcoinAddress, BitcoinWallet


async def take(session: AsyncSession, wallet: Wallet, order_id: str, now: datetime) -> str:
    """Give an order the next address, in the caller's transaction; return the address.

    The order's own row may come after. Until the transaction ends, no other takes an index of this
    wallet; when it fails, the next one takes this index, so that no address is left out.
    """
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


async def _next_index(session: AsyncSession, wallet: Wallet) -> int:
    first = insert(BitcoinWallet).values(
        id=wallet.wallet_id, descriptor=wallet.descriptor, next_index=1
    )
    following = first.on_conflict_do_update(
        index_elements=["id"], set_={"next_index": BitcoinWallet.next_index + 1}
    )
    taken = await session.execute(following.returning(BitcoinWallet.next_index - 1))
    return taken.scalar_one()
