"""Accounts: registering, logging in and out, and seeing one's own."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from app.accounts import idempotent_users, users
from app.accounts.errors import NotLoggedIn, RegistrationClosed
from app.accounts.rules.throttles import logins_of
from app.accounts.schemas import (
    AccountType,
    Activity,
    ChangePasswordRequest,
    LoginRequest,
    LoginResponse,
    RegisterRequest,
    RegisterResponse,
    SelfStatusResponse,
)
from app.accounts.users import AccountFacts, NewUser
from app.ledger.rules import AccountKind
from app.runtime.security import read_session_token
from app.web import idempotency
from app.web.dependencies import (
    CallerDep,
    CredentialsDep,
    ResourcesDep,
    UserCaller,
    actor_of,
    address_of,
    anonymous_actor,
    identify,
)
from app.web.errors import responses
from app.web.idempotency import SentKey
from app.web.openapi import takes_credentials
from app.web.request_body import StrictRoute

router = APIRouter(
    prefix="/api",
    tags=["accounts"],
    route_class=StrictRoute,
    responses=responses(403, 429, 500, 503),
)
_TAKES_BODY = responses(400, 408, 413, 415)


@takes_credentials
async def _own_facts(request: Request) -> AccountFacts:
    return users.facts_in(*await identify(request, users.OWN_FACTS))


@router.get(
    "/check_self_status",
    summary="Check one's own status",
    response_description="The caller's account",
)
async def check_self_status(
    facts: Annotated[AccountFacts, Depends(_own_facts)],
) -> SelfStatusResponse:
    """Read the account that the API key or the session stands for."""
    return SelfStatusResponse(
        id=facts.id,
        type=AccountType.USER if facts.kind is AccountKind.USER else AccountType.ACCESS_CODE,
        status=Activity.of(facts.active),
        credits_available=facts.credits_available,
        created_at=facts.created_at,
        email=facts.email,
        affiliate_code=facts.affiliate_code,
        access_code=facts.access_code,
        expires_at=facts.expires_at,
        affiliate_origin=facts.affiliate_origin,
    )


async def _registration_is_open(resources: ResourcesDep) -> None:
    if not resources.settings.server.open_registration:
        raise RegistrationClosed


@router.post(
    "/register",
    status_code=201,
    dependencies=[Depends(_registration_is_open)],
    summary="Register a user",
    response_model=RegisterResponse,
    response_description="The new user",
    responses=_TAKES_BODY | idempotency.documented(conflicts=True),
)
async def register(
    body: RegisterRequest, request: Request, resources: ResourcesDep, key: SentKey
) -> Response:
    """Make a user, unless the operator closed registration.

    An `Idempotency-Key` belongs to the e-mail here.
    """
    actor, now = anonymous_actor(request), resources.clock.now()
    budgets = logins_of(body.email, address_of(request, resources))
    async with resources.throttles.password_attempt(budgets):
        if key is not None:
            kept = await idempotent_users.register_once(
                resources.database,
                key=key,
                email=body.email,
                password=body.password,
                write=lambda user: idempotency.as_json(_registered(user)),
                actor=actor,
                now=now,
            )
            return idempotency.respond(kept)
        async with resources.database.sessions() as session:
            user = await users.register(
                session, email=body.email, password=body.password, actor=actor, now=now
            )
    return idempotency.answer(_registered(user), HTTPStatus.CREATED)


def _registered(user: NewUser) -> RegisterResponse:
    return RegisterResponse(id=user.id, email=user.email, affiliate_code=user.affiliate_code)


@router.post(
    "/login",
    summary="Log in",
    response_description="A new session",
    dependencies=[idempotency.NO_KEY_FOR_SESSIONS],
    responses=_TAKES_BODY | idempotency.refused(),
)
async def login(body: LoginRequest, request: Request, resources: ResourcesDep) -> LoginResponse:
    """Open a session, always a new one."""
    budgets = logins_of(body.email, address_of(request, resources))
    async with resources.throttles.password_attempt(budgets):
        session = await users.login(
            resources.database, email=body.email, password=body.password, now=resources.clock.now()
        )
    return LoginResponse(session_token=session.session_token, expires_at=session.expires_at)


@router.post(
    "/logout",
    status_code=204,
    summary="Log out",
    response_description="The session is over",
    dependencies=[idempotency.NO_KEY_FOR_SESSIONS],
    responses=idempotency.refused(),
)
async def logout(
    credentials: CredentialsDep, _caller: CallerDep, resources: ResourcesDep
) -> Response:
    """End the session that the request came with."""
    token_hash = read_session_token(credentials.session_token or "")
    if token_hash is None:
        raise NotLoggedIn
    async with resources.database.sessions() as session:
        await users.logout(session, token_hash)
    return Response(status_code=204)


@router.post(
    "/change_password",
    status_code=204,
    summary="Change the password",
    response_description="The password is changed; every session of the user is over",
    responses=_TAKES_BODY | idempotency.documented(status=204),
)
async def change_password(
    body: ChangePasswordRequest,
    caller: UserCaller,
    request: Request,
    resources: ResourcesDep,
    key: SentKey,
) -> Response:
    """Set a new password. The old one must be right.

    The session that it is asked with is over afterwards; a repeated request needs another.
    """
    async with resources.database.reading() as connection:
        email = await users.email_of(connection, caller.account_id)
    budgets = logins_of(email, address_of(request, resources))
    async with resources.throttles.password_attempt(budgets):
        kept = await idempotent_users.change_password(
            resources.database,
            key=key,
            user_id=caller.account_id,
            password=body.password,
            new_password=body.new_password,
            actor=actor_of(request, caller),
            now=resources.clock.now(),
        )
    return idempotency.respond(kept)
