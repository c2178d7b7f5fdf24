"""New coins settle an order of AEON.to with 100 confirmations, as they pay one in bitcoin.

The version before does not tell new coins from others: its rows say that they are none. It waits
for the hundredth confirmation all the same.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

_NEW_COINS: Final = (
    "ALTER TABLE settlements ADD CONSTRAINT ck_settlements_new_coins"
    " CHECK (NOT is_coinbase OR confirmations >= 100)"
)


def upgrade() -> None:
    op.add_column(
        "settlements",
        sa.Column("is_coinbase", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    op.execute(_NEW_COINS)


def downgrade() -> None:
    op.drop_column("settlements", "is_coinbase")
