"""The part of the report's view model about findings: reasons, parties, opinions, vendors' words."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from urllib.parse import urlsplit

from app.assessments.rules.receipts import JsonObject
from app.assessments.rules.risk_words import (
    category_words,
    percent,
    provider_words,
    sentence_words,
)
from app.lists.rules.risk import CATEGORIES, OTHER, SCOPE

NOT_GIVEN: Final = "—"
_NOT_KNOWN: Final = "not known"
# More reasons than these fill pages without telling more.
_MOST_REASONS: Final = 12


@dataclass(frozen=True)
class Category:
    """A category: `key` is one of ours, or else `other`, and `words` are what people call it."""

    key: str
    words: str


@dataclass(frozen=True)
class Reasons:
    """The reasons of an answer: those that count, and those of small or no weight."""

    shown: Sequence[JsonObject]
    minor: Sequence[JsonObject]


@dataclass(frozen=True)
class Finding:
    """A reason of the score."""

    category: Category
    detail: str
    source: str
    source_date: str | None
    share: str
    weight: str
    contribution: str


@dataclass(frozen=True)
class BarPart:
    """What a reason adds to the score, from `start` on; the whole bar is 1."""

    category_key: str
    start: Decimal
    length: Decimal


@dataclass(frozen=True)
class Party:
    """What a list says of the party of a hit; `is_web_page` if a browser may be sent to `url`."""

    facts: Sequence[tuple[str, str]]
    url: str | None
    is_web_page: bool


@dataclass(frozen=True)
class Opinion:
    """What one of several providers said; `reason` is why there is no answer."""

    provider: str
    score: str
    grade: str
    reason: str | None
    findings: Sequence[str]


@dataclass(frozen=True)
class Signal:
    """A vendor's category, its share of the value, and what it weighs here."""

    category: Category
    share: str
    weight: str


@dataclass(frozen=True)
class Vendor:
    """A vendor's own score and signals; `zeros` are the categories with a share of 0."""

    name: str
    score: str
    signals: Sequence[Signal]
    zeros: Sequence[str]


def text(value: object) -> str:
    """Return a value of an answer as text."""
    return _NOT_KNOWN if value is None else str(value)


def reasons_of(answer: JsonObject) -> Reasons:
    """Return what adds to the score or names the party of a list, and the rest."""
    reasons = [item for item in answer.get("evidence") or [] if item.get("category") != SCOPE]
    weighing = [item for item in reasons if not _is_nothing(item)]
    nothing = [item for item in reasons if _is_nothing(item)]
    return Reasons(weighing[:_MOST_REASONS], [*weighing[_MOST_REASONS:], *nothing])


def _is_nothing(item: JsonObject) -> bool:
    is_zero = _decimal(item.get("share")) == 0 and _decimal(item.get("contribution")) == 0
    return is_zero and item.get("listing") is None


def findings_of(reasons: Iterable[JsonObject]) -> list[Finding]:
    """Return reasons in words."""
    return [
        Finding(
            category=_category(reason.get("category")),
            detail=sentence_words(text(reason.get("detail"))),
            source=text(reason.get("source")),
            source_date=None if reason.get("source_date") is None else str(reason["source_date"]),
            share=_share_words(reason.get("share")),
            weight=text(reason.get("weight")),
            contribution=text(reason.get("contribution")),
        )
        for reason in reasons
    ]


def parts_of(answer: JsonObject, reasons: Sequence[JsonObject]) -> list[BarPart]:
    """Return what each reason adds to the score, by category; one part where that was not kept."""
    added = [(one.get("category"), _decimal(one.get("contribution"))) for one in reasons]
    if any(length is not None for _, length in added):
        lengths = [(category, length) for category, length in added if length]
    else:
        category = reasons[0].get("category") if reasons else None
        lengths = [(category, _decimal(answer.get("risk_score")) or Decimal(0))]
    parts, start = [], Decimal(0)
    for category, length in lengths:
        parts.append(BarPart(_category_key(category), start, length))
        start += length
    return parts


def parties_of(reasons: Iterable[JsonObject]) -> list[Party]:
    """Return whose address it is, as the lists say: each party once, by the first of its hits."""
    found: dict[tuple[object, ...], Party] = {}
    for item in reasons:
        listing = item.get("listing")
        if isinstance(listing, dict) and (listing.get("name") or listing.get("list_uid")):
            key = (item.get("source"), listing.get("list_uid"), listing.get("name"))
            if key not in found:
                found[key] = _party(item, listing)
    return list(found.values())


def _party(item: JsonObject, listing: JsonObject) -> Party:
    facts = (
        ("Name", listing.get("name")),
        ("Aliases", "; ".join(map(str, listing.get("aliases") or ()))),
        ("Kind", listing.get("party_type")),
        ("Listed by", item.get("source")),
        ("Its id there", listing.get("list_uid")),
        ("Programs", ", ".join(map(str, listing.get("programs") or ()))),
        ("Listed since", listing.get("listed_on")),
        ("Date of the list", item.get("source_date")),
        ("Address as listed", f"{listing.get('address')} ({listing.get('asset')})"),
    )
    url = str(listing["source_url"]) if listing.get("source_url") else None
    return Party(
        facts=[(name, str(value)) for name, value in facts if value],
        url=url,
        is_web_page=url is not None and _is_web_page(url),
    )


def _is_web_page(url: str) -> bool:
    try:
        return urlsplit(url).scheme in ("http", "https")
    except ValueError:
        return False


def opinions_of(answer: JsonObject) -> list[Opinion]:
    """Return what each of several providers said; the score of the answer is the highest."""
    return [_opinion(one) for one in answer.get("opinions") or ()]


def _opinion(said: JsonObject) -> Opinion:
    reason = said.get("reason")
    found = [sentence_words(text(item.get("detail"))) for item in reasons_of(said).shown]
    return Opinion(
        provider=provider_words(text(said.get("provider"))),
        score=NOT_GIVEN if reason is not None else text(said.get("risk_score")),
        grade=NOT_GIVEN if reason is not None else text(said.get("grade")),
        reason=None if reason is None else str(reason),
        findings=found,
    )


def vendors_of(content: JsonObject) -> list[Vendor]:
    """Return the own words of each vendor that was asked."""
    answer, provider = content["answer"], content["provider"]["name"]
    heard = [(one.get("provider"), one.get("vendor")) for one in answer.get("opinions") or ()]
    if not any(isinstance(vendor, dict) for _, vendor in heard):
        heard = [(provider, answer.get("vendor"))]
    return [_vendor(who, vendor) for who, vendor in heard if isinstance(vendor, dict)]


def _vendor(who: object, vendor: JsonObject) -> Vendor:
    signals, weights = vendor.get("signals", {}), vendor.get("weights", {})
    zeros = [name for name, share in signals.items() if _decimal(share) == 0]
    return Vendor(
        name=provider_words(text(who)),
        score=text(vendor.get("score")),
        signals=[
            Signal(_category(name), _share_words(share), text(weights.get(name, NOT_GIVEN)))
            for name, share in signals.items()
            if name not in zeros
        ],
        zeros=[category_words(name) for name in zeros],
    )


def _category(category: object) -> Category:
    return Category(_category_key(category), category_words(text(category)))


def _category_key(category: object) -> str:
    return category if isinstance(category, str) and category in CATEGORIES else OTHER


def _share_words(value: object) -> str:
    """Write a share as a percentage; what is no share stays as it is."""
    share = _decimal(value)
    return percent(share) if share is not None and 0 <= share <= 1 else text(value)


def _decimal(value: Any) -> Decimal | None:  # noqa: ANN401  any JSON
    """Read a number of an answer; None where it is not there, as in answers of earlier versions."""
    try:
        number = Decimal(value) if isinstance(value, str) else None
    except InvalidOperation:
        return None
    return number if number is not None and number.is_finite() else None
