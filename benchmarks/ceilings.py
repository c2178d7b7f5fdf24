"""The ceilings: what FastAPI and asyncpg alone do with the same rows, served by uvicorn as Assay is.

    C_http   GET /api/http  no database: an answer through a response model
    C_read   POST /read     key check and order in one statement
    C_write  POST /write    key check, then the rows of a new order in one transaction

`wrapped` is C_http inside all middleware of Assay, to know what that costs.
"""

import hashlib
import hmac
import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Final

import asyncpg
from fastapi import FastAPI, Header, HTTPException
from pydantic import BaseModel

from app.main import create_app
from app.runtime.observability.logging import configure_logging
from app.settings import Settings

HTTP_PATH: Final = "/api/http"  # where all middleware of Assay works
DSN_VARIABLE: Final = "BENCHMARK_DSN"
_POOL_SIZE: Final = 10  # Assay's own
_DESTINATION: Final = "12Cyjf3qV6qLyXdzpLSLPdRFPUVidvnzFM"
_PRICE_BTC: Final = Decimal("0.0005")
_MAX_OPEN_ORDERS: Final = 1_000_000

_READ: Final = """
    SELECT k.secret_hash, k.revoked_at, k.expires_at, o.id AS order_id, o.status, o.created_at,
        o.updated_at, o.number_of_credits, o.price_btc AS credit_price_btc, o.credits_granted,
        o.payment_coin, o.payment_network, o.btc_amount, o.failure_reason
    FROM api_keys k JOIN accounts a ON a.id = k.account_id
    LEFT JOIN orders o ON o.id = $2 AND (o.buyer_id = a.id OR o.beneficiary_id = a.id)
    WHERE k.prefix = $1"""
_KEY: Final = """
    SELECT k.secret_hash, k.revoked_at, k.expires_at, k.account_id
    FROM api_keys k JOIN accounts a ON a.id = k.account_id WHERE k.prefix = $1"""
_ORDER: Final = """
    INSERT INTO orders (id, buyer_id, beneficiary_id, number_of_credits, payment_coin,
        payment_network, rail, price_btc, btc_amount, btc_dest_address, granting_status, status,
        status_since, create_by, max_open_orders, next_look_at, look_urgency, created_at,
        updated_at)
    VALUES ($1, $2, $2, $3, $4, $5, 'aeonto', $6, $7, $8, 'BTC_SENT', 'TO_BE_CREATED', $9, $10,
        $11, $9, 1, $9, $9)"""
_EVENT: Final = """
    INSERT INTO order_events (order_id, kind, to_status, at, reason)
    VALUES ($1, 'moved', 'TO_BE_CREATED', $2, 'ordered')"""


class OrderAnswer(BaseModel):
    """An order, with the fields of Assay's own answer."""

    order_id: str
    status: str
    created_at: datetime
    updated_at: datetime
    number_of_credits: int
    credit_price_btc: Decimal
    credits_granted: int | None
    payment_coin: str
    payment_network: str
    btc_amount: Decimal
    failure_reason: str | None


class StatusQuestion(BaseModel):
    """Which order is asked about."""

    order_id: str


class Purchase(BaseModel):
    """What is bought."""

    number_of_credits: int
    payment_coin: str
    payment_network: str
    order_is_for_self: bool


ApiKeyHeader = Annotated[str, Header(alias="X-API-KEY")]


def bare() -> FastAPI:
    """Make the application of all three ceilings."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, lifespan=_with_pool)
    _add_http(app)

    @app.post("/read")
    async def read(body: StatusQuestion, key: ApiKeyHeader) -> OrderAnswer:
        prefix, secret = _split(key)
        async with app.state.pool.acquire() as connection:
            row = await connection.fetchrow(_READ, prefix, body.order_id)
        _check(row, secret)
        if row["order_id"] is None:
            raise HTTPException(400, "Invalid order_id")
        return OrderAnswer.model_validate(dict(row))

    @app.post("/write", status_code=201)
    async def write(body: Purchase, key: ApiKeyHeader) -> OrderAnswer:
        prefix, secret = _split(key)
        async with app.state.pool.acquire() as connection, connection.transaction():
            row = await connection.fetchrow(_KEY, prefix)
            _check(row, secret)
            return await _insert(connection, row["account_id"], body)

    return app


def wrapped() -> FastAPI:
    """Make C_http inside all that `create_app` puts around every request, without its resources."""
    configure_logging("json")
    app = create_app(Settings.model_construct())
    app.router.lifespan_context = _without_resources
    _add_http(app)
    app.router.routes.insert(0, app.router.routes.pop())  # C_http has no other routes to pass
    return app


@asynccontextmanager
async def _without_resources(_app: FastAPI) -> AsyncIterator[None]:
    yield


def _add_http(app: FastAPI) -> None:
    now = datetime.now(UTC)
    order = OrderAnswer(
        order_id="ord_00VbhnY6RLeQ2oZmgNCoZuaKC",
        status="TO_BE_CREATED",
        created_at=now,
        updated_at=now,
        number_of_credits=10,
        credit_price_btc=_PRICE_BTC,
        credits_granted=None,
        payment_coin="Aeon",
        payment_network="AEON",
        btc_amount=10 * _PRICE_BTC,
        failure_reason=None,
    )

    @app.get(HTTP_PATH)
    async def http() -> OrderAnswer:
        return order


@asynccontextmanager
async def _with_pool(app: FastAPI) -> AsyncIterator[None]:
    async with asyncpg.create_pool(
        os.environ[DSN_VARIABLE], min_size=_POOL_SIZE, max_size=_POOL_SIZE
    ) as pool:
        app.state.pool = pool
        yield


def _split(key: str) -> tuple[str, str]:
    """Return prefix and secret of a key; its last six characters are a checksum."""
    _, prefix, rest = key.split("_")
    return prefix, rest[:-6]


def _check(row: asyncpg.Record | None, secret: str) -> None:
    digest = hashlib.sha256(secret.encode()).digest()
    if (
        row is None
        or not hmac.compare_digest(row["secret_hash"], digest)
        or row["revoked_at"] is not None
        or (row["expires_at"] is not None and row["expires_at"] < datetime.now(UTC))
    ):
        raise HTTPException(403, "Invalid API key.")


async def _insert(connection: asyncpg.Connection, buyer_id: str, bought: Purchase) -> OrderAnswer:
    order_id, now = f"ord_{secrets.token_hex(12)}", datetime.now(UTC)
    btc_amount = bought.number_of_credits * _PRICE_BTC
    await connection.execute(
        _ORDER,
        order_id,
        buyer_id,
        bought.number_of_credits,
        bought.payment_coin,
        bought.payment_network,
        _PRICE_BTC,
        btc_amount,
        _DESTINATION,
        now,
        now + timedelta(hours=1),
        _MAX_OPEN_ORDERS,
    )
    await connection.execute(_EVENT, order_id, now)
    return OrderAnswer(
        order_id=order_id,
        status="TO_BE_CREATED",
        created_at=now,
        updated_at=now,
        number_of_credits=bought.number_of_credits,
        credit_price_btc=_PRICE_BTC,
        credits_granted=None,
        payment_coin=bought.payment_coin,
        payment_network=bought.payment_network,
        btc_amount=btc_amount,
        failure_reason=None,
    )
