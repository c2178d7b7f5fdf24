"""What routers ask for: resources, sessions, and the caller, resolved once for both ways in."""

from collections.abc import AsyncIterator
from typing import Annotated, Final

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.domain.actors import Actor
from app.domain.errors import UsersOnly
from app.http.openapi import API_KEY, SESSION
from app.observability.request_id import request_id_of
from app.resources import Resources
from app.services import callers
from app.services.callers import Caller, Credentials

# credits-api.md: `new_order` and `check_order_status` have one text, all others the other.
ORDER_LOGIN_TEXT: Final = "Invalid credentials. Please log in"
LOGIN_TEXT: Final = "Credentials invalid or not provided. Please log in"


def get_resources(request: Request) -> Resources:
    """Return what the lifespan opened."""
    resources: Resources = request.app.state.resources
    return resources


Res = Annotated[Resources, Depends(get_resources)]


async def _session(resources: Res) -> AsyncIterator[AsyncSession]:
    async with resources.database.sessions() as session:
        yield session


async def _reading(resources: Res) -> AsyncIterator[AsyncConnection]:
    async with resources.database.reading() as connection:
        yield connection


Session = Annotated[AsyncSession, Depends(_session, scope="function")]
Reading = Annotated[AsyncConnection, Depends(_reading, scope="function")]


class PresentedAt:
    """Reads what a request presents, for an endpoint with this text for missing credentials."""

    def __init__(self, login_text: str) -> None:
        self._login_text = login_text

    def __call__(
        self,
        request: Request,
        _api_key: Annotated[str | None, Security(API_KEY)],
        bearer: Annotated[HTTPAuthorizationCredentials | None, Security(SESSION)],
    ) -> Credentials:
        """Return the credentials; an API key counts as soon as its header is there."""
        keys = request.headers.getlist(API_KEY.model.name)
        return Credentials(
            api_key=", ".join(keys) if keys else None,  # two headers make no valid key
            session_token=bearer.credentials if bearer else None,
            login_text=self._login_text,
        )


OrderCredentials = Annotated[Credentials, Depends(PresentedAt(ORDER_LOGIN_TEXT))]
AnyCredentials = Annotated[Credentials, Depends(PresentedAt(LOGIN_TEXT))]


async def _resolve(resources: Resources, credentials: Credentials) -> Caller:
    async with resources.database.reading() as connection:
        caller, _ = await callers.resolve(connection, credentials, resources.clock.now())
    return caller


async def _order_caller(resources: Res, credentials: OrderCredentials) -> Caller:
    return await _resolve(resources, credentials)


async def _any_caller(resources: Res, credentials: AnyCredentials) -> Caller:
    return await _resolve(resources, credentials)


OrderCaller = Annotated[Caller, Depends(_order_caller)]
AnyCaller = Annotated[Caller, Depends(_any_caller)]


async def _user_caller(caller: AnyCaller) -> Caller:
    if not caller.is_user:
        raise UsersOnly
    return caller


UserCaller = Annotated[Caller, Depends(_user_caller)]


def actor_of(request: Request, caller: Caller) -> Actor:
    """Name the caller and the request for the audit log."""
    return Actor(caller.account_id, request_id_of(request.scope))


def anonymous_actor(request: Request) -> Actor:
    """Name a request that needs no caller, for the audit log."""
    return Actor("anonymous", request_id_of(request.scope))
