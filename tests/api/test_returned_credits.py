"""Credits come back from an access code: when it is deactivated, and when its issuer asks."""

from datetime import timedelta
from typing import Any, Final

import pytest

from tests.api import problems
from tests.api.asking import ask, ask_raw, balance_of, entries_of, read, refusal
from tests.api.conftest import ApiFixture
from tests.support.application import Application
from tests.support.people import Person, make_access_code

HOW_MANY: Final = problems.must_be("number_of_credits", "a whole number from 1 to 1000000000")


def path_of(code: Person, action: str) -> str:
    return f"access_codes/{code.access_code}/{action}"


async def done(
    application: Application, code: Person, action: str, body: object, by: Person
) -> dict[str, Any]:
    """Ask for something that is done; return what is told of the code."""
    answer = await ask(application, path_of(code, action), body, by)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def test_a_deactivated_code_gives_its_credits_back_in_two_entries(
    application: Application, api: ApiFixture
) -> None:
    told = await done(application, api.code, "deactivate", {}, api.user)

    status = {"access_code": api.code.access_code}
    shown = await ask(application, "check_access_code_status", status, api.user)
    assert told == {**shown.json(), "credits_returned": 5}
    assert (told["status"], told["credits_available"]) == ("Inactive", 0)
    assert await balance_of(application, api.user) == 25
    assert await balance_of(application, api.code) == 0
    assert (await entries_of(application, api.user))[-1] == ("transfer", 5)
    assert (await entries_of(application, api.code))[-1] == ("transfer", -5)
    transfers = await read(
        application,
        "SELECT count(DISTINCT l.transfer_id), count(a.id) FROM ledger_entries l"
        " JOIN audit_log a ON a.ledger_entry_id = l.id"
        " WHERE l.kind = 'transfer' AND a.actor = :issuer",
        issuer=api.user.account_id,
    )
    assert transfers == [(1, 2)]


async def test_a_body_may_be_left_out_and_then_all_credits_come_back(
    application: Application, api: ApiFixture
) -> None:
    for action, by in (("credits/return", api.user), ("deactivate", api.stranger)):
        code = api.code if by is api.user else api.foreign_code
        answer = await application.http.post(f"/api/{path_of(code, action)}", headers=by.headers)
        assert answer.status_code == 200
        assert answer.json()["credits_available"] == 0
    assert await balance_of(application, api.user) == 25


async def test_credits_that_are_to_be_kept_stay_on_the_code_and_come_back_when_asked_for(
    application: Application, api: ApiFixture
) -> None:
    kept = await done(application, api.code, "deactivate", {"keep_credits": True}, api.user)
    again = await done(application, api.code, "deactivate", {"keep_credits": True}, api.user)
    some = await done(application, api.code, "credits/return", {"number_of_credits": 2}, api.user)
    rest = await done(application, api.code, "deactivate", {"keep_credits": False}, api.user)

    assert (kept["status"], kept["credits_available"], kept["credits_returned"]) == (
        "Inactive",
        5,
        0,
    )
    assert again == kept
    assert (some["credits_available"], some["credits_returned"]) == (3, 2)
    assert (rest["credits_available"], rest["credits_returned"]) == (0, 3)
    assert await balance_of(application, api.user) == 25


async def test_credits_come_back_from_an_active_and_from_an_expired_code(
    application: Application, api: ApiFixture
) -> None:
    now = application.clock.now()
    expired = await make_access_code(
        application.database,
        api.user,
        now,
        credits_given=3,
        expires_at=now + timedelta(seconds=1),
    )
    application.clock.advance(1)

    active = await done(application, api.code, "credits/return", {"number_of_credits": 1}, api.user)
    over = await done(application, expired, "credits/return", {}, api.user)
    nothing = await done(application, expired, "credits/return", {}, api.user)

    assert (active["status"], active["credits_available"]) == ("Active", 4)
    assert (over["status"], over["credits_returned"]) == ("Inactive", 3)
    assert (nothing["credits_available"], nothing["credits_returned"]) == (0, 0)
    assert await balance_of(application, api.user) == 24


async def test_more_credits_than_the_code_has_do_not_come_back(
    application: Application, api: ApiFixture
) -> None:
    body = {"number_of_credits": 6}

    answer = await ask(application, path_of(api.code, "credits/return"), body, api.user)

    assert refusal(answer) == problems.INSUFFICIENT_CREDITS
    assert await balance_of(application, api.code) == 5


async def test_what_is_no_number_or_no_yes_or_no_is_refused_and_nothing_moves(
    application: Application, api: ApiFixture
) -> None:
    values: list[object] = [0, -1, True, 1.0, "1", {}, 2**63]
    for value in values:
        body = {"number_of_credits": value}
        answer = await ask(application, path_of(api.code, "credits/return"), body, api.user)
        assert refusal(answer) == HOW_MANY, value
    answers: list[object] = [0, "true", {}, 1.0]
    for keep in answers:
        body = {"keep_credits": keep}
        answer = await ask(application, path_of(api.code, "deactivate"), body, api.user)
        assert refusal(answer) == problems.must_be("keep_credits", "true or false"), keep
    garbled = await ask_raw(application, path_of(api.code, "deactivate"), b"no", api.user)
    assert garbled.json()["code"] == "malformed_body"
    form = await application.http.post(
        f"/api/{path_of(api.code, 'deactivate')}",
        data={"keep_credits": "1"},
        headers=api.user.headers,
    )
    assert refusal(form) == problems.NOT_JSON
    assert await balance_of(application, api.code) == 5


@pytest.mark.parametrize("access_code", ["0" * 16, "nonsense", "%00"])
async def test_credits_do_not_come_back_from_a_code_that_never_was(
    application: Application, user: Person, access_code: str
) -> None:
    answer = await ask(application, f"access_codes/{access_code}/credits/return", {}, user)

    assert refusal(answer) == problems.ACCESS_CODE_NOT_FOUND
