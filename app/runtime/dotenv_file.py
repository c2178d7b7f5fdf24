"""The file `.env`, read strictly: a line that is no setting stops the start and is named.

python-dotenv, which reads the lines, skips what it does not understand. Nobody would see that a wallet
or a key is missing.
"""

import io
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from dotenv.parser import Binding, parse_stream
from dotenv.variables import Variable, parse_variables

_NAME: Final = re.compile("[A-Za-z_][A-Za-z0-9_]*")
_LINE_END: Final = re.compile(r"\r\n|\n|\r")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029]")
_BLANK: Final = re.compile(r"\s*")


class DotenvMalformed(Exception):
    """The file has lines that are no settings; the message names each, and never a value."""


def read_dotenv(path: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """Return what a file says, by its names; nothing when there is none.

    `${NAME}` in a value stands for what the environment, or an earlier line, says. Raises
    DotenvMalformed.
    """
    text = _text(path)
    problems: list[str] = []
    values: dict[str, str] = {}
    lines: dict[str, int] = {}
    for number, binding in _bindings(text):
        fault = _fault(binding, {**values, **environment}, lines)
        if fault is not None:
            problems.append(f"{path}, line {number}: {fault}")
        elif binding.key is not None:
            lines[binding.key] = number
            values[binding.key] = _filled(binding.value or "", {**values, **environment})
    if problems:
        raise DotenvMalformed("\n".join(problems))
    return values


def _text(path: Path) -> str:
    try:
        if not path.exists() and not path.is_symlink():
            return ""
        content = path.read_bytes()
    except OSError as fault:
        raise DotenvMalformed(f"{path}: cannot be read: {fault.strerror}") from None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        number = len(content[: fault.start].splitlines()) or 1
        raise DotenvMalformed(f"{path}, line {number}: is not UTF-8") from None
    odd = _CONTROL.search(text)
    if odd is not None:
        number = _line_of(text, odd.start())
        raise DotenvMalformed(f"{path}, line {number}: holds a control character")
    return text


def _line_of(text: str, position: int) -> int:
    return len(_LINE_END.findall(text, 0, position)) + 1


def _bindings(text: str) -> Iterator[tuple[int, Binding]]:
    """Yield what the lines say, each with the number of the line that it begins on."""
    position = 0
    for binding in parse_stream(io.StringIO(text, newline="")):
        blank = _BLANK.match(binding.original.string)
        start = position + (blank.end() if blank else 0)
        yield _line_of(text, start), binding
        position += len(binding.original.string)


def _fault(binding: Binding, known: Mapping[str, str], lines: Mapping[str, int]) -> str | None:
    """Say what is wrong with a line; None when nothing is."""
    if binding.error:
        return "is not NAME=VALUE; a quote that opens a value must close it, and nothing follows it"
    if binding.key is None:
        return None  # blank, or a comment
    if not _NAME.fullmatch(binding.key):
        return "the name must be ASCII letters, digits and _"
    if binding.value is None:
        return f"{binding.key} has no =, and so no value"
    if _LINE_END.search(binding.original.string.strip()):
        return f"the value of {binding.key} goes on over the end of the line: is a quote missing?"
    if _is_half_quoted(binding):
        return (
            f'the value of {binding.key} has an odd number of "; put it in single quotes if it does'
        )
    if binding.key in lines:
        return f"{binding.key} stands on line {lines[binding.key]} already"
    missing = [
        atom.name
        for atom in parse_variables(binding.value)
        if isinstance(atom, Variable) and atom.default is None and atom.name not in known
    ]
    return f"the value of {binding.key} names a variable that does not exist" if missing else None


def _is_half_quoted(binding: Binding) -> bool:
    """Say whether a quote was left out before or after a value. Descriptors hold single ones."""
    written = binding.original.string.partition("=")[2].lstrip()
    return not written.startswith(("'", '"')) and (binding.value or "").count('"') % 2 == 1


def _filled(value: str, known: Mapping[str, str]) -> str:
    return "".join(atom.resolve(known) for atom in parse_variables(value))
