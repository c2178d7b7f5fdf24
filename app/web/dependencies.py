"""What routers ask for: resources, sessions, and the caller, resolved once for both ways in."""

from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.accounts import authentication
from app.accounts.authentication import CALLER, Caller, CallerQuery, Credentials
from app.accounts.errors import (
    AccessCodeNotFound,
    AddressNotAllowed,
    InvalidAccessCode,
    InvalidApiKey,
    MissingScope,
    NotLoggedIn,
    ReadOnlyKey,
    UsersOnly,
)
from app.accounts.rules.throttles import bad_codes_of, bad_keys_of
from app.ledger.actors import Actor
from app.resources import Resources
from app.runtime.db.direct import DriverRow
from app.runtime.observability.request_id import request_id_of
from app.web.clients import client_address, client_of
from app.web.openapi import API_KEY, takes_credentials
from app.web.query import refuse_unknown_query
from app.web.scopes import NEEDS


def resources_of(request: Request) -> Resources:
    """Return what the lifespan opened."""
    resources: Resources = request.app.state.resources
    return resources


async def get_resources(request: Request) -> Resources:
    return resources_of(request)


ResourcesDep = Annotated[Resources, Depends(get_resources)]


async def _session(resources: ResourcesDep) -> AsyncIterator[AsyncSession]:
    async with resources.database.sessions() as session:
        yield session


async def _reading(resources: ResourcesDep) -> AsyncIterator[AsyncConnection]:
    async with resources.database.reading() as connection:
        yield connection


Session = Annotated[AsyncSession, Depends(_session, scope="function")]
ReadConnection = Annotated[AsyncConnection, Depends(_reading, scope="function")]


def credentials_of(request: Request) -> Credentials:
    """Return the credentials; an API key counts as soon as its header is there."""
    keys = request.headers.getlist(API_KEY.model.name)
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return Credentials(
        api_key=", ".join(keys) if keys else None,  # two headers make no valid key
        session_token=(token.strip() or None) if scheme.lower() == "bearer" else None,
    )


@takes_credentials
async def _credentials(request: Request) -> Credentials:
    return credentials_of(request)


CredentialsDep = Annotated[Credentials, Depends(_credentials)]


def _hops(request: Request) -> tuple[str | None, str]:
    """Return the other end of the connection, and all of `X-Forwarded-For`."""
    peer = request.client.host if request.client else None
    return peer, ",".join(request.headers.getlist("X-Forwarded-For"))


def address_of(request: Request, resources: Resources) -> str:
    """Return the client that a request's failures are counted against."""
    return client_of(*_hops(request), resources.settings.server.trusted_proxies)


def _refuse_beyond_limits(request: Request, resources: Resources, caller: Caller) -> None:
    """Note that an API key is used, if it may be for this.

    Raises AddressNotAllowed, MissingScope and ReadOnlyKey.
    """
    if caller.api_key is None:
        return
    limits = caller.limits
    if limits.ip_allow_list is not None:
        proxies = resources.settings.server.trusted_proxies
        if not limits.admits(client_address(*_hops(request), proxies)):
            raise AddressNotAllowed
    resources.key_uses.note(caller.api_key, resources.clock.now())
    if limits.is_limited:
        need = NEEDS[request.scope["route"].name]
        if need.scope is not None and not limits.has(need.scope):
            raise MissingScope(need.scope)
        if need.changes and limits.read_only:
            raise ReadOnlyKey(need.scope or "the account")


async def identify(
    request: Request, query: CallerQuery = CALLER, **values: object
) -> tuple[Caller, DriverRow]:
    """Return who calls, and the row that `query` reads beside it.

    Bad credentials are counted against the address that they come from; valid ones never meet the
    throttle. A dependency that calls this is marked by `takes_credentials`. Raises InvalidApiKey,
    NotLoggedIn, UserNotIdentified, TooManyAttempts; what is beyond the limits of a key:
    AddressNotAllowed, MissingScope, ReadOnlyKey; and UnknownQueryParameter.
    """
    resources, credentials = resources_of(request), credentials_of(request)
    try:
        presented = authentication.read(credentials)
    except (InvalidApiKey, NotLoggedIn):
        if not credentials.missing:
            resources.throttles.count_malformed(bad_keys_of(address_of(request, resources)))
        raise
    try:
        caller, found = await authentication.resolve(
            resources.database, presented, resources.clock.now(), query, **values
        )
    except (InvalidApiKey, NotLoggedIn):
        await resources.throttles.count(bad_keys_of(address_of(request, resources)))
        raise
    _refuse_beyond_limits(request, resources, caller)
    refuse_unknown_query(request)
    return caller, found


@takes_credentials
async def _caller(request: Request) -> Caller:
    caller, _ = await identify(request)
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
