"""The limits of one connection of HTTP/1.1: how long and how large a head is, and who may be idle.

Uvicorn waits for the head of a request as long as it takes, and takes one of any size. What is
refused here never becomes a request, but is answered in the one shape of an error.
"""

import asyncio
import json
import re
import secrets
import time
from collections.abc import Callable
from typing import Any, ClassVar, Final

import httptools
from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from app.runtime.errors import AppError, DatabaseBusy, InvalidParameter
from app.runtime.observability.logging import get_logger
from app.runtime.observability.request_id import HEADER
from app.web.middleware import NO_STORE
from app.web.request_errors import HeadTimeout, HeadTooLarge, MalformedRequest

HEAD_SECONDS: Final = 10.0
HEAD_LIMIT_BYTES: Final = 64 * 1024
# Longer than proxies and clients keep theirs (nginx: 60 seconds), or one of them sends a request on
# a connection that is closed in the same moment, and gets no answer.
KEEP_ALIVE_SECONDS: Final = 75
UNREAD_SECONDS: Final = 30.0
_LOG_AGAIN_SECONDS: Final = 60.0
# RFC 9110, section 7.2, and RFC 9112, section 3.2: one uri-host [ ":" port ]. A name has what RFC 3986 allows in one.
_HOST: Final = re.compile(
    rb"(?:[A-Za-z0-9\-._~!$&'()*+,;=%]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{0,5})?", re.ASCII
)
_WITHOUT_HOST: Final = "1.0"  # the version that did not know the header
_VERSIONS: Final = (_WITHOUT_HOST, "1.1")
# What says that a connection is to become another protocol, as Java's client asks for HTTP/2.
_OF_UPGRADE: Final = (b"upgrade", b"http2-settings")
_HOST_ALLOWED: Final = "one header that names a host, and perhaps its port"

log = get_logger(__name__)


class ConnectionLimit:
    """How many connections may be open at once; the log says when they are more."""

    def __init__(
        self, most: int, open_files: int, seconds: Callable[[], float] = time.monotonic
    ) -> None:
        """Allow `most`, since the process may open `open_files` files."""
        self._most = most
        self._open_files = open_files
        self._seconds = seconds
        self._refused = 0
        self._said_at: float | None = None

    def refuses(self, connections: int) -> bool:
        """Say whether the last of so many connections is one too many."""
        if connections <= self._most:
            return False
        self._refused += 1
        now = self._seconds()
        if self._said_at is None or now - self._said_at >= _LOG_AGAIN_SECONDS:
            log.error(
                "connections_full",
                connections=self._most,
                refused=self._refused,
                open_files=self._open_files,
                remedy="raise the limit on open files: LimitNOFILE= of systemd, or ulimit -n",
            )
            self._said_at, self._refused = now, 0
        return True


class BoundedProtocol(HttpToolsProtocol):
    """A connection that is closed when a head is late, too large or malformed."""

    head_seconds: ClassVar[float] = HEAD_SECONDS
    unread_seconds: ClassVar[float] = UNREAD_SECONDS

    def __init__(self, *, connection_limit: ConnectionLimit, **options: Any) -> None:  # noqa: ANN401
        """Take what uvicorn gives to each connection, and the limit of all."""
        super().__init__(**options)
        self._connection_limit = connection_limit
        self._head_deadline: asyncio.TimerHandle | None = None
        self._unread_deadline: asyncio.TimerHandle | None = None
        self._in_head = False
        self._head_bytes = 0
        self._refusal: AppError | None = None

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if self._connection_limit.refuses(len(self.connections)):
            self._answer(DatabaseBusy())
        else:
            self._expect_head()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._unset_keepalive_if_required()
        self._expect_no_head()
        self._expect_reader(whether=False)

    @override
    def data_received(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        self._parse(data)
        if self.transport.is_closing():
            return
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_LIMIT_BYTES:
                self._refuse(HeadTooLarge(HEAD_LIMIT_BYTES))
        elif self._is_idle():  # what is left of a body that nobody reads, or empty lines
            self._expect_head()

    @override
    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head, self._head_bytes = True, 0
        self._expect_head()

    @override
    def on_headers_complete(self) -> None:
        self._in_head = False
        self._expect_no_head()
        if self._asks_to_upgrade():
            return  # it is read again
        self._refusal = self._fault_of_head()
        if self._refusal is not None:
            raise self._refusal  # stops the parser, which then asks for send_400_response
        super().on_headers_complete()

    @override
    def on_message_complete(self) -> None:
        if not self._asks_to_upgrade():
            super().on_message_complete()

    @override
    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.transport.is_closing():
            self._expect_reader()
        elif self._in_head:  # of the next request, which has a deadline of its own
            self._unset_keepalive_if_required()

    @override
    def send_400_response(self, msg: str) -> None:
        self._refuse(self._refusal or MalformedRequest())

    @override
    def timeout_keep_alive_handler(self) -> None:
        self._close()

    @override
    def pause_writing(self) -> None:
        super().pause_writing()
        self._expect_reader()

    @override
    def resume_writing(self) -> None:
        super().resume_writing()
        if not self.transport.is_closing():
            self._expect_reader(whether=False)

    def _parse(self, data: bytes) -> None:
        """Read what came. A request to change the protocol is ignored (RFC 9110, section 7.8).

        The parser ends at such a head, as if what follows were no longer HTTP. So it reads the head
        again without those words, and what follows.
        """
        while True:
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserError:
                self.send_400_response("")
            except httptools.HttpParserUpgrade as ended:
                if self._asks_to_upgrade():
                    data = self._head_without_upgrade() + data[ended.args[0] :]
                    self.parser = httptools.HttpRequestParser(self)
                    continue
            return

    def _asks_to_upgrade(self) -> bool:
        return self.parser.should_upgrade() and any(name == b"upgrade" for name, _ in self.headers)

    def _head_without_upgrade(self) -> bytes:
        version = self.parser.get_http_version().encode()
        lines = [self.parser.get_method() + b" " + self.url + b" HTTP/" + version]
        lines += [name + b": " + value for name, value in self.headers if name not in _OF_UPGRADE]
        return b"\r\n".join([*lines, b"", b""])

    def _fault_of_head(self) -> AppError | None:
        version = self.parser.get_http_version()
        if version not in _VERSIONS:
            return MalformedRequest()
        hosts = [value for name, value in self.headers if name == b"host"]
        too_few = not hosts and version != _WITHOUT_HOST
        if len(hosts) > 1 or too_few or not all(map(_HOST.fullmatch, hosts)):
            return InvalidParameter("Host", _HOST_ALLOWED)
        return None

    def _is_idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _expect_head(self) -> None:
        if self._head_deadline is None:
            self._head_deadline = self.loop.call_later(self.head_seconds, self._end_late_head)

    def _expect_no_head(self) -> None:
        if self._head_deadline is not None:
            self._head_deadline.cancel()
            self._head_deadline = None

    def _end_late_head(self) -> None:
        if self._in_head:
            self._refuse(HeadTimeout(self.head_seconds))
        else:  # nobody asks anything: a browser's spare connection, or a probe of the port
            self._close()

    def _expect_reader(self, *, whether: bool = True) -> None:
        """Cut the connection if what was sent is not read in time; or no longer do."""
        if self._unread_deadline is not None:
            self._unread_deadline.cancel()
            self._unread_deadline = None
        if whether:
            self._unread_deadline = self.loop.call_later(self.unread_seconds, self.transport.abort)

    def _close(self) -> None:
        self._expect_no_head()
        self.transport.close()
        self._expect_reader()

    def _refuse(self, error: AppError) -> None:
        """Answer what is no request, and close; an earlier request gets its answer first."""
        self._expect_no_head()
        if self._is_idle():
            self._answer(error)
        else:
            self.cycle.keep_alive = False
            self.flow.pause_reading()

    def _answer(self, error: AppError) -> None:
        request_id = secrets.token_hex(16)
        log.info("request_refused", code=error.code, request_id=request_id)
        body = json.dumps(
            {error.member: error.detail, "code": error.code, "request_id": request_id}
        ).encode()
        headers = {
            "content-type": "application/json",
            "content-length": str(len(body)),
            "connection": "close",
            HEADER.lower(): request_id,
            **NO_STORE,
            **error.headers,
        }
        lines = [f"{name.lower()}: {value}\r\n".encode() for name, value in headers.items()]
        dated = [b"%s: %s\r\n" % header for header in self.server_state.default_headers]
        self.transport.write(b"".join([STATUS_LINE[error.status], *dated, *lines, b"\r\n", body]))
        self._close()
