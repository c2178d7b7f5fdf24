"""`GET /api/ledger`: every movement of credits, newest first, page by page."""

from typing import Any, Final

import pytest

from app.assessments.providers.base import FailureReason, ProviderFailed
from tests.api import problems
from tests.api.asking import ask, counting_queries, execute, look, read, refusal
from tests.api.conftest import ApiFixture
from tests.support.application import Application
from tests.support.people import Person

QUESTION: Final = {
    "assessment_type": "address",
    "address": "12Cyjf3qV6qLyXdzpLSLPdRFPUVidvnzFM",
    "currency": "BTC",
    "fresh": True,
}
NO_CURSOR: Final = problems.must_be("cursor", "a next_cursor of an earlier page")


async def ledger(application: Application, by: Person, query: str = "") -> dict[str, Any]:
    answer = await look(application, f"ledger{query}", by)
    assert answer.status_code == 200, answer.text
    page: dict[str, Any] = answer.json()
    return page


async def test_each_movement_says_why_how_many_and_what_was_left(
    application: Application, api: ApiFixture
) -> None:
    made = await ask(application, "create_new_assessment", QUESTION, api.code)
    application.clock.advance(1)
    application.provider.raises = ProviderFailed(FailureReason.BROKEN)
    await ask(application, "create_new_assessment", QUESTION, api.code)
    application.clock.advance(1)
    await ask(application, f"access_codes/{api.code.access_code}/deactivate", {}, api.user)

    page = await ledger(application, api.code)

    [(failed_id,)] = await read(application, "SELECT id FROM assessments WHERE status = 'failed'")
    nothing = {"order_id": None, "assessment_id": None}
    answered, failed = made.json()["assessment_id"], failed_id
    assert page["items"] == [
        {
            **nothing,
            "kind": "transfer",
            "credits": -4,
            "balance_after": 0,
            "at": "2026-01-11T12:46:05Z",
        },
        {
            **nothing,
            "kind": "refund",
            "credits": 1,
            "balance_after": 4,
            "at": "2026-01-11T12:46:04Z",
            "assessment_id": failed,
        },
        {
            **nothing,
            "kind": "assessment",
            "credits": -1,
            "balance_after": 3,
            "at": "2026-01-11T12:46:04Z",
            "assessment_id": failed,
        },
        {
            **nothing,
            "kind": "assessment",
            "credits": -1,
            "balance_after": 4,
            "at": "2026-01-11T12:46:03Z",
            "assessment_id": answered,
        },
        {
            **nothing,
            "kind": "adjustment",
            "credits": 5,
            "balance_after": 5,
            "at": "2026-01-11T12:46:03Z",
        },
    ]
    assert page["next_cursor"] is None
    of_code = f"?access_code={api.code.access_code}"
    assert await ledger(application, api.user, of_code) == page
    assert await ledger(application, api.code, of_code) == page
    assert [entry["credits"] for entry in (await ledger(application, api.user))["items"]] == [
        4,
        20,
    ]


async def test_pages_of_any_length_show_every_movement_once_while_new_ones_come(
    application: Application, api: ApiFixture
) -> None:
    for _ in range(6):
        await ask(application, "create_new_assessment", QUESTION, api.user)
    whole = (await ledger(application, api.user))["items"]
    assert len(whole) == 7

    for limit in (1, 2, 3, 7):
        shown: list[dict[str, Any]] = []
        cursor: str | None = ""
        while cursor is not None:
            query = f"?limit={limit}" + (f"&cursor={cursor}" if cursor else "")
            page = await ledger(application, api.user, query)
            shown += page["items"]
            cursor = page["next_cursor"]
            if len(shown) == limit:  # what is new does not move the later pages
                await ask(application, "create_new_assessment", QUESTION, api.user)
        assert shown[-7:] == whole, limit


async def test_a_page_is_read_by_the_index_in_one_statement_however_deep(
    application: Application, api: ApiFixture
) -> None:
    first = await ledger(application, api.user, "?limit=1")
    assert first["next_cursor"] is None
    await ask(application, "create_new_assessment", QUESTION, api.user)
    first = await ledger(application, api.user, "?limit=1")

    async with application.database.reading() as connection:
        with counting_queries(connection) as queries:
            await ledger(application, api.user, f"?limit=1&cursor={first['next_cursor']}")

    asked = [query for query in queries if "ledger_entries" in query]
    assert len(asked) == 1
    assert "OFFSET" not in asked[0]
    await execute(application, "SET LOCAL enable_seqscan = off")
    await execute(application, "SET LOCAL enable_bitmapscan = off")
    plan = await read(
        application,
        "EXPLAIN SELECT id FROM ledger_entries WHERE account_id = 'a' AND id < 9"
        " ORDER BY id DESC LIMIT 2",
    )
    told = " ".join(line for (line,) in plan)
    assert "ix_ledger_entries_account_id_id" in told
    assert "Sort" not in told


@pytest.mark.parametrize(
    "cursor",
    ["x", "%00", "bg", "MTc2ODQ5NjQwMDAwMDAwMCBvcmRfMA", "bi0x", "bjk5OTk5OTk5OTk5OTk5OTk5OTk5"],
)
async def test_a_cursor_of_another_list_or_of_nobody_is_refused(
    application: Application, user: Person, cursor: str
) -> None:
    assert refusal(await look(application, f"ledger?cursor={cursor}", user)) == NO_CURSOR


async def test_guessing_the_codes_of_others_is_throttled(
    application: Application, api: ApiFixture
) -> None:
    answers = [await look(application, f"ledger?access_code={n:016}", api.user) for n in range(21)]

    assert {refusal(answer) for answer in answers[:20]} == {problems.ACCESS_CODE_NOT_FOUND}
    assert refusal(answers[20]) == problems.TOO_MANY_ATTEMPTS
