"""`bitcoin_wallets`, `bitcoin_addresses`, `bitcoin_checks`: what was given out, and what comes next."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Numeric
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.runtime.db.base import Base


class BitcoinWallet(Base):
    """A wallet that the settings have named, and the first index that nobody was given.

    `known_height` is that of the chain, when an address was last checked.
    """

    __tablename__ = "bitcoin_wallets"
    __table_args__ = (
        CheckConstraint("id ~ '^[0-9a-f]{16}$'", name="id"),
        # The last index is 2^31 - 1; after it comes none.
        CheckConstraint("next_index BETWEEN 0 AND 2147483648", name="next_index"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    descriptor: Mapped[str]
    next_index: Mapped[int] = mapped_column(BigInteger)
    known_height: Mapped[int | None]


class BitcoinAddress(Base):
    """An address, and the order that it was given to, for ever; the row never changes.

    It is written before that of its order, and by the end of the transaction there are both.
    `checked_at` is when nothing had arrived there, `known_height` that of the chain when it was
    given. `released_at` is of an earlier version, which gave an address that nobody paid to another
    order after half a year.
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
        Index(
            "ix_bitcoin_addresses_released",
            "address",
            postgresql_where="released_at IS NOT NULL",
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
    checked_at: Mapped[datetime | None]
    known_height: Mapped[int | None]


class BitcoinCheck(Base):
    """What the chain showed at an index of the wallet that no order has.

    `passed_over` says why no order ever gets it: money or a history lies there (`used`), or AEON.to
    pays there (`destination`).
    """

    __tablename__ = "bitcoin_checks"
    __table_args__ = (
        CheckConstraint("address_index BETWEEN 0 AND 2147483647", name="address_index"),
        CheckConstraint("passed_over IN ('used', 'destination')", name="passed_over"),
    )

    wallet_id: Mapped[str] = mapped_column(ForeignKey("bitcoin_wallets.id"), primary_key=True)
    address_index: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    address: Mapped[str]
    checked_at: Mapped[datetime]
    passed_over: Mapped[str | None]
    received_btc: Mapped[Decimal] = mapped_column(Numeric(20, 8), server_default="0")
    outputs: Mapped[list[dict[str, Any]] | None] = mapped_column(JSONB(none_as_null=True))
