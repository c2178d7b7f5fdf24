"""The guards of money and of the limits, how each is taken away, and the test that notices."""

from dataclasses import dataclass
from typing import Final

LAST_MIGRATION: Final = "migrations/versions/0022_settled_in_new_coins.py"
_END_OF_UPGRADE: Final = "    op.execute(_NEW_COINS)\n"


@dataclass(frozen=True)
class Mutation:
    """A guard, the text that keeps it and what stands there without it, and a test's node id."""

    guard: str
    file: str
    text: str
    without: str
    test: str


def _sql(guard: str, statement: str, test: str) -> Mutation:
    """Take a guard out of the database, at the end of the migrations."""
    without = f'{_END_OF_UPGRADE}    op.execute("{statement}")\n'
    return Mutation(guard, LAST_MIGRATION, _END_OF_UPGRADE, without, test)


_GUARDS: Final = "tests/runtime/db/test_guards.py::"
_OPEN_ORDERS: Final = "tests/api/test_open_orders.py::"
_OPEN_ORDERS_GUARD: Final = "tests/runtime/db/test_open_orders_guard.py::"
_LEDGER: Final = "tests/ledger/test_ledger.py::"
_CHAIN: Final = "tests/partners/esplora/test_chain.py::"
_ARRIVED: Final = "tests/orders/test_apply_outputs.py::"
_ARRIVALS: Final = "tests/partners/esplora/test_arrivals.py::"
_LISTS: Final = "tests/lists/test_lookup.py::"
_KEYS: Final = "tests/api/test_key_limits.py::"
_REVIEWS: Final = "tests/assessments/test_rescreening.py::"

_SENDER: Final = "tests/webhooks/test_sender.py::"
_DELIVERING: Final = "tests/webhooks/test_delivering.py::"

_EVENTS_MIGRATION: Final = "migrations/versions/0030_account_events.py"
_NUMBERING: Final = "tests/events/test_numbering.py::"
_EVENTS: Final = "tests/api/test_events.py::"

MUTATIONS: Final = (
    _sql(
        "UNIQUE: one purchase per order",
        "DROP INDEX uq_ledger_entries_purchase",
        _GUARDS + "test_second_purchase_of_an_order_is_refused",
    ),
    _sql(
        "UNIQUE: one debit and one refund per assessment",
        "DROP INDEX uq_ledger_entries_assessment_id_kind",
        _GUARDS + "test_second_refund_and_second_debit_are_refused",
    ),
    _sql(
        "UNIQUE: one order per uuid of AEON.to",
        "ALTER TABLE payments DROP CONSTRAINT uq_payments_uuid",
        _GUARDS + "test_two_orders_never_share_a_uuid",
    ),
    Mutation(
        "UNIQUE: one order of a buyer per unique reference",
        "migrations/versions/0032_labels.py",
        "        unique=True,",
        "        unique=False,",
        "tests/api/test_labels.py::"
        "test_a_unique_reference_is_of_one_order_of_a_buyer_and_a_second_is_told_which",
    ),
    Mutation(
        "UNIQUE: one order at a time per address",
        "migrations/versions/0007_bitcoin_addresses.py",
        "            unique=True,",
        "            unique=False,",
        _GUARDS + "test_two_orders_never_hold_one_address",
    ),
    Mutation(
        "cancel: only what nobody paid",
        "app/orders/rules/own_moves.py",
        "if MOVES[order.status, OrderStatus.CANCELLED] is not Move.CANCEL:",
        "if order.status is OrderStatus.FAILED:",
        "tests/orders/test_cancel.py::test_only_what_nobody_paid_and_still_waits_is_cancelled",
    ),
    Mutation(
        "a cancelled order in bitcoin counts against the limit",
        "app/orders/open_orders.py",
        "[*OPEN_UNPAID, OrderStatus.CANCELLED]",
        "[*OPEN_UNPAID]",
        _OPEN_ORDERS + "test_cancelled_order_in_bitcoin_counts_until_it_would_have_timed_out",
    ),
    Mutation(
        "trigger: no more unpaid orders than the limit",
        "migrations/versions/0020_open_orders_guard.py",
        "ENABLE ALWAYS TRIGGER limit_open_orders",
        "DISABLE TRIGGER limit_open_orders",
        _OPEN_ORDERS_GUARD + "test_order_beyond_the_limit_is_refused_by_the_database",
    ),
    Mutation(
        "trigger: unpaid orders are counted one after the other",
        "migrations/versions/0020_open_orders_guard.py",
        " FOR NO KEY UPDATE;",
        ";",
        _OPEN_ORDERS_GUARD
        + "test_database_counts_an_order_that_another_transaction_has_just_written",
    ),
    Mutation(
        "an order that waited takes the index after that of the other",
        "app/orders/addresses.py",
        'next_index = literal_column("bitcoin_wallets.next_index", BigInteger)',
        "next_index = BitcoinWallet.next_index",
        "tests/orders/test_addresses.py"
        "::test_orders_that_waited_for_another_get_the_checked_addresses_after_its",
    ),
    Mutation(
        "each index of a wallet is given once",
        "app/orders/addresses.py",
        '{"next_index": index + 1}',
        '{"next_index": index}',
        "tests/orders/test_addresses.py::test_orders_get_the_addresses_in_their_order",
    ),
    _sql(
        "trigger: an address is its order's for ever",
        "DROP TRIGGER keep_address ON bitcoin_addresses",
        _GUARDS + "test_address_that_was_given_is_its_orders_for_ever",
    ),
    _sql(
        "trigger: an output counts on one rail",
        "DROP TRIGGER counts_once ON settlements",
        _GUARDS + "test_output_counts_on_one_rail_only",
    ),
    _sql(
        "append-only: public keys of receipts",
        "DROP TRIGGER append_only ON receipt_keys",
        _GUARDS + "test_public_key_is_kept_for_good",
    ),
    _sql(
        "CHECK: no balance below zero",
        "ALTER TABLE accounts DROP CONSTRAINT ck_accounts_balance",
        _GUARDS + "test_balance_has_bounds",
    ),
    _sql(
        "CHECK: granted exactly in the granting state",
        "ALTER TABLE orders DROP CONSTRAINT ck_orders_granted_in_granting_state",
        _GUARDS + "test_order_in_its_granting_state_is_granted",
    ),
    _sql(
        "CHECK: an open order is always due",
        "ALTER TABLE orders DROP CONSTRAINT ck_orders_open_is_due",
        _GUARDS + "test_open_order_agrees_with_itself",
    ),
    _sql(
        "trigger: ledger entries never change",
        "DROP TRIGGER append_only ON ledger_entries",
        _GUARDS + "test_history_is_never_changed",
    ),
    _sql(
        "trigger: a balance is what its last entry states",
        "DROP TRIGGER account_balance ON accounts",
        _GUARDS + "test_balance_does_not_change_without_an_entry",
    ),
    Mutation(
        "trigger: a transfer is between a code and its issuer",
        "migrations/versions/0027_returned_credits.py",
        "format(between=_BETWEEN)",
        'format(between="")',
        _GUARDS + "test_transfer_between_strangers_is_refused",
    ),
    Mutation(
        "trigger: credits of a deactivated code are with its issuer",
        "migrations/versions/0027_returned_credits.py",
        "ALTER TABLE accounts ENABLE ALWAYS TRIGGER credits_back",
        "DROP TRIGGER credits_back ON accounts",
        _GUARDS + "test_credits_of_a_deactivated_code_are_with_its_issuer",
    ),
    Mutation(
        "credits that come to a deactivated code go on to its issuer",
        "app/ledger/service.py",
        "if returns_to is None or kind is EntryKind.TRANSFER:",
        "if True:",
        "tests/accounts/test_returned_credits.py"
        "::test_what_comes_to_a_deactivated_code_later_goes_on_to_its_issuer",
    ),
    _sql(
        "trigger: a grant has its purchase",
        "DROP TRIGGER order_grant ON orders",
        _GUARDS + "test_grant_without_a_purchase_is_refused",
    ),
    _sql(
        "trigger: an assessment has its debit",
        "DROP TRIGGER assessment_entries ON assessments",
        _GUARDS + "test_assessment_without_a_debit_is_refused",
    ),
    Mutation(
        "row lock: an answer is applied to a locked order",
        "app/orders/leases.py",
        "        .with_for_update()\n    )\n",
        "    )\n",
        _LEDGER + "test_parallel_answers_for_one_order_grant_once",
    ),
    Mutation(
        "row lock: a debit is one conditional UPDATE",
        "app/ledger/service.py",
        ".where(Account.id == account_id, Account.balance + amount >= 0)",
        ".where(Account.id == account_id)",
        _LEDGER + "test_fifty_parallel_spends_of_ten_credits_succeed_ten_times",
    ),
    Mutation(
        "row lock: a debit with its assessment needs a credit",
        "app/ledger/debits.py",
        "AND accounts.balance >= 1\n",
        "\n",
        "tests/assessments/test_service.py::test_nothing_is_asked_without_a_credit",
    ),
    Mutation(
        "row lock: of two same questions at once, one is charged",
        "app/assessments/reserving.py",
        "WHERE id = :caller_id FOR NO KEY UPDATE",
        "WHERE id = :caller_id",
        "tests/assessments/test_duplicates.py::test_twenty_at_once_are_paid_once",
    ),
    Mutation(
        "row lock: one claimer per order",
        "app/orders/leases.py",
        'locked="FOR UPDATE OF orders SKIP LOCKED"',
        'locked=""',
        "tests/orders/test_leases.py::test_two_claimers_never_get_the_same_order",
    ),
    Mutation(
        "lease: an order's answer needs the token",
        "app/orders/leases.py",
        "Order.id == order_id, Order.lease_token == lease_token",
        "Order.id == order_id",
        "tests/orders/test_apply_reports.py"
        "::test_answer_under_a_lease_that_was_taken_over_does_nothing",
    ),
    Mutation(
        "lease: an assessment's outcome needs the token",
        "app/assessments/claims.py",
        "        Assessment.lease_token == reserved.lease_token,\n",
        "",
        "tests/assessments/test_service.py::test_holder_whose_lease_was_taken_over_changes_nothing",
    ),
    Mutation(
        "lease: an assessment's answer needs the token",
        "app/assessments/outcomes.py",
        "id = :asked AND lease_token = :token AND",
        "id = :asked AND",
        "tests/assessments/test_service.py::test_holder_whose_lease_was_taken_over_changes_nothing",
    ),
    Mutation(
        "asks: what a provider recalls is not asked again",
        "app/assessments/provider_calls.py",
        "        return await _guarded(provider.find_existing(question), until, question)",
        "        return None",
        "tests/assessments/test_provider_calls.py::test_what_a_provider_recalls_is_not_asked_again",
    ),
    Mutation(
        "asks: twice at most where a provider cannot tell",
        "app/assessments/provider_calls.py",
        "        and reserved.progress[name].asks < MOST_ASKS\n",
        "",
        "tests/assessments/test_provider_calls.py"
        "::test_a_provider_that_cannot_tell_is_asked_twice_at_most_and_that_is_counted",
    ),
    Mutation(
        "lease: nobody takes the order that another works on",
        "app/orders/leases.py",
        "            AND (orders.lease_until IS NULL OR orders.lease_until < clock_timestamp())\n",
        "",
        "tests/orders/test_leases.py::test_expired_lease_is_taken_over_under_a_new_token",
    ),
    Mutation(
        "lease: nobody takes the assessment that another works on",
        "app/runtime/leases.py",
        "return or_(lease_until.is_(None), lease_until < func.clock_timestamp())",
        "return or_(lease_until.is_(None), lease_until.is_not(None))",
        "tests/assessments/test_service.py"
        "::test_question_of_a_process_that_died_is_asked_again_when_its_lease_is_over",
    ),
    Mutation(
        "reservation lock: one slot at a time",
        "app/runtime/rate_limit/postgres.py",
        "        .with_for_update()\n",
        "",
        "tests/runtime/test_postgres_rate_limit.py::test_two_replicas_never_exceed_a_window_together",
    ),
    Mutation(
        "pace: spaced from answers",
        "app/runtime/rate_limit/rules.py",
        "if self.answered_at is None else self.answered_at",
        "if self.answered_at is None else self.granted_at",
        "tests/runtime/test_rate_limit.py",
    ),
    Mutation(
        "idempotency: one request at a time under a key",
        "app/runtime/idempotency.py",
        "    return inserted is not None\n",
        "    return True\n",
        "tests/api/test_idempotency_in_parallel.py"
        "::test_parallel_requests_under_one_key_are_done_once_wherever_a_key_is_taken",
    ),
    Mutation(
        "idempotency: one order in Aeon under a key",
        "app/orders/place.py",
        '{_inserted("FROM as_usual")}',
        '{_inserted("FROM shortly")}',
        "tests/api/test_idempotency_in_parallel.py::test_fifty_parallel_orders_under_one_key_are_one",
    ),
    _sql(
        "UNIQUE: one order per output of a transaction",
        "ALTER TABLE settlements DROP CONSTRAINT uq_settlements_txid_output_index",
        _GUARDS + "test_output_settles_one_order_only",
    ),
    Mutation(
        "settlement: no move to BTC_SENT that the chain does not bear out",
        "app/orders/rules/transition_aeonto.py",
        "reported is OrderStatus.BTC_SENT and isinstance(settlement, Unverified)",
        "reported is OrderStatus.FAILED and isinstance(settlement, Unverified)",
        "tests/orders/test_settlements.py"
        "::test_unverified_claim_stays_paid_without_credits_until_the_chain_says_so",
    ),
    Mutation(
        "settlement: the worker asks the chain",
        "app/orders/worker/settlement_checks.py",
        "if chain is None or report.state",
        "if chain or report.state",
        "tests/worker/test_settling.py::test_claim_waits_for_its_block_and_then_grants",
    ),
    Mutation(
        "settlement: an output that is taken settles no other order",
        "app/orders/transitions.py",
        "        change = transition(facts, observation.unsettled(), now)\n",
        "        pass\n",
        "tests/orders/test_settlements.py::test_output_that_settled_an_order_settles_no_other",
    ),
    Mutation(
        "chain: two servers must answer where two are named",
        "app/partners/esplora/chain.py",
        "return min(QUORUM, named)",
        "return 1",
        _CHAIN + "test_verdict_stands_only_on_enough_answers",
    ),
    Mutation(
        "chain: all that answer must have it in the same block",
        "app/partners/esplora/chain.py",
        "    if len(blocks) > 1:\n",
        "    if not seen and blocks:\n",
        _CHAIN + "test_third_server_that_answers_must_agree_too",
    ),
    Mutation(
        "chain: what arrived is confirmed only where all have it in the same block",
        "app/partners/esplora/chain.py",
        "confirmations=max(confirmations, 0) if block else 0",
        "confirmations=max(confirmations, 0)",
        _ARRIVALS + "test_confirmations_are_the_least_and_none_unless_all_show_the_same_block",
    ),
    Mutation(
        "chain: a flood of transactions hides none in silence",
        "app/partners/esplora/client.py",
        'raise TooManyOutputs("payments")',
        "return history.transactions",
        "tests/partners/esplora/test_payments.py::test_flood_of_transactions_is_a_failure_that_says_so",
    ),
    Mutation(
        "chain: a server that counts more than it shows hides none in silence",
        "app/partners/esplora/history.py",
        "return Ending.COMPLETE if len(self._found) >= total else Ending.SHORT",
        "return Ending.COMPLETE",
        "tests/partners/esplora/test_history.py"
        "::test_unconfirmed_rows_that_no_cursor_leads_to_leave_the_read_short",
    ),
    Mutation(
        "chain: new coins pay no order of AEON.to before they may be spent",
        "app/partners/esplora/chain.py",
        "if is_coinbase and confirmations < COINBASE_MATURITY:",
        "if not seen:",
        _CHAIN + "test_new_coins_pay_with_their_hundredth_confirmation",
    ),
    Mutation(
        "bitcoin: new coins want their hundredth confirmation",
        "app/orders/rules/bitcoin_payments.py",
        "return max(wanted, COINBASE_MATURITY) if arrival.is_coinbase else wanted",
        "return wanted",
        "tests/orders/test_bitcoin_payments.py"
        "::test_new_coins_count_with_their_hundredth_confirmation_and_no_sooner",
    ),
    _sql(
        "CHECK: new coins settle an order with 100 confirmations",
        "ALTER TABLE settlements DROP CONSTRAINT ck_settlements_new_coins",
        _GUARDS + "test_new_coins_settle_an_order_with_their_hundredth_confirmation",
    ),
    Mutation(
        "bitcoin: an old block with a time ahead pays nothing",
        "app/orders/rules/prior_money.py",
        "return placed.first_look and is_known(height, placed.deep_height)",
        "return False",
        "tests/orders/test_prior_money.py"
        "::test_old_block_with_a_time_ahead_of_the_order_pays_nothing",
    ),
    Mutation(
        "bitcoin: what credits were granted for is judged no more",
        "app/orders/rules/prior_money.py",
        "(earlier.before_order or placed.granted)",
        "earlier.before_order",
        "tests/orders/test_prior_money.py::test_what_credits_were_granted_for_is_judged_no_more",
    ),
    _sql(
        "trigger: credits in bitcoin are paid by confirmed outputs",
        "DROP TRIGGER bitcoin_grant ON orders",
        _GUARDS + "test_grant_in_bitcoin_that_confirmed_outputs_do_not_pay_is_refused",
    ),
    _sql(
        "UNIQUE: one order per output that pays an address",
        "ALTER TABLE bitcoin_outputs DROP CONSTRAINT pk_bitcoin_outputs",
        _GUARDS + "test_output_pays_one_order_only",
    ),
    _sql(
        "CHECK: an operator grants what was ordered",
        "ALTER TABLE orders DROP CONSTRAINT ck_orders_credits_granted",
        _GUARDS + "test_operators_grant_in_bitcoin_is_of_what_was_ordered",
    ),
    _sql(
        "CHECK: an order in bitcoin ends at PAID",
        "ALTER TABLE orders DROP CONSTRAINT ck_orders_ends_at_paid",
        _GUARDS + "test_order_in_bitcoin_agrees_with_itself",
    ),
    _sql(
        "CHECK: a payment is of one rail",
        "ALTER TABLE payments DROP CONSTRAINT ck_payments_one_rail",
        _GUARDS + "test_payment_is_of_one_rail_and_confirms_no_more_than_came",
    ),
    Mutation(
        "bitcoin: credits wait for the confirmations",
        "app/orders/rules/bitcoin_payments.py",
        "arrival.confirmations >= max(wanted, 1)",
        "arrival.confirmations >= 0",
        "tests/orders/test_bitcoin_payments.py"
        "::test_state_follows_from_the_sum_and_its_confirmations",
    ),
    Mutation(
        "bitcoin: without confirmations counts only what nobody may take back",
        "app/orders/rules/bitcoin_payments.py",
        "arrival.seen_by_all and not arrival.replaceable",
        "arrival.seen_by_all or not arrival.replaceable",
        "tests/orders/test_bitcoin_payments.py"
        "::test_without_confirmations_counts_only_what_nobody_may_take_back",
    ),
    Mutation(
        "bitcoin: what is late buys at the price of the day",
        "app/orders/rules/bitcoin_payments.py",
        "came_at[arrival.id] > invoice.late_until",
        "came_at[arrival.id] < invoice.late_until",
        _ARRIVED + "test_later_than_the_grace_buys_what_it_buys_today_and_no_more_than_ordered",
    ),
    Mutation(
        "bitcoin: what is gone counts no more",
        "app/orders/rules/transition_bitcoin.py",
        "gone_at = order.outputs[output_id].gone_at or now",
        "gone_at = order.outputs[output_id].gone_at",
        _ARRIVED + "test_bumped_transaction_replaces_the_old_one_and_pays_once",
    ),
    Mutation(
        "bitcoin: a payment that goes after the grant takes nothing back and rings",
        "app/orders/rules/transition_bitcoin.py",
        "    if order.status in _ENDED:\n",
        "    if False:\n",
        _ARRIVED + "test_payment_gone_after_the_grant_takes_nothing_back_and_rings_once",
    ),
    Mutation(
        "bitcoin: money without credits rings",
        "app/orders/rules/transition_bitcoin.py",
        "alarm=alarm or _unmatched_money(order, decision, paid),",
        "alarm=alarm,",
        _ARRIVED + "test_part_is_underpaid_and_rings_once_when_it_times_out",
    ),
    Mutation(
        "bitcoin: an address that was given away is not watched for its old order",
        "app/orders/operator.py",
        "in_bitcoin and order.next_look_at is None",
        "in_bitcoin and order.next_look_at is not None",
        _ARRIVED + "test_order_whose_address_an_earlier_version_gave_away_is_never_looked_at_again",
    ),
    Mutation(
        "bitcoin: nobody is asked again for an order that is over",
        "app/orders/payment_responses.py",
        "payable=waiting and not late,",
        "payable=True,",
        "tests/api/test_orders_in_bitcoin.py::test_order_that_is_over_asks_for_no_money",
    ),
    Mutation(
        "lists: what a list said is never rewritten",
        "migrations/versions/0024_spelling_rules.py",
        """        AND may_spell(to_jsonb(OLD), to_jsonb(NEW)) THEN
        RETURN NEW;
    END IF;
    IF TG_OP = 'DELETE' OR OLD.last_version IS NOT NULL OR NEW.last_version IS NULL""",
        """        AND may_spell(to_jsonb(OLD), to_jsonb(NEW)) THEN
        RETURN NEW;
    END IF;
    IF TG_OP = 'DELETE' OR NEW.last_version IS NULL""",
        _LISTS + "test_database_lets_nobody_rewrite_what_a_list_said",
    ),
    Mutation(
        "lists: facts of a party are never rewritten",
        "migrations/versions/0024_spelling_rules.py",
        """        AND may_spell(to_jsonb(OLD), to_jsonb(NEW)) THEN
        RETURN NEW;
    END IF;
    IF TG_OP = 'DELETE' OR OLD.last_version IS NOT NULL OR NEW.last_version IS NULL
        OR (to_jsonb(NEW) - 'last_version')""",
        """        AND may_spell(to_jsonb(OLD), to_jsonb(NEW)) THEN
        RETURN NEW;
    END IF;
    IF TG_OP = 'DELETE' OR OLD.last_version IS NOT NULL OR NEW.last_version IS NULL
        OR (to_jsonb(NEW) - 'last_version' - 'listed_on')""",
        _LISTS + "test_database_lets_nobody_rewrite_what_a_list_said",
    ),
    Mutation(
        "lists: dates of issue do not go back",
        "app/lists/importing.py",
        "if effective_on < newest.effective_on:",
        "if False:",
        _LISTS + "test_date_of_issue_does_not_go_back_even_when_a_loss_is_confirmed",
    ),
    Mutation(
        "lists: one that lost too much waits for a person",
        "app/lists/importing.py",
        "if lost > most and not asked.confirm_shrink:",
        "if lost > most + 1 and not asked.confirm_shrink:",
        _LISTS + "test_list_that_shrinks_too_much_is_refused_unless_confirmed",
    ),
    Mutation(
        "lists: one whose rows were replaced waits for a person",
        "app/lists/importing.py",
        "elif is_churn and replaced >= _MANY and not asked.confirm_churn:",
        "elif False:",
        _LISTS + "test_list_of_which_most_rows_are_replaced_is_refused_unless_confirmed",
    ),
    Mutation(
        "lists: what no question can name is reported",
        "app/lists/selfcheck.py",
        "return can_be_asked(address) and any(",
        "return bool(address) or any(",
        _LISTS + "test_row_of_sanctions_that_no_question_can_name_is_reported_and_fails_the_check",
    ),
    Mutation(
        "lists: a day is answered by what was in force on it",
        "app/lists/lookup.py",
        "row.first_version <= version.number and (last is None or version.number <= last)",
        "last is None or version.number <= last",
        _LISTS + "test_day_is_answered_by_the_version_that_was_in_force_on_it",
    ),
    Mutation(
        "lists: a new version is noticed",
        "app/lists/lookup.py",
        "while held is None or held.count != count:",
        "while held is None:",
        _LISTS + "test_process_notices_a_new_version_within_ten_seconds_and_asks_no_more_often",
    ),
    Mutation(
        "trigger: a key may do no more than the one that made it",
        "migrations/versions/0028_key_limits.py",
        "ALTER TABLE api_keys ENABLE ALWAYS TRIGGER key_limits",
        "DROP TRIGGER key_limits ON api_keys",
        _KEYS + "test_the_database_refuses_a_key_that_may_do_more_than_its_maker",
    ),
    Mutation(
        "keys: none gives a scope that it lacks",
        "app/accounts/rules/key_limits.py",
        "if not own.has(Scope(scope)):",
        "if False:",
        _KEYS + "test_a_key_gives_no_scope_that_it_lacks",
    ),
    Mutation(
        "keys: each operation asks for its scope",
        "app/web/dependencies.py",
        "if need.scope is not None and not limits.has(need.scope):",
        "if False:",
        _KEYS + "test_each_operation_asks_for_its_scope_and_no_other",
    ),
    Mutation(
        "keys: one rotates only itself and what it made",
        "app/accounts/key_rotation.py",
        "if caller.api_key is not None and not await",
        "if caller.api_key is None and not await",
        "tests/api/test_key_rotation.py"
        "::test_a_key_rotates_itself_and_what_it_made_and_a_session_all",
    ),
    _sql(
        "trigger: a finished assessment never changes",
        "DROP TRIGGER keep_answer ON assessments",
        _GUARDS + "test_finished_assessment_never_changes",
    ),
    _sql(
        "UNIQUE: a version changes an assessment once",
        "ALTER TABLE assessment_changes"
        " DROP CONSTRAINT uq_assessment_changes_assessment_id_source_to_version",
        _GUARDS + "test_version_changes_an_assessment_once",
    ),
    Mutation(
        "lists: answers are looked at again only after every process has the version",
        "app/assessments/rescreening.py",
        "ListReview.next_at <= now)",
        "True)",
        _REVIEWS + "test_version_is_looked_through_once_and_not_before_every_process_has_it",
    ),
    Mutation(
        "lists: an answer that comes late is looked at, too",
        "app/assessments/rescreening.py",
        "    elif waits:",
        "    elif False:",
        _REVIEWS + "test_answer_that_comes_late_from_an_old_version_is_marked_too",
    ),
    Mutation(
        "lists: an answer on the new version is not marked",
        "app/assessments/answer_changes.py",
        "if _version_in(answer, version.source) >= version.number:",
        "if False:",
        _REVIEWS + "test_answer_that_was_given_on_the_new_version_is_not_marked",
    ),
    Mutation(
        "lists: a day without lists is refused before any debit",
        "app/assessments/questions.py",
        "    if day < askable.first:",
        "    if False:",
        "tests/api/test_local_lists.py::test_day_before_the_first_list_is_refused_before_any_debit",
    ),
    Mutation(
        "no webhook goes to an address that is not public",
        "app/webhooks/connecting.py",
        "        if not all(self._policy.admits(address) for address in addresses):\n"
        "            raise AddressRefused\n",
        "",
        _SENDER + "test_any_refused_address_of_a_name_refuses_it_before_a_connection",
    ),
    Mutation(
        "a redirect of a webhook is a failure",
        "app/webhooks/sender.py",
        "    if http_status in range(200, 300):\n",
        "    if http_status in range(200, 400):\n",
        _SENDER + "test_redirects_are_failures_and_are_not_followed",
    ),
    Mutation(
        "an event has one webhook-id for ever",
        "app/webhooks/fan_out.py",
        '        "message_id": message_id(account_id, event.sequence),\n',
        '        "message_id": message_id(new_id("x"), event.sequence),\n',
        _DELIVERING + "test_deleted_log_is_made_anew_by_a_redelivery_under_the_same_id",
    ),
    Mutation(
        "a webhook whose job was lost is found",
        "app/webhooks/worker/deliveries.py",
        "            await jobs.wake_lost(session, resources.clock.now())\n",
        "            pass\n",
        _DELIVERING + "test_delivery_whose_job_or_process_was_lost_is_sent_all_the_same",
    ),
    Mutation(
        "the secret of a webhook endpoint is sealed under an Idempotency-Key",
        "app/webhooks/router.py",
        "idempotency.answer_once(resources, session, key, create, sealed_by=credentials)",
        "idempotency.answer_once(resources, session, key, create)",
        "tests/api/test_webhook_endpoints.py::"
        "test_secret_under_an_idempotency_key_is_shown_to_the_same_credentials_alone",
    ),
    Mutation(
        "events: streams are locked in one order before any is numbered",
        _EVENTS_MIGRATION,
        "        PERFORM pg_advisory_xact_lock(hashtextextended('event_stream:' || stream, 0));\n",
        "        NULL;\n",
        _NUMBERING + "test_parallel_writers_of_crossed_streams_leave_no_gap_and_lock_nobody_out",
    ),
    Mutation(
        "trigger: events are numbered at commit",
        _EVENTS_MIGRATION,
        "AFTER INSERT ON events DEFERRABLE INITIALLY DEFERRED FOR EACH ROW",
        "AFTER INSERT ON events FOR EACH ROW",
        _NUMBERING + "test_a_slow_writer_holds_up_nobody_and_comes_after_who_was_faster",
    ),
    Mutation(
        "trigger: the number of an event follows from its stream",
        _EVENTS_MIGRATION,
        "    SELECT COALESCE(max(sequence), 0) + 1 INTO NEW.sequence\n",
        "    SELECT COALESCE(NEW.sequence, max(sequence) + 1, 1) INTO NEW.sequence\n",
        _NUMBERING + "test_streams_are_append_only_and_numbered_by_the_database_alone",
    ),
    Mutation(
        "trigger: events never change",
        _EVENTS_MIGRATION,
        '_APPEND_ONLY: Final = ("events", "account_events")',
        '_APPEND_ONLY: Final = ("account_events",)',
        _NUMBERING + "test_streams_are_append_only_and_numbered_by_the_database_alone",
    ),
    Mutation(
        "trigger: numbers of events never change",
        _EVENTS_MIGRATION,
        '_APPEND_ONLY: Final = ("events", "account_events")',
        '_APPEND_ONLY: Final = ("events",)',
        _NUMBERING + "test_streams_are_append_only_and_numbered_by_the_database_alone",
    ),
    Mutation(
        "trigger: each movement of credits is told",
        _EVENTS_MIGRATION,
        "        FROM written ORDER BY id;\n",
        "        FROM written WHERE order_id IS NOT NULL ORDER BY id;\n",
        _NUMBERING + "test_each_movement_of_credits_is_told_as_the_ledger_lists_it",
    ),
    Mutation(
        "a key reads only the events of its scopes",
        "app/accounts/rules/event_scopes.py",
        "for told, scope in READABLE_BY.items() if limits.has(scope))",
        "for told in READABLE_BY)",
        _EVENTS + "test_a_key_reads_the_events_of_what_its_scopes_let_it_read",
    ),
    Mutation(
        "a stream shows nothing that it read after its key was revoked",
        "app/accounts/event_router.py",
        "        await reader.check_credentials()  # last: what they may not see any more is not shown\n",
        "",
        _EVENTS + "test_a_stream_ends_when_its_key_is_revoked_and_shows_nothing_of_later",
    ),
    Mutation(
        "a wait shows nothing that it read after its key was revoked",
        "app/accounts/event_router.py",
        "                await reader.check_credentials()  # they may be good no more\n",
        "",
        _EVENTS + "test_a_wait_is_refused_when_its_key_is_revoked_meanwhile",
    ),
)
