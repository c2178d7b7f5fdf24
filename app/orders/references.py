"""References that are to be unique among the orders of a buyer: the database refuses a second one."""

from typing import Any, Final

from app.orders.errors import ReferenceTaken
from app.runtime.db.direct import Statement
from app.runtime.db.engine import Database
from app.runtime.db.failures import violated_constraint

_CONSTRAINT: Final = "uq_orders_buyer_id_client_reference"
_HOLDER: Final = Statement(
    """SELECT id FROM orders
    WHERE buyer_id = :buyer_id AND client_reference = :client_reference AND unique_reference"""
)


def refuses(fault: BaseException) -> bool:
    """Say whether the database refused an order because its reference is taken."""
    return violated_constraint(fault) == _CONSTRAINT


async def refusal(database: Database, order: dict[str, Any]) -> ReferenceTaken:
    """Name the order that has the reference."""
    row = await database.fetch_row(
        _HOLDER, buyer_id=order["buyer_id"], client_reference=order["client_reference"]
    )
    if row is None:
        raise LookupError("the order that has the reference is gone, and orders are never deleted")
    return ReferenceTaken(row["id"])
