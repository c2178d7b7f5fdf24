"""Giving each order an address of the merchant's wallet that no other ever has."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import BigInteger, bindparam, func, literal_column, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlalchemy.sql.dml import ReturningInsert

from app.addresses import canonical_bitcoin_address
from app.ledger import audit_log
from app.ledger.actors import Actor
from app.orders.models import BitcoinAddress, BitcoinCheck, BitcoinOutput, BitcoinWallet
from app.orders.wallet.wallet import Wallet
from app.runtime.db.base import AnyRow

# For so long is an address, once checked, as good as unused: nobody was ever shown it.
CHECKED_WITHIN: Final = timedelta(minutes=10)


async def take(
    session: AsyncSession,
    wallet: Wallet,
    order_id: str,
    now: datetime,
    *,
    destination: str | None = None,
) -> str:
    """Give an order an address, in the caller's transaction; return it.

    It is the next of the wallet that was checked to be unused; where none was, the next that is not
    known to be used. Never `destination`, where AEON.to pays. The order's own row may come after.
    Until the transaction ends, no other takes an index of this wallet.
    """
    while True:
        taken = await _next_index(session, wallet, now)
        address = wallet.address(taken.address_index)
        if destination is None or canonical_bitcoin_address(destination) != address:
            break
    await session.execute(
        insert(BitcoinAddress).values(
            order_id=order_id,
            wallet_id=wallet.wallet_id,
            address_index=taken.address_index,
            address=address,
            taken_at=now,
            checked_at=taken.checked_at,
            known_height=taken.known_height,
        )
    )
    return address


async def advance(
    session: AsyncSession, wallet: Wallet, index: int, *, actor: Actor, now: datetime
) -> int:
    """Let the wallet's next address have this index at least; return which it had before.

    Nothing changes when that is `index` or a later one: addresses are never given out again.
    """
    async with session.begin():
        await session.execute(
            insert(BitcoinWallet)
            .values(id=wallet.wallet_id, descriptor=wallet.descriptor, next_index=0)
            .on_conflict_do_nothing()
        )
        before = await session.scalar(
            select(BitcoinWallet.next_index)
            .where(BitcoinWallet.id == wallet.wallet_id)
            .with_for_update()
        )
        before = before or 0
        if before < index:
            await session.execute(
                update(BitcoinWallet)
                .where(BitcoinWallet.id == wallet.wallet_id)
                .values(next_index=index)
            )
            await audit_log.record(
                session,
                actor=actor,
                action=f"bitcoin.advance.{index}",
                subject=wallet.wallet_id,
                at=now,
            )
    return before


async def gap(connection: AsyncConnection, wallet: Wallet) -> int:
    """Count the addresses after the last one that was paid, as a wallet's gap limit does."""
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
    last_used = (
        select(func.max(BitcoinCheck.address_index))
        .where(
            BitcoinCheck.wallet_id == wallet.wallet_id,
            BitcoinCheck.passed_over == "used",
            BitcoinCheck.address_index < BitcoinWallet.next_index,
        )
        .correlate(BitcoinWallet)
        .scalar_subquery()
    )
    unpaid = await connection.scalar(
        select(
            BitcoinWallet.next_index
            - 1
            - func.greatest(func.coalesce(last_paid, -1), func.coalesce(last_used, -1))
        ).where(BitcoinWallet.id == wallet.wallet_id)
    )
    return unpaid or 0


def _take_next_index() -> ReturningInsert[int, int | None, datetime]:
    """Build the statement that takes the next index of the wallet `id`.

    What it says of the wallet is the row that it has locked, as PostgreSQL means the bare name of a
    column: a row that a subquery read for itself would be as old as the statement's snapshot, and
    all who waited for the lock would take one index.
    """
    next_index = literal_column("bitcoin_wallets.next_index", BigInteger)
    of_wallet = BitcoinCheck.wallet_id == bindparam("id")
    ahead = of_wallet & (BitcoinCheck.address_index >= next_index)
    fresh = BitcoinCheck.checked_at >= bindparam("fresh_since")
    checked = (
        select(BitcoinCheck.address_index)
        .where(ahead, BitcoinCheck.passed_over.is_(None))
        .order_by(fresh.desc(), BitcoinCheck.address_index)
        .limit(1)
        .scalar_subquery()
    )
    beyond = select(func.max(BitcoinCheck.address_index) + 1).where(ahead).scalar_subquery()
    first = insert(BitcoinWallet).values(
        id=bindparam("id"), descriptor=bindparam("descriptor"), next_index=1
    )
    index = func.coalesce(checked, beyond, next_index)
    following = first.on_conflict_do_update(index_elements=["id"], set_={"next_index": index + 1})
    taken_index = next_index - 1
    checked_at = (
        select(BitcoinCheck.checked_at)
        .where(of_wallet, BitcoinCheck.address_index == taken_index, fresh)
        .scalar_subquery()
    )
    return following.returning(
        taken_index.label("address_index"),
        BitcoinWallet.known_height,
        checked_at.label("checked_at"),
    )


_TAKE_NEXT_INDEX: Final = _take_next_index()


async def _next_index(session: AsyncSession, wallet: Wallet, now: datetime) -> AnyRow:
    """Take the next index, and say when it was checked, and what height of the chain is known."""
    taken = await session.execute(
        _TAKE_NEXT_INDEX,
        {
            "id": wallet.wallet_id,
            "descriptor": wallet.descriptor,
            "fresh_since": now - CHECKED_WITHIN,
        },
    )
    return taken.one()
