"""What is read from an Esplora's replies, and what is refused."""

import json
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.partners.esplora import wire
from app.partners.esplora.wire import Block, Output, Spent, Transaction
from app.partners.http import HttpReply
from app.partners.strict_json import Unreadable
from tests.partners.esplora import golden
from tests.partners.esplora.golden import BLOCK_HASH, BLOCK_TIME, HEIGHT, TXID
from tests.support.cases import each_case


def answer(body: str | bytes, *, content_type: str = "application/json") -> HttpReply:
    raw = body if isinstance(body, bytes) else body.encode()
    return HttpReply(200, content_type, "", raw, wire.MAX_BODY_BYTES)


def read(body: str | bytes) -> Transaction:
    return wire.read_transaction(answer(body), TXID)


def changed(**changes: str) -> str:
    """Write the confirmed transaction with some members replaced by raw JSON text."""
    members = {name: json.dumps(value) for name, value in json.loads(golden.CONFIRMED).items()}
    members |= changes
    return "{" + ", ".join(f'"{name}": {value}' for name, value in members.items()) + "}"


def with_value(value: str) -> str:
    return changed(vout=f'[{{"value": 0}}, {{"value": {value}}}]')


def test_confirmed_transaction_is_read_exactly() -> None:
    assert read(golden.CONFIRMED) == Transaction(
        txid=TXID,
        outputs=(
            Output(0, golden.ADDRESS, 10_000_000),
            Output(1, None, 0),
            Output(2, golden.OTHER_ADDRESS, 20_000_000),
        ),
        block=Block(HEIGHT, BLOCK_HASH, BLOCK_TIME),
        replaceable=True,
        spent=(Spent(golden.OTHER_ADDRESS, 30_001_500),),
    )


@pytest.mark.parametrize(
    "status", [golden.UNCONFIRMED_STATUS, golden.UNCONFIRMED_STATUS_WITH_NULLS]
)
def test_unconfirmed_transaction_has_no_block(status: str) -> None:
    assert read(changed(status=status)).block is None


def test_coinbase_and_unread_fields_of_any_kind_are_tolerated() -> None:
    assert read(golden.COINBASE) == Transaction(
        txid=TXID,
        outputs=(Output(0, None, 312_500_000),),
        block=None,
        replaceable=False,
        is_coinbase=True,
    )


def test_input_that_spends_no_transaction_makes_new_coins_whatever_the_flag_says() -> None:
    nothing = f'{{"txid": "{"0" * 64}", "vout": 4294967295, "sequence": 0}}'
    for flag in ("", ', "is_coinbase": false'):
        assert read(changed(vin=f"[{nothing[:-1]}{flag}}}]")).is_coinbase
    assert not read(golden.CONFIRMED).is_coinbase


@each_case(
    ("sequences", "replaceable"),
    [
        (("4294967295",), False),
        (("4294967294",), False),
        (("4294967293",), True),
        (("0",), True),
        (("4294967295", "4294967294"), False),
        (("4294967295", "1"), True),
    ],
)
def test_transaction_is_replaceable_if_any_input_signals_it(
    sequences: tuple[str, ...], replaceable: bool
) -> None:
    inputs = ", ".join(f'{{"sequence": {sequence}}}' for sequence in sequences)
    assert read(changed(vin=f"[{inputs}]")).replaceable is replaceable


@pytest.mark.parametrize("address", ["null", '""'])
def test_output_without_an_address_has_none(address: str) -> None:
    [output] = read(changed(vout=f'[{{"scriptpubkey_address": {address}, "value": 5}}]')).outputs
    assert output == Output(0, None, 5)


@each_case("value", ["0", "1", "2100000000000000"])
def test_whole_satoshi_up_to_all_there_are_are_read(value: str) -> None:
    assert read(with_value(value)).outputs[1].value_satoshi == int(value)


@each_case(
    "value",
    [
        *("-1", "2100000000000001", "1.0", "1e3", "0.5", "1e999", "9" * 5000),
        *('"1"', "true", "null", "[]", "{}"),
    ],
)
def test_values_that_are_no_whole_satoshi_are_refused(value: str) -> None:
    with pytest.raises(Unreadable, match=r"vout\.1\.value"):
        read(with_value(value))


def test_outputs_worth_more_than_there_is_are_refused() -> None:
    with pytest.raises(Unreadable, match="more than there is"):
        read(changed(vout='[{"value": 2100000000000000}, {"value": 1}]'))


@each_case("address", ["7", "true", "[]", '"a b"', '"\\ud800"', '"' + "a" * 257 + '"'])
def test_addresses_that_are_not_visible_ascii_are_refused(address: str) -> None:
    with pytest.raises(Unreadable, match="scriptpubkey_address"):
        read(changed(vout=f'[{{"scriptpubkey_address": {address}, "value": 5}}]'))


@each_case(
    "status",
    [
        "null",
        "{}",
        '{"confirmed": "true"}',
        '{"confirmed": 1}',
        '{"confirmed": true}',
        '{"confirmed": true, "block_height": 5}',
        f'{{"confirmed": true, "block_height": 5, "block_hash": "{BLOCK_HASH}"}}',
        f'{{"confirmed": true, "block_hash": "{BLOCK_HASH}"}}',
        f'{{"confirmed": true, "block_height": -1, "block_hash": "{BLOCK_HASH}"}}',
        f'{{"confirmed": true, "block_height": 5.0, "block_hash": "{BLOCK_HASH}"}}',
        f'{{"confirmed": true, "block_height": "5", "block_hash": "{BLOCK_HASH}"}}',
        f'{{"confirmed": true, "block_height": 2147483648, "block_hash": "{BLOCK_HASH}"}}',
        '{"confirmed": true, "block_height": 5, "block_hash": "00"}',
        f'{{"confirmed": true, "block_height": 5, "block_hash": "{BLOCK_HASH.upper()}"}}',
        f'{{"confirmed": false, "block_height": 5, "block_hash": "{BLOCK_HASH}"}}',
        '{"confirmed": false, "block_height": 0}',
    ],
)
def test_block_is_named_exactly_when_confirmed(status: str) -> None:
    with pytest.raises(Unreadable, match="status"):
        read(changed(status=status))


@each_case("sequence", ["-1", "4294967296", "1.5", '"1"', "true", "null"])
def test_absurd_sequences_are_refused(sequence: str) -> None:
    with pytest.raises(Unreadable, match="vin"):
        read(changed(vin=f'[{{"sequence": {sequence}}}]'))


@each_case("name", ["vin", "vout"])
@each_case("nothing", ["[]", "null", "{}", '"x"', "[1]"])
def test_transaction_without_inputs_or_outputs_is_refused(name: str, nothing: str) -> None:
    with pytest.raises(Unreadable, match=name):
        read(changed(**{name: nothing}))


@each_case("txid", ['"' + "ab" * 32 + '"', '"' + TXID.upper() + '"', '"7c"', "7", "null"])
def test_reply_about_another_transaction_is_refused(txid: str) -> None:
    with pytest.raises(Unreadable, match=r"txid|another transaction"):
        read(changed(txid=txid))


@each_case(
    ("body", "why"),
    [
        (b"", "not JSON"),
        (golden.CONFIRMED[:-20].encode(), "not JSON"),
        (b"[]", "not a JSON object"),
        (b'{"txid": NaN}', "NaN"),
        (b'{"value": 1, "value": 2}', "twice"),
        (golden.CONFIRMED.replace('"fee": 1500', '"fee": 1, "fee": 2').encode(), "twice"),
        (b'{"a": "\xff"}', "not UTF-8"),
        (b'{"a": ' + b"[" * 16 + b"]" * 16 + b"}", "deeper"),
        (b" " * wire.MAX_BODY_BYTES + b"{}", "more than 2097152 bytes"),
    ],
)
def test_unreadable_bodies_are_refused(body: bytes, why: str) -> None:
    with pytest.raises(Unreadable, match=why):
        read(body)


def test_transaction_of_another_content_type_is_refused() -> None:
    with pytest.raises(Unreadable, match="content type"):
        wire.read_transaction(answer(golden.CONFIRMED, content_type="text/html"), TXID)


@pytest.mark.parametrize(
    "reader", [wire.read_tip_height, lambda one: wire.read_transaction(one, TXID)]
)
def test_compressed_bodies_are_refused(reader: Callable[[HttpReply], object]) -> None:
    with pytest.raises(Unreadable, match="compressed"):
        reader(HttpReply(200, "application/json", "gzip", b"", wire.MAX_BODY_BYTES))


@each_case(
    ("body", "height"), [(b"870003", 870_003), (b"0", 0), (b" 5\n", 5), (b"2147483647", 2**31 - 1)]
)
def test_tip_height_is_digits_and_nothing_else(body: bytes, height: int) -> None:
    assert wire.read_tip_height(answer(body, content_type="text/plain")) == height


@each_case(
    "body",
    [
        b"",
        b"-1",
        b"+1",
        b"1.0",
        b"1e3",
        b"2147483648",
        b"1_0",
        b'"5"',
        b"5 6",
        b"\xd9\xa1",
        b"<html>",
    ],
)
def test_other_tip_heights_are_refused(body: bytes) -> None:
    with pytest.raises(Unreadable, match="height of a block"):
        wire.read_tip_height(answer(body, content_type="text/plain"))


@each_case(
    "text", ["", "7c", TXID.upper(), TXID + "0", f"{TXID[:-1]}g", f"../{TXID[:61]}", TXID + "\n"]
)
def test_other_texts_are_no_transaction_ids(text: str) -> None:
    assert wire.is_txid(TXID)
    assert not wire.is_txid(text)


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_bytes_make_anything_but_a_result_or_a_refusal(body: bytes) -> None:
    with suppress(Unreadable):
        read(body)
    with suppress(Unreadable):
        assert 0 <= wire.read_tip_height(answer(body)) <= wire.MAX_HEIGHT


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)
_PARTS = st.fixed_dictionaries(
    {},
    optional={
        "txid": _JSON,
        "vin": st.lists(st.fixed_dictionaries({"sequence": _JSON}), max_size=2) | _JSON,
        "vout": st.lists(
            st.fixed_dictionaries({"value": _JSON}, optional={"scriptpubkey_address": _JSON}),
            max_size=2,
        )
        | _JSON,
        "status": st.fixed_dictionaries(
            {"confirmed": _JSON}, optional={"block_height": _JSON, "block_hash": _JSON}
        )
        | _JSON,
    },
)


@given(_PARTS)
def test_no_reply_makes_anything_but_a_transaction_or_a_refusal(parts: dict[str, object]) -> None:
    try:
        transaction = read(json.dumps(json.loads(golden.CONFIRMED) | parts))
    except Unreadable:
        return
    assert transaction.txid == TXID
    assert 0 <= sum(output.value_satoshi for output in transaction.outputs) <= wire.MAX_SATOSHI
