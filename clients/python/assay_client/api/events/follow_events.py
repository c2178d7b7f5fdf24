from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...types import Response, UNSET
from ... import errors

from ...models.problem import Problem
from ...types import UNSET, Unset
from typing import cast


def _get_kwargs(
    *,
    after: int | Unset = 0,
    access_code: str | Unset = UNSET,
    last_event_id: int | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(last_event_id, Unset):
        headers["Last-Event-ID"] = str(last_event_id)

    params: dict[str, Any] = {}

    params["after"] = after

    params["access_code"] = access_code

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/events/stream",
        "params": params,
    }

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Any | Problem | None:
    if response.status_code == 200:
        response_200 = cast(Any, response.text)
        return response_200

    if response.status_code == 400:
        response_400 = Problem.from_dict(response.json())

        return response_400

    if response.status_code == 403:
        response_403 = Problem.from_dict(response.json())

        return response_403

    if response.status_code == 408:
        response_408 = Problem.from_dict(response.json())

        return response_408

    if response.status_code == 429:
        response_429 = Problem.from_dict(response.json())

        return response_429

    if response.status_code == 431:
        response_431 = Problem.from_dict(response.json())

        return response_431

    if response.status_code == 500:
        response_500 = Problem.from_dict(response.json())

        return response_500

    if response.status_code == 503:
        response_503 = Problem.from_dict(response.json())

        return response_503

    if client.raise_on_unexpected_status:
        raise errors.UnexpectedStatus(response.status_code, response.content)
    else:
        return None


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[Any | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    after: int | Unset = 0,
    access_code: str | Unset = UNSET,
    last_event_id: int | Unset = UNSET,
) -> Response[Any | Problem]:
    """Follow the events of an account

     Send what happened and what happens to the things of the caller, as `GET /api/events` has it.

    The stream ends, too, when the credentials are good no more.

    Args:
        after (int | Unset): Only events after the one of this `sequence`; 0: from the first on
            Default: 0.
        access_code (str | Unset): Of this access code, one's own or one that one issued; absent:
            of the caller
        last_event_id (int | Unset): Only events after the one of this `sequence`, whatever
            `after` says; browsers send it when they connect again

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Any | Problem]
    """

    kwargs = _get_kwargs(
        after=after,
        access_code=access_code,
        last_event_id=last_event_id,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    after: int | Unset = 0,
    access_code: str | Unset = UNSET,
    last_event_id: int | Unset = UNSET,
) -> Any | Problem | None:
    """Follow the events of an account

     Send what happened and what happens to the things of the caller, as `GET /api/events` has it.

    The stream ends, too, when the credentials are good no more.

    Args:
        after (int | Unset): Only events after the one of this `sequence`; 0: from the first on
            Default: 0.
        access_code (str | Unset): Of this access code, one's own or one that one issued; absent:
            of the caller
        last_event_id (int | Unset): Only events after the one of this `sequence`, whatever
            `after` says; browsers send it when they connect again

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Any | Problem
    """

    return sync_detailed(
        client=client,
        after=after,
        access_code=access_code,
        last_event_id=last_event_id,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    after: int | Unset = 0,
    access_code: str | Unset = UNSET,
    last_event_id: int | Unset = UNSET,
) -> Response[Any | Problem]:
    """Follow the events of an account

     Send what happened and what happens to the things of the caller, as `GET /api/events` has it.

    The stream ends, too, when the credentials are good no more.

    Args:
        after (int | Unset): Only events after the one of this `sequence`; 0: from the first on
            Default: 0.
        access_code (str | Unset): Of this access code, one's own or one that one issued; absent:
            of the caller
        last_event_id (int | Unset): Only events after the one of this `sequence`, whatever
            `after` says; browsers send it when they connect again

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Any | Problem]
    """

    kwargs = _get_kwargs(
        after=after,
        access_code=access_code,
        last_event_id=last_event_id,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    after: int | Unset = 0,
    access_code: str | Unset = UNSET,
    last_event_id: int | Unset = UNSET,
) -> Any | Problem | None:
    """Follow the events of an account

     Send what happened and what happens to the things of the caller, as `GET /api/events` has it.

    The stream ends, too, when the credentials are good no more.

    Args:
        after (int | Unset): Only events after the one of this `sequence`; 0: from the first on
            Default: 0.
        access_code (str | Unset): Of this access code, one's own or one that one issued; absent:
            of the caller
        last_event_id (int | Unset): Only events after the one of this `sequence`, whatever
            `after` says; browsers send it when they connect again

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Any | Problem
    """

    return (
        await asyncio_detailed(
            client=client,
            after=after,
            access_code=access_code,
            last_event_id=last_event_id,
        )
    ).parsed
