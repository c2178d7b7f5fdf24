"""The built-in sample: a few addresses that are looked in until a list is imported."""

from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Final

from app.lists.parsers.files import read_list
from app.lists.rules.listings import Listing, ListVersion

SAMPLE_NAME: Final = "built-in sample, not a complete list"
_FOLDER: Final = Path(__file__).parent / "data"
# It says nothing of any day: a question as of a day is never answered from it.
_NEVER: Final = datetime.max.replace(tzinfo=UTC)


@cache
def sample() -> tuple[Listing, ...]:
    """Return the rows of the sample. Raises ListUnreadable if Assay is not installed whole."""
    read = read_list(_FOLDER)
    version = ListVersion(
        source=SAMPLE_NAME,
        number=0,
        issued=None,
        effective_on=_NEVER.date(),
        sha256=read.sha256,
        imported_at=_NEVER,
        entries=len(read.entries),
        assets=frozenset(row.asset for row in read.entries),
    )
    return tuple(Listing(row=row, version=version) for row in read.entries)
