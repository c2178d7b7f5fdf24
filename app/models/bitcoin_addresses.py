"""`bitcoin_wallets`, `bitcoin_addresses`: which addresses of the merchant's wallet were given out."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base


class BitcoinWallet(Base):
    """A wallet that the settings have named, and the first index that nobody was given."""

    __tablename__ = "bitcoin_wallets"
    __table_args__ = (
        CheckConstraint("id ~ '^[0-9a-f]{16}$'", name="id"),
        # The last index is 2^31 - 1; after it comes none.
        CheckConstraint("next_index BETWEEN 0 AND 2147483648", name="next_index"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    descriptor: Mapped[str]
    next_index: Mapped[int] = mapped_column(BigInteger)


class BitcoinAddress(Base):
    """An address, and the order that it was given to; `released_at` once another may have it.

    The row is written before that of its order, and by the end of the transaction there are both.
    """

    __tablename__ = "bitcoin_addresses"
    __table_args__ = (
        CheckConstraint("address_index BETWEEN 0 AND 2147483647", name="address_index"),
        CheckConstraint("released_at > taken_at", name="released_at"),
        Index(
            "uq_bitcoin_addresses_wallet_id_address_index",
            "wallet_id",
            "address_index",
            unique=True,
            postgresql_where="released_at IS NULL",
        ),
        Index(
            "uq_bitcoin_addresses_address",
            "address",
            unique=True,
            postgresql_where="released_at IS NULL",
        ),
    )

    order_id: Mapped[str] = mapped_column(
        ForeignKey("orders.id", deferrable=True, initially="DEFERRED"), primary_key=True
    )
    wallet_id: Mapped[str] = mapped_column(ForeignKey("bitcoin_wallets.id"))
    address_index: Mapped[int] = mapped_column(BigInteger)
    address: Mapped[str]
    taken_at: Mapped[datetime]
    released_at: Mapped[datetime | None]
