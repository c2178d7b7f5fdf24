"""Deliveries of webhooks: what was sent to an endpoint, a test, and what is sent again."""

from http import HTTPStatus

from fastapi import APIRouter, Response

from app.runtime.paging import read_cursor
from app.web import idempotency, links
from app.web.dependencies import (
    THROTTLE_INVALID_CODES,
    CallerDep,
    ReadConnection,
    ResourcesDep,
    Session,
)
from app.web.errors import responses
from app.web.idempotency import BodyKey, PathKey
from app.web.list_parameters import CreatedRange
from app.web.paging import CursorParameter, LimitParameter
from app.web.request_body import StrictRoute
from app.webhooks import deliveries, endpoints
from app.webhooks.deliveries import Wanted
from app.webhooks.responses import delivery_response, delivery_with_bodies
from app.webhooks.schemas import (
    DeliveryInPath,
    EndpointInPath,
    RedeliverRequest,
    RedeliverResponse,
    StatusFilter,
    WebhookDeliveryPage,
    WebhookDeliveryWithBodies,
)

router = APIRouter(
    prefix="/api",
    tags=["webhooks"],
    route_class=StrictRoute,
    responses=responses(400, 403, 429, 500, 503),
)
_TAKES_BODY = responses(408, 413, 415)


@router.post(
    "/webhook_endpoints/{webhook_endpoint_id}/test",
    status_code=201,
    summary="Test a webhook endpoint",
    response_model=WebhookDeliveryWithBodies,
    response_description="The delivery of the test, which is pending",
    dependencies=[THROTTLE_INVALID_CODES],
    responses=responses(404) | idempotency.documented(links.WEBHOOK_DELIVERY),
)
async def test_webhook_endpoint(
    webhook_endpoint_id: EndpointInPath,
    *,
    caller: CallerDep,
    session: Session,
    resources: ResourcesDep,
    key: PathKey,
) -> Response:
    """Send a `webhook.test`, once, soon; read the delivery to see what was answered."""

    async def test() -> WebhookDeliveryWithBodies:
        made = await deliveries.send_test(
            session, webhook_endpoint_id, caller=caller, now=resources.clock.now()
        )
        return delivery_with_bodies(made)

    return await idempotency.answer_once(resources, session, key, test)


@router.get(
    "/webhook_endpoints/{webhook_endpoint_id}/deliveries",
    summary="List the deliveries of a webhook endpoint",
    response_description="Deliveries, newest first",
    responses=responses(404),
)
async def list_webhook_deliveries(
    webhook_endpoint_id: EndpointInPath,
    *,
    caller: CallerDep,
    connection: ReadConnection,
    created: CreatedRange,
    status: StatusFilter = None,
    cursor: CursorParameter = None,
    limit: LimitParameter = 20,
) -> WebhookDeliveryPage:
    """List what was sent to an endpoint in the last 30 days, and what is to be sent."""
    await endpoints.get(connection, caller.account_id, webhook_endpoint_id)
    page = await deliveries.list_of(
        connection,
        webhook_endpoint_id,
        status=status,
        cursor=read_cursor(cursor) if cursor is not None else None,
        limit=limit,
        created=created,
    )
    return WebhookDeliveryPage(
        items=[delivery_response(facts) for facts in page.items], next_cursor=page.next_cursor
    )


@router.get(
    "/webhook_endpoints/{webhook_endpoint_id}/deliveries/{webhook_delivery_id}",
    summary="Read a delivery",
    response_description="The delivery, with bodies",
    responses=responses(404),
)
async def get_webhook_delivery(
    webhook_endpoint_id: EndpointInPath,
    webhook_delivery_id: DeliveryInPath,
    caller: CallerDep,
    connection: ReadConnection,
) -> WebhookDeliveryWithBodies:
    """Read one delivery with what was sent and what was answered last."""
    await endpoints.get(connection, caller.account_id, webhook_endpoint_id)
    return delivery_with_bodies(
        await deliveries.get(connection, webhook_endpoint_id, webhook_delivery_id)
    )


@router.post(
    "/webhook_endpoints/{webhook_endpoint_id}/redeliver",
    summary="Send events to a webhook endpoint again",
    response_model=RedeliverResponse,
    response_description="How many are on their way",
    dependencies=[THROTTLE_INVALID_CODES],
    responses=_TAKES_BODY | responses(404) | idempotency.documented(status=200, conflicts=True),
)
async def redeliver_webhooks(
    webhook_endpoint_id: EndpointInPath,
    body: RedeliverRequest,
    *,
    caller: CallerDep,
    session: Session,
    resources: ResourcesDep,
    key: BodyKey,
) -> Response:
    """Send deliveries again, or a range of events, or everything since: under the same `webhook-id`."""
    wanted = Wanted(body.delivery_ids, body.from_sequence, body.to_sequence, body.since)

    async def redeliver() -> RedeliverResponse:
        done = await deliveries.redeliver(
            session, webhook_endpoint_id, caller=caller, wanted=wanted, now=resources.clock.now()
        )
        return RedeliverResponse(deliveries=done.count, more_from=done.more_from)

    return await idempotency.answer_once(resources, session, key, redeliver, status=HTTPStatus.OK)
