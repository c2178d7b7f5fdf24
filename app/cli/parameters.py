"""How values of options and arguments are read.

Typer reads every value by Pydantic, which takes longer to load than all else of a small command, and
takes digits of any script, and `1_0`, for numbers. Here texts and paths are taken as they are, and numbers are written
in ASCII digits; Typer itself reads the rest.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import typer
from typer.core import TyperArgument, TyperOption
from typing_extensions import override

from app.runtime.plain_text import DECIMAL_NUMBER, WHOLE_NUMBER

_NUMBERS: Final = {
    int: (WHOLE_NUMBER, "a whole number, in ASCII digits"),
    float: (DECIMAL_NUMBER, "a number, such as 12 or 0.5"),
}


class _Reader:
    """Reads values of one parameter, by Typer's own reader where that is needed."""

    def __init__(self, annotation: object, own_reader: Callable[[], Any]) -> None:
        self._annotation = annotation
        self._own_reader = own_reader

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:  # noqa: ANN401  as Typer's
        if not param.multiple and param.nargs == 1:
            if value is None or (self._annotation is str and isinstance(value, str)):
                return value
            if self._annotation is Path and isinstance(value, str):
                return Path(value)
            if isinstance(value, str):
                self._refuse_odd_number(value, param, ctx)
        return self._own_reader().coerce(value, param=param, ctx=ctx)

    def _refuse_odd_number(self, value: str, param: Any, ctx: Any) -> None:  # noqa: ANN401
        for kind, (pattern, words) in _NUMBERS.items():
            if self._annotation is kind and not pattern.fullmatch(value):
                raise typer.BadParameter(f"must be {words}", ctx=ctx, param=param)


class _Option(TyperOption):
    @override
    def get_runtime_param(self) -> Any:
        return _Reader(self.type_descriptor.annotation, super().get_runtime_param)


class _Argument(TyperArgument):
    @override
    def get_runtime_param(self) -> Any:
        return _Reader(self.type_descriptor.annotation, super().get_runtime_param)


def read_plainly(parameters: list[Any]) -> list[Any]:
    """Return these parameters of a command, made to read their values as this module says.

    Typer makes them of its own two classes, and takes no other.
    """
    for parameter in parameters:
        parameter.__class__ = _Option if isinstance(parameter, TyperOption) else _Argument
    return parameters
