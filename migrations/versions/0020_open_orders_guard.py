"""The database holds the limit of open unpaid orders, too.

The version before leaves `max_open_orders` of an order empty: then only a limit of the account's
own is held. `ix_orders_given_up` served addresses that were given to a second order, which is no
longer done.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

# An access code without a limit of its own shares that of the user who issued it. The row of that
# account is locked, so that two orders at once are counted one after the other.
_LIMIT_OPEN_ORDERS: Final = """
CREATE FUNCTION limit_open_orders() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    limited_id text := COALESCE(
        (SELECT c.issuer_id FROM access_codes c JOIN accounts a ON a.id = c.account_id
            WHERE c.account_id = NEW.buyer_id AND a.max_open_orders IS NULL), NEW.buyer_id);
    most integer;
    open_orders integer;
BEGIN
    SELECT COALESCE(max_open_orders, NEW.max_open_orders, 0) INTO most
        FROM accounts WHERE id = limited_id FOR NO KEY UPDATE;
    IF most = 0 THEN
        RETURN NEW;
    END IF;
    SELECT count(*) INTO open_orders FROM orders o LEFT JOIN payments p ON p.order_id = o.id
        WHERE o.buyer_id IN (
            SELECT limited_id UNION ALL
            SELECT c.account_id FROM access_codes c JOIN accounts a ON a.id = c.account_id
                WHERE c.issuer_id = limited_id AND a.max_open_orders IS NULL)
        AND o.status IN ('TO_BE_CREATED', 'UNPAID', 'UNDERPAID', 'CANCELLED')
        AND (o.status <> 'CANCELLED' OR o.rail = 'bitcoin')
        AND COALESCE(p.expires_at, o.create_by) > NEW.created_at;
    IF open_orders >= most THEN
        RAISE EXCEPTION 'account % has % open unpaid orders, and may have %', limited_id,
            open_orders, most USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$
"""


def upgrade() -> None:
    op.add_column("orders", sa.Column("max_open_orders", sa.Integer(), nullable=True))
    op.create_check_constraint(op.f("ck_orders_max_open_orders"), "orders", "max_open_orders >= 0")
    op.create_index(
        op.f("ix_orders_unpaid"),
        "orders",
        ["buyer_id"],
        postgresql_where=sa.text("status IN ('TO_BE_CREATED', 'UNPAID', 'UNDERPAID', 'CANCELLED')"),
    )
    op.drop_index(op.f("ix_orders_given_up"), "orders")
    op.execute(_LIMIT_OPEN_ORDERS)
    op.execute(
        "CREATE TRIGGER limit_open_orders BEFORE INSERT ON orders"
        " FOR EACH ROW EXECUTE FUNCTION limit_open_orders()"
    )
    op.execute("ALTER TABLE orders ENABLE ALWAYS TRIGGER limit_open_orders")


def downgrade() -> None:
    op.execute("DROP TRIGGER limit_open_orders ON orders")
    op.execute("DROP FUNCTION limit_open_orders()")
    op.create_index(
        op.f("ix_orders_given_up"),
        "orders",
        ["status_since"],
        postgresql_where=sa.text(
            "rail = 'bitcoin' AND status = 'TIMED_OUT' AND next_look_at IS NOT NULL"
        ),
    )
    op.drop_index(op.f("ix_orders_unpaid"), "orders")
    op.drop_constraint(op.f("ck_orders_max_open_orders"), "orders")
    op.drop_column("orders", "max_open_orders")
