"""`client_reference` and `metadata`: how callers send them, and how answers show them."""

import re
from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import BeforeValidator, Field, WithJsonSchema

from app.runtime.labels import (
    METADATA_MEMBERS,
    METADATA_NAME_LENGTH,
    METADATA_VALUE_LENGTH,
    REFERENCE_LENGTH,
    Labels,
)
from app.web.fields import NO_CONTROL_CHARACTERS, RequestModel, Text, not_allowed

_PLAIN: Final = re.compile(NO_CONTROL_CHARACTERS)
_METADATA_TEXT: Final = (
    f"an object of at most {METADATA_MEMBERS} strings of at most {METADATA_VALUE_LENGTH} characters,"
    f" under names of 1 to {METADATA_NAME_LENGTH}, without control characters"
)


def _read_metadata(value: object) -> dict[str, str]:
    if not isinstance(value, dict) or len(value) > METADATA_MEMBERS:
        raise not_allowed(_METADATA_TEXT)
    for name, text in value.items():
        if not (
            isinstance(text, str)
            and 1 <= len(name) <= METADATA_NAME_LENGTH
            and len(text) <= METADATA_VALUE_LENGTH
            and _PLAIN.fullmatch(name)
            and _PLAIN.fullmatch(text)
        ):
            raise not_allowed(_METADATA_TEXT)
    return value


ClientReference = Annotated[str, Text(REFERENCE_LENGTH)]
Metadata = Annotated[
    dict[str, str],
    BeforeValidator(_read_metadata),
    WithJsonSchema(
        {
            "type": "object",
            "maxProperties": METADATA_MEMBERS,
            "propertyNames": {
                "minLength": 1,
                "maxLength": METADATA_NAME_LENGTH,
                "pattern": NO_CONTROL_CHARACTERS,
            },
            "additionalProperties": {
                "type": "string",
                "maxLength": METADATA_VALUE_LENGTH,
                "pattern": NO_CONTROL_CHARACTERS,
            },
        },
        mode="validation",
    ),
]


class LabelledRequest(RequestModel):
    """A request for something that the caller may give a name of its own."""

    client_reference: ClientReference | None = Field(
        None,
        description="What the caller calls it: at most 128 characters. Shown wherever it is shown,"
        " and lists can be searched for it",
        examples=["invoice-2026-0042"],
    )
    metadata: Metadata | None = Field(
        None,
        description="Up to 20 short strings of the caller's own, shown wherever it is shown: names"
        " of at most 40 characters, values of at most 500",
        examples=[{"cart": "4711", "shop": "Berlin"}],
    )

    @property
    def labels(self) -> Labels:
        """What the caller calls it."""
        return Labels(self.client_reference, self.metadata or None)


ShownReference = Annotated[
    str | None,
    Field(
        description="What the caller who made it calls it; null: nothing",
        examples=["invoice-2026-0042"],
    ),
]
ShownMetadata = Annotated[
    dict[str, str],
    Field(
        description="What the caller who made it gave with it; empty: nothing",
        examples=[{"cart": "4711", "shop": "Berlin"}],
    ),
]


def shown(metadata: Mapping[str, str] | None) -> dict[str, str]:
    """Return metadata as an answer has it."""
    return dict(metadata or {})
