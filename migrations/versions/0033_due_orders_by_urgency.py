"""Indexes by which a claim finds the order that is due first, of each rail and urgency.

By its due time alone, all that was due was read and sorted for each claim.
"""

from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

_URGENCY = "ck_orders_look_urgency"


def upgrade() -> None:
    """Index what is due by rail and urgency, what is to be created by urgency; name the urgencies."""
    op.create_index(
        "ix_orders_due",
        "orders",
        ["rail", "look_urgency", "next_look_at", "id"],
        postgresql_where="next_look_at IS NOT NULL",
    )
    op.create_index(
        "ix_orders_to_be_created",
        "orders",
        ["look_urgency", "next_look_at", "id"],
        postgresql_where="status = 'TO_BE_CREATED' AND next_look_at IS NOT NULL",
    )
    op.drop_index("ix_orders_next_look_at", "orders")
    op.drop_constraint(op.f(_URGENCY), "orders")
    op.create_check_constraint(op.f(_URGENCY), "orders", "look_urgency IN (1, 4, 8, 16, 32)")


def downgrade() -> None:
    """Index what is due by its time alone."""
    op.drop_constraint(op.f(_URGENCY), "orders")
    op.create_check_constraint(op.f(_URGENCY), "orders", "look_urgency > 0")
    op.create_index(
        "ix_orders_next_look_at",
        "orders",
        ["next_look_at"],
        postgresql_where="next_look_at IS NOT NULL",
    )
    op.drop_index("ix_orders_to_be_created", "orders")
    op.drop_index("ix_orders_due", "orders")
