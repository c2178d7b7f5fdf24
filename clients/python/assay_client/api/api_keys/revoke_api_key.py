from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...types import Response, UNSET
from ... import errors

from ...models.api_key_response import ApiKeyResponse
from ...models.problem import Problem
from ...types import UNSET, Unset
from typing import cast


def _get_kwargs(
    prefix: str,
    *,
    keep_children: bool | Unset = False,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    params["keep_children"] = keep_children

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "delete",
        "url": "/api/api_keys/{prefix}".format(
            prefix=quote(str(prefix), safe=""),
        ),
        "params": params,
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> ApiKeyResponse | Problem | None:
    if response.status_code == 200:
        response_200 = ApiKeyResponse.from_dict(response.json())

        return response_200

    if response.status_code == 400:
        response_400 = Problem.from_dict(response.json())

        return response_400

    if response.status_code == 403:
        response_403 = Problem.from_dict(response.json())

        return response_403

    if response.status_code == 404:
        response_404 = Problem.from_dict(response.json())

        return response_404

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
) -> Response[ApiKeyResponse | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    prefix: str,
    *,
    client: AuthenticatedClient,
    keep_children: bool | Unset = False,
) -> Response[ApiKeyResponse | Problem]:
    """Revoke an API key

     Revoke a key of the caller or of an access code that it issued, at once and for good.

    The keys that it made are revoked with it, and those that they made, unless they are kept.

    Args:
        prefix (str): The key's `prefix`
        keep_children (bool | Unset): Leave the keys that this one made as they are Default:
            False.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ApiKeyResponse | Problem]
    """

    kwargs = _get_kwargs(
        prefix=prefix,
        keep_children=keep_children,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    prefix: str,
    *,
    client: AuthenticatedClient,
    keep_children: bool | Unset = False,
) -> ApiKeyResponse | Problem | None:
    """Revoke an API key

     Revoke a key of the caller or of an access code that it issued, at once and for good.

    The keys that it made are revoked with it, and those that they made, unless they are kept.

    Args:
        prefix (str): The key's `prefix`
        keep_children (bool | Unset): Leave the keys that this one made as they are Default:
            False.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ApiKeyResponse | Problem
    """

    return sync_detailed(
        prefix=prefix,
        client=client,
        keep_children=keep_children,
    ).parsed


async def asyncio_detailed(
    prefix: str,
    *,
    client: AuthenticatedClient,
    keep_children: bool | Unset = False,
) -> Response[ApiKeyResponse | Problem]:
    """Revoke an API key

     Revoke a key of the caller or of an access code that it issued, at once and for good.

    The keys that it made are revoked with it, and those that they made, unless they are kept.

    Args:
        prefix (str): The key's `prefix`
        keep_children (bool | Unset): Leave the keys that this one made as they are Default:
            False.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ApiKeyResponse | Problem]
    """

    kwargs = _get_kwargs(
        prefix=prefix,
        keep_children=keep_children,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    prefix: str,
    *,
    client: AuthenticatedClient,
    keep_children: bool | Unset = False,
) -> ApiKeyResponse | Problem | None:
    """Revoke an API key

     Revoke a key of the caller or of an access code that it issued, at once and for good.

    The keys that it made are revoked with it, and those that they made, unless they are kept.

    Args:
        prefix (str): The key's `prefix`
        keep_children (bool | Unset): Leave the keys that this one made as they are Default:
            False.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ApiKeyResponse | Problem
    """

    return (
        await asyncio_detailed(
            prefix=prefix,
            client=client,
            keep_children=keep_children,
        )
    ).parsed
