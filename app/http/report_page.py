"""The page of an assessment that people read and print: one HTML file that needs nothing else.

It shows what the receipt says and no more. Names on lists are written by others, so the page is
built as a tree, and the writer of the tree escapes all that is text; nothing here joins strings.
A browser sends no API key, so people open a saved file: the policy stands in the page, too.
"""

import base64
import hashlib
import re
from collections.abc import Iterable, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final
from xml.etree.ElementTree import Element, SubElement, tostring

import segno

from app.domain.money import plain
from app.domain.receipts import JsonObject, sha256_of

_STYLE_FILE: Final = Path(__file__).resolve().parent.parent / "static" / "report.css"
_STYLE: Final = _STYLE_FILE.read_text(encoding="utf-8")
_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'"
)
SECURITY_HEADERS: Final = {
    "Content-Security-Policy": f"{_POLICY}; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
# Colours of the parts of the bar, in static/report.css; they begin anew after the last.
_COLOURS: Final = 6
_BAR_WIDTH: Final = 1000
_LIMIT: Final = "scope"  # the category of what an answer does not say
_NOT_KNOWN: Final = "not known"
# What turns the direction of writing (Unicode, UAX 9): it can make a name read as another.
_TURNING: Final = re.compile("[\u202a-\u202e\u2066-\u2069]")
# The margin that a QR code needs around it to be read (ISO/IEC 18004), in modules.
_QR_MARGIN: Final = 4
_QR_MASK: Final = 2


def render(content: JsonObject, receipt: bytes | None, changes: Sequence[JsonObject] = ()) -> str:
    """Return the page of a receipt's content, with the receipt's hash where there is one.

    `changes` are what later versions of lists changed.
    """
    answer = content["answer"]
    reasons = [item for item in answer.get("evidence", []) if item.get("category") != _LIMIT]
    limits = [item for item in answer.get("evidence", []) if item.get("category") == _LIMIT]
    main = _el(
        "main",
        _question(content),
        _verdict(answer, reasons),
        *_changes(changes),
        _evidence(reasons),
        *_limits(limits),
        *_opinions(answer),
        *_vendor(answer.get("vendor")),
        _sources(content["sources"]),
        _record(content),
        _proof(receipt),
    )
    page = _el("html", _head(content), _el("body", main), lang="en")
    return f"<!doctype html>\n{tostring(page, encoding='unicode', method='html')}\n"


def _el(tag: str, *inside: Element | str, **attributes: str) -> Element:
    """Make an element; `class_` is the attribute `class`, `aria_label` is `aria-label`."""
    names = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()}
    element = Element(tag, names)
    for part in inside:
        if isinstance(part, Element):
            element.append(part)
        elif len(element):
            element[-1].tail = (element[-1].tail or "") + part
        else:
            element.text = (element.text or "") + part
    return element


def _text(value: object) -> str:
    return _NOT_KNOWN if value is None else _TURNING.sub("\N{REPLACEMENT CHARACTER}", str(value))


def _theirs(value: object) -> Element:
    """Set off text of others, so that its direction of writing ends where it does."""
    return _el("bdi", _text(value))


def _head(content: JsonObject) -> Element:
    return _el(
        "head",
        _el("meta", charset="utf-8"),
        _el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        _el("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        _el("title", f"Risk assessment {content['assessment_id']}"),
        _el("style", _STYLE),
    )


def _question(content: JsonObject) -> Element:
    question = content["question"]
    asked = [
        _el(
            "p", f"Risk of this {question['currency']} {question['assessment_type']}", class_="kind"
        )
    ]
    if question["tx_hash"] is not None:
        asked.append(_el("h1", _theirs(question["tx_hash"])))
        asked.append(_el("p", "with the address ", _el("code", _theirs(question["address"]))))
    else:
        asked.append(_el("h1", _theirs(question["address"])))
    return _el("header", *asked)


def _verdict(answer: JsonObject, reasons: Sequence[JsonObject]) -> Element:
    score, grade = _text(answer.get("risk_score")), _text(answer.get("grade"))
    word = grade if grade in ("none", "low", "medium", "high", "severe") else "other"
    return _el(
        "section",
        _el(
            "p",
            _el("span", score, class_="score"),
            _el("span", " of 1", class_="of"),
            " ",
            _el("span", grade, class_=f"grade {word}"),
        ),
        _bar(answer, reasons),
        _el("p", _el("span", "0: none known"), _el("span", "1: certain"), class_="scale"),
        class_="verdict",
    )


def _decimal(value: object) -> Decimal | None:
    """Read a number of an answer; None where it is not there, as in answers of earlier versions."""
    if not isinstance(value, str):
        return None
    try:
        number = Decimal(value)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _parts(answer: JsonObject, reasons: Sequence[JsonObject]) -> list[Decimal]:
    """Return what each reason adds to the score; one part where that was not kept."""
    parts = [_decimal(reason.get("contribution")) for reason in reasons]
    if any(part is not None for part in parts):
        return [part or Decimal(0) for part in parts]
    return [_decimal(answer.get("risk_score")) or Decimal(0)]


def _bar(answer: JsonObject, reasons: Sequence[JsonObject]) -> Element:
    parts = _parts(answer, reasons)
    bar = _el(
        "svg",
        class_="bar",
        viewBox=f"0 0 {_BAR_WIDTH} 40",
        preserveAspectRatio="none",
        role="img",
        aria_label=f"Score {_text(answer.get('risk_score'))}, made of "
        + (", ".join(plain(part) for part in parts if part) or "no part"),
    )
    SubElement(bar, "rect", {"class": "rest", "width": str(_BAR_WIDTH), "height": "40"})
    left = Decimal(0)
    for number, part in enumerate(parts):
        place = {"x": plain(left * _BAR_WIDTH), "width": plain(part * _BAR_WIDTH), "height": "40"}
        SubElement(bar, "rect", {"class": _colour(number), **place})
        left += part
    return bar


def _colour(number: int) -> str:
    return f"part{number % _COLOURS}"


def _swatch(number: int) -> Element:
    square = _el("rect", width="10", height="10", class_=_colour(number))
    return _el("svg", square, class_="swatch", viewBox="0 0 10 10", aria_hidden="true")


def _table(headings: Sequence[str], rows: Iterable[Sequence[Element | str]]) -> Element:
    """Make a table whose cells carry their headings, for phones, where each row is a card."""
    head = _el("tr", *(_el("th", heading, scope="col") for heading in headings))
    body = [
        _el(
            "tr",
            *(
                _el("td", _el("span", cell), data_label=heading)
                for heading, cell in zip(headings, row, strict=True)
            ),
        )
        for row in rows
    ]
    return _el("table", _el("thead", head), _el("tbody", *body))


def _evidence(reasons: Sequence[JsonObject]) -> Element:
    if not reasons:
        return _el("section", _el("h2", "Evidence"), _el("p", "Nothing adds to the score."))
    rows = [
        (
            _category(number, reason.get("category")),
            _theirs(reason.get("detail")),
            _dated(reason.get("source"), reason.get("source_date")),
            _text(reason.get("share")),
            _text(reason.get("weight")),
            _text(reason.get("contribution")),
        )
        for number, reason in enumerate(reasons)
    ]
    table = _table(("Category", "Found", "Source", "Share", "Weight", "Adds"), rows)
    table.set("class", "evidence")
    return _el("section", _el("h2", "Evidence"), table)


def _category(number: int, category: object) -> Element:
    return _el("b", _swatch(number), " ", _theirs(_text(category).replace("_", " ")))


def _dated(source: object, day: object) -> Element:
    if day is None:
        return _theirs(source)
    return _el("span", _theirs(source), " ", _day(day))


def _day(day: object) -> Element:
    return _el("span", _text(day), class_="day")


def _changes(changes: Sequence[JsonObject]) -> list[Element]:
    if not changes:
        return []
    rows = [
        (
            _day(change["found_at"][:10]),
            _theirs(f"{change['source']}, version {change['version']}"),
            "listed" if change["is_listed"] else "no longer listed",
            _theirs("; ".join(entry["label"] or entry["address"] for entry in change["entries"])),
            f"{change['score_before']}, {change['grade_before']}",
            f"{change['score_after']}, {change['grade_after']}",
        )
        for change in changes
    ]
    table = _table(("Found", "List", "Address", "As", "Before", "After"), rows)
    said = _el(
        "p",
        "Later versions of lists change this. The rest of the page is the answer as it was given.",
    )
    return [_el("section", _el("h2", "Since then"), said, table)]


def _limits(limits: Sequence[JsonObject]) -> list[Element]:
    if not limits:
        return []
    items = [_el("li", _theirs(limit.get("detail"))) for limit in limits]
    return [_el("section", _el("h2", "What this does not say"), _el("ul", *items))]


def _opinions(answer: JsonObject) -> list[Element]:
    """Show what each of several providers said; the score above is the highest of theirs."""
    opinions = answer.get("opinions", [])
    if not opinions:
        return []
    agree = "They disagree." if answer.get("disagreement") else "They agree on the grade."
    said = _el("p", f"Each was asked, and the highest score counts. {agree}")
    rows = [
        (
            _theirs(opinion.get("provider")),
            _text(opinion.get("risk_score")) if opinion.get("reason") is None else "none",
            _theirs(opinion.get("grade") or "none"),
            _reasons(opinion),
        )
        for opinion in opinions
    ]
    table = _table(("Provider", "Score", "Grade", "Found"), rows)
    return [_el("section", _el("h2", "What each provider said"), said, table)]


def _reasons(opinion: JsonObject) -> Element:
    """Return why there is no answer, or else what adds to its score."""
    if opinion.get("reason") is not None:
        return _theirs(opinion["reason"])
    evidence = opinion.get("evidence", [])
    found = [item.get("detail") for item in evidence if item.get("category") != _LIMIT]
    return _el("span", *(_el("span", _theirs(one), " ") for one in found or ["nothing"]))


def _vendor(vendor: Any) -> list[Element]:  # noqa: ANN401  null, or an object
    if not isinstance(vendor, dict):
        return []
    signals, weights = vendor.get("signals", {}), vendor.get("weights", {})
    rows = [
        (_theirs(name), _text(share), _text(weights.get(name))) for name, share in signals.items()
    ]
    said = _el(
        "p", f"The provider's own score is {_text(vendor.get('score'))}, left as it said it."
    )
    table = _table(("Signal", "Share", "Weight"), rows)
    return [_el("section", _el("h2", "The provider's own words"), said, table)]


def _sources(sources: Sequence[JsonObject]) -> Element:
    if not sources:
        return _el("section", _el("h2", "Sources"), _el("p", "No lists were asked."))
    rows = [
        (
            _theirs(source.get("name")),
            _text(source.get("version")),
            _day(source.get("issued")),
            _text(source.get("entries")),
            _el("code", _theirs(source.get("sha256"))),
        )
        for source in sources
    ]
    table = _table(("List", "Version", "Issued", "Entries", "SHA-256"), rows)
    return _el("section", _el("h2", "Sources"), table)


def _record(content: JsonObject) -> Element:
    provider, answer = content["provider"], content["answer"]
    facts = {
        "Assessment": content["assessment_id"],
        "Asked": content["asked_at"],
        "Answered": content["answered_at"],
        "As of": content["question"]["as_of"],
        "Provider": provider["name"],
        "Its reference": provider["reference"],
        "Ruleset": content["ruleset"],
        "Form of the address": answer.get("address_form"),
    }
    shown = [
        part
        for name, value in facts.items()
        if value is not None
        for part in (_el("dt", name), _el("dd", _theirs(value)))
    ]
    return _el("section", _el("h2", "Record"), _el("dl", *shown))


def _proof(receipt: bytes | None) -> Element:
    if receipt is None:
        return _el("section", _el("h2", "Proof"), _el("p", "This server signs no receipts."))
    digest = sha256_of(receipt)
    words = _el(
        "div",
        _el(
            "p",
            "The receipt of this assessment is a signed file. Its SHA-256, here and in the code:",
        ),
        _el("p", _el("code", digest)),
        _el("p", "To check the file without us: ", _el("code", "assay verify FILE")),
    )
    return _el("section", _el("h2", "Proof"), _el("div", _qr(digest), words, class_="proof"))


def _qr(text: str) -> Element:
    """Draw a QR code, each dark module as one square of a path."""
    # To try every mask takes 15 ms; it matters to texts with patterns, and a hash has none.
    rows = segno.make(text, error="m", micro=False, mask=_QR_MASK).matrix
    side = len(rows) + 2 * _QR_MARGIN
    squares = "".join(
        f"M{column + _QR_MARGIN} {row + _QR_MARGIN}h1v1h-1z"
        for row, modules in enumerate(rows)
        for column, dark in enumerate(modules)
        if dark
    )
    return _el(
        "svg",
        _el("rect", width=str(side), height=str(side), class_="paper"),
        _el("path", d=squares, class_="ink"),
        class_="qr",
        viewBox=f"0 0 {side} {side}",
        role="img",
        aria_label=f"QR code: {text}",
        shape_rendering="crispEdges",
    )
