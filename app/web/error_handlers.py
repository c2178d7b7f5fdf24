"""The one shape of an error: `{"detail", "code", "request_id"}`, whoever raised it and where."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.accounts.errors import NotLoggedIn, SelfStatusFault
from app.assessments.errors import AssessmentFault, AssessmentListFault
from app.orders.errors import OrderFault
from app.runtime.db.failures import Unavailable, reason_of, unavailability
from app.runtime.errors import (
    AppError,
    DatabaseAway,
    DatabaseBusy,
    DatabaseReadOnly,
    InternalFault,
    InvalidParameter,
    MissingParameter,
    NotFound,
)
from app.runtime.observability.logging import get_logger
from app.runtime.observability.metrics import Metrics
from app.runtime.observability.request_id import HEADER, request_id_of
from app.web.fields import NOT_ALLOWED
from app.web.middleware import NO_STORE
from app.web.request_errors import MethodNotAllowed

# The documented 500 of an endpoint, by the name of its function; any other has InternalFault.
FAULTS: Final[Mapping[str, Callable[[datetime], AppError]]] = {
    "new_order": lambda _now: OrderFault(),
    "check_self_status": lambda _now: SelfStatusFault(),
    "check_assessment_list_for_access_code": AssessmentListFault,
    "create_new_assessment_for_access_code": lambda _now: AssessmentFault(),
    "create_new_assessment": lambda _now: AssessmentFault(),
}

# The documented text of missing credentials, where it is not that of NotLoggedIn itself.
_LOGIN_TEXTS: Final = dict.fromkeys(
    ("new_order", "check_order_status"), "Invalid credentials. Please log in"
)

_UNAVAILABLE: Final[Mapping[Unavailable, Callable[[], AppError]]] = {
    Unavailable.AWAY: DatabaseAway,
    Unavailable.BUSY: DatabaseBusy,
    Unavailable.READ_ONLY: DatabaseReadOnly,
}

log = get_logger(__name__)


def install(app: FastAPI, *, metrics: Metrics, now: Callable[[], datetime]) -> None:
    """Answer every error of this application in the one shape.

    Adds FaultMiddleware: what is added later stands outside it, RequestIdMiddleware last.
    """
    app.add_exception_handler(AppError, _answer_app_error)
    app.add_exception_handler(RequestValidationError, _answer_validation)
    app.add_exception_handler(HTTPException, _answer_http_exception)
    app.add_exception_handler(Exception, _answer_fault_of_middleware)
    app.add_middleware(FaultMiddleware, metrics=metrics, now=now)


class FaultMiddleware:
    """Turns an exception that nobody handled into the endpoint's documented 500, or a 503.

    The exception is logged with its traceback and counted; none of it reaches the caller.
    """

    def __init__(self, app: ASGIApp, *, metrics: Metrics, now: Callable[[], datetime]) -> None:
        self._app = app
        self._metrics = metrics
        self._now = now

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def watch(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, watch)
        except Exception as error:
            if started:  # too late for another answer: the server cuts the connection
                raise
            await _problem(scope, self._fault(scope, error))(scope, receive, send)

    def _fault(self, scope: Scope, error: Exception) -> AppError:
        why = unavailability(error)
        if why is not None:
            log.warning(why.value, reason=reason_of(error))
            return _UNAVAILABLE[why]()
        endpoint = getattr(scope.get("route"), "name", "")
        log.error("unhandled_fault", endpoint=endpoint, exc_info=error)
        self._metrics.unhandled_faults.labels(endpoint).inc()
        fault = FAULTS.get(endpoint)
        return fault(self._now()) if fault else InternalFault()


def _answer(
    scope: Scope, status: int, body: Mapping[str, str], headers: Mapping[str, str]
) -> JSONResponse:
    return JSONResponse({**body, "request_id": request_id_of(scope)}, status, dict(headers))


def _problem(scope: Scope, error: AppError) -> JSONResponse:
    body = {error.member: error.detail, "code": error.code}
    return _answer(scope, error.status, body, error.headers)


async def _answer_app_error(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, AppError):
        raise error
    if error.status == HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("fault", code=error.code, exc_info=error)
    login_text = _LOGIN_TEXTS.get(getattr(request.scope.get("route"), "name", ""))
    if isinstance(error, NotLoggedIn) and login_text is not None:
        error = NotLoggedIn(login_text)
    return _problem(request.scope, error)


async def _answer_validation(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestValidationError):
        raise error
    if isinstance(error.body, AppError):  # refused by request_body
        return _problem(request.scope, error.body)
    return _problem(request.scope, first_fault(error.errors()))


def first_fault(errors: Sequence[Mapping[str, Any]]) -> AppError:
    """Name the first parameter that is at fault, in the order of the fields."""
    first = errors[0]
    context = first.get("ctx", {})
    location = first["loc"]
    name = context.get("name") or str(location[1] if len(location) > 1 else location[0])
    if first["type"] == "missing":
        return MissingParameter(name)
    if first["type"] == NOT_ALLOWED:
        return InvalidParameter(name, context["allowed"])
    return InvalidParameter(name, "as documented")


async def _answer_http_exception(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise error
    if error.status_code == HTTPStatus.NOT_FOUND:
        return _problem(request.scope, NotFound())
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        return _problem(request.scope, MethodNotAllowed(_allowed_methods(request)))
    status = HTTPStatus(error.status_code)
    body = {"detail": status.phrase, "code": f"http_{status.name.lower()}"}
    return _answer(request.scope, status, body, error.headers or {})


def _allowed_methods(request: Request) -> str:
    """List the methods of a path: each is a route of its own, and knows only itself."""
    methods: set[str] = set()
    for context in iter_route_contexts(request.app.routes):
        if context.methods and context.matches(request.scope)[0] is not Match.NONE:
            methods |= context.methods
    if "GET" in methods:
        methods.add("HEAD")  # HeadMiddleware answers it
    return ", ".join(sorted(methods or {"GET", "HEAD"}))  # none: files under a mount


async def _answer_fault_of_middleware(request: Request, _error: Exception) -> JSONResponse:
    """Answer what failed outside FaultMiddleware; the server logs it."""
    answer = _problem(request.scope, InternalFault())
    answer.headers[HEADER] = request_id_of(request.scope)
    answer.headers.update(NO_STORE)
    return answer
