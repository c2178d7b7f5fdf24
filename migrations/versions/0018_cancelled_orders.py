"""A status of orders that were cancelled before anybody paid them.

The previous version of the program works on, and cannot read an order in this status: let nobody
cancel before every process runs this version.
"""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_STATES = (
    "'TO_BE_CREATED', 'UNPAID', 'UNDERPAID', 'PAID_UNCONFIRMED', 'PAID', 'BTC_SENT', 'TIMED_OUT',"
    " 'NOT_FOUND', 'FAILED'"
)
_OVER = "'BTC_SENT', 'FAILED', 'TIMED_OUT', 'NOT_FOUND'"


def _allow(more: str) -> None:
    op.drop_constraint(op.f("ck_orders_status"), "orders")
    op.create_check_constraint(op.f("ck_orders_status"), "orders", f"status IN ({_STATES}{more})")
    op.drop_constraint(op.f("ck_orders_open_is_due"), "orders")
    op.create_check_constraint(
        op.f("ck_orders_open_is_due"),
        "orders",
        f"next_look_at IS NOT NULL OR status IN ({_OVER}{more})",
    )


def upgrade() -> None:
    _allow(", 'CANCELLED'")


def downgrade() -> None:
    _allow("")
