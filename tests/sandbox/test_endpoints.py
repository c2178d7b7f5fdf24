"""The five endpoints answer as AEON.to API v3 is written; expected texts are typed from it."""

import re
from decimal import Decimal

import pytest

from app.addresses import (
    AEON_STAGENET_INTEGRATED,
    AEON_STAGENET_STANDARD,
    bitcoin_network,
    decode_cryptonote,
)
from app.sandbox import create_sandbox
from tests.sandbox.conftest import DESTINATION, TOTAL, FakeClock, Harness, serving
from tests.support.cases import each_case

ORDER = {"btc_dest_address": DESTINATION, "btc_amount": 0.1}


def error(number: str, text: str) -> str:
    return f'{{"error": "AEONTO-ERROR-{number}", "error_msg": "{text}"}}'


async def test_parameters_are_the_specifications_with_zero_conf_off(sandbox: Harness) -> None:
    response = await sandbox.ask("order_parameter_query")
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert response.headers["x-sandbox"] == "AEON.to"
    assert response.text == (
        '{"price": 0.017666, "upper_limit": 20.0, "lower_limit": 0.002, '
        '"zero_conf_enabled": false, "zero_conf_max_amount": 0.1}'
    )


async def test_created_order_has_four_fields_only(sandbox: Harness) -> None:
    response = await sandbox.ask("order_create", ORDER)
    uuid = response.json()["uuid"]
    assert response.status_code == 201
    assert re.fullmatch("aeonto-[0-9A-Za-z]{6}", uuid)
    assert response.text == (
        '{"state": "TO_BE_CREATED", "btc_amount": 0.1, '
        f'"btc_dest_address": "{DESTINATION}", "uuid": "{uuid}"}}'
    )
    again = await sandbox.ask("order_status_query", {"uuid": uuid})
    assert again.status_code == 200
    assert again.text == response.text


async def test_unpaid_order_has_every_field_of_the_specifications_example(
    sandbox: Harness,
) -> None:
    uuid = await sandbox.order()
    response = await sandbox.ask("order_status_query", {"uuid": uuid})
    said = response.json()
    assert response.text == (
        f'{{"incoming_price_btc": 0.017666, "uuid": "{uuid}", "state": "UNPAID", '
        f'"btc_amount": 0.1, "btc_dest_address": "{DESTINATION}", '
        f'"receiving_address": "{said["receiving_address"]}", '
        f'"receiving_integrated_address": "{said["receiving_integrated_address"]}", '
        f'"required_payment_id_long": "{said["required_payment_id_long"]}", '
        f'"required_payment_id_short": "{said["required_payment_id_short"]}", '
        '"created_at": "2019-01-11T12:46:03Z", "expires_at": "2019-01-11T13:01:03Z", '
        '"seconds_till_timeout": 899, "incoming_amount_total": 5.660591, '
        '"remaining_amount_incoming": 5.660591, "incoming_num_confirmations_remaining": -1, '
        '"recommended_mixin": 4, "btc_num_confirmations_before_purge": 144, '
        '"btc_num_confirmations": 0, "btc_transaction_id": ""}'
    )


async def test_both_addresses_are_stagenet_and_the_integrated_one_holds_the_short_payment_id(
    sandbox: Harness,
) -> None:
    said = await sandbox.look(await sandbox.order())
    assert said["receiving_address"].startswith("Sm")
    assert said["receiving_integrated_address"].startswith("Sz")
    prefix, keys = decode_cryptonote(said["receiving_address"])
    assert (prefix, len(keys)) == (AEON_STAGENET_STANDARD, 64)
    prefix, payload = decode_cryptonote(said["receiving_integrated_address"])
    assert prefix == AEON_STAGENET_INTEGRATED
    assert payload == keys + bytes.fromhex(said["required_payment_id_short"])
    assert re.fullmatch("[0-9a-f]{64}", said["required_payment_id_long"])


async def test_two_creations_are_two_orders_with_addresses_of_their_own(sandbox: Harness) -> None:
    first, second = await sandbox.order(), await sandbox.order()
    assert first != second
    names = ("receiving_address", "receiving_integrated_address", "required_payment_id_long")
    one, other = await sandbox.look(first), await sandbox.look(second)
    assert all(one[name] != other[name] for name in names)


async def test_quote_adds_up_to_seven_decimals(sandbox: Harness) -> None:
    said = await sandbox.look(await sandbox.order())
    price = Decimal(said["incoming_price_btc"])
    assert Decimal(said["incoming_amount_total"]) == Decimal(TOTAL)
    assert Decimal(TOTAL) == (Decimal("0.1") / price).quantize(Decimal("1e-7"))


async def test_price_check_answers_the_specifications_shape_at_its_price() -> None:
    clock = FakeClock()
    app = create_sandbox(price_btc=Decimal("0.00006932"), clock=clock, zero_conf=True)
    async with serving(app, clock) as sandbox:
        response = await sandbox.ask("order_check_price", {"btc_amount": "0.15"})
        parameters = await sandbox.ask("order_parameter_query")
    assert response.status_code == 200
    assert response.text == (
        '{"btc_amount": 0.15, "incoming_amount_total": 2163.8776688, '
        '"incoming_num_confirmations_remaining": 1, "incoming_price_btc": 0.00006932}'
    )
    assert '"zero_conf_enabled": true' in parameters.text


@pytest.mark.parametrize("amount", ["0.1", '"0.1"', "1e-1", '"0.10000000"', "0.1000"])
async def test_amount_may_be_a_number_or_a_string(sandbox: Harness, amount: str) -> None:
    content = f'{{"btc_dest_address": "{DESTINATION}", "btc_amount": {amount}}}'
    response = await sandbox.ask("order_create", content=content)
    assert response.status_code == 201
    assert '"btc_amount": 0.1,' in response.text


@each_case(
    "address",
    ["", None, 5, "12Cyjf3qV6qLyXdzpLSLPdRFPUVidvnzFN", "x" * 5000, "ö", "bc1qqqq", ["a"]],
)
async def test_malformed_bitcoin_address_is_002(sandbox: Harness, address: object) -> None:
    body = {"btc_dest_address": address, "btc_amount": 0.1}
    response = await sandbox.ask("order_create", body)
    assert response.status_code == 400
    assert response.text == error("002", "malformed bitcoin address")


UNREADABLE = ["null", "true", '"abc"', '""', '"NaN"', '"0.1 "', '"0,1"', "0.012345678901", "[]"]


@each_case("amount", UNREADABLE)
async def test_invalid_bitcoin_amount_is_003(sandbox: Harness, amount: str) -> None:
    content = f'{{"btc_dest_address": "{DESTINATION}", "btc_amount": {amount}}}'
    response = await sandbox.ask("order_create", content=content)
    assert response.status_code == 400
    assert response.text == error("003", "invalid bitcoin amount")


OUT_OF_BOUNDS = ["0", "-0.1", "0.00199999", "20.00000001", "1e300", "1e99999", '"1e308"', "21"]


@each_case("amount", OUT_OF_BOUNDS)
async def test_amount_out_of_bounds_is_004(sandbox: Harness, amount: str) -> None:
    content = f'{{"btc_dest_address": "{DESTINATION}", "btc_amount": {amount}}}'
    for endpoint in ("order_create", "order_check_price"):
        response = await sandbox.ask(endpoint, content=content)
        assert response.status_code == 400
        assert response.text == error("004", "bitcoin amount out of bounds")


@pytest.mark.parametrize("amount", ["0.002", "20", "20.0"])
async def test_bounds_themselves_are_allowed(sandbox: Harness, amount: str) -> None:
    content = f'{{"btc_amount": {amount}}}'
    response = await sandbox.ask("order_check_price", content=content)
    assert response.status_code == 200


BROKEN = [
    b"",
    b"{",
    b"[]",
    b'"x"',
    b'{"a": NaN}',
    b"\xff",
    b"[" * 50_000,
    b'{"a": 1e9999999999999999999}',
]


@pytest.mark.parametrize("content", BROKEN)
async def test_body_that_is_no_json_object_is_005_or_009(sandbox: Harness, content: bytes) -> None:
    for endpoint in ("order_create", "order_create_pp", "order_check_price"):
        response = await sandbox.ask(endpoint, content=content)
        assert response.status_code == 400
        assert response.text == error("005", "unexpected validation error")
    response = await sandbox.ask("order_status_query", content=content)
    assert response.status_code == 400
    assert response.text == error("009", "invalid request")


async def test_content_type_must_be_json(sandbox: Harness) -> None:
    body = {"uuid": "aeonto-XCZEsu"}
    response = await sandbox.ask("order_status_query", body, media_type="text/plain")
    assert response.text == error("009", "invalid request")


async def test_order_that_never_was_is_404_and_006(sandbox: Harness) -> None:
    response = await sandbox.ask("order_status_query", {"uuid": "aeonto-XCZEsu"})
    assert response.status_code == 404
    assert response.text == error("006", "requested order not found")


@pytest.mark.parametrize("body", [{}, {"uuid": None}, {"uuid": 7}])
async def test_status_query_without_a_uuid_is_009(sandbox: Harness, body: object) -> None:
    response = await sandbox.ask("order_status_query", body)
    assert response.status_code == 400
    assert response.text == error("009", "invalid request")


@pytest.mark.parametrize("body", [{}, {"btc_amount": "abc"}, {"btc_amount": True}])
async def test_price_check_without_an_amount_is_009(sandbox: Harness, body: object) -> None:
    response = await sandbox.ask("order_check_price", body)
    assert response.status_code == 400
    assert response.text == error("009", "invalid request")


@pytest.mark.parametrize(
    "url",
    [
        "https://bitpay.com/invoice?id=xxx",
        "https://bitpay.com/i/xxx",
        "bitcoin:?r=https://bitpay.com/i/xxx",
    ],
)
async def test_payment_protocol_url_is_corrected(sandbox: Harness, url: str) -> None:
    response = await sandbox.ask("order_create_pp", {"pp_url": url})
    said = response.json()
    assert response.status_code == 201
    assert list(said) == ["state", "btc_amount", "btc_dest_address", "uuid", "pp_url"]
    assert said["state"] == "TO_BE_CREATED"
    assert said["pp_url"] == "https://bitpay.com/i/xxx"
    assert bitcoin_network(said["btc_dest_address"]) == "testnet"
    assert 0.002 <= said["btc_amount"] <= 0.1
    again = await sandbox.ask("order_status_query", {"uuid": said["uuid"]})
    assert again.json() == said


async def test_payment_protocol_url_asks_the_same_each_time(sandbox: Harness) -> None:
    asked = []
    for _ in range(2):
        said = (
            await sandbox.ask("order_create_pp", {"pp_url": "https://sandbox.invalid/i/7"})
        ).json()
        asked.append((said["btc_dest_address"], said["btc_amount"]))
    assert asked[0] == asked[1]


@pytest.mark.parametrize(
    ("url", "number", "text"),
    [
        ("https://bitpay.com/invoice", "010", "payment protocol failed"),
        ("https://sandbox.invalid/outdated", "010", "payment protocol failed"),
        (None, "011", "malformed payment protocol url"),
        ("nonsense", "011", "malformed payment protocol url"),
        ("bitcoin:?amount=1", "011", "malformed payment protocol url"),
        ("http://bitpay.com/i/xxx", "011", "malformed payment protocol url"),
        ("https://[", "011", "malformed payment protocol url"),
        ("https://sandbox.invalid/\ud800", "011", "malformed payment protocol url"),
        ("https://example.org/i/xxx", "011", "malformed payment protocol url"),
        ("https://sandbox.invalid/i?address=x", "002", "malformed bitcoin address"),
        ("https://sandbox.invalid/i?amount=x", "003", "invalid bitcoin amount"),
        ("https://sandbox.invalid/i?amount=21", "004", "bitcoin amount out of bounds"),
    ],
)
async def test_payment_protocol_faults(
    sandbox: Harness, url: object, number: str, text: str
) -> None:
    response = await sandbox.ask("order_create_pp", {"pp_url": url})
    assert response.status_code == 400
    assert response.text == error(number, text)


async def test_missing_slash_redirects_and_is_counted(sandbox: Harness) -> None:
    response = await sandbox.http.post(f"{sandbox.base}order_create", json=ORDER)
    assert response.status_code == 301
    assert response.headers["location"] == "/api/v3/aeon2btc/order_create/"
    counts = (await sandbox.stats())["endpoints"]["order_create"]
    assert (counts["missing_slash"], counts["requests"]) == (1, 0)


async def test_unknown_path_and_wrong_method_are_pages(sandbox: Harness) -> None:
    for path, status in (("nothing/", 404), ("order_create/", 405)):
        response = await sandbox.http.get(f"{sandbox.base}{path}")
        assert response.status_code == status
        assert response.headers["content-type"].startswith("text/html")
        assert "SANDBOX" in response.text
