"""Payment pages: making a link to one, and the page itself, which needs no credentials but its link."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Body, Path, Request, Response
from fastapi.responses import HTMLResponse

from app.orders.payment_page import links, page
from app.orders.payment_page.linked_order import LinkedOrder
from app.orders.payment_page.schemas import PaymentPageRequest, PaymentPageResponse
from app.orders.payment_page.view import PaymentPageView, payment_page_view
from app.resources import Resources
from app.runtime.db.failures import unavailability
from app.runtime.errors import NotFound
from app.runtime.observability.logging import get_logger
from app.web import idempotency
from app.web.dependencies import (
    CallerDep,
    CredentialsDep,
    ResourcesDep,
    Session,
    actor_of,
)
from app.web.errors import responses
from app.web.event_stream import MEDIA_TYPE, EventStreamResponse, OpenStreams, ServerSentEvent
from app.web.idempotency import BodyKey
from app.web.middleware import is_head
from app.web.public_url import public_url
from app.web.request_body import StrictRoute

log = get_logger(__name__)

router = APIRouter(tags=["orders"], route_class=StrictRoute)
_FOR_A_DAY: Final = PaymentPageRequest()  # the body may be left out
_AGAIN_SECONDS: Final = 5


@router.post(
    "/api/orders/{order_id}/payment_page",
    status_code=201,
    summary="Make a link to a page on which the buyer pays",
    response_model=PaymentPageResponse,
    response_description="The link, shown only here",
    responses=responses(400, 403, 408, 413, 415, 429, 500, 503)
    | idempotency.documented(conflicts=True),
)
async def create_payment_page(
    order_id: Annotated[
        str, Path(description="The order", examples=["ord_00VbhnY6RLeQ2oZmgNCoZuaKC"])
    ],
    *,
    body: Annotated[PaymentPageRequest, Body()] = _FOR_A_DAY,
    caller: CallerDep,
    credentials: CredentialsDep,
    request: Request,
    session: Session,
    resources: ResourcesDep,
    key: BodyKey,
) -> Response:
    """Make a link for the buyer of an order that the caller may see, to be given to nobody else.

    The page shows what to pay and where, and what became of it. It needs no login, and shows nothing
    of the account. An order may have several links; each ends by itself.
    """
    base = public_url(request.scope, resources.settings.server.public_url)
    links.check_return_url(body.return_url, resources.settings.payment_pages.return_origins)

    async def create() -> PaymentPageResponse:
        link = await links.create(
            session,
            order_id,
            account_id=caller.account_id,
            return_url=body.return_url,
            lasts=timedelta(seconds=body.expires_in_seconds),
            actor=actor_of(request, caller),
            now=resources.clock.now(),
        )
        url = f"{base}pay/{link.token}"
        return PaymentPageResponse(url=url, expires_at=link.expires_at)

    return await idempotency.answer_once(resources, session, key, create, sealed_by=credentials)


@router.get("/pay/{token}", include_in_schema=False)
async def show_payment_page(token: str, resources: ResourcesDep) -> HTMLResponse:
    """Show the order behind a link; 404 without one, 503 while the database is away."""
    now = resources.clock.now()
    try:
        async with resources.database.reading() as connection:
            linked = await links.find(connection, token, now)
    except Exception as fault:
        why = unavailability(fault)
        if why is None:
            raise
        log.warning("payment_page_unavailable", why=why)
        return _away()
    if linked is None:
        return _answer(page.render_notice("invalid"), HTTPStatus.NOT_FOUND)
    resources.poll_hints.note(linked.order.id)
    origins = resources.settings.payment_pages.return_origins
    view = payment_page_view(links.as_allowed(linked, origins), resources.terms.valuation(), now)
    return _answer(await asyncio.to_thread(page.render, view), HTTPStatus.OK)


@router.get("/pay/{token}/events", include_in_schema=False)
async def follow_payment_page(token: str, request: Request, resources: ResourcesDep) -> Response:
    """Send what the page shows, now and whenever it changes; 404 without a link.

    A page that changes no more is sent once, and the stream ends.
    """
    streams: OpenStreams = request.app.state.streams
    async with resources.database.reading() as connection:
        linked = await links.find(connection, token, resources.clock.now())
    if linked is None:
        raise NotFound
    streams.admit(linked.order.id)
    if is_head(request.scope):
        return Response(media_type=MEDIA_TYPE)
    events = _events(streams, resources, linked)
    return EventStreamResponse(events, headers=page.SECURITY_HEADERS)


async def _events(
    streams: OpenStreams, resources: Resources, linked: LinkedOrder
) -> AsyncIterator[ServerSentEvent | None]:
    origins, shown = resources.settings.payment_pages.return_origins, None
    with (
        resources.payment_watch.following(links.as_allowed(linked, origins)) as follower,
        streams.one(linked.order.id, follower.changed) as stream,
    ):
        while stream.goes_on and (now := resources.clock.now()) < linked.link_ends_at:
            view = payment_page_view(follower.linked, resources.terms.valuation(), now)
            if view == shown:
                yield None
            else:
                yield await _drawn(view)
                shown = view
            if not view.is_live:
                return
            await stream.wait()


async def _drawn(view: PaymentPageView) -> ServerSentEvent:
    # A block may change many pages at once; each takes some milliseconds of a core.
    html = await asyncio.to_thread(page.render_parts, view)
    data = {"state": view.state, "is_live": view.is_live, "html": html}
    return ServerSentEvent("view", json.dumps(data))


def _away() -> HTMLResponse:
    again = page.render_notice("away", refresh_seconds=_AGAIN_SECONDS)
    answer = _answer(again, HTTPStatus.SERVICE_UNAVAILABLE)
    answer.headers["Retry-After"] = str(_AGAIN_SECONDS)
    return answer


def _answer(text: str, status: HTTPStatus) -> HTMLResponse:
    return HTMLResponse(text, status, headers=page.SECURITY_HEADERS)
