"""The header `Idempotency-Key`: what it may be, whose it is, and the answer that it brings back."""

from typing import Annotated, Any, Final

from fastapi import Depends, Header, Request, Response
from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from app.runtime.errors import InvalidParameter
from app.runtime.idempotency import KeptAnswer, RequestKey, hash_of
from app.web.dependencies import CallerDep
from app.web.errors import CANCEL_FAULTS, KEY_FAULTS
from app.web.fields import Allowed, ResponseModel

HEADER: Final = "Idempotency-Key"
REPLAYED: Final = "Idempotency-Replayed"
_ALLOWED: Final = "one header of 1 to 255 visible ASCII characters"

_Key = Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[!-~]+$"), Allowed(_ALLOWED)]
_SentKey = Annotated[
    _Key | SkipJsonSchema[None],
    Header(
        alias=HEADER,
        description="Makes repeating this request safe: the same key with the same body or order, "
        "from the same account, is answered as it was the first time, for 24 hours. Any text that is used "
        "for one request alone, such as a UUID",
        examples=["7f0c9a52-5d3f-4d0e-8a36-3f4f0d0c7a11"],
    ),
]


def _refuse_two(request: Request) -> None:
    if len(request.headers.getlist(HEADER)) > 1:
        raise InvalidParameter(HEADER, _ALLOWED)


async def _body_key(
    request: Request, caller: CallerDep, sent: _SentKey = None
) -> RequestKey | None:
    _refuse_two(request)
    body = await request.json()
    if sent is None or not isinstance(body, dict):  # a refused body is answered by validation
        return None
    return RequestKey(caller.account_id, request.scope["route"].name, sent, hash_of(body))


async def _path_key(
    request: Request, caller: CallerDep, sent: _SentKey = None
) -> RequestKey | None:
    _refuse_two(request)
    if sent is None:
        return None
    name, order = request.scope["route"].name, hash_of(request.path_params)
    return RequestKey(caller.account_id, name, sent, order, bound_to="order")


# The key of a request, bound to its caller and its body; None when none was sent.
BodyKey = Annotated[RequestKey | None, Depends(_body_key)]
# The same, where the path names an order and there is no body.
PathKey = Annotated[RequestKey | None, Depends(_path_key)]


def as_json(answer: ResponseModel) -> bytes:
    """Write an answer as it is kept."""
    return answer.model_dump_json().encode()


def respond(kept: KeptAnswer) -> Response:
    """Answer with the bytes that are kept."""
    headers = {REPLAYED: "true"} if kept.replayed else {}
    return Response(kept.body, kept.status, headers, "application/json")


_REPLAYED_HEADER: Final[dict[str, Any]] = {
    REPLAYED: {
        "description": "`true` when this is the answer to an earlier request with the same key",
        "schema": {"type": "string", "enum": ["true"]},
    }
}


def documented(created: dict[int | str, dict[str, Any]]) -> dict[int | str, dict[str, Any]]:
    """Document what the header adds to an endpoint, beside what `created` says of its 201."""
    return {201: {**created.get(201, {}), "headers": _REPLAYED_HEADER}} | KEY_FAULTS


def documented_cancel() -> dict[int | str, dict[str, Any]]:
    """Document what the header adds to cancelling, and what else is in its way."""
    return {200: {"headers": _REPLAYED_HEADER}} | CANCEL_FAULTS
