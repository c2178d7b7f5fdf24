"""Edges of the contract that only a close reading, or a hostile body, comes to."""

from collections.abc import AsyncIterator

import pytest

from app.runtime.security import new_id
from tests.support.application import Application, open_application
from tests.support.databases import LentDatabase
from tests.support.people import Person, make_access_code, make_user


@pytest.fixture
async def application(database: LentDatabase) -> AsyncIterator[Application]:
    async with open_application(database) as running:
        yield running


@pytest.fixture
async def user(application: Application) -> Person:
    return await make_user(application.database, application.clock.now())


@pytest.mark.parametrize("path", ["/api/access_codes", "/api/api_keys"])
@pytest.mark.parametrize("body", ["", "[]", "null", '"x"', '{"a": NaN}', '{"a": 1, "a": 1}', "{"])
async def test_a_refused_body_is_never_read_as_one_without_its_optional_fields(
    application: Application, user: Person, path: str, body: str
) -> None:
    headers = {**user.headers, "Content-Type": "application/json"}

    answer = await application.http.post(path, content=body, headers=headers)

    assert answer.status_code == 400
    assert answer.json()["code"] == "malformed_body"


async def test_a_thousand_ids_fit_into_one_request_and_one_more_is_400(
    application: Application, user: Person
) -> None:
    code = await make_access_code(application.database, user, application.clock.now())
    path = "/api/check_assessment_list_for_access_code"
    body = {
        "access_code": code.access_code,
        "assessment_id_list": [new_id("asm") for _ in range(1000)],
    }

    fitting = await application.http.post(path, json=body, headers=user.headers)
    body["assessment_id_list"] = [new_id("asm") for _ in range(1001)]
    too_many = await application.http.post(path, json=body, headers=user.headers)

    assert (fitting.status_code, fitting.json()["detail"]) == (404, "No assessments found")
    assert too_many.status_code == 400
    assert "assessment_id_list must be a list of at most 1000" in too_many.json()["detail"]


async def test_a_list_over_256_kib_is_413(application: Application, user: Person) -> None:
    answer = await application.http.post(
        "/api/check_assessment_list_for_access_code",
        json={"access_code": "A" * 16, "assessment_id_list": ["a" * (256 * 1024)]},
        headers=user.headers,
    )

    assert answer.status_code == 413
    assert answer.json()["detail"] == "The body must be at most 262144 bytes"


@pytest.mark.parametrize("sent", [5, True, ["x"], {"a": 1}, "A" * 300, "someone else's"])
async def test_an_access_code_that_a_user_sends_to_check_order_status_is_ignored(
    application: Application, user: Person, sent: object
) -> None:
    order = await application.http.post(
        "/api/new_order",
        json={
            "number_of_credits": 10,
            "payment_coin": "Aeon",
            "payment_network": "AEON",
            "order_is_for_self": True,
        },
        headers=user.headers,
    )

    answer = await application.http.post(
        "/api/check_order_status",
        json={"order_id": order.json()["order_id"], "access_code": sent},
        headers=user.headers,
    )

    assert answer.status_code == 200


@pytest.mark.parametrize("sent", [5, True, ["x"], {"a": 1}, "A" * 300, "someone else's"])
async def test_an_access_code_sends_its_own_or_is_refused(
    application: Application, user: Person, sent: object
) -> None:
    code = await make_access_code(application.database, user, application.clock.now())

    answer = await application.http.post(
        "/api/check_order_status",
        json={"order_id": new_id("ord"), "access_code": sent},
        headers=code.headers,
    )

    assert (answer.status_code, answer.json()["detail"]) == (400, "Invalid access_code")
