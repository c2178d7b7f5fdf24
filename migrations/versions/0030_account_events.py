"""What happens to the things of an account, as one stream of events per account.

An event is written once, with the accounts whose streams show it. At commit it gets a number in
each of them. The version before writes no events, except that the database tells of the credits
that it moves.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

_TYPES: Final = (
    "order.updated",
    "order.credited",
    "credits.moved",
    "assessment.ready",
    "assessment.failed",
    "assessment.changed",
    "access_code.updated",
    "key.created",
    "key.revoked",
)

# From which event on those of the transaction have no number yet. A savepoint that is undone undoes
# this, too.
_NOTE_EVENT: Final = """
CREATE FUNCTION note_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.transaction_id := pg_current_xact_id()::text::bigint;
    IF COALESCE(current_setting('assay.first_unnumbered_event', true), '') = '' THEN
        PERFORM set_config('assay.first_unnumbered_event', NEW.id::text, true);
    END IF;
    RETURN NEW;
END $$
"""

# At commit, all events of the transaction at once: their streams are locked in one order, and no
# lock of another kind is waited for after that, so that no two transactions wait for each other.
# Who waits for an event of an account holds the lock that is tried at the end
# (app/runtime/db/notifications.py): transactions that notify wait for each other, so that one
# notifies only where somebody waits.
_NUMBER_EVENTS: Final = """
CREATE FUNCTION number_events() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    first_id bigint := NULLIF(current_setting('assay.first_unnumbered_event', true), '');
    own_id bigint := pg_current_xact_id()::text::bigint;
    streams text[];
    stream text;
BEGIN
    IF first_id IS NULL THEN
        RETURN NULL;
    END IF;
    PERFORM set_config('assay.first_unnumbered_event', '', true);
    streams := ARRAY(
        SELECT account FROM events, unnest(account_ids) account
        WHERE id >= first_id AND transaction_id = own_id
        GROUP BY account ORDER BY hashtextextended('event_stream:' || account, 0));
    FOREACH stream IN ARRAY streams LOOP
        PERFORM pg_advisory_xact_lock(hashtextextended('event_stream:' || stream, 0));
    END LOOP;
    INSERT INTO account_events (account_id, event_id, type)
        SELECT DISTINCT account, id, type FROM events, unnest(account_ids) account
        WHERE id >= first_id AND transaction_id = own_id ORDER BY id;
    FOREACH stream IN ARRAY streams LOOP
        IF NOT pg_try_advisory_xact_lock(hashtextextended('assay_account_events:' || stream, 0)) THEN
            PERFORM pg_notify('assay_account_events', stream);
        END IF;
    END LOOP;
    RETURN NULL;
END $$
"""

# The number follows from the stream, whatever was asked for.
_NEXT_SEQUENCE: Final = """
CREATE FUNCTION next_sequence() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('event_stream:' || NEW.account_id, 0));
    SELECT COALESCE(max(sequence), 0) + 1 INTO NEW.sequence
        FROM account_events WHERE account_id = NEW.account_id;
    RETURN NEW;
END $$
"""

# As `GET /api/ledger` shows the entries (app/accounts/ledger_schemas.py).
_TELL_CREDITS_MOVED: Final = """
CREATE FUNCTION tell_credits_moved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO events (account_ids, type, at, data)
        SELECT ARRAY[account_id], 'credits.moved', at, jsonb_build_object(
            'kind', kind, 'credits', amount, 'balance_after', balance_after,
            'at', to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS')
                || CASE WHEN at = date_trunc('second', at) THEN ''
                    ELSE to_char(at AT TIME ZONE 'UTC', '.US') END || 'Z',
            'order_id', order_id, 'assessment_id', assessment_id)
        FROM written ORDER BY id;
    RETURN NULL;
END $$
"""
_FUNCTIONS: Final = {
    "note_event": _NOTE_EVENT,
    "number_events": _NUMBER_EVENTS,
    "next_sequence": _NEXT_SEQUENCE,
    "tell_credits_moved": _TELL_CREDITS_MOVED,
}
# trigger name: (table, definition without its name)
_TRIGGERS: Final = {
    "note_event": (
        "events",
        "BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION note_event()",
    ),
    "number_events": (
        "events",
        "AFTER INSERT ON events DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"
        " EXECUTE FUNCTION number_events()",
    ),
    "next_sequence": (
        "account_events",
        "BEFORE INSERT ON account_events FOR EACH ROW EXECUTE FUNCTION next_sequence()",
    ),
    "tell_credits_moved": (
        "ledger_entries",
        "AFTER INSERT ON ledger_entries REFERENCING NEW TABLE AS written FOR EACH STATEMENT"
        " EXECUTE FUNCTION tell_credits_moved()",
    ),
}
_APPEND_ONLY: Final = ("events", "account_events")


def upgrade() -> None:
    """Make the tables of events, what numbers them, and what tells of credits."""
    _make_tables()
    for function in _FUNCTIONS.values():
        op.execute(function)
    for name, (table, definition) in _TRIGGERS.items():
        constraint = "CONSTRAINT " if "DEFERRED" in definition else ""
        op.execute(f"CREATE {constraint}TRIGGER {name} {definition}")
        op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}")
    for table in _APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
        op.execute(
            f"CREATE TRIGGER no_truncate BEFORE TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
        op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER append_only")
        op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER no_truncate")


def _make_tables() -> None:
    words = ", ".join(f"'{word}'" for word in _TYPES)
    op.create_table(
        "events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("transaction_id", sa.BigInteger(), nullable=False),
        sa.Column("account_ids", ARRAY(sa.Text()), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("previous_status", sa.Text(), nullable=True),
        sa.Column("data", JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
        sa.CheckConstraint(f"type IN ({words})", name=op.f("ck_events_type")),
        sa.CheckConstraint("account_ids <> '{}'", name=op.f("ck_events_account_ids")),
        sa.CheckConstraint("jsonb_typeof(data) = 'object'", name=op.f("ck_events_data")),
    )
    op.create_table(
        "account_events",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "sequence", name=op.f("pk_account_events")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_account_events_account_id")
        ),
        sa.ForeignKeyConstraint(
            ["event_id"], ["events.id"], name=op.f("fk_account_events_event_id")
        ),
    )


def downgrade() -> None:
    """Remove the streams, and what is in them."""
    op.execute("DROP TRIGGER tell_credits_moved ON ledger_entries")
    op.drop_table("account_events")
    op.drop_table("events")
    for name in reversed(_FUNCTIONS):
        op.execute(f"DROP FUNCTION {name}()")
