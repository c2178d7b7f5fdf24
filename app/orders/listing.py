"""The orders that an account sees, page by page, filtered.

Each reason to see an order, and each filter, has an index in the order of the page: a page costs the
same at every depth, and however many orders there are.
"""

from dataclasses import dataclass
from functools import cache
from typing import Final

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.orders.queries import VIEW_COLUMNS, WITH_PAYMENT, OrderView, view_of
from app.orders.rules.states import OrderStatus
from app.runtime.paging import ALL_TIME, Cursor, Page, TimeRange, cut

_CONDITIONS: Final = {
    "status": "status = :status",
    "client_reference": "client_reference = :client_reference",
    "since": "created_at >= :since",
}


@dataclass(frozen=True)
class OrderFilter:
    """Which orders a list shows; None: of any. `beneficiary_id`: an account that receives them."""

    status: OrderStatus | None = None
    client_reference: str | None = None
    created: TimeRange = ALL_TIME
    beneficiary_id: str | None = None


@cache
def _page(conditions: frozenset[str], *, of_beneficiary: bool) -> TextClause:
    """Return the statement of a page under conditions, which the planner can plan one by one."""
    also = "".join(f" AND {_CONDITIONS[name]}" for name in sorted(conditions))
    newest = f"""(created_at, id) < (:before_at, :before_id){also}
        ORDER BY created_at DESC, id DESC LIMIT :most"""
    if of_beneficiary:
        ids = f"SELECT id FROM orders WHERE beneficiary_id = :beneficiary_id AND {newest}"  # noqa: S608  all of it is ours
    else:
        ids = f"""SELECT id FROM (
            (SELECT created_at, id FROM orders WHERE buyer_id = :account_id AND {newest})
            UNION
            (SELECT created_at, id FROM orders WHERE beneficiary_id = :account_id AND {newest})
            UNION
            SELECT of_code.created_at, of_code.id FROM access_codes CROSS JOIN LATERAL (
                SELECT created_at, id FROM orders
                WHERE beneficiary_id = access_codes.account_id AND {newest}) of_code
            WHERE access_codes.issuer_id = :account_id
        ) visible ORDER BY created_at DESC, id DESC LIMIT :most"""  # noqa: S608
    return text(
        f"""SELECT {VIEW_COLUMNS} FROM orders {WITH_PAYMENT} WHERE orders.id IN ({ids})
        ORDER BY orders.created_at DESC, orders.id DESC"""  # noqa: S608
    )


async def list_visible(
    connection: AsyncConnection,
    account_id: str,
    *,
    cursor: Cursor | None,
    limit: int,
    only: OrderFilter = OrderFilter(),
) -> Page[OrderView]:
    """Return the orders that an account bought, receives, or issued the code of, newest first.

    A `beneficiary_id` of the filter is that account, or a code that it issued.
    """
    before_at, before_id = only.created.begin(cursor)
    wanted = {
        "status": only.status,
        "client_reference": only.client_reference,
        "since": only.created.since,
    }
    given = {name: value for name, value in wanted.items() if value is not None}
    of_beneficiary = only.beneficiary_id is not None
    whose = (
        {"beneficiary_id": only.beneficiary_id} if of_beneficiary else {"account_id": account_id}
    )
    rows = await connection.execute(
        _page(frozenset(given), of_beneficiary=of_beneficiary),
        {"before_at": before_at, "before_id": before_id, "most": limit + 1, **whose, **given},
    )
    return cut(
        rows.all(),
        limit=limit,
        read=lambda row: view_of(row._mapping),
        position=lambda order: (order.created_at, order.id),
    )
