"""Words that a field of an answer may hold, where more may come in a later version.

A generated client reads `enum` as closed: it refuses an answer with a word that is newer than
itself. So the document says of such a field that it is a string, and lists the words beside that.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from inspect import getdoc
from typing import Final

from pydantic import GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

# The member by which a schema carries its words to `web/openapi_schemas.py`, which removes it.
WORDS: Final = "x-words"


@dataclass(frozen=True)
class Growing:
    """Annotation of a field of an answer: a word of an enum, or one that is added later.

    `meaning` is what the document says of them, else the docstring of the enum. It changes the
    document alone. The field's values are not checked against the words.
    """

    words: type[StrEnum]
    meaning: str | None = None

    def __get_pydantic_json_schema__(
        self, _schema: CoreSchema, _handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        said = {
            "title": self.words.__name__,
            "description": self.meaning or getdoc(self.words),
            "x-extensible-enum": [word.value for word in self.words],
        }
        return {"type": "string", WORDS: said}


def vocabulary(name: str, words: Iterable[str], meaning: str) -> type[StrEnum]:
    """Make the enum of words that are rows of a table elsewhere; `meaning` describes it."""
    made = StrEnum(name, [(word.upper().replace(" ", "_"), word) for word in words])  # type: ignore[misc]
    made.__doc__ = meaning
    return made
