"""API keys: making, listing and revoking them."""

from fastapi import APIRouter, Request, Response

from app.accounts import api_keys
from app.accounts.api_key_schemas import (
    ApiKeyPage,
    ApiKeyResponse,
    CreateApiKeyRequest,
    KeepChildrenParameter,
    NewApiKeyResponse,
    PrefixInPath,
)
from app.accounts.api_keys import KeyFacts
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
from app.web.errors import SEALED, responses
from app.web.idempotency import BodyKey
from app.web.paging import CursorParameter, LimitParameter
from app.web.request_body import StrictRoute

router = APIRouter(
    prefix="/api",
    tags=["api keys"],
    route_class=StrictRoute,
    responses=responses(400, 403, 429, 500, 503),
)


def _response(key: KeyFacts) -> ApiKeyResponse:
    return ApiKeyResponse(
        prefix=key.prefix,
        created_at=key.created_at,
        expires_at=key.expires_at,
        revoked_at=key.revoked_at,
    )


@router.post(
    "/api_keys",
    status_code=201,
    summary="Make an API key",
    response_model=NewApiKeyResponse,
    response_description="The new key, shown only here",
    dependencies=[THROTTLE_INVALID_CODES],
    responses=responses(408, 413, 415) | idempotency.documented(links.API_KEY, SEALED),
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

    A key that is made by a key lives no longer than that one, and is revoked with it.
    """

    async def create() -> NewApiKeyResponse:
        made = await api_keys.create_for_caller(
            session,
            caller=caller,
            access_code=body.access_code,
            expires_at=body.expires_at,
            actor=actor_of(request, caller),
            now=resources.clock.now(),
        )
        return NewApiKeyResponse(**_response(made.facts).model_dump(), api_key=made.text)

    return await idempotency.answer_once(resources, session, key, create, sealed_by=credentials)


@router.get(
    "/api_keys", summary="List one's own API keys", response_description="Keys, newest first"
)
async def list_api_keys(
    caller: CallerDep,
    connection: ReadConnection,
    cursor: CursorParameter = None,
    limit: LimitParameter = 20,
) -> ApiKeyPage:
    """List the caller's keys, the revoked and the expired ones too."""
    page = await api_keys.list_own(
        connection,
        caller.account_id,
        cursor=read_cursor(cursor) if cursor is not None else None,
        limit=limit,
    )
    return ApiKeyPage(items=[_response(key) for key in page.items], next_cursor=page.next_cursor)


@router.delete(
    "/api_keys/{prefix}",
    summary="Revoke an API key",
    response_description="The revoked key",
    responses=responses(404),
)
async def revoke_api_key(
    prefix: PrefixInPath,
    caller: CallerDep,
    request: Request,
    resources: ResourcesDep,
    keep_children: KeepChildrenParameter = False,
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
    return _response(key)
