"""The stream of events of an account: by pages, with a wait for the next one, and as it goes on."""

import time
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from app.accounts.errors import TooManyStreams
from app.accounts.event_schemas import EventPage, EventResponse
from app.accounts.listed_account import ListedAccount
from app.accounts.rules.event_scopes import readable_types
from app.events.reading import EventsRead, EventView, read_after
from app.events.types import CHANNEL, EventType
from app.resources import Resources
from app.runtime.db.failures import unavailability
from app.runtime.errors import AppError
from app.runtime.observability.logging import get_logger
from app.runtime.observability.request_id import STREAM_BEGAN
from app.web.dependencies import (
    THROTTLE_INVALID_CODES,
    CallerDep,
    ResourcesDep,
    identify,
)
from app.web.errors import EVENT_LIMIT, responses
from app.web.event_stream import (
    KEEP_ALIVE_SECONDS,
    MEDIA_TYPE,
    EventStreamResponse,
    OpenStream,
    OpenStreams,
    ServerSentEvent,
)
from app.web.fields import Allowed
from app.web.middleware import is_head
from app.web.request_body import StrictRoute

log = get_logger(__name__)

_MAX_SEQUENCE: Final = 2**63 - 1
_MAX_WAIT_SECONDS: Final = 30
_PAGE: Final = 100
# How long an event may go unnoticed while notifications are not heard, as behind a pooler; and while
# they are, for one may be lost.
_LOOK_SECONDS: Final = 1.0
_LOOK_WHILE_HEARING_SECONDS: Final = 10.0

router = APIRouter(
    prefix="/api",
    tags=["events"],
    route_class=StrictRoute,
    dependencies=[THROTTLE_INVALID_CODES],
    responses=responses(400, 403, 500, 503) | EVENT_LIMIT,
)

_Sequence = Annotated[
    int,
    Field(ge=0, le=_MAX_SEQUENCE),
    Allowed(f"a whole number from 0 to {_MAX_SEQUENCE}"),
]
_After = Annotated[
    _Sequence,
    Query(
        description="Only events after the one of this `sequence`; 0: from the first on",
        examples=[40],
    ),
]
_Limit = Annotated[
    int,
    Field(ge=1, le=_PAGE),
    Allowed(f"a whole number from 1 to {_PAGE}"),
    Query(description="How many events at most", examples=[20]),
]
_WaitSeconds = Annotated[
    int,
    Field(ge=0, le=_MAX_WAIT_SECONDS),
    Allowed(f"a whole number from 0 to {_MAX_WAIT_SECONDS}"),
    Query(description="How long to wait for an event, if there is none yet", examples=[30]),
]
# Tools disagree on whether a schema is of the whole stream or of each event: none is of both.
_EVENTS_SENT: Final = {
    "description": "Each event has the `sequence` as its id, the `type` as its name, and in `data` the"
    " JSON of an item of `listEvents`"
}
_LastEventId = Annotated[
    _Sequence | SkipJsonSchema[None],
    Header(
        alias="Last-Event-ID",
        description="Only events after the one of this `sequence`, whatever `after` says; browsers"
        " send it when they connect again",
        examples=[40],
    ),
]


@dataclass(frozen=True)
class _Reader:
    """Who reads which stream: the events of `types` in that of `account_id`."""

    request: Request
    resources: Resources
    account_id: str
    types: Collection[EventType]

    async def read(self, after: int, limit: int = _PAGE) -> EventsRead:
        """Return the next events."""
        return await read_after(
            self.resources.database, self.account_id, after=after, limit=limit, types=self.types
        )

    async def check_credentials(self) -> None:
        """Raise what refuses the credentials, if they are good no more."""
        await identify(self.request)

    def admit(self) -> None:
        """Raise TooManyStreams or DatabaseBusy if one more waiting request would be one too many."""
        streams: OpenStreams = self.request.app.state.streams
        if streams.has_most_of(self.account_id):
            raise TooManyStreams
        streams.admit(self.account_id)

    @contextmanager
    def waiting(self) -> Iterator[OpenStream]:
        """Yield what waits for the next event, while the body runs."""
        streams: OpenStreams = self.request.app.state.streams
        with (
            self.resources.notifications.awaited(CHANNEL, self.account_id) as waker,
            streams.one(self.account_id, waker) as stream,
        ):
            yield stream

    async def wait(self, stream: OpenStream, at_most_seconds: float) -> None:
        """Wait until it is worth looking again."""
        heard = self.resources.notifications.are_heard
        look_seconds = _LOOK_WHILE_HEARING_SECONDS if heard else _LOOK_SECONDS
        await stream.wait(min(at_most_seconds, look_seconds))


async def _reader(
    caller: CallerDep, account_id: ListedAccount, request: Request, resources: ResourcesDep
) -> _Reader:
    return _Reader(request, resources, account_id, readable_types(caller.limits))


_ReaderDep = Annotated[_Reader, Depends(_reader)]


@router.get(
    "/events",
    summary="Read the events of an account",
    response_description="Events, oldest first",
)
async def list_events(
    reader: _ReaderDep, after: _After = 0, limit: _Limit = 20, wait_seconds: _WaitSeconds = 0
) -> EventPage:
    """Read what happened to the things of the caller, or of an access code that it issued.

    An API key reads the events of what its scopes let it read; the others keep their numbers.
    """
    until = time.monotonic() + wait_seconds
    read = await reader.read(after, limit)
    if wait_seconds and not read.items and not is_head(reader.request.scope):
        reader.admit()
        read = await _wait(reader, read.next_after, limit, until)
    return EventPage(items=[_response(event) for event in read.items], next_after=read.next_after)


async def _wait(reader: _Reader, after: int, limit: int, until: float) -> EventsRead:
    """Read on until there are events, the time is over, or the process stops."""
    reader.request.scope["state"][STREAM_BEGAN] = time.perf_counter()
    with reader.waiting() as stream:
        while True:
            read = await reader.read(after, limit)
            left = until - time.monotonic()
            if read.items or left <= 0 or not stream.goes_on:
                await reader.check_credentials()  # they may be good no more
                return read
            if not read.more:
                await reader.wait(stream, left)
            after = read.next_after


@router.get(
    "/events/stream",
    summary="Follow the events of an account",
    response_class=Response,
    response_description="Server-sent events: `id` is the `sequence`, `event` the `type`, `data` an"
    " item of `GET /api/events` in JSON on one line; a comment every 15 seconds. The stream ends"
    " after a quarter of an hour at most: connect again with `Last-Event-ID`",
    responses={200: {"content": {MEDIA_TYPE: {"schema": _EVENTS_SENT}}}},
)
async def follow_events(
    reader: _ReaderDep, after: _After = 0, last_event_id: _LastEventId = None
) -> Response:
    """Send what happened and what happens to the things of the caller, as `GET /api/events` has it.

    The stream ends, too, when the credentials are good no more.
    """
    reader.admit()
    if is_head(reader.request.scope):
        return EventStreamResponse(_nothing())
    read = await reader.read(after if last_event_id is None else last_event_id)
    return EventStreamResponse(_sent(reader, read))


async def _nothing() -> AsyncIterator[None]:
    for nothing in tuple[None, ...]():
        yield nothing


async def _sent(reader: _Reader, read: EventsRead) -> AsyncIterator[ServerSentEvent | None]:
    """Yield events as they come, None now and then between them, until the stream ends."""
    with reader.waiting() as stream:
        written_at = time.monotonic()
        while True:
            for event in read.items:
                data = _response(event).model_dump_json()
                yield ServerSentEvent(event.type, data, str(event.sequence))
                written_at = time.monotonic()
            if not stream.goes_on:
                return
            if not read.more:
                if time.monotonic() >= written_at + KEEP_ALIVE_SECONDS:
                    yield None
                    written_at = time.monotonic()
                await reader.wait(stream, written_at + KEEP_ALIVE_SECONDS - time.monotonic())
            following = await _read_on(reader, read.next_after)
            if following is None:
                return
            read = following


async def _read_on(reader: _Reader, after: int) -> EventsRead | None:
    """Return the next events; None: the credentials are good no more, or the database is away."""
    try:
        read = await reader.read(after)
        await reader.check_credentials()  # last: what they may not see any more is not shown
    except AppError:
        return None
    except Exception as fault:
        why = unavailability(fault)
        if why is None:
            raise
        log.warning("event_stream_ended", why=why)
        return None
    return read


def _response(event: EventView) -> EventResponse:
    return EventResponse(
        sequence=event.sequence,
        type=event.type,
        at=event.at,
        data=event.data,
        previous_status=event.previous_status,
    )
