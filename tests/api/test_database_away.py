"""A database that does not answer: 503 with Retry-After, at every endpoint that needs one."""

import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any, Final

import pytest
from structlog.testing import capture_logs

from app.runtime.db.engine import create_database
from app.runtime.security import new_api_key, new_id, new_session_token
from tests.api import problems
from tests.api.asking import refusal
from tests.support.application import Application, open_application
from tests.support.cases import each_case

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
}
LOGIN: Final = {"email": "a@example.com", "password": "correct horse battery"}
CODE: Final = {"access_code": "0" * 16}
OPERATIONS: Final[dict[str, Any]] = {
    "POST /api/new_order": ORDER,
    "POST /api/check_order_status": {"order_id": "ord_1"},
    "GET /api/orders/{order_id}": None,
    "POST /api/orders/{order_id}/cancel": None,
    "POST /api/orders/{order_id}/payment_page": None,
    "POST /api/check_access_code_status": CODE,
    "POST /api/check_assessment_list_for_access_code": {**CODE, "assessment_id_list": ["asm_1"]},
    "GET /api/check_self_status": None,
    "POST /api/create_new_assessment_for_access_code": {**CODE, **QUESTION},
    "POST /api/create_new_assessment": QUESTION,
    "POST /api/create_new_assessments_for_access_code": {**CODE, "questions": [QUESTION]},
    "GET /api/orders": None,
    "GET /api/orders/export": None,
    "GET /api/assessments/export": None,
    "GET /api/ledger/export": None,
    "GET /api/assessments": None,
    "GET /api/assessments/{assessment_id}": None,
    "GET /api/assessments/{assessment_id}/receipt": None,
    "GET /api/assessments/{assessment_id}/report": None,
    "GET /api/ledger": None,
    "GET /api/events": None,
    "GET /api/events/stream": None,
    "GET /api/order_parameters": None,
    "POST /api/check_price": {"number_of_credits": 10},
    "GET /api/access_codes": None,
    "POST /api/access_codes": {},
    "POST /api/access_codes/{access_code}/deactivate": None,
    "POST /api/access_codes/{access_code}/credits": {"credits": 1},
    "POST /api/access_codes/{access_code}/credits/return": None,
    "GET /api/api_keys": None,
    "POST /api/api_keys": {},
    "POST /api/api_keys/{prefix}/rotate": None,
    "DELETE /api/api_keys/{prefix}": None,
    "POST /api/webhook_endpoints": {"url": "https://shop.example.com/hooks"},
    "GET /api/webhook_endpoints": None,
    "GET /api/webhook_endpoints/{webhook_endpoint_id}": None,
    "PATCH /api/webhook_endpoints/{webhook_endpoint_id}": {"enabled": False},
    "DELETE /api/webhook_endpoints/{webhook_endpoint_id}": None,
    "POST /api/webhook_endpoints/{webhook_endpoint_id}/rotate_secret": None,
    "POST /api/webhook_endpoints/{webhook_endpoint_id}/test": None,
    "POST /api/webhook_endpoints/{webhook_endpoint_id}/redeliver": {"from_sequence": 1},
    "GET /api/webhook_endpoints/{webhook_endpoint_id}/deliveries": None,
    "GET /api/webhook_endpoints/{webhook_endpoint_id}/deliveries/{webhook_delivery_id}": None,
    "POST /api/register": LOGIN,
    "POST /api/login": LOGIN,
    "POST /api/logout": None,
    "POST /api/change_password": {**LOGIN, "new_password": "correct horse battery"},
}


@pytest.fixture(scope="module")
def closed_port() -> Iterator[int]:
    """A port of this machine at which nobody listens, while we keep it."""
    with socket.socket() as kept:
        kept.bind(("127.0.0.1", 0))
        yield kept.getsockname()[1]


@pytest.fixture(scope="module")
async def cut_off(closed_port: int) -> AsyncIterator[Application]:
    """An application whose database is away."""
    database = create_database(f"postgresql+asyncpg://assay@127.0.0.1:{closed_port}/assay")
    with capture_logs():
        async with open_application(database) as application:
            yield application
    await database.dispose()


@dataclass(frozen=True)
class WayIn:
    """What a request presents."""

    name: str
    headers: dict[str, str]


WAYS: Final = (
    WayIn("key", {"X-API-KEY": new_api_key().text}),
    WayIn("session", {"Authorization": f"Bearer {new_session_token()}"}),
)


@each_case("way", WAYS)
@each_case("operation", OPERATIONS)
async def test_a_database_that_is_away_is_503_with_retry_after(
    cut_off: Application, operation: str, way: WayIn
) -> None:
    method, path = operation.split(" ")
    body = OPERATIONS[operation]

    answer = await cut_off.http.request(
        method,
        path.format(
            access_code="0" * 16,
            assessment_id="asm_1",
            order_id=new_id("ord"),
            prefix="0" * 10,
            webhook_endpoint_id=new_id("whe"),
            webhook_delivery_id=new_id("whd"),
        ),
        headers=way.headers,
        json=body,
    )

    assert refusal(answer) == problems.DATABASE_AWAY
    assert int(answer.headers["Retry-After"]) > 0


def test_every_operation_was_tried(cut_off: Application) -> None:
    offered = {
        f"{method.upper()} {path}"
        for path, methods in cut_off.app.openapi()["paths"].items()
        for method in methods
        if path.startswith("/api/")
    }

    assert offered == set(OPERATIONS)


async def test_readiness_tells_that_the_database_is_away_and_liveness_does_not_ask(
    cut_off: Application,
) -> None:
    ready = await cut_off.http.get("/readyz")
    alive = await cut_off.http.get("/healthz")

    assert ready.status_code == 503
    said = ready.json()
    assert (said["status"], said["reasons"]) == ("not ready", ["the database does not answer"])
    assert alive.status_code == 200
