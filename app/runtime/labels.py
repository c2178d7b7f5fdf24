"""What a caller calls its own order or assessment: a reference, and some words of its own."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

REFERENCE_LENGTH: Final = 128
METADATA_MEMBERS: Final = 20
METADATA_NAME_LENGTH: Final = 40
METADATA_VALUE_LENGTH: Final = 500


@dataclass(frozen=True)
class Labels:
    """A `client_reference`, and `metadata` by its names; None: the caller gave none."""

    client_reference: str | None = None
    metadata: Mapping[str, str] | None = None


NO_LABELS: Final = Labels()
