"""What a new version of a list changes for an earlier answer of `sanctions` or `tags`."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any, Final

from app.assessments.progress import as_json
from app.assessments.providers import sanctions, tags
from app.assessments.providers.base import listed_party
from app.assessments.providers.listed_evidence import heaviest_first
from app.lists.rules.listings import Listing, ListVersion


@dataclass(frozen=True)
class _Judge:
    """A provider that answers from lists: which rows count, and what they come to.

    `mark` says what two versions share only if neither changes the answer of the other.
    """

    name: str
    counting: Callable[[Iterable[Listing]], Sequence[Listing]]
    mark: Callable[[Sequence[Listing]], object]
    verdict: Callable[[Sequence[Listing]], tuple[Decimal, str]]


def _weights(listings: Iterable[Listing]) -> frozenset[tuple[object, ...]]:
    rows = [listing.row for listing in listings]
    return frozenset((row.category, row.confidence, row.is_mention) for row in rows)


_JUDGES: Final = (
    _Judge(sanctions.NAME, sanctions.sanctioned, bool, sanctions.verdict),
    _Judge(tags.NAME, heaviest_first, _weights, tags.verdict),
)


def change_of(
    version: ListVersion,
    answer: Mapping[str, Any],
    *,
    asked: Sequence[str],
    was: Sequence[Listing],
    is_now: Sequence[Listing],
    said: tuple[Decimal, str] | None,
) -> dict[str, Any] | None:
    """Return what a version changes for an answer; None: nothing.

    `asked` are the providers; where `sanctions` says nothing new, `tags` may. `was` is what the
    version before it says of the address, `is_now` what it says itself, with all other lists.
    `said` is what the last change made of the answer.
    """
    if _version_in(answer, version.source) >= version.number:
        return None
    judges = [judge for judge in _JUDGES if judge.name in asked]
    for judge in judges:
        here = judge.counting(one for one in is_now if one.version.source == version.source)
        then = judge.counting(was)
        if judge.mark(then) == judge.mark(here):
            continue
        if len(judges) == 1:
            before = said or _answer_of(answer, judge.name)
        else:  # the last change may be one for the other provider
            others = [one for one in is_now if one.version.source != version.source]
            before = judge.verdict(judge.counting([*others, *was]))
        after = judge.verdict(judge.counting(is_now))
        return {
            "source": version.source,
            "to_version": version.number,
            "is_listed": bool(here),
            "score_before": before[0],
            "grade_before": before[1],
            "score_after": after[0],
            "grade_after": after[1],
            "entries": [_entry(listing) for listing in here or then],
        }
    return None


def _answer_of(answer: Mapping[str, Any], provider: str) -> tuple[Decimal, str]:
    """Return what a provider answered, among others or alone."""
    opinions = answer.get("opinions") or []
    own = next((one for one in opinions if one["provider"] == provider), answer)
    return Decimal(own["risk_score"]), own["grade"]


def _version_in(answer: Mapping[str, Any], source: str) -> int:
    """Return the version of a list that an answer is from; 0 where it had none."""
    versions = [one.get("version") for one in answer["sources"] if one["name"] == source]
    return min((version for version in versions if version is not None), default=0)


def _entry(listing: Listing) -> dict[str, Any]:
    row, party = listing.row, as_json(asdict(listed_party(listing)))
    del party["name"]  # under `label`
    return {**party, "label": row.label, "reference": row.reference, "category": row.category}
