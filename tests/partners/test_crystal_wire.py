"""Crystal's words: what is read of an answer, and what is refused."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs

import pytest

from app.partners.crystal import wire
from app.partners.crystal.assets import Asset
from app.partners.crystal.wire import MAX_BODY_BYTES, CrystalQuestion, Meta
from app.partners.http import HttpReply
from app.partners.strict_json import JsonObject, Unreadable
from tests.support.cases import each_case

ASKED = CrystalQuestion("asm_1", "0xAB", None, Asset("eth", decimals=9))
DATA: dict[str, Any] = {
    "id": "90ba3e5",
    "status": "ready",
    "customer": {"name": "asm_1", "token": "M5"},
    "riskscore": 0.5,
    "riskscore_profile": {"id": 0, "name": "Default", "signals": {"mixer": 1, "atm": 0.5}},
    "signals": {"mixer": 0.25, "atm": 0},
    "amount": None,
    "updated_at": 1_707_299_767,
}


def reply(said: object, content_type: str = "application/json", encoding: str = "") -> HttpReply:
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    return HttpReply(200, content_type, encoding, body, MAX_BODY_BYTES)


def parsed(**changes: object) -> JsonObject:
    return reply({"data": {**DATA, **changes}}).json_object()


def test_a_transfer_is_read_exactly() -> None:
    transfer = wire.read_transfer(parsed(amount=10133177.506536), ASKED)
    assert (transfer.id, transfer.ready) == ("90ba3e5", True)
    assert transfer.riskscore == Decimal("0.5")
    assert transfer.signals == {"mixer": Decimal("0.25"), "atm": Decimal(0)}
    assert transfer.weights == {"mixer": Decimal(1), "atm": Decimal("0.5")}
    assert transfer.amount == Decimal("10133177.506536")
    assert transfer.updated_on == date(2024, 2, 7)


@pytest.mark.parametrize(("said", "read"), [(1010, "1010"), ("90ba3e5", "90ba3e5")])
def test_an_id_is_a_number_or_a_text(said: object, read: str) -> None:
    assert wire.read_transfer(parsed(id=said), ASKED).id == read


@each_case("status", ["pending", "queued", "READY"])
def test_only_ready_is_ready(status: str) -> None:
    assert not wire.read_transfer(parsed(status=status), ASKED).ready


@each_case(
    ("changes", "where"),
    [
        ({"id": 1.5}, "data.id"),
        ({"id": None}, "data.id"),
        ({"id": ""}, "data.id"),
        ({"status": 1}, "data.status"),
        ({"status": None}, "data.status"),
        ({"riskscore": 1.5}, "data.riskscore"),
        ({"riskscore": -0.1}, "data.riskscore"),
        ({"riskscore": "0.5"}, "data.riskscore"),
        ({"riskscore": True}, "data.riskscore"),
        ({"signals": {"mixer": 1.5}}, "data.signals.mixer"),
        ({"signals": {"mixer": None}}, "data.signals.mixer"),
        ({"signals": {"<script>": 0.5}}, "data.signals"),
        ({"signals": {f"s{number}": 0 for number in range(101)}}, "data.signals"),
        ({"signals": []}, "data.signals"),
        ({"riskscore_profile": {"signals": {"mixer": 2}}}, "data.riskscore_profile"),
        ({"amount": -1}, "data.amount"),
        ({"fiat": "1893"}, "data.fiat"),
        ({"fiat_code_effective": "u$d"}, "data.fiat_code_effective"),
        ({"alert_grade": "<b>"}, "data.alert_grade"),
        ({"updated_at": 2**33}, "data.updated_at"),
        ({"updated_at": -1}, "data.updated_at"),
        ({"customer": None}, "data.customer"),
        ({"customer": {"name": "asm_2"}}, "another name"),
    ],
)
def test_an_answer_of_wrong_types_or_about_others_is_refused(
    changes: dict[str, object], where: str
) -> None:
    with pytest.raises(Unreadable, match=where):
        wire.read_transfer(parsed(**changes), ASKED)


@each_case(
    ("meta", "read"),
    [
        ({"error_code": 0, "calls_left": 4997}, Meta(0, 4997)),
        ({"error_code": 3, "calls_left": None}, Meta(3, None)),
        ({"error_code": 0, "error_message": "text", "validation_errors": []}, Meta(0, None)),
    ],
)
def test_what_stands_beside_an_answer_is_read(meta: object, read: Meta) -> None:
    assert wire.read_meta(reply({"data": None, "meta": meta}))[1] == read


@each_case("meta", [None, [], {}, {"error_code": "0"}, {"error_code": 0, "calls_left": -1}])
def test_an_answer_without_its_numbers_is_refused(meta: object) -> None:
    with pytest.raises(Unreadable, match=r"^meta"):
        wire.read_meta(reply({"data": DATA, "meta": meta}))


@each_case(
    ("body", "why"),
    [
        (reply({}, "text/html"), "content type"),
        (reply({}, encoding="gzip"), "compressed"),
        (reply(b"{}" + b" " * MAX_BODY_BYTES), "more than 65536 bytes"),
        (reply([]), "not a JSON object"),
    ],
)
def test_other_bodies_are_refused(body: HttpReply, why: str) -> None:
    with pytest.raises(Unreadable, match=why):
        wire.read_meta(body)


def listed(*rows: object) -> JsonObject:
    return reply({"data": list(rows)}).json_object()


def test_a_list_is_searched_for_our_name_whatever_else_stands_on_it() -> None:
    others: list[object] = [None, 1, {}, {"customer": None}, {"customer": {"name": 1}}, {"id": []}]
    pending = {**DATA, "status": "pending", "id": 1}
    assert wire.find_by_name(listed(*others), ASKED) is None
    first = wire.find_by_name(listed(*others, pending, {**DATA, "id": 2}), ASKED)
    assert first is not None
    assert (first.id, first.ready) == ("2", True)  # what is ready comes first
    waiting = wire.find_by_name(listed(pending), ASKED)
    assert waiting is not None
    assert (waiting.id, waiting.ready) == ("1", False)


@pytest.mark.parametrize("said", [7, "7"], ids=["number", "text"])
def test_a_list_is_searched_for_an_id_of_either_kind(said: object) -> None:
    found = wire.find_by_id(listed({"id": []}, {**DATA, "id": said}), "7", ASKED)
    assert found is not None
    assert found.id == "7"
    assert wire.find_by_id(listed({**DATA, "id": 70}), "7", ASKED) is None


@pytest.mark.parametrize(
    ("oldest", "shows"),
    [(1_000_000, True), (1_000_600, False), (1_000_900, False), ("1000000", False), (None, False)],
)
def test_the_newest_are_all_since_a_time_where_they_go_back_further_on_either_clock(
    oldest: object, shows: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    since = datetime.fromtimestamp(1_000_600, UTC)
    said = listed({"created_at": 2_000_000}, {"created_at": oldest})
    assert wire.shows_all_since(said, None)
    monkeypatch.setattr("app.partners.crystal.wire.SEARCHED", 2)
    assert wire.shows_all_since(said, since) is shows
    assert not wire.shows_all_since(said, None)


def test_pages_of_a_search_overlap_so_that_none_falls_between_them() -> None:
    pages = [json.loads(wire.write_search(number).content) for number in range(wire.PAGES)]
    assert [page["limit"] for page in pages] == [500] * 8
    assert [page["offset"] for page in pages] == [0, 450, 900, 1350, 1800, 2250, 2700, 3150]


def test_a_list_must_be_one() -> None:
    with pytest.raises(Unreadable, match="data: must be an array"):
        wire.find_by_name(parsed(), ASKED)


def test_a_question_is_a_form_with_every_text_as_it_is() -> None:
    asked = CrystalQuestion("asm_1", "0xAB&name=x ü", "0xCD", Asset("eth", token_id=1))
    body = wire.write_question(asked)
    assert body.content_type == "application/x-www-form-urlencoded"
    assert parse_qs(body.content.decode(), strict_parsing=True) == {
        "direction": ["deposit"],
        "address": ["0xAB&name=x ü"],
        "name": ["asm_1"],
        "currency": ["eth"],
        "token_id": ["1"],
        "tx": ["0xCD"],
    }
