"""Addresses of the merchant's wallet, and the orders that they were given to.

The previous version of the program knows nothing of the tables and works beside them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "bitcoin_wallets",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("descriptor", sa.Text(), nullable=False),
        sa.Column("next_index", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id ~ '^[0-9a-f]{16}$'", name=op.f("ck_bitcoin_wallets_id")),
        sa.CheckConstraint(
            "next_index BETWEEN 0 AND 2147483648", name=op.f("ck_bitcoin_wallets_next_index")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bitcoin_wallets")),
    )
    op.create_table(
        "bitcoin_addresses",
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("wallet_id", sa.Text(), nullable=False),
        sa.Column("address_index", sa.BigInteger(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "address_index BETWEEN 0 AND 2147483647",
            name=op.f("ck_bitcoin_addresses_address_index"),
        ),
        sa.CheckConstraint("released_at > taken_at", name=op.f("ck_bitcoin_addresses_released_at")),
        sa.ForeignKeyConstraint(
            ["order_id"],
            ["orders.id"],
            name=op.f("fk_bitcoin_addresses_order_id_orders"),
            deferrable=True,
            initially="DEFERRED",
        ),
        sa.ForeignKeyConstraint(
            ["wallet_id"],
            ["bitcoin_wallets.id"],
            name=op.f("fk_bitcoin_addresses_wallet_id_bitcoin_wallets"),
        ),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_bitcoin_addresses")),
    )
    for name, columns in (
        ("uq_bitcoin_addresses_wallet_id_address_index", ["wallet_id", "address_index"]),
        ("uq_bitcoin_addresses_address", ["address"]),
    ):
        op.create_index(
            name,
            "bitcoin_addresses",
            columns,
            unique=True,
            postgresql_where=sa.text("released_at IS NULL"),
        )
    op.create_index(
        "ix_orders_given_up",
        "orders",
        ["status_since"],
        postgresql_where=sa.text(
            "rail = 'bitcoin' AND status = 'TIMED_OUT' AND next_look_at IS NOT NULL"
        ),
    )


def downgrade() -> None:
    op.drop_index("ix_orders_given_up", "orders")
    op.drop_table("bitcoin_addresses")
    op.drop_table("bitcoin_wallets")
