"""Throttles on guessing keys, tokens and access codes: one process, a clock set by hand."""

from typing import Any, Final

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from app.worker import housekeeping
from tests.api import problems
from tests.api.asking import (
    Problem,
    anonymised,
    ask,
    counting_queries,
    forge_key,
    look,
    open_session,
    read,
    refusal,
)
from tests.api.conftest import ApiFixture
from tests.api.guessing import (
    BAD_CREDENTIALS,
    MALFORMED,
    UNKNOWN,
    asked_from,
    refused,
    self_status,
)
from tests.api.ordering import ORDER
from tests.support.application import Application
from tests.support.people import Person, make_access_code, make_key, make_user

UNKNOWN_CODE: Final = "A" * 16
QUESTION: Final = {
    "assessment_type": "address",
    "address": "12Cyjf3qV6qLyXdzpLSLPdRFPUVidvnzFM",
    "currency": "BTC",
}
GIFT: Final = {**ORDER, "order_is_for_self": False}
# Every endpoint that refuses an access code: path, body, and the refusal.
CODE_ENDPOINTS: Final[dict[str, tuple[dict[str, Any] | None, Problem]]] = {
    "new_order": (GIFT, problems.INVALID_ACCESS_CODE),
    "check_access_code_status": ({}, problems.ACCESS_CODE_NOT_FOUND),
    "check_assessment_list_for_access_code": (
        {"assessment_id_list": ["a"]},
        problems.ACCESS_CODE_NOT_FOUND,
    ),
    "create_new_assessment_for_access_code": (QUESTION, problems.ACCESS_CODE_NOT_FOUND),
    "api_keys": ({}, problems.ACCESS_CODE_NOT_FOUND),
    f"access_codes/{UNKNOWN_CODE}/credits": ({"credits": 1}, problems.ACCESS_CODE_NOT_FOUND),
    f"access_codes/{UNKNOWN_CODE}/deactivate": (None, problems.ACCESS_CODE_NOT_FOUND),
}


def bad_credential(headers: dict[str, str]) -> Problem:
    return problems.INVALID_API_KEY if "X-API-KEY" in headers else problems.LOG_IN


async def use_up_keys(
    application: Application, headers: dict[str, str], failures: int = 20
) -> None:
    for _ in range(failures):
        assert refusal(await self_status(application, headers)) == bad_credential(headers)


@pytest.mark.parametrize("kind", BAD_CREDENTIALS)
async def test_the_twenty_first_bad_credential_in_a_minute_is_too_many(
    application: Application, kind: str
) -> None:
    headers = BAD_CREDENTIALS[kind]
    await use_up_keys(application, headers, 10)
    application.clock.advance(16.25)
    await use_up_keys(application, headers, 10)

    wait = refused(await self_status(application, headers), "bad-keys", 20)

    assert wait == 44
    application.clock.advance(43)
    assert refused(await self_status(application, headers), "bad-keys", 20) == 1
    application.clock.advance(1)
    await use_up_keys(application, headers)


async def test_bad_credentials_of_every_kind_are_counted_together(application: Application) -> None:
    kinds = list(BAD_CREDENTIALS.values())
    for number in range(20):
        headers = kinds[number % len(kinds)]
        assert refusal(await self_status(application, headers)) == bad_credential(headers)

    for headers in kinds:
        refused(await self_status(application, headers), "bad-keys", 20)


async def test_whoever_waits_as_told_is_not_refused_again(application: Application) -> None:
    """Failures of both kinds, whose minutes begin at different times."""
    key, nonsense = UNKNOWN["unknown key"], MALFORMED["nonsense as a key"]
    for _ in range(10):
        await self_status(application, key)
    application.clock.advance(30.5)
    for _ in range(10):
        await self_status(application, nonsense)

    wait = refused(await self_status(application, key), "bad-keys", 20)

    application.clock.advance(wait)
    for headers in (key, nonsense):
        assert refusal(await self_status(application, headers)) == problems.INVALID_API_KEY


@pytest.mark.parametrize("kind", BAD_CREDENTIALS)
async def test_valid_credentials_are_never_refused_for_where_they_come_from(
    application: Application, user: Person, code: Person, kind: str
) -> None:
    session = await open_session(application.database, user, application.clock.now())
    await use_up_keys(application, BAD_CREDENTIALS[kind])

    for good in (user.headers, code.headers, session):
        for _ in range(3):
            refused(await self_status(application, BAD_CREDENTIALS[kind]), "bad-keys", 20)
            assert (await self_status(application, good)).status_code == 200


async def test_missing_credentials_are_no_guess(application: Application) -> None:
    async def ask_without() -> Problem:
        return refusal(await ask(application, "check_order_status", {"order_id": "x"}))

    for _ in range(100):
        assert await ask_without() == problems.LOG_IN_TO_ORDER
    await use_up_keys(application, {"X-API-KEY": "nonsense"})
    refused(await self_status(application, {"X-API-KEY": "nonsense"}), "bad-keys", 20)
    assert await ask_without() == problems.LOG_IN_TO_ORDER
    basic = await self_status(application, {"Authorization": "Basic bm9ib2R5Og=="})
    assert refusal(basic) == problems.LOG_IN


async def test_a_key_that_is_bound_to_nobody_is_valid_and_no_guess(
    application: Application,
) -> None:
    key = await application_key(application)
    for _ in range(30):
        answer = await self_status(application, {"X-API-KEY": key})
        assert refusal(answer) == problems.USER_NOT_IDENTIFIED


async def application_key(application: Application) -> str:
    return await make_key(application.database, None, application.clock.now())


async def test_bad_keys_are_counted_wherever_they_are_tried(application: Application) -> None:
    key = UNKNOWN["unknown key"]
    for _ in range(10):
        await ask_with(application, key)
    for _ in range(10):
        assert refusal(await self_status(application, key)) == problems.INVALID_API_KEY

    refused(await ask_with(application, key), "bad-keys", 20)


async def ask_with(application: Application, headers: dict[str, str]) -> Any:  # noqa: ANN401
    return await application.http.post(
        "/api/check_order_status", json={"order_id": "x"}, headers=headers
    )


@pytest.mark.parametrize("kind", MALFORMED)
async def test_malformed_credentials_never_cost_a_query(
    application: Application, outer: AsyncConnection, kind: str
) -> None:
    with counting_queries(outer) as queries:
        for _ in range(40):
            await ask_with(application, MALFORMED[kind])
            await self_status(application, MALFORMED[kind])

    assert queries == []


async def test_a_key_of_the_right_form_costs_its_look_and_one_count_until_it_is_too_many(
    application: Application, outer: AsyncConnection
) -> None:
    key = UNKNOWN["unknown key"]
    with counting_queries(outer) as first:
        await self_status(application, key)
    for _ in range(19):
        await self_status(application, key)
    with counting_queries(outer) as beyond:
        refused(await self_status(application, key), "bad-keys", 20)

    assert [query.split()[0] for query in first] == ["SELECT", "INSERT"]
    assert [query.split()[0] for query in beyond] == ["SELECT"]


async def test_a_valid_key_costs_one_statement_whatever_failed_before(
    application: Application, outer: AsyncConnection, user: Person
) -> None:
    await use_up_keys(application, UNKNOWN["unknown key"])
    with counting_queries(outer) as queries:
        answer = await ask_with(application, user.headers)

    assert refusal(answer) == problems.INVALID_ORDER_ID
    assert len(queries) == 1


async def test_a_refusal_does_not_tell_which_keys_exist(
    application: Application, user: Person
) -> None:
    prefix = user.api_key.split("_")[1]
    guesses = [forge_key(prefix, "B" * 32), forge_key("A" * 10, "B" * 32)]
    answers = [
        [await self_status(application, {"X-API-KEY": guess}) for _ in range(12)]
        for guess in guesses
    ]

    told = [[(each.status_code, anonymised(each)) for each in of_one] for of_one in answers]
    assert told[0][:8] == told[1][:8]
    assert [status for status, _ in told[1]] == [403] * 8 + [429] * 4
    assert refusal(answers[1][-1]) == problems.TOO_MANY_ATTEMPTS


async def test_other_addresses_have_budgets_of_their_own(application: Application) -> None:
    for headers in (MALFORMED["nonsense as a key"], UNKNOWN["unknown key"]):
        await use_up_keys(application, headers)
        application.clock.advance(60)
    await use_up_keys(application, UNKNOWN["unknown key"])

    async with asked_from(application, "198.51.100.77") as neighbour:
        await use_up_keys(neighbour, UNKNOWN["unknown key"])


async def test_the_addresses_of_one_ipv6_network_are_one_client(application: Application) -> None:
    for number in range(20):
        async with asked_from(application, f"2001:db8:1:2::{number:x}") as somebody:
            await self_status(somebody, UNKNOWN["unknown key"])

    async with asked_from(application, "2001:db8:1:2:ffff::1") as somebody:
        refused(await self_status(somebody, UNKNOWN["unknown key"]), "bad-keys", 20)
    async with asked_from(application, "2001:db8:1:3::1") as neighbour:
        answer = await self_status(neighbour, UNKNOWN["unknown key"])
        assert refusal(answer) == problems.INVALID_API_KEY


async def test_forwarded_addresses_of_a_stranger_change_nothing(application: Application) -> None:
    key = UNKNOWN["unknown key"]
    for number in range(20):
        await self_status(application, {**key, "X-Forwarded-For": f"203.0.113.{number}"})

    answer = await self_status(application, {**key, "X-Forwarded-For": "203.0.113.99"})
    refused(answer, "bad-keys", 20)


# Access codes, by their caller


async def name_code(
    application: Application, endpoint: str, by: Person, access_code: str = UNKNOWN_CODE
) -> Any:  # noqa: ANN401
    body, _ = CODE_ENDPOINTS[endpoint]
    path = endpoint.replace(UNKNOWN_CODE, access_code)
    sent = {"access_code": access_code, **body} if body is not None else None
    return await ask(application, path, sent, by)


@pytest.fixture
async def guesser(application: Application) -> Person:
    """A user with credits who has not guessed yet."""
    return await make_user(application.database, application.clock.now(), credits_given=5)


@pytest.mark.parametrize("endpoint", CODE_ENDPOINTS)
async def test_the_twenty_first_bad_code_of_a_caller_in_a_minute_is_too_many(
    application: Application, guesser: Person, endpoint: str
) -> None:
    own = await make_access_code(
        application.database, guesser, application.clock.now(), credits_given=1
    )
    for _ in range(20):
        answer = await name_code(application, endpoint, guesser)
        assert refusal(answer) == CODE_ENDPOINTS[endpoint][1]

    wait = refused(await name_code(application, endpoint, guesser), "bad-codes", 20)

    right = await name_code(application, endpoint, guesser, str(own.access_code))
    assert right.status_code in (200, 201, 404)  # 404: it has no such assessment
    application.clock.advance(wait)
    answer = await name_code(application, endpoint, guesser)
    assert refusal(answer) == CODE_ENDPOINTS[endpoint][1]


async def test_two_hundred_bad_codes_of_one_caller_disturb_nobody_else(
    application: Application, api: ApiFixture, guesser: Person
) -> None:
    """With an address that is invented anew for each guess."""
    statuses = []
    for number in range(200):
        answer = await application.http.post(
            "/api/check_access_code_status",
            json={"access_code": f"{number:016}"},
            headers={**guesser.headers, "X-Forwarded-For": f"203.0.113.{number}"},
        )
        statuses.append(answer.status_code)
        neighbour = await look(application, "check_self_status", api.stranger)
        assert neighbour.status_code == 200

    assert statuses == [400] * 20 + [429] * 180
    body = {"access_code": UNKNOWN_CODE}
    neighbour = await ask(application, "check_access_code_status", body, api.stranger)
    assert refusal(neighbour) == problems.ACCESS_CODE_NOT_FOUND


async def test_a_foreign_code_counts_and_answers_like_one_that_never_was(
    application: Application, api: ApiFixture, guesser: Person
) -> None:
    foreign = str(api.foreign_code.access_code)
    answers = [
        [
            await name_code(application, "check_access_code_status", guesser, each)
            for _ in range(each_number)
        ]
        for each, each_number in ((foreign, 10), (UNKNOWN_CODE, 11), (foreign, 1))
    ]

    assert anonymised(answers[0][0]) == anonymised(answers[1][0])
    refused(answers[1][10], "bad-codes", 20)
    assert anonymised(answers[1][10]) == anonymised(answers[2][0])


async def test_a_code_that_names_another_at_an_orders_status_is_counted(
    application: Application, guesser: Person
) -> None:
    code = await make_access_code(application.database, guesser, application.clock.now())
    body = {"order_id": "x", "access_code": UNKNOWN_CODE}
    for _ in range(20):
        answer = await ask(application, "check_order_status", body, code)
        assert refusal(answer) == problems.ACCESS_CODE_MISMATCH

    refused(await ask(application, "check_order_status", body, code), "bad-codes", 20)
    right = {"order_id": "x", "access_code": code.access_code}
    for _ in range(30):
        answer = await ask(application, "check_order_status", right, code)
        assert refusal(answer) == problems.INVALID_ORDER_ID


async def test_a_bad_code_under_an_idempotency_key_is_counted_and_leaves_no_key(
    application: Application, guesser: Person
) -> None:
    headers = {**guesser.headers, "Idempotency-Key": "one"}
    answers = [
        await application.http.post(
            "/api/new_order", json={**GIFT, "access_code": UNKNOWN_CODE}, headers=headers
        )
        for _ in range(21)
    ]

    assert [refusal(answer) for answer in answers[:20]] == [problems.INVALID_ACCESS_CODE] * 20
    refused(answers[20], "bad-codes", 20)
    assert await read(application, "SELECT count(*) FROM idempotency_keys") == [(0,)]


# Seeing and sweeping


async def test_refusals_are_counted_by_throttle(application: Application, guesser: Person) -> None:
    def counted(throttle: str) -> float:
        value = application.resources.metrics.registry.get_sample_value(
            "assay_attempts_refused_total", {"throttle": throttle}
        )
        return value or 0.0

    keys, codes = counted("bad-keys"), counted("bad-codes")
    for _ in range(22):
        await self_status(application, UNKNOWN["unknown key"])
        await name_code(application, "check_access_code_status", guesser)

    assert (counted("bad-keys") - keys, counted("bad-codes") - codes) == (2, 2)


async def test_counts_that_are_over_are_swept(application: Application) -> None:
    sweep = housekeeping.loops(application.resources)[1].tick
    await self_status(application, UNKNOWN["unknown key"])
    application.clock.advance(30)
    async with asked_from(application, "198.51.100.78") as other:
        await self_status(other, UNKNOWN["unknown key"])
    left = "SELECT count(*) FROM failed_attempts"
    before = await read(application, left)

    application.clock.advance(30)
    assert not await sweep()
    after = await read(application, left)
    application.clock.advance(30)
    assert not await sweep()

    assert (before, after, await read(application, left)) == ([(2,)], [(1,)], [(0,)])
