"""The movements of credits of an account."""

from fastapi import APIRouter

from app.accounts.ledger_responses import entry_response
from app.accounts.ledger_schemas import LedgerPage
from app.accounts.listed_account import ListedAccount
from app.ledger import service
from app.runtime.paging import read_number
from app.web.dependencies import THROTTLE_INVALID_CODES, ReadConnection
from app.web.errors import responses
from app.web.list_parameters import CreatedRange
from app.web.paging import CursorParameter, LimitParameter
from app.web.request_body import StrictRoute

router = APIRouter(
    prefix="/api",
    tags=["accounts"],
    route_class=StrictRoute,
    responses=responses(400, 403, 429, 500, 503),
)


@router.get(
    "/ledger",
    summary="List the movements of credits",
    response_description="Movements of credits, newest first",
    dependencies=[THROTTLE_INVALID_CODES],
)
async def list_ledger(
    account_id: ListedAccount,
    connection: ReadConnection,
    moved: CreatedRange,
    cursor: CursorParameter = None,
    limit: LimitParameter = 20,
) -> LedgerPage:
    """List what moved the caller's credits, or those of an access code that it issued."""
    page = await service.entries_of(
        connection,
        account_id,
        cursor=read_number(cursor) if cursor is not None else None,
        limit=limit,
        within=moved,
    )
    return LedgerPage(
        items=[entry_response(entry) for entry in page.items], next_cursor=page.next_cursor
    )
