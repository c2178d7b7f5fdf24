"""FastAPI without the layers between a request and its route that nothing here uses.

Those are its telemetry, which needs an SDK of OpenTelemetry, its limit of a body's size beside that
of `request_body.py`, and its inclusion of routers, which looks for a route twice. A path without
parameters leads to its route at once: to try one after the other costs as much as PostgreSQL does.
"""

from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.middleware.asyncexitstack import AsyncExitStackMiddleware
from fastapi.routing import APIRoute
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send
from typing_extensions import override


class ExactPaths:
    """Leads a request to the route of its path and method, if both are exactly those of one."""

    def __init__(self, router: APIRouter) -> None:
        """Know the routes that `router` has now; it sees to all other requests."""
        self._router = router
        self._routes: dict[tuple[str, str], APIRoute] = {}
        for route in router.routes:
            if isinstance(route, APIRoute) and not route.param_convertors:
                for method in route.methods or ():
                    self._routes.setdefault((method, route.path), route)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        route = None
        if scope["type"] == "http" and not scope.get("root_path"):
            route = self._routes.get((scope["method"], scope["path"]))
        if route is None:
            await self._router(scope, receive, send)
            return
        scope.update(endpoint=route.endpoint, path_params={}, route=route, router=self._router)
        await route.app(scope, receive, send)


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
        handlers: dict[Any, Any] = dict(self.exception_handlers)
        layers = [
            Middleware(ServerErrorMiddleware, handler=handlers.pop(Exception, None)),
            *self.user_middleware,
            Middleware(ExceptionMiddleware, handlers=handlers),
        ]
        app: ASGIApp = ExactPaths(self.router)
        for layer, options, named in reversed(layers):
            app = layer(app, *options, **named)
        return app

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await Starlette.__call__(self, scope, receive, send)
