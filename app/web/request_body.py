"""Reading a JSON body strictly, with a limit, and after the caller was accepted.

FastAPI reads a declared body before it solves dependencies. So that nobody learns about a body
before the caller is known, a refusal does not rise here: it travels on as the parsed body, fails
validation after the dependencies have run, and `error_handlers` answers the refusal it finds.
"""

import asyncio
import json
import math
import re
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import replace
from http import HTTPStatus
from inspect import iscoroutinefunction
from typing import Any, ClassVar, Final, NoReturn

from fastapi import Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import request_params_to_args, solve_dependencies
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope
from typing_extensions import override

from app.runtime.errors import AppError
from app.web.openapi import unique_operation_id
from app.web.request_errors import BodyTimeout, BodyTooLarge, MalformedBody, UnsupportedMediaType

MAX_DEPTH: Final = 16
BODY_LIMIT_BYTES: Final = 16 * 1024
LIST_LIMIT_BYTES: Final = 256 * 1024  # a list of 1,000 ids has 33 kB
BODY_SECONDS: Final = 10.0
# In the place of the answer that dependencies may add headers to; none of ours does.
_NO_RESPONSE: Final = Response()
# What every dependant of FastAPI has of its own.
_OWN: Final[dict[str, Any]] = dict.fromkeys(
    (
        *("name", "call", "path", "scope", "request_param_name"),
        *("own_oauth_scopes", "parent_oauth_scopes"),
    )
)

_CLIENT_CLOSED_REQUEST: Final = 499  # for the log alone: nobody is there to read it
# Strings whole (even one that never ends), so that brackets inside them do not count.
_STRING_OR_BRACKET: Final = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]', re.DOTALL)


def _refuse(detail: str) -> NoReturn:
    raise MalformedBody(detail)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        _refuse("The body names a key twice in one object")
    return members


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        _refuse("The body has a number that is too large")
    return number


def _not_json(_constant: str) -> NoReturn:
    _refuse("The body has NaN or Infinity, which JSON does not have")


_decoder: Final = json.JSONDecoder(
    object_pairs_hook=_unique, parse_float=_finite, parse_constant=_not_json
)


def _depth(text: str) -> int:
    deepest = depth = 0
    for match in _STRING_OR_BRACKET.finditer(text):
        if match[0] in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif match[0] in "]}":
            depth -= 1
    return deepest


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for element in value:
            yield from _strings(element)
    elif isinstance(value, dict):
        for key, member in value.items():
            yield key
            yield from _strings(member)


def _check_characters(parsed: object) -> None:
    for text in _strings(parsed):
        if "\0" in text:
            _refuse("The body has a NUL character")
        try:
            text.encode()
        except UnicodeEncodeError:
            _refuse("The body has half of a surrogate pair")


def parse(body: bytes) -> dict[str, Any]:
    """Read one JSON object (RFC 8259), strictly.

    Raises MalformedBody, whose text says which rule was broken and repeats nothing of the body.
    """
    if not body:
        _refuse("The body is empty; send one JSON object")
    try:
        text = body.decode()
    except UnicodeDecodeError:
        _refuse("The body is not UTF-8")
    if "\0" in text:
        _refuse("The body has a NUL character")
    if text.count("[") + text.count("{") > MAX_DEPTH and _depth(text) > MAX_DEPTH:
        _refuse(f"The body is nested deeper than {MAX_DEPTH} levels")
    try:
        parsed = _decoder.decode(text)
    except json.JSONDecodeError as error:
        _refuse(f"The body is not valid JSON at line {error.lineno}, column {error.colno}")
    except ValueError:  # Python's limit on the digits of an integer
        _refuse("The body has a number with too many digits")
    if not isinstance(parsed, dict):
        _refuse("The body must be one JSON object")
    if "\\u" in text:  # nothing else makes a NUL or a lone surrogate out of valid UTF-8
        _check_characters(parsed)
    return parsed


def _judge_headers(headers: Headers, limit_bytes: int) -> None:
    """Refuse by what the headers promise. Raises UnsupportedMediaType or BodyTooLarge."""
    if not _is_json(headers.getlist("content-type")):
        raise UnsupportedMediaType
    if headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise UnsupportedMediaType("The body must not be compressed: no Content-Encoding")
    length = headers.get("content-length", "").lstrip("0")
    # Compared by digits first: int() refuses numbers of thousands of them.
    limit = str(limit_bytes)
    if length.isdecimal() and (len(length), length) > (len(limit), limit):
        raise BodyTooLarge(limit_bytes)


def _has_no_body(headers: Headers) -> bool:
    """Say whether a request of HTTP/1.1 has no body, or an empty one (RFC 9112, section 6.3)."""
    return "transfer-encoding" not in headers and not headers.get("content-length", "").strip("0")


def _is_json(content_types: list[str]) -> bool:
    if len(content_types) != 1:
        return False
    media_type, *parameters = (part.strip().lower() for part in content_types[0].split(";"))
    return media_type == "application/json" and all(
        parameter in ("", "charset=utf-8", 'charset="utf-8"') for parameter in parameters
    )


class StrictRequest(Request):
    """A request whose `json()` is an object, or else the AppError that says why it is none.

    `read()` or `leave_out()` comes first; StrictRoute calls it.
    """

    def __init__(
        self, scope: Scope, receive: Receive, *, limit_bytes: int, timeout_seconds: float
    ) -> None:
        super().__init__(scope, receive)
        self._limit_bytes = limit_bytes
        self._timeout_seconds = timeout_seconds
        self._parsed: dict[str, Any] | AppError | None = None

    async def read(self) -> None:
        """Read and parse the body once. Raises ClientDisconnect when the caller hangs up."""
        try:
            self._parsed = parse(await self._collect())
        except AppError as refusal:
            self._parsed = refusal

    def leave_out(self) -> None:
        """Stand for a body that may be absent, and is: every parameter has its default."""
        self._parsed = {}

    async def _collect(self) -> bytes:
        body = bytearray()
        more = True
        try:
            async with asyncio.timeout(self._timeout_seconds):
                while more:
                    message = await self.receive()
                    if message["type"] == "http.disconnect":
                        raise ClientDisconnect
                    body += message.get("body", b"")
                    if len(body) > self._limit_bytes:
                        raise BodyTooLarge(self._limit_bytes)
                    more = message.get("more_body", False)
        except TimeoutError:
            raise BodyTimeout(self._timeout_seconds) from None
        return bytes(body)

    @override
    async def json(self) -> Any:
        return self._parsed


class StrictRoute(APIRoute):
    """A route that takes its body, if it declares one, by the strict reader above.

    A subclass may set another limit; `APIRouter(route_class=...)` uses it.
    """

    body_limit_bytes: ClassVar[int] = BODY_LIMIT_BYTES
    body_seconds: ClassVar[float] = BODY_SECONDS

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:  # noqa: ANN401
        """Take what APIRoute takes; the operation is named after the function."""
        options["generate_unique_id_function"] = unique_operation_id
        super().__init__(path, endpoint, **options)
        self._is_plain = _is_plain(self.dependant)

    @override
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        if self.body_field is None:
            return self._answer
        required = self.body_field.field_info.is_required()

        async def answer_body(request: Request) -> Response:
            absent = not required and _has_no_body(request.headers)
            if not absent:
                _judge_headers(request.headers, self.body_limit_bytes)
            strict = StrictRequest(
                request.scope,
                request.receive,
                limit_bytes=self.body_limit_bytes,
                timeout_seconds=self.body_seconds,
            )
            if absent:
                strict.leave_out()
            else:
                try:
                    await strict.read()
                except ClientDisconnect:
                    return Response(status_code=_CLIENT_CLOSED_REQUEST)
            return await self._answer(strict, await strict.json())

        return answer_body

    async def _answer(self, request: Request, body: Any = None) -> Response:  # noqa: ANN401
        """Solve what the endpoint asks for, call it, and write its answer.

        FastAPI's own handler looks at the body's type again, and validates the answer that a
        service of ours has made.
        """
        if self._is_plain:
            values = await self._solve_plainly(request, body)
        else:
            solved = await solve_dependencies(
                request=request,
                dependant=self.dependant,
                body=body,
                response=_NO_RESPONSE,
                async_exit_stack=request.scope["fastapi_inner_astack"],
                embed_body_fields=False,
            )
            if solved.errors:
                raise RequestValidationError(solved.errors, body=body)
            values = solved.values
        answer = await self.endpoint(**values)
        if isinstance(answer, Response) or self.response_field is None:
            return answer  # type: ignore[no-any-return]
        content = self.response_field.serialize_json(answer)
        return Response(content, self.status_code or HTTPStatus.OK, media_type="application/json")

    async def _solve_plainly(self, request: Request, body: Any) -> dict[str, Any]:  # noqa: ANN401
        """Solve what `_is_plain` allows, in the order of FastAPI: its own way costs as much again."""
        values: dict[str, Any] = {}
        for dependency in self.dependant.dependencies:
            values[dependency.name or ""] = await dependency.call(  # type: ignore[misc]
                **{dependency.request_param_name or "": request}
            )
        if self.dependant.request_param_name is not None:
            values[self.dependant.request_param_name] = request
        headers, errors = request_params_to_args(self.dependant.header_params, request.headers)
        if self.body_field is not None:
            values[self.body_field.name], faults = self.body_field.validate(
                body, values, loc=("body",)
            )
            errors += faults
        if errors:
            raise RequestValidationError(errors, body=body)
        return values | headers


def _is_plain(dependant: Dependant) -> bool:
    """Say whether an endpoint asks for its body, headers, and functions of the request alone."""
    nothing = Dependant()
    other = replace(dependant, **_OWN, dependencies=[], header_params=[], body_params=[])
    return other == nothing and all(
        replace(one, **_OWN) == nothing
        and one.name is not None
        and one.request_param_name is not None
        and iscoroutinefunction(one.call)
        for one in dependant.dependencies
    )


class ListRoute(StrictRoute):
    """A route whose body carries a long list."""

    body_limit_bytes = LIST_LIMIT_BYTES


async def sent_text(request: Request, name: str) -> str | None:
    """Return a string that the body carries under `name`, for a dependency that needs it early.

    None when it is absent, not a string, or the body was refused: validation answers that later.
    """
    body = await request.json()
    value = body.get(name) if isinstance(body, dict) else None
    return value if isinstance(value, str) else None
