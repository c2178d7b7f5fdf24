"""Lists that are filtered: by status, by when things were made, by access code, by reference."""

from typing import Final

from sqlalchemy import text

from tests.api import problems
from tests.api.asking import Problem, ask, learn_limits, look, refusal
from tests.api.conftest import ApiFixture
from tests.api.ordering import ORDER
from tests.support.application import Application
from tests.support.cases import all_cases
from tests.support.people import Person

NAMES: Final = {
    "orders": "order_id",
    "assessments": "assessment_id",
    "access_codes": "access_code",
    "api_keys": "prefix",
    "webhook_endpoints": "id",
    "ledger": "at",
}
QUESTION: Final = {
    "assessment_type": "address",
    "address": "12Cyjf3qV6qLyXdzpLSLPdRFPUVidvnzFM",
    "currency": "BTC",
    "fresh": True,
}
TIME: Final = "an RFC 3339 time with its offset, such as 2030-01-31T12:00:00Z"
ORDER_STATUS: Final = problems.must_be(
    "status",
    "one of: TO_BE_CREATED, UNPAID, UNDERPAID, PAID_UNCONFIRMED, PAID, BTC_SENT, TIMED_OUT,"
    " NOT_FOUND, FAILED, CANCELLED",
)
BAD: Final[dict[str, Problem]] = {
    "orders?status=unpaid": ORDER_STATUS,
    "orders?status=": ORDER_STATUS,
    "assessments?status=READY": problems.must_be("status", "one of: pending, ready, failed"),
    "access_codes?status=active": problems.must_be("status", "one of: Active, Inactive"),
    "orders?client_reference=": problems.must_be(
        "client_reference", "a string of at most 128 characters without control characters"
    ),
    "assessments?client_reference=%00": problems.must_be(
        "client_reference", "a string of at most 128 characters without control characters"
    ),
    "orders?access_code=x": problems.ACCESS_CODE_NOT_FOUND,
    "orders?access_code=0000000000000000": problems.ACCESS_CODE_NOT_FOUND,
}
BAD_TIMES: Final = ("", "2026-01-11", "2026-01-11T12:46:03", "yesterday", "2026-02-30T00:00:00Z")


async def found(application: Application, path: str, by: Person, query: str) -> list[str]:
    answer = await look(application, f"{path}?{query}", by)
    assert answer.status_code == 200, answer.text
    return [one[NAMES[path]] for one in answer.json()["items"]]


async def make(application: Application, path: str, by: Person, **changes: object) -> str:
    """Make one more thing for a list, a second after the one before; return its name there."""
    application.clock.advance(1)
    calls: dict[str, tuple[str, dict[str, object]]] = {
        "orders": ("new_order", ORDER),
        "assessments": ("create_new_assessment", QUESTION),
        "ledger": ("create_new_assessment", QUESTION),
        "webhook_endpoints": ("webhook_endpoints", {"url": "https://shop.example.com/assay"}),
    }
    where, body = calls.get(path, (path, {}))
    answer = await ask(application, where, body | changes, by)
    assert answer.status_code == 201, answer.text
    made: dict[str, str] = answer.json()
    return made["created_at" if path == "ledger" else NAMES[path]]


async def test_a_range_has_its_beginning_and_not_its_end_in_every_list(
    application: Application, api: ApiFixture
) -> None:
    await learn_limits(application)
    with all_cases() as cases:
        for path in NAMES:
            with cases.case(path):
                ours = [await make(application, path, api.user) for _ in range(3)]
                now = application.clock.now()
                second, third = (f"{now:%Y-%m-%dT%H:%M}:{now.second - n:02}Z" for n in (1, 0))
                after, before = f"created_after={second}", f"created_before={third}"
                assert await found(application, path, api.user, after) == ours[:0:-1]
                assert (await found(application, path, api.user, before))[:2] == ours[1::-1]
                assert await found(application, path, api.user, f"{after}&{before}") == [ours[1]]
                late = f"created_after={third[:-1]}.000001Z"
                assert await found(application, path, api.user, late) == []
                east = third.replace("T12:", "T14:").replace("Z", "%2B02:00")
                assert await found(application, path, api.user, f"created_after={east}") == [
                    ours[2]
                ]
                upside_down = f"created_after={third}&created_before={second}"
                assert await found(application, path, api.user, upside_down) == []


async def test_a_range_is_read_page_by_page(application: Application, api: ApiFixture) -> None:
    await learn_limits(application)
    for path in NAMES:
        first = application.clock.now()
        ours = [await make(application, path, api.user) for _ in range(4)]
        after = f"created_after={first:%Y-%m-%dT%H:%M:%S}.5Z"
        before = f"created_before={application.clock.now():%Y-%m-%dT%H:%M:%S}Z"
        query, shown = f"{after}&{before}&limit=1", []
        cursor: str | None = ""
        while cursor is not None:
            page = await look(
                application, f"{path}?{query}" + (cursor and f"&cursor={cursor}"), api.user
            )
            shown += [one[NAMES[path]] for one in page.json()["items"]]
            cursor = page.json()["next_cursor"]
        assert shown == ours[2::-1], path


async def test_orders_are_found_by_status_reference_and_the_code_that_receives_them(
    application: Application, api: ApiFixture
) -> None:
    await learn_limits(application)
    gift = {"order_is_for_self": False, "access_code": api.code.access_code}
    own = await make(application, "orders", api.user, client_reference="a b&c")
    given = await make(application, "orders", api.user, client_reference="a b&c", **gift)
    other = await make(application, "orders", api.user)
    bought = await make(application, "orders", api.code)
    foreign = await make(application, "orders", api.stranger, client_reference="a b&c", **gift)
    await ask(application, f"orders/{own}/cancel", {}, api.user)
    of_code = f"access_code={api.code.access_code}"

    for by, query, expected in (
        (api.user, "", [foreign, bought, other, given, own]),
        (api.user, "status=CANCELLED", [own]),
        (api.user, "status=TO_BE_CREATED", [foreign, bought, other, given]),
        (api.user, "status=BTC_SENT", []),
        (api.user, "client_reference=a%20b%26c", [foreign, given, own]),
        (api.user, "client_reference=a", []),
        (api.user, "client_reference=a%20b%26c&status=CANCELLED", [own]),
        (api.user, of_code, [foreign, bought, given]),
        (api.user, f"{of_code}&status=CANCELLED", []),
        (api.user, f"{of_code}&client_reference=a%20b%26c", [foreign, given]),
        (api.user, f"{of_code}&limit=1", [foreign]),
        (api.code, of_code, [foreign, bought, given]),
        (api.code, "status=TO_BE_CREATED", [foreign, bought, given]),
        (api.stranger, "client_reference=a%20b%26c", [foreign]),
    ):
        assert await found(application, "orders", by, query) == expected, query


async def test_assessments_are_found_by_status_reference_and_code(
    application: Application, api: ApiFixture
) -> None:
    named = await make(application, "assessments", api.code, client_reference="n")
    other = await make(application, "assessments", api.code)
    own = await make(application, "assessments", api.user, client_reference="n")
    of_code = f"access_code={api.code.access_code}"

    for by, query, expected in (
        (api.code, "status=ready", [other, named]),
        (api.code, "status=failed", []),
        (api.code, "client_reference=n", [named]),
        (api.user, "client_reference=n", [own]),
        (api.user, f"{of_code}&client_reference=n&status=ready", [named]),
        (api.user, f"{of_code}&client_reference=m", []),
    ):
        assert await found(application, "assessments", by, query) == expected, query


async def test_access_codes_are_found_by_whether_they_are_active(
    application: Application, api: ApiFixture
) -> None:
    closed = await make(application, "access_codes", api.user)
    await ask(application, f"access_codes/{closed}/deactivate", {}, api.user)
    soon = f"{application.clock.now():%Y-%m-%dT%H:%M:%S}.9Z"
    expired = await make(application, "access_codes", api.user, expires_at="2026-01-11T12:46:09Z")
    assert soon < "2026-01-11T12:46:09Z"
    living = await make(application, "access_codes", api.user)
    application.clock.advance(60)

    assert await found(application, "access_codes", api.user, "status=Inactive") == [
        expired,
        closed,
    ]
    active = await found(application, "access_codes", api.user, "status=Active")
    assert active == [living, api.code.access_code]


async def test_what_no_filter_can_be_is_refused(application: Application, api: ApiFixture) -> None:
    with all_cases() as cases:
        for query, expected in BAD.items():
            with cases.case(query):
                assert refusal(await look(application, query, api.user)) == expected
        for path in NAMES:
            for name in ("created_after", "created_before"):
                for time in BAD_TIMES:
                    with cases.case(path, name, time):
                        answer = await look(application, f"{path}?{name}={time}", api.user)
                        assert refusal(answer) == problems.must_be(name, TIME)


INDEXES: Final = {
    "SELECT id FROM orders WHERE buyer_id = 'a' AND status = 'PAID'": "ix_orders_buyer_id_status",
    "SELECT id FROM orders WHERE beneficiary_id = 'a' AND status = 'PAID'": (
        "ix_orders_beneficiary_id_status"
    ),
    "SELECT id FROM orders WHERE buyer_id = 'a' AND client_reference = 'b'": (
        "ix_orders_buyer_id_client_reference"
    ),
    "SELECT id FROM orders WHERE beneficiary_id = 'a' AND client_reference = 'b'": (
        "ix_orders_beneficiary_id_client_reference"
    ),
    "SELECT id FROM assessments WHERE account_id = 'a' AND status = 'failed'": (
        "ix_assessments_account_id_status"
    ),
    "SELECT id FROM assessments WHERE account_id = 'a' AND client_reference = 'b'": (
        "ix_assessments_account_id_client_reference"
    ),
}
WITHOUT_FILTER: Final = (
    "ix_orders_buyer_id_created_at_id",
    "ix_orders_beneficiary_id_created_at_id",
    "ix_assessments_account_id_created_at_id",
)


async def test_each_filter_has_an_index_in_the_order_of_the_page(
    application: Application, api: ApiFixture
) -> None:
    async with application.database.sessions() as session, session.begin():
        for setting in ("enable_seqscan", "enable_bitmapscan", "enable_sort"):
            await session.execute(text(f"SET LOCAL {setting} = off"))
        for name in WITHOUT_FILTER:  # in an empty table one index is as good as another
            await session.execute(text(f"DROP INDEX {name}"))
        for query, index in INDEXES.items():
            page = (
                f"EXPLAIN {query} AND (created_at, id) < (now(), 'z') AND created_at >= '-infinity'"
                " ORDER BY created_at DESC, id DESC LIMIT 21"
            )
            plan = "\n".join(await session.scalars(text(page)))
            assert index in plan, plan
            assert "Sort" not in plan, plan


async def test_deliveries_of_a_webhook_are_found_by_when_they_were_made(
    application: Application, api: ApiFixture
) -> None:
    endpoint = f"webhook_endpoints/{await make(application, 'webhook_endpoints', api.user)}"
    made = []
    for _ in range(2):
        application.clock.advance(1)
        made.append((await ask(application, f"{endpoint}/test", {}, api.user)).json())
    for query, expected in (
        (f"created_after={made[1]['created_at']}", made[1:]),
        (f"created_before={made[1]['created_at']}", made[:1]),
    ):
        page = await look(application, f"{endpoint}/deliveries?{query}", api.user)
        assert [one["id"] for one in page.json()["items"]] == [one["id"] for one in expected]
