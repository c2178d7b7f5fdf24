"""What the payment page says, by table: every state of an order on both rails, and nothing private."""

import re
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from string import Formatter
from typing import Any, Final

import pytest

from app.orders.payment_page import page
from app.orders.payment_page.linked_order import LinkedOrder
from app.orders.payment_page.links import leads_back
from app.orders.payment_page.situation import PageState
from app.orders.payment_page.texts import ENGLISH
from app.orders.payment_page.view import PaymentPageView, payment_page_view
from app.orders.queries import OrderView, OutputFacts, PaymentFacts, SettlementWord
from app.orders.rules.bitcoin_payments import Valuation
from app.orders.rules.rails import Rail
from app.orders.rules.states import OrderStatus
from app.orders.rules.transition import OrderFailureReason
from app.runtime import pages
from app.runtime.origins import origin_of, read_origin
from app.runtime.qr import qr_code
from tests.support.cases import each_case

NOW: Final = datetime(2026, 1, 11, 12, 46, 3, tzinfo=UTC)
HOUR: Final = timedelta(hours=1)
# BIP 84, "Test vectors": the first receiving address of account 0.
ADDRESS: Final = "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu"
TXID: Final = "ab" * 32
PAYOUT: Final = "cd" * 32
# AEON.to API v3, "Querying order status", the example.
INTEGRATED: Final = (
    "Sz4Dra9LBvxGYQyHqRH54fgtXb3m3wnQ52EftauD2aMm1rmnrBwYDsudZj7MDgqB6Q1DgVR4jBgJdTFDZmssEdX71ES97"
    "Z3M99r2Hv8KMQuE"
)
PLAIN_ADDRESS: Final = (
    "Sm6XWv4nmULGYQyHqRH54fgtXb3m3wnQ52EftauD2aMm1rmnrBwYDsudZj7MDgqB6Q1DgVR4jBgJdTFDZmssEdX711h3W"
    "yGzE"
)
LONG_ID: Final = "6db2414c87fd343fdd6ef4d73aa5f899372868da08faf4c0f5950a666ed08ad7"
VALUATION: Final = Valuation(price_satoshi=50_000, excess_to_credits=False)
DEARER: Final = Valuation(price_satoshi=100_000, excess_to_credits=False)
TOO_DEAR: Final = Valuation(price_satoshi=1_000_000, excess_to_credits=False)
EXCESS: Final = Valuation(price_satoshi=50_000, excess_to_credits=True)
ORDER: Final = OrderView(
    id="ord_00VbhnY6RLeQ2oZmgNCoZuaKC",
    rail=Rail.BITCOIN,
    status=OrderStatus.UNPAID,
    created_at=NOW,
    updated_at=NOW,
    number_of_credits=10,
    price_btc=Decimal("0.0005"),
    credits_granted=None,
    grant_price_btc=None,
    payment_coin="Bitcoin",
    payment_network="BTC",
    btc_amount=Decimal("0.005"),
    failure_reason=None,
    client_reference=None,
    metadata=None,
    watched=True,
    payment=None,
)
IN_BITCOIN: Final = PaymentFacts(
    last_reported_state="UNPAID",
    expires_at=NOW + HOUR,
    bitcoin_address=ADDRESS,
    late_until=NOW + 2 * HOUR,
    received_btc=Decimal(0),
    confirmations_wanted=2,
    confirmations_seen=0,
)
IN_AEON: Final = PaymentFacts(
    last_reported_state="UNPAID",
    expires_at=NOW + HOUR / 4,
    receiving_address=PLAIN_ADDRESS,
    receiving_integrated_address=INTEGRATED,
    required_payment_id_long=LONG_ID,
    required_payment_id_short="7c855c2228e19671",
    incoming_amount_total=Decimal("14.4265105"),
    remaining_amount_incoming=Decimal("14.4265105"),
    incoming_num_confirmations_remaining=-1,
    btc_transaction_id=PAYOUT,
    settlement=SettlementWord.VERIFIED,
)


def output(amount_btc: str = "0.005", confirmations: int = 0, *, gone: bool = False) -> OutputFacts:
    return OutputFacts(TXID, 0, Decimal(amount_btc), confirmations, gone)


def bitcoin(status: str, *, received: str = "0", **changes: Any) -> OrderView:  # noqa: ANN401
    """Return an order in bitcoin; changes that a payment has are its own."""
    facts: dict[str, Any] = {"received_btc": Decimal(received)}
    if Decimal(received) > 0:
        facts["outputs"] = (output(received),)
    return _order(replace(ORDER, payment=replace(IN_BITCOIN, **facts)), status, changes)


def aeon(status: str, **changes: Any) -> OrderView:  # noqa: ANN401
    """Return an order in AEON; changes that a payment has are its own."""
    order = replace(ORDER, rail=Rail.AEONTO, payment_coin="Aeon", payment_network="AEON")
    return _order(replace(order, payment=IN_AEON), status, changes)


def _order(order: OrderView, status: str, changes: Mapping[str, Any]) -> OrderView:
    of_payment = {name: value for name, value in changes.items() if hasattr(IN_AEON, name)}
    others = {name: value for name, value in changes.items() if name not in of_payment}
    payment = order.payment and replace(order.payment, **of_payment)
    return replace(order, status=OrderStatus(status), **{"payment": payment, **others})


def shown(
    order: OrderView,
    after: timedelta = timedelta(0),
    valuation: Valuation = VALUATION,
    return_url: str | None = None,
) -> PaymentPageView:
    linked = LinkedOrder(order, None, return_url, NOW + 24 * HOUR)
    return payment_page_view(linked, valuation, NOW + after)


GRANTED: Final = {"credits_granted": 10, "grant_price_btc": Decimal("0.0005")}
# What stands in the page, by hand: state, headline, whether it asks for money, and what it says.
CASES: Final[dict[str, tuple[PaymentPageView, str, str, bool, tuple[str, ...]]]] = {
    "AEON, no address yet": (
        shown(aeon("TO_BE_CREATED", payment=None)),
        "preparing",
        "Preparing the payment",
        False,
        ("The address to pay to is being made",),
    ),
    "AEON, unpaid": (
        shown(aeon("UNPAID")),
        "waiting",
        "Waiting for payment",
        True,
        ("Send exactly 14.4265105 AEON",),
    ),
    "AEON, part paid": (
        shown(aeon("UNDERPAID", remaining_amount_incoming=Decimal("7.2"))),
        "part_paid",
        "A part of the payment has arrived",
        True,
        ("Send the rest, 7.2 AEON",),
    ),
    "AEON, seen": (
        shown(aeon("PAID_UNCONFIRMED")),
        "seen",
        "Payment seen",
        False,
        ("do not pay again",),
    ),
    "AEON, confirming": (
        shown(aeon("PAID_UNCONFIRMED", incoming_num_confirmations_remaining=1)),
        "confirming",
        "Confirming the payment",
        False,
        ("One more confirmation is needed.", "do not pay again"),
    ),
    "AEON, paid": (
        shown(aeon("PAID")),
        "paid",
        "Payment confirmed",
        False,
        ("Your credits are added within minutes",),
    ),
    "AEON, sent": (
        shown(aeon("BTC_SENT", **GRANTED)),
        "credited",
        "10 credits added",
        False,
        ("The payment is complete.",),
    ),
    "AEON, one credit": (
        shown(aeon("BTC_SENT", **{**GRANTED, "credits_granted": 1})),
        "credited",
        "1 credit added",
        False,
        (),
    ),
    "AEON, timed out": (
        shown(aeon("TIMED_OUT")),
        "timed_out",
        "The time to pay is over",
        False,
        ("Ask the seller for a new one", "AEON.to decides whether it honours"),
    ),
    "AEON, over and not seen yet": (
        shown(aeon("UNPAID"), after=HOUR),
        "timed_out",
        "The time to pay is over",
        False,
        ("Do not pay this order any more",),
    ),
    "AEON, cancelled": (
        shown(aeon("CANCELLED")),
        "cancelled",
        "This order was cancelled",
        False,
        ("Do not pay it any more", "AEON.to decides"),
    ),
    "AEON, cancelled before it had an address": (
        shown(aeon("CANCELLED", payment=None)),
        "cancelled",
        "This order was cancelled",
        False,
        ("Nobody was told where to pay it.",),
    ),
    "AEON, not found": (
        shown(aeon("NOT_FOUND")),
        "unknown",
        "The payment is not known any more",
        False,
        ("Do not pay it.", "AEON.to decides"),
    ),
    "AEON, refused": (
        shown(aeon("FAILED", payment=None, failure_reason=OrderFailureReason.REFUSED.value)),
        "failed",
        "This order failed",
        False,
        ("was refused by AEON.to", "Nobody was told where to pay it."),
    ),
    "AEON, too late upstream": (
        shown(aeon("FAILED", payment=None, failure_reason=OrderFailureReason.DEADLINE.value)),
        "failed",
        "This order failed",
        False,
        ("did not accept this order in time",),
    ),
    "bitcoin, unpaid": (
        shown(bitcoin("UNPAID")),
        "waiting",
        "Waiting for payment",
        True,
        ("Send exactly 0.005 BTC",),
    ),
    "bitcoin, part paid": (
        shown(bitcoin("UNDERPAID", received="0.002")),
        "part_paid",
        "A part of the payment has arrived",
        True,
        ("0.002 of 0.005 BTC have arrived.", "Send the rest, 0.003 BTC"),
    ),
    "bitcoin, seen": (
        shown(bitcoin("PAID_UNCONFIRMED", received="0.005")),
        "seen",
        "Payment seen",
        False,
        ("do not pay again",),
    ),
    "bitcoin, confirming": (
        shown(bitcoin("PAID_UNCONFIRMED", received="0.005", confirmations_seen=1)),
        "confirming",
        "Confirming the payment: 1 of 2",
        False,
        ("One more confirmation is needed.",),
    ),
    "bitcoin, confirming new coins": (
        shown(
            bitcoin(
                "PAID_UNCONFIRMED",
                received="0.005",
                confirmations_seen=3,
                confirmations_wanted=100,
            )
        ),
        "confirming",
        "Confirming the payment: 3 of 100",
        False,
        ("97 more confirmations are needed.",),
    ),
    "bitcoin, confirming what came late": (
        shown(bitcoin("PAID_UNCONFIRMED", received="0.005", confirmations_seen=1), after=3 * HOUR),
        "confirming",
        "Confirming the payment: 1 of 2",
        False,
        ("The time to pay ended at 2026-01-11 14:46 UTC",),
    ),
    "bitcoin, seen with an excess": (
        shown(bitcoin("PAID_UNCONFIRMED", received="0.0065")),
        "seen",
        "Payment seen",
        False,
        ("0.0015 BTC more than asked for have arrived. Ask the seller to send them back",),
    ),
    "bitcoin, seen with an excess that buys": (
        shown(bitcoin("PAID_UNCONFIRMED", received="0.0065"), valuation=EXCESS),
        "seen",
        "Payment seen",
        False,
        ("Whole credits are added for them as well.",),
    ),
    "bitcoin, credited": (
        shown(bitcoin("PAID", received="0.005", confirmations_seen=2, **GRANTED)),
        "credited",
        "10 credits added",
        False,
        ("There is nothing more to do.",),
    ),
    "bitcoin, overpaid": (
        shown(bitcoin("PAID", received="0.0065", **GRANTED)),
        "credited",
        "10 credits added",
        False,
        ("0.0015 BTC were paid that bought no credits. Ask the seller to send them back, and name"
         " order ord_00VbhnY6RLeQ2oZmgNCoZuaKC.",),
    ),
    "bitcoin, an excess that bought": (
        shown(bitcoin("PAID", received="0.0065", **{**GRANTED, "credits_granted": 13})),
        "credited",
        "13 credits added",
        False,
        ("10 were ordered. The payment bought 13, at 0.0005 BTC each.",),
    ),
    "bitcoin, late and dearer": (
        shown(
            bitcoin(
                "PAID",
                received="0.005",
                credits_granted=5,
                grant_price_btc=Decimal("0.001"),
            )
        ),
        "credited",
        "5 credits added",
        False,
        ("complete only after 2026-01-11 14:46 UTC", "bought 5 credits", "10 were ordered"),
    ),
    "bitcoin, given by an operator": (
        shown(bitcoin("PAID", received="0.002", credits_granted=10)),
        "credited",
        "10 credits added",
        False,
        ("The seller added them.",),
    ),
    "bitcoin, vanished after the grant": (
        shown(bitcoin("PAID", received="0", **GRANTED)),
        "credited",
        "10 credits added",
        False,
        ("no longer on the chain", "The credits were added before"),
    ),
    "bitcoin, replaced while it confirmed": (
        shown(bitcoin("PAID_UNCONFIRMED", outputs=(output(gone=True),))),
        "replaced",
        "A payment has vanished",
        False,
        ("replaced, spent elsewhere", "Do not pay a second time now."),
    ),
    "bitcoin, a part replaced": (
        shown(bitcoin("UNDERPAID", outputs=(output("0.002", gone=True),))),
        "replaced",
        "A payment has vanished",
        True,
        ("send 0.005 BTC to the address below",),
    ),
    "bitcoin, timed out": (
        shown(bitcoin("TIMED_OUT"), after=HOUR),
        "timed_out",
        "The time to pay is over",
        False,
        ("once 0.005 BTC in all have come by 2026-01-11 14:46 UTC, 10 credits are added",),
    ),
    "bitcoin, timed out, after the grace time": (
        shown(bitcoin("TIMED_OUT"), after=3 * HOUR, valuation=DEARER),
        "timed_out",
        "The time to pay is over",
        False,
        ("Today that is 5 of 10 credits, at 0.001 BTC each.",),
    ),
    "bitcoin, timed out, worth nothing any more": (
        shown(bitcoin("TIMED_OUT"), after=3 * HOUR, valuation=TOO_DEAR),
        "timed_out",
        "The time to pay is over",
        False,
        ("A payment that still comes buys nothing.", "ask the seller to send it back"),
    ),
    "bitcoin, timed out with a part": (
        shown(bitcoin("TIMED_OUT", received="0.002"), after=HOUR),
        "timed_out",
        "The time to pay is over",
        False,
        ("0.002 BTC have arrived, and bought nothing so far. Ask the seller to send them back",),
    ),
    "bitcoin, cancelled": (
        shown(bitcoin("CANCELLED")),
        "cancelled",
        "This order was cancelled",
        False,
        ("Ask the seller for a new one.",),
    ),
    "bitcoin, closed by an operator": (
        shown(
            bitcoin(
                "FAILED", received="0.005", failure_reason=OrderFailureReason.CLOSED.value
            )
        ),
        "failed",
        "This order failed",
        False,
        ("The seller closed this order.", "0.005 BTC have arrived", "buys nothing"),
    ),
}  # fmt: skip


@each_case("name", CASES)
def test_the_page_says_what_the_state_is_and_what_to_do(name: str) -> None:
    view, state, headline, asks, said = CASES[name]
    assert (view.state, view.headline, view.ask is not None) == (state, headline, asks)
    sentences = " ".join(view.sentences)
    for part in said:
        assert part in sentences


def test_the_table_has_every_state_of_the_page() -> None:
    assert {view.state for view, *_ in CASES.values()} == set(PageState)


@each_case("status", OrderStatus)
def test_no_status_is_without_a_page_on_either_rail(status: OrderStatus) -> None:
    failure = OrderFailureReason.CLOSED.value if status is OrderStatus.FAILED else None
    for make in (aeon, bitcoin):
        view = shown(make(status, failure_reason=failure))
        assert view.headline
        assert view.sentences


@each_case(
    ("view", "marks", "third"),
    [
        (shown(aeon("UNPAID")), "current coming coming coming", "Confirming"),
        (
            shown(bitcoin("PAID_UNCONFIRMED", received="0.005")),
            "done current coming coming",
            "Confirming",
        ),
        (
            shown(bitcoin("PAID_UNCONFIRMED", received="0.005", confirmations_seen=1)),
            "done done current coming",
            "Confirming 1 of 2",
        ),
        (shown(aeon("PAID")), "done done done current", "Confirming"),
        (shown(aeon("BTC_SENT", **GRANTED)), "done done done done", "Confirming"),
    ],
)
def test_the_steps_show_how_far_the_payment_is(
    view: PaymentPageView, marks: str, third: str
) -> None:
    assert " ".join(step.mark for step in view.steps) == marks
    assert view.steps[2].words == third


def test_the_page_asks_for_the_exact_amount_at_the_address_of_the_coin() -> None:
    in_bitcoin = shown(bitcoin("UNDERPAID", received="0.002")).ask
    in_aeon = shown(aeon("UNPAID")).ask
    assert in_bitcoin is not None
    assert in_aeon is not None
    assert (in_bitcoin.amount, in_bitcoin.coin, in_bitcoin.address) == ("0.003", "BTC", ADDRESS)
    assert in_bitcoin.uri == f"bitcoin:{ADDRESS}?amount=0.003"
    assert in_bitcoin.payment_id is None
    assert (in_bitcoin.seconds_left, in_bitcoin.time_left) == (3600, "1:00:00")
    assert (in_aeon.amount, in_aeon.coin, in_aeon.address) == ("14.4265105", "AEON", INTEGRATED)
    assert in_aeon.uri == f"aeon:{INTEGRATED}?tx_amount=14.4265105"
    assert in_aeon.payment_id is not None
    assert asdict(in_aeon.payment_id) == {"address": PLAIN_ADDRESS, "payment_id": LONG_ID}
    assert (in_aeon.time_left, in_aeon.pay_until) == ("15:00", "to pay, until 2026-01-11 13:01 UTC")


def test_a_page_that_differs_in_the_time_that_is_left_alone_is_the_same() -> None:
    order = bitcoin("UNPAID")
    assert shown(order) == shown(order, after=timedelta(seconds=1))
    assert shown(order) != shown(order, after=HOUR)


def test_a_page_of_what_is_final_is_loaded_no_more_and_any_other_is() -> None:
    for view, *_ in CASES.values():
        final = view.state in (PageState.CREDITED, PageState.FAILED)
        assert view.is_live is not final


def test_a_receipt_is_there_once_the_credits_are_and_says_what_was_paid() -> None:
    for view, *_ in CASES.values():
        assert (view.receipt is not None) is (view.state is PageState.CREDITED)
    receipt = shown(bitcoin("PAID", received="0.0065", **GRANTED)).receipt
    in_aeon = shown(aeon("BTC_SENT", **GRANTED)).receipt
    given = shown(bitcoin("PAID", received="0.002", credits_granted=10)).receipt
    assert receipt is not None
    assert in_aeon is not None
    assert given is not None
    assert dict(receipt.facts) == {
        "Order": ORDER.id,
        "Ordered at": "2026-01-11 12:46 UTC",
        "Credits": "10",
        "Added at": "2026-01-11 12:46 UTC",
        "Paid": "0.0065 BTC",
        "Paid to": ADDRESS,
    }
    assert dict(in_aeon.facts)["Paid"] == "14.4265105 AEON"
    assert "Paid" not in dict(given.facts), "an operator may give what nobody paid"


@each_case("name", CASES)
def test_each_page_is_drawn_with_what_it_says_and_nothing_private(name: str) -> None:
    view = CASES[name][0]
    drawn = page.render(view)
    words = re.sub(r"<[^>]+>", " ", drawn)
    for sentence in (view.headline, *view.sentences):
        assert sentence in words
    assert "built-in" not in drawn
    if view.ask is not None:
        assert qr_code(view.ask.uri).path in drawn
    assert PAYOUT not in drawn, "how the seller is paid is its own business"
    assert "style=" not in drawn
    assert not re.search(r"<script(?! src=)| on\w+=", drawn)
    assert page.render_parts(view).strip() in drawn


def test_a_page_leads_back_only_where_its_link_says() -> None:
    back = shown(bitcoin("UNPAID"), return_url="https://shop.example.com/thanks?order=1").back
    assert back is not None
    assert back.words == "Back to shop.example.com"
    drawn = page.render(shown(bitcoin("UNPAID"), return_url='https://shop.example.com/"><script>'))
    assert '"><script>' not in drawn


# The catalogue


def test_every_text_is_used_and_every_text_that_is_used_is_there() -> None:
    package = Path(page.__file__).parent
    sources = "".join(
        (package / f"{name}.py").read_text() for name in ("situation", "view", "page")
    )
    templates = "".join(each.read_text() for each in pages.TEMPLATES.glob("payment*.html"))
    named = set(re.findall(r'"([a-z_]+)"', sources)) | set(re.findall(r"words\.(\w+)", templates))
    made = {state.value for state in PageState} | {"heading_one", "credited_one"}
    made |= {f"{name}_why" for name in ("invalid", "away")} | {"invalid", "away"}
    assert set(ENGLISH) - named - made == set()


def test_templates_and_script_hold_no_sentence() -> None:
    for path in pages.TEMPLATES.glob("payment*.html"):
        template = re.sub(
            r"\{#.*?#\}|\{\{.*?\}\}|\{%.*?%\}|<[^>]*>", "", path.read_text(), flags=re.S
        )
        assert not re.search(r"[A-Za-z]{2}", template), path.name


def test_names_in_braces_are_words() -> None:
    for key, words in ENGLISH.items():
        for _, name, _, _ in Formatter().parse(words):
            assert name is None or name.isidentifier(), key


# Origins


@each_case(
    ("url", "origin"),
    [
        ("https://Shop.Example.com/a?b#c", "https://shop.example.com"),
        ("https://shop.example.com:443/", "https://shop.example.com"),
        ("https://shop.example.com:8443", "https://shop.example.com:8443"),
        ("http://localhost:3000/x", "http://localhost:3000"),
        ("http://127.0.0.1:80", "http://127.0.0.1"),
        ("https://[2001:db8::1]:444/x", "https://[2001:db8::1]:444"),
    ],
)
def test_an_origin_is_scheme_host_and_port(url: str, origin: str) -> None:
    assert origin_of(url) == origin


@each_case(
    "url",
    [
        "",
        "shop.example.com",
        "//shop.example.com/",
        "javascript:alert(1)",
        "data:text/html,x",
        "ftp://shop.example.com/",
        "http://shop.example.com/",
        "https://",
        "https:///path",
        "https://shop.example.com:0/",
        "https://shop.example.com:99999/",
        "https://shop.example.com:x/",
        "https://shop.example.com@evil.example/",
        "https://evil.example\\@shop.example.com/",
        "https://shop.example.com\\.evil.example/",
        "https://shop.example.com%2eevil.example/",
        "https://shop.example.com /",
        "https://shop.exämple.com/",
        "https://shop.example.com/\n",
        "https://shop.example.com/" + "a" * 2000,
    ],
)
def test_what_is_no_plain_url_of_a_web_page_has_no_origin(url: str) -> None:
    with pytest.raises(ValueError, match="must be"):
        origin_of(url)
    assert not leads_back(url, ["https://shop.example.com"])


@each_case(
    "url",
    [
        "https://shop.example.com.evil.example/",
        "https://evil.example/https://shop.example.com",
        "https://shop.example.com:8443/",
        "http://localhost/",
        "https://www.shop.example.com/",
        "https://shop.example.com./",
    ],
)
def test_another_origin_is_not_the_allowed_one(url: str) -> None:
    assert not leads_back(url, ["https://shop.example.com"])


def test_an_origin_of_the_settings_stands_alone() -> None:
    assert read_origin("https://shop.example.com/") == "https://shop.example.com"
    for text in ("https://shop.example.com/x", "https://shop.example.com/?", "*"):
        with pytest.raises(ValueError, match="must be"):
            read_origin(text)
