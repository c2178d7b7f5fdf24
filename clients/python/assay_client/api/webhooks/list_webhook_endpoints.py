from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...types import Response, UNSET
from ... import errors

from ...models.problem import Problem
from ...models.webhook_endpoint_page import WebhookEndpointPage
from ...types import UNSET, Unset
from typing import cast
import datetime


def _get_kwargs(
    *,
    cursor: str | Unset = UNSET,
    limit: int | Unset = 20,
    created_after: datetime.datetime | Unset = UNSET,
    created_before: datetime.datetime | Unset = UNSET,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    params["cursor"] = cursor

    params["limit"] = limit

    json_created_after: str | Unset = UNSET
    if not isinstance(created_after, Unset):
        json_created_after = created_after.isoformat()
    params["created_after"] = json_created_after

    json_created_before: str | Unset = UNSET
    if not isinstance(created_before, Unset):
        json_created_before = created_before.isoformat()
    params["created_before"] = json_created_before

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/webhook_endpoints",
        "params": params,
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Problem | WebhookEndpointPage | None:
    if response.status_code == 200:
        response_200 = WebhookEndpointPage.from_dict(response.json())

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
) -> Response[Problem | WebhookEndpointPage]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    cursor: str | Unset = UNSET,
    limit: int | Unset = 20,
    created_after: datetime.datetime | Unset = UNSET,
    created_before: datetime.datetime | Unset = UNSET,
) -> Response[Problem | WebhookEndpointPage]:
    """List webhook endpoints

     List the webhook endpoints of the caller.

    Args:
        cursor (str | Unset): The `next_cursor` of the page before
        limit (int | Unset): How many items at most Default: 20.
        created_after (datetime.datetime | Unset): Only what was created at this time or later
            (RFC 3339, with its offset)
        created_before (datetime.datetime | Unset): Only what was created before this time, and
            not at it, so that a range that ends where the next begins leaves nothing out and repeats
            nothing

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | WebhookEndpointPage]
    """

    kwargs = _get_kwargs(
        cursor=cursor,
        limit=limit,
        created_after=created_after,
        created_before=created_before,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    cursor: str | Unset = UNSET,
    limit: int | Unset = 20,
    created_after: datetime.datetime | Unset = UNSET,
    created_before: datetime.datetime | Unset = UNSET,
) -> Problem | WebhookEndpointPage | None:
    """List webhook endpoints

     List the webhook endpoints of the caller.

    Args:
        cursor (str | Unset): The `next_cursor` of the page before
        limit (int | Unset): How many items at most Default: 20.
        created_after (datetime.datetime | Unset): Only what was created at this time or later
            (RFC 3339, with its offset)
        created_before (datetime.datetime | Unset): Only what was created before this time, and
            not at it, so that a range that ends where the next begins leaves nothing out and repeats
            nothing

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | WebhookEndpointPage
    """

    return sync_detailed(
        client=client,
        cursor=cursor,
        limit=limit,
        created_after=created_after,
        created_before=created_before,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    cursor: str | Unset = UNSET,
    limit: int | Unset = 20,
    created_after: datetime.datetime | Unset = UNSET,
    created_before: datetime.datetime | Unset = UNSET,
) -> Response[Problem | WebhookEndpointPage]:
    """List webhook endpoints

     List the webhook endpoints of the caller.

    Args:
        cursor (str | Unset): The `next_cursor` of the page before
        limit (int | Unset): How many items at most Default: 20.
        created_after (datetime.datetime | Unset): Only what was created at this time or later
            (RFC 3339, with its offset)
        created_before (datetime.datetime | Unset): Only what was created before this time, and
            not at it, so that a range that ends where the next begins leaves nothing out and repeats
            nothing

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | WebhookEndpointPage]
    """

    kwargs = _get_kwargs(
        cursor=cursor,
        limit=limit,
        created_after=created_after,
        created_before=created_before,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    cursor: str | Unset = UNSET,
    limit: int | Unset = 20,
    created_after: datetime.datetime | Unset = UNSET,
    created_before: datetime.datetime | Unset = UNSET,
) -> Problem | WebhookEndpointPage | None:
    """List webhook endpoints

     List the webhook endpoints of the caller.

    Args:
        cursor (str | Unset): The `next_cursor` of the page before
        limit (int | Unset): How many items at most Default: 20.
        created_after (datetime.datetime | Unset): Only what was created at this time or later
            (RFC 3339, with its offset)
        created_before (datetime.datetime | Unset): Only what was created before this time, and
            not at it, so that a range that ends where the next begins leaves nothing out and repeats
            nothing

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | WebhookEndpointPage
    """

    return (
        await asyncio_detailed(
            client=client,
            cursor=cursor,
            limit=limit,
            created_after=created_after,
            created_before=created_before,
        )
    ).parsed
