"""What all answers share: HEAD where there is GET, and `Cache-Control: no-store` under /api."""

import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Message

from app.web.middleware import HeadMiddleware
from tests.api.asking import ask, ask_raw, look, open_session
from tests.api.assessing import QUESTION
from tests.api.conftest import ApiFixture
from tests.support.application import Application
from tests.support.people import PASSWORD

PUBLIC = ("/docs", "/redoc", "/static/docs.js", "/openapi.json", "/.well-known/assay-keys.json")
MOMENTARY = ("/healthz", "/readyz", "/metrics")
NO_STORE = ["no-store"]


def caching(answer: httpx.Response) -> list[str]:
    return answer.headers.get_list("Cache-Control")


async def test_every_operation_under_api_forbids_copies_of_its_answers_and_errors(
    application: Application, api: ApiFixture
) -> None:
    document = (await application.http.get("/openapi.json")).json()
    seen = set()
    for path, operations in document["paths"].items():
        for method in operations:
            for headers in ({}, api.user.headers, {"X-API-KEY": "nonsense"}):
                answer = await application.http.request(method, path, headers=headers)
                seen.add(answer.status_code)
                private = path.startswith("/api/") or path in MOMENTARY
                assert caching(answer) == (NO_STORE if private else []), (method, path)
    assert {200, 400, 403, 404} <= seen


async def test_what_holds_secrets_is_never_kept(application: Application, api: ApiFixture) -> None:
    sold = await ask(application, "create_new_assessment", QUESTION, api.user)
    place = f"assessments/{sold.json()['assessment_id']}"
    answers = [
        await ask(application, "login", {"email": api.user.email, "password": PASSWORD}),
        await ask(application, "login", {"email": api.user.email, "password": "another one"}),
        await ask(application, "api_keys", {}, api.user),
        await look(application, "api_keys", api.user),
        await look(application, f"{place}/receipt", api.user),
        await look(application, f"{place}/report", api.user),
        await ask_raw(application, "new_order", b"{", api.user),
        await ask_raw(application, "new_order", b" " * 20_000, api.user),
        await application.http.put("/api/login"),
        await application.http.get("/api/nowhere"),
        await application.http.get("/api"),
        await application.http.head("/api/api_keys", headers=api.user.headers),
    ]

    assert [one.status_code for one in answers] == [
        *(200, 403, 201, 200, 200, 200, 400, 413, 405, 404, 404, 200)
    ]
    assert [caching(one) for one in answers] == [NO_STORE] * len(answers)


async def test_a_fault_of_ours_is_not_kept_either(
    application: Application, api: ApiFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("app.accounts.users.facts_in", fail)
    inner = await look(application, "check_self_status", api.user)
    monkeypatch.setattr("app.web.middleware._is_private", fail)
    outer = await look(application, "check_self_status", api.user)

    assert (inner.status_code, caching(inner)) == (500, NO_STORE)
    assert (outer.status_code, caching(outer)) == (500, NO_STORE)


async def test_public_documents_may_be_kept(application: Application) -> None:
    for path in PUBLIC:
        answer = await application.http.get(path)
        assert (answer.status_code, caching(answer)) == (200, [])


async def test_head_is_answered_like_get_without_a_body(
    application: Application, api: ApiFixture
) -> None:
    document = (await application.http.get("/openapi.json")).json()
    gets = [path for path, operations in document["paths"].items() if "get" in operations]
    assert {*MOMENTARY, "/api/check_self_status"} <= set(gets)
    session = await open_session(application.database, api.user, application.clock.now())
    for path in (*gets, *PUBLIC, "/nowhere"):
        for headers in ({}, api.user.headers, session):
            get = await application.http.get(path, headers=headers)
            head = await application.http.head(path, headers=headers)
            assert (head.status_code, head.content) == (get.status_code, b""), path
            assert head.headers["Content-Type"] == get.headers["Content-Type"]
            if path != "/metrics":  # which have counted the request before
                assert head.headers.get("Content-Length") == get.headers.get("Content-Length")


async def test_no_byte_of_a_body_follows_a_head() -> None:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    scope = {"type": "http", "method": "HEAD", "path": "/", "headers": []}
    await HeadMiddleware(PlainTextResponse("a body"))(scope, receive, send)

    assert (b"content-length", b"6") in sent[0]["headers"]
    assert [message["body"] for message in sent[1:]] == [b""]
    assert scope["method"] == "HEAD"


async def test_head_is_counted_and_logged_as_head_of_its_route(application: Application) -> None:
    await application.http.head("/readyz")

    metrics = (await application.http.get("/metrics")).text
    assert 'assay_http_requests_total{method="HEAD",route="/readyz",status="200"} ' in metrics
