"""The order behind a link to a payment page."""

from dataclasses import dataclass
from datetime import datetime

from app.orders.queries import OrderView


@dataclass(frozen=True)
class LinkedOrder:
    """The order behind a link, when its credits were granted, and where the page leads back to."""

    order: OrderView
    granted_at: datetime | None
    return_url: str | None
    link_ends_at: datetime
