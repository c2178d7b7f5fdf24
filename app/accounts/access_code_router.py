"""Access codes: their status, and issuing, filling and deactivating them."""

from fastapi import APIRouter, Request

from app.accounts import access_codes
from app.accounts.access_code_schemas import (
    AccessCodeInPath,
    AccessCodePage,
    AccessCodeResponse,
    CheckAccessCodeStatusRequest,
    CreateAccessCodeRequest,
    MoveCreditsRequest,
)
from app.accounts.access_codes import CodeFacts
from app.accounts.authentication import Caller
from app.accounts.schemas import Activity
from app.resources import Resources
from app.runtime.paging import read_cursor
from app.web import links
from app.web.dependencies import (
    THROTTLE_INVALID_CODES,
    CallerDep,
    ReadConnection,
    ResourcesDep,
    UserCaller,
    actor_of,
)
from app.web.errors import responses
from app.web.paging import CursorParameter, LimitParameter
from app.web.request_body import StrictRoute

router = APIRouter(
    prefix="/api",
    tags=["access codes"],
    route_class=StrictRoute,
    responses=responses(400, 403, 429, 500, 503),
)
_TAKES_BODY = responses(408, 413, 415)


def _response(code: CodeFacts) -> AccessCodeResponse:
    return AccessCodeResponse(
        access_code=code.access_code,
        status=Activity.of(code.active),
        created_at=code.created_at,
        expires_at=code.expires_at,
        affiliate_origin=code.affiliate_origin,
        credits_available=code.credits_available,
    )


async def _read(resources: Resources, caller: Caller, access_code: str) -> AccessCodeResponse:
    async with resources.database.reading() as connection:
        code = await access_codes.facts(
            connection, caller=caller, access_code=access_code, now=resources.clock.now()
        )
    return _response(code)


@router.post(
    "/check_access_code_status",
    summary="Check the status of an access code",
    response_description="The access code",
    dependencies=[THROTTLE_INVALID_CODES],
    responses=_TAKES_BODY,
)
async def check_access_code_status(
    body: CheckAccessCodeStatusRequest, caller: CallerDep, resources: ResourcesDep
) -> AccessCodeResponse:
    """Read an access code that is the caller's own or that it issued."""
    return await _read(resources, caller, body.access_code)


@router.get(
    "/access_codes",
    summary="List the access codes one issued",
    response_description="Access codes, newest first",
)
async def list_access_codes(
    caller: UserCaller,
    connection: ReadConnection,
    resources: ResourcesDep,
    cursor: CursorParameter = None,
    limit: LimitParameter = 20,
) -> AccessCodePage:
    """List the access codes that the calling user issued."""
    page = await access_codes.list_issued(
        connection,
        issuer_id=caller.account_id,
        now=resources.clock.now(),
        cursor=read_cursor(cursor) if cursor is not None else None,
        limit=limit,
    )
    return AccessCodePage(
        items=[_response(code) for code in page.items], next_cursor=page.next_cursor
    )


@router.post(
    "/access_codes",
    status_code=201,
    summary="Issue an access code",
    response_description="The new access code",
    responses=_TAKES_BODY | responses(402) | links.ACCESS_CODE,
)
async def create_access_code(
    body: CreateAccessCodeRequest, caller: UserCaller, request: Request, resources: ResourcesDep
) -> AccessCodeResponse:
    """Make an access code; credits named here move to it from the caller."""
    async with resources.database.sessions() as session:
        access_code = await access_codes.create(
            session,
            issuer_id=caller.account_id,
            expires_at=body.expires_at,
            credits_moved=body.credits or 0,
            actor=actor_of(request, caller),
            now=resources.clock.now(),
        )
    return await _read(resources, caller, access_code)


@router.post(
    "/access_codes/{access_code}/deactivate",
    summary="Deactivate an access code",
    response_description="The access code, now inactive",
    dependencies=[THROTTLE_INVALID_CODES],
)
async def deactivate_access_code(
    access_code: AccessCodeInPath, caller: UserCaller, request: Request, resources: ResourcesDep
) -> AccessCodeResponse:
    """Take an access code that the caller issued out of use, for good. Its credits stay on it."""
    async with resources.database.sessions() as session:
        await access_codes.deactivate(
            session,
            caller=caller,
            access_code=access_code,
            actor=actor_of(request, caller),
            now=resources.clock.now(),
        )
    return await _read(resources, caller, access_code)


@router.post(
    "/access_codes/{access_code}/credits",
    summary="Move credits to an access code",
    response_description="The access code with its new balance",
    dependencies=[THROTTLE_INVALID_CODES],
    responses=_TAKES_BODY | responses(402),
)
async def move_credits_to_access_code(
    access_code: AccessCodeInPath,
    body: MoveCreditsRequest,
    caller: UserCaller,
    request: Request,
    resources: ResourcesDep,
) -> AccessCodeResponse:
    """Move some of the caller's credits to an access code that it issued."""
    async with resources.database.sessions() as session:
        await access_codes.move_credits(
            session,
            caller=caller,
            access_code=access_code,
            credits_moved=body.credits,
            actor=actor_of(request, caller),
            now=resources.clock.now(),
        )
    return await _read(resources, caller, access_code)
