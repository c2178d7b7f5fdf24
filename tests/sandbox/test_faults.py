"""Each fault, on real HTTP: what it does to the answer, and whether the work was done."""

import json

import httpx
import pytest

from tests.sandbox.conftest import DESTINATION, Harness
from tests.support.cases import each_case

ORDER = {"btc_dest_address": DESTINATION, "btc_amount": 0.1}


async def fault(sandbox: Harness, kind: str, **how: object) -> None:
    await sandbox.control("faults", {"kind": kind, **how})


async def orders(sandbox: Harness) -> int:
    return int((await sandbox.stats())["orders"])


@pytest.mark.parametrize(("when", "made"), [("before", 0), ("after", 1)])
async def test_dropped_connection_ends_without_a_byte(
    sandbox: Harness, when: str, made: int
) -> None:
    await fault(sandbox, "drop", when=when)
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        await sandbox.ask("order_create", ORDER)
    assert await orders(sandbox) == made


@pytest.mark.parametrize(("when", "made"), [("before", 0), ("after", 1)])
async def test_reset_connection_is_reset(sandbox: Harness, when: str, made: int) -> None:
    await fault(sandbox, "reset", when=when)
    with pytest.raises(httpx.ReadError) as caught:
        await sandbox.ask("order_create", ORDER)
    causes = [type(caught.value.__context__), type(caught.value.__cause__)]
    assert any(cause is not None for cause in causes)
    assert await orders(sandbox) == made


async def test_timeout_after_the_work_answers_late(sandbox: Harness) -> None:
    await fault(sandbox, "timeout", when="after", seconds=8)
    response = await sandbox.ask("order_create", ORDER)
    assert response.status_code == 201
    assert sandbox.clock.slept == [8]


async def test_timeout_before_the_work_ends_unanswered_and_does_none(sandbox: Harness) -> None:
    await fault(sandbox, "timeout", when="before", seconds=0.25)
    with pytest.raises(httpx.RemoteProtocolError):
        await sandbox.ask("order_create", ORDER)
    assert sandbox.clock.slept == [0.25]
    assert await orders(sandbox) == 0


NUMBERED = [
    ("400", {}, 400, "AEONTO-ERROR-005"),
    ("403", {}, 403, "AEONTO-ERROR-012"),
    ("403", {"code": "002"}, 403, "AEONTO-ERROR-002"),
    ("403", {"code": "014"}, 403, "AEONTO-ERROR-014"),
    ("404", {}, 404, "AEONTO-ERROR-006"),
    ("503", {}, 503, "AEONTO-ERROR-001"),
    ("503", {"code": "007"}, 503, "AEONTO-ERROR-007"),
    ("503", {"code": "008"}, 503, "AEONTO-ERROR-008"),
]


@pytest.mark.parametrize(("kind", "how", "status", "number"), NUMBERED)
async def test_numbered_errors(
    sandbox: Harness, kind: str, how: dict[str, object], status: int, number: str
) -> None:
    await fault(sandbox, kind, **how)
    response = await sandbox.ask("order_create", ORDER)
    assert response.status_code == status
    assert response.json()["error"] == number
    assert response.json()["error_msg"]
    assert await orders(sandbox) == 0


UNAVAILABLE = [
    ("001", "internal services not available"),
    ("007", "third party service not available"),
    ("008", "insufficient funds available"),
]


@pytest.mark.parametrize(("number", "text"), UNAVAILABLE)
async def test_unavailable_services_say_what_the_specification_says(
    sandbox: Harness, number: str, text: str
) -> None:
    await fault(sandbox, "503", code=number)
    response = await sandbox.ask("order_parameter_query")
    assert response.status_code == 503
    assert response.text == f'{{"error": "AEONTO-ERROR-{number}", "error_msg": "{text}"}}'


@pytest.mark.parametrize(
    ("kind", "how", "status"),
    [
        ("500", {}, 500),
        ("403", {"code": "none"}, 403),
        ("503", {"code": "none"}, 503),
        ("html", {}, 200),
    ],
)
async def test_pages_in_place_of_json(
    sandbox: Harness, kind: str, how: dict[str, object], status: int
) -> None:
    await fault(sandbox, kind, **how)
    response = await sandbox.ask("order_parameter_query")
    assert response.status_code == status
    assert response.headers["content-type"].startswith("text/html")
    assert response.text.startswith("<!doctype html>")
    assert response.headers["x-sandbox"] == "AEON.to"


async def test_error_after_the_work_was_done(sandbox: Harness) -> None:
    await fault(sandbox, "500", when="after")
    assert (await sandbox.ask("order_create", ORDER)).status_code == 500
    assert await orders(sandbox) == 1


async def test_empty_answer(sandbox: Harness) -> None:
    await fault(sandbox, "empty")
    response = await sandbox.ask("order_parameter_query")
    assert (response.status_code, response.content) == (200, b"")


async def test_redirect_names_the_url_it_was_given(sandbox: Harness) -> None:
    await fault(sandbox, "redirect", code="http://127.0.0.1:9/canary")
    response = await sandbox.ask("order_create", ORDER)
    assert (response.status_code, response.headers["location"]) == (
        307,
        "http://127.0.0.1:9/canary",
    )


async def spoiled(sandbox: Harness, kind: str) -> httpx.Response:
    uuid = await sandbox.order()
    await fault(sandbox, kind, endpoint="order_status_query")
    response = await sandbox.ask("order_status_query", {"uuid": uuid})
    assert response.status_code == 200
    return response


async def test_malformed_answer_ends_half_way(sandbox: Harness) -> None:
    response = await spoiled(sandbox, "malformed")
    assert response.text.startswith('{"incoming_price_btc": 0.017666, "uuid": "aeonto-')
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        response.json()


async def test_numbers_turn_into_nan(sandbox: Harness) -> None:
    text = (await spoiled(sandbox, "nan")).text
    assert '"btc_amount": NaN' in text
    assert '"seconds_till_timeout": NaN' in text


async def test_numbers_turn_negative(sandbox: Harness) -> None:
    said = (await spoiled(sandbox, "negative")).json()
    assert (said["btc_amount"], said["seconds_till_timeout"]) == (-0.1, -899)


async def test_numbers_turn_into_strings_of_the_same_digits(sandbox: Harness) -> None:
    said = (await spoiled(sandbox, "strings")).json()
    assert said["btc_amount"] == "0.1"
    assert said["incoming_amount_total"] == "5.660591"
    assert said["incoming_num_confirmations_remaining"] == "-1"
    assert said["state"] == "UNPAID"


async def test_duplicate_key_contradicts_the_first(sandbox: Harness) -> None:
    pairs = (await spoiled(sandbox, "dupkeys")).json(object_pairs_hook=list)
    assert [value for name, value in pairs if name == "state"] == ["UNPAID", "BTC_SENT"]


async def test_deep_answer_is_nested_10_000_deep(sandbox: Harness) -> None:
    text = (await spoiled(sandbox, "deep")).text
    assert "[" * 10_000 + "]" * 10_000 + "}" in text


async def test_invalid_utf8_is_in_an_otherwise_good_answer(sandbox: Harness) -> None:
    content = (await spoiled(sandbox, "invalidutf8")).content
    with pytest.raises(UnicodeDecodeError):
        content.decode()
    assert json.loads(content.decode(errors="replace"))["state"] == "UNPAID"


async def test_huge_answer_is_json_beyond_64_kib(sandbox: Harness) -> None:
    response = await spoiled(sandbox, "huge")
    assert len(response.content) > 64 * 1024
    assert response.json()["state"] == "UNPAID"


async def test_fault_is_played_so_often_and_at_its_endpoint_only(sandbox: Harness) -> None:
    await fault(sandbox, "500", endpoint="order_check_price", times=2)
    assert (await sandbox.ask("order_parameter_query")).status_code == 200
    statuses = [
        (await sandbox.ask("order_check_price", {"btc_amount": 1})).status_code for _ in range(3)
    ]
    assert statuses == [500, 500, 200]
    assert (await sandbox.stats())["faults"] == {"500": 2}


async def test_fault_without_end_goes_on_until_it_is_deleted(sandbox: Harness) -> None:
    await fault(sandbox, "html", times=-1)
    for _ in range(3):
        assert (await sandbox.ask("order_parameter_query")).text.startswith("<!doctype")
    await sandbox.http.delete(f"{sandbox.root}/control/faults")
    assert (await sandbox.ask("order_parameter_query")).json()["price"] == 0.017666


async def test_fault_by_chance_meets_some_requests(sandbox: Harness) -> None:
    await fault(sandbox, "500", times=-1, p=0.5)
    statuses = {(await sandbox.ask("order_parameter_query")).status_code for _ in range(20)}
    assert statuses == {200, 500}


@each_case(
    "wrong",
    [
        {"kind": "nonsense"},
        {"kind": "nan", "when": "before"},
        {"kind": "redirect"},
        {"kind": "403", "code": "12"},
        {"kind": "500", "times": 0},
        {"kind": "500", "times": -2},
        {"kind": "500", "p": 0},
        {"kind": "500", "colour": "red"},
        {"kind": "500", "endpoint": "order_delete"},
    ],
)
async def test_fault_that_makes_no_sense_is_refused_with_a_reason(
    sandbox: Harness, wrong: dict[str, object]
) -> None:
    response = await sandbox.http.post(f"{sandbox.root}/control/faults", json=wrong)
    assert response.status_code == 400
    assert response.json()["detail"]
    assert (await sandbox.http.get(f"{sandbox.root}/control/faults")).json()["faults"] == []
