"""A small application of the shared HTTP parts, for the tests of those parts."""

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, Self

import httpx
from fastapi import APIRouter, Depends, FastAPI, Query, Request, Security
from fastapi.security import HTTPAuthorizationCredentials
from pydantic import Field, model_validator
from pydantic.json_schema import SkipJsonSchema
from typing_extensions import override

from app.accounts.errors import InvalidApiKey
from app.orders.errors import OrderNotCreated
from app.runtime.clock import SystemClock
from app.runtime.observability.metrics import Metrics
from app.runtime.observability.request_id import RequestIdMiddleware
from app.web import docs, error_handlers, middleware, openapi
from app.web.errors import ORDER_FAULT, responses
from app.web.fields import (
    Credits,
    PageLimit,
    RequestModel,
    ResponseModel,
    ShortText,
    StrictBoolean,
    TextList,
    TimeSent,
    Timestamp,
    missing,
)
from app.web.request_body import StrictRoute, sent_text

KEY = "right"
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
GOOD_ORDER = {"number_of_credits": 10, "payment_coin": "Aeon", "order_is_for_self": True}


class NewOrder(RequestModel):
    number_of_credits: Credits = Field(examples=[10])
    payment_coin: ShortText = Field(examples=["Aeon"])
    order_is_for_self: StrictBoolean = Field(examples=[True])
    access_code: ShortText | SkipJsonSchema[None] = Field(None, examples=["Ab12Ab12Ab12Ab12"])

    @classmethod
    @override
    def ignored(cls, sent: Mapping[str, object]) -> Collection[str]:
        return ("access_code",) if sent.get("order_is_for_self") is True else ()

    @model_validator(mode="after")
    def _needs_access_code(self) -> Self:
        if not self.order_is_for_self and self.access_code is None:
            raise missing("access_code")
        return self


class Search(RequestModel):
    ids: TextList = Field(examples=[["a"]])
    until: TimeSent | SkipJsonSchema[None] = Field(None, examples=["2030-01-31T12:00:00Z"])


class Echo(ResponseModel):
    text: str = Field(examples=["Aeon"])
    at: Timestamp = Field(examples=["2026-11-22T12:00:00Z"])


class HastyRoute(StrictRoute):
    body_seconds = 0.02


class WideRoute(StrictRoute):
    body_limit_bytes = 256 * 1024


async def caller(
    request: Request,
    key: Annotated[str | None, Security(openapi.API_KEY)],
    session: Annotated[HTTPAuthorizationCredentials | None, Security(openapi.SESSION)],
) -> str:
    if key != KEY and session is None:
        raise InvalidApiKey
    return await sent_text(request, "payment_coin") or "nobody"


Known = Annotated[str, Depends(caller)]


async def new_order(order: NewOrder, _caller: Known) -> Echo:
    """Buy credits."""
    return Echo(text=order.payment_coin, at=NOON)


async def hasty(order: NewOrder, _caller: Known) -> Echo:
    """Give the body little time."""
    return Echo(text=order.payment_coin, at=NOON)


async def wide(search: Search, _caller: Known) -> Echo:
    """Take a larger body."""
    return Echo(text=str(len(search.ids)), at=search.until or NOON)


async def sent_coin(order: NewOrder, name: Known) -> Echo:
    """Answer what the dependency read of the body."""
    return Echo(text=f"{name}/{order.payment_coin}", at=NOON)


async def get_page(limit: Annotated[PageLimit, Query(examples=[20])] = 20) -> Echo:
    """List something, for anybody."""
    return Echo(text=str(limit), at=NOON)


async def delete_page(_caller: Known) -> None:
    """Delete something."""


async def refused_order(order: NewOrder, _caller: Known) -> Echo:
    """Fail as a database that refuses the insert."""
    raise OrderNotCreated from RuntimeError(order.payment_coin)


def create_small_app(
    *, failing: Exception | None = None, functions: Collection[str] = ()
) -> FastAPI:
    """Assemble the parts as `main.py` does; `functions` names endpoints that raise `failing`."""
    app = FastAPI(
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=openapi.unique_operation_id,
    )
    metrics = Metrics()
    app.state.metrics = metrics
    error_handlers.install(app, metrics=metrics, now=SystemClock().now)
    middleware.install(app)
    app.add_middleware(RequestIdMiddleware, metrics=metrics)
    openapi.install(app)
    docs.install(app)
    known = responses(400, 403, 408, 413, 415, 500, 503)
    router = APIRouter(prefix="/api", route_class=StrictRoute, tags=["orders"])
    router.add_api_route(
        "/new_order", new_order, methods=["POST"], status_code=201, responses=known | ORDER_FAULT
    )
    router.add_api_route("/sent_coin", sent_coin, methods=["POST"], responses=known)
    router.add_api_route("/refused_order", refused_order, methods=["POST"], responses=known)
    router.add_api_route("/pages", get_page, methods=["GET"], responses=responses(400, 500))
    router.add_api_route(
        "/pages", delete_page, methods=["DELETE"], status_code=204, responses=known
    )
    app.include_router(router)
    hurried = APIRouter(route_class=HastyRoute, tags=["orders"])
    hurried.add_api_route("/hasty", hasty, methods=["POST"], responses=known)
    app.include_router(hurried)
    wider = APIRouter(route_class=WideRoute, tags=["assessments"])
    wider.add_api_route("/wide", wide, methods=["POST"], responses=known)
    app.include_router(wider)
    failures = APIRouter(route_class=StrictRoute, tags=["health"])

    async def fail() -> None:
        """Fail."""
        raise failing or RuntimeError("no reason")

    for name in functions:
        failures.add_api_route(
            f"/fail/{name}", fail, methods=["GET"], name=name, responses=responses(400, 500)
        )
    app.include_router(failures)
    return app


@asynccontextmanager
async def client_of(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Lend a client whose requests carry the right key and a JSON content type."""
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url="http://assay",
        headers={"X-API-KEY": KEY, "Content-Type": "application/json"},
    ) as client:
        yield client
