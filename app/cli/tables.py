"""Tables: drawn by Rich on a terminal, plain lines for a pipe or a file.

A word is never broken, however narrow the terminal is: it may be a secret or an id to be copied.
"""

import sys
from collections.abc import Sequence
from typing import Final

import typer

_GAP: Final = "  "


def is_drawn() -> bool:
    """Say whether tables go to a terminal."""
    return sys.stdout.isatty()


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows of texts under the names of their columns."""
    if is_drawn():
        _draw(columns, rows)
    else:
        _write(columns, rows)


def _write(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Write a line for each row, in aligned columns, without a frame or colour."""
    lines = [columns, *rows]
    widths = [max(len(line[place]) for line in lines) for place in range(len(columns))]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        typer.echo(_GAP.join(cells).rstrip())


def _draw(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.console import Console  # noqa: PLC0415  what is piped needs no Rich
    from rich.table import Column, Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(
        *(
            Column(name, min_width=max(_longest_word(row[place]) for row in (columns, *rows)))
            for place, name in enumerate(columns)
        )
    )
    for row in rows:
        table.add_row(*(Text(text) for text in row))
    Console().print(table, crop=False)


def _longest_word(text: str) -> int:
    from rich.cells import cell_len  # noqa: PLC0415

    return max(map(cell_len, text.split()), default=1)
