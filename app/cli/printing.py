"""How commands print records: JSON alone on standard output, or a table for people."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any

import typer

from app.cli import tables
from app.runtime.money import plain

AsJson = Annotated[bool, typer.Option("--json", help="print JSON alone")]


def print_record(record: Mapping[str, Any], *, as_json: bool) -> None:
    """Print one record."""
    if as_json:
        typer.echo(json.dumps(_shown(record), ensure_ascii=False))
        return
    tables.print_table(("field", "value"), [(name, _text(value)) for name, value in record.items()])


def print_records(
    records: Sequence[Mapping[str, Any]], *, columns: Sequence[str], as_json: bool
) -> None:
    """Print records of one kind; a table shows these columns of them."""
    if as_json:
        typer.echo(json.dumps([_shown(record) for record in records], ensure_ascii=False))
        return
    tables.print_table(columns, [[_text(record[name]) for name in columns] for record in records])


def _text(value: object) -> str:
    """Return a value as a cell: on one line, unless it is a structure that is drawn for people."""
    shown = _shown(value)
    if isinstance(shown, str):
        return _printable(shown)
    if shown is None:
        return ""
    indent = 1 if tables.is_drawn() else None
    lines = json.dumps(shown, ensure_ascii=False, indent=indent).split("\n")
    return "\n".join(_printable(line) for line in lines)


def _printable(text: str) -> str:
    """Return a text with what would move a terminal's cursor, or break a line, as an escape."""
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in text
    )


def _shown(value: object) -> Any:  # noqa: ANN401  any JSON
    match value:
        case Mapping():
            return {str(name): _shown(part) for name, part in value.items()}
        case list() | tuple():
            return [_shown(part) for part in value]
        case Decimal():
            return plain(value)
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case date():
            return value.isoformat()
        case _:
            return value
