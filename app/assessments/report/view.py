"""What the report page says of an answer, in words and without markup."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from app.assessments.rules.receipts import JsonObject
from app.assessments.rules.risk_words import form_words, percent, provider_words
from app.lists.rules.risk import CATEGORIES, OTHER, SCOPE

_FORMS: Final = {
    "valid": "valid: its checksum is right",
    "not_checkable": "not checkable: this form has no checksum, so a mistyped one looks the same",
    "not_checked": "not checked: Assay does not know this form, or the currency",
}
# More reasons than these fill pages without telling more.
_MOST_REASONS: Final = 12
_SHORT_HASH: Final = 12


@dataclass(frozen=True)
class Reasons:
    """The reasons of an answer: those that are shown, and those that are folded away."""

    shown: Sequence[JsonObject]
    folded: Sequence[JsonObject]


def reasons_of(answer: JsonObject) -> Reasons:
    """Return what adds to the score or names the party of a list, and the rest."""
    reasons = [item for item in answer.get("evidence") or [] if item.get("category") != SCOPE]
    weighing = [item for item in reasons if not _is_nothing(item)]
    nothing = [item for item in reasons if _is_nothing(item)]
    return Reasons(weighing[:_MOST_REASONS], [*weighing[_MOST_REASONS:], *nothing])


def _is_nothing(item: JsonObject) -> bool:
    is_zero = decimal(item.get("share")) == 0 and decimal(item.get("contribution")) == 0
    return is_zero and item.get("listing") is None


def limits_of(answer: JsonObject, provider: str) -> list[tuple[str, str]]:
    """Return the limits of each provider's answer, each once, with who has it."""
    said = answer.get("opinions") or [{"provider": provider, **answer}]
    limits = [
        (provider_words(str(one.get("provider"))), str(item.get("detail")))
        for one in [*said, {"provider": provider, **answer}]
        for item in one.get("evidence") or []
        if item.get("category") == SCOPE
    ]
    by_detail: dict[str, str] = {}
    for who, detail in limits:
        by_detail.setdefault(detail, who)
    return [(who, detail) for detail, who in by_detail.items()]


def looked_at(content: JsonObject) -> list[tuple[str, str]]:
    """Return what was looked at: the form, the spelling, the lists with their dates, who answered."""
    answer, sources = content["answer"], content["sources"]
    said = []
    if form := answer.get("address_form"):
        said.append(("Form of the address", _FORMS.get(str(form), form_words(str(form)))))
    looked_up = answer.get("looked_up")
    if looked_up and looked_up != content["question"]["address"]:
        said.append(("Looked up as", str(looked_up)))
    lists = [_list_words(one) for one in sources]
    said.append(("Lists", "; ".join(lists) or "none"))
    opinions = answer.get("opinions") or []
    if opinions:
        heard = [one for one in opinions if one.get("reason") is None]
        names = ", ".join(provider_words(str(one.get("provider"))) for one in heard)
        said.append(("Providers", f"{len(heard)} of {len(opinions)} answered: {names}"))
    else:
        name = provider_words(str(content["provider"]["name"]))
        said.append(("Providers", f"1 of 1 answered: {name}"))
    return said


def _list_words(source: JsonObject) -> str:
    kind = " (tag pack)" if source.get("is_sanctions") is False else ""
    return f"{source.get('name')} {_of_day(source.get('issued'))}{kind}"


def _of_day(day: object) -> str:
    return f"of {day}" if day else "of unknown date"


def party_facts(item: JsonObject) -> list[tuple[str, str]]:
    """Return what a list says of the party of a hit, but for the link to it."""
    listing = item.get("listing")
    if not isinstance(listing, dict):
        return []
    pairs = (
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
    return [(name, str(value)) for name, value in pairs if value]


def parties(reasons: Iterable[JsonObject]) -> list[JsonObject]:
    """Return the hits that say whose address it is, each party once, that with most facts first."""
    found: dict[tuple[object, ...], JsonObject] = {}
    for item in reasons:
        listing = item.get("listing")
        if isinstance(listing, dict) and (listing.get("name") or listing.get("list_uid")):
            key = (item.get("source"), listing.get("list_uid"), listing.get("name"))
            found.setdefault(key, item)
    return list(found.values())


def parts_of(answer: JsonObject, reasons: Sequence[JsonObject]) -> list[tuple[str, Decimal]]:
    """Return what each reason adds to the score, by category; one part where that was not kept."""
    parts = [(colour_of(one.get("category")), decimal(one.get("contribution"))) for one in reasons]
    if any(part is not None for _, part in parts):
        return [(colour, part) for colour, part in parts if part]
    colour = colour_of(reasons[0].get("category")) if reasons else colour_of(None)
    return [(colour, decimal(answer.get("risk_score")) or Decimal(0))]


def colour_of(category: object) -> str:
    """Name the colour of a category: one of ours always has the same."""
    known = isinstance(category, str) and category in CATEGORIES
    return f"of-{str(category if known else OTHER).replace('_', '-')}"


def decimal(value: Any) -> Decimal | None:  # noqa: ANN401  any JSON
    """Read a number of an answer; None where it is not there, as in answers of earlier versions."""
    try:
        number = Decimal(value) if isinstance(value, str) else None
    except InvalidOperation:
        return None
    return number if number is not None and number.is_finite() else None


def share_words(value: object) -> object:
    """Write a share as a percentage; what is no share stays as it is."""
    share = decimal(value)
    return percent(share) if share is not None and 0 <= share <= 1 else value


def short_hash(value: object) -> str:
    """Return the beginning of a hash, which is enough to tell lists apart."""
    text = str(value)
    return f"{text[:_SHORT_HASH]}\N{HORIZONTAL ELLIPSIS}" if len(text) > _SHORT_HASH else text
