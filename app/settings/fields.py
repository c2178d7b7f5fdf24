"""What the groups of settings share: spans of time, amounts in BTC, and the refusal of a start."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, ConfigDict

from app.runtime.faults import OperatorFault
from app.runtime.money import SATOSHI


class ConfigurationError(OperatorFault):
    """The environment is not one that Assay can start with; the message names the variable."""

    exit_status = 2


class Group(BaseModel):
    """Settings that belong together; the alias of a field is its environment variable."""

    model_config = ConfigDict(frozen=True)


@dataclass(frozen=True)
class Unit:
    """What one in the text of a variable stands for, where the field is a span of time."""

    span: timedelta


Seconds = Annotated[timedelta, Unit(timedelta(seconds=1))]
OptionalDays = Annotated[timedelta | None, Unit(timedelta(days=1))]


def in_whole_satoshi(value: Decimal) -> Decimal:
    """Return an amount in BTC that has no part of a satoshi. Raises ValueError."""
    if value % SATOSHI:
        raise ValueError("must be a whole number of satoshi (at most 8 decimals)")
    return value
