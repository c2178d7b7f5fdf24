"""The parts of the report page about providers: what each said, and a vendor's own words."""

from typing import Any
from xml.etree.ElementTree import Element

from app.assessments.report import view
from app.assessments.report.markup import (
    DASH,
    el,
    fold,
    items,
    number,
    section,
    table,
    text,
    theirs,
)
from app.assessments.rules.receipts import JsonObject
from app.assessments.rules.risk_words import category_words, provider_words, sentence_words


def category(word: object) -> Element:
    """Show a category in words, with the colour that it has everywhere."""
    square = el("rect", width="10", height="10", class_=view.colour_of(word))
    swatch = el("svg", square, class_="swatch", viewBox="0 0 10 10", aria_hidden="true")
    return el("b", swatch, " ", theirs(category_words(text(word))))


def opinions(answer: JsonObject) -> list[Element]:
    """Show what each of several providers said; the score above is the highest of theirs."""
    said_each = answer.get("opinions") or []
    if not said_each:
        return []
    agree = "They disagree." if answer.get("disagreement") else "They agree on the grade."
    said = el("p", f"Each was asked, and the highest score counts. {agree}")
    rows = [
        (
            theirs(provider_words(text(opinion.get("provider")))),
            number(opinion.get("risk_score") if opinion.get("reason") is None else DASH),
            theirs(opinion.get("grade") if opinion.get("reason") is None else DASH),
            _findings(opinion),
        )
        for opinion in said_each
    ]
    headings = ("Provider", "Score", "Grade", "Found")
    return [section("What each provider said", said, table(headings, rows, "opinions"))]


def _findings(opinion: JsonObject) -> Element:
    """Return why there is no answer, or else what it found, as points."""
    if opinion.get("reason") is not None:
        return theirs(opinion["reason"])
    reasons = view.reasons_of(opinion)
    if not reasons.shown:
        return el("span", "nothing")
    return items(theirs(sentence_words(text(item.get("detail")))) for item in reasons.shown)


def vendors(content: JsonObject) -> list[Element]:
    """Show the own words of each vendor that was asked."""
    answer = content["answer"]
    heard = answer.get("opinions") or [{**answer, "provider": content["provider"]["name"]}]
    said = [(one.get("provider"), one.get("vendor")) for one in heard]
    if not any(isinstance(vendor, dict) for _, vendor in said):
        said = [(content["provider"]["name"], answer.get("vendor"))]
    return [_vendor(who, vendor) for who, vendor in said if isinstance(vendor, dict)]


def _vendor(who: object, vendor: dict[str, Any]) -> Element:
    """Show a vendor's own score and shares; categories that have none are folded away."""
    signals, weights = vendor.get("signals", {}), vendor.get("weights", {})
    zeros = [name for name, share in signals.items() if view.decimal(share) == 0]
    rows = [
        (
            category(name),
            number(view.share_words(share)),
            number(weights.get(name, DASH)),
        )
        for name, share in signals.items()
        if name not in zeros
    ]
    name = theirs(provider_words(text(who)))
    score = number(vendor.get("score"))
    shown = [el("p", "The own score of ", name, " is ", score, ", left as it was said.")]
    if rows:
        shown.append(table(("Signal", "Share", "Weight"), rows, "vendor"))
    if zeros:
        words = [theirs(category_words(one)) for one in zeros]
        noun = "signal" if len(zeros) == 1 else "signals"
        shown.append(fold(f"{len(zeros)} {noun} with a share of 0%", items(words)))
    return section("The provider's own words", *shown)
