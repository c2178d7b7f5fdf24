"""The field types that schemas share: strict, with texts of our own for what is wrong.

The text of a type says only what is allowed, "a whole number from 1 to 10"; the error handler
puts the parameter's name and "must be" before it. Bodies arrive as Python objects from the strict
reader of `web/request_body.py`, so that `true` is a bool and `1.0` a float: neither is an integer.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Final

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    PlainSerializer,
    Strict,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from app.runtime.money import plain
from app.runtime.security import PASSWORD_MAX_LENGTH, PASSWORD_MIN_LENGTH

MAX_CREDITS: Final = 1_000_000_000
MAX_LIST_LENGTH: Final = 1000
MAX_PAGE_LENGTH: Final = 100
# Type of every error that carries a text of ours; the handler trusts no other text.
NOT_ALLOWED: Final = "not_allowed"

NO_CONTROL_CHARACTERS: Final = r"^[^\x00-\x1f\x7f-\x9f]*$"
_EMAIL: Final = r"^[^@\s\x00-\x1f\x7f-\x9f]+@[^@\s\x00-\x1f\x7f-\x9f]+\.[^@\s\x00-\x1f\x7f-\x9f]+$"
_RFC_3339: Final = re.compile(
    r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})", re.ASCII | re.IGNORECASE
)
_RFC_3339_TEXT: Final = "an RFC 3339 time with its offset, such as 2030-01-31T12:00:00Z"


def not_allowed(allowed: str, *, name: str | None = None) -> PydanticCustomError:
    """Make the error of a value that is there but is not what is allowed.

    `name` is that of the parameter, where a validator of the whole body finds it.
    """
    named = {"name": name} if name else {}
    return PydanticCustomError(NOT_ALLOWED, "{allowed}", {"allowed": allowed, **named})


def missing(name: str) -> PydanticCustomError:
    """Make the error of a parameter that other parameters make necessary.

    For a `model_validator(mode="after")`: it runs once every field by itself is right.
    """
    return PydanticCustomError("missing", "Field required", {"name": name})


def _with_text(schema: CoreSchema, allowed: str) -> CoreSchema:
    return core_schema.custom_error_schema(
        schema,
        custom_error_type=NOT_ALLOWED,
        custom_error_message="{allowed}",
        custom_error_context={"allowed": allowed},
    )


@dataclass(frozen=True)
class Allowed:
    """Annotation that replaces whatever pydantic says of a type by one text of ours."""

    text: str

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return _with_text(handler(source), self.text)


@dataclass(frozen=True)
class Text:
    """Annotation of a string of 1 to `max_length` characters without control characters."""

    max_length: int

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        text = core_schema.str_schema(
            strict=True, min_length=1, max_length=self.max_length, pattern=NO_CONTROL_CHARACTERS
        )
        allowed = f"a string of at most {self.max_length} characters without control characters"
        return _with_text(text, allowed)


# What callers send

Credits = Annotated[
    int, Strict(), Field(ge=1, le=MAX_CREDITS), Allowed(f"a whole number from 1 to {MAX_CREDITS}")
]
# Of one order: the endpoint says how many it may be, for that depends on the coin (`OrderRoute`).
OUT_OF_RANGE: Final = "credits_out_of_range"


@dataclass(frozen=True)
class _EndpointSaysRange:
    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.custom_error_schema(
            handler(source),
            custom_error_type=OUT_OF_RANGE,
            custom_error_message="out of range",
        )


OrderCredits = Annotated[int, Strict(), Field(ge=1), _EndpointSaysRange()]
# What tickers, addresses and hashes are written in: no look-alikes, no blanks.
_VISIBLE_ASCII: Final = r"^[!-~]+$"
# A blank around them is trimmed, of whatever width (Unicode's Zs). What cannot be seen at all, or
# changes how the rest is shown, is refused: nobody knows what was meant to be asked.
_BLANKS: Final = " \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"


def _trimmed(value: object) -> object:
    return value.strip(_BLANKS) if isinstance(value, str) else value


ShortWord = Annotated[
    str,
    Strict(),
    Field(max_length=64, pattern=_VISIBLE_ASCII),
    Allowed("a string of at most 64 visible ASCII characters"),
    BeforeValidator(_trimmed),
]
LongWord = Annotated[
    str,
    Strict(),
    Field(max_length=256, pattern=_VISIBLE_ASCII),
    Allowed("a string of at most 256 visible ASCII characters"),
    BeforeValidator(_trimmed),
]
StrictBoolean = Annotated[bool, Strict(), Allowed("true or false")]
ShortText = Annotated[str, Text(64)]
LongText = Annotated[str, Text(256)]
Email = Annotated[
    str,
    Strict(),
    Field(max_length=254, pattern=_EMAIL),
    Allowed("an e-mail address of at most 254 characters"),
]
Password = Annotated[
    str,
    Strict(),
    Field(
        min_length=PASSWORD_MIN_LENGTH,
        max_length=PASSWORD_MAX_LENGTH,
        pattern=NO_CONTROL_CHARACTERS,
    ),
    Allowed(
        f"a string of {PASSWORD_MIN_LENGTH} to {PASSWORD_MAX_LENGTH} characters "
        "without control characters"
    ),
]


def _list_of_bounded_length(value: object) -> object:
    if not isinstance(value, list):
        raise not_allowed("a list")
    if len(value) > MAX_LIST_LENGTH:
        raise not_allowed(f"a list of at most {MAX_LIST_LENGTH} strings")
    return value


TextList = Annotated[
    list[Annotated[str, Strict()]],
    Field(min_length=1, max_length=MAX_LIST_LENGTH),
    Allowed("a list of strings"),
    BeforeValidator(_list_of_bounded_length),
]


def _read_time(value: object) -> datetime:
    if not isinstance(value, str) or not _RFC_3339.fullmatch(value):
        raise not_allowed(_RFC_3339_TEXT)
    try:
        return datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError):  # the 30th of February; year 1 east of Greenwich
        raise not_allowed(_RFC_3339_TEXT) from None


TimeSent = Annotated[
    datetime,
    BeforeValidator(_read_time),
    WithJsonSchema({"type": "string", "format": "date-time"}, mode="validation"),
]


# What callers put into a query string: text that FastAPI hands on

PageLimit = Annotated[
    int, Field(ge=1, le=MAX_PAGE_LENGTH), Allowed(f"a whole number from 1 to {MAX_PAGE_LENGTH}")
]


def _read_flag(value: object) -> bool:
    match value:
        case bool():
            return value
        case "true" | "false":
            return value == "true"
        case _:
            raise not_allowed("true or false")


FlagInQuery = Annotated[bool, BeforeValidator(_read_flag)]


# What callers receive


def _in_utc(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("a time in an answer must be aware")
    return value.astimezone(UTC)


Timestamp = Annotated[
    datetime, AfterValidator(_in_utc), WithJsonSchema({"type": "string", "format": "date-time"})
]
Money = Annotated[
    Decimal,
    PlainSerializer(plain, return_type=str, when_used="json"),
    WithJsonSchema(
        {"type": "string", "pattern": r"^-?\d+(\.\d+)?$", "examples": ["0.0005"]},
        mode="serialization",
    ),
]


def _is_missing(value: object) -> bool:
    return value is None or value in ("", [])


class RequestModel(BaseModel):
    """A body: unknown fields are ignored; `null`, `""` and `[]` are as if they were not sent."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    @classmethod
    def ignored(cls, sent: Mapping[str, object]) -> Collection[str]:  # noqa: ARG003
        """Name the fields that play no part beside the others, whatever stands in them."""
        return ()

    @model_validator(mode="before")
    @classmethod
    def _drop_missing(cls, sent: Any) -> Any:  # noqa: ANN401
        if not isinstance(sent, dict):  # else its attributes are read, even those of a refusal
            raise not_allowed("one JSON object")
        ignored = cls.ignored(sent)
        return {
            name: value
            for name, value in sent.items()
            if not _is_missing(value) and name not in ignored
        }


class ChangeModel(BaseModel):
    """The body of a PATCH: unknown fields are ignored, what is not named stays as it is.

    `null` is a value: what an absent field is at the creation.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _refuse_others(cls, sent: Any) -> Any:  # noqa: ANN401
        if not isinstance(sent, dict):  # else its attributes are read, even those of a refusal
            raise not_allowed("one JSON object")
        return sent


class ResponseModel(BaseModel):
    """An answer: every field is always there. A default is for what an older row does not say."""

    model_config = ConfigDict(frozen=True, json_schema_serialization_defaults_required=True)
