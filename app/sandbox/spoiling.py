"""How each fault looks on the wire."""

import socket
import struct
from collections.abc import Callable
from decimal import Decimal
from typing import Final

from starlette.responses import RedirectResponse, Response
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from app.domain.clock import Clock
from app.domain.money import plain
from app.sandbox import exact_json
from app.sandbox.answers import Answer, error, html, render
from app.sandbox.faults import DEFAULT_CODES, NO_CODE, Fault, Kind

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
    return Response(_SPOIL[kind](answer.body), answer.status, media_type="application/json")


def error_code(fault: Fault) -> str | None:
    """Return the error number that a fault answers with; None for a page or another kind."""
    code = fault.code or DEFAULT_CODES.get(fault.kind)
    return code if fault.kind in DEFAULT_CODES and code != NO_CODE else None


def _failure(fault: Fault) -> Response:
    number = error_code(fault)
    if number is None:
        return html(int(fault.kind), _TITLES[fault.kind])
    return render(error(number, status=int(fault.kind)))


def _each_number(
    body: dict[str, object], change: Callable[[Decimal | int], object]
) -> dict[str, object]:
    return {
        name: change(member)
        if isinstance(member, Decimal | int) and not isinstance(member, bool)
        else member
        for name, member in body.items()
    }


def _duplicated(body: dict[str, object]) -> str:
    name = "state" if "state" in body else next(iter(body))
    return f'{exact_json.write(body)[:-1]}, "{name}": "BTC_SENT"}}'


def _cut(body: dict[str, object]) -> str:
    text = exact_json.write(body)
    return text[: len(text) // 2]


def _deep(body: dict[str, object]) -> str:
    return f'{exact_json.write(body)[:-1]}, "deep": {"[" * _DEPTH}{"]" * _DEPTH}}}'


def _invalid_utf8(body: dict[str, object]) -> bytes:
    return f'{exact_json.write(body)[:-1]}, "note": "'.encode() + b'\xff\xfe"}'


def _in_numbers(change: Callable[[Decimal | int], object]) -> Callable[[dict[str, object]], str]:
    return lambda body: exact_json.write(_each_number(body, change))


_SPOIL: Final[dict[Kind, Callable[[dict[str, object]], str | bytes]]] = {
    Kind.MALFORMED: _cut,
    Kind.NAN: _in_numbers(lambda _: Decimal("NaN")),
    Kind.NEGATIVE: _in_numbers(lambda number: -number),
    Kind.STRINGS: _in_numbers(lambda number: plain(Decimal(number))),
    Kind.DUPKEYS: _duplicated,
    Kind.DEEP: _deep,
    Kind.INVALID_UTF8: _invalid_utf8,
    Kind.HUGE: lambda body: exact_json.write({**body, "padding": "x" * _PADDING}),
}
