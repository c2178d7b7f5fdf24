"""Money rules below Python: append-only tables, balances that add up, grants that match.

The triggers are ENABLE ALWAYS, so that they bind every role and every session.
"""

from typing import Final

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_APPEND_ONLY: Final = ("ledger_entries", "order_events", "audit_log")

_REFUSE_CHANGE: Final = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation';
END $$
"""

# What an order was sold for stays as it was when it was placed.
_KEEP_TERMS: Final = """
CREATE FUNCTION keep_terms() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.id, OLD.buyer_id, OLD.beneficiary_id, OLD.number_of_credits, OLD.price_btc,
        OLD.btc_amount, OLD.btc_dest_address, OLD.granting_status, OLD.created_at)
        IS DISTINCT FROM
       (NEW.id, NEW.buyer_id, NEW.beneficiary_id, NEW.number_of_credits, NEW.price_btc,
        NEW.btc_amount, NEW.btc_dest_address, NEW.granting_status, NEW.created_at) THEN
        RAISE EXCEPTION 'the terms of order % cannot change', OLD.id
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$
"""

# The new entry must continue where the account's last one ended.
_CHAIN_ENTRY: Final = """
CREATE FUNCTION chain_ledger_entry() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    last_balance bigint;
BEGIN
    SELECT balance_after INTO last_balance FROM ledger_entries
        WHERE account_id = NEW.account_id ORDER BY id DESC LIMIT 1;
    IF NEW.balance_after <> COALESCE(last_balance, 0) + NEW.amount THEN
        RAISE EXCEPTION 'ledger of account %: % follows % by %', NEW.account_id,
            NEW.balance_after, COALESCE(last_balance, 0), NEW.amount
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$
"""

# At commit the balance of the account is the one its last entry states.
_BALANCE_MATCHES: Final = """
CREATE FUNCTION balance_matches_ledger() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    account text := CASE TG_TABLE_NAME WHEN 'accounts' THEN to_jsonb(NEW)->>'id'
                                       ELSE to_jsonb(NEW)->>'account_id' END;
    stated bigint;
    held bigint;
BEGIN
    SELECT balance_after INTO stated FROM ledger_entries
        WHERE account_id = account ORDER BY id DESC LIMIT 1;
    SELECT balance INTO held FROM accounts WHERE id = account;
    IF held <> COALESCE(stated, 0) THEN
        RAISE EXCEPTION 'account % holds %, its ledger says %', account, held, COALESCE(stated, 0)
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$
"""

# At commit an order is granted if and only if its one purchase entry exists, amount and all.
_GRANT_MATCHES: Final = """
CREATE FUNCTION grant_matches_purchase() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    the_order text := CASE TG_TABLE_NAME WHEN 'orders' THEN to_jsonb(NEW)->>'id'
                                         ELSE to_jsonb(NEW)->>'order_id' END;
    granted bigint;
    purchased bigint;
BEGIN
    SELECT credits_granted INTO granted FROM orders WHERE id = the_order;
    SELECT amount INTO purchased FROM ledger_entries
        WHERE order_id = the_order AND kind = 'purchase';
    IF granted IS DISTINCT FROM purchased THEN
        RAISE EXCEPTION 'order % grants %, its purchase entry says %', the_order,
            COALESCE(granted::text, 'nothing'), COALESCE(purchased::text, 'nothing')
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$
"""

# At commit an assessment has one debit, and one refund if and only if it failed.
_ASSESSMENT_PAID: Final = """
CREATE FUNCTION assessment_matches_entries() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    the_assessment text := CASE TG_TABLE_NAME WHEN 'assessments' THEN to_jsonb(NEW)->>'id'
                                              ELSE to_jsonb(NEW)->>'assessment_id' END;
    failed boolean;
    debits integer;
    refunds integer;
BEGIN
    SELECT status = 'failed' INTO failed FROM assessments WHERE id = the_assessment;
    SELECT count(*) FILTER (WHERE kind = 'assessment'), count(*) FILTER (WHERE kind = 'refund')
        INTO debits, refunds FROM ledger_entries WHERE assessment_id = the_assessment;
    IF debits <> 1 OR refunds <> failed::integer THEN
        RAISE EXCEPTION 'assessment % has % debits and % refunds', the_assessment, debits, refunds
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$
"""

# At commit the two entries of a transfer cancel.
_TRANSFER_CANCELS: Final = """
CREATE FUNCTION transfer_cancels() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    entries integer;
    total bigint;
BEGIN
    SELECT count(*), sum(amount) INTO entries, total
        FROM ledger_entries WHERE transfer_id = NEW.transfer_id;
    IF entries <> 2 OR total <> 0 THEN
        RAISE EXCEPTION 'transfer % has % entries that sum to %', NEW.transfer_id, entries, total
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$
"""

_FUNCTIONS: Final = {
    "refuse_change": _REFUSE_CHANGE,
    "keep_terms": _KEEP_TERMS,
    "chain_ledger_entry": _CHAIN_ENTRY,
    "balance_matches_ledger": _BALANCE_MATCHES,
    "grant_matches_purchase": _GRANT_MATCHES,
    "assessment_matches_entries": _ASSESSMENT_PAID,
    "transfer_cancels": _TRANSFER_CANCELS,
}

_AT_COMMIT: Final = "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"
# trigger name: (table, definition without its name)
_TRIGGERS: Final = {
    "keep_terms": (
        "orders",
        "BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION keep_terms()",
    ),
    "chain_entry": (
        "ledger_entries",
        "BEFORE INSERT ON ledger_entries FOR EACH ROW EXECUTE FUNCTION chain_ledger_entry()",
    ),
    "entry_balance": (
        "ledger_entries",
        f"AFTER INSERT ON ledger_entries {_AT_COMMIT} EXECUTE FUNCTION balance_matches_ledger()",
    ),
    "account_balance": (
        "accounts",
        f"AFTER INSERT OR UPDATE OF balance ON accounts {_AT_COMMIT}"
        " EXECUTE FUNCTION balance_matches_ledger()",
    ),
    "entry_grant": (
        "ledger_entries",
        f"AFTER INSERT ON ledger_entries {_AT_COMMIT} WHEN (NEW.kind = 'purchase')"
        " EXECUTE FUNCTION grant_matches_purchase()",
    ),
    "order_grant": (
        "orders",
        f"AFTER INSERT OR UPDATE OF credits_granted ON orders {_AT_COMMIT}"
        " EXECUTE FUNCTION grant_matches_purchase()",
    ),
    "entry_assessment": (
        "ledger_entries",
        f"AFTER INSERT ON ledger_entries {_AT_COMMIT} WHEN (NEW.assessment_id IS NOT NULL)"
        " EXECUTE FUNCTION assessment_matches_entries()",
    ),
    "assessment_entries": (
        "assessments",
        f"AFTER INSERT OR UPDATE OF status ON assessments {_AT_COMMIT}"
        " EXECUTE FUNCTION assessment_matches_entries()",
    ),
    "entry_transfer": (
        "ledger_entries",
        f"AFTER INSERT ON ledger_entries {_AT_COMMIT} WHEN (NEW.kind = 'transfer')"
        " EXECUTE FUNCTION transfer_cancels()",
    ),
}


def _enable(table: str, trigger: str) -> None:
    op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {trigger}")


def upgrade() -> None:
    for definition in _FUNCTIONS.values():
        op.execute(definition)
    for table in _APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
        op.execute(
            f"CREATE TRIGGER no_truncate BEFORE TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
        _enable(table, "append_only")
        _enable(table, "no_truncate")
    for name, (table, definition) in _TRIGGERS.items():
        kind = "CONSTRAINT TRIGGER" if _AT_COMMIT in definition else "TRIGGER"
        op.execute(f"CREATE {kind} {name} {definition}")
        _enable(table, name)


def downgrade() -> None:
    for name, (table, _) in _TRIGGERS.items():
        op.execute(f"DROP TRIGGER {name} ON {table}")
    for table in _APPEND_ONLY:
        op.execute(f"DROP TRIGGER append_only ON {table}")
        op.execute(f"DROP TRIGGER no_truncate ON {table}")
    for name in _FUNCTIONS:
        op.execute(f"DROP FUNCTION {name}()")
