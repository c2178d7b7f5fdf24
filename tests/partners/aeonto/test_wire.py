"""What is read from AEON.to's replies, and what is refused."""

import json
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.partners.aeonto import wire
from app.partners.aeonto.report import Report
from app.partners.aeonto.wire import OrderParameters, PriceQuote
from app.partners.http import HttpReply
from app.partners.strict_json import Unreadable
from tests.partners.aeonto import golden
from tests.support.cases import each_case


def said(body: str | bytes) -> dict[str, Any]:
    raw = body if isinstance(body, bytes) else body.encode()
    return HttpReply(200, "application/json", "", raw, wire.MAX_BODY_BYTES).json_object()


def changed(body: str, **changes: str) -> str:
    """Write the JSON text with some members replaced by raw JSON text."""
    members = {name: json.dumps(value) for name, value in json.loads(body).items()} | changes
    return "{" + ", ".join(f'"{name}": {value}' for name, value in members.items()) + "}"


def test_parameters_are_read_exactly() -> None:
    assert wire.read_parameters(said(golden.PARAMETERS)) == OrderParameters(
        price_btc=Decimal("0.017666"),
        lower_limit_btc=Decimal("0.002"),
        upper_limit_btc=Decimal(20),
        zero_conf_enabled=True,
        zero_conf_max_amount_btc=Decimal("0.1"),
    )


def test_parameters_without_zero_conf_have_none() -> None:
    body = '{"price": "0.017666", "upper_limit": "20", "lower_limit": "0.002"}'
    read = wire.read_parameters(said(body))
    assert read.zero_conf_enabled is False
    assert read.zero_conf_max_amount_btc == 0


def test_quote_is_read_exactly() -> None:
    assert wire.read_quote(said(golden.QUOTE)) == PriceQuote(
        btc_amount=Decimal("0.15"),
        incoming_amount_total=Decimal("2163.9765748"),
        incoming_price_btc=Decimal("0.00006932"),
        incoming_num_confirmations_remaining=1,
    )


def test_every_field_of_an_unpaid_order_is_read() -> None:
    assert wire.read_report(said(golden.UNPAID)) == Report(
        state="UNPAID",
        uuid="aeonto-XCZEsu",
        btc_amount=Decimal("0.1"),
        btc_dest_address="12Cyjf3qV6qLyXdzpLSLPdRFPUVidvnzFM",
        receiving_address="Sm6XWv4nmULGYQyHqRH54fgtXb3m3wnQ52EftauD2aMm1rmnrBwYDsudZj7MDgqB6Q1DgVR4jBgJdTFDZmssEdX711h3WyGzE",
        receiving_integrated_address="Sz4Dra9LBvxGYQyHqRH54fgtXb3m3wnQ52EftauD2aMm1rmnrBwYDsudZj7MDgqB6Q1DgVR4jBgJdTFDZmssEdX71ES97Z3M99r2Hv8KMQuE",
        required_payment_id_long="6db2414c87fd343fdd6ef4d73aa5f899372868da08faf4c0f5950a666ed08ad7",
        required_payment_id_short="7c855c2228e19671",
        incoming_amount_total=Decimal("14.4265105"),
        remaining_amount_incoming=Decimal("14.4265105"),
        incoming_price_btc=Decimal("0.01760396"),
        incoming_num_confirmations_remaining=-1,
        recommended_mixin=4,
        btc_num_confirmations=0,
        btc_num_confirmations_before_purge=144,
        btc_transaction_id=None,
        created_at=datetime(2019, 1, 11, 12, 46, 3, tzinfo=UTC),
        expires_at=datetime(2019, 1, 11, 12, 51, 3, tzinfo=UTC),
    )


def test_both_dialects_of_numbers_read_the_same() -> None:
    strings = changed(
        golden.UNPAID,
        btc_amount='"0.1"',
        incoming_price_btc='"0.01760396"',
        incoming_amount_total='"14.4265105"',
        remaining_amount_incoming='"1.44265105E+1"',
        incoming_num_confirmations_remaining='"-1"',
        btc_num_confirmations='"0"',
        recommended_mixin="4.0",
    )
    assert wire.read_report(said(strings)) == wire.read_report(said(golden.UNPAID))


@pytest.mark.parametrize("name", ["aeon_recommended_mixin", "recommended_mixin"])
def test_both_names_of_the_mixin_are_read(name: str) -> None:
    other = {"aeon_recommended_mixin", "recommended_mixin"} - {name}
    body = f'{{"state": "UNPAID", "uuid": "u", "{name}": 4, "{other.pop()}": null}}'
    assert wire.read_report(said(body)).recommended_mixin == 4


@pytest.mark.parametrize("nothing", ["null", '""'])
def test_null_and_empty_say_nothing(nothing: str) -> None:
    silent = dict.fromkeys(set(json.loads(golden.UNPAID)) - {"state", "uuid"}, nothing)
    body = changed(golden.UNPAID, **silent)
    assert wire.read_report(said(body)) == Report(state="UNPAID", uuid="aeonto-XCZEsu")


def test_unknown_states_and_unknown_fields_are_tolerated() -> None:
    body = changed(golden.UNPAID, state='"FLAGGED_DESTINATION_ADDRESS"', payments="[{}]")
    assert wire.read_report(said(body)).state == "FLAGGED_DESTINATION_ADDRESS"


def test_remainder_of_minus_nought_is_nought() -> None:
    report = wire.read_report(said(changed(golden.UNPAID, remaining_amount_incoming="-0.0")))
    assert str(report.remaining_amount_incoming) == "0.0"


@each_case(
    "amount",
    [
        *("true", "[]", "{}", "-0.1", '"-0.1"', "21000000.00000001", "1e308", "1e-400", "0e999"),
        *('"NaN"', '"Infinity"', '"0x1"', '"1_0"', '" 1"', '"\\u0661"', '"1e9999"'),
        *("1e999999999999999999999", "9" * 5000, "0." + "0" * 5000),
    ],
)
def test_absurd_amounts_of_bitcoin_are_refused(amount: str) -> None:
    with pytest.raises(Unreadable):
        wire.read_report(said(changed(golden.UNPAID, btc_amount=amount)))


def test_absurd_amounts_of_aeon_are_refused() -> None:
    most = wire.read_report(said(changed(golden.UNPAID, incoming_amount_total="1e12")))
    assert most.incoming_amount_total == 10**12
    with pytest.raises(Unreadable, match="incoming_amount_total"):
        wire.read_report(said(changed(golden.UNPAID, incoming_amount_total="1000000000000.1")))


@each_case("count", ["-2", "1.5", "true", "2147483648", '"many"', "[1]", "1e300"])
def test_absurd_counts_are_refused(count: str) -> None:
    with pytest.raises(Unreadable, match="btc_num_confirmations"):
        wire.read_report(said(changed(golden.UNPAID, btc_num_confirmations=count)))


def test_timestamps_with_an_offset_become_utc() -> None:
    report = wire.read_report(
        said(changed(golden.UNPAID, expires_at='"2019-01-11T14:51:03.5+02:00"'))
    )
    assert report.expires_at == datetime(2019, 1, 11, 12, 51, 3, 500_000, tzinfo=UTC)


@each_case(
    "moment",
    [
        *("1547210763", "true", "[]", '"soon"', '"2019-01-11"', '"2019-01-11T12:51:03"'),
        *('"2019-13-11T12:51:03Z"', '"0001-01-01T00:00:00+14:00"', '"9999-12-31T23:59:59-14:00"'),
    ],
)
def test_malformed_timestamps_are_refused(moment: str) -> None:
    with pytest.raises(Unreadable, match="expires_at"):
        wire.read_report(said(changed(golden.UNPAID, expires_at=moment)))


@each_case("word", ["7", "true", "[]", '"a\\u0000"', '"a\\nb"', '"\\ud800"', '"Å"'])
@each_case("name", ["state", "uuid", "receiving_integrated_address"])
def test_words_that_are_not_visible_ascii_are_refused(name: str, word: str) -> None:
    with pytest.raises(Unreadable, match=name):
        wire.read_report(said(changed(golden.UNPAID, **{name: word})))


@each_case("name", ["state", "uuid"])
@each_case("nothing", ["null", '""'])
def test_order_without_state_or_uuid_is_refused(name: str, nothing: str) -> None:
    with pytest.raises(Unreadable, match=name):
        wire.read_report(said(changed(golden.CREATED, **{name: nothing})))


@each_case("name", ["price", "lower_limit", "upper_limit"])
def test_parameters_without_price_or_limits_are_refused(name: str) -> None:
    with pytest.raises(Unreadable, match=name):
        wire.read_parameters(said(changed(golden.PARAMETERS, **{name: "null"})))


def test_price_of_nought_is_refused() -> None:
    with pytest.raises(Unreadable, match="price"):
        wire.read_parameters(said(changed(golden.PARAMETERS, price="0")))
    with pytest.raises(Unreadable, match="incoming_amount_total"):
        wire.read_quote(said(changed(golden.QUOTE, incoming_amount_total='"0"')))


def test_zero_conf_must_be_a_boolean() -> None:
    with pytest.raises(Unreadable, match="zero_conf_enabled"):
        wire.read_parameters(said(changed(golden.PARAMETERS, zero_conf_enabled="1")))


@each_case(
    ("body", "why"),
    [
        (b"", "not JSON"),
        (b"<html></html>", "not JSON"),
        (golden.UNPAID[:-20].encode(), "not JSON"),
        (b"\xef\xbb\xbf{}", "not JSON"),
        (b'{"a": 1} x', "not JSON"),
        (b"[]", "not a JSON object"),
        (b'"text"', "not a JSON object"),
        (b"null", "not a JSON object"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": -Infinity}', "NaN"),
        (b'{"state": "UNPAID", "state": "BTC_SENT"}', "twice"),
        (b'{"a": [{"b": 1, "b": 2}]}', "twice"),
        (b'{"a": "\xff"}', "not UTF-8"),
        ('{"a": 1}'.encode("utf-16"), "not UTF-8"),
        (b'{"a": 1e999999999999999999999}', "range"),
        (b'{"a": ' + b"[" * 16 + b"]" * 16 + b"}", "deeper"),
        (b'{"a": ' * 10_000 + b"1" + b"}" * 10, "deeper|not JSON"),
        (b" " * 65_535 + b"{}", "more than 65536 bytes"),
    ],
)
def test_unreadable_bodies_are_refused(body: bytes, why: str) -> None:
    with pytest.raises(Unreadable, match=why):
        said(body)


def test_body_at_the_limits_is_read() -> None:
    assert said(b" " * 65_534 + b"{}") == {}
    assert said(b'{"a": ' + b"[" * 15 + b"]" * 15 + b"}")


@each_case("content_type", ["", "text/html", "text/plain; charset=json", "json"])
def test_other_content_types_are_refused(content_type: str) -> None:
    with pytest.raises(Unreadable, match="content type"):
        HttpReply(200, content_type, "", b"{}", wire.MAX_BODY_BYTES).json_object()


@each_case(
    "content_type", ["application/json", "Application/JSON; charset=utf-8", "application/x+json"]
)
def test_json_content_types_are_read(content_type: str) -> None:
    assert HttpReply(200, content_type, "", b"{}", wire.MAX_BODY_BYTES).json_object() == {}


@each_case(
    ("code", "number"),
    [("AEONTO-ERROR-001", 1), ("XMRTO-ERROR-012", 12), ("a.b_2-ERROR-20", 20), ("X-ERROR-0", 0)],
)
def test_only_the_number_of_an_error_is_read(code: str, number: int) -> None:
    assert wire.error_number(said(golden.error(code))) == number


def test_no_error_is_no_error() -> None:
    assert wire.error_number({}) is None
    assert wire.error_number({"error": None}) is None


@each_case("code", ["", "ERROR", "AEONTO-ERROR-", "X-ERROR-x", "12", 7, True])
def test_errors_without_a_number_are_refused(code: object) -> None:
    with pytest.raises(Unreadable, match="no number"):
        wire.error_number({"error": code})


@each_case(
    ("amount", "digits"),
    [
        ("0.00050000", b"0.0005"),
        ("0.00000001", b"0.00000001"),
        ("1E-8", b"0.00000001"),
        ("2E+1", b"20"),
        ("20.0", b"20"),
        ("20999999.99999999", b"20999999.99999999"),
    ],
)
def test_amounts_are_written_digit_for_digit(amount: str, digits: bytes) -> None:
    assert wire.write_object({"btc_amount": Decimal(amount)}) == b'{"btc_amount": ' + digits + b"}"


@each_case("amount", ["NaN", "sNaN", "Infinity", "-Infinity", "0", "-1"])
def test_amounts_that_are_none_are_never_written(amount: str) -> None:
    with pytest.raises(ValueError, match="positive finite"):
        wire.write_object({"btc_amount": Decimal(amount)})


@given(text=st.text(), amount=st.decimals("0.00000001", "21000000", places=8))
def test_what_is_written_reads_back_the_same(text: str, amount: Decimal) -> None:
    body = wire.write_object({"text": text, "btc_amount": amount})
    assert json.loads(body, parse_float=Decimal, parse_int=Decimal) == {
        "text": text,
        "btc_amount": amount,
    }


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_bytes_make_anything_but_an_object_or_a_refusal(body: bytes) -> None:
    with suppress(Unreadable):
        assert isinstance(said(body), dict)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(sorted(json.loads(golden.UNPAID))), _JSON))
def test_no_reply_makes_anything_but_a_report_or_a_refusal(reply: dict[str, object]) -> None:
    try:
        report = wire.read_report(said(json.dumps({"state": "UNPAID", "uuid": "u"} | reply)))
    except Unreadable:
        return
    assert report.state
    assert report.uuid
