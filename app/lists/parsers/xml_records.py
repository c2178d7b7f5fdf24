"""Reading XML as a stream: one record at a time is held, however long the file is.

Namespaces have changed before: names are compared without them. Document types are refused, and
with them every entity.
"""

from collections.abc import Callable, Collection
from typing import Any
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat


class MalformedList(ValueError):
    """The file is not a list of the expected format; the message says why."""


class RecordParser:
    """Takes the bytes of a file in pieces, and hands on each element that has one of the names."""

    def __init__(self, root: str, names: Collection[str], keep: Callable[[Element], None]) -> None:
        """Expect this root element; `keep` gets the named ones, whole, when they end."""
        self._root, self._names, self._keep = root, frozenset(names), keep
        self._tree: TreeBuilder | None = None
        self._depth = 0  # of the current element inside the one that is being kept
        self._root_seen = False
        self._parser = _new_parser()
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text

    def feed(self, piece: bytes) -> None:
        """Read on; raises MalformedList."""
        _parse(self._parser, piece, is_last=False)

    def close(self) -> None:
        """Say that the file has ended; raises MalformedList if its text has not."""
        _parse(self._parser, b"", is_last=True)

    def _start(self, qualified_name: str, attributes: dict[str, str]) -> None:
        name = qualified_name.rpartition(":")[2]
        if not self._root_seen:
            self._root_seen = True
            if name != self._root:
                raise MalformedList(
                    f"its root element is not {self._root}, as in the files of OFAC's list that are"
                    " read: sdn_advanced.xml and sdn.xml"
                )
        if self._tree is None:
            if name not in self._names:
                return
            self._tree = TreeBuilder()
        self._tree.start(name, attributes)
        self._depth += 1

    def _text(self, text: str) -> None:
        if self._tree is not None:
            self._tree.data(text)

    def _end(self, qualified_name: str) -> None:
        if self._tree is None:
            return
        self._tree.end(qualified_name.rpartition(":")[2])
        self._depth -= 1
        if self._depth == 0:
            element = self._tree.close()
            self._tree = None
            self._keep(element)


def root_of(head: bytes) -> str:
    """Return the name of the root element, from the first bytes of a file; "" if it comes later.

    Raises MalformedList.
    """
    found: list[str] = []

    def start(qualified_name: str, _attributes: dict[str, str]) -> None:
        found.append(qualified_name.rpartition(":")[2])
        parser.StartElementHandler = None

    parser = _new_parser()
    parser.StartElementHandler = start
    _parse(parser, head, is_last=False)
    return found[0] if found else ""


def _new_parser() -> Any:  # noqa: ANN401  expat's own type is not public
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse_doctype
    return parser


def _refuse_doctype(
    _name: str, _system_id: str | None, _public_id: str | None, _internal: bool
) -> None:
    raise MalformedList("it declares a document type, which OFAC's lists do not")


def _parse(parser: Any, piece: bytes, *, is_last: bool) -> None:  # noqa: ANN401
    try:
        parser.Parse(piece, is_last)
    except expat.ExpatError as error:
        raise MalformedList(f"it is not well-formed XML: {error}") from None
    except MalformedList as error:
        if not str(error).startswith("line "):
            raise MalformedList(f"line {parser.CurrentLineNumber}: {error}") from None
        raise
