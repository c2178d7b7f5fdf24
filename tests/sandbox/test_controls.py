"""The buttons: usable with curl alone, clear when refused, and for all orders at once."""

import pytest

from tests.sandbox.conftest import DESTINATION, Harness
from tests.support.cases import each_case


async def test_button_works_as_curl_sends_it(sandbox: Harness) -> None:
    uuid = await sandbox.order()
    form = {"content-type": "application/x-www-form-urlencoded"}  # what curl -d says
    url = f"{sandbox.root}/control/orders/{uuid}/pay"
    response = await sandbox.http.post(url, content='{"amount": 1.0000001}', headers=form)
    assert response.json()["order"]["received"] == "1.0000001"
    response = await sandbox.http.post(url)
    assert response.json()["order"]["state"] == "PAID_UNCONFIRMED"


async def test_root_page_says_sandbox_and_lists_every_control(sandbox: Harness) -> None:
    response = await sandbox.http.get(f"{sandbox.root}/")
    assert response.text.startswith("SANDBOX of AEON.to: no real coins move here")
    assert f"curl -X POST {sandbox.root}/control/orders/UUID/pay" in response.text
    assert "/control/orders/{uuid}/lie" in response.text
    assert response.headers["x-sandbox"] == "AEON.to"
    for path in ("/docs", "/redoc", "/openapi.json"):
        assert (await sandbox.http.get(f"{sandbox.root}{path}")).status_code == 404


async def test_all_orders_move_in_one_call_and_the_rest_is_named(sandbox: Harness) -> None:
    first, second, third = [await sandbox.order() for _ in range(3)]
    await sandbox.control(f"orders/{third}/expire")
    answer = await sandbox.control("orders/all/pay")
    assert answer["orders"] == [
        {"uuid": first, "state": "PAID_UNCONFIRMED"},
        {"uuid": second, "state": "PAID_UNCONFIRMED"},
    ]
    assert [skipped["uuid"] for skipped in answer["skipped"]] == [third]
    answer = await sandbox.control("orders/all/advance", {"to": "BTC_SENT"})
    assert {moved["state"] for moved in answer["orders"]} == {"BTC_SENT"}
    assert len(answer["orders"]) == 3


LIES = [
    ("btc_dest_address", '"mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn"'),
    ("btc_amount", "0.01000000000000000000000000001"),
    ("btc_amount", '"0.10000000"'),
    ("btc_amount", "1E+308"),
    ("btc_amount", "-0.1"),
    ("btc_amount", "0"),
    ("state", '"FLAGGED_DESTINATION_ADDRESS"'),
    ("uuid", '["x"]'),
]


@pytest.mark.parametrize(("field", "value"), LIES)
async def test_lie_replaces_one_field_of_status_answers_to_the_digit(
    sandbox: Harness, field: str, value: str
) -> None:
    uuid = await sandbox.order()
    truth = (await sandbox.ask("order_status_query", {"uuid": uuid})).text
    url = f"{sandbox.root}/control/orders/{uuid}/lie"
    response = await sandbox.http.post(url, content=f'{{"field": "{field}", "value": {value}}}')
    assert response.status_code == 200
    told = (await sandbox.ask("order_status_query", {"uuid": uuid})).text
    assert told != truth
    assert f'"{field}": {value}' in told
    await sandbox.control(f"orders/{uuid}/lie", {"field": field, "value": None})
    assert (await sandbox.ask("order_status_query", {"uuid": uuid})).text == truth


@each_case(
    ("path", "content", "status"),
    [
        ("orders/{uuid}/lie", '{"field": "colour", "value": 1}', 400),
        ("orders/{uuid}/lie", '{"field": "state"}', 400),
        ("orders/{uuid}/pay", '{"amount": 0}', 400),
        ("orders/{uuid}/pay", '{"amount": -1}', 400),
        ("orders/{uuid}/pay", '{"amuont": 1}', 400),
        ("orders/{uuid}/pay", "{", 400),
        ("orders/{uuid}/pay", "[]", 400),
        ("orders/{uuid}/advance", '{"to": "HEAVEN"}', 400),
        ("orders/{uuid}/confirm", "", 409),
        ("orders/{uuid}/send", "", 409),
        ("orders/aeonto-000000/pay", "", 404),
        ("clock", '{"advance_seconds": -1}', 400),
        ("clock", "", 400),
        ("nothing", "", 404),
    ],
)
async def test_refused_button_says_why_and_changes_nothing(
    sandbox: Harness, path: str, content: str, status: int
) -> None:
    uuid = await sandbox.order()
    before = await sandbox.look(uuid)
    url = f"{sandbox.root}/control/{path.format(uuid=uuid)}"
    response = await sandbox.http.post(url, content=content)
    assert response.status_code == status
    assert response.json()["sandbox"].startswith("SANDBOX")
    assert response.json()["detail"]
    assert await sandbox.look(uuid) == before


async def test_expired_order_cannot_expire_again_and_paid_one_needs_no_payment(
    sandbox: Harness,
) -> None:
    uuid = await sandbox.order()
    await sandbox.control(f"orders/{uuid}/expire")
    url = f"{sandbox.root}/control/orders/{uuid}"
    assert (await sandbox.http.post(f"{url}/expire")).status_code == 409
    await sandbox.control(f"orders/{uuid}/pay", {"late": True})
    assert (await sandbox.http.post(f"{url}/pay")).status_code == 409
    await sandbox.control(f"orders/{uuid}/purge")
    assert (await sandbox.http.post(f"{url}/pay")).status_code == 409


async def test_stats_count_orders_states_and_looks(sandbox: Harness) -> None:
    first, second = await sandbox.order(), await sandbox.order()
    await sandbox.look(first)
    await sandbox.look(first)
    await sandbox.control(f"orders/{second}/pay")
    stats = await sandbox.stats()
    assert stats["orders"] == 2
    assert stats["polls"] == {first: 2, second: 0}
    assert (stats["states"]["UNPAID"], stats["states"]["PAID_UNCONFIRMED"]) == (1, 1)
    assert stats["endpoints"]["order_status_query"]["requests"] == 2


async def test_reset_forgets_everything_but_never_gives_a_uuid_twice(sandbox: Harness) -> None:
    first = await sandbox.order()
    await sandbox.control("faults", {"kind": "500"})
    await sandbox.control("auto")
    await sandbox.control("reset")
    listed = (await sandbox.http.get(f"{sandbox.root}/control/orders")).json()
    assert listed["orders"] == []
    body = {"btc_dest_address": DESTINATION, "btc_amount": 0.1}
    second = await sandbox.ask("order_create", body)
    assert second.status_code == 201
    assert second.json()["uuid"] != first
    sandbox.move(600)
    assert (await sandbox.look(second.json()["uuid"]))["state"] == "UNPAID"
