"""AEON.to's words on the wire: requests are written and replies are read here, and only here.

Replies are read strictly where a mistake could cost money (UTF-8, one JSON object, no duplicate
names, no NaN, plausible amounts: `app.partners.aeonto.fields`) and leniently where AEON.to and its sister services differ
(numbers or strings, two names for one field, absent, null or empty for "nothing to say").
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Final, TypeVar

from pydantic import Field, StrictBool, TypeAdapter, ValidationError

from app.partners.aeonto.fields import Aeon, Btc, Count
from app.partners.aeonto.report import Report
from app.partners.strict_json import JsonObject, Unreadable
from app.runtime.money import plain

MAX_BODY_BYTES: Final = 64 * 1024
_ERROR_CODE: Final = re.compile(r"[A-Za-z0-9_.]+-ERROR-([0-9]{1,6})", re.ASCII)

Fields = Mapping[str, str | Decimal]


@dataclass(frozen=True, kw_only=True)
class OrderParameters:
    """What AEON.to takes now (order_parameter_query): amounts in BTC, price in BTC per AEON."""

    price_btc: Annotated[Btc, Field(gt=0, validation_alias="price")]
    lower_limit_btc: Annotated[Btc, Field(validation_alias="lower_limit")]
    upper_limit_btc: Annotated[Btc, Field(validation_alias="upper_limit")]
    zero_conf_enabled: StrictBool = False
    zero_conf_max_amount_btc: Annotated[Btc, Field(validation_alias="zero_conf_max_amount")] = (
        Decimal(0)
    )


@dataclass(frozen=True, kw_only=True)
class PriceQuote:
    """What an amount of bitcoin costs now (order_check_price).

    `btc_amount` in BTC, `incoming_amount_total` in AEON, `incoming_price_btc` in BTC per AEON.
    """

    btc_amount: Btc
    incoming_amount_total: Annotated[Aeon, Field(gt=0)]
    incoming_price_btc: Annotated[Btc, Field(gt=0)]
    incoming_num_confirmations_remaining: Count | None = None


# Requests


def write_object(fields: Fields) -> bytes:
    """Write a request body; a Decimal becomes a JSON number with exactly its own digits.

    Raises ValueError when an amount is not a positive finite number.
    """
    members = (f"{json.dumps(name)}: {_write(value)}" for name, value in fields.items())
    return f"{{{', '.join(members)}}}".encode()


def _write(value: str | Decimal) -> str:
    if isinstance(value, str):
        return json.dumps(value)
    if not value.is_finite() or value <= 0:
        raise ValueError("an amount must be a positive finite number")
    return plain(value)


# Replies, as JSON


def error_number(said: JsonObject) -> int | None:
    """Return the number of the error that a reply reports, None when it reports none.

    Raises Unreadable when there is an error without a number.
    """
    code = said.get("error")
    if code is None:
        return None
    match = _ERROR_CODE.fullmatch(code) if isinstance(code, str) else None
    if match is None:
        raise Unreadable("the error has no number")
    return int(match[1])


# Replies, as our own types


_T = TypeVar("_T")
_PARAMETERS: Final = TypeAdapter(OrderParameters)
_QUOTE: Final = TypeAdapter(PriceQuote)
_REPORT: Final = TypeAdapter(Report)


def _read(shape: TypeAdapter[_T], said: JsonObject) -> _T:
    spoken = {name: value for name, value in said.items() if value is not None and value != ""}
    try:
        return shape.validate_python(spoken)
    except ValidationError as error:
        fault = error.errors(include_input=False, include_url=False, include_context=False)[0]
        raise Unreadable(f"{fault['loc'][0]}: {fault['msg']}") from None


def read_parameters(said: JsonObject) -> OrderParameters:
    """Read a reply of order_parameter_query. Raises Unreadable."""
    return _read(_PARAMETERS, said)


def read_report(said: JsonObject) -> Report:
    """Read a reply of order_create, order_create_pp or order_status_query. Raises Unreadable."""
    report = _read(_REPORT, said)
    if report.uuid is None:
        raise Unreadable("uuid: Field required")
    return report


def read_quote(said: JsonObject) -> PriceQuote:
    """Read a reply of order_check_price. Raises Unreadable."""
    return _read(_QUOTE, said)
