"""The movements of credits as a file, with what was paid for those that were bought."""

from typing import Final

from fastapi import APIRouter, Request, Response
from pydantic import Field

from app.accounts.ledger_responses import entry_response
from app.accounts.ledger_schemas import LedgerEntryResponse
from app.accounts.listed_account import ListedAccount
from app.ledger import service as ledger
from app.orders import purchases
from app.runtime.paging import Page, read_number
from app.web import exports
from app.web.dependencies import THROTTLE_INVALID_CODES, ReadConnection, ResourcesDep
from app.web.errors import responses
from app.web.exports import ExportFormat, FormatParameter
from app.web.fields import Money
from app.web.labels import ShownReference
from app.web.list_parameters import CreatedRange
from app.web.request_body import StrictRoute

router = APIRouter(
    prefix="/api",
    tags=["accounts"],
    route_class=StrictRoute,
    responses=responses(400, 403, 429, 500, 503),
)


class ExportedEntry(LedgerEntryResponse):
    """A movement as the API shows it, and what was paid for credits that were bought."""

    credit_price_btc: Money | None = Field(
        description="Of a purchase, the price of each credit when they came; null: nothing was paid"
    )
    btc_amount: Money | None = Field(description="Of a purchase, the price of these credits")
    payment_coin: str | None = Field(description="Of a purchase, the coin it was paid in")
    client_reference: ShownReference


COLUMNS: Final = exports.columns_of(
    *("at", "kind", "credits", "balance_after", "credit_price_btc", "btc_amount", "payment_coin"),
    *("order_id", "assessment_id", "client_reference"),
)


@router.get(
    "/ledger/export",
    summary="Export the movements of credits as a file",
    response_class=Response,
    response_description="All movements that the filters let through, newest first",
    dependencies=[THROTTLE_INVALID_CODES],
    responses=exports.documented(
        "a movement as the list shows it, and of a purchase `credit_price_btc`, `btc_amount`,"
        " `payment_coin` and the `client_reference` of its order",
        COLUMNS,
    ),
)
async def export_ledger(
    *,
    request: Request,
    account_id: ListedAccount,
    connection: ReadConnection,
    resources: ResourcesDep,
    moved: CreatedRange,
    form: FormatParameter = ExportFormat.CSV,
) -> Response:
    """Write all that `GET /api/ledger` lists with the same filters, with what was paid for credits.

    A text that a spreadsheet would read as a formula has an apostrophe before it in CSV; numbers
    have none. A file that could not be finished ends without the end of its transfer.
    """

    async def read(connection: ReadConnection, cursor: str | None) -> Page[ExportedEntry]:
        page = await ledger.entries_of(
            connection,
            account_id,
            cursor=None if cursor is None else read_number(cursor),
            limit=exports.PAGE_LENGTH,
            within=moved,
        )
        order_ids = [one.order_id for one in page.items if one.order_id is not None]
        bought = await purchases.of_orders(connection, order_ids)
        exported = [
            _exported(entry_response(one), bought.get(one.order_id or "")) for one in page.items
        ]
        return Page(exported, page.next_cursor)

    return await exports.respond(
        request, "ledger", form, COLUMNS, read, connection=connection, now=resources.clock.now()
    )


def _exported(
    entry: LedgerEntryResponse, purchase: purchases.PurchaseFacts | None
) -> ExportedEntry:
    price = purchase.credit_price_btc if purchase else None
    return ExportedEntry(
        **dict(entry),
        credit_price_btc=price,
        btc_amount=None if price is None else entry.credits * price,
        payment_coin=purchase.payment_coin if purchase else None,
        client_reference=purchase.client_reference if purchase else None,
    )
