"""The words of Chainalysis' sanctions API on the wire: replies are read here, and only here."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Final
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from app.partners.failures import failure_for_status
from app.partners.http import HttpReply, PartnerRequest
from app.partners.strict_json import Unreadable

ENDPOINT: Final = "sanctions"
MAX_BODY_BYTES: Final = 64 * 1024
_MAX_IDENTIFICATIONS: Final = 100


@dataclass(frozen=True)
class Identification:
    """One entry of a list that an address stands on; `category` and `name` are its publisher's."""

    category: str
    name: str


def request_of(address: str) -> PartnerRequest:
    """Return the request that looks an address up."""
    return PartnerRequest(ENDPOINT, f"address/{quote(address, safe='')}", MAX_BODY_BYTES)


def read_identifications(reply: HttpReply) -> tuple[Identification, ...]:
    """Read an answer; empty means that the address is on no list.

    No key is answered by the edge of their network with 403 and a page, a wrong one with 401 and
    JSON, and both are told by their status alone. Raises Unreadable, or the failure that it means.
    """
    if reply.http_status != HTTPStatus.OK:
        raise failure_for_status(ENDPOINT, reply.http_status)
    try:
        said = _Answer.model_validate(reply.json_object())
    except ValidationError as error:
        fault = error.errors(include_input=False, include_url=False, include_context=False)[0]
        where = ".".join(str(part) for part in fault["loc"])
        raise Unreadable(f"{where}: {fault['msg']}") from None
    return tuple(Identification(one.category, one.name) for one in said.identifications)


# Printable, so that a text may stand in an answer and a report.
_Text = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=512)]


class _Identification(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    category: _Text
    name: _Text


class _Answer(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    identifications: Annotated[list[_Identification], Field(max_length=_MAX_IDENTIFICATIONS)]
