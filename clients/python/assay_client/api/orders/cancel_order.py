from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...types import Response, UNSET
from ... import errors

from ...models.order_response import OrderResponse
from ...models.problem import Problem
from ...types import UNSET, Unset
from typing import cast


def _get_kwargs(
    order_id: str,
    *,
    idempotency_key: str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(idempotency_key, Unset):
        headers["Idempotency-Key"] = idempotency_key

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/api/orders/{order_id}/cancel".format(
            order_id=quote(str(order_id), safe=""),
        ),
    }

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> OrderResponse | Problem | None:
    if response.status_code == 200:
        response_200 = OrderResponse.from_dict(response.json())

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

    if response.status_code == 409:
        response_409 = Problem.from_dict(response.json())

        return response_409

    if response.status_code == 422:
        response_422 = Problem.from_dict(response.json())

        return response_422

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
) -> Response[OrderResponse | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    order_id: str,
    *,
    client: AuthenticatedClient,
    idempotency_key: str | Unset = UNSET,
) -> Response[OrderResponse | Problem]:
    """Cancel an order that nobody paid

     Cancel an order that the caller bought. Money that still comes is seen, and counts.

    Cancelling it again is answered in the same way, as long as nobody has paid it since; with an
    `Idempotency-Key`, whatever became of it.

    Args:
        order_id (str): The order
        idempotency_key (str | Unset): Makes repeating this request safe: the same key with the
            same body or order, from the same account, is answered as it was the first time, for 24
            hours. Any text that is used for one request alone, such as a UUID

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[OrderResponse | Problem]
    """

    kwargs = _get_kwargs(
        order_id=order_id,
        idempotency_key=idempotency_key,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    order_id: str,
    *,
    client: AuthenticatedClient,
    idempotency_key: str | Unset = UNSET,
) -> OrderResponse | Problem | None:
    """Cancel an order that nobody paid

     Cancel an order that the caller bought. Money that still comes is seen, and counts.

    Cancelling it again is answered in the same way, as long as nobody has paid it since; with an
    `Idempotency-Key`, whatever became of it.

    Args:
        order_id (str): The order
        idempotency_key (str | Unset): Makes repeating this request safe: the same key with the
            same body or order, from the same account, is answered as it was the first time, for 24
            hours. Any text that is used for one request alone, such as a UUID

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        OrderResponse | Problem
    """

    return sync_detailed(
        order_id=order_id,
        client=client,
        idempotency_key=idempotency_key,
    ).parsed


async def asyncio_detailed(
    order_id: str,
    *,
    client: AuthenticatedClient,
    idempotency_key: str | Unset = UNSET,
) -> Response[OrderResponse | Problem]:
    """Cancel an order that nobody paid

     Cancel an order that the caller bought. Money that still comes is seen, and counts.

    Cancelling it again is answered in the same way, as long as nobody has paid it since; with an
    `Idempotency-Key`, whatever became of it.

    Args:
        order_id (str): The order
        idempotency_key (str | Unset): Makes repeating this request safe: the same key with the
            same body or order, from the same account, is answered as it was the first time, for 24
            hours. Any text that is used for one request alone, such as a UUID

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[OrderResponse | Problem]
    """

    kwargs = _get_kwargs(
        order_id=order_id,
        idempotency_key=idempotency_key,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    order_id: str,
    *,
    client: AuthenticatedClient,
    idempotency_key: str | Unset = UNSET,
) -> OrderResponse | Problem | None:
    """Cancel an order that nobody paid

     Cancel an order that the caller bought. Money that still comes is seen, and counts.

    Cancelling it again is answered in the same way, as long as nobody has paid it since; with an
    `Idempotency-Key`, whatever became of it.

    Args:
        order_id (str): The order
        idempotency_key (str | Unset): Makes repeating this request safe: the same key with the
            same body or order, from the same account, is answered as it was the first time, for 24
            hours. Any text that is used for one request alone, such as a UUID

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        OrderResponse | Problem
    """

    return (
        await asyncio_detailed(
            order_id=order_id,
            client=client,
            idempotency_key=idempotency_key,
        )
    ).parsed
