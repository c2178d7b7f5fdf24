"""How far each provider is with a question: kept in the assessment's row while it is pending."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from pydantic import TypeAdapter

from app.assessments.providers.base import Answer
from app.runtime.money import plain


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far one provider is.

    `asks` counts how often it was asked to do the work, and may want to be paid; `reference` is
    under what it works on it. `answer`, or `failure`, is what came of it.
    """

    asks: int = 0
    reference: str | None = None
    answer: Answer | None = None
    failure: str | None = None

    @property
    def is_settled(self) -> bool:
        """Say whether it has answered, or failed for good."""
        return self.answer is not None or self.failure is not None


ByProvider = Mapping[str, Progress]
_READER = TypeAdapter(dict[str, Progress])


def read(stored: object) -> dict[str, Progress]:
    """Read what `write` wrote."""
    return _READER.validate_python(stored)


def write(progress: ByProvider) -> dict[str, Any]:
    """Return it as JSON, without what says nothing."""
    return {
        name: {part: value for part, value in as_json(asdict(one)).items() if value is not None}
        for name, one in progress.items()
    }


def as_json(value: Any) -> Any:  # noqa: ANN401  any part of an answer
    """Return a part of an answer as JSON: numbers are plain decimal texts."""
    match value:
        case dict():
            return {name: as_json(part) for name, part in value.items()}
        case list() | tuple():
            return [as_json(part) for part in value]
        case Decimal():
            return plain(value)
        case date():
            return value.isoformat()
        case _:
            return value
