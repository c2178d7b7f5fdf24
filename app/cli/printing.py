"""How commands print records: JSON alone on standard output, or a table for people."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any

import typer

from app.domain.money import plain

AsJson = Annotated[bool, typer.Option("--json", help="print JSON alone")]


def print_record(record: Mapping[str, Any], *, as_json: bool) -> None:
    """Print one record."""
    if as_json:
        typer.echo(json.dumps(_shown(record), ensure_ascii=False))
        return
    rows = [(name, _text(value)) for name, value in record.items()]
    _draw(("field", "value"), rows)


def print_records(
    records: Sequence[Mapping[str, Any]], *, columns: Sequence[str], as_json: bool
) -> None:
    """Print records of one kind; a table shows these columns of them."""
    if as_json:
        typer.echo(json.dumps([_shown(record) for record in records], ensure_ascii=False))
        return
    _draw(columns, [[_text(record[name]) for name in columns] for record in records])


def _draw(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    from app.cli.tables import draw_table  # noqa: PLC0415  JSON needs no Rich

    draw_table(columns, rows)


def _text(value: object) -> str:
    shown = _shown(value)
    if isinstance(shown, str):
        return shown
    return "" if shown is None else json.dumps(shown, ensure_ascii=False, indent=1)


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
