"""The four lists: pages by cursor, newest first, stable while new things arrive."""

from typing import Final

import pytest

from tests.api import problems
from tests.api.asking import ask, look, refusal
from tests.api.conftest import ApiFixture
from tests.support.application import Application
from tests.support.people import Person

LISTS: Final = {
    "orders": "order_id",
    "assessments": "assessment_id",
    "access_codes": "access_code",
    "api_keys": "prefix",
}
CURSOR: Final = problems.must_be("cursor", "a next_cursor of an earlier page")
LIMIT: Final = problems.must_be("limit", "a whole number from 1 to 100")


async def make(application: Application, path: str, by: Person) -> str:
    """Make one more thing for a list; return its name there."""
    order = {
        "number_of_credits": 1,
        "payment_coin": "Aeon",
        "payment_network": "AEON",
        "order_is_for_self": True,
    }
    question = {
        "assessment_type": "address",
        "address": "12Cyjf3qV6qLyXdzpLSLPdRFPUVidvnzFM",
        "currency": "BTC",
        "fresh": True,
    }
    where, body = {
        "orders": ("new_order", order),
        "assessments": ("create_new_assessment", question),
    }.get(path, (path, {}))
    answer = await ask(application, where, body, by)
    assert answer.status_code == 201
    name: str = answer.json()[LISTS[path]]
    return name


async def page(
    application: Application, path: str, by: Person, query: str
) -> tuple[list[str], str | None]:
    answer = await look(application, f"{path}?{query}", by)
    assert answer.status_code == 200
    return [item[LISTS[path]] for item in answer.json()["items"]], answer.json()["next_cursor"]


async def test_an_issuer_lists_the_assessments_of_its_code_and_not_its_own_among_them(
    application: Application, api: ApiFixture
) -> None:
    own = await make(application, "assessments", api.user)
    of_code = await make(application, "assessments", api.code)

    assert await page(
        application, "assessments", api.user, f"access_code={api.code.access_code}"
    ) == ([of_code], None)
    assert await page(application, "assessments", api.user, "limit=100") == ([own], None)


async def all_of(application: Application, path: str, by: Person) -> list[str]:
    names, cursor = await page(application, path, by, "limit=100")
    assert cursor is None
    return names


@pytest.mark.parametrize("path", LISTS)
async def test_pages_join_without_gap_or_repetition_though_new_things_arrive(
    application: Application, user: Person, path: str
) -> None:
    for number in range(5):
        await make(application, path, user)
        application.clock.advance(number % 2)  # some at the same instant
    whole = await all_of(application, path, user)

    read, cursor = await page(application, path, user, "limit=2")
    while cursor is not None:
        assert len(read) % 2 == 0
        await make(application, path, user)
        names, cursor = await page(application, path, user, f"limit=2&cursor={cursor}")
        read += names

    assert read == whole


@pytest.mark.parametrize("path", LISTS)
async def test_a_page_that_holds_all_is_the_last(
    application: Application, user: Person, path: str
) -> None:
    await make(application, path, user)
    whole = await all_of(application, path, user)

    assert await page(application, path, user, f"limit={len(whole)}") == (whole, None)
    assert (await page(application, path, user, ""))[0] == whole


@pytest.mark.parametrize("path", LISTS)
async def test_a_cursor_of_another_account_shows_only_what_is_ones_own(
    application: Application, api: ApiFixture, path: str
) -> None:
    await make(application, path, api.user)
    application.clock.advance(1)
    for _ in range(2):
        await make(application, path, api.user)
    _, cursor = await page(application, path, api.user, "limit=1")
    own = set(await all_of(application, path, api.stranger))

    names, _ = await page(application, path, api.stranger, f"cursor={cursor}")

    assert cursor is not None
    assert set(names) <= own


@pytest.mark.parametrize("path", LISTS)
async def test_a_cursor_that_no_page_gave_is_400(
    application: Application, user: Person, path: str
) -> None:
    for cursor in (
        "nonsense",
        "",
        "%00",
        "-1",
        "A" * 500,
        "%F0%9F%92%A3",
        "MQ",  # 1
        "MTIzIA",  # 123, a blank, nothing
        "bmFuIHg",  # nan x
        "OTk5OTk5OTk5OTk5OTk5OTk5OTkgeA",  # 99999999999999999999 x
        "MSAA",  # 1, a blank, NUL
    ):
        answer = await look(application, f"{path}?cursor={cursor}", user)
        assert refusal(answer) == CURSOR, cursor


@pytest.mark.parametrize("path", LISTS)
async def test_a_limit_is_a_whole_number_from_1_to_100(
    application: Application, user: Person, path: str
) -> None:
    for limit in ("0", "101", "-1", "x", "1.5", "", "1e1", "9" * 5000):
        answer = await look(application, f"{path}?limit={limit}", user)
        assert refusal(answer) == LIMIT, limit
