"""A client of the SANDBOX's controls, and how a command finds the one that `assay dev` runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx

from app.runtime.faults import OperatorFault

# Where `assay sandbox` listens unless it is told otherwise.
DEFAULT_URL: Final = "http://127.0.0.1:8100/"
_URL_FILE: Final = "sandbox-url"
_TIMEOUT_SECONDS: Final = 20.0
_MARK: Final = "X-Sandbox"


class SandboxRefused(OperatorFault):
    """The SANDBOX is not there, or cannot do what was asked now; the message says why."""


@contextmanager
def sandbox_found(data_dir: Path, url: str) -> Iterator[None]:
    """Write into the data folder where the SANDBOX listens while the body runs."""
    path = data_dir / _URL_FILE
    path.write_text(url, encoding="ascii")
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def url_in(data_dir: Path) -> str:
    """Return where the SANDBOX of `assay dev` listens, or else where one listens by default."""
    try:
        return (data_dir / _URL_FILE).read_text(encoding="ascii")
    except FileNotFoundError:
        return DEFAULT_URL


class SandboxClient:
    """Presses the buttons of a SANDBOX. What it refuses is raised as SandboxRefused."""

    def __init__(self, url: str) -> None:
        """`url` is its root."""
        self._url = url if url.endswith("/") else f"{url}/"

    def read(self, path: str) -> Any:  # noqa: ANN401  any JSON
        """GET a path."""
        return self._ask("GET", path)

    def press(self, path: str, **members: object) -> Any:  # noqa: ANN401  any JSON
        """POST to a control; members that are None are left out."""
        sent = {name: value for name, value in members.items() if value is not None}
        return self._ask("POST", f"control/{path}", sent)

    def set_pace(self, every_seconds: float | None) -> None:
        """Let blocks come by themselves, or, with None, on demand alone."""
        self._ask("POST", "control/chain/pace", {"every_seconds": every_seconds})

    def _ask(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401
        try:
            answer = httpx.request(
                method, self._url + path, json=body, timeout=_TIMEOUT_SECONDS, trust_env=False
            )
        except (httpx.HTTPError, httpx.InvalidURL) as fault:
            reason = str(fault) or type(fault).__name__
            raise SandboxRefused(
                f"no SANDBOX answers at {self._url}: {reason}; start `assay dev`, or name another"
                " with --url"
            ) from None
        if _MARK not in answer.headers:
            raise SandboxRefused(
                f"what answers at {self._url} is no SANDBOX: nothing was asked of it"
            )
        if answer.is_error:
            detail = answer.json().get("detail") if "json" in answer.headers["Content-Type"] else ""
            raise SandboxRefused(f"the SANDBOX refuses: {detail or answer.status_code}")
        return answer.json()
