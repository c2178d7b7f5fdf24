"""`check_order_status` and `GET /api/orders`: the payment, and who sees an order."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import pytest

from app.orders import leases
from app.orders.rules.rails import Rail
from app.orders.rules.settlement import Settlement, SettlementFault, Unverified, Verified
from app.partners.aeonto.report import Report
from tests.api import problems
from tests.api.asking import anonymised, ask, balance_of, look, refusal
from tests.api.conftest import ApiFixture
from tests.support.application import BTC_DEST_ADDRESS, Application
from tests.support.cases import each_case
from tests.support.orders import apply_refusal, apply_report
from tests.support.people import Person

ORDER: Final = {
    "number_of_credits": 10,
    "payment_coin": "Aeon",
    "payment_network": "AEON",
    "order_is_for_self": True,
}
ABSENT: Final = "ord_0000000000000000000000000"
# Addresses and payment ids of the example in AEON.to API v3, "Querying order status".
ADDRESS: Final = "Sm6XWv4nmULGYQyHqRH54fgtXb3m3wnQ52EftauD2aMm1rmnrBwYDsudZj7MDgqB6Q1DgVR4jBgJdTFDZmssEdX711h3WyGzE"
INTEGRATED: Final = "Sz4Dra9LBvxGYQyHqRH54fgtXb3m3wnQ52EftauD2aMm1rmnrBwYDsudZj7MDgqB6Q1DgVR4jBgJdTFDZmssEdX71ES97Z3M99r2Hv8KMQuE"
LONG_ID: Final = "6db2414c87fd343fdd6ef4d73aa5f899372868da08faf4c0f5950a666ed08ad7"
TRANSACTION: Final = "4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b"

CREATED: Final = Report(
    state="TO_BE_CREATED",
    uuid="aeonto-XCZEsu",
    btc_amount=Decimal("0.005"),
    btc_dest_address=BTC_DEST_ADDRESS,
)
UNPAID: Final = replace(
    CREATED,
    state="UNPAID",
    receiving_address=ADDRESS,
    receiving_integrated_address=INTEGRATED,
    required_payment_id_long=LONG_ID,
    required_payment_id_short="7c855c2228e19671",
    incoming_amount_total=Decimal("14.4265105"),
    remaining_amount_incoming=Decimal("14.4265105"),
    incoming_num_confirmations_remaining=-1,
    btc_num_confirmations=0,
    created_at=datetime(2026, 1, 11, 12, 46, 3, tzinfo=UTC),
    expires_at=datetime(2026, 1, 11, 13, 1, 3, tzinfo=UTC),
)
UNPAID_PAYMENT: Final[dict[str, Any]] = {
    "rail": "aeonto",
    "state": "UNPAID",
    "pay_to": INTEGRATED,
    "address": ADDRESS,
    "payment_id_long": LONG_ID,
    "integrated_address": INTEGRATED,
    "payment_id_short": "7c855c2228e19671",
    "amount_total": "14.4265105",
    "amount_received": None,
    "amount_remaining": "14.4265105",
    "uri": f"aeon:{INTEGRATED}?tx_amount=14.4265105",
    "expires_at": "2026-01-11T13:01:03Z",
    "seconds_left": 900,
    "late_until": None,
    "late_payment": None,
    "vanished": False,
    "confirmations_remaining": None,
    "btc_transaction_id": None,
    "btc_confirmations": 0,
    "settlement": None,
    "confirmations_wanted": None,
    "confirmations_seen": None,
    "transactions": [],
}


async def place(application: Application, buyer: Person, **changes: object) -> str:
    answer = await ask(application, "new_order", {**ORDER, **changes}, buyer)
    assert answer.status_code == 201
    order_id: str = answer.json()["order_id"]
    return order_id


async def accept(application: Application) -> None:
    """Let AEON.to accept the only order there is."""
    now = application.clock.now()
    async with application.database.sessions() as session:
        job = await leases.claim_creation(session, now)
    assert job is not None
    async with application.database.sessions() as session:
        await apply_report(session, job, CREATED, now)


async def report(
    application: Application, said: Report, settlement: Settlement | None = None
) -> None:
    """Let AEON.to answer the next look at the only order there is."""
    application.clock.advance(5)
    now = application.clock.now()
    async with application.database.sessions() as session:
        job = await leases.claim_poll(session, Rail.AEONTO, now)
    assert job is not None
    async with application.database.sessions() as session:
        await apply_report(session, job, said, now, settlement)


async def status(application: Application, order_id: str, by: Person) -> dict[str, Any]:
    body = {"order_id": order_id, "access_code": by.access_code}
    answer = await ask(application, "check_order_status", body, by)
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


async def test_an_order_is_shown_with_all_its_fields(
    application: Application, user: Person
) -> None:
    order_id = await place(application, user)

    assert await status(application, order_id, user) == {
        "order_id": order_id,
        "status": "TO_BE_CREATED",
        "created_at": "2026-01-11T12:46:03Z",
        "updated_at": "2026-01-11T12:46:03Z",
        "number_of_credits": 10,
        "payment_coin": "Aeon",
        "payment_network": "AEON",
        "credit_price_btc": "0.0005",
        "credits_granted": None,
        "grant_price_btc": None,
        "notice": None,
        "btc_amount": "0.005",
        "failure_reason": None,
        "client_reference": None,
        "metadata": {},
        "settled": None,
        "payment": None,
    }


async def test_an_accepted_order_without_an_address_has_no_payment_yet(
    application: Application, user: Person
) -> None:
    order_id = await place(application, user)
    await accept(application)

    assert (await status(application, order_id, user))["payment"] is None


async def test_what_aeonto_has_not_said_of_a_payment_is_null(
    application: Application, user: Person
) -> None:
    order_id = await place(application, user)
    await accept(application)
    await report(application, Report(state="UNPAID", uuid="aeonto-XCZEsu"))

    assert (await status(application, order_id, user))["payment"] == {
        **dict.fromkeys(UNPAID_PAYMENT),
        "rail": "aeonto",
        "state": "UNPAID",
        "vanished": False,
        "transactions": [],
    }


async def test_an_unpaid_order_says_how_to_pay(application: Application, user: Person) -> None:
    order_id = await place(application, user)
    await accept(application)
    await report(application, UNPAID)

    order = await status(application, order_id, user)

    assert order["status"] == "UNPAID"
    assert order["updated_at"] == "2026-01-11T12:46:08Z"
    assert order["payment"] == {**UNPAID_PAYMENT, "seconds_left": 895}
    application.clock.advance(895.5)
    assert (await status(application, order_id, user))["payment"]["seconds_left"] == 0


async def test_an_underpaid_order_asks_for_what_is_left(
    application: Application, user: Person
) -> None:
    order_id = await place(application, user)
    await accept(application)
    await report(
        application,
        replace(UNPAID, state="UNDERPAID", remaining_amount_incoming=Decimal("4.00000000000100")),
    )

    payment = (await status(application, order_id, user))["payment"]

    assert payment["amount_total"] == "14.4265105"
    assert payment["amount_remaining"] == "4.000000000001"
    assert payment["uri"] == f"aeon:{INTEGRATED}?tx_amount=4.000000000001"


async def test_a_paid_order_follows_confirmations_and_then_grants_its_credits(
    application: Application, user: Person
) -> None:
    order_id = await place(application, user)
    await accept(application)
    paid = replace(UNPAID, remaining_amount_incoming=Decimal(0))
    await report(
        application,
        replace(paid, state="PAID_UNCONFIRMED", incoming_num_confirmations_remaining=4),
    )
    confirming = await status(application, order_id, user)
    await report(
        application,
        replace(
            paid,
            state="BTC_SENT",
            incoming_num_confirmations_remaining=0,
            btc_num_confirmations=1,
            btc_transaction_id=TRANSACTION,
        ),
    )
    sent = await status(application, order_id, user)

    assert confirming["status"] == "PAID_UNCONFIRMED"
    assert confirming["credits_granted"] is None
    assert confirming["payment"]["confirmations_remaining"] == 4
    assert (confirming["payment"]["amount_remaining"], confirming["payment"]["uri"]) == ("0", None)
    assert (sent["status"], sent["credits_granted"]) == ("BTC_SENT", 10)
    assert sent["payment"]["confirmations_remaining"] == 0
    assert sent["payment"]["btc_transaction_id"] == TRANSACTION
    assert sent["payment"]["btc_confirmations"] == 1
    assert await balance_of(application, user) == 30


async def test_an_order_that_aeonto_refused_says_why(
    application: Application, user: Person
) -> None:
    order_id = await place(application, user)
    now = application.clock.now()
    async with application.database.sessions() as session:
        job = await leases.claim_creation(session, now)
    assert job is not None
    async with application.database.sessions() as session:
        await apply_refusal(session, job, now)

    order = await status(application, order_id, user)

    assert order["status"] == "FAILED"
    assert order["failure_reason"] == "AEON.to refused the amount of this order"
    assert order["payment"] is None


# Parameters


@pytest.mark.parametrize("body", [{}, {"order_id": None}, {"order_id": ""}, {"order_id": []}])
async def test_an_order_id_is_required(
    application: Application, api: ApiFixture, body: dict[str, object]
) -> None:
    for by in (api.user, api.code):
        answer = await ask(application, "check_order_status", body, by)
        assert refusal(answer) == problems.missing("order_id")


@each_case("order_id", [0, False, 7, ["ord"], {"a": 1}, "A" * 257, "a\tb"])
async def test_an_order_id_is_a_string(
    application: Application, user: Person, order_id: object
) -> None:
    answer = await ask(application, "check_order_status", {"order_id": order_id}, user)

    assert refusal(answer) == problems.must_be(
        "order_id", "a string of at most 256 characters without control characters"
    )


@pytest.mark.parametrize("access_code", ["", "nonsense", 7, False, [], {}, "A" * 5000, "\u0430"])
async def test_an_access_code_sent_by_a_user_is_ignored(
    application: Application, user: Person, access_code: object
) -> None:
    body = {"order_id": await place(application, user), "access_code": access_code}

    answer = await ask(application, "check_order_status", body, user)

    assert answer.status_code == 200


async def test_a_key_of_a_code_needs_that_code_and_no_other(
    application: Application, api: ApiFixture
) -> None:
    order_id = await place(application, api.code)

    async def named(**access_code: object) -> object:
        body = {"order_id": order_id, **access_code}
        return refusal(await ask(application, "check_order_status", body, api.code))

    assert await named() == problems.missing("access_code")
    nothings: tuple[object, ...] = (None, "", [])
    for nothing in nothings:
        assert await named(access_code=nothing) == problems.missing("access_code")
    for other in (api.foreign_code.access_code, "0" * 16, 7, False):
        assert await named(access_code=other) == problems.ACCESS_CODE_MISMATCH
    assert (await status(application, order_id, api.code))["order_id"] == order_id


# Who sees an order


async def test_buyer_beneficiary_and_issuer_of_the_code_see_an_order_and_nobody_else(
    application: Application, api: ApiFixture
) -> None:
    gift = {"order_is_for_self": False, "access_code": api.code.access_code}
    order_id = await place(application, api.stranger, **gift)

    for by in (api.stranger, api.code, api.user):  # buyer, beneficiary, issuer
        assert (await status(application, order_id, by))["order_id"] == order_id
    body = {"order_id": order_id, "access_code": api.foreign_code.access_code}
    foreign = await ask(application, "check_order_status", body, api.foreign_code)
    absent = await ask(
        application, "check_order_status", {**body, "order_id": ABSENT}, api.foreign_code
    )
    assert refusal(foreign) == problems.INVALID_ORDER_ID
    assert anonymised(foreign) == anonymised(absent)


async def test_an_issuer_sees_what_its_code_bought_but_not_what_it_gave_away(
    application: Application, api: ApiFixture
) -> None:
    own = await place(application, api.code)
    away = await place(
        application,
        api.code,
        order_is_for_self=False,
        access_code=api.foreign_code.access_code,
    )

    assert (await status(application, own, api.user))["order_id"] == own
    answer = await ask(application, "check_order_status", {"order_id": away}, api.user)
    assert refusal(answer) == problems.INVALID_ORDER_ID
    assert (await status(application, away, api.stranger))["order_id"] == away


async def test_the_list_of_orders_has_what_one_may_see_newest_first(
    application: Application, api: ApiFixture
) -> None:
    placed = []
    for buyer, beneficiary in (
        (api.user, api.user),
        (api.code, api.code),
        (api.stranger, api.code),
        (api.stranger, api.stranger),
        (api.user, api.foreign_code),
    ):
        application.clock.advance(1)
        named = {"order_is_for_self": False, "access_code": beneficiary.access_code}
        changes = {} if buyer is beneficiary else named
        placed.append(await place(application, buyer, **changes))

    async def listed(by: Person) -> list[int]:
        answer = await look(application, "orders", by)
        assert answer.json()["next_cursor"] is None
        return [placed.index(order["order_id"]) for order in answer.json()["items"]]

    assert await listed(api.user) == [4, 2, 1, 0]
    assert await listed(api.code) == [2, 1]
    assert await listed(api.stranger) == [4, 3, 2]
    assert await listed(api.foreign_code) == [4]
    [order] = (await look(application, "orders", api.foreign_code)).json()["items"]
    assert order == await status(application, placed[4], api.foreign_code)


async def test_the_answer_comes_from_the_time_of_the_question(
    application: Application, user: Person
) -> None:
    order_id = await place(application, user)
    await accept(application)
    await report(application, UNPAID)
    application.clock.advance(timedelta(minutes=1).total_seconds())

    [listed] = (await look(application, "orders", user)).json()["items"]

    assert listed["payment"]["seconds_left"] == 835
    assert listed == await status(application, order_id, user)


async def test_an_order_says_whether_its_settlement_is_verified(
    application: Application, user: Person
) -> None:
    order_id = await place(application, user)
    await accept(application)
    sent = replace(UNPAID, state="BTC_SENT", btc_transaction_id="ab" * 32)
    shown = []
    for settlement in (
        Unverified(SettlementFault.UNVERIFIED, "in no block"),
        Verified("ab" * 32, (0,), 1),
    ):
        application.clock.advance(30)
        await report(application, sent, settlement)
        found = await status(application, order_id, user)
        shown.append((found["status"], found["credits_granted"], found["payment"]["settlement"]))
        assert found["payment"]["btc_transaction_id"] == "ab" * 32
    assert shown == [("PAID", None, "unverified"), ("BTC_SENT", 10, "verified")]
