"""The query parameters by which the list of orders, and what is exported, is filtered."""

from typing import Annotated

from fastapi import Depends, Query
from pydantic.json_schema import SkipJsonSchema

from app.accounts.listed_account import CodeAccount
from app.orders.listing import OrderFilter
from app.orders.rules.states import OrderStatus
from app.orders.schemas import OrderStatusShown
from app.web.fields import Allowed
from app.web.list_parameters import CreatedRange, ReferenceParameter


async def _order_filter(
    beneficiary_id: CodeAccount,
    created: CreatedRange,
    status: Annotated[
        Annotated[OrderStatusShown, Allowed(f"one of: {', '.join(OrderStatus)}")]
        | SkipJsonSchema[None],
        Query(description="Only orders in this status", examples=["BTC_SENT"]),
    ] = None,
    client_reference: ReferenceParameter = None,
) -> OrderFilter:
    return OrderFilter(status, client_reference, created, beneficiary_id)


# An endpoint that asks for it has THROTTLE_INVALID_CODES among its dependencies.
OnlyOrders = Annotated[OrderFilter, Depends(_order_filter, scope="function")]
