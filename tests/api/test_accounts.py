"""Registering, logging in and out, changing a password, and `check_self_status`."""

from typing import Any, Final

import pytest
from dirty_equals import IsStr

from tests.api import problems
from tests.api.asking import ask, execute, look, open_session, read, refusal
from tests.api.conftest import ApiFixture
from tests.support.application import Application, open_application
from tests.support.people import PASSWORD, Person

NEWCOMER: Final = {"email": "newcomer@example.com", "password": PASSWORD}
PASSWORD_RULE: Final = "a string of 8 to 256 characters without control characters"
EMAIL_RULE: Final = "an e-mail address of at most 254 characters"
LONG: Final = "a string of at most 256 characters without control characters"


async def log_in(
    application: Application, user: Person, password: str = PASSWORD
) -> dict[str, str]:
    """Log in over HTTP; return the header of the session."""
    body = {"email": user.email, "password": password}
    answer = await ask(application, "login", body)
    assert answer.status_code == 200
    return {"Authorization": f"Bearer {answer.json()['session_token']}"}


async def lives(application: Application, session: dict[str, str]) -> bool:
    """Say whether a session still opens something."""
    answer = await application.http.get("/api/check_self_status", headers=session)
    if answer.status_code != 200:
        assert refusal(answer) == problems.LOG_IN
    return answer.status_code == 200


# Self status


async def test_a_user_sees_itself(application: Application, user: Person) -> None:
    answer = await look(application, "check_self_status", user)

    assert answer.status_code == 200
    assert answer.json() == {
        "id": user.account_id,
        "type": "User",
        "status": "Active",
        "credits_available": 20,
        "created_at": "2026-01-11T12:46:03Z",
        "email": user.email,
        "affiliate_code": IsStr(regex=r"[0-9A-Za-z]{10}"),
        "access_code": None,
        "expires_at": None,
        "affiliate_origin": None,
    }


async def test_an_access_code_sees_itself(application: Application, api: ApiFixture) -> None:
    issuer = (await look(application, "check_self_status", api.user)).json()

    answer = await look(application, "check_self_status", api.code)

    assert answer.status_code == 200
    assert answer.json() == {
        "id": api.code.account_id,
        "type": "AccessCode",
        "status": "Active",
        "credits_available": 5,
        "created_at": "2026-01-11T12:46:03Z",
        "email": None,
        "affiliate_code": None,
        "access_code": api.code.access_code,
        "expires_at": None,
        "affiliate_origin": issuer["affiliate_code"],
    }


@pytest.mark.parametrize(
    "fault",
    [
        "ALTER TABLE users RENAME COLUMN affiliate_code TO elsewhere",
        "ALTER TABLE api_keys RENAME TO elsewhere",
    ],
    ids=["the account cannot be read", "the caller cannot be read"],
)
async def test_a_fault_of_self_status_has_its_own_text(
    application: Application, user: Person, fault: str
) -> None:
    await execute(application, fault)

    answer = await look(application, "check_self_status", user)

    assert refusal(answer) == problems.SELF_STATUS_FAULT


async def test_a_fault_elsewhere_says_nothing_but_that_it_is_ours(
    application: Application, user: Person
) -> None:
    await execute(application, "ALTER TABLE orders RENAME COLUMN failure_reason TO elsewhere")

    answer = await look(application, "orders", user)

    assert refusal(answer) == problems.INTERNAL_FAULT


# Registering


async def test_a_registered_user_logs_in(application: Application) -> None:
    registered = await ask(application, "register", NEWCOMER)
    logged_in = await ask(application, "login", NEWCOMER)

    assert registered.status_code == 201
    assert registered.json() == {
        "id": IsStr(regex=r"acc_[0-9A-Za-z]{25}"),
        "email": "newcomer@example.com",
        "affiliate_code": IsStr(regex=r"[0-9A-Za-z]{10}"),
    }
    assert logged_in.status_code == 200
    assert logged_in.json() == {
        "session_token": IsStr(regex=r"assay_session_[0-9A-Za-z]{43}"),
        "expires_at": "2026-01-18T12:46:03Z",
    }
    session = {"Authorization": f"Bearer {logged_in.json()['session_token']}"}
    itself = await application.http.get("/api/check_self_status", headers=session)
    assert itself.json()["id"] == registered.json()["id"]


async def test_an_email_is_registered_once_in_whatever_case(
    application: Application, user: Person
) -> None:
    body = {"email": (user.email or "").upper(), "password": "another password"}

    assert refusal(await ask(application, "register", body)) == problems.EMAIL_TAKEN
    assert await lives(application, await log_in(application, user))


async def test_a_closed_registration_is_403_whatever_is_sent(application: Application) -> None:
    async with open_application(application.database, open_registration=False) as closed:
        for body in (NEWCOMER, {}, {"email": 7}):
            assert refusal(await ask(closed, "register", body)) == problems.REGISTRATION_CLOSED
    assert await read(
        application, "SELECT count(*) FROM users WHERE email = 'newcomer@example.com'"
    ) == [(0,)]


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("register", ["email", "password"]),
        ("login", ["email", "password"]),
        ("change_password", ["password", "new_password"]),
    ],
)
async def test_credentials_are_required(
    application: Application, user: Person, path: str, names: list[str]
) -> None:
    right = {"email": "a@example.com", "password": PASSWORD, "new_password": PASSWORD}
    body: dict[str, Any] = {}
    for name in names:
        nothings: list[dict[str, object]] = [{}, {name: None}, {name: ""}, {name: []}]
        for nothing in nothings:
            answer = await ask(application, path, {**body, **nothing}, user)
            assert refusal(answer) == problems.missing(name)
        body[name] = right[name]


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("email", "no at sign", EMAIL_RULE),
        ("email", "a@b", EMAIL_RULE),
        ("email", "a b@example.com", EMAIL_RULE),
        ("email", "a@example.com\r\nBcc: b@example.com", EMAIL_RULE),
        ("email", "a" * 243 + "@example.com", EMAIL_RULE),
        ("email", 7, EMAIL_RULE),
        ("password", "seven c", PASSWORD_RULE),
        ("password", "p" * 257, PASSWORD_RULE),
        ("password", "pass\nword", PASSWORD_RULE),
        ("password", 12345678, PASSWORD_RULE),
    ],
)
async def test_a_user_registers_with_an_email_and_a_password_of_8_to_256_characters(
    application: Application, name: str, value: object, rule: str
) -> None:
    answer = await ask(application, "register", {**NEWCOMER, name: value})

    assert refusal(answer) == problems.must_be(name, rule)


# Logging in and out


async def test_a_wrong_password_and_an_unknown_email_have_one_answer(
    application: Application, user: Person
) -> None:
    wrong = await ask(application, "login", {"email": user.email, "password": "not it at all"})
    unknown = await ask(application, "login", NEWCOMER)

    assert refusal(wrong) == refusal(unknown) == problems.WRONG_PASSWORD


async def test_a_disabled_user_does_not_log_in(application: Application, user: Person) -> None:
    await execute(
        application, "UPDATE accounts SET status = 'inactive' WHERE id = :id", id=user.account_id
    )

    answer = await ask(application, "login", {"email": user.email, "password": PASSWORD})

    assert refusal(answer) == problems.WRONG_PASSWORD


@pytest.mark.parametrize("value", [0, False, ["a"], {}, "A" * 257, "a\tb"])
async def test_a_login_takes_strings(application: Application, user: Person, value: object) -> None:
    email = await ask(application, "login", {"email": value, "password": PASSWORD})
    password = await ask(application, "login", {"email": user.email, "password": value})

    assert refusal(email) == problems.must_be("email", LONG)
    assert refusal(password) == problems.must_be("password", LONG)


async def test_each_login_opens_a_session_of_its_own(
    application: Application, user: Person
) -> None:
    first = await log_in(application, user)
    chosen = {"Authorization": "Bearer assay_session_" + "A" * 43}
    body = {"email": user.email, "password": PASSWORD}
    second = (await ask(application, "login", body, session=chosen)).json()["session_token"]

    assert f"Bearer {second}" not in (first["Authorization"], chosen["Authorization"])
    assert not await lives(application, chosen)
    assert await lives(application, first)
    assert await lives(application, {"Authorization": f"Bearer {second}"})


async def test_a_session_ends_after_7_days(application: Application, user: Person) -> None:
    session = await log_in(application, user)

    application.clock.advance(7 * 24 * 3600 - 1)
    assert await lives(application, session)
    application.clock.advance(1)
    assert not await lives(application, session)


async def test_a_session_that_logged_out_is_dead_and_others_live(
    application: Application, user: Person
) -> None:
    now = application.clock.now()
    session = await open_session(application.database, user, now)
    other = await open_session(application.database, user, now)

    answer = await application.http.post("/api/logout", headers=session)
    replayed = await application.http.post("/api/logout", headers=session)

    assert (answer.status_code, answer.content) == (204, b"")
    assert refusal(replayed) == problems.LOG_IN
    assert not await lives(application, session)
    assert await lives(application, other)


# Changing a password


async def test_a_changed_password_ends_every_session_of_the_user(
    application: Application, api: ApiFixture
) -> None:
    now = application.clock.now()
    session = await open_session(application.database, api.user, now)
    other = await open_session(application.database, api.user, now)
    strangers = await open_session(application.database, api.stranger, now)
    body = {"password": PASSWORD, "new_password": "a new password"}

    answer = await ask(application, "change_password", body, session=session)

    assert (answer.status_code, answer.content) == (204, b"")
    assert not await lives(application, session)
    assert not await lives(application, other)
    assert await lives(application, strangers)
    assert await lives(application, await log_in(application, api.user, "a new password"))
    old = await ask(application, "login", {"email": api.user.email, "password": PASSWORD})
    assert refusal(old) == problems.WRONG_PASSWORD
    assert (await look(application, "check_self_status", api.user)).status_code == 200  # its key


async def test_a_password_is_not_changed_without_the_old_one(
    application: Application, user: Person
) -> None:
    session = await open_session(application.database, user, application.clock.now())
    body = {"password": "not it at all", "new_password": "a new password"}

    answer = await ask(application, "change_password", body, session=session)

    assert refusal(answer) == problems.WRONG_PASSWORD
    assert await lives(application, session)
    assert await lives(application, await log_in(application, user))


@pytest.mark.parametrize("value", ["short", "p" * 257, 7])
async def test_a_new_password_has_8_to_256_characters(
    application: Application, user: Person, value: object
) -> None:
    body = {"password": PASSWORD, "new_password": value}

    answer = await ask(application, "change_password", body, user)

    assert refusal(answer) == problems.must_be("new_password", PASSWORD_RULE)
