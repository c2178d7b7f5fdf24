"""What an answer is that has a page of a list."""

from typing import Generic, TypeVar

from pydantic import Field

from app.web.fields import ResponseModel

Item = TypeVar("Item")


class PageResponse(ResponseModel, Generic[Item]):
    """Some items, newest first."""

    items: list[Item]
    next_cursor: str | None = Field(
        description="Where the next page begins; null on the last one",
        examples=["MTc2ODQ5NjQwMDAwMDAwMCBvcmRfMA"],
    )
