"""JSON that a partner wrote, read so that no two readers can understand it differently.

UTF-8, no name twice in an object, no NaN, no number beyond any range, no endless nesting; numbers
come as Decimal, digit for digit.
"""

import json
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final, NoReturn

MAX_DEPTH: Final = 16

JsonObject = dict[str, Any]


class Unreadable(ValueError):
    """A reply is not what the API gives; the message says why and holds nothing of the reply."""


def read_json_object(body: bytes) -> JsonObject:
    """Return the JSON object that is the whole of a body. Raises Unreadable."""
    said = _parse(body)
    if not isinstance(said, dict):
        raise Unreadable("the body is not a JSON object")
    _check_depth(said)
    return said


def read_json_array(body: bytes) -> list[Any]:
    """Return the JSON array that is the whole of a body. Raises Unreadable."""
    said = _parse(body)
    if not isinstance(said, list):
        raise Unreadable("the body is not a JSON array")
    _check_depth(said)
    return said


def check_json_type(content_type: str) -> None:
    """Raise Unreadable unless a Content-Type is one of JSON."""
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type != "application/json" and not media_type.endswith("+json"):
        raise Unreadable("the content type is not JSON")


def _parse(body: bytes) -> object:
    try:
        return _DECODER.decode(body.decode("utf-8"))
    except UnicodeDecodeError:
        raise Unreadable("the body is not UTF-8") from None
    except RecursionError:
        raise Unreadable(f"the body is nested deeper than {MAX_DEPTH}") from None
    except json.JSONDecodeError:
        raise Unreadable("the body is not JSON") from None


def _unique(pairs: list[tuple[str, Any]]) -> JsonObject:
    names = dict(pairs)
    if len(names) != len(pairs):
        raise Unreadable("a name stands twice in one object")
    return names


def _decimal(digits: str) -> Decimal:
    try:
        return Decimal(digits)
    except ArithmeticError:
        raise Unreadable("a number is out of any range") from None


def _refuse_constant(_name: str) -> NoReturn:
    raise Unreadable("NaN and Infinity are not JSON")


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_unique,
    parse_float=_decimal,
    parse_int=_decimal,
    parse_constant=_refuse_constant,
)


def _check_depth(said: JsonObject | list[Any]) -> None:
    level: list[object] = [said]
    for _ in range(MAX_DEPTH):
        level = [child for value in level for child in _children(value)]
        if not level:
            return
    raise Unreadable(f"the body is nested deeper than {MAX_DEPTH}")


def _children(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()
