"""Access codes: their status, issuing and filling them, taking credits back, deactivating them."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Body, Depends, Path, Query, Request, Response
from pydantic.json_schema import SkipJsonSchema

from app.accounts import access_code_credits, access_codes
from app.accounts.access_code_facts import CodeFacts
from app.accounts.access_code_responses import access_code_response
from app.accounts.access_code_schemas import (
    AccessCodePage,
    AccessCodeResponse,
    CheckAccessCodeStatusRequest,
    CreateAccessCodeRequest,
    DeactivateAccessCodeRequest,
    MoveCreditsRequest,
    ReturnCreditsRequest,
    ReturnedCreditsResponse,
)
from app.accounts.authentication import Caller
from app.accounts.errors import AccessCodeNotFound
from app.accounts.rules.throttles import bad_codes_of
from app.accounts.schemas import Activity
from app.runtime.paging import read_cursor
from app.web import idempotency, links
from app.web.dependencies import (
    THROTTLE_INVALID_CODES,
    ReadConnection,
    ResourcesDep,
    Session,
    UserCaller,
    actor_of,
    identify,
    resources_of,
)
from app.web.errors import responses
from app.web.fields import Allowed
from app.web.idempotency import BodyKey
from app.web.list_parameters import CreatedRange
from app.web.openapi import takes_credentials
from app.web.paging import CursorParameter, LimitParameter
from app.web.request_body import StrictRoute, sent_text

router = APIRouter(
    prefix="/api",
    tags=["access codes"],
    route_class=StrictRoute,
    responses=responses(400, 403, 429, 500, 503),
)
_AccessCodeInPath = Annotated[
    str, Path(description="The access code", examples=["Zk3v9QxT1mB7sWcE"])
]
_StatusParameter = Annotated[
    Annotated[Activity, Allowed("one of: Active, Inactive")] | SkipJsonSchema[None],
    Query(description="Only access codes in this status", examples=["Active"]),
]
_TAKES_BODY = responses(408, 413, 415)
# Bodies that may be left out.
_RETURNING = DeactivateAccessCodeRequest()
_ALL_CREDITS = ReturnCreditsRequest()


def _returned(code: CodeFacts, credits_returned: int) -> ReturnedCreditsResponse:
    return ReturnedCreditsResponse(
        **access_code_response(code).model_dump(), credits_returned=credits_returned
    )


@takes_credentials
async def _asked_code(request: Request) -> tuple[Caller, CodeFacts | None]:
    code = await sent_text(request, "access_code")
    caller, row = await identify(request, access_codes.REACHABLE, access_code=code)
    await idempotency.refuse_key_for_read(request)
    return caller, access_codes.facts_in(row, resources_of(request).clock.now())


@router.post(
    "/check_access_code_status",
    summary="Check the status of an access code",
    response_description="The access code",
    responses=_TAKES_BODY | idempotency.refused(),
)
async def check_access_code_status(
    body: CheckAccessCodeStatusRequest,  # noqa: ARG001  the code was read early
    asked: Annotated[tuple[Caller, CodeFacts | None], Depends(_asked_code)],
    request: Request,
) -> AccessCodeResponse:
    """Read an access code that is the caller's own or that it issued."""
    caller, code = asked
    if code is None:
        await resources_of(request).throttles.count(bad_codes_of(caller.account_id))
        raise AccessCodeNotFound
    return access_code_response(code)


@router.get(
    "/access_codes",
    summary="List the access codes one issued",
    response_description="Access codes, newest first",
)
async def list_access_codes(
    *,
    caller: UserCaller,
    connection: ReadConnection,
    resources: ResourcesDep,
    created: CreatedRange,
    status: _StatusParameter = None,
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
        active=None if status is None else status is Activity.ACTIVE,
        created=created,
    )
    return AccessCodePage(
        items=[access_code_response(code) for code in page.items], next_cursor=page.next_cursor
    )


@router.post(
    "/access_codes",
    status_code=201,
    summary="Issue an access code",
    response_model=AccessCodeResponse,
    response_description="The new access code",
    responses=_TAKES_BODY | responses(402) | idempotency.documented(links.ACCESS_CODE),
)
async def create_access_code(
    body: CreateAccessCodeRequest,
    *,
    caller: UserCaller,
    request: Request,
    session: Session,
    resources: ResourcesDep,
    key: BodyKey,
) -> Response:
    """Make an access code; credits named here move to it from the caller."""
    now = resources.clock.now()

    async def create() -> AccessCodeResponse:
        return access_code_response(
            await access_codes.create(
                session,
                issuer_id=caller.account_id,
                expires_at=body.expires_at,
                credits_moved=body.credits or 0,
                actor=actor_of(request, caller),
                now=now,
            )
        )

    return await idempotency.answer_once(resources, session, key, create)


@router.post(
    "/access_codes/{access_code}/deactivate",
    summary="Deactivate an access code",
    response_model=ReturnedCreditsResponse,
    response_description="The access code, now inactive",
    dependencies=[THROTTLE_INVALID_CODES],
    responses=_TAKES_BODY | idempotency.documented(status=200),
)
async def deactivate_access_code(
    access_code: _AccessCodeInPath,
    *,
    body: Annotated[DeactivateAccessCodeRequest, Body()] = _RETURNING,
    caller: UserCaller,
    request: Request,
    session: Session,
    resources: ResourcesDep,
    key: BodyKey,
) -> Response:
    """Take an access code that the caller issued out of use, for good.

    Its credits go back to the caller, and so do those that come to it later: a refund, or an order
    that is paid late.
    """
    now = resources.clock.now()

    async def deactivate() -> ReturnedCreditsResponse:
        returned = await access_code_credits.deactivate(
            session,
            caller=caller,
            access_code=access_code,
            keep_credits=body.keep_credits,
            actor=actor_of(request, caller),
            now=now,
        )
        code = await access_codes.facts(session, caller=caller, access_code=access_code, now=now)
        return _returned(code, returned)

    return await idempotency.answer_once(resources, session, key, deactivate, status=HTTPStatus.OK)


@router.post(
    "/access_codes/{access_code}/credits",
    summary="Move credits to an access code",
    response_model=AccessCodeResponse,
    response_description="The access code with its new balance",
    dependencies=[THROTTLE_INVALID_CODES],
    responses=_TAKES_BODY | responses(402) | idempotency.documented(status=200),
)
async def move_credits_to_access_code(
    access_code: _AccessCodeInPath,
    body: MoveCreditsRequest,
    *,
    caller: UserCaller,
    request: Request,
    session: Session,
    resources: ResourcesDep,
    key: BodyKey,
) -> Response:
    """Move some of the caller's credits to an access code that it issued."""
    now = resources.clock.now()

    async def move() -> AccessCodeResponse:
        await access_code_credits.move_credits(
            session,
            caller=caller,
            access_code=access_code,
            credits_moved=body.credits,
            actor=actor_of(request, caller),
            now=now,
        )
        return access_code_response(
            await access_codes.facts(session, caller=caller, access_code=access_code, now=now)
        )

    return await idempotency.answer_once(resources, session, key, move, status=HTTPStatus.OK)


@router.post(
    "/access_codes/{access_code}/credits/return",
    summary="Take credits back from an access code",
    response_model=ReturnedCreditsResponse,
    response_description="The access code with its new balance",
    dependencies=[THROTTLE_INVALID_CODES],
    responses=_TAKES_BODY | responses(402) | idempotency.documented(status=200),
)
async def return_credits_of_access_code(
    access_code: _AccessCodeInPath,
    *,
    body: Annotated[ReturnCreditsRequest, Body()] = _ALL_CREDITS,
    caller: UserCaller,
    request: Request,
    session: Session,
    resources: ResourcesDep,
    key: BodyKey,
) -> Response:
    """Move credits of an access code back to the caller that issued it, also of an inactive one."""
    now = resources.clock.now()

    async def take_back() -> ReturnedCreditsResponse:
        returned = await access_code_credits.return_credits(
            session,
            caller=caller,
            access_code=access_code,
            credits_moved=body.number_of_credits,
            actor=actor_of(request, caller),
            now=now,
        )
        code = await access_codes.facts(session, caller=caller, access_code=access_code, now=now)
        return _returned(code, returned)

    return await idempotency.answer_once(resources, session, key, take_back, status=HTTPStatus.OK)
