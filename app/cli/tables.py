"""Tables on a terminal, drawn by Rich."""

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text


def draw_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows of texts under the names of their columns; what is too wide is folded."""
    table = Table(*(Column(name, overflow="fold") for name in columns))
    for row in rows:
        table.add_row(*(Text(text) for text in row))
    Console().print(table)
