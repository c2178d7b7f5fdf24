"""The header `Idempotency-Key`: what it may be, whose it is, and the answer that it brings back."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import Depends, Header, Request, Response
from pydantic import BeforeValidator, Field
from pydantic.json_schema import SkipJsonSchema

from app.accounts.authentication import Caller
from app.resources import Resources
from app.runtime.errors import IdempotencyKeySealed, InvalidParameter
from app.runtime.idempotency import KeptAnswer, RequestKey, hash_of, once
from app.runtime.sealing import seal, unseal
from app.web.dependencies import CallerDep, CredentialsDep, Session
from app.web.errors import key_faults, responses
from app.web.fields import Allowed, ResponseModel, not_allowed

HEADER: Final = "Idempotency-Key"
REPLAYED: Final = "Idempotency-Replayed"
_ALLOWED: Final = "one header of 1 to 255 visible ASCII characters"

_Key = Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[!-~]+$"), Allowed(_ALLOWED)]
# As a parameter of an endpoint, with None for its default; call `refuse_two` as well.
KeyHeader = Annotated[
    _Key | SkipJsonSchema[None],
    Header(
        alias=HEADER,
        description="Makes repeating this request safe: the same key with the same body or order, "
        "from the same account, is answered as it was the first time, for 24 hours. Any text that is used "
        "for one request alone, such as a UUID",
        examples=["7f0c9a52-5d3f-4d0e-8a36-3f4f0d0c7a11"],
    ),
]


def refuse_two(request: Request) -> None:
    """Refuse two keys, of which FastAPI would read one. Raises InvalidParameter."""
    if len(request.headers.getlist(HEADER)) > 1:
        raise InvalidParameter(HEADER, _ALLOWED)


async def _sent_key(request: Request, sent: KeyHeader = None) -> str | None:
    refuse_two(request)
    return sent


# The key as it was sent, for an endpoint that binds it to its caller by itself.
SentKey = Annotated[str | None, Depends(_sent_key)]


async def bound_to_body(request: Request, caller: Caller, sent: str | None) -> RequestKey | None:
    """Bind a key to its caller, its body and its path; None: none was sent."""
    body = await request.json()
    if sent is None or not isinstance(body, dict):  # a refused body is answered by validation
        return None
    name, path = request.scope["route"].name, request.path_params
    if path:
        asked = hash_of({"path": path, "body": body})
        return RequestKey(caller.account_id, name, sent, asked, bound_to="request")
    return RequestKey(caller.account_id, name, sent, hash_of(body))


async def _body_key(request: Request, caller: CallerDep, sent: SentKey) -> RequestKey | None:
    return await bound_to_body(request, caller, sent)


async def _path_key(request: Request, caller: CallerDep, sent: SentKey) -> RequestKey | None:
    if sent is None:
        return None
    name, path = request.scope["route"].name, request.path_params
    bound_to: Final = "order" if "order_id" in path else "request"
    return RequestKey(caller.account_id, name, sent, hash_of(path), bound_to=bound_to)


# The key of a request, bound to its caller, its body and its path; None when none was sent.
BodyKey = Annotated[RequestKey | None, Depends(_body_key)]
# The same, where there is no body.
PathKey = Annotated[RequestKey | None, Depends(_path_key)]


def _refused(reason: str) -> Any:  # noqa: ANN401  what FastAPI takes
    def refuse(_sent: object) -> None:
        raise not_allowed(f"left out: {reason}")

    async def take_none(
        _sent: Annotated[
            str | None, BeforeValidator(refuse), Header(alias=HEADER, include_in_schema=False)
        ] = None,
    ) -> None:
        """Let a request pass that has no key."""

    return Depends(take_none)


_A_READ: Final = "this endpoint changes nothing"
# For `dependencies=` of an endpoint that takes no key; who calls and the body are judged before.
NO_KEY_FOR_READS: Final[Any] = _refused(_A_READ)
NO_KEY_FOR_SESSIONS: Final[Any] = _refused("a session is opened and ended without one")


async def refuse_key_for_read(request: Request) -> None:
    """Refuse a key where a dependency has the request in hand: it need not be solved for that.

    Raises InvalidParameter, but for a body that is refused itself.
    """
    if HEADER in request.headers and isinstance(await request.json(), dict):
        raise InvalidParameter(HEADER, f"left out: {_A_READ}")


def as_json(answer: ResponseModel) -> bytes:
    """Write an answer as it is kept."""
    return answer.model_dump_json().encode()


def respond(kept: KeptAnswer) -> Response:
    """Answer with the bytes that are kept."""
    headers = {REPLAYED: "true"} if kept.replayed else {}
    return Response(kept.body, kept.status, headers, "application/json" if kept.body else None)


def answer(done: ResponseModel, status: HTTPStatus) -> Response:
    """Answer a request that had no key."""
    return respond(KeptAnswer(status, as_json(done), replayed=False))


async def answer_once(
    resources: Resources,
    session: Session,
    key: RequestKey | None,
    work: Callable[[], Awaitable[ResponseModel]],
    *,
    status: HTTPStatus = HTTPStatus.CREATED,
    sealed_by: CredentialsDep | None = None,
) -> Response:
    """Do work in a transaction of `session` and answer with what it returns, once under a key.

    An answer that has a secret is kept sealed by the credentials that the request came with. Raises
    what the work raises, IdempotencyKeyInFlight, IdempotencyKeyReused and IdempotencyKeySealed.
    """
    credential = sealed_by and (sealed_by.api_key or sealed_by.session_token)

    async def write() -> bytes:
        plain = as_json(await work())
        return seal(plain, credential) if credential else plain

    kept = await once(session, key, resources.clock.now(), write, status=status)
    if not credential:
        return respond(kept)
    opened = unseal(kept.body, credential)
    if opened is None:
        raise IdempotencyKeySealed
    return respond(KeptAnswer(kept.status, opened, kept.replayed))


_REPLAYED_HEADER: Final[dict[str, Any]] = {
    REPLAYED: {
        "description": "`true` when this is the answer to an earlier request with the same key",
        "schema": {"type": "string", "enum": ["true"]},
    }
}


def documented(
    done: dict[int | str, dict[str, Any]] | None = None,
    *,
    status: int = 201,
    conflicts: bool = False,
) -> dict[int | str, dict[str, Any]]:
    """Document what the header adds to an endpoint.

    `done` says more of the answer under `status`; `conflicts`: there are other reasons for a 409.
    """
    said = (done or {}).get(status, {})
    return {status: {**said, "headers": _REPLAYED_HEADER}} | key_faults(others=conflicts)


def refused(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Document 400 of an endpoint that takes no key, and other error statuses as they are."""
    document = responses(400)
    document[400]["description"] += f"; or it has an `{HEADER}`, which this endpoint does not take"
    return responses(*statuses) | document
