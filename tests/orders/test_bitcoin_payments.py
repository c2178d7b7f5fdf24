"""What money at the address of an order means: nothing, part, exact, more, late, taken back."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from app.orders.rules.bitcoin_payments import (
    Invoice,
    PaymentSummary,
    Valuation,
    arrived_at,
    evaluate_payment,
    unmatched_money,
)
from app.orders.rules.states import OrderStatus
from app.partners.esplora.outputs import ReceivedOutput
from tests.support.cases import each_case

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
# Ten credits at 50,000 satoshi, to be paid within an hour, honoured for another.
INVOICE = Invoice(
    due_satoshi=500_000,
    number_of_credits=10,
    price_satoshi=50_000,
    expires_at=NOW + HOUR,
    late_until=NOW + 2 * HOUR,
    confirmations_wanted=2,
)
TODAY = Valuation(price_satoshi=50_000, excess_to_credits=False)
IN_TIME = NOW + timedelta(minutes=30)
AFTER = NOW + timedelta(minutes=90)
LATE = NOW + timedelta(hours=3)


def output(
    value: int = 500_000, confirmations: int = 2, number: int = 0, **facts: object
) -> ReceivedOutput:
    usual = ReceivedOutput(
        txid=f"{number:064x}",
        output_index=0,
        value_satoshi=value,
        confirmations=confirmations,
        replaceable=False,
        block_time=None,
        seen_by_all=True,
    )
    return replace(usual, **facts)  # type: ignore[arg-type]


def judged(
    arrivals: Sequence[ReceivedOutput],
    *,
    came: datetime = IN_TIME,
    now: datetime = IN_TIME,
    invoice: Invoice = INVOICE,
    status: OrderStatus = OrderStatus.UNPAID,
    valuation: Valuation = TODAY,
) -> PaymentSummary:
    came_at = {arrival.id: came for arrival in arrivals}
    return evaluate_payment(invoice, arrivals, came_at, status=status, valuation=valuation, now=now)


@each_case("wanted", [0, 1, 2, 100])
def test_new_coins_count_with_their_hundredth_confirmation_and_no_sooner(wanted: int) -> None:
    invoice = replace(INVOICE, confirmations_wanted=wanted)
    for confirmations in (0, 1, 2, 6, 99):
        coins = output(confirmations=confirmations, is_coinbase=True)
        receipts = judged([coins], invoice=invoice)
        assert receipts.state == "PAID_UNCONFIRMED"
        assert (receipts.confirmations, receipts.confirmations_wanted) == (confirmations, 100)
        assert receipts.confirmed_satoshi == 0
    for confirmations in (100, 101):
        coins = output(confirmations=confirmations, is_coinbase=True)
        assert judged([coins], invoice=invoice).state == "PAID"


def test_new_coins_beside_enough_others_hold_nothing_up() -> None:
    receipts = judged([output(), output(9, 5, number=1, is_coinbase=True)])
    assert receipts.state == "PAID"
    assert (receipts.confirmations, receipts.confirmations_wanted) == (2, 2)


def test_part_in_new_coins_holds_the_amount_up_until_they_may_be_spent() -> None:
    part = output(499_999, 6)
    receipts = judged([part, output(1, 40, number=1, is_coinbase=True)])
    assert receipts.state == "PAID_UNCONFIRMED"
    assert (receipts.confirmations, receipts.confirmations_wanted) == (40, 100)
    assert judged([part, output(1, 100, number=1, is_coinbase=True)]).state == "PAID"


@each_case(
    ("arrivals", "state"),
    [
        ([], "UNPAID"),
        ([output(545)], "UNPAID"),
        ([output(546)], "UNDERPAID"),
        ([output(499_999, 9)], "UNDERPAID"),
        ([output(500_000, 0)], "PAID_UNCONFIRMED"),
        ([output(500_000, 1)], "PAID_UNCONFIRMED"),
        ([output(500_000, 2)], "PAID"),
        ([output(900_000, 2)], "PAID"),
        ([output(200_000, 6), output(300_000, 2, 1)], "PAID"),
        ([output(200_000, 6), output(300_000, 1, 1)], "PAID_UNCONFIRMED"),
        ([output(499_999, 6), output(1, 1, 1)], "PAID_UNCONFIRMED"),
    ],
)
def test_state_follows_from_the_sum_and_its_confirmations(
    arrivals: list[ReceivedOutput], state: str
) -> None:
    assert judged(arrivals).state == state


@each_case(
    ("arrivals", "state"),
    [
        ([], "TIMED_OUT"),
        ([output(545)], "TIMED_OUT"),
        ([output(499_999)], "TIMED_OUT"),
        ([output(500_000, 0)], "PAID_UNCONFIRMED"),
        ([output(500_000, 2)], "PAID"),
    ],
)
def test_after_the_window_only_the_whole_amount_keeps_an_order_alive(
    arrivals: list[ReceivedOutput], state: str
) -> None:
    assert judged(arrivals, now=INVOICE.expires_at).state == state


def test_part_that_vanishes_leaves_the_order_underpaid_until_it_times_out() -> None:
    assert judged([], status=OrderStatus.UNDERPAID).state == "UNDERPAID"
    assert judged([], status=OrderStatus.UNDERPAID, now=AFTER).state == "TIMED_OUT"


def test_payment_that_is_taken_back_is_reported_as_what_is_left() -> None:
    waiting = OrderStatus.PAID_UNCONFIRMED
    assert judged([], status=waiting).state == "UNPAID"
    assert judged([output(1000)], status=waiting).state == "UNDERPAID"
    assert judged([], status=waiting, now=AFTER).state == "TIMED_OUT"


def test_receipts_say_what_came_and_how_sure_it_is() -> None:
    receipts = judged([output(200_000, 6), output(400_000, 1, 1)])
    assert (receipts.received_satoshi, receipts.confirmed_satoshi) == (600_000, 200_000)
    assert receipts.confirmations == 1
    assert judged([output(400_000, 6)]).confirmations == 0


def test_money_within_the_grace_buys_at_the_old_price() -> None:
    dearer = Valuation(price_satoshi=125_000, excess_to_credits=False)
    receipts = judged([output()], came=INVOICE.late_until, now=LATE, valuation=dearer)
    assert (receipts.state, receipts.credits, receipts.price_satoshi) == ("PAID", 10, 50_000)


@each_case(
    ("price", "excess", "credits_due"),
    [(125_000, False, 4), (50_000, False, 10), (25_000, False, 10), (25_000, True, 20)],
)
def test_money_after_the_grace_buys_at_todays_price(
    price: int, excess: bool, credits_due: int
) -> None:
    today = Valuation(price_satoshi=price, excess_to_credits=excess)
    receipts = judged([output()], came=LATE, now=LATE, valuation=today)
    assert receipts.state == "PAID"
    assert (receipts.credits, receipts.price_satoshi) == (credits_due, price)


def test_money_after_the_grace_that_buys_nothing_leaves_the_order_timed_out() -> None:
    today = Valuation(price_satoshi=500_001, excess_to_credits=False)
    assert judged([output()], came=LATE, now=LATE, valuation=today).state == "TIMED_OUT"


def test_granted_order_stays_paid_however_dear_credits_become() -> None:
    today = Valuation(price_satoshi=500_001, excess_to_credits=False)
    paid = judged([output()], came=LATE, now=LATE, valuation=today, status=OrderStatus.PAID)
    assert paid.state == "PAID"


def test_amount_is_late_when_its_last_part_is() -> None:
    arrivals = [output(400_000), output(100_000, number=1)]
    came_at = {arrivals[0].id: IN_TIME, arrivals[1].id: LATE}
    today = Valuation(price_satoshi=100_000, excess_to_credits=False)
    late = evaluate_payment(
        INVOICE, arrivals, came_at, status=OrderStatus.TIMED_OUT, valuation=today, now=LATE
    )
    assert late.credits == 5
    more = [output(500_000), output(100_000, number=1)]
    in_time = evaluate_payment(
        INVOICE, more, came_at, status=OrderStatus.UNPAID, valuation=today, now=LATE
    )
    assert in_time.credits == 10


@each_case(
    ("value", "excess", "credits_due"),
    [(549_999, True, 10), (550_000, True, 11), (1_000_000, True, 20), (1_000_000, False, 10)],
)
def test_excess_buys_whole_credits_only_where_that_is_set(
    value: int, excess: bool, credits_due: int
) -> None:
    valuation = Valuation(price_satoshi=50_000, excess_to_credits=excess)
    assert judged([output(value)], valuation=valuation).credits == credits_due


def test_unconfirmed_excess_buys_nothing() -> None:
    valuation = Valuation(price_satoshi=50_000, excess_to_credits=True)
    receipts = judged([output(500_000), output(500_000, 1, 1)], valuation=valuation)
    assert (receipts.state, receipts.credits) == ("PAID", 10)


@each_case(
    ("arrival", "state"),
    [
        (output(confirmations=0), "PAID"),
        (output(confirmations=0, replaceable=True), "PAID_UNCONFIRMED"),
        (output(confirmations=0, seen_by_all=False), "PAID_UNCONFIRMED"),
        (output(confirmations=1, replaceable=True), "PAID"),
    ],
)
def test_without_confirmations_counts_only_what_nobody_may_take_back(
    arrival: ReceivedOutput, state: str
) -> None:
    assert judged([arrival], invoice=replace(INVOICE, confirmations_wanted=0)).state == state


def test_output_came_when_it_was_first_seen_or_its_block_if_that_is_earlier() -> None:
    new, kept = output(number=1), output(number=2)
    mined = output(number=3, block_time=IN_TIME)
    early = output(number=4, block_time=LATE)
    came = arrived_at([new, kept, mined, early], {kept.id: NOW}, AFTER)
    assert [came[one.id] for one in (new, kept, mined, early)] == [AFTER, NOW, IN_TIME, AFTER]


@each_case(
    ("status", "received", "credited", "alarm"),
    [
        ("TIMED_OUT", 1, 0, "money_without_credits"),
        ("FAILED", 500_000, 0, "money_without_credits"),
        ("TIMED_OUT", 0, 0, None),
        ("PAID", 500_000, 500_000, None),
        ("PAID", 500_545, 500_000, None),
        ("PAID", 500_546, 500_000, "money_beyond_the_price"),
        ("PAID", 400_000, 500_000, None),
        ("UNDERPAID", 400_000, 0, None),
        ("PAID_UNCONFIRMED", 900_000, 0, None),
    ],
)
def test_money_without_credits_rings(
    status: str, received: int, credited: int, alarm: str | None
) -> None:
    assert unmatched_money(OrderStatus(status), received, credited) == alarm


_OUTPUTS = st.lists(
    st.tuples(st.integers(0, 700_000), st.integers(0, 8)).map(lambda one: output(*one)),
    max_size=6,
).map(lambda many: [replace(one, output_index=index) for index, one in enumerate(many)])


@given(
    _OUTPUTS,
    st.sampled_from([IN_TIME, AFTER, LATE]),
    st.integers(1, 200_000),
    st.booleans(),
)
def test_grant_never_buys_more_than_confirmed_money_pays_for(
    arrivals: list[ReceivedOutput], came: datetime, price: int, excess: bool
) -> None:
    valuation = Valuation(price_satoshi=price, excess_to_credits=excess)
    receipts = judged(arrivals, came=came, now=LATE, valuation=valuation)
    if receipts.state is OrderStatus.PAID:
        confirmed = sum(one.value_satoshi for one in arrivals if one.confirmations >= 2)
        assert receipts.credits >= 1
        assert receipts.credits * receipts.price_satoshi <= confirmed
        assert excess or receipts.credits <= 10


@given(_OUTPUTS, _OUTPUTS)
def test_order_of_the_outputs_does_not_matter(
    arrivals: list[ReceivedOutput], others: list[ReceivedOutput]
) -> None:
    mixed = arrivals + [replace(one, txid="f" * 64) for one in others]
    assert judged(mixed) == judged(mixed[::-1])
