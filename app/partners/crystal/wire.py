"""Crystal's words on the wire: requests are written and replies are read here, and only here.

Crystal publishes no complete specification. What is read was seen in answers of 2019 and 2024,
which differ: ids were whole numbers and are texts. Whatever is not needed is passed over.
"""

import json
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Final, TypeVar
from urllib.parse import urlencode

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)

from app.partners.crystal.assets import Asset
from app.partners.http import Body, HttpReply
from app.partners.strict_json import JsonObject, Unreadable

# One transfer is about 4 KB.
MAX_BODY_BYTES: Final = 64 * 1024
# How many transfers are searched for a name at a time, in how many pages at most, and what one of
# those may take.
SEARCHED: Final = 500
PAGES: Final = 8
MAX_LIST_BYTES: Final = 8 * 1024 * 1024
# By how much Crystal's clock and ours may differ.
_CLOCKS_DIFFER: Final = timedelta(minutes=5)
_READY: Final = "ready"
_MAX_SIGNALS: Final = 100
_MAX_TIME: Final = 2**32 - 1
_NAME: Final = re.compile(r"[a-z0-9_]{1,64}", re.ASCII)


@dataclass(frozen=True)
class Transfer:
    """What Crystal says of an address or a transfer. Not `ready`: it still works on it.

    `amount` and `fiat` are in minor units; `riskscore` is the counterparty's.
    """

    id: str
    ready: bool
    riskscore: Decimal | None
    signals: dict[str, Decimal]
    weights: dict[str, Decimal]
    amount: Decimal | None
    fiat: Decimal | None
    fiat_code: str | None
    alert_grade: str | None
    updated_on: date | None


@dataclass(frozen=True)
class Meta:
    """What stands beside every answer. `error_code` 0 is none; `calls_left` None: not said."""

    error_code: int
    calls_left: int | None


@dataclass(frozen=True)
class CrystalQuestion:
    """What was asked, to hold an answer against; `name` is our id for it."""

    name: str
    address: str
    tx: str | None
    asset: Asset


def write_question(asked: CrystalQuestion) -> Body:
    """Write the body of monitor/tx/add.

    It is a form: the full answers that are known were given to forms. An address is checked as
    where a withdrawal would go, a transaction as a deposit that came by it.
    """
    fields = {
        "direction": "withdrawal" if asked.tx is None else "deposit",
        "address": asked.address,
        "name": asked.name,
        "currency": asked.asset.currency,
        "token_id": str(asked.asset.token_id),
    }
    if asked.tx is not None:
        fields["tx"] = asked.tx
    return Body(urlencode(fields).encode(), "application/x-www-form-urlencoded")


def write_look(transfer_id: str) -> Body:
    """Write the body of monitor/batch/txs that asks for one transfer."""
    return _json({"filter": {"id": transfer_id}})


def write_search(page: int) -> Body:
    """Write the body of monitor/batch/txs that asks for a page of all transfers, newest first.

    No filter by name is known. Pages are numbered from 0, and overlap by a tenth: no order is
    promised among transfers of the same second, so one might stand on neither side of an edge.
    """
    which = {"limit": SEARCHED, "offset": page * (SEARCHED - SEARCHED // 10)}
    return _json({"filter": {}, "order": "created_at", "direction": "desc", **which})


def _json(value: JsonObject) -> Body:
    return Body(json.dumps(value).encode(), "application/json")


def read_meta(reply: HttpReply) -> tuple[JsonObject, Meta]:
    """Read what stands beside any answer, refusals included. Raises Unreadable."""
    said = reply.json_object()
    meta = _validate(_MetaReply, said.get("meta"), "meta")
    return said, Meta(meta.error_code, meta.calls_left)


def read_transfer(said: JsonObject, asked: CrystalQuestion) -> Transfer:
    """Read the one transfer of an answer, which must be about what was asked. Raises Unreadable."""
    return _transfer(said.get("data"), asked)


def find_by_id(said: JsonObject, transfer_id: str, asked: CrystalQuestion) -> Transfer | None:
    """Return the transfer of a list that has this id; None without one. Raises Unreadable."""
    for row in _rows(said):
        if isinstance(row, dict) and _same_id(row.get("id"), transfer_id):
            return _transfer(row, asked)
    return None


def find_by_name(said: JsonObject, asked: CrystalQuestion) -> Transfer | None:
    """Return the transfer of a list that carries our name, a ready one before one that is not.

    Those of others are passed over, whatever they look like. Raises Unreadable.
    """
    ours = [_transfer(row, asked) for row in _rows(said) if _name_of(row) == asked.name]
    return next((transfer for transfer in ours if transfer.ready), ours[0] if ours else None)


def shows_all_since(said: JsonObject, since: datetime | None) -> bool:
    """Say whether a page is the last with what was asked since a time, on either clock.

    They are where they are few, or go back further. Raises Unreadable.
    """
    rows = _rows(said)
    if len(rows) < SEARCHED:
        return True
    created_at = rows[-1].get("created_at") if isinstance(rows[-1], dict) else None
    if since is None or not isinstance(created_at, Decimal):
        return False
    return created_at < Decimal(int((since - _CLOCKS_DIFFER).timestamp()))


def _rows(said: JsonObject) -> list[Any]:
    rows = said.get("data")
    if not isinstance(rows, list):
        raise Unreadable("data: must be an array")
    return rows


def _name_of(row: object) -> object:
    customer = row.get("customer") if isinstance(row, dict) else None
    return customer.get("name") if isinstance(customer, dict) else None


def _same_id(said: object, transfer_id: str) -> bool:
    return said == transfer_id or (isinstance(said, Decimal) and str(said) == transfer_id)


def _transfer(said: object, asked: CrystalQuestion) -> Transfer:
    reply = _validate(_TransferReply, said, "data")
    # Our name is of this question alone. The address may come back in another spelling.
    if reply.customer.name != asked.name:
        raise Unreadable("it carries another name")
    profile = reply.riskscore_profile
    return Transfer(
        id=reply.id,
        ready=reply.status == _READY,
        riskscore=reply.riskscore,
        signals=reply.signals or {},
        weights=(profile.signals if profile else None) or {},
        amount=reply.amount,
        fiat=reply.fiat,
        fiat_code=reply.fiat_code_effective,
        alert_grade=reply.alert_grade,
        updated_on=(
            None
            if reply.updated_at is None
            else datetime.fromtimestamp(reply.updated_at, UTC).date()
        ),
    )


def _whole(value: object) -> int:
    if not isinstance(value, Decimal) or value.as_tuple().exponent != 0:
        raise ValueError("must be a whole number")
    return int(value)


def _id(value: object) -> str:
    if isinstance(value, Decimal):
        return str(_whole(value))
    if not isinstance(value, str):
        raise ValueError("must be a text or a whole number")  # noqa: TRY004  pydantic's own
    return value


def _number(value: object) -> Decimal:
    if not isinstance(value, Decimal):
        raise ValueError("must be a number")  # noqa: TRY004  pydantic expects a ValueError
    return value


def _by_category(value: object) -> object:
    if not isinstance(value, dict) or len(value) > _MAX_SIGNALS:
        raise ValueError("must be an object of few members")
    if not all(_NAME.fullmatch(name) for name in value):
        raise ValueError("a category is small letters, digits and underscores")
    return value


_Whole = Annotated[int, BeforeValidator(_whole), Field(ge=0)]
_Amount = Annotated[Decimal, BeforeValidator(_number), Field(ge=0)]
_Fraction = Annotated[Decimal, BeforeValidator(_number), Field(ge=0, le=1)]
_Fractions = Annotated[dict[str, _Fraction], BeforeValidator(_by_category)]
_Text = Annotated[str, StringConstraints(strict=True, max_length=256)]
_Word = Annotated[str, StringConstraints(strict=True, pattern=r"^[A-Za-z_]{1,32}$")]


class _Reply(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _MetaReply(_Reply):
    error_code: _Whole
    calls_left: _Whole | None = None


class _Customer(_Reply):
    name: _Text


class _Profile(_Reply):
    signals: _Fractions | None = None


class _TransferReply(_Reply):
    id: Annotated[
        str,
        BeforeValidator(_id),
        StringConstraints(pattern=r"^[!-~]{1,64}$"),
    ]
    status: _Word
    customer: _Customer
    riskscore: _Fraction | None = None
    riskscore_profile: _Profile | None = None
    signals: _Fractions | None = None
    amount: _Amount | None = None
    fiat: _Amount | None = None
    fiat_code_effective: _Word | None = None
    alert_grade: _Word | None = None
    updated_at: Annotated[_Whole, Field(le=_MAX_TIME)] | None = None


R = TypeVar("R", bound=BaseModel)


def _validate(model: type[R], said: object, where: str) -> R:
    try:
        return model.model_validate(said)
    except ValidationError as error:
        fault = error.errors(include_input=False, include_url=False, include_context=False)[0]
        path = ".".join([where, *(str(part) for part in fault["loc"])])
        raise Unreadable(f"{path}: {fault['msg']}") from None
