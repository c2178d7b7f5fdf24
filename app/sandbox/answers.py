"""What AEON.to answers: shapes typed from AEON.to API v3 into `golden/`, filled with values."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

from starlette.responses import PlainTextResponse, Response

from app.sandbox import exact_json

_GOLDEN: Final = Path(__file__).parent / "golden"


def _load(name: str) -> dict[str, object]:
    return cast("dict[str, object]", exact_json.read((_GOLDEN / f"{name}.json").read_bytes()))


SHAPES: Final = {
    name: _load(name)
    for name in (
        "order_parameter_query",
        "order_create",
        "order_create_pp",
        "order_status_query",
        "order_status_not_found",
        "order_check_price",
    )
}
ERRORS: Final = cast("dict[str, dict[str, object]]", _load("errors"))


class Refusal(Exception):
    """A request that AEON.to answers with one of its error numbers."""

    def __init__(self, number: str) -> None:
        super().__init__(number)
        self.number = number


@dataclass(frozen=True)
class Answer:
    """An answer before it is written: the HTTP status, and what is JSON, or plain text if a str."""

    status: int
    body: dict[str, object] | list[object] | str


def success(
    shape: str,
    values: Mapping[str, object],
    *,
    status: int = 200,
    lies: Mapping[str, object] | None = None,
) -> Answer:
    """Fill a golden shape: its members, in its order, and no others; `lies` are put over them."""
    truth = {name: values[name] for name in SHAPES[shape]}
    return Answer(status, {**truth, **(lies or {})})


def error(number: str, *, status: int | None = None) -> Answer:
    """Answer an error of AEON.to API v3; an unlisted number needs a status."""
    known = ERRORS.get(number, {"status": 400, "error_msg": "unlisted error"})
    body: dict[str, object] = {
        "error": f"AEONTO-ERROR-{number}",
        "error_msg": known["error_msg"],
    }
    return Answer(status or cast("int", known["status"]), body)


def render(answer: Answer) -> Response:
    """Write an answer with the exact digits of its numbers."""
    if isinstance(answer.body, str):
        return PlainTextResponse(answer.body, answer.status)
    return Response(exact_json.write(answer.body), answer.status, media_type="application/json")


def html(status: int, title: str) -> Response:
    """Answer a page of a web server instead of the API's JSON."""
    page = f"<!doctype html><title>{title}</title><h1>{title}</h1><p>SANDBOX of AEON.to</p>\n"
    return Response(page, status, media_type="text/html")
