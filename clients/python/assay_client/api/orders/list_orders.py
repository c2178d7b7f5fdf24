from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...types import Response, UNSET
from ... import errors

from ...models.order_page import OrderPage
from ...models.problem import Problem
from ...types import UNSET, Unset
from typing import cast
import datetime


def _get_kwargs(
    *,
    cursor: str | Unset = UNSET,
    limit: int | Unset = 20,
    status: str | Unset = UNSET,
    client_reference: str | Unset = UNSET,
    access_code: str | Unset = UNSET,
    created_after: datetime.datetime | Unset = UNSET,
    created_before: datetime.datetime | Unset = UNSET,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    params["cursor"] = cursor

    params["limit"] = limit

    params["status"] = status

    params["client_reference"] = client_reference

    params["access_code"] = access_code

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
        "url": "/api/orders",
        "params": params,
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> OrderPage | Problem | None:
    if response.status_code == 200:
        response_200 = OrderPage.from_dict(response.json())

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
) -> Response[OrderPage | Problem]:
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
    status: str | Unset = UNSET,
    client_reference: str | Unset = UNSET,
    access_code: str | Unset = UNSET,
    created_after: datetime.datetime | Unset = UNSET,
    created_before: datetime.datetime | Unset = UNSET,
) -> Response[OrderPage | Problem]:
    """List one's own orders

     List the orders that the caller bought, receives, or issued the access code of.

    With `access_code`, only those whose credits that code receives.

    Args:
        cursor (str | Unset): The `next_cursor` of the page before
        limit (int | Unset): How many items at most Default: 20.
        status (str | Unset): How far an order is: AEON.to's words, and `FAILED` and `CANCELLED`.
            `settled` says whether that is
            final: `true`, with its credits, `false`, without, or null, not yet. What is `false` only
            an operator
            can still change.

            | status | means | `settled` in AEON | `settled` in bitcoin | ask again after |
            |---|---|---|---|---|
            | `TO_BE_CREATED` | AEON.to has not accepted it yet | null | does not occur | 5 s |
            | `UNPAID` | it waits for the payment | null | null | 5 s |
            | `UNDERPAID` | a part of the price has come | null | null | 5 s |
            | `PAID_UNCONFIRMED` | all has come, and waits for confirmations | null | null | 10 s |
            | `PAID` | all is confirmed | null; `true` where the server grants credits here | `true` |
            10 s; once `true`, no more |
            | `BTC_SENT` | AEON.to has paid the merchant | `true` | does not occur | no more |
            | `TIMED_OUT` | the time to pay is over | null for 24 hours, in which AEON.to may honour a
            late payment; then `false` | null: what comes later buys credits, until
            `payment.late_until` at the price of the order | 1 min for half an hour, then 1 h |
            | `NOT_FOUND` | AEON.to no longer knows it | null for 24 hours; then `false` | does not
            occur | 1 h |
            | `FAILED` | AEON.to refused it, or an operator closed it | `false` | `false` | no more |
            | `CANCELLED` | its buyer cancelled it | `false` if AEON.to had not accepted it, else as
            `TIMED_OUT` | as `TIMED_OUT` | 1 h |
             One of: `TO_BE_CREATED`, `UNPAID`, `UNDERPAID`, `PAID_UNCONFIRMED`, `PAID`, `BTC_SENT`,
            `TIMED_OUT`, `NOT_FOUND`, `FAILED`, `CANCELLED`. More words may come: handle one that you
            do not know (docs/versioning.md).
        client_reference (str | Unset): Only what is called so
        access_code (str | Unset): Of this access code, one's own or one that one issued; absent:
            of the caller
        created_after (datetime.datetime | Unset): Only what was created at this time or later
            (RFC 3339, with its offset)
        created_before (datetime.datetime | Unset): Only what was created before this time, and
            not at it, so that a range that ends where the next begins leaves nothing out and repeats
            nothing

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[OrderPage | Problem]
    """

    kwargs = _get_kwargs(
        cursor=cursor,
        limit=limit,
        status=status,
        client_reference=client_reference,
        access_code=access_code,
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
    status: str | Unset = UNSET,
    client_reference: str | Unset = UNSET,
    access_code: str | Unset = UNSET,
    created_after: datetime.datetime | Unset = UNSET,
    created_before: datetime.datetime | Unset = UNSET,
) -> OrderPage | Problem | None:
    """List one's own orders

     List the orders that the caller bought, receives, or issued the access code of.

    With `access_code`, only those whose credits that code receives.

    Args:
        cursor (str | Unset): The `next_cursor` of the page before
        limit (int | Unset): How many items at most Default: 20.
        status (str | Unset): How far an order is: AEON.to's words, and `FAILED` and `CANCELLED`.
            `settled` says whether that is
            final: `true`, with its credits, `false`, without, or null, not yet. What is `false` only
            an operator
            can still change.

            | status | means | `settled` in AEON | `settled` in bitcoin | ask again after |
            |---|---|---|---|---|
            | `TO_BE_CREATED` | AEON.to has not accepted it yet | null | does not occur | 5 s |
            | `UNPAID` | it waits for the payment | null | null | 5 s |
            | `UNDERPAID` | a part of the price has come | null | null | 5 s |
            | `PAID_UNCONFIRMED` | all has come, and waits for confirmations | null | null | 10 s |
            | `PAID` | all is confirmed | null; `true` where the server grants credits here | `true` |
            10 s; once `true`, no more |
            | `BTC_SENT` | AEON.to has paid the merchant | `true` | does not occur | no more |
            | `TIMED_OUT` | the time to pay is over | null for 24 hours, in which AEON.to may honour a
            late payment; then `false` | null: what comes later buys credits, until
            `payment.late_until` at the price of the order | 1 min for half an hour, then 1 h |
            | `NOT_FOUND` | AEON.to no longer knows it | null for 24 hours; then `false` | does not
            occur | 1 h |
            | `FAILED` | AEON.to refused it, or an operator closed it | `false` | `false` | no more |
            | `CANCELLED` | its buyer cancelled it | `false` if AEON.to had not accepted it, else as
            `TIMED_OUT` | as `TIMED_OUT` | 1 h |
             One of: `TO_BE_CREATED`, `UNPAID`, `UNDERPAID`, `PAID_UNCONFIRMED`, `PAID`, `BTC_SENT`,
            `TIMED_OUT`, `NOT_FOUND`, `FAILED`, `CANCELLED`. More words may come: handle one that you
            do not know (docs/versioning.md).
        client_reference (str | Unset): Only what is called so
        access_code (str | Unset): Of this access code, one's own or one that one issued; absent:
            of the caller
        created_after (datetime.datetime | Unset): Only what was created at this time or later
            (RFC 3339, with its offset)
        created_before (datetime.datetime | Unset): Only what was created before this time, and
            not at it, so that a range that ends where the next begins leaves nothing out and repeats
            nothing

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        OrderPage | Problem
    """

    return sync_detailed(
        client=client,
        cursor=cursor,
        limit=limit,
        status=status,
        client_reference=client_reference,
        access_code=access_code,
        created_after=created_after,
        created_before=created_before,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    cursor: str | Unset = UNSET,
    limit: int | Unset = 20,
    status: str | Unset = UNSET,
    client_reference: str | Unset = UNSET,
    access_code: str | Unset = UNSET,
    created_after: datetime.datetime | Unset = UNSET,
    created_before: datetime.datetime | Unset = UNSET,
) -> Response[OrderPage | Problem]:
    """List one's own orders

     List the orders that the caller bought, receives, or issued the access code of.

    With `access_code`, only those whose credits that code receives.

    Args:
        cursor (str | Unset): The `next_cursor` of the page before
        limit (int | Unset): How many items at most Default: 20.
        status (str | Unset): How far an order is: AEON.to's words, and `FAILED` and `CANCELLED`.
            `settled` says whether that is
            final: `true`, with its credits, `false`, without, or null, not yet. What is `false` only
            an operator
            can still change.

            | status | means | `settled` in AEON | `settled` in bitcoin | ask again after |
            |---|---|---|---|---|
            | `TO_BE_CREATED` | AEON.to has not accepted it yet | null | does not occur | 5 s |
            | `UNPAID` | it waits for the payment | null | null | 5 s |
            | `UNDERPAID` | a part of the price has come | null | null | 5 s |
            | `PAID_UNCONFIRMED` | all has come, and waits for confirmations | null | null | 10 s |
            | `PAID` | all is confirmed | null; `true` where the server grants credits here | `true` |
            10 s; once `true`, no more |
            | `BTC_SENT` | AEON.to has paid the merchant | `true` | does not occur | no more |
            | `TIMED_OUT` | the time to pay is over | null for 24 hours, in which AEON.to may honour a
            late payment; then `false` | null: what comes later buys credits, until
            `payment.late_until` at the price of the order | 1 min for half an hour, then 1 h |
            | `NOT_FOUND` | AEON.to no longer knows it | null for 24 hours; then `false` | does not
            occur | 1 h |
            | `FAILED` | AEON.to refused it, or an operator closed it | `false` | `false` | no more |
            | `CANCELLED` | its buyer cancelled it | `false` if AEON.to had not accepted it, else as
            `TIMED_OUT` | as `TIMED_OUT` | 1 h |
             One of: `TO_BE_CREATED`, `UNPAID`, `UNDERPAID`, `PAID_UNCONFIRMED`, `PAID`, `BTC_SENT`,
            `TIMED_OUT`, `NOT_FOUND`, `FAILED`, `CANCELLED`. More words may come: handle one that you
            do not know (docs/versioning.md).
        client_reference (str | Unset): Only what is called so
        access_code (str | Unset): Of this access code, one's own or one that one issued; absent:
            of the caller
        created_after (datetime.datetime | Unset): Only what was created at this time or later
            (RFC 3339, with its offset)
        created_before (datetime.datetime | Unset): Only what was created before this time, and
            not at it, so that a range that ends where the next begins leaves nothing out and repeats
            nothing

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[OrderPage | Problem]
    """

    kwargs = _get_kwargs(
        cursor=cursor,
        limit=limit,
        status=status,
        client_reference=client_reference,
        access_code=access_code,
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
    status: str | Unset = UNSET,
    client_reference: str | Unset = UNSET,
    access_code: str | Unset = UNSET,
    created_after: datetime.datetime | Unset = UNSET,
    created_before: datetime.datetime | Unset = UNSET,
) -> OrderPage | Problem | None:
    """List one's own orders

     List the orders that the caller bought, receives, or issued the access code of.

    With `access_code`, only those whose credits that code receives.

    Args:
        cursor (str | Unset): The `next_cursor` of the page before
        limit (int | Unset): How many items at most Default: 20.
        status (str | Unset): How far an order is: AEON.to's words, and `FAILED` and `CANCELLED`.
            `settled` says whether that is
            final: `true`, with its credits, `false`, without, or null, not yet. What is `false` only
            an operator
            can still change.

            | status | means | `settled` in AEON | `settled` in bitcoin | ask again after |
            |---|---|---|---|---|
            | `TO_BE_CREATED` | AEON.to has not accepted it yet | null | does not occur | 5 s |
            | `UNPAID` | it waits for the payment | null | null | 5 s |
            | `UNDERPAID` | a part of the price has come | null | null | 5 s |
            | `PAID_UNCONFIRMED` | all has come, and waits for confirmations | null | null | 10 s |
            | `PAID` | all is confirmed | null; `true` where the server grants credits here | `true` |
            10 s; once `true`, no more |
            | `BTC_SENT` | AEON.to has paid the merchant | `true` | does not occur | no more |
            | `TIMED_OUT` | the time to pay is over | null for 24 hours, in which AEON.to may honour a
            late payment; then `false` | null: what comes later buys credits, until
            `payment.late_until` at the price of the order | 1 min for half an hour, then 1 h |
            | `NOT_FOUND` | AEON.to no longer knows it | null for 24 hours; then `false` | does not
            occur | 1 h |
            | `FAILED` | AEON.to refused it, or an operator closed it | `false` | `false` | no more |
            | `CANCELLED` | its buyer cancelled it | `false` if AEON.to had not accepted it, else as
            `TIMED_OUT` | as `TIMED_OUT` | 1 h |
             One of: `TO_BE_CREATED`, `UNPAID`, `UNDERPAID`, `PAID_UNCONFIRMED`, `PAID`, `BTC_SENT`,
            `TIMED_OUT`, `NOT_FOUND`, `FAILED`, `CANCELLED`. More words may come: handle one that you
            do not know (docs/versioning.md).
        client_reference (str | Unset): Only what is called so
        access_code (str | Unset): Of this access code, one's own or one that one issued; absent:
            of the caller
        created_after (datetime.datetime | Unset): Only what was created at this time or later
            (RFC 3339, with its offset)
        created_before (datetime.datetime | Unset): Only what was created before this time, and
            not at it, so that a range that ends where the next begins leaves nothing out and repeats
            nothing

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        OrderPage | Problem
    """

    return (
        await asyncio_detailed(
            client=client,
            cursor=cursor,
            limit=limit,
            status=status,
            client_reference=client_reference,
            access_code=access_code,
            created_after=created_after,
            created_before=created_before,
        )
    ).parsed
