"""What routers ask for: resources, sessions, and the caller, resolved once for both ways in."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Annotated, Any, Final, TypeVar

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.accounts import authentication
from app.accounts.authentication import Caller, Credentials, ParsedCredentials
from app.accounts.errors import (
    AccessCodeNotFound,
    InvalidAccessCode,
    InvalidApiKey,
    NotLoggedIn,
    UsersOnly,
)
from app.accounts.rules.throttles import bad_codes_of, bad_keys_of
from app.ledger.actors import Actor
from app.resources import Resources
from app.runtime.observability.request_id import request_id_of
from app.web.clients import client_of
from app.web.openapi import API_KEY, SESSION

T = TypeVar("T")


async def get_resources(request: Request) -> Resources:
    """Return what the lifespan opened."""
    resources: Resources = request.app.state.resources
    return resources


ResourcesDep = Annotated[Resources, Depends(get_resources)]


async def _session(resources: ResourcesDep) -> AsyncIterator[AsyncSession]:
    async with resources.database.sessions() as session:
        yield session


async def _reading(resources: ResourcesDep) -> AsyncIterator[AsyncConnection]:
    async with resources.database.reading() as connection:
        yield connection


Session = Annotated[AsyncSession, Depends(_session, scope="function")]
ReadConnection = Annotated[AsyncConnection, Depends(_reading, scope="function")]


async def _credentials(
    request: Request,
    _api_key: Annotated[str | None, Security(API_KEY)],
    bearer: Annotated[HTTPAuthorizationCredentials | None, Security(SESSION)],
) -> Credentials:
    """Return the credentials; an API key counts as soon as its header is there."""
    keys = request.headers.getlist(API_KEY.model.name)
    return Credentials(
        api_key=", ".join(keys) if keys else None,  # two headers make no valid key
        session_token=bearer.credentials if bearer else None,
    )


CredentialsDep = Annotated[Credentials, Depends(_credentials)]


def address_of(request: Request, resources: Resources) -> str:
    """Return the client that a request's failures are counted against."""
    return client_of(
        request.client.host if request.client else None,
        ",".join(request.headers.getlist("X-Forwarded-For")),
        resources.settings.server.trusted_proxies,
    )


async def identified(
    request: Request,
    resources: Resources,
    credentials: Credentials,
    look: Callable[[AsyncConnection, ParsedCredentials], Awaitable[T]],
) -> T:
    """Return what `look` reads for whoever the credentials stand for.

    Bad ones are counted against the address that they come from; valid ones never meet the
    throttle. Raises InvalidApiKey, NotLoggedIn, UserNotIdentified, TooManyAttempts.
    """
    try:
        presented = authentication.read(credentials)
    except (InvalidApiKey, NotLoggedIn):
        if not credentials.missing:
            resources.throttles.count_malformed(bad_keys_of(address_of(request, resources)))
        raise
    try:
        async with resources.database.reading() as connection:
            return await look(connection, presented)
    except (InvalidApiKey, NotLoggedIn):
        await resources.throttles.count(bad_keys_of(address_of(request, resources)))
        raise


async def _caller(request: Request, resources: ResourcesDep, credentials: CredentialsDep) -> Caller:
    now = resources.clock.now()
    caller, _ = await identified(
        request,
        resources,
        credentials,
        lambda connection, presented: authentication.resolve(connection, presented, now),
    )
    return caller


CallerDep = Annotated[Caller, Depends(_caller)]


async def _user_caller(caller: CallerDep) -> Caller:
    if not caller.is_user:
        raise UsersOnly
    return caller


UserCaller = Annotated[Caller, Depends(_user_caller)]


async def _throttle_codes(resources: ResourcesDep, caller: CallerDep) -> AsyncIterator[None]:
    try:
        yield
    except (AccessCodeNotFound, InvalidAccessCode):
        await resources.throttles.count(bad_codes_of(caller.account_id))
        raise


# For `dependencies=` of an endpoint that refuses access codes: it is entered before what the
# endpoint itself asks for, so a refusal is counted when all of that is closed.
THROTTLE_INVALID_CODES: Final[Any] = Depends(_throttle_codes, scope="function")


def actor_of(request: Request, caller: Caller) -> Actor:
    """Name the caller and the request for the audit log."""
    return Actor(caller.account_id, request_id_of(request.scope), caller.api_key)


def anonymous_actor(request: Request) -> Actor:
    """Name a request that needs no caller, for the audit log."""
    return Actor("anonymous", request_id_of(request.scope))
