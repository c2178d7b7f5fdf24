"""API keys: making, listing, rotating and revoking them."""

from datetime import timedelta
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Body, Path, Query, Request, Response

from app.accounts import api_keys, key_rotation
from app.accounts.api_key_responses import api_key_response
from app.accounts.api_key_schemas import (
    ApiKeyPage,
    ApiKeyResponse,
    CreateApiKeyRequest,
    CreatedApiKeyResponse,
    RotateApiKeyRequest,
)
from app.accounts.api_keys import KeyWish, NewKey
from app.accounts.listed_account import ListedAccount
from app.accounts.rules.key_limits import KeyLimits
from app.runtime.paging import read_cursor
from app.web import idempotency, links
from app.web.dependencies import (
    THROTTLE_INVALID_CODES,
    CallerDep,
    CredentialsDep,
    ReadConnection,
    ResourcesDep,
    Session,
    actor_of,
)
from app.web.errors import responses
from app.web.fields import FlagInQuery
from app.web.idempotency import BodyKey
from app.web.list_parameters import CreatedRange
from app.web.paging import CursorParameter, LimitParameter
from app.web.request_body import StrictRoute

router = APIRouter(
    prefix="/api",
    tags=["api keys"],
    route_class=StrictRoute,
    responses=responses(400, 403, 429, 500, 503),
)
_PrefixInPath = Annotated[str, Path(description="The key's `prefix`", examples=["HFnCU1LAU2"])]
_KeepChildrenParameter = Annotated[
    FlagInQuery,
    Query(description="Leave the keys that this one made as they are", examples=[False]),
]
_IN_A_DAY = RotateApiKeyRequest()  # the body may be left out


def _shown_once(key: NewKey) -> CreatedApiKeyResponse:
    return CreatedApiKeyResponse(**api_key_response(key.facts).model_dump(), api_key=key.text)


@router.post(
    "/api_keys",
    status_code=201,
    summary="Make an API key",
    response_model=CreatedApiKeyResponse,
    response_description="The new key, shown only here",
    dependencies=[THROTTLE_INVALID_CODES],
    responses=responses(408, 413, 415) | idempotency.documented(links.API_KEY, conflicts=True),
)
async def create_api_key(
    body: CreateApiKeyRequest,
    *,
    caller: CallerDep,
    credentials: CredentialsDep,
    request: Request,
    session: Session,
    resources: ResourcesDep,
    key: BodyKey,
) -> Response:
    """Make a key for the caller, or for an access code that it issued.

    A key that is made by a key lives no longer than that one, may do no more, and is revoked with
    it.
    """
    wish = KeyWish(
        body.name, body.expires_at, KeyLimits(body.scopes, body.read_only, body.ip_allow_list)
    )

    async def create() -> CreatedApiKeyResponse:
        made = await api_keys.create_for_caller(
            session,
            caller=caller,
            access_code=body.access_code,
            wish=wish,
            actor=actor_of(request, caller),
            now=resources.clock.now(),
        )
        return _shown_once(made)

    return await idempotency.answer_once(resources, session, key, create, sealed_by=credentials)


@router.get(
    "/api_keys",
    summary="List API keys",
    response_description="Keys, newest first",
    dependencies=[THROTTLE_INVALID_CODES],
)
async def list_api_keys(
    account_id: ListedAccount,
    connection: ReadConnection,
    created: CreatedRange,
    cursor: CursorParameter = None,
    limit: LimitParameter = 20,
) -> ApiKeyPage:
    """List the keys of the caller, or of an access code that it issued, the revoked ones too."""
    page = await api_keys.list_own(
        connection,
        account_id,
        cursor=read_cursor(cursor) if cursor is not None else None,
        limit=limit,
        created=created,
    )
    return ApiKeyPage(
        items=[api_key_response(key) for key in page.items], next_cursor=page.next_cursor
    )


@router.post(
    "/api_keys/{prefix}/rotate",
    summary="Give an API key a new secret",
    response_model=CreatedApiKeyResponse,
    response_description="The key with its new secret, shown only here",
    responses=responses(404, 408, 413, 415) | idempotency.documented(status=200, conflicts=True),
)
async def rotate_api_key(
    prefix: _PrefixInPath,
    *,
    body: Annotated[RotateApiKeyRequest, Body()] = _IN_A_DAY,
    caller: CallerDep,
    credentials: CredentialsDep,
    request: Request,
    session: Session,
    resources: ResourcesDep,
    key: BodyKey,
) -> Response:
    """Give a key a new secret. The old one is good for a while, to change over without a pause.

    The key stays the same: its prefix, what it may do, and the keys that it made. A key may rotate
    itself and the keys that it made; whoever logged in, all that one may revoke.
    """

    async def rotate() -> CreatedApiKeyResponse:
        rotated = await key_rotation.rotate(
            session,
            prefix,
            caller=caller,
            grace=timedelta(seconds=body.grace_seconds),
            actor=actor_of(request, caller),
            now=resources.clock.now(),
        )
        return _shown_once(rotated)

    return await idempotency.answer_once(
        resources, session, key, rotate, status=HTTPStatus.OK, sealed_by=credentials
    )


@router.delete(
    "/api_keys/{prefix}",
    summary="Revoke an API key",
    response_description="The revoked key",
    responses=responses(404),
)
async def revoke_api_key(
    prefix: _PrefixInPath,
    caller: CallerDep,
    request: Request,
    resources: ResourcesDep,
    keep_children: _KeepChildrenParameter = False,
) -> ApiKeyResponse:
    """Revoke a key of the caller or of an access code that it issued, at once and for good.

    The keys that it made are revoked with it, and those that they made, unless they are kept.
    """
    async with resources.database.sessions() as session:
        key = await api_keys.revoke(
            session,
            prefix,
            owner=caller.account_id,
            keep_children=keep_children,
            actor=actor_of(request, caller),
            now=resources.clock.now(),
        )
    return api_key_response(key)
