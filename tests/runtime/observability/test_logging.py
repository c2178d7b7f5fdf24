"""Logs are lines of JSON with the request's id and without secrets, whoever writes them."""

import json
import logging
import sys
from collections.abc import Iterator
from typing import Any, Literal

import pytest

from app.runtime.observability.logging import (
    configure_logging,
    current_request_id,
    get_logger,
    redact,
)
from tests.orders.wallet.keys import BIP32_XPRV, BIP84_ZPUB
from tests.support.cases import each_case
from tests.support.logs import logging_restored
from tests.web.small_app import client_of, create_small_app

LogFormat = Literal["json", "console"]
# Made once; the names of parametrized tests must not change from run to run.
KEY = "assay_laiZ3ANHaZ_qzFaFUUoqeITuAKqkTGwVo0J57k2rkSe4fSgtv"
TOKEN = "assay_session_jlwnjxcMiMnHX5bnAmy3xpDqJb8JOkqfgJixPiaRmnY"


@pytest.fixture(autouse=True)
def _restore_logging() -> Iterator[None]:
    with logging_restored():
        yield


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    captured = capsys.readouterr()
    assert captured.out == ""
    return [json.loads(line) for line in captured.err.splitlines()]


def test_an_event_is_one_line_of_json_on_standard_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_logging("json")
    get_logger("app.somewhere").info("order_moved", order="ord_1", text='a\nb\r"é')
    (line,) = lines(capsys)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "order_moved",
        "level": "info",
        "source": "app.somewhere",
        "order": "ord_1",
        "text": 'a\nb\r"é',
    }


def test_an_event_of_a_request_carries_its_id(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("json")
    token = current_request_id.set("mine")
    get_logger("app").info("inside")
    logging.getLogger("sqlalchemy.engine").warning("inside too")
    current_request_id.reset(token)
    get_logger("app").info("outside")
    inside, library, outside = lines(capsys)
    assert inside["request_id"] == library["request_id"] == "mine"
    assert "request_id" not in outside


@pytest.mark.parametrize("name", ["uvicorn.error", "uvicorn", "sqlalchemy.pool", "asyncio", "x"])
def test_libraries_write_the_same_lines_once(capsys: pytest.CaptureFixture[str], name: str) -> None:
    logging.getLogger(name).addHandler(logging.StreamHandler(sys.stderr))
    for part in (name, name.split(".", maxsplit=1)[0]):
        logging.getLogger(part).handlers = []
    configure_logging("json")
    logging.getLogger(name).warning("said %s", "something")
    (line,) = lines(capsys)
    assert line["event"] == "said something"
    assert line["source"] == name
    assert line["level"] == "warning"


def test_httpx_does_not_log_addresses_and_uvicorn_no_accesses(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_logging("json")
    for name in ("httpx", "httpcore", "uvicorn.access"):
        logging.getLogger(name).info("GET https://aeon.to/?secret=1")
    assert lines(capsys) == []


def fail(text: str) -> None:
    raise RuntimeError("outer") from ValueError(text)


SECRETS = [
    (f"wallet wpkh([73c5da0a/84h/0h/0h]{BIP84_ZPUB}/0/*)", BIP84_ZPUB[10:30]),
    (f"ASSAY_BITCOIN_DESCRIPTOR={BIP32_XPRV}", BIP32_XPRV[10:30]),
    (KEY, KEY.rsplit("_", maxsplit=1)[1]),
    (TOKEN, TOKEN.removeprefix("assay_session_")),
    ("postgresql+asyncpg://assay:hunter2@db:5432/assay", "hunter2"),
    ("postgres://u:p%40ss/w@host/x", "p%40ss"),
    ("redis://:hunter2@host", "hunter2"),
    ("Authorization: Bearer hunter2", "hunter2"),
    ("{'authorization': 'Basic hunter2=='}", "hunter2"),
    ("X-API-KEY: hunter2", "hunter2"),
    ("(b'x-api-key', b'hunter2')", "hunter2"),
    ('{"password": "hun \\" ter2"}', "ter2"),
    ("input_value={'email': 'a@b.c', 'password': 'hunter2'}", "hunter2"),
    ("password=hunter2 host=db", "hunter2"),
    ("refused\nDETAIL:  Failing row contains (acc_1, me@example.com, x).\n", "me@example.com"),
]


@pytest.mark.parametrize(("text", "secret"), SECRETS)
@pytest.mark.parametrize("log_format", ["json", "console"])
def test_no_secret_is_written_wherever_it_stands(
    capsys: pytest.CaptureFixture[str], text: str, secret: str, log_format: LogFormat
) -> None:
    configure_logging(log_format)
    log = get_logger("app")
    log.info(text)
    log.info("value", value=text, nested={"list": [text]}, thing=RuntimeError(text))
    logging.getLogger("x").warning("said %s", text)
    try:
        fail(text)
    except RuntimeError:
        log.exception("failed")
        logging.getLogger("x").exception("failed too")
    written = capsys.readouterr().err
    assert "Traceback" in written
    assert secret not in written
    assert secret not in json.dumps(written)


@pytest.mark.parametrize("name", ["password", "api_key", "session_token", "Authorization"])
@pytest.mark.parametrize("log_format", ["json", "console"])
def test_a_value_with_a_secret_name_is_hidden(
    capsys: pytest.CaptureFixture[str], name: str, log_format: LogFormat
) -> None:
    configure_logging(log_format)
    get_logger("app").info("made", **{name: "hunter2"}, deep={name: ["hunter2"]})
    assert "hunter2" not in capsys.readouterr().err


def test_a_terminal_gets_colours_unless_somebody_wants_none(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    for wish in ("", "1"):
        monkeypatch.setenv("NO_COLOR", wish)
        configure_logging("console")
        get_logger("app").info("made")
        assert ("\x1b[" in capsys.readouterr().err) == (wish == "")


def test_a_key_stays_recognisable_by_its_public_prefix() -> None:
    prefix = KEY.split("_")[1]
    assert redact(f"revoked {KEY} now") == f"revoked assay_{prefix}_*** now"


@each_case(
    "text",
    [
        "GET https://aeon.to/api/v3/aeon2btc/ 200",
        "assay_http_requests_total",
        "order ord_000abc is BTC_SENT",
        "connected to postgresql://db:5432/assay",
        "the author of keys and tokens",
        "the public API takes an xpub or a zpub",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact(text) == text


async def test_a_fault_is_logged_once_with_its_traceback_and_id_and_no_secret(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_logging("json")
    app = create_small_app(failing=RuntimeError(f"no such key: {KEY}"), functions=["x"])
    async with client_of(app) as client:
        answer = await client.get("/fail/x")
    fault, access = lines(capsys)
    assert fault["event"] == "unhandled_fault"
    assert fault["level"] == "error"
    assert "RuntimeError: no such key: assay_" in fault["exception"]
    assert KEY not in fault["exception"]
    assert access["event"] == "request"
    assert access["status"] == 500
    assert fault["request_id"] == access["request_id"] == answer.headers["X-Request-ID"]
