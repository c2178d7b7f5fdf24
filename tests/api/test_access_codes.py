"""`check_access_code_status`, and issuing, filling and deactivating access codes."""

from datetime import timedelta
from typing import Any, Final

import pytest
from dirty_equals import IsStr

from tests.api import problems
from tests.api.asking import (
    anonymised,
    ask,
    balance_of,
    entries_of,
    look,
    open_session,
    read,
    refusal,
)
from tests.api.conftest import ApiFixture
from tests.support.application import Application
from tests.support.cases import each_case
from tests.support.people import Person, make_access_code, make_key

CODE: Final = IsStr(regex=r"[0-9A-Za-z]{16}")
LONG: Final = "a string of at most 256 characters without control characters"
CREDITS: Final = problems.must_be("credits", "a whole number from 1 to 1000000000")
TIME: Final = problems.must_be(
    "expires_at", "an RFC 3339 time with its offset, such as 2030-01-31T12:00:00Z"
)


async def status(application: Application, access_code: str | None, by: Person) -> dict[str, Any]:
    answer = await ask(application, "check_access_code_status", {"access_code": access_code}, by)
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


async def issue(application: Application, by: Person, **body: object) -> str:
    answer = await ask(application, "access_codes", body, by)
    assert answer.status_code == 201
    access_code: str = answer.json()["access_code"]
    return access_code


# Status


async def test_owner_and_issuer_see_an_access_code_with_all_its_fields(
    application: Application, api: ApiFixture
) -> None:
    issuer = (await look(application, "check_self_status", api.user)).json()
    expected = {
        "access_code": api.code.access_code,
        "status": "Active",
        "created_at": "2026-01-11T12:46:03Z",
        "expires_at": None,
        "affiliate_origin": issuer["affiliate_code"],
        "credits_available": 5,
    }

    assert await status(application, api.code.access_code, api.code) == expected
    assert await status(application, api.code.access_code, api.user) == expected


async def test_an_access_code_is_inactive_from_the_instant_of_its_expiry(
    application: Application, user: Person
) -> None:
    access_code = await issue(application, user, expires_at="2026-01-11T12:47:03Z")

    application.clock.advance(59)
    before = await status(application, access_code, user)
    application.clock.advance(1)
    after = await status(application, access_code, user)

    assert before["expires_at"] == after["expires_at"] == "2026-01-11T12:47:03Z"
    assert (before["status"], after["status"]) == ("Active", "Inactive")


@pytest.mark.parametrize(
    "body", [{}, {"access_code": None}, {"access_code": ""}, {"access_code": []}]
)
async def test_status_needs_an_access_code(
    application: Application, user: Person, body: dict[str, object]
) -> None:
    answer = await ask(application, "check_access_code_status", body, user)

    assert refusal(answer) == problems.missing("access_code")


@each_case("value", [0, False, 7, ["a"], {"a": 1}, "A" * 257, "A\x1fA"])
async def test_an_access_code_is_a_string(
    application: Application, user: Person, value: object
) -> None:
    answer = await ask(application, "check_access_code_status", {"access_code": value}, user)

    assert refusal(answer) == problems.must_be("access_code", LONG)


async def test_a_code_that_looks_like_another_is_not_found(
    application: Application, api: ApiFixture
) -> None:
    own = api.code.access_code or ""
    absent = {"access_code": "0" * 16}
    expected = anonymised(await ask(application, "check_access_code_status", absent, api.code))
    full_width = "".join(chr(ord(character) + 0xFEE0) for character in own)

    for alike in (
        f"{own} ",
        f" {own}",
        own.swapcase(),
        full_width,
        f"{own[:8]}\u200b{own[8:]}",
        f"\u202e{own}",
        own.replace(own[0], own[0] + "\u0301", 1),
        "' OR 1=1--",
        own[:15],
        own[:15] + "\u0430",
    ):
        answer = await ask(
            application, "check_access_code_status", {"access_code": alike}, api.code
        )
        assert refusal(answer) == problems.ACCESS_CODE_NOT_FOUND
        assert anonymised(answer) == expected


# Issuing


async def test_a_new_access_code_is_answered_with_201_and_all_its_fields(
    application: Application, user: Person
) -> None:
    issuer = (await look(application, "check_self_status", user)).json()

    answer = await ask(application, "access_codes", {}, user)

    assert answer.status_code == 201
    assert answer.json() == {
        "access_code": CODE,
        "status": "Active",
        "created_at": "2026-01-11T12:46:03Z",
        "expires_at": None,
        "affiliate_origin": issuer["affiliate_code"],
        "credits_available": 0,
    }


async def test_a_session_issues_access_codes_too(application: Application, user: Person) -> None:
    session = await open_session(application.database, user, application.clock.now())

    body = {"expires_at": "2026-02-01T00:00:00+02:00"}
    answer = await ask(application, "access_codes", body, session=session)

    assert answer.status_code == 201
    assert answer.json()["expires_at"] == "2026-01-31T22:00:00Z"


async def test_credits_of_a_new_access_code_come_from_its_issuer(
    application: Application, user: Person
) -> None:
    answer = await ask(application, "access_codes", {"credits": 20}, user)

    assert answer.status_code == 201
    assert answer.json()["credits_available"] == 20
    assert await balance_of(application, user) == 0
    moved = await read(
        application,
        "SELECT kind, amount, count(*) OVER (PARTITION BY transfer_id) FROM ledger_entries"
        " WHERE kind = 'transfer' ORDER BY id",
    )
    assert moved == [("transfer", -20, 2), ("transfer", 20, 2)]


async def test_an_access_code_that_its_issuer_cannot_fill_is_not_made(
    application: Application, user: Person
) -> None:
    before = await read(application, "SELECT count(*) FROM access_codes")

    answer = await ask(application, "access_codes", {"credits": 21}, user)

    assert refusal(answer) == problems.INSUFFICIENT_CREDITS
    assert await read(application, "SELECT count(*) FROM access_codes") == before
    assert await balance_of(application, user) == 20


@pytest.mark.parametrize("nothing", [None, "", []])
async def test_credits_and_expiry_of_a_new_access_code_are_optional(
    application: Application, user: Person, nothing: object
) -> None:
    body = {"credits": nothing, "expires_at": nothing}

    answer = await ask(application, "access_codes", body, user)

    assert answer.status_code == 201


@each_case("value", [0, -1, True, 1.0, "1", {}, 2**63, 10**30])
async def test_credits_are_a_whole_number(
    application: Application, api: ApiFixture, value: object
) -> None:
    for path in ("access_codes", f"access_codes/{api.code.access_code}/credits"):
        answer = await ask(application, path, {"credits": value}, api.user)
        assert refusal(answer) == CREDITS


@each_case(
    "value",
    ["tomorrow", "2026-02-01", "2026-02-01T00:00:00", 1893456000, True, {}, "2026-02-30T00:00:00Z"],
)
async def test_an_expiry_is_a_time_with_its_offset(
    application: Application, user: Person, value: object
) -> None:
    for path in ("access_codes", "api_keys"):
        answer = await ask(application, path, {"expires_at": value}, user)
        assert refusal(answer) == TIME


@pytest.mark.parametrize("past", ["2026-01-11T12:46:03Z", "2020-01-01T00:00:00Z"])
async def test_an_expiry_lies_in_the_future(
    application: Application, user: Person, past: str
) -> None:
    for path in ("access_codes", "api_keys"):
        answer = await ask(application, path, {"expires_at": past}, user)
        assert refusal(answer) == problems.must_be("expires_at", "a time in the future")


# Moving credits


async def test_credits_move_from_issuer_to_code_in_two_entries(
    application: Application, api: ApiFixture
) -> None:
    path = f"access_codes/{api.code.access_code}/credits"

    answer = await ask(application, path, {"credits": 7}, api.user)

    assert answer.status_code == 200
    assert answer.json() == await status(application, api.code.access_code, api.user)
    assert answer.json()["credits_available"] == 12
    assert await balance_of(application, api.user) == 13
    assert (await entries_of(application, api.user))[-1] == ("transfer", -7)
    assert (await entries_of(application, api.code))[-1] == ("transfer", 7)


async def test_more_credits_than_one_has_do_not_move(
    application: Application, api: ApiFixture
) -> None:
    path = f"access_codes/{api.code.access_code}/credits"

    answer = await ask(application, path, {"credits": 21}, api.user)

    assert refusal(answer) == problems.INSUFFICIENT_CREDITS
    assert await balance_of(application, api.user) == 20
    assert await balance_of(application, api.code) == 5


async def test_credits_move_only_when_they_are_named(
    application: Application, api: ApiFixture
) -> None:
    path = f"access_codes/{api.code.access_code}/credits"

    nothings: list[dict[str, object]] = [{}, {"credits": None}, {"credits": ""}, {"credits": []}]
    for body in nothings:
        answer = await ask(application, path, body, api.user)
        assert refusal(answer) == problems.missing("credits")


@pytest.mark.parametrize("access_code", ["0" * 16, "nonsense", "%00", "%D0%B0" * 16])
async def test_credits_do_not_move_to_a_code_that_never_was(
    application: Application, user: Person, access_code: str
) -> None:
    moved = await ask(application, f"access_codes/{access_code}/credits", {"credits": 1}, user)
    closed = await ask(application, f"access_codes/{access_code}/deactivate", {}, user)

    assert refusal(moved) == refusal(closed) == problems.ACCESS_CODE_NOT_FOUND


# Deactivating


async def test_a_deactivated_code_is_read_but_neither_buys_nor_spends(
    application: Application, api: ApiFixture
) -> None:
    order = {
        "number_of_credits": 10,
        "payment_coin": "Aeon",
        "payment_network": "AEON",
        "order_is_for_self": True,
    }
    question = {
        "access_code": api.code.access_code,
        "assessment_type": "address",
        "address": "12Cyjf3qV6qLyXdzpLSLPdRFPUVidvnzFM",
        "currency": "BTC",
    }
    order_id = (await ask(application, "new_order", order, api.code)).json()["order_id"]
    made = await ask(application, "create_new_assessment_for_access_code", question, api.code)
    assessment_id = made.json()["assessment_id"]

    answer = await ask(application, f"access_codes/{api.code.access_code}/deactivate", {}, api.user)

    assert answer.status_code == 200
    assert (answer.json()["status"], answer.json()["credits_available"]) == ("Inactive", 0)
    for by in (api.code, api.user):
        shown = await status(application, api.code.access_code, by)
        assert shown["status"] == "Inactive"
        asked = {"order_id": order_id, "access_code": api.code.access_code}
        assert (await ask(application, "check_order_status", asked, by)).status_code == 200
        listed = {"access_code": api.code.access_code, "assessment_id_list": [assessment_id]}
        path = "check_assessment_list_for_access_code"
        assert (await ask(application, path, listed, by)).status_code == 200
        spent = await ask(application, "create_new_assessment_for_access_code", question, by)
        assert refusal(spent) == problems.ACCESS_CODE_NOT_FOUND
    itself = (await look(application, "check_self_status", api.code)).json()
    assert (itself["status"], itself["credits_available"]) == ("Inactive", 0)
    bought = await ask(application, "new_order", order, api.code)
    assert refusal(bought) == problems.INVALID_ACCESS_CODE


async def test_deactivating_twice_is_as_once(application: Application, api: ApiFixture) -> None:
    path = f"access_codes/{api.code.access_code}/deactivate"

    first = await ask(application, path, {}, api.user)
    second = await ask(application, path, {}, api.user)

    assert first.json() == {**second.json(), "credits_returned": 5}
    assert second.json()["credits_returned"] == 0
    assert await balance_of(application, api.user) == 25
    lines = await read(
        application, "SELECT count(*) FROM audit_log WHERE action = 'access_code.deactivate'"
    )
    assert lines == [(1,)]


async def test_an_expired_code_keeps_its_credits_and_does_not_spend_them(
    application: Application, user: Person
) -> None:
    database, now = application.database, application.clock.now()
    code = await make_access_code(
        database, user, now, credits_given=3, expires_at=now + timedelta(seconds=1)
    )
    later_key = await make_key(database, code.account_id, now)
    application.clock.advance(1)
    question = {
        "access_code": code.access_code,
        "assessment_type": "address",
        "address": "12Cyjf3qV6qLyXdzpLSLPdRFPUVidvnzFM",
        "currency": "BTC",
    }

    answer = await ask(application, "create_new_assessment_for_access_code", question, code)
    own = await ask(application, "create_new_assessment", question, code)

    assert refusal(answer) == refusal(own) == problems.ACCESS_CODE_NOT_FOUND
    assert application.provider.asked == []
    itself = await application.http.get("/api/check_self_status", headers={"X-API-KEY": later_key})
    assert itself.json()["credits_available"] == 3


async def test_the_codes_of_an_issuer_are_listed_newest_first(
    application: Application, api: ApiFixture
) -> None:
    issued = [api.code.access_code]
    for _ in range(2):
        application.clock.advance(1)
        issued.append(await issue(application, api.user))

    answer = await look(application, "access_codes", api.user)

    assert [item["access_code"] for item in answer.json()["items"]] == issued[::-1]
    assert answer.json()["items"][2] == await status(application, issued[0], api.user)
    assert answer.json()["next_cursor"] is None
