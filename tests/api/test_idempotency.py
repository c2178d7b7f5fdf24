"""`Idempotency-Key`: however often a request is repeated, it is done once and answered alike."""

import json
from typing import Any, Final

import httpx
import pytest
from dirty_equals import IsStr
from sqlalchemy import text

from app.assessments.providers.base import FailureReason, ProviderFailed
from app.runtime.idempotency import KEPT
from app.worker import housekeeping
from tests.api import problems
from tests.api.asking import ask, balance_of, execute, learn_limits, open_session, read, refusal
from tests.api.conftest import ApiFixture
from tests.support.application import Application
from tests.support.cases import each_case
from tests.support.people import Person, give_credits

ORDER: Final = {
    "number_of_credits": 10,
    "payment_coin": "Aeon",
    "payment_network": "AEON",
    "order_is_for_self": True,
}
QUESTION: Final = {
    "assessment_type": "address",
    "address": "12Cyjf3qV6qLyXdzpLSLPdRFPUVidvnzFM",
    "currency": "BTC",
    "fresh": True,
}
KEY: Final = "7f0c9a52-5d3f-4d0e-8a36-3f4f0d0c7a11"
ENDPOINTS: Final = ("new_order", "create_new_assessment", "create_new_assessment_for_access_code")
BAD_KEY: Final = problems.must_be(
    "Idempotency-Key", "one header of 1 to 255 visible ASCII characters"
)


def body_for(endpoint: str, api: ApiFixture) -> dict[str, Any]:
    if endpoint == "new_order":
        return dict(ORDER)
    if endpoint == "create_new_assessment":
        return dict(QUESTION)
    return {"access_code": api.code.access_code, **QUESTION}


async def send(
    application: Application, endpoint: str, body: object, by: Person, key: str = KEY
) -> httpx.Response:
    """POST a body under a key."""
    return await ask(application, endpoint, body, by, session={"Idempotency-Key": key})


async def made(application: Application) -> tuple[int, int, int]:
    """Count orders, assessments and keys."""
    [counts] = await read(
        application,
        "SELECT (SELECT count(*) FROM orders), (SELECT count(*) FROM assessments),"
        " (SELECT count(*) FROM idempotency_keys)",
    )
    return counts


async def sweep(application: Application) -> None:
    [loop] = [loop for loop in housekeeping.loops(application.resources) if loop.name == "sweep"]
    await loop.tick()


# The first 201, again


@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_a_repeated_request_is_answered_with_the_same_bytes_and_done_once(
    application: Application, api: ApiFixture, endpoint: str
) -> None:
    body = body_for(endpoint, api)

    first = await send(application, endpoint, body, api.user)
    application.clock.advance(60)
    again = await send(application, endpoint, body, api.user)

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again.headers["Content-Type"] == first.headers["Content-Type"] == "application/json"
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.headers["X-Request-ID"] != first.headers["X-Request-ID"]
    orders, assessments, keys = await made(application)
    assert (orders + assessments, keys) == (1, 1)
    assert len(application.provider.asked) == assessments


@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_an_answer_under_a_key_is_the_one_without_it(
    application: Application, api: ApiFixture, endpoint: str
) -> None:
    body = body_for(endpoint, api)
    own_id = "order_id" if endpoint == "new_order" else "assessment_id"

    keyed = await send(application, endpoint, body, api.user)
    plain = await ask(application, endpoint, body, api.user)

    expected = {**plain.json(), own_id: IsStr()}
    if endpoint != "new_order":
        expected["credits_available"] += 1
    assert keyed.json() == expected
    assert list(keyed.json()) == list(plain.json())


async def test_an_answer_is_repeated_whatever_became_of_the_order_and_its_buyer(
    application: Application, api: ApiFixture
) -> None:
    first = await send(application, "new_order", ORDER, api.code)
    await execute(application, "UPDATE orders SET number_of_credits = number_of_credits")
    await execute(
        application,
        "UPDATE accounts SET status = 'inactive' WHERE id = :id",
        id=api.code.account_id,
    )
    await learn_limits(application, lower_limit_btc=19)

    again = await send(application, "new_order", ORDER, api.code)

    assert again.content == first.content
    fresh = await send(application, "new_order", ORDER, api.code, "another")
    assert refusal(fresh) == problems.INVALID_ACCESS_CODE


async def test_order_of_members_and_blanks_make_no_other_body(
    application: Application, user: Person
) -> None:
    headers = {**user.headers, "Idempotency-Key": KEY, "Content-Type": "application/json"}
    written = json.dumps(dict(reversed(ORDER.items())), indent=3)

    first = await send(application, "new_order", ORDER, user)
    again = await application.http.post("/api/new_order", content=written, headers=headers)

    assert again.content == first.content


async def test_a_session_and_a_key_of_one_account_repeat_each_others_requests(
    application: Application, user: Person
) -> None:
    session = await open_session(application.database, user, application.clock.now())

    first = await send(application, "new_order", ORDER, user)
    again = await ask(application, "new_order", ORDER, session={**session, "Idempotency-Key": KEY})

    assert again.content == first.content


# What is another request


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("change", [{"payment_coin": "AEON", "currency": "btc"}, {"memo": 1}])
async def test_another_body_under_the_same_key_is_422_and_does_nothing(
    application: Application, api: ApiFixture, endpoint: str, change: dict[str, Any]
) -> None:
    body = body_for(endpoint, api)
    first = await send(application, endpoint, body, api.user)
    before = await made(application)

    other = await send(application, endpoint, {**body, **change}, api.user)

    assert refusal(other) == problems.KEY_REUSED
    assert await made(application) == before
    assert (await send(application, endpoint, body, api.user)).content == first.content


async def test_the_same_key_of_another_account_is_a_fresh_request(
    application: Application, api: ApiFixture
) -> None:
    answers = [
        await send(application, "new_order", body, by)
        for by, body in (
            (api.user, ORDER),
            (api.code, ORDER),
            (api.stranger, {**ORDER, "number_of_credits": 11}),
        )
    ]

    assert [answer.status_code for answer in answers] == [201, 201, 201]
    assert len({answer.json()["order_id"] for answer in answers}) == 3


async def test_the_same_key_at_another_endpoint_is_a_fresh_request(
    application: Application, api: ApiFixture
) -> None:
    answers = [
        await send(application, endpoint, body_for(endpoint, api), api.user)
        for endpoint in ENDPOINTS
    ]

    assert [answer.status_code for answer in answers] == [201, 201, 201]
    assert await made(application) == (1, 2, 3)


async def test_without_a_key_two_requests_are_two_orders(
    application: Application, user: Person
) -> None:
    await ask(application, "new_order", ORDER, user)
    await ask(application, "new_order", ORDER, user)

    assert await made(application) == (2, 0, 0)


# What is not kept


async def test_a_refused_order_leaves_its_key_free(application: Application, user: Person) -> None:
    await learn_limits(application)
    gift = {**ORDER, "order_is_for_self": False, "access_code": "0000000000000000"}

    dear = await send(application, "new_order", {**ORDER, "number_of_credits": 10_001}, user)
    cheap = await send(application, "new_order", {**ORDER, "number_of_credits": 3}, user)
    unknown = await send(application, "new_order", gift, user)
    incomplete = await send(application, "new_order", {}, user)

    refused = (dear, cheap, unknown, incomplete)
    assert [answer.status_code for answer in refused] == [400] * 4
    assert await made(application) == (0, 0, 0)
    assert (await send(application, "new_order", ORDER, user)).status_code == 201


async def test_402_is_not_kept(application: Application, api: ApiFixture) -> None:
    poor = api.stranger
    first = await send(application, "create_new_assessment", QUESTION, poor)
    assert refusal(first) == problems.INSUFFICIENT_CREDITS
    assert await made(application) == (0, 0, 0)
    await give_credits(application.database, poor.account_id, 1, application.clock.now())

    again = await send(application, "create_new_assessment", QUESTION, poor)

    assert again.status_code == 201
    assert "Idempotency-Replayed" not in again.headers


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("ALTER TABLE orders ADD CONSTRAINT none CHECK (false) NOT VALID", "order_not_created"),
        ("ALTER TABLE aeonto_parameters RENAME TO gone", "order_fault"),
    ],
)
async def test_a_fault_of_ours_is_not_kept(
    application: Application, user: Person, fault: str, expected: str
) -> None:
    async with application.database.reading() as connection:
        broken = await connection.begin_nested()
        await connection.execute(text(fault))
        answer = await send(application, "new_order", ORDER, user)
        await broken.rollback()
    assert (answer.status_code, answer.json()["code"]) == (500, expected)
    assert await made(application) == (0, 0, 0)

    assert (await send(application, "new_order", ORDER, user)).status_code == 201


async def test_after_a_failure_of_the_provider_the_same_key_asks_anew(
    application: Application, api: ApiFixture
) -> None:
    application.provider.raises = ProviderFailed(FailureReason.REFUSED)
    endpoint = "create_new_assessment_for_access_code"
    body = body_for(endpoint, api)
    failed = await send(application, endpoint, body, api.user)
    assert refusal(failed) == problems.ASSESSMENT_REFUSED
    assert await made(application) == (0, 1, 0)
    application.provider.raises = None

    answer = await send(application, endpoint, body, api.user)

    assert answer.status_code == 201
    assert answer.json()["status"] == "ready"
    assert [question.assessment_id for question in application.provider.asked] == [
        IsStr(),
        answer.json()["assessment_id"],
    ]
    assert await balance_of(application, api.code) == 4


# For how long


async def test_a_key_is_kept_for_24_hours_and_then_swept_out(
    application: Application, user: Person
) -> None:
    first = await send(application, "new_order", ORDER, user)

    application.clock.advance(KEPT.total_seconds() - 1)
    await sweep(application)
    again = await send(application, "new_order", ORDER, user)
    application.clock.advance(1)
    await sweep(application)
    fresh = await send(application, "new_order", ORDER, user)

    assert KEPT.total_seconds() == 24 * 3600
    assert again.content == first.content
    assert fresh.status_code == 201
    assert fresh.json()["order_id"] != first.json()["order_id"]
    assert await made(application) == (2, 0, 1)


# What a key may be


@pytest.mark.parametrize("key", ["0", "!", "~", "a" * 255, '"quoted"', "a,b;c=d", "../..", "null"])
async def test_a_key_is_any_text_of_visible_ascii(
    application: Application, user: Person, key: str
) -> None:
    first = await send(application, "new_order", ORDER, user, key)
    again = await send(application, "new_order", ORDER, user, key)

    assert first.status_code == 201
    assert again.content == first.content


@each_case("endpoint", ENDPOINTS)
@each_case(
    "sent",
    [[b""], [b" "], [b"a b"], [b"a\tb"], [b"a" * 256], [b"\xc3\xa9"], [b"\x7f"], [b"a", b"a"]],
)
async def test_any_other_key_is_400_and_does_nothing(
    application: Application, api: ApiFixture, endpoint: str, sent: list[bytes]
) -> None:
    headers = [(b"x-api-key", api.user.api_key.encode())]
    headers += [(b"idempotency-key", key) for key in sent]

    answer = await application.http.post(
        f"/api/{endpoint}", json=body_for(endpoint, api), headers=headers
    )

    assert refusal(answer) == BAD_KEY
    assert await made(application) == (0, 0, 0)


async def test_keys_differ_by_case(application: Application, user: Person) -> None:
    await send(application, "new_order", ORDER, user, "a")
    await send(application, "new_order", ORDER, user, "A")

    assert await made(application) == (2, 0, 2)


async def test_caller_and_body_are_judged_before_the_key(
    application: Application, user: Person
) -> None:
    headers = {"Idempotency-Key": "a b", "Content-Type": "application/json"}
    nobody = await application.http.post("/api/new_order", content=b"[]", headers=headers)
    headers = {**headers, **user.headers}
    malformed = await application.http.post("/api/new_order", content=b"[]", headers=headers)
    headers["Idempotency-Key"] = KEY
    also = await application.http.post("/api/new_order", content=b"[]", headers=headers)

    assert refusal(nobody) == problems.LOG_IN_TO_ORDER
    for answer in (malformed, also):
        assert refusal(answer) == problems.malformed("The body must be one JSON object")
