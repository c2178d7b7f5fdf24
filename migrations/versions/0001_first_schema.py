"""The first schema: accounts, orders, payments, the ledger, assessments, the audit log."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:

    op.create_table(
        "accounts",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("balance", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('user', 'access_code')", name=op.f("ck_accounts_kind")),
        sa.CheckConstraint("status IN ('active', 'inactive')", name=op.f("ck_accounts_status")),
        sa.CheckConstraint("balance BETWEEN 0 AND 1000000000000", name=op.f("ck_accounts_balance")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
        sa.UniqueConstraint("id", "kind", name=op.f("uq_accounts_id_kind")),
    )
    op.create_table(
        "aeonto_parameters",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("price_btc", sa.Numeric(), nullable=False),
        sa.Column("lower_limit_btc", sa.Numeric(), nullable=False),
        sa.Column("upper_limit_btc", sa.Numeric(), nullable=False),
        sa.Column("zero_conf_enabled", sa.Boolean(), nullable=False),
        sa.Column("zero_conf_max_amount_btc", sa.Numeric(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_aeonto_parameters_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_aeonto_parameters")),
    )
    op.create_table(
        "upstream_limits",
        sa.Column("bucket", sa.Text(), nullable=False),
        sa.Column("slots", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("paused_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("probing", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("bucket", name=op.f("pk_upstream_limits")),
    )
    op.create_table(
        "api_keys",
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_api_keys_account_id")
        ),
        sa.PrimaryKeyConstraint("prefix", name=op.f("pk_api_keys")),
    )
    op.create_index(op.f("ix_api_keys_account_id"), "api_keys", ["account_id"], unique=False)
    op.create_table(
        "assessments",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("assessment_type", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("tx_hash", sa.Text(), nullable=True),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_token", sa.Text(), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answer", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("failure_reason", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(assessment_type = 'transaction') = (tx_hash IS NOT NULL)",
            name=op.f("ck_assessments_tx_hash"),
        ),
        sa.CheckConstraint(
            "(status = 'failed') = (failure_reason IS NOT NULL)",
            name=op.f("ck_assessments_failure"),
        ),
        sa.CheckConstraint(
            "(status = 'pending') = (next_try_at IS NOT NULL)",
            name=op.f("ck_assessments_pending_is_due"),
        ),
        sa.CheckConstraint(
            "(status = 'ready') = (answer IS NOT NULL)", name=op.f("ck_assessments_answer")
        ),
        sa.CheckConstraint(
            "assessment_type IN ('address', 'transaction')",
            name=op.f("ck_assessments_assessment_type"),
        ),
        sa.CheckConstraint(
            "status IN ('pending', 'ready', 'failed')", name=op.f("ck_assessments_status")
        ),
        sa.CheckConstraint(
            "(lease_token IS NULL) = (lease_until IS NULL)", name=op.f("ck_assessments_lease")
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_assessments_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assessments")),
        sa.UniqueConstraint("id", "account_id", name=op.f("uq_assessments_id_account_id")),
    )
    op.create_index(
        "ix_assessments_account_id_created_at_id",
        "assessments",
        ["account_id", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_assessments_next_try_at",
        "assessments",
        ["next_try_at"],
        unique=False,
        postgresql_where="next_try_at IS NOT NULL",
    )
    op.create_table(
        "orders",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("buyer_id", sa.Text(), nullable=False),
        sa.Column("beneficiary_id", sa.Text(), nullable=False),
        sa.Column("number_of_credits", sa.BigInteger(), nullable=False),
        sa.Column("payment_coin", sa.Text(), nullable=False),
        sa.Column("payment_network", sa.Text(), nullable=False),
        sa.Column("rail", sa.Text(), nullable=False),
        sa.Column("price_btc", sa.Numeric(precision=20, scale=8), nullable=False),
        sa.Column("btc_amount", sa.Numeric(precision=20, scale=8), nullable=False),
        sa.Column("btc_dest_address", sa.Text(), nullable=False),
        sa.Column("granting_status", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("status_since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("failure_reason", sa.Text(), nullable=True),
        sa.Column("create_by", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_look_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_token", sa.Text(), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sighting_status", sa.Text(), nullable=True),
        sa.Column("sighting_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("sighting_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("credits_granted", sa.BigInteger(), nullable=True),
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(granted_at IS NOT NULL) = (status = 'BTC_SENT' OR (status = 'PAID' AND granting_status = 'PAID'))",
            name=op.f("ck_orders_granted_in_granting_state"),
        ),
        sa.CheckConstraint(
            "(status = 'FAILED') = (failure_reason IS NOT NULL)", name=op.f("ck_orders_failure")
        ),
        sa.CheckConstraint(
            "granting_status IN ('PAID', 'BTC_SENT')", name=op.f("ck_orders_granting_status")
        ),
        sa.CheckConstraint(
            "next_look_at IS NOT NULL OR status IN ('BTC_SENT', 'FAILED', 'TIMED_OUT', 'NOT_FOUND')",
            name=op.f("ck_orders_open_is_due"),
        ),
        sa.CheckConstraint(
            "status IN ('TO_BE_CREATED', 'UNPAID', 'UNDERPAID', 'PAID_UNCONFIRMED', 'PAID', 'BTC_SENT', 'TIMED_OUT', 'NOT_FOUND', 'FAILED')",
            name=op.f("ck_orders_status"),
        ),
        sa.CheckConstraint(
            "(granted_at IS NULL) = (credits_granted IS NULL) AND (granted_at IS NULL OR granted_at >= created_at)",
            name=op.f("ck_orders_grant"),
        ),
        sa.CheckConstraint(
            "(lease_token IS NULL) = (lease_until IS NULL)", name=op.f("ck_orders_lease")
        ),
        sa.CheckConstraint(
            "btc_amount = number_of_credits * price_btc", name=op.f("ck_orders_btc_amount")
        ),
        sa.CheckConstraint(
            "credits_granted = number_of_credits", name=op.f("ck_orders_credits_granted")
        ),
        sa.CheckConstraint("number_of_credits > 0", name=op.f("ck_orders_number_of_credits")),
        sa.CheckConstraint("price_btc > 0", name=op.f("ck_orders_price_btc")),
        sa.ForeignKeyConstraint(
            ["beneficiary_id"], ["accounts.id"], name=op.f("fk_orders_beneficiary_id")
        ),
        sa.ForeignKeyConstraint(["buyer_id"], ["accounts.id"], name=op.f("fk_orders_buyer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
        sa.UniqueConstraint("id", "beneficiary_id", name=op.f("uq_orders_id_beneficiary_id")),
    )
    op.create_index(
        "ix_orders_beneficiary_id_created_at_id",
        "orders",
        ["beneficiary_id", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_orders_buyer_id_created_at_id", "orders", ["buyer_id", "created_at", "id"], unique=False
    )
    op.create_index(
        "ix_orders_next_look_at",
        "orders",
        ["next_look_at"],
        unique=False,
        postgresql_where="next_look_at IS NOT NULL",
    )
    op.create_table(
        "users",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), sa.Computed("'user'", persisted=True), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("affiliate_code", sa.Text(), nullable=False),
        sa.CheckConstraint("email = lower(email)", name=op.f("ck_users_email_lower")),
        sa.ForeignKeyConstraint(
            ["account_id", "kind"],
            ["accounts.id", "accounts.kind"],
            name=op.f("fk_users_account_id_kind"),
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_users")),
        sa.UniqueConstraint("affiliate_code", name=op.f("uq_users_affiliate_code")),
        sa.UniqueConstraint("email", name=op.f("uq_users_email")),
    )
    op.create_table(
        "access_codes",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), sa.Computed("'access_code'", persisted=True), nullable=False),
        sa.Column("access_code", sa.Text(), nullable=False),
        sa.Column("issuer_id", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "access_code ~ '^[A-Za-z0-9]{16}$'", name=op.f("ck_access_codes_access_code")
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "kind"],
            ["accounts.id", "accounts.kind"],
            name=op.f("fk_access_codes_account_id_kind"),
        ),
        sa.ForeignKeyConstraint(
            ["issuer_id"], ["users.account_id"], name=op.f("fk_access_codes_issuer_id")
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_access_codes")),
        sa.UniqueConstraint("access_code", name=op.f("uq_access_codes_access_code")),
    )
    op.create_index(op.f("ix_access_codes_issuer_id"), "access_codes", ["issuer_id"], unique=False)
    op.create_table(
        "ledger_entries",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("balance_after", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=True),
        sa.Column("assessment_id", sa.Text(), nullable=True),
        sa.Column("transfer_id", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(kind = 'adjustment') = (reason IS NOT NULL)", name=op.f("ck_ledger_entries_reason")
        ),
        sa.CheckConstraint(
            "(kind = 'purchase') = (order_id IS NOT NULL)", name=op.f("ck_ledger_entries_order")
        ),
        sa.CheckConstraint(
            "(kind = 'transfer') = (transfer_id IS NOT NULL)",
            name=op.f("ck_ledger_entries_transfer"),
        ),
        sa.CheckConstraint(
            "(kind IN ('assessment', 'refund')) = (assessment_id IS NOT NULL)",
            name=op.f("ck_ledger_entries_assessment"),
        ),
        sa.CheckConstraint(
            "CASE kind WHEN 'purchase' THEN amount > 0 WHEN 'assessment' THEN amount = -1 WHEN 'refund' THEN amount = 1 ELSE amount <> 0 END",
            name=op.f("ck_ledger_entries_amount"),
        ),
        sa.CheckConstraint(
            "kind IN ('purchase', 'assessment', 'refund', 'transfer', 'adjustment')",
            name=op.f("ck_ledger_entries_kind"),
        ),
        sa.CheckConstraint("balance_after >= 0", name=op.f("ck_ledger_entries_balance_after")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_ledger_entries_account_id")
        ),
        sa.ForeignKeyConstraint(
            ["assessment_id", "account_id"],
            ["assessments.id", "assessments.account_id"],
            name=op.f("fk_ledger_entries_assessment_id_account_id"),
        ),
        sa.ForeignKeyConstraint(
            ["order_id", "account_id"],
            ["orders.id", "orders.beneficiary_id"],
            name=op.f("fk_ledger_entries_order_id_account_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_entries")),
        sa.UniqueConstraint(
            "transfer_id", "account_id", name=op.f("uq_ledger_entries_transfer_id_account_id")
        ),
    )
    op.create_index(
        "ix_ledger_entries_account_id_id", "ledger_entries", ["account_id", "id"], unique=False
    )
    op.create_index(
        "uq_ledger_entries_assessment_id_kind",
        "ledger_entries",
        ["assessment_id", "kind"],
        unique=True,
        postgresql_where="assessment_id IS NOT NULL",
    )
    op.create_index(
        "uq_ledger_entries_purchase",
        "ledger_entries",
        ["order_id"],
        unique=True,
        postgresql_where="kind = 'purchase'",
    )
    op.create_table(
        "order_events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("from_status", sa.Text(), nullable=True),
        sa.Column("to_status", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("evidence", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.CheckConstraint(
            "kind IN ('moved', 'refused', 'alarm')", name=op.f("ck_order_events_kind")
        ),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_order_events_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_events")),
    )
    op.create_index("ix_order_events_order_id_id", "order_events", ["order_id", "id"], unique=False)
    op.create_table(
        "payments",
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("uuid", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("btc_amount", sa.Numeric(precision=20, scale=8), nullable=False),
        sa.Column("btc_dest_address", sa.Text(), nullable=False),
        sa.Column("receiving_address", sa.Text(), nullable=True),
        sa.Column("receiving_integrated_address", sa.Text(), nullable=True),
        sa.Column("required_payment_id_long", sa.Text(), nullable=True),
        sa.Column("required_payment_id_short", sa.Text(), nullable=True),
        sa.Column("incoming_amount_total", sa.Numeric(), nullable=True),
        sa.Column("remaining_amount_incoming", sa.Numeric(), nullable=True),
        sa.Column("incoming_price_btc", sa.Numeric(), nullable=True),
        sa.Column("incoming_num_confirmations_remaining", sa.Integer(), nullable=True),
        sa.Column("recommended_mixin", sa.Integer(), nullable=True),
        sa.Column("btc_num_confirmations", sa.Integer(), nullable=True),
        sa.Column("btc_num_confirmations_before_purge", sa.Integer(), nullable=True),
        sa.Column("btc_transaction_id", sa.Text(), nullable=True),
        sa.Column("upstream_created_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_payments_order_id")),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_payments")),
        sa.UniqueConstraint("uuid", name=op.f("uq_payments_uuid")),
    )
    op.create_table(
        "sessions",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.account_id"], name=op.f("fk_sessions_user_id")
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_sessions")),
    )
    op.create_index(op.f("ix_sessions_user_id"), "sessions", ["user_id"], unique=False)
    op.create_table(
        "audit_log",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("ledger_entry_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["ledger_entry_id"], ["ledger_entries.id"], name=op.f("fk_audit_log_ledger_entry_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_log")),
        sa.UniqueConstraint("ledger_entry_id", name=op.f("uq_audit_log_ledger_entry_id")),
    )


def downgrade() -> None:

    op.drop_table("audit_log")
    op.drop_index(op.f("ix_sessions_user_id"), table_name="sessions")
    op.drop_table("sessions")
    op.drop_table("payments")
    op.drop_index("ix_order_events_order_id_id", table_name="order_events")
    op.drop_table("order_events")
    op.drop_index(
        "uq_ledger_entries_purchase",
        table_name="ledger_entries",
        postgresql_where="kind = 'purchase'",
    )
    op.drop_index(
        "uq_ledger_entries_assessment_id_kind",
        table_name="ledger_entries",
        postgresql_where="assessment_id IS NOT NULL",
    )
    op.drop_index("ix_ledger_entries_account_id_id", table_name="ledger_entries")
    op.drop_table("ledger_entries")
    op.drop_index(op.f("ix_access_codes_issuer_id"), table_name="access_codes")
    op.drop_table("access_codes")
    op.drop_table("users")
    op.drop_index(
        "ix_orders_next_look_at", table_name="orders", postgresql_where="next_look_at IS NOT NULL"
    )
    op.drop_index("ix_orders_buyer_id_created_at_id", table_name="orders")
    op.drop_index("ix_orders_beneficiary_id_created_at_id", table_name="orders")
    op.drop_table("orders")
    op.drop_index(
        "ix_assessments_next_try_at",
        table_name="assessments",
        postgresql_where="next_try_at IS NOT NULL",
    )
    op.drop_index("ix_assessments_account_id_created_at_id", table_name="assessments")
    op.drop_table("assessments")
    op.drop_index(op.f("ix_api_keys_account_id"), table_name="api_keys")
    op.drop_table("api_keys")
    op.drop_table("upstream_limits")
    op.drop_table("aeonto_parameters")
    op.drop_table("accounts")
