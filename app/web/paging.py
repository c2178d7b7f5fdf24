"""Parameters of lists that come in pages."""

from typing import Annotated

from fastapi import Query
from pydantic.json_schema import SkipJsonSchema

from app.web.fields import PageLimit

CursorParameter = Annotated[
    str | SkipJsonSchema[None],
    Query(
        description="The `next_cursor` of the page before",
        examples=["MTc2ODQ5NjQwMDAwMDAwMCBvcmRfMA"],
    ),
]
LimitParameter = Annotated[PageLimit, Query(description="How many items at most", examples=[20])]
