"""The journey that the examples of the OpenAPI document come from: one call of each operation.

`python -m tests.support.example_journey` writes `app/web/examples.json` anew. What a run draws from
chance and from the clock of the machine is fixed, so that another run answers the same.
"""

import asyncio
import json
import random
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import pytest

from app.lists.parsers.files import read_list
from app.runtime.db.embedded import EmbeddedPostgres
from app.runtime.db.engine import create_database
from app.runtime.db.migrate import upgrade
from tests.api.asking import learn_limits
from tests.api.test_order_status import UNPAID, accept, report
from tests.orders.wallet.keys import BIP84_ZPUB
from tests.support.application import Application, open_application
from tests.support.clock import HandClock
from tests.support.lists import import_rows

EXAMPLES: Final = Path(__file__).parents[2] / "app" / "web" / "examples.json"
_LIST: Final = Path(__file__).parents[1] / "data" / "lists" / "sdn_advanced_cut.xml"
_LISTED: Final = "1Kys8fqDen8NGFUJ6AFcXfFW5qquuTH4eh"
_NOT_LISTED: Final = "12Cyjf3qV6qLyXdzpLSLPdRFPUVidvnzFM"
_EMAIL: Final = "me@example.com"
_PASSWORD: Final = "correct horse battery"
_LOGIN: Final = {"email": _EMAIL, "password": _PASSWORD}

Example = dict[str, Any]


@contextmanager
def _fixed_chance() -> Iterator[None]:
    """Let ids and secrets be the same in each run."""
    drawn = random.Random(7)  # noqa: S311  secrets of nobody
    chance = SimpleNamespace(randbelow=drawn.randrange, token_bytes=drawn.randbytes)
    milliseconds = int(HandClock().now().timestamp() * 1000)
    clock = SimpleNamespace(time_ns=lambda: milliseconds * 1_000_000)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("app.runtime.security.secrets", chance)
        patch.setattr("app.runtime.security.time", clock)
        patch.setattr("app.webhooks.rules.signing.secrets", chance)
        yield


@dataclass
class _Journey:
    """Calls the API, and keeps the first answer of each operation with what it was asked."""

    application: Application
    headers: dict[str, str] = field(default_factory=dict)
    examples: dict[str, Example] = field(default_factory=dict)

    async def call(
        self, operation: str, request: str, body: Mapping[str, Any] | None = None, **path: str
    ) -> Any:  # noqa: ANN401  JSON
        """Call an operation as `METHOD /path`, which must succeed; return its answer."""
        method, _, where = request.partition(" ")
        self.application.clock.advance(1)
        answer = await self.application.http.request(
            method, f"/api/{where.format(**path)}", json=body, headers=self.headers
        )
        if not answer.is_success:
            raise AssertionError(f"{operation}: {answer.status_code} {answer.text}")
        said = answer.json() if answer.content else None
        example = {"request": body} if body else {}
        if said is not None:
            example[str(answer.status_code)] = said
        self.examples.setdefault(operation, example)
        return said


async def journey(url: str) -> dict[str, Example]:
    """Return the examples by operation, from a journey on an empty database."""
    async with _opened(url) as application:
        read = read_list(_LIST)
        await import_rows(
            application.database,
            read.entries,
            issued=read.issued,
            source="OFAC SDN",
            sha256=read.sha256,
        )
        await learn_limits(application)
        walk = _Journey(application)
        await walk.call("register", "POST register", _LOGIN)
        session = await walk.call("login", "POST login", _LOGIN)
        walk.headers = {"Authorization": f"Bearer {session['session_token']}"}
        made = await walk.call(
            "createApiKey", "POST api_keys", {"name": "shop", "read_only": False}
        )
        walk.headers = {"X-API-KEY": made["api_key"]}
        code = await _codes(walk)
        await _orders(walk)
        await _assessments(walk, code)
        await _credits(walk, code)
        await _webhooks(walk)
        await _keys(walk, session["session_token"])
        return dict(sorted(walk.examples.items()))


@asynccontextmanager
async def _opened(url: str) -> AsyncIterator[Application]:
    database = create_database(url)
    with _fixed_chance():
        async with open_application(
            database,
            scripted=False,
            bitcoin_descriptor=BIP84_ZPUB,
            esplora_url=("http://127.0.0.1:9/esplora",),
        ) as application:
            yield application
    await database.dispose()


async def _codes(walk: _Journey) -> str:
    code: str = (await walk.call("createAccessCode", "POST access_codes", {}))["access_code"]
    own = {"access_code": code}
    await walk.call("checkAccessCodeStatus", "POST check_access_code_status", own)
    await walk.call("listAccessCodes", "GET access_codes")
    return code


async def _orders(walk: _Journey) -> None:
    await walk.call("orderParameters", "GET order_parameters")
    await walk.call("checkPrice", "POST check_price", {"number_of_credits": 10})
    wish = {
        **{"number_of_credits": 10, "payment_coin": "Aeon", "payment_network": "AEON"},
        **{"order_is_for_self": True, "client_reference": "invoice-2026-0042"},
        **{"metadata": {"cart": "4711"}, "unique_reference": True},
    }
    order = {"order_id": (await walk.call("newOrder", "POST new_order", wish))["order_id"]}
    await accept(walk.application)
    await report(walk.application, UNPAID)
    await walk.call("checkOrderStatus", "POST check_order_status", order)
    await walk.call("createPaymentPage", "POST orders/{order_id}/payment_page", **order)
    for state in ("PAID_UNCONFIRMED", "PAID", "BTC_SENT"):
        await report(walk.application, replace(UNPAID, state=state))
    await walk.call("getOrder", "GET orders/{order_id}", **order)
    bitcoin = {**wish, "payment_coin": "Bitcoin", "payment_network": "BTC"}
    del bitcoin["unique_reference"]
    other = await walk.call("newOrder", "POST new_order", bitcoin)
    await walk.call("listOrders", "GET orders?limit=1")
    await walk.call("cancelOrder", "POST orders/{order_id}/cancel", order_id=other["order_id"])


async def _assessments(walk: _Journey, code: str) -> None:
    own = {"access_code": code}
    question = {"assessment_type": "address", "currency": "BTC", "address": _LISTED}
    await walk.call(
        "moveCreditsToAccessCode", "POST access_codes/{access_code}/credits", {"credits": 5}, **own
    )
    labelled = {**question, "client_reference": "customer-17"}
    await walk.call("createNewAssessment", "POST create_new_assessment", labelled)
    made = await walk.call(
        "createNewAssessmentForAccessCode",
        "POST create_new_assessment_for_access_code",
        own | question,
    )
    asked = {"assessment_id": made["assessment_id"]}
    await walk.call(
        "createNewAssessmentsForAccessCode",
        "POST create_new_assessments_for_access_code",
        {**own, "questions": [{**question, "address": _NOT_LISTED}, {**question, "currency": "?"}]},
    )
    await walk.call(
        "checkAssessmentListForAccessCode",
        "POST check_assessment_list_for_access_code",
        {**own, "assessment_id_list": [asked["assessment_id"]]},
    )
    await walk.call("getAssessment", "GET assessments/{assessment_id}", **asked)
    await walk.call("listAssessments", "GET assessments?limit=1")


async def _credits(walk: _Journey, code: str) -> None:
    own = {"access_code": code}
    await walk.call(
        "returnCreditsOfAccessCode",
        "POST access_codes/{access_code}/credits/return",
        {"number_of_credits": 1},
        **own,
    )
    await walk.call(
        "deactivateAccessCode",
        "POST access_codes/{access_code}/deactivate",
        {"keep_credits": False},
        **own,
    )
    await walk.call("checkSelfStatus", "GET check_self_status")
    await walk.call("listLedger", "GET ledger?limit=2")
    await walk.call("listEvents", "GET events?limit=1")


async def _webhooks(walk: _Journey) -> None:
    all_of_them = "webhook_endpoints"
    wish = {"url": "https://shop.example.com/assay", "description": "shop, production"}
    made = await walk.call("createWebhookEndpoint", f"POST {all_of_them}", wish)
    one, own = f"{all_of_them}/{{endpoint_id}}", {"endpoint_id": made["id"]}
    await walk.call("listWebhookEndpoints", f"GET {all_of_them}")
    await walk.call("getWebhookEndpoint", f"GET {one}", **own)
    changed = {"event_types": ["order.credited"]}
    await walk.call("changeWebhookEndpoint", f"PATCH {one}", changed, **own)
    await walk.call("rotateWebhookSecret", f"POST {one}/rotate_secret", **own)
    sent = await walk.call("testWebhookEndpoint", f"POST {one}/test", **own)
    await walk.call("listWebhookDeliveries", f"GET {one}/deliveries", **own)
    delivery = own | {"delivery_id": sent["id"]}
    await walk.call("getWebhookDelivery", f"GET {one}/deliveries/{{delivery_id}}", **delivery)
    again = {"delivery_ids": [sent["id"]]}
    await walk.call("redeliverWebhooks", f"POST {one}/redeliver", again, **own)
    await walk.call("deleteWebhookEndpoint", f"DELETE {one}", **own)


async def _keys(walk: _Journey, session: str) -> None:
    walk.headers = {"Authorization": f"Bearer {session}"}
    wish = {
        **{"name": "book-keeping", "scopes": ["orders:read", "assessments:read"]},
        **{"read_only": True, "ip_allow_list": ["203.0.113.0/24"]},
    }
    made = await walk.call("createApiKey", "POST api_keys", wish)
    walk.examples["createApiKey"] = {"request": wish, "201": made}
    await walk.call("listApiKeys", "GET api_keys?limit=1")
    own = {"prefix": made["prefix"]}
    await walk.call("rotateApiKey", "POST api_keys/{prefix}/rotate", {"grace_seconds": 3600}, **own)
    await walk.call("revokeApiKey", "DELETE api_keys/{prefix}", **own)
    walk.application.clock.advance(timedelta(days=1).total_seconds() - 60)
    new = {"password": _PASSWORD, "new_password": "another horse battery"}
    await walk.call("changePassword", "POST change_password", new)


def write(examples: Mapping[str, Example]) -> str:
    """Return the text of the file."""
    return json.dumps(examples, indent=2, ensure_ascii=False) + "\n"


async def _main(folder: str) -> None:
    server = EmbeddedPostgres(Path(folder), throwaway=True)
    url = await server.start()
    try:
        await asyncio.to_thread(upgrade, url)
        EXAMPLES.write_text(write(await journey(url)), encoding="utf-8")
    finally:
        await server.stop()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        asyncio.run(_main(name))
