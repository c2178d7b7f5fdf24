"""What AEON.to last said about its limits and price, and what follows in credits."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Final

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.orders.models import AeontoParameters
from app.partners.aeonto.wire import OrderParameters

# Older than this they say nothing about an order of today (docs/specifications.md, `new_order`).
TRUSTED_FOR: Final = timedelta(minutes=5)
_AEON_DIGITS: Final = Decimal("0.0000001")  # AEON.to quotes 7 decimals


@dataclass(frozen=True)
class KnownParameters:
    """Limits in BTC, the price in BTC per AEON, and when AEON.to said so."""

    price_btc: Decimal
    lower_limit_btc: Decimal
    upper_limit_btc: Decimal
    zero_conf_enabled: bool
    zero_conf_max_amount_btc: Decimal
    seen_at: datetime

    def credit_range(self, credit_price_btc: Decimal, max_credits: int) -> tuple[int, int]:
        """Return the least and the most credits that one order may buy."""
        least = (self.lower_limit_btc / credit_price_btc).to_integral_value(ROUND_CEILING)
        most = (self.upper_limit_btc / credit_price_btc).to_integral_value(ROUND_FLOOR)
        return max(1, int(least)), min(max_credits, int(most))

    def price_aeon(self, btc_amount: Decimal) -> Decimal:
        """Return what an amount of bitcoin costs now, in AEON."""
        return (btc_amount / self.price_btc).quantize(_AEON_DIGITS, ROUND_CEILING)


async def known(connection: AsyncConnection, now: datetime) -> KnownParameters | None:
    """Return what is known and not older than 5 minutes, else None."""
    row = (
        await connection.execute(
            select(
                AeontoParameters.price_btc,
                AeontoParameters.lower_limit_btc,
                AeontoParameters.upper_limit_btc,
                AeontoParameters.zero_conf_enabled,
                AeontoParameters.zero_conf_max_amount_btc,
                AeontoParameters.seen_at,
            ).where(AeontoParameters.seen_at >= now - TRUSTED_FOR)
        )
    ).one_or_none()
    return KnownParameters(*row) if row else None


async def save(session: AsyncSession, parameters: OrderParameters, now: datetime) -> None:
    """Keep what AEON.to just said."""
    values = {
        "price_btc": parameters.price_btc,
        "lower_limit_btc": parameters.lower_limit_btc,
        "upper_limit_btc": parameters.upper_limit_btc,
        "zero_conf_enabled": parameters.zero_conf_enabled,
        "zero_conf_max_amount_btc": parameters.zero_conf_max_amount_btc,
        "seen_at": now,
    }
    async with session.begin():
        await session.execute(
            insert(AeontoParameters)
            .values(id=1, **values)
            .on_conflict_do_update(index_elements=["id"], set_=values)
        )
