"""Lists that come in pages."""

from typing import Annotated, Generic, TypeVar

from fastapi import Query
from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from app.web.fields import PageLimit, ResponseModel

Item = TypeVar("Item")

CursorParameter = Annotated[
    str | SkipJsonSchema[None],
    Query(
        description="The `next_cursor` of the page before",
        examples=["MTc2ODQ5NjQwMDAwMDAwMCBvcmRfMA"],
    ),
]
LimitParameter = Annotated[PageLimit, Query(description="How many items at most", examples=[20])]


class PageResponse(ResponseModel, Generic[Item]):
    """Some items, newest first."""

    items: list[Item]
    next_cursor: str | None = Field(
        description="Where the next page begins; null on the last one",
        examples=["MTc2ODQ5NjQwMDAwMDAwMCBvcmRfMA"],
    )
