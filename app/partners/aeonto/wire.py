"""AEON.to's words on the wire: requests are written and replies are read here, and only here.

Replies are read strictly where a mistake could cost money (UTF-8, one JSON object, no duplicate
names, no NaN, plausible amounts) and leniently where AEON.to and its sister services differ
(numbers or strings, two names for one field, absent, null or empty for "nothing to say").
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Final, TypeVar

from pydantic import (
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StringConstraints,
    ValidationError,
)

from app.partners.aeonto.report import Report
from app.partners.strict_json import JsonObject, Unreadable
from app.runtime.money import plain

MAX_BODY_BYTES: Final = 64 * 1024
MAX_BTC: Final = 21_000_000
MAX_AEON: Final = 10**12
# Amounts have 8 or 12 decimals; a reply in binary floats may show a few more.
MAX_DECIMALS: Final = 30
MAX_COUNT: Final = 2**31 - 1
FIRST_YEAR: Final = 2009
LAST_YEAR: Final = 2200

_NUMBER: Final = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,3})?", re.ASCII)
_ERROR_CODE: Final = re.compile(r"[A-Za-z0-9_.]+-ERROR-([0-9]{1,6})", re.ASCII)

Fields = Mapping[str, str | Decimal]


@dataclass(frozen=True, kw_only=True)
class OrderParameters:
    """What AEON.to takes now (order_parameter_query): amounts in BTC, price in BTC per AEON."""

    price_btc: Decimal
    lower_limit_btc: Decimal
    upper_limit_btc: Decimal
    zero_conf_enabled: bool
    zero_conf_max_amount_btc: Decimal


@dataclass(frozen=True, kw_only=True)
class PriceQuote:
    """What an amount of bitcoin costs now (order_check_price).

    `btc_amount` in BTC, `incoming_amount_total` in AEON, `incoming_price_btc` in BTC per AEON.
    """

    btc_amount: Decimal
    incoming_amount_total: Decimal
    incoming_price_btc: Decimal
    incoming_num_confirmations_remaining: int | None


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


def _number(value: object) -> Decimal:
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        value = Decimal(value)
    if not isinstance(value, Decimal):
        raise ValueError("must be a number, or a number in a string")  # noqa: TRY004  # for pydantic
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int) or not -MAX_DECIMALS <= exponent <= MAX_DECIMALS:
        raise ValueError("must be a number of plausible size")
    if value < 0:
        raise ValueError("must not be negative")
    return value.copy_abs()  # a remainder of -0.0 is nought


def _count(value: object) -> int:
    if value in (Decimal(-1), "-1"):
        return -1  # "does not apply", as in the example of "Querying order status"
    number = _number(value)
    if number > MAX_COUNT or number != number.to_integral_value():
        raise ValueError("must be a whole number of plausible size")
    return int(number)


def _moment(value: object) -> datetime:
    if not isinstance(value, str):
        raise ValueError("must be a timestamp in a string")  # noqa: TRY004  # for pydantic
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise ValueError("must be an ISO 8601 timestamp") from None
    if moment.tzinfo is None or not FIRST_YEAR <= moment.year < LAST_YEAR:
        raise ValueError("must be a timestamp with a zone, of a plausible year")
    return moment.astimezone(UTC)


_Btc = Annotated[Decimal, BeforeValidator(_number), Field(le=MAX_BTC)]
_Aeon = Annotated[Decimal, BeforeValidator(_number), Field(le=MAX_AEON)]
_Count = Annotated[int, BeforeValidator(_count)]
_Moment = Annotated[datetime, BeforeValidator(_moment)]
_Word = Annotated[str, StringConstraints(strict=True, max_length=256, pattern=r"^[!-~]+$")]


class _Reply(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _ParametersReply(_Reply):
    price: Annotated[_Btc, Field(gt=0)]
    lower_limit: _Btc
    upper_limit: _Btc
    zero_conf_enabled: StrictBool = False
    zero_conf_max_amount: _Btc = Decimal(0)


class _PriceReply(_Reply):
    btc_amount: _Btc
    incoming_amount_total: Annotated[_Aeon, Field(gt=0)]
    incoming_price_btc: Annotated[_Btc, Field(gt=0)]
    incoming_num_confirmations_remaining: _Count | None = None


class _OrderReply(_Reply):
    """The fields of a `Report`, by the same names."""

    state: _Word
    uuid: _Word
    btc_amount: _Btc | None = None
    btc_dest_address: _Word | None = None
    receiving_address: _Word | None = None
    receiving_integrated_address: _Word | None = None
    required_payment_id_long: _Word | None = None
    required_payment_id_short: _Word | None = None
    incoming_amount_total: _Aeon | None = None
    remaining_amount_incoming: _Aeon | None = None
    incoming_price_btc: _Btc | None = None
    incoming_num_confirmations_remaining: _Count | None = None
    # AEON.to API v3, "Querying order status": the table has the first name, its example the second.
    recommended_mixin: _Count | None = Field(
        None, validation_alias=AliasChoices("aeon_recommended_mixin", "recommended_mixin")
    )
    btc_num_confirmations: _Count | None = None
    btc_num_confirmations_before_purge: _Count | None = None
    btc_transaction_id: _Word | None = None
    created_at: _Moment | None = None
    expires_at: _Moment | None = None


_ReplyT = TypeVar("_ReplyT", bound=_Reply)


def _read(shape: type[_ReplyT], said: JsonObject) -> _ReplyT:
    spoken = {name: value for name, value in said.items() if value is not None and value != ""}
    try:
        return shape.model_validate(spoken)
    except ValidationError as error:
        fault = error.errors(include_input=False, include_url=False, include_context=False)[0]
        raise Unreadable(f"{fault['loc'][0]}: {fault['msg']}") from None


def read_parameters(said: JsonObject) -> OrderParameters:
    """Read a reply of order_parameter_query. Raises Unreadable."""
    reply = _read(_ParametersReply, said)
    return OrderParameters(
        price_btc=reply.price,
        lower_limit_btc=reply.lower_limit,
        upper_limit_btc=reply.upper_limit,
        zero_conf_enabled=reply.zero_conf_enabled,
        zero_conf_max_amount_btc=reply.zero_conf_max_amount,
    )


def read_report(said: JsonObject) -> Report:
    """Read a reply of order_create, order_create_pp or order_status_query. Raises Unreadable."""
    return Report(**_read(_OrderReply, said).model_dump())


def read_quote(said: JsonObject) -> PriceQuote:
    """Read a reply of order_check_price. Raises Unreadable."""
    return PriceQuote(**_read(_PriceReply, said).model_dump())
