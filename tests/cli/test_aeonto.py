"""`assay aeonto …`: what it prints, and how it exits."""

import json
from collections.abc import Iterator

import httpx
import pytest
import respx
from typer.testing import CliRunner

from app.cli import main
from tests.partners.aeonto import golden
from tests.support.cases import each_case

JSON = {"Content-Type": "application/json"}
ADDRESS = "12Cyjf3qV6qLyXdzpLSLPdRFPUVidvnzFM"

ANSWERS = {
    "order_parameter_query": httpx.Response(200, headers=JSON, text=golden.PARAMETERS),
    "order_check_price": httpx.Response(200, headers=JSON, text=golden.QUOTE),
    "order_create": httpx.Response(201, headers=JSON, text=golden.CREATED),
    "order_create_pp": httpx.Response(201, headers=JSON, text=golden.CREATED_PP),
    "order_status_query": httpx.Response(200, headers=JSON, text=golden.UNPAID),
}


@pytest.fixture(autouse=True)
def upstream(monkeypatch: pytest.MonkeyPatch) -> Iterator[respx.MockRouter]:
    monkeypatch.setenv("ASSAY_AEONTO_BASE_URL", golden.BASE_URL)
    with respx.mock(base_url=golden.BASE_URL, assert_all_called=False) as router:
        for endpoint, answer in ANSWERS.items():
            router.route(url=f"{golden.BASE_URL}{endpoint}/", name=endpoint).mock(
                return_value=answer
            )
        yield router


@each_case(
    ("command", "printed"),
    [
        (
            ["parameters"],
            {
                "price_btc": "0.017666",
                "lower_limit_btc": "0.002",
                "upper_limit_btc": "20",
                "zero_conf_enabled": True,
                "zero_conf_max_amount_btc": "0.1",
            },
        ),
        (
            ["check-price", "0.15"],
            {
                "btc_amount": "0.15",
                "incoming_amount_total": "2163.9765748",
                "incoming_price_btc": "0.00006932",
                "incoming_num_confirmations_remaining": 1,
            },
        ),
        (["create", "0.10", ADDRESS], {"state": "TO_BE_CREATED", "uuid": "aeonto-5rpnYP"}),
        (
            ["create-pp", "https://bitpay.com/i/xxx"],
            {"state": "TO_BE_CREATED", "uuid": "aeonto-XCZEsu"},
        ),
        (
            ["status", "aeonto-XCZEsu"],
            {
                "state": "UNPAID",
                "incoming_amount_total": "14.4265105",
                "expires_at": "2019-01-11T12:51:03Z",
                "btc_transaction_id": None,
            },
        ),
    ],
)
def test_json_is_alone_on_standard_output(command: list[str], printed: dict[str, object]) -> None:
    result = CliRunner().invoke(main, ["aeonto", *command, "--json"])
    assert result.exit_code == 0
    said = json.loads(result.stdout)
    assert {name: said[name] for name in printed} == printed


def test_table_shows_what_was_said_and_nothing_else() -> None:
    result = CliRunner().invoke(main, ["aeonto", "status", "aeonto-XCZEsu"])
    assert result.exit_code == 0
    assert "14.4265105" in result.stdout
    assert "btc_transaction_id" not in result.stdout


def test_failure_prints_its_number_and_exits_with_1(upstream: respx.MockRouter) -> None:
    upstream["order_create"].respond(400, headers=JSON, text=golden.error("AEONTO-ERROR-004"))
    result = CliRunner().invoke(main, ["aeonto", "create", "0.1", ADDRESS, "--json"])
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "error 004: bitcoin amount out of bounds (HTTP 400)" in result.stderr


def test_bad_settings_exit_with_2(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_AEONTO_BASE_URL", "http://example.org/")
    result = CliRunner().invoke(main, ["aeonto", "parameters"])
    assert result.exit_code == 2
    assert "ASSAY_AEONTO_BASE_URL" in result.stderr


@pytest.mark.parametrize("amount", ["x", "0", "NaN", "Infinity", "21000001", "0.000000001", "1e99"])
def test_amounts_that_are_none_exit_with_2_and_ask_nothing(
    amount: str, upstream: respx.MockRouter
) -> None:
    result = CliRunner().invoke(main, ["aeonto", "check-price", amount])
    assert result.exit_code == 2
    assert not upstream["order_check_price"].called
