"""Where people reach this server, for links to it."""

from starlette.types import Scope


def public_url(scope: Scope, configured: str | None) -> str:
    """Return the URL that links to this server begin with, its final slash included.

    It is the one that is configured, or else the address that the request came to. `Host` and
    `X-Forwarded-*` say nothing here: whoever sends a request may write into them what they like.
    """
    if configured is not None:
        return configured
    host, port = scope.get("server") or ("localhost", None)
    if "/" in host:  # a Unix socket
        host = "localhost"
    name = f"[{host}]" if ":" in host else host
    return f"http://{name}/" if port is None else f"http://{name}:{port}/"
