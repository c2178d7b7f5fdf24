"""The schemas of the OpenAPI document, in the one form that every generator of clients takes.

What pydantic writes is right, but generators differ in what they make of it: a title names a class,
a default makes a field required, a union with null makes a class of its own. None of this changes
what is sent or answered.
"""

import re
from typing import Any, Final

from app.web.vocabularies import WORDS

Schema = dict[str, Any]

_REFERENCE: Final = "#/components/schemas/"
_MAY_GROW: Final = "More words may come: handle one that you do not know (docs/versioning.md)."
_CLOSED: Final = "No value is added within this version."


def shape(components: dict[str, Schema], inline: list[Schema]) -> None:
    """Bring the named schemas and those that stand in operations into form, in place."""
    growing: dict[str, Schema] = {}
    for schema in (*components.values(), *inline):
        _shape(schema, growing)
    for name, schema in components.items():
        for field_name, field in schema.get("properties", {}).items():
            _tell_default(field, required=field_name in schema.get("required", ()))
        if "enum" in schema and name not in growing:
            schema["x-enum-varnames"] = _names_of_values(name, schema["enum"])
            schema["description"] += f" {_CLOSED}"
    components.update(growing)


def _shape(schema: Schema, growing: dict[str, Schema]) -> None:
    """Shape a schema and all that it is made of; put the words that may grow into `growing`."""
    if WORDS in schema:
        _name_words(schema, growing)
    for inner in _inner_schemas(schema):
        inner.pop("title", None)
        _shape(inner, growing)
    if "anyOf" in schema:
        _flatten(schema)
    for limit in ("minimum", "maximum"):
        if isinstance(schema.get(limit), float) and schema[limit].is_integer():
            schema[limit] = int(schema[limit])


def _inner_schemas(schema: Schema) -> list[Schema]:
    found = [*schema.get("properties", {}).values(), *schema.get("anyOf", ())]
    others = (schema.get(member) for member in ("items", "additionalProperties"))
    return [*found, *(other for other in others if isinstance(other, dict))]


def _flatten(schema: Schema) -> None:
    """Write `this plain type, or null` as one schema of two types."""
    plain = [choice for choice in schema["anyOf"] if choice.get("type") != "null"]
    if len(plain) == 1 and len(schema["anyOf"]) > 1 and isinstance(plain[0].get("type"), str):
        del schema["anyOf"]
        for name, value in plain[0].items():
            schema.setdefault(name, value)
        schema["type"] = [plain[0]["type"], "null"]


def _name_words(schema: Schema, growing: dict[str, Schema]) -> None:
    """Make a schema of words that may grow: a string, since generators read `enum` as closed."""
    words = schema.pop(WORDS)
    listed = ", ".join(f"`{word}`" for word in words["x-extensible-enum"])
    growing[words["title"]] = {
        **words,
        "type": "string",
        "description": f"{words['description']} One of: {listed}. {_MAY_GROW}",
        "examples": words["x-extensible-enum"][:1],
    }
    schema.pop("type")
    schema["$ref"] = _REFERENCE + words["title"]


def _tell_default(field: Schema, *, required: bool) -> None:
    """Say a default in words: generators make a field that has one required."""
    default = field.pop("default", None)
    if isinstance(default, bool) and not required:
        field["description"] = f"{field['description']}. Without it: `{str(default).lower()}`"


def _names_of_values(name: str, values: list[str]) -> list[str]:
    """Name the values so that no two enums have a name in common: Go has one scope for all."""
    prefix = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).upper()
    return [f"{prefix}_{re.sub(r'[^A-Za-z0-9]+', '_', value).upper()}" for value in values]
