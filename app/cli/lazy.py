"""Groups of commands that know names and help of their commands, and load what one needs to run it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup
from typing_extensions import override

from app.cli.parameters import read_plainly
from app.cli.standard_streams import failures_said, open_missing
from app.runtime.faults import OperatorFault


class Entry(NamedTuple):
    """A command that is not loaded yet."""

    target: str  # module:function
    help: str  # the first paragraph of the function's docstring, for the list of commands
    commands: "Mapping[str, Entry] | None" = None  # what may come after it, instead of its own work


class _Command(TyperCommand):
    @override
    def get_params(self, ctx: Any) -> list[Any]:
        return read_plainly(super().get_params(ctx))


class _LazyCommand(TyperCommand):
    """Stands in a list of commands; whoever runs it, or asks for its help, gets the real one."""

    def __init__(self, name: str, entry: Entry) -> None:
        super().__init__(name, help=entry.help, rich_markup_mode=None)
        self._target = entry.target
        self.commands = entry.commands or {}

    @override
    def make_context(
        self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any
    ) -> Any:
        return self._load().make_context(info_name, args, parent, **extra)

    def _load(self) -> Any:  # noqa: ANN401  Typer's own class is private
        module, _, function = self._target.partition(":")
        work = getattr(import_module(module), function)
        loaded = typer.Typer(add_completion=False, rich_markup_mode=None)
        if self.commands:
            group = _group_class(self.commands)
            loaded.callback(cls=group, invoke_without_command=True)(work)
        else:
            loaded.command(self.name, cls=_Command)(work)
        return typer.main.get_command(loaded)


class _LazyGroup(TyperGroup):
    """Lists its commands with their help in full, without loading any."""

    entries: Mapping[str, Entry] = {}

    def __init__(self, *, commands: Mapping[str, Any], **attributes: Any) -> None:  # noqa: ANN401
        lazy = {name: _LazyCommand(name, entry) for name, entry in self.entries.items()}
        super().__init__(commands={**lazy, **commands}, **attributes)

    @override
    def main(self, *arguments: Any, **options: Any) -> Any:
        open_missing()
        with failures_said(), _faults_said():
            return super().main(*arguments, **options)

    @override
    def get_params(self, ctx: Any) -> list[Any]:
        return read_plainly(super().get_params(ctx))

    @override
    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, command.help) for name, command in self.commands.items()])


@contextmanager
def _faults_said() -> Iterator[None]:
    """End the command with the plain reason of a fault that has one."""
    try:
        yield
    except OperatorFault as fault:
        typer.echo(str(fault), err=True)
        raise SystemExit(fault.exit_status) from None


def lazy_group(help_text: str, entries: Mapping[str, Entry]) -> typer.Typer:
    """Return a group of commands, to be run or to be added to another group.

    Help is plain text: Rich, which Typer would draw it with, takes as long to load as all the rest.
    """
    return typer.Typer(
        cls=_group_class(entries),
        help=help_text,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )


def _group_class(entries: Mapping[str, Entry]) -> type[TyperGroup]:
    return type("Group", (_LazyGroup,), {"entries": entries})
