"""Webhook endpoints: making, changing and deleting them, and their secrets."""

from http import HTTPStatus

from fastapi import APIRouter, Request, Response

from app.runtime.errors import InvalidParameter
from app.runtime.paging import read_cursor
from app.web import idempotency, links
from app.web.dependencies import (
    THROTTLE_INVALID_CODES,
    CallerDep,
    CredentialsDep,
    ReadConnection,
    ResourcesDep,
    Session,
    actor_of,
)
from app.web.errors import responses
from app.web.idempotency import BodyKey, PathKey
from app.web.list_parameters import CreatedRange
from app.web.paging import CursorParameter, LimitParameter
from app.web.request_body import StrictRoute
from app.webhooks import endpoints
from app.webhooks.endpoints import EndpointChanges, EndpointWish
from app.webhooks.fan_out import ENDPOINTS_CHANNEL
from app.webhooks.responses import endpoint_response, endpoint_with_secret
from app.webhooks.rules.urls import Policy, UrlRefused, read_url
from app.webhooks.schemas import (
    ChangeWebhookEndpointRequest,
    CreateWebhookEndpointRequest,
    EndpointInPath,
    WebhookEndpointPage,
    WebhookEndpointResponse,
    WebhookEndpointWithSecret,
)

router = APIRouter(
    prefix="/api",
    tags=["webhooks"],
    route_class=StrictRoute,
    responses=responses(400, 403, 429, 500, 503),
)
_TAKES_BODY = responses(408, 413, 415)


def _checked(url: str, policy: Policy) -> str:
    """Return the one spelling of a URL. Raises InvalidParameter."""
    try:
        return read_url(url, policy).url
    except UrlRefused as refused:
        raise InvalidParameter("url", str(refused)) from None


@router.post(
    "/webhook_endpoints",
    status_code=201,
    summary="Make a webhook endpoint",
    response_model=WebhookEndpointWithSecret,
    response_description="The new endpoint; its secret is shown only here",
    dependencies=[THROTTLE_INVALID_CODES],
    responses=_TAKES_BODY | idempotency.documented(links.WEBHOOK_ENDPOINT, conflicts=True),
)
async def create_webhook_endpoint(
    body: CreateWebhookEndpointRequest,
    *,
    caller: CallerDep,
    credentials: CredentialsDep,
    request: Request,
    session: Session,
    resources: ResourcesDep,
    key: BodyKey,
) -> Response:
    """Name a URL that the events of the caller are posted to from now on, each signed."""
    wish = EndpointWish(
        _checked(body.url, resources.webhook_sender.policy), body.event_types, body.description
    )

    async def create() -> WebhookEndpointWithSecret:
        made = await endpoints.create(
            session,
            caller=caller,
            wish=wish,
            secrets=resources.webhook_secrets,
            actor=actor_of(request, caller),
            now=resources.clock.now(),
        )
        return endpoint_with_secret(made)

    answer = await idempotency.answer_once(resources, session, key, create, sealed_by=credentials)
    resources.notifications.notify(ENDPOINTS_CHANNEL)
    return answer


@router.get(
    "/webhook_endpoints",
    summary="List webhook endpoints",
    response_description="Webhook endpoints, newest first",
)
async def list_webhook_endpoints(
    caller: CallerDep,
    connection: ReadConnection,
    created: CreatedRange,
    cursor: CursorParameter = None,
    limit: LimitParameter = 20,
) -> WebhookEndpointPage:
    """List the webhook endpoints of the caller."""
    page = await endpoints.list_own(
        connection,
        caller.account_id,
        cursor=read_cursor(cursor) if cursor is not None else None,
        limit=limit,
        created=created,
    )
    return WebhookEndpointPage(
        items=[endpoint_response(facts) for facts in page.items], next_cursor=page.next_cursor
    )


@router.get(
    "/webhook_endpoints/{webhook_endpoint_id}",
    summary="Read a webhook endpoint",
    response_description="The endpoint",
    responses=responses(404),
)
async def get_webhook_endpoint(
    webhook_endpoint_id: EndpointInPath, caller: CallerDep, connection: ReadConnection
) -> WebhookEndpointResponse:
    """Read a webhook endpoint of the caller: whether it is enabled, and how it answers."""
    return endpoint_response(
        await endpoints.get(connection, caller.account_id, webhook_endpoint_id)
    )


@router.patch(
    "/webhook_endpoints/{webhook_endpoint_id}",
    summary="Change a webhook endpoint",
    response_description="The endpoint as it is now",
    dependencies=[THROTTLE_INVALID_CODES],
    responses=_TAKES_BODY | responses(404),
)
async def change_webhook_endpoint(
    webhook_endpoint_id: EndpointInPath,
    body: ChangeWebhookEndpointRequest,
    caller: CallerDep,
    request: Request,
    resources: ResourcesDep,
) -> WebhookEndpointResponse:
    """Change the URL, the types of events, the description, or whether events are sent."""
    values = body.model_dump(exclude_unset=True)
    enabled = values.pop("enabled", None)
    if "url" in values:
        values["url"] = _checked(values["url"], resources.webhook_sender.policy)
    async with resources.database.sessions() as session:
        changed = await endpoints.change(
            session,
            webhook_endpoint_id,
            caller=caller,
            changes=EndpointChanges(values, enabled),
            actor=actor_of(request, caller),
            now=resources.clock.now(),
        )
    resources.notifications.notify(ENDPOINTS_CHANNEL)
    return endpoint_response(changed)


@router.delete(
    "/webhook_endpoints/{webhook_endpoint_id}",
    summary="Delete a webhook endpoint",
    response_description="The endpoint as it was",
    responses=responses(404),
)
async def delete_webhook_endpoint(
    webhook_endpoint_id: EndpointInPath,
    caller: CallerDep,
    request: Request,
    resources: ResourcesDep,
) -> WebhookEndpointResponse:
    """Delete a webhook endpoint with its log: nothing is sent to it any more."""
    async with resources.database.sessions() as session:
        removed = await endpoints.remove(
            session,
            webhook_endpoint_id,
            account_id=caller.account_id,
            actor=actor_of(request, caller),
            now=resources.clock.now(),
        )
    return endpoint_response(removed)


@router.post(
    "/webhook_endpoints/{webhook_endpoint_id}/rotate_secret",
    summary="Give a webhook endpoint a new secret",
    response_model=WebhookEndpointWithSecret,
    response_description="The endpoint with its new secret, shown only here",
    dependencies=[THROTTLE_INVALID_CODES],
    responses=responses(404) | idempotency.documented(status=200, conflicts=True),
)
async def rotate_webhook_secret(
    webhook_endpoint_id: EndpointInPath,
    *,
    caller: CallerDep,
    credentials: CredentialsDep,
    request: Request,
    session: Session,
    resources: ResourcesDep,
    key: PathKey,
) -> Response:
    """Give an endpoint a new secret. For 24 hours what is sent is signed by the old one, too."""

    async def rotate() -> WebhookEndpointWithSecret:
        rotated = await endpoints.rotate_secret(
            session,
            webhook_endpoint_id,
            caller=caller,
            secrets=resources.webhook_secrets,
            actor=actor_of(request, caller),
            now=resources.clock.now(),
        )
        return endpoint_with_secret(rotated)

    return await idempotency.answer_once(
        resources, session, key, rotate, status=HTTPStatus.OK, sealed_by=credentials
    )
