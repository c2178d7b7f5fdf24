"""Throttles on guessing passwords and e-mails: at login, at registering, at a change of password."""

from contextlib import AsyncExitStack

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from app.accounts import users
from app.runtime import security
from app.runtime.db.concurrency import ConcurrencyLimit
from tests.api import problems
from tests.api.asking import anonymised, ask, counting_queries, refusal
from tests.api.guessing import asked_from, log_in, refused
from tests.support.application import Application
from tests.support.people import PASSWORD, Person, make_user


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Collect the passwords that are hashed, in the place of hashing them: only PASSWORD is right."""
    tried: list[str] = []

    def match(password: str, password_hash: str | None) -> bool:
        tried.append(password)
        return password == PASSWORD and password_hash is not None

    def make(password: str) -> str:
        tried.append(password)
        return security.hash_token(password).hex()

    monkeypatch.setattr(users, "password_matches", match)
    monkeypatch.setattr(users, "hash_password", make)
    return tried


@pytest.fixture
async def victim(application: Application, hashed: list[str]) -> Person:
    """A user whose password somebody tries to guess."""
    person = await make_user(application.database, application.clock.now())
    hashed.clear()
    return person


def email_of(person: Person) -> str:
    return str(person.email)


async def register(application: Application, email: str) -> httpx.Response:
    return await ask(application, "register", {"email": email, "password": PASSWORD})


async def change(application: Application, person: Person, password: str) -> httpx.Response:
    body = {"password": password, "new_password": PASSWORD}
    return await ask(application, "change_password", body, person)


async def test_the_eleventh_login_that_could_fail_is_refused_before_anything_is_hashed(
    application: Application, victim: Person, hashed: list[str]
) -> None:
    for _ in range(10):
        answer = await log_in(application, email_of(victim), "a guess that is wrong")
        assert refusal(answer) == problems.WRONG_PASSWORD
    assert len(hashed) == 10
    application.clock.advance(20.5)

    wait = refused(await log_in(application, email_of(victim), "another guess"), "logins", 10)
    refused(await log_in(application, email_of(victim), PASSWORD), "logins", 10)

    assert wait == 40
    assert len(hashed) == 10
    application.clock.advance(wait)
    assert (await log_in(application, email_of(victim), PASSWORD)).status_code == 200


async def test_nobody_is_locked_out_by_guesses_from_elsewhere(
    application: Application, victim: Person
) -> None:
    for _ in range(30):
        await log_in(application, email_of(victim), "a guess that is wrong")

    async with asked_from(application, "198.51.100.80") as home:
        assert (await log_in(home, email_of(victim), PASSWORD)).status_code == 200


async def test_another_account_at_the_same_address_logs_in(
    application: Application, victim: Person
) -> None:
    neighbour = await make_user(application.database, application.clock.now())
    for _ in range(30):
        await log_in(application, email_of(victim), "a guess that is wrong")

    assert (await log_in(application, email_of(neighbour), PASSWORD)).status_code == 200


async def test_right_passwords_are_not_counted(application: Application, victim: Person) -> None:
    for _ in range(60):
        assert (await log_in(application, email_of(victim), PASSWORD)).status_code == 200


async def test_fifty_failures_of_an_address_are_the_most_whatever_the_accounts(
    application: Application, victim: Person, hashed: list[str]
) -> None:
    for number in range(50):
        answer = await log_in(application, f"{number}@example.com", "a guess that is wrong")
        assert refusal(answer) == problems.WRONG_PASSWORD

    answer = await log_in(application, email_of(victim), PASSWORD)

    wait = refused(answer, "logins-by-address", 50)
    refused(await register(application, "new@example.com"), "logins-by-address", 50)
    refused(await change(application, victim, PASSWORD), "logins-by-address", 50)
    assert len(hashed) == 50
    application.clock.advance(wait)
    assert (await log_in(application, email_of(victim), PASSWORD)).status_code == 200


async def test_of_two_budgets_that_are_used_up_the_later_one_says_when_to_come_back(
    application: Application, victim: Person
) -> None:
    for number in range(40):
        await log_in(application, f"{number}@example.com", "a guess that is wrong")
    application.clock.advance(30)
    for _ in range(10):
        await log_in(application, email_of(victim), "a guess that is wrong")

    wait = refused(await log_in(application, email_of(victim), PASSWORD), "logins", 10)

    assert wait == 60
    application.clock.advance(wait)
    assert (await log_in(application, email_of(victim), PASSWORD)).status_code == 200


async def test_an_unknown_email_is_throttled_like_a_known_one(
    application: Application, victim: Person
) -> None:
    told = []
    for number, email in enumerate((email_of(victim), "nobody@example.com")):
        async with asked_from(application, f"198.51.100.{90 + number}") as guesser:
            answers = [await log_in(guesser, email, "a wrong guess") for _ in range(12)]
        told.append([(each.status_code, anonymised(each)) for each in answers])

    assert told[0] == told[1]
    assert [status for status, _ in told[0]] == [403] * 10 + [429] * 2


async def test_the_case_of_an_email_is_no_other_account(
    application: Application, victim: Person
) -> None:
    for number in range(10):
        email = email_of(victim).upper() if number % 2 else email_of(victim)
        await log_in(application, email, "a guess that is wrong")

    refused(await log_in(application, email_of(victim).title(), "a wrong guess"), "logins", 10)


async def test_known_emails_at_register_and_wrong_old_passwords_count_as_logins(
    application: Application, victim: Person, hashed: list[str]
) -> None:
    for _ in range(4):
        assert refusal(await register(application, email_of(victim))) == problems.EMAIL_TAKEN
    for _ in range(3):
        answer = await change(application, victim, "not the old one")
        assert refusal(answer) == problems.WRONG_PASSWORD
    for _ in range(3):
        await log_in(application, email_of(victim), "a guess that is wrong")
    hashed.clear()

    refused(await register(application, email_of(victim)), "logins", 10)
    refused(await change(application, victim, PASSWORD), "logins", 10)
    refused(await log_in(application, email_of(victim), PASSWORD), "logins", 10)

    assert hashed == []


async def test_new_users_are_not_counted(application: Application, hashed: list[str]) -> None:
    for number in range(60):
        assert (await register(application, f"user-{number}@example.com")).status_code == 201
    assert len(hashed) == 60


async def test_a_budget_known_to_be_used_up_costs_no_query(
    application: Application, victim: Person, outer: AsyncConnection
) -> None:
    for _ in range(10):
        await log_in(application, email_of(victim), "a guess that is wrong")

    with counting_queries(outer) as queries:
        refused(await log_in(application, email_of(victim), PASSWORD), "logins", 10)

    assert queries == []


async def test_beyond_four_passwords_at_once_nobody_waits_for_ever(
    application: Application, victim: Person, hashed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    concurrency = ConcurrencyLimit(4, within_seconds=0.01)
    monkeypatch.setattr(application.resources.throttles, "_passwords", concurrency)
    async with AsyncExitStack() as taken:
        for _ in range(4):
            await taken.enter_async_context(concurrency.one())
        answers = [
            await log_in(application, email_of(victim), PASSWORD),
            await register(application, "new@example.com"),
            await change(application, victim, PASSWORD),
        ]
    for answer in answers:
        assert refusal(answer) == problems.BUSY
        assert answer.headers["Retry-After"] == "1"
    assert hashed == []
    assert (await log_in(application, email_of(victim), PASSWORD)).status_code == 200
