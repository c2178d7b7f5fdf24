"""FastAPI without the layers between a request and its route that nothing here uses.

Those are its telemetry, which needs an SDK of OpenTelemetry, its limit of a body's size beside that
of `request_body.py`, and its inclusion of routers, which looks for a route twice.
"""

from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.middleware.asyncexitstack import AsyncExitStackMiddleware
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send
from typing_extensions import override


class Application(FastAPI):
    """An application whose middlewares are Starlette's and those that are added to it."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401
        """Take what FastAPI takes."""
        super().__init__(**options)
        self.add_middleware(AsyncExitStackMiddleware)  # the handlers of FastAPI ask for its stack

    def add_routes_of(self, router: APIRouter) -> None:
        """Serve the routes of a feature, which have the prefix, tags and answers of their router."""
        self.router.routes.extend(router.routes)

    @override
    def build_middleware_stack(self) -> ASGIApp:
        return Starlette.build_middleware_stack(self)

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await Starlette.__call__(self, scope, receive, send)
