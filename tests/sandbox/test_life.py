"""An order's life: what each state shows, what payments do, and what time alone brings about."""

import re

import pytest

from app.sandbox import create_sandbox
from tests.sandbox.conftest import DESTINATION, FakeClock, Harness, serving

HOUR = 3600


async def test_payment_in_full_climbs_to_btc_sent(sandbox: Harness) -> None:
    uuid = await sandbox.order()
    await sandbox.control(f"orders/{uuid}/pay")
    said = await sandbox.look(uuid)
    assert said["state"] == "PAID_UNCONFIRMED"
    assert said["remaining_amount_incoming"] == "0.0"
    assert said["incoming_num_confirmations_remaining"] == 1
    await sandbox.control(f"orders/{uuid}/confirm")
    said = await sandbox.look(uuid)
    assert said["state"] == "PAID"
    assert said["incoming_num_confirmations_remaining"] == 0
    assert said["btc_transaction_id"] == ""
    await sandbox.control(f"orders/{uuid}/send")
    said = await sandbox.look(uuid)
    assert said["state"] == "BTC_SENT"
    assert said["btc_num_confirmations"] == 0
    assert re.fullmatch("[0-9a-f]{64}", said["btc_transaction_id"])


async def test_payment_in_part_is_underpaid_until_the_rest_arrives(sandbox: Harness) -> None:
    uuid = await sandbox.order()
    await sandbox.control(f"orders/{uuid}/pay", {"amount": "5.6605909"})
    said = await sandbox.look(uuid)
    assert said["state"] == "UNDERPAID"
    assert said["incoming_amount_total"] == "5.660591"
    assert said["remaining_amount_incoming"] == "0.0000001"
    assert said["incoming_num_confirmations_remaining"] == -1
    await sandbox.control(f"orders/{uuid}/pay")
    assert (await sandbox.look(uuid))["state"] == "PAID_UNCONFIRMED"


async def test_overpayment_leaves_nothing_and_never_less(sandbox: Harness) -> None:
    uuid = await sandbox.order()
    await sandbox.control(f"orders/{uuid}/pay", {"amount": "50"})
    await sandbox.control(f"orders/{uuid}/pay", {"amount": 0.5})
    said = await sandbox.look(uuid)
    assert (said["state"], said["remaining_amount_incoming"]) == ("PAID_UNCONFIRMED", "0.0")
    payments = (await sandbox.show(uuid))["payments"]
    assert [payment["amount"] for payment in payments] == ["50", "0.5"]


@pytest.mark.parametrize("paid", [None, "1"])
async def test_order_times_out_900_seconds_after_its_creation(
    sandbox: Harness, paid: str | None
) -> None:
    uuid = await sandbox.order()
    if paid:
        await sandbox.control(f"orders/{uuid}/pay", {"amount": paid})
    sandbox.move(898)
    said = await sandbox.look(uuid)
    assert said["state"] == ("UNDERPAID" if paid else "UNPAID")
    assert said["seconds_till_timeout"] == 1
    sandbox.move(1)
    said = await sandbox.look(uuid)
    assert (said["state"], said["seconds_till_timeout"]) == ("TIMED_OUT", 0)
    assert said["incoming_num_confirmations_remaining"] == -1


async def test_order_nobody_looked_at_times_out_too(sandbox: Harness) -> None:
    uuid = await sandbox.order()
    await sandbox.control("clock", {"advance_seconds": 901})
    assert (await sandbox.look(uuid))["state"] == "TIMED_OUT"


async def test_late_payment_is_honoured_only_when_asked_for(sandbox: Harness) -> None:
    uuid = await sandbox.order()
    await sandbox.control(f"orders/{uuid}/pay", {"amount": "2"})
    sandbox.move(901)
    url = f"{sandbox.root}/control/orders/{uuid}/pay"
    refused = await sandbox.http.post(url)
    assert refused.status_code == 409
    assert "late" in refused.json()["detail"]
    await sandbox.control(f"orders/{uuid}/pay", {"amount": "1", "late": True})
    said = await sandbox.look(uuid)
    assert (said["state"], said["remaining_amount_incoming"]) == ("TIMED_OUT", "2.660591")
    await sandbox.control(f"orders/{uuid}/pay", {"late": True})
    assert (await sandbox.look(uuid))["state"] == "PAID_UNCONFIRMED"


async def test_payment_before_the_address_was_shown_is_taken(sandbox: Harness) -> None:
    body = {"btc_dest_address": DESTINATION, "btc_amount": 0.1}
    uuid = (await sandbox.ask("order_create", body)).json()["uuid"]
    await sandbox.control(f"orders/{uuid}/pay")
    assert (await sandbox.look(uuid))["state"] == "PAID_UNCONFIRMED"


async def test_order_is_purged_after_144_bitcoin_confirmations(sandbox: Harness) -> None:
    uuid = await sandbox.order()
    await sandbox.control(f"orders/{uuid}/advance", {"to": "BTC_SENT"})
    sandbox.move(HOUR)
    assert (await sandbox.look(uuid))["btc_num_confirmations"] == 6
    await sandbox.control(f"orders/{uuid}/confirm", {"count": 137})
    said = await sandbox.look(uuid)
    assert (said["state"], said["btc_num_confirmations"]) == ("BTC_SENT", 143)
    sandbox.move(600)
    response = await sandbox.ask("order_status_query", {"uuid": uuid})
    assert response.status_code == 200
    assert response.text == f'{{"state": "NOT_FOUND", "uuid": "{uuid}"}}'


async def test_forgotten_order_is_404_and_006(sandbox: Harness) -> None:
    uuid = await sandbox.order()
    await sandbox.control(f"orders/{uuid}/purge", {"forget": True})
    response = await sandbox.ask("order_status_query", {"uuid": uuid})
    assert response.status_code == 404
    assert response.json()["error"] == "AEONTO-ERROR-006"


STATES = [
    ("UNPAID", "5.660591", -1, False),
    ("UNDERPAID", "2.8302955", -1, False),
    ("PAID_UNCONFIRMED", "0.0", 1, False),
    ("PAID", "0.0", 0, False),
    ("BTC_SENT", "0.0", 0, True),
    ("TIMED_OUT", "5.660591", -1, False),
]


@pytest.mark.parametrize("expected", STATES)
@pytest.mark.parametrize("first", [None, "BTC_SENT", "TIMED_OUT", "UNPAID"])
async def test_advance_reaches_any_state_from_any_other_with_fields_that_agree(
    sandbox: Harness, first: str | None, expected: tuple[str, str, int, bool]
) -> None:
    state, remaining, confirmations, sent = expected
    uuid = await sandbox.order()
    if first:
        await sandbox.control(f"orders/{uuid}/advance", {"to": first})
    await sandbox.control(f"orders/{uuid}/advance", {"to": state})
    said = await sandbox.look(uuid)
    assert said["state"] == state
    assert said["remaining_amount_incoming"] == remaining
    assert said["incoming_num_confirmations_remaining"] == confirmations
    assert bool(said["btc_transaction_id"]) is sent


async def test_advance_without_a_state_climbs_a_rung_and_stops_at_btc_sent(
    sandbox: Harness,
) -> None:
    uuid = await sandbox.order()
    seen = [(await sandbox.look(uuid))["state"]]
    for _ in range(4):
        await sandbox.control(f"orders/{uuid}/advance")
        seen.append((await sandbox.look(uuid))["state"])
    assert seen == ["UNPAID", "PAID_UNCONFIRMED", "PAID", "BTC_SENT", "BTC_SENT"]


async def test_order_flaps_as_often_as_it_is_told(sandbox: Harness) -> None:
    uuid = await sandbox.order()
    sandbox.move(2 * HOUR)
    for _ in range(3):
        for state in ("BTC_SENT", "UNPAID", "PAID", "TO_BE_CREATED", "NOT_FOUND"):
            await sandbox.control(f"orders/{uuid}/advance", {"to": state})
            response = await sandbox.ask("order_status_query", {"uuid": uuid})
            assert response.json()["state"] == state


async def test_automatic_mode_pays_confirms_and_sends_by_itself(sandbox: Harness) -> None:
    await sandbox.control("auto", {"enabled": True, "step_seconds": 2})
    uuid = await sandbox.order()
    seen = []
    for _ in range(8):
        seen.append((await sandbox.look(uuid))["state"])
        sandbox.move(1)
    assert seen == [
        *("UNPAID", "UNPAID", "PAID_UNCONFIRMED", "PAID_UNCONFIRMED"),
        *("PAID", "PAID", "BTC_SENT", "BTC_SENT"),
    ]


async def test_automatic_mode_needs_nobody_to_look(sandbox: Harness) -> None:
    await sandbox.control("auto")
    uuid = await sandbox.order()
    sandbox.move(HOUR)
    said = await sandbox.look(uuid)
    assert (said["state"], said["btc_num_confirmations"]) == ("BTC_SENT", 6)


async def test_automatic_mode_does_not_reach_into_the_past(sandbox: Harness) -> None:
    timed_out, open_order = await sandbox.order(), None
    sandbox.move(901)
    open_order = await sandbox.order()
    sandbox.move(10)
    await sandbox.control("auto")
    assert (await sandbox.look(open_order))["state"] == "UNPAID"
    sandbox.move(HOUR)
    assert (await sandbox.look(open_order))["state"] == "BTC_SENT"
    assert (await sandbox.look(timed_out))["state"] == "TIMED_OUT"


async def test_zero_confirmation_pays_small_orders_at_once_and_larger_ones_not() -> None:
    clock = FakeClock()
    app = create_sandbox(clock=clock, zero_conf=True)
    async with serving(app, clock) as sandbox:
        states = []
        for amount in ("0.1", "0.10000001"):
            body = {"btc_dest_address": DESTINATION, "btc_amount": amount}
            uuid = (await sandbox.ask("order_create", body)).json()["uuid"]
            await sandbox.control(f"orders/{uuid}/pay")
            states.append((await sandbox.look(uuid))["state"])
    assert states == ["PAID", "PAID_UNCONFIRMED"]
