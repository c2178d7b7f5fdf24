"""The header `Idempotency-Key`: what it may be, whose it is, and the answer that it brings back."""

from typing import Annotated, Any, Final

from fastapi import Depends, Header, Request, Response
from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from app.domain.errors import InvalidParameter
from app.http.deps import AnyCaller, OrderCaller
from app.schemas.errors import KEY_FAULTS
from app.schemas.fields import Allowed, ResponseModel
from app.services.callers import Caller
from app.services.idempotency import KeptAnswer, RequestKey, hash_of

HEADER: Final = "Idempotency-Key"
REPLAYED: Final = "Idempotency-Replayed"
_ALLOWED: Final = "one header of 1 to 255 visible ASCII characters"

_Key = Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[!-~]+$"), Allowed(_ALLOWED)]
_SentKey = Annotated[
    _Key | SkipJsonSchema[None],
    Header(
        alias=HEADER,
        description="Makes repeating this request safe: the same key with the same body, from the "
        "same account, is answered as it was the first time, for 24 hours. Any text that is used "
        "for one request alone, such as a UUID",
        examples=["7f0c9a52-5d3f-4d0e-8a36-3f4f0d0c7a11"],
    ),
]


async def _request_key(request: Request, caller: Caller, sent: str | None) -> RequestKey | None:
    if len(request.headers.getlist(HEADER)) > 1:
        raise InvalidParameter(HEADER, _ALLOWED)
    body = await request.json()
    if sent is None or not isinstance(body, dict):  # a refused body is answered by validation
        return None
    return RequestKey(caller.account_id, request.scope["route"].name, sent, hash_of(body))


async def _order_key(
    request: Request, caller: OrderCaller, sent: _SentKey = None
) -> RequestKey | None:
    return await _request_key(request, caller, sent)


async def _any_key(request: Request, caller: AnyCaller, sent: _SentKey = None) -> RequestKey | None:
    return await _request_key(request, caller, sent)


# The key of a request, bound to the caller that the endpoint resolves; None when none was sent.
OrderKey = Annotated[RequestKey | None, Depends(_order_key)]
AnyKey = Annotated[RequestKey | None, Depends(_any_key)]


def as_json(answer: ResponseModel) -> bytes:
    """Write an answer as it is kept."""
    return answer.model_dump_json().encode()


def respond(kept: KeptAnswer) -> Response:
    """Answer with the bytes that are kept."""
    headers = {REPLAYED: "true"} if kept.replayed else {}
    return Response(kept.body, kept.status, headers, "application/json")


def documented(created: dict[int | str, dict[str, Any]]) -> dict[int | str, dict[str, Any]]:
    """Document what the header adds to an endpoint, beside what `created` says of its 201."""
    replayed = {
        "description": "`true` when this is the answer to an earlier request with the same key",
        "schema": {"type": "string", "enum": ["true"]},
    }
    return {201: {**created.get(201, {}), "headers": {REPLAYED: replayed}}} | KEY_FAULTS
