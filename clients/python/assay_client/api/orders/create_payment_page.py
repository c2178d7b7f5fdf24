from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...types import Response, UNSET
from ... import errors

from ...models.payment_page_request import PaymentPageRequest
from ...models.payment_page_response import PaymentPageResponse
from ...models.problem import Problem
from ...types import UNSET, Unset
from typing import cast


def _get_kwargs(
    order_id: str,
    *,
    body: PaymentPageRequest | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(idempotency_key, Unset):
        headers["Idempotency-Key"] = idempotency_key

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/api/orders/{order_id}/payment_page".format(
            order_id=quote(str(order_id), safe=""),
        ),
    }

    if not isinstance(body, Unset):
        _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> PaymentPageResponse | Problem | None:
    if response.status_code == 201:
        response_201 = PaymentPageResponse.from_dict(response.json())

        return response_201

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

    if response.status_code == 413:
        response_413 = Problem.from_dict(response.json())

        return response_413

    if response.status_code == 415:
        response_415 = Problem.from_dict(response.json())

        return response_415

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
) -> Response[PaymentPageResponse | Problem]:
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
    body: PaymentPageRequest | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
) -> Response[PaymentPageResponse | Problem]:
    """Make a link to a page on which the buyer pays

     Make a link for the buyer of an order that the caller may see, to be given to nobody else.

    The page shows what to pay and where, and what became of it. It needs no login, and shows nothing
    of the account. An order may have several links; each ends by itself.

    Args:
        order_id (str): The order
        idempotency_key (str | Unset): Makes repeating this request safe: the same key with the
            same body or order, from the same account, is answered as it was the first time, for 24
            hours. Any text that is used for one request alone, such as a UUID
        body (PaymentPageRequest | Unset): How long a link is good, and where the page leads back
            to.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[PaymentPageResponse | Problem]
    """

    kwargs = _get_kwargs(
        order_id=order_id,
        body=body,
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
    body: PaymentPageRequest | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
) -> PaymentPageResponse | Problem | None:
    """Make a link to a page on which the buyer pays

     Make a link for the buyer of an order that the caller may see, to be given to nobody else.

    The page shows what to pay and where, and what became of it. It needs no login, and shows nothing
    of the account. An order may have several links; each ends by itself.

    Args:
        order_id (str): The order
        idempotency_key (str | Unset): Makes repeating this request safe: the same key with the
            same body or order, from the same account, is answered as it was the first time, for 24
            hours. Any text that is used for one request alone, such as a UUID
        body (PaymentPageRequest | Unset): How long a link is good, and where the page leads back
            to.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        PaymentPageResponse | Problem
    """

    return sync_detailed(
        order_id=order_id,
        client=client,
        body=body,
        idempotency_key=idempotency_key,
    ).parsed


async def asyncio_detailed(
    order_id: str,
    *,
    client: AuthenticatedClient,
    body: PaymentPageRequest | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
) -> Response[PaymentPageResponse | Problem]:
    """Make a link to a page on which the buyer pays

     Make a link for the buyer of an order that the caller may see, to be given to nobody else.

    The page shows what to pay and where, and what became of it. It needs no login, and shows nothing
    of the account. An order may have several links; each ends by itself.

    Args:
        order_id (str): The order
        idempotency_key (str | Unset): Makes repeating this request safe: the same key with the
            same body or order, from the same account, is answered as it was the first time, for 24
            hours. Any text that is used for one request alone, such as a UUID
        body (PaymentPageRequest | Unset): How long a link is good, and where the page leads back
            to.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[PaymentPageResponse | Problem]
    """

    kwargs = _get_kwargs(
        order_id=order_id,
        body=body,
        idempotency_key=idempotency_key,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    order_id: str,
    *,
    client: AuthenticatedClient,
    body: PaymentPageRequest | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
) -> PaymentPageResponse | Problem | None:
    """Make a link to a page on which the buyer pays

     Make a link for the buyer of an order that the caller may see, to be given to nobody else.

    The page shows what to pay and where, and what became of it. It needs no login, and shows nothing
    of the account. An order may have several links; each ends by itself.

    Args:
        order_id (str): The order
        idempotency_key (str | Unset): Makes repeating this request safe: the same key with the
            same body or order, from the same account, is answered as it was the first time, for 24
            hours. Any text that is used for one request alone, such as a UUID
        body (PaymentPageRequest | Unset): How long a link is good, and where the page leads back
            to.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        PaymentPageResponse | Problem
    """

    return (
        await asyncio_detailed(
            order_id=order_id,
            client=client,
            body=body,
            idempotency_key=idempotency_key,
        )
    ).parsed
