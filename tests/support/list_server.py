"""A server of lists on loopback, with the ways in which such servers disappoint."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

from typing_extensions import override

NAME: Final = "sanctioned_addresses_XBT.txt"
BODY: Final = b"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa\n3P14159f73E4gFr7JterCCQh9QjiTjiZrG\n"
_STOPPING: Final = threading.Event()


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == f"/{NAME}" and self.headers.get("If-None-Match") == '"v1"':
            self._answer(304)
        elif path == f"/{NAME}":
            self._answer(200, BODY, ETag='"v1"')
        elif path == f"/moved/{NAME}":
            self._answer(302, Location=f"/{NAME}")
        elif path == "/insecure":
            self._answer(302, Location="http://lists.example/list.txt")
        elif path == "/round":
            self._answer(302, Location="/round")
        elif path == "/packed":
            self._answer(200, BODY, **{"Content-Encoding": "gzip"})
        elif path == "/slow":
            self.send_response(200)
            self.end_headers()
            _STOPPING.wait(20)
        else:
            self._answer(404)

    def _answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    @override
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serve_lists() -> Iterator[str]:
    """Serve the list, and yield the URL that the paths go to."""
    _STOPPING.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        _STOPPING.set()
        server.shutdown()
        server.server_close()
        thread.join()
