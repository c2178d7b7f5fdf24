"""The order that a path names."""

from typing import Annotated

from fastapi import Path

OrderIdInPath = Annotated[
    str, Path(description="The order", examples=["ord_00VbhnY6RLeQ2oZmgNCoZuaKC"])
]
