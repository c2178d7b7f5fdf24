"""Exports: all of a list as one file, CSV or JSON Lines, written page by page as it is read.

A page is read by one statement and its connection given back before it is sent: a reader that is
slow holds nothing, and memory does not grow with the list. A fault in the midst cuts the connection
without the end that HTTP/1.1 demands (RFC 9112, section 7.1), so that no part passes for the whole.
"""

import csv
import io
import json
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Final

from fastapi import Query, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from app.runtime.db.engine import Database
from app.runtime.db.pool import waiting_as_one_request
from app.runtime.observability.request_id import STREAM_BEGAN
from app.runtime.paging import Page
from app.web.dependencies import resources_of
from app.web.fields import Allowed
from app.web.middleware import is_head

# To make a page of answers keeps others waiting for some milliseconds.
PAGE_LENGTH: Final = 100
_TYPES: Final = {"csv": "text/csv; charset=utf-8; header=present", "jsonl": "application/jsonl"}
_NUMBER: Final = re.compile(r"[+-]?\d+(\.\d+)?", re.ASCII)
# What makes a spreadsheet read a cell as a formula (OWASP, "CSV Injection"); the last four are
# = + - @ of full width.
_FORMULA_BEGINS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", *"\uff1d\uff0b\uff0d\uff20")

# Reads the page that begins at a cursor, or the first.
ReadPage = Callable[[AsyncConnection, str | None], Awaitable[Page[Any]]]
# Where the value of each column stands in the JSON of an item.
Columns = Mapping[str, Sequence[str]]


class ExportFormat(StrEnum):
    """How an export is written."""

    CSV = "csv"
    JSONL = "jsonl"


FormatParameter = Annotated[
    Annotated[ExportFormat, Allowed("one of: csv, jsonl")],
    Query(
        alias="format",
        description="`csv`: RFC 4180 in UTF-8, with a header; `jsonl`: one JSON object in each line",
        examples=["jsonl"],
    ),
]


def columns_of(*names: str) -> Columns:
    """Return columns by where their values stand: `payment.rail` is the column `rail`."""
    return {name.rpartition(".")[2]: name.split(".") for name in names}


def documented(item: str, columns: Columns) -> dict[int | str, dict[str, Any]]:
    """Document what an export answers; `item` says what a line of JSON Lines is."""
    text = {"type": "string"}
    listed = ", ".join(f"`{name}`" for name in columns)
    return {
        200: {
            "headers": {
                "Content-Disposition": {
                    "description": "A name for the file",
                    "schema": text,
                    "example": 'attachment; filename="orders-20260111T124603Z.csv"',
                }
            },
            "content": {
                "text/csv": {"schema": {**text, "description": f"The columns: {listed}"}},
                "application/jsonl": {"schema": {**text, "description": f"In each line, {item}"}},
            },
        }
    }


class ExportResponse(StreamingResponse):
    """Answers with a file that is written while it is sent."""

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("state", {})[STREAM_BEGAN] = time.perf_counter()
        await super().__call__(scope, receive, send)


async def respond(
    request: Request,
    name: str,
    form: ExportFormat,
    columns: Columns,
    read: ReadPage,
    *,
    connection: AsyncConnection,
    now: datetime,
) -> ExportResponse:
    """Answer with all pages of a list.

    The first is read before, by the `connection` of the endpoint: a fault then is an error as any.
    """
    first = await read(connection, None)
    database = resources_of(request).database
    stream = _written(_pages(database, first, read), form, columns)
    at = now.astimezone(UTC)
    return ExportResponse(
        _nothing() if is_head(request.scope) else stream,
        media_type=_TYPES[form],
        headers={
            "Content-Disposition": f'attachment; filename="{name}-{at:%Y%m%dT%H%M%SZ}.{form}"'
        },
    )


async def _pages(
    database: Database, page: Page[Any], read: ReadPage
) -> AsyncIterator[Sequence[BaseModel]]:
    yield page.items
    while page.next_cursor is not None:
        with waiting_as_one_request():
            async with database.reading() as connection:
                page = await read(connection, page.next_cursor)
        yield page.items


async def _written(
    pages: AsyncIterator[Sequence[BaseModel]], form: ExportFormat, columns: Columns
) -> AsyncIterator[str]:
    if form is ExportFormat.CSV:
        yield write_csv([columns.keys()])
    async for items in pages:
        yield _lines(items, form, columns)


async def _nothing() -> AsyncIterator[str]:
    return
    yield


def _lines(items: Sequence[BaseModel], form: ExportFormat, columns: Columns) -> str:
    if form is ExportFormat.JSONL:
        return "".join(f"{item.model_dump_json()}\n" for item in items)
    shown = [item.model_dump(mode="json") for item in items]
    return write_csv([_cell(one, path) for path in columns.values()] for one in shown)


def write_csv(rows: Any) -> str:  # noqa: ANN401  what csv takes
    """Write rows by RFC 4180."""
    written = io.StringIO()
    csv.writer(written, lineterminator="\r\n").writerows(rows)
    return written.getvalue()


def _cell(shown: Any, path: Sequence[str]) -> str:  # noqa: ANN401  any JSON
    for name in path:
        shown = None if shown is None else shown[name]
    match shown:
        case None:
            return ""
        case bool():
            return str(shown).lower()
        case str():
            return guarded(shown)
        case dict() | list():
            return json.dumps(shown, ensure_ascii=False, separators=(",", ":"))
        case _:
            return str(shown)


def guarded(text: str) -> str:
    """Return a text that no spreadsheet reads as a formula: an apostrophe goes before it.

    A number is left as it is, with its sign.
    """
    if text.startswith(_FORMULA_BEGINS) and not _NUMBER.fullmatch(text):
        return f"'{text}"
    return text
