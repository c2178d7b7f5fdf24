"""The headline of an assessment: what was found, or not found and where, as one sentence.

It is made of what is stored of an answer, so that answers of earlier versions have one, too; of
what they lack it says nothing. The order of its parts: what was found, the form of the address,
who did not answer, and the day that was asked about.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from app.assessments.rules.questions import AssessmentStatus, AssessmentType
from app.assessments.rules.risk_words import category_words, form_words, percent, provider_words
from app.lists.rules.risk import NOT_COVERED, OTHER, SANCTIONS, SCOPE

JsonObject = Mapping[str, Any]

# They look at the address alone, and for each hit at a list.
_OF_LISTS: Final = frozenset({"sanctions", "tags", "chainalysis"})
# Authorities by the first word of a list's name, as they are written in a sentence.
_AUTHORITIES: Final = {
    "EU": "the EU",
    "NBCTF": "NBCTF",
    "OFAC": "OFAC",
    "OFSI": "OFSI",
    "SECO": "SECO",
    "UK": "the UK",
    "UN": "the UN",
}
# Nothing was found because nothing could be: the lists are of other currencies.
_NOT_COVERED: Final = {
    "sanctions": "not checked for sanctions: no sanctions list in force names any such address",
    "tags": "not checked for tags: no list in force names any such address",
    "exposure": "not checked for exposure: no list in force names any such address",
}
_MOST_CATEGORIES: Final = 3
_ZERO: Final = Decimal(0)


@dataclass(frozen=True)
class _Said:
    """What one provider said, and the lists that were looked in for the whole answer."""

    provider: str
    score: Decimal
    grade: str
    reasons: tuple[JsonObject, ...]
    sources: tuple[JsonObject, ...]


def headline(
    *,
    status: str,
    summary: str | None,
    failure_reason: str | None,
    changes: Sequence[JsonObject],
) -> str:
    """Say how an assessment stands; `summary` is that of its answer, once it is ready."""
    if status == AssessmentStatus.FAILED:
        return f"Not answered: {failure_reason or 'no reason was kept'}; the credit was refunded"
    if summary is None:
        return "Not answered yet"
    newest = {change["source"]: change for change in changes}
    if not newest:
        return summary
    since = ", ".join(_since(change) for change in newest.values())
    return f"Changed since: {since}; as answered: {summary}"


def _since(change: JsonObject) -> str:
    now = "now" if change["is_listed"] else "no longer"
    issued = f" of {change['issued']}" if change.get("issued") else ""
    return f"{now} on {change['source']}{issued}"


def stored_summary(
    answer: JsonObject, *, provider: str, assessment_type: str, as_of: date | None
) -> str:
    """Return the headline that was stored with an answer, or else what it would have been."""
    stored = answer.get("summary")
    if isinstance(stored, str):
        return stored
    return summary_of(answer, provider=provider, assessment_type=assessment_type, as_of=as_of)


def summary_of(
    answer: JsonObject, *, provider: str, assessment_type: str, as_of: date | None
) -> str:
    """Return the headline of an answer; `provider` is who was asked."""
    opinions = answer.get("opinions") or []
    if opinions:
        heard = [_said(one, answer) for one in opinions if one.get("reason") is None]
    else:
        heard = [_said({"provider": provider, **answer}, answer)]
    parts = _findings(heard, answer)
    if assessment_type == AssessmentType.TRANSACTION and _OF_LISTS.issuperset(
        one.provider for one in heard
    ):
        parts.append("the transaction itself was not screened")
    if not any(one.score for one in heard) and answer.get("address_form"):
        parts.append(f"form {form_words(str(answer['address_form']))}")
    if len(heard) < len(opinions):
        parts.append(f"{len(heard)} of {len(opinions)} answered")
    if as_of is not None:
        parts.append(f"as of {as_of.isoformat()}")
    return _upper("; ".join(parts))


def _said(one: JsonObject, answer: JsonObject) -> _Said:
    reasons = [item for item in one.get("evidence") or [] if item.get("category") != SCOPE]
    return _Said(
        provider=str(one.get("provider")),
        score=_decimal(one.get("risk_score")),
        grade=str(one.get("grade")),
        reasons=tuple(reasons),
        sources=tuple(answer.get("sources") or ()),
    )


def _findings(heard: Sequence[_Said], answer: JsonObject) -> list[str]:
    if answer.get("disagreement"):
        first, *others = heard
        said = [f"{provider_words(first.provider)} says {first.grade}"]
        said += [f"{provider_words(one.provider)} {one.grade}" for one in others]
        return [f"providers disagree: {', '.join(said)}; the highest counts"]
    worst = max(heard, key=lambda one: one.score, default=None)
    if worst is None:
        return ["no provider answered"]
    if worst.score:
        return [_found(worst)]
    return list(dict.fromkeys(_not_found(one) for one in heard))


def _found(said: _Said) -> str:
    direct = [item for item in said.reasons if _is_direct(said.provider, item)]
    sanctions = [item for item in direct if item.get("category") == SANCTIONS]
    if sanctions:
        return _sanctioned(sanctions)
    if direct:
        lists = list(dict.fromkeys(str(item.get("source")) for item in direct))
        where = f"by {lists[0]}" if len(lists) == 1 else f"by {len(lists)} lists"
        words = [word for word in _heaviest(direct) if word != OTHER]
        return f"tagged as {' and '.join(words)} {where}" if words else f"tagged {where}"
    shares = ", ".join(f"{share} {words}" for words, share in _heaviest(said.reasons).items())
    if said.provider == "exposure":
        return f"exposure one hop away: {shares}; risk {said.grade}"
    says = f"{provider_words(said.provider)} says {said.grade}"
    return f"{says}: {shares}" if shares else says


def _not_found(said: _Said) -> str:
    if said.grade == NOT_COVERED:
        return _NOT_COVERED.get(said.provider, said.grade)
    match said.provider:
        case "sanctions":
            # Tag packs are looked in, too, but are no sanctions lists.
            lists = [one for one in said.sources if one.get("is_sanctions") is not False]
            return f"not {_on_lists(lists)}"
        case "tags":
            return f"no tag {_on_lists(said.sources)}"
        case "exposure":
            return f"{said.grade} one hop away"
        case "chainalysis":
            return "not known to Chainalysis as sanctioned"
        case _:
            return f"{provider_words(said.provider)} says {said.grade}"


def _is_direct(provider: str, item: JsonObject) -> bool:
    """Say whether evidence is about the address itself; earlier versions did not write it down."""
    hops = item.get("hops")
    return bool(hops == 0 if hops is not None else provider in _OF_LISTS)


def _sanctioned(hits: Sequence[JsonObject]) -> str:
    """Name who sanctions an address, since when and why: the list that says most of it leads."""
    by_list: dict[str, list[JsonObject]] = {}
    for hit in hits:
        by_list.setdefault(str(hit.get("source")), []).append(hit)
    source, leading = max(by_list.items(), key=lambda one: _told(one[1]))
    programs = _programs(leading)
    said = f"sanctioned {_by(source)}"
    if since := _since_when(leading):
        said += f" since {since}"
    if programs:
        said += f" ({', '.join(programs)})"
    if not since and (issued := leading[0].get("source_date")):
        said += f", on its list of {issued}"
    return said if len(by_list) == 1 else f"{said}; on {len(by_list)} lists"


def _told(hits: Iterable[JsonObject]) -> tuple[bool, bool]:
    return bool(_since_when(hits)), bool(_programs(hits))


def _since_when(hits: Iterable[JsonObject]) -> str | None:
    days = [str(day) for hit in hits if (day := _listing(hit).get("listed_on"))]
    return min(days, default=None)


def _programs(hits: Iterable[JsonObject]) -> list[str]:
    named = (str(one) for hit in hits for one in _listing(hit).get("programs") or ())
    return list(dict.fromkeys(named))


def _listing(hit: JsonObject) -> JsonObject:
    return hit.get("listing") or {}


def _by(source: str) -> str:
    authority = _AUTHORITIES.get(source.partition(" ")[0])
    return f"by {authority}" if authority else f"according to {source}"


def _heaviest(reasons: Iterable[JsonObject]) -> dict[str, str]:
    """Return the categories that add most, in words, with their shares as percentages."""
    adds: dict[str, Decimal] = {}
    shares: dict[str, Decimal] = {}
    for item in reasons:
        words = category_words(str(item.get("category")))
        adds[words] = adds.get(words, _ZERO) + _decimal(item.get("contribution"))
        shares[words] = shares.get(words, _ZERO) + _decimal(item.get("share"))
    first = sorted(adds, key=lambda words: (-adds[words], -shares[words]))[:_MOST_CATEGORIES]
    return {words: percent(min(shares[words], Decimal(1))) for words in first}


def _on_lists(sources: Sequence[JsonObject]) -> str:
    """Say on how many lists of which dates; the sample that comes with Assay is named as such."""
    if len(sources) == 1 and _is_sample(sources[0]):
        return f"in the {sources[0]['name']}"
    if not sources:
        return "on any list"
    many = "1 list" if len(sources) == 1 else f"{len(sources)} lists"
    days = sorted(str(one["issued"]) for one in sources if one.get("issued"))
    if not days:
        return f"on {many} of unknown date"
    dates = days[0] if days[0] == days[-1] else f"{days[0]} to {days[-1]}"
    return f"on {many} of {dates}{' or unknown date' if len(days) < len(sources) else ''}"


def _is_sample(source: JsonObject) -> bool:
    return source.get("version") is None and str(source.get("name")).startswith("built-in sample")


def _decimal(value: object) -> Decimal:
    """Read a number of an answer; 0 where there is none, as in answers of earlier versions."""
    try:
        number = Decimal(value) if isinstance(value, str) else _ZERO
    except InvalidOperation:
        return _ZERO
    return number if number.is_finite() else _ZERO


def _upper(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
