"""`aeonto_parameters`: what AEON.to last said about its limits and price."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from app.runtime.db.base import Base


class AeontoParameters(Base):
    """The one row that the loop refreshes; amounts in BTC, the price in BTC per AEON."""

    __tablename__ = "aeonto_parameters"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    price_btc: Mapped[Decimal]
    lower_limit_btc: Mapped[Decimal]
    upper_limit_btc: Mapped[Decimal]
    zero_conf_enabled: Mapped[bool]
    zero_conf_max_amount_btc: Mapped[Decimal]
    seen_at: Mapped[datetime]
