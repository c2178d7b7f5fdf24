"""Webhook endpoints over the API: making, changing, rotating, testing, and sending again."""

from typing import Any, Final

import httpx
import pytest
from dirty_equals import IsStr

from app.webhooks.rules.states import DeliveryStatus
from tests.api import problems
from tests.api.asking import execute, read, refusal
from tests.api.world import ABSENT_WEBHOOK_DELIVERY, ABSENT_WEBHOOK_ENDPOINT
from tests.support.application import Application
from tests.support.cases import all_cases
from tests.support.people import Person, make_key

URL: Final = "https://shop.example.com/hooks"
TYPES_TEXT: Final = (
    "a list of at least one of: order.updated, order.credited, credits.moved, assessment.ready,"
    " assessment.failed, assessment.changed, access_code.updated, key.created, key.revoked"
)
ENDPOINTS: Final = "/api/webhook_endpoints"


async def call(
    application: Application,
    by: Person,
    method: str,
    path: str = "",
    body: object = None,
    **headers: str,
) -> httpx.Response:
    sent = by.headers | {name.replace("_", "-"): value for name, value in headers.items()}
    return await application.http.request(method, ENDPOINTS + path, json=body, headers=sent)


async def make(application: Application, by: Person, **wish: object) -> dict[str, Any]:
    answer = await call(application, by, "POST", body={"url": URL, **wish})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def test_new_endpoint_shows_its_secret_once(application: Application, user: Person) -> None:
    made = await make(application, user, event_types=["credits.moved", "order.updated"])
    assert made == {
        "id": IsStr(regex=r"whe_[A-Za-z0-9]{25}"),
        "url": URL,
        "event_types": ["order.updated", "credits.moved"],
        "description": None,
        "created_at": "2026-01-11T12:46:03Z",
        "status": "enabled",
        "disabled_reason": None,
        "disabled_at": None,
        "failing_since": None,
        "last_sequence": made["last_sequence"],
        "old_secret_until": None,
        "secret": IsStr(regex=r"whsec_[A-Za-z0-9+/]{43}="),
    }
    shown = (await call(application, user, "GET", f"/{made['id']}")).json()
    listed = (await call(application, user, "GET")).json()
    assert shown == {name: value for name, value in made.items() if name != "secret"}
    assert listed == {"items": [shown], "next_cursor": None}


async def test_url_that_no_webhook_may_go_to_is_refused_and_nothing_is_made(
    application: Application, user: Person
) -> None:
    bad = {
        "http://shop.example.com/": "an https URL",
        "http://127.0.0.1:9000/": "a URL whose address is a public one",
        "http://localhost:9000/": "a URL with a name of the public internet",
        "https://10.0.0.1/": "a URL whose address is a public one",
        "https://2130706433/": "a URL with an IPv4 address in its usual form, such as 192.0.2.1,"
        " or with a name",
        "https://a:b@shop.example.com/": "a URL without a user name or password",
    }
    made = await make(application, user)
    with all_cases() as cases:
        for url, allowed in bad.items():
            with cases.case(url):
                posted = await call(application, user, "POST", body={"url": url})
                patched = await call(application, user, "PATCH", f"/{made['id']}", {"url": url})
                assert refusal(posted) == refusal(patched) == problems.must_be("url", allowed)
    [(count, url)] = await read(application, "SELECT count(*), min(url) FROM webhook_endpoints")
    assert (count, url) == (1, URL)


@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_parameters_of_the_wrong_kind_are_400(
    application: Application, user: Person, method: str
) -> None:
    path = f"/{(await make(application, user))['id']}" if method == "PATCH" else ""
    bad: dict[str, tuple[object, str]] = {
        "url": (7, "a URL of at most 2048 characters"),
        "event_types": (["order.paid"], TYPES_TEXT),
        "description": ("x" * 257, "a string of at most 256 characters without control characters"),
    }
    empty = {"url": URL, "event_types": []}
    assert refusal(await call(application, user, method, path, empty)) == problems.must_be(
        "event_types", TYPES_TEXT
    )
    for name, (value, allowed) in bad.items():
        answer = await call(application, user, method, path, {"url": URL, name: value})
        assert refusal(answer) == problems.must_be(name, allowed), name


async def test_endpoint_without_a_url_is_400(application: Application, user: Person) -> None:
    for body in ({}, {"url": None}, {"url": ""}):
        assert refusal(await call(application, user, "POST", body=body)) == problems.missing("url")


async def test_patch_changes_what_it_names_and_null_is_what_absent_means(
    application: Application, user: Person
) -> None:
    made = await make(application, user, event_types=["order.updated"], description="shop")
    path = f"/{made['id']}"
    before = {name: value for name, value in made.items() if name != "secret"}
    assert (await call(application, user, "PATCH", path, {})).json() == before
    changed = await call(
        application,
        user,
        "PATCH",
        path,
        {"url": "https://Shop.example.com:443/other", "event_types": None, "description": None},
    )
    assert changed.json() == {
        **before,
        "url": "https://shop.example.com/other",
        "event_types": None,
        "description": None,
    }
    disabled = (await call(application, user, "PATCH", path, {"enabled": False})).json()
    assert (disabled["status"], disabled["disabled_reason"]) == ("disabled", "requested")
    assert disabled["disabled_at"] == "2026-01-11T12:46:03Z"
    enabled = (await call(application, user, "PATCH", path, {"enabled": True})).json()
    assert enabled == changed.json()


async def test_patch_that_is_no_object_changes_nothing(
    application: Application, user: Person
) -> None:
    made = await make(application, user)
    path = f"{ENDPOINTS}/{made['id']}"
    headers = {**user.headers, "Content-Type": "application/json"}
    for body in (b"", b"[null, null]", b"null", b"nonsense", b'{"enabled": false', b"\xff"):
        answer = await application.http.patch(path, content=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "malformed_body"), body
    for name in ("url", "enabled"):
        answer = await call(application, user, "PATCH", f"/{made['id']}", {name: None})
        assert answer.status_code == 400, name
    shown = (await call(application, user, "GET", f"/{made['id']}")).json()
    assert shown == {name: value for name, value in made.items() if name != "secret"}


async def test_account_has_at_most_16_endpoints_and_each_its_own(
    application: Application, user: Person, code: Person
) -> None:
    made = [await make(application, user) for _ in range(16)]
    refused = await call(application, user, "POST", body={"url": URL})
    assert refusal(refused) == problems.TOO_MANY_WEBHOOK_ENDPOINTS
    await make(application, code)
    assert (await call(application, user, "DELETE", f"/{made[0]['id']}")).status_code == 200
    await make(application, user)


async def test_deleted_endpoint_and_its_log_are_gone(
    application: Application, user: Person
) -> None:
    made = await make(application, user)
    await call(application, user, "POST", f"/{made['id']}/test")
    deleted = await call(application, user, "DELETE", f"/{made['id']}")
    assert deleted.json()["id"] == made["id"]
    for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/deliveries"), ("POST", "/test")):
        answer = await call(application, user, method, f"/{made['id']}{path}")
        assert refusal(answer) == problems.WEBHOOK_ENDPOINT_NOT_FOUND
    assert await read(application, "SELECT count(*) FROM webhook_deliveries") == [(0,)]


async def test_ids_that_are_none_are_404(application: Application, user: Person) -> None:
    made = await make(application, user)
    for endpoint in ("x", "whe_%00", ABSENT_WEBHOOK_ENDPOINT, "whe_" + "é" * 25):
        answer = await call(application, user, "GET", f"/{endpoint}")
        assert refusal(answer) == problems.WEBHOOK_ENDPOINT_NOT_FOUND
    for delivery in ("x", "whd_%00", ABSENT_WEBHOOK_DELIVERY):
        answer = await call(application, user, "GET", f"/{made['id']}/deliveries/{delivery}")
        assert refusal(answer) == problems.WEBHOOK_DELIVERY_NOT_FOUND


async def test_secret_under_an_idempotency_key_is_shown_to_the_same_credentials_alone(
    application: Application, user: Person
) -> None:
    key = "7f0c9a52"
    first = await call(application, user, "POST", "", {"url": URL}, Idempotency_Key=key)
    again = await call(application, user, "POST", "", {"url": URL}, Idempotency_Key=key)
    assert first.json()["secret"] == again.json()["secret"]
    shown = "SELECT count(*), bool_or(position('whsec_'::bytea in body) > 0) FROM idempotency_keys"
    assert await read(application, shown) == [(1, False)]
    other = await make_key(application.database, user.account_id, application.clock.now())
    refused = await application.http.post(
        ENDPOINTS, json={"url": URL}, headers={"X-API-KEY": other, "Idempotency-Key": key}
    )
    assert refusal(refused) == problems.KEY_SEALED


async def test_rotation_gives_a_new_secret_and_says_until_when_the_old_one_signs(
    application: Application, user: Person
) -> None:
    made = await make(application, user)
    rotated = await call(application, user, "POST", f"/{made['id']}/rotate_secret")
    assert rotated.status_code == 200
    assert rotated.json()["secret"] != made["secret"]
    assert rotated.json()["old_secret_until"] == "2026-01-12T12:46:03Z"


async def test_test_is_a_pending_delivery_that_can_be_read(
    application: Application, user: Person
) -> None:
    made = await make(application, user)
    answer = await call(application, user, "POST", f"/{made['id']}/test")
    assert answer.status_code == 201
    test = answer.json()
    assert test == {
        "id": IsStr(regex=r"whd_[A-Za-z0-9]{25}"),
        "webhook_id": IsStr(regex=r"evt_[A-Za-z0-9]{25}"),
        "event_type": "webhook.test",
        "sequence": None,
        "status": "pending",
        "created_at": "2026-01-11T12:46:03Z",
        "attempts": 0,
        "last_attempt_at": None,
        "next_attempt_at": "2026-01-11T12:46:03Z",
        "answer_status": None,
        "duration_ms": None,
        "error": None,
        "request_body": '{"sequence":null,"type":"webhook.test","at":"2026-01-11T12:46:03Z",'
        f'"data":{{"webhook_endpoint_id":"{made["id"]}"}},"previous_status":null}}',
        "answer_body": None,
    }
    path = f"/{made['id']}/deliveries"
    assert (await call(application, user, "GET", f"{path}/{test['id']}")).json() == test


async def test_deliveries_are_listed_newest_first_by_pages_and_filtered_by_status(
    application: Application, user: Person
) -> None:
    made = await make(application, user)
    ids = []
    for _ in range(3):
        application.clock.advance(1)
        ids.append((await call(application, user, "POST", f"/{made['id']}/test")).json()["id"])
    await execute(
        application,
        "UPDATE webhook_deliveries SET status = 'failed', next_attempt_at = NULL WHERE id = :id",
        id=ids[0],
    )
    path = f"/{made['id']}/deliveries"
    first = (await call(application, user, "GET", f"{path}?limit=2")).json()
    rest = (await call(application, user, "GET", f"{path}?cursor={first['next_cursor']}")).json()
    assert [item["id"] for item in first["items"] + rest["items"]] == ids[::-1]
    for status, expected in {"failed": ids[:1], "pending": ids[:0:-1], "delivered": []}.items():
        page = (await call(application, user, "GET", f"{path}?status={status}")).json()
        assert [item["id"] for item in page["items"]] == expected
    assert refusal(await call(application, user, "GET", f"{path}?status=lost")) == problems.must_be(
        "status", "one of: " + ", ".join(DeliveryStatus)
    )
    assert refusal(await call(application, user, "GET", f"{path}?state=x")) == (
        problems.unknown_query(*("created_after", "created_before", "cursor", "limit", "status"))
    )


async def test_redelivery_asks_for_one_thing_and_for_deliveries_of_its_endpoint(
    application: Application, user: Person
) -> None:
    made, other = await make(application, user), await make(application, user)
    foreign = (await call(application, user, "POST", f"/{other['id']}/test")).json()["id"]
    path = f"/{made['id']}/redeliver"
    one_way = problems.must_be(
        "delivery_ids", "given, or from_sequence, or since: one of them alone"
    )
    ids = problems.must_be("delivery_ids", "a list of ids of deliveries of this webhook endpoint")
    whole = problems.must_be("from_sequence", "a whole number from 1 to 1000000000000000")
    cases: list[tuple[dict[str, object], object]] = [
        ({}, one_way),
        ({"from_sequence": 1, "since": "2026-01-01T00:00:00Z"}, one_way),
        ({"delivery_ids": [foreign], "from_sequence": 1}, one_way),
        ({"to_sequence": 5}, one_way),
        (
            {"since": "2026-01-01T00:00:00Z", "to_sequence": 5},
            problems.must_be("to_sequence", "left out without from_sequence"),
        ),
        (
            {"from_sequence": 6, "to_sequence": 5},
            problems.must_be("to_sequence", "at least from_sequence"),
        ),
        ({"from_sequence": 0}, whole),
        ({"from_sequence": "1"}, whole),
        ({"from_sequence": 10**30}, whole),
        ({"delivery_ids": [foreign]}, ids),
        ({"delivery_ids": ["x"]}, ids),
        ({"delivery_ids": "x"}, problems.must_be("delivery_ids", "a list of 1 to 100 ids")),
    ]
    for body, expected in cases:
        assert refusal(await call(application, user, "POST", path, body)) == expected, body
    await call(application, user, "PATCH", f"/{made['id']}", {"enabled": False})
    refused = await call(application, user, "POST", path, {"from_sequence": 1})
    assert refusal(refused) == problems.WEBHOOK_ENDPOINT_DISABLED
