"""The links to payment pages: making one, reading the order behind one, forgetting those that are over.

Whoever has a link sees the order. The token in it has 256 random bits; the database has its hash.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import delete, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.ledger import audit_log
from app.ledger.actors import Actor
from app.orders.errors import InvalidOrderId
from app.orders.models import PaymentPage
from app.orders.payment_page.linked_order import LinkedOrder
from app.orders.queries import VIEW_COLUMNS, WITH_PAYMENT, view_of
from app.orders.service import visible_to
from app.runtime.errors import InvalidParameter
from app.runtime.origins import RULE, origin_of
from app.runtime.security import (
    ORDER_ID_PATTERN,
    hash_token,
    new_page_token,
    read_page_token,
)

RETURN_URL_TEXT: Final = (
    f"{RULE}, and of an origin that the operator of this server allows in"
    " ASSAY_PAYMENT_PAGE_RETURN_ORIGINS"
)
# A round of the sweep takes no more, so that it stays far below the statement timeout.
_REAPED_AT_ONCE: Final = 1000
_INSERT: Final = text(f"""
    INSERT INTO payment_pages (token_hash, order_id, return_url, created_at, expires_at)
    SELECT :token_hash, orders.id, :return_url, :now, :expires_at FROM orders
    WHERE orders.id = :order_id AND {visible_to(":account_id")} RETURNING order_id""")  # noqa: S608  all of it is ours
_LINKED: Final = text(f"""
    SELECT {VIEW_COLUMNS}, orders.granted_at, payment_pages.return_url,
        payment_pages.expires_at AS page_expires_at
    FROM payment_pages JOIN orders ON orders.id = payment_pages.order_id {WITH_PAYMENT}
    WHERE payment_pages.token_hash = :token_hash AND payment_pages.expires_at > :now""")  # noqa: S608  all of it is ours


@dataclass(frozen=True)
class PageLink:
    """A new link: its token, shown once, and when it ends."""

    token: str
    expires_at: datetime


def check_return_url(url: str | None, origins: Collection[str]) -> None:
    """Refuse a URL that is not of one of these origins. Raises InvalidParameter."""
    if url is not None and not leads_back(url, origins):
        raise InvalidParameter("return_url", RETURN_URL_TEXT)


def as_allowed(linked: LinkedOrder, origins: Collection[str]) -> LinkedOrder:
    """Return an order whose page leads back nowhere if its origin is allowed no more."""
    url = linked.return_url
    if url is None or leads_back(url, origins):
        return linked
    return replace(linked, return_url=None)


def leads_back(url: str, origins: Collection[str]) -> bool:
    """Say whether a URL is of one of these origins: the same scheme, host and port."""
    try:
        return origin_of(url) in origins
    except ValueError:
        return False


async def create(
    session: AsyncSession,
    order_id: str,
    *,
    account_id: str,
    return_url: str | None,
    lasts: timedelta,
    actor: Actor,
    now: datetime,
) -> PageLink:
    """Make a link to an order that the account may see, in the caller's transaction.

    Raises InvalidOrderId.
    """
    if not ORDER_ID_PATTERN.fullmatch(order_id):  # a path may hold what PostgreSQL refuses
        raise InvalidOrderId
    link = PageLink(new_page_token(), now + lasts)
    made = await session.scalar(
        _INSERT,
        {
            "token_hash": hash_token(link.token),
            "order_id": order_id,
            "account_id": account_id,
            "return_url": return_url,
            "now": now,
            "expires_at": link.expires_at,
        },
    )
    if made is None:
        raise InvalidOrderId
    await audit_log.record(
        session, actor=actor, action="payment_page.create", subject=order_id, at=now
    )
    return link


async def find(connection: AsyncConnection, token: str, now: datetime) -> LinkedOrder | None:
    """Return the order behind the token of a link; None: there is no such link, or it is over."""
    token_hash = read_page_token(token)
    if token_hash is None:
        return None
    found = await connection.execute(_LINKED, {"token_hash": token_hash, "now": now})
    row = found.mappings().one_or_none()
    return None if row is None else _linked(row)


def _linked(row: Mapping[Any, Any]) -> LinkedOrder:
    return LinkedOrder(view_of(row), row["granted_at"], row["return_url"], row["page_expires_at"])


async def delete_expired(session: AsyncSession, now: datetime) -> bool:
    """Forget links that are over; say whether there may be more of them."""
    async with session.begin():
        over = (
            select(PaymentPage.token_hash)
            .where(PaymentPage.expires_at <= now)
            .limit(_REAPED_AT_ONCE)
            .with_for_update(skip_locked=True)
        )
        gone = await session.execute(
            delete(PaymentPage)
            .where(PaymentPage.token_hash.in_(over))
            .returning(PaymentPage.token_hash)
        )
        return len(gone.all()) == _REAPED_AT_ONCE
