"""A server of lists on loopback, with the ways in which such servers disappoint."""

import gzip
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType
from typing import Final

from typing_extensions import override

NAME: Final = "sanctioned_addresses_XBT.txt"
BODY: Final = b"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa\n3P14159f73E4gFr7JterCCQh9QjiTjiZrG\n"
_PAGE: Final = b"<!doctype html><html><body>Sign in</body></html>"
_ANSWERS: Final[Mapping[str, tuple[bytes, Mapping[str, str]]]] = {
    "/attached": (BODY, {"Content-Disposition": f'attachment; filename="{NAME}"'}),
    "/packed": (BODY, {"Content-Encoding": "br"}),
    f"/packed/{NAME}": (gzip.compress(BODY), {"Content-Encoding": "gzip"}),
    f"/packed/{NAME}.gz": (gzip.compress(BODY), {"Content-Encoding": "x-gzip"}),
    f"/{NAME}.gz": (gzip.compress(BODY), {}),
    f"/page/{NAME}": (_PAGE, {}),
}
_STOPPING: Final = threading.Event()


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        if path == "/choosy" and "Mozilla" not in self.headers.get("User-Agent", ""):
            self._answer(403)
        elif path == "/choosy" or (path == "/download" and NAME in query):
            self._answer(200, BODY)
        elif path in _ANSWERS:
            self._answer(200, *_ANSWERS[path])
        elif path == f"/{NAME}" and self.headers.get("If-None-Match") == '"v1"':
            self._answer(304)
        elif path == f"/{NAME}":
            self._answer(200, BODY, ETag='"v1"')
        elif path == f"/moved/{NAME}":
            self._answer(302, Location=f"/{NAME}")
        elif path == "/insecure":
            self._answer(302, Location="http://lists.example/list.txt")
        elif path == "/round":
            self._answer(302, Location="/round")
        elif path == "/slow":
            self.send_response(200)
            self.end_headers()
            _STOPPING.wait(20)
        else:
            self._answer(404)

    def _answer(
        self,
        status: int,
        body: bytes = b"",
        more: Mapping[str, str] = MappingProxyType({}),
        **headers: str,
    ) -> None:
        self.send_response(status)
        for name, value in {**more, **headers}.items():
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
