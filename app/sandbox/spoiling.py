"""How each fault looks on the wire."""

import math
import socket
import struct
from collections.abc import Callable
from decimal import Decimal
from typing import Final

from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from app.runtime.clock import Clock
from app.runtime.money import plain
from app.sandbox import exact_json
from app.sandbox.answers import Answer, error, html, render
from app.sandbox.faults import AEONTO, DEFAULT_CODES, NO_CODE, Fault, Kind
from app.sandbox.views import View

_Body = dict[str, object] | list[object] | str
_DEPTH: Final = 10_000
_PADDING: Final = 128 * 1024
_TITLES: Final = {
    Kind.E400: "400 Bad Request",
    Kind.E403: "403 Forbidden",
    Kind.E404: "404 Not Found",
    Kind.E500: "500 Internal Server Error",
    Kind.E503: "503 Service Unavailable",
}


class NoAnswer(Response):
    """Ends the connection without a byte of answer; `reset` sends RST where the end would be FIN."""

    def __init__(self, *, reset: bool) -> None:
        super().__init__()
        self._reset = reset

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        hang_up = getattr(scope["app"].state, "hang_up", None)
        if hang_up is None:
            # No socket is in reach (an in-process transport): the caller meets the error itself.
            raise ConnectionResetError("the sandbox hung up")
        hang_up(scope["client"], reset=self._reset)
        while (await receive())["type"] != "http.disconnect":
            pass


def linger_nothing(connection: socket.socket) -> None:
    """Make a socket send RST when it is closed."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


async def play(fault: Fault, answer: Answer | None, clock: Clock) -> Response:
    """Answer a request as its fault demands; `answer` is None when the request did no work."""
    match fault.kind:
        case Kind.TIMEOUT:
            await clock.sleep(fault.seconds)
            return render(answer) if answer else NoAnswer(reset=False)
        case Kind.DROP | Kind.RESET:
            return NoAnswer(reset=fault.kind is Kind.RESET)
        case Kind.E400 | Kind.E403 | Kind.E404 | Kind.E500 | Kind.E503:
            return _failure(fault)
        case Kind.E429:
            wait = {"Retry-After": str(math.ceil(fault.seconds))}
            return PlainTextResponse("429 Too Many Requests", 429, wait)
        case Kind.HTML:
            return html(200, "Welcome")
        case Kind.EMPTY:
            return Response(status_code=200, media_type="application/json")
        case Kind.REDIRECT:
            return RedirectResponse(fault.code or "", status_code=307)
        case _:
            return _spoiled(fault.kind, answer)


def _spoiled(kind: Kind, answer: Answer | None) -> Response:
    if answer is None:
        raise ValueError(f"{kind} needs an answer to spoil")
    text = answer.body if isinstance(answer.body, str) else exact_json.write(answer.body)
    spoiled = _SPOIL[kind](answer.body, text)
    return Response(spoiled, answer.status, media_type=render(answer).media_type)


def error_code(fault: Fault) -> str | None:
    """Return the error number that a fault answers with; None for a page or another kind."""
    code = fault.code or DEFAULT_CODES.get(fault.kind)
    return code if fault.kind in DEFAULT_CODES and code != NO_CODE else None


def _failure(fault: Fault) -> Response:
    if isinstance(fault.source, View):
        return PlainTextResponse(_TITLES[fault.kind], int(fault.kind))
    number = error_code(fault) if fault.source == AEONTO else None
    if number is None:
        return html(int(fault.kind), _TITLES[fault.kind])
    return render(error(number, status=int(fault.kind)))


_Change = Callable[[Decimal | int], object]


def _each_number(value: object, change: _Change) -> object:
    match value:
        case dict():
            return {name: _each_number(member, change) for name, member in value.items()}
        case list():
            return [_each_number(item, change) for item in value]
        case Decimal() | int() if not isinstance(value, bool):
            return change(value)
        case _:
            return value


def _in_numbers(change: _Change) -> Callable[[_Body, str], str]:
    def spoil(body: _Body, text: str) -> str:
        if isinstance(body, str):
            return exact_json.write(change(int(text))) if text.isdigit() else text
        return exact_json.write(_each_number(body, change))

    return spoil


def _added(body: _Body, text: str, name: str, value: str) -> str:
    """Write one more member, item or line: JSON that is given as text."""
    if isinstance(body, str):
        return f"{text}\n{value}"
    comma = ", " if body else ""
    member = f'"{name}": {value}' if isinstance(body, dict) else value
    return f"{text[:-1]}{comma}{member}{text[-1]}"


def _duplicated(body: _Body, text: str) -> str:
    match body:
        case dict():
            name = "state" if "state" in body else next(iter(body))
            return _added(body, text, name, '"BTC_SENT"')
        case [dict() as first, *rest]:
            others = "".join(f", {exact_json.write(item)}" for item in rest)
            return f"[{_duplicated(first, exact_json.write(first))}{others}]"
        case _:
            return _added(body, text, "", '"BTC_SENT"')


def _cut(_body: _Body, text: str) -> str:
    return text[: len(text) // 2]


def _deep(body: _Body, text: str) -> str:
    return _added(body, text, "deep", "[" * _DEPTH + "]" * _DEPTH)


def _invalid_utf8(body: _Body, text: str) -> bytes:
    return _added(body, text, "note", '"?"').encode().replace(b'"?"', b'"\xff\xfe"')


def _huge(body: _Body, text: str) -> str:
    return _added(body, text, "padding", f'"{"x" * _PADDING}"')


_SPOIL: Final[dict[Kind, Callable[[_Body, str], str | bytes]]] = {
    Kind.MALFORMED: _cut,
    Kind.NAN: _in_numbers(lambda _: Decimal("NaN")),
    Kind.NEGATIVE: _in_numbers(lambda number: -number),
    Kind.STRINGS: _in_numbers(lambda number: plain(Decimal(number))),
    Kind.DUPKEYS: _duplicated,
    Kind.DEEP: _deep,
    Kind.INVALID_UTF8: _invalid_utf8,
    Kind.HUGE: _huge,
}
