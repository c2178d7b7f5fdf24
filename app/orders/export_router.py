"""Orders as a file."""

from decimal import Decimal
from typing import Final

from fastapi import APIRouter, Request, Response
from pydantic import Field

from app.orders import listing
from app.orders.list_parameters import OnlyOrders
from app.orders.queries import OrderView
from app.orders.responses import order_response
from app.orders.rules.rails import Rail
from app.orders.schemas import OrderResponse
from app.runtime.paging import Page, read_cursor
from app.web import exports
from app.web.dependencies import THROTTLE_INVALID_CODES, CallerDep, ReadConnection, ResourcesDep
from app.web.errors import responses
from app.web.exports import ExportFormat, FormatParameter
from app.web.fields import Money
from app.web.request_body import StrictRoute

router = APIRouter(
    prefix="/api",
    tags=["orders"],
    route_class=StrictRoute,
    responses=responses(400, 403, 429, 500, 503),
)


class ExportedOrder(OrderResponse):
    """An order as the API shows it, and what it cost in its coin, whatever became of it."""

    coin_amount: Money | None = Field(
        description="The price in the coin it is paid in, as it was; null: AEON.to named none"
    )


COLUMNS: Final = exports.columns_of(
    *("order_id", "status", "settled", "created_at", "updated_at", "number_of_credits"),
    *("credit_price_btc", "btc_amount", "payment_coin", "payment_network", "coin_amount"),
    *("credits_granted", "grant_price_btc", "payment.amount_received", "payment.expires_at"),
    *("payment.btc_transaction_id", "failure_reason", "client_reference", "metadata"),
)


@router.get(
    "/orders/export",
    summary="Export orders as a file",
    response_class=Response,
    response_description="All orders that the filters let through, newest first",
    dependencies=[THROTTLE_INVALID_CODES],
    responses=exports.documented(
        "an order as the list shows it, and `coin_amount`, its price in its coin", COLUMNS
    ),
)
async def export_orders(
    *,
    request: Request,
    caller: CallerDep,
    connection: ReadConnection,
    resources: ResourcesDep,
    only: OnlyOrders,
    form: FormatParameter = ExportFormat.CSV,
) -> Response:
    """Write all that `GET /api/orders` lists with the same filters, at the prices of the time.

    A text that a spreadsheet would read as a formula has an apostrophe before it in CSV; numbers
    have none. A file that could not be finished ends without the end of its transfer.
    """
    now, valuation = resources.clock.now(), resources.terms.valuation()

    def exported(order: OrderView) -> ExportedOrder:
        shown = order_response(order, valuation, now)
        return ExportedOrder(**dict(shown), coin_amount=_price_in_coin(order))

    async def read(connection: ReadConnection, cursor: str | None) -> Page[ExportedOrder]:
        page = await listing.list_visible(
            connection,
            caller.account_id,
            cursor=None if cursor is None else read_cursor(cursor),
            limit=exports.PAGE_LENGTH,
            only=only,
        )
        return Page([exported(order) for order in page.items], page.next_cursor)

    return await exports.respond(
        request, "orders", form, COLUMNS, read, connection=connection, now=now
    )


def _price_in_coin(order: OrderView) -> Decimal | None:
    if order.rail is Rail.BITCOIN:
        return order.btc_amount
    return order.payment.incoming_amount_total if order.payment else None
