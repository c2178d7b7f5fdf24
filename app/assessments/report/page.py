"""The page of an assessment that people read and print: one HTML file that needs nothing else.

It shows what the receipt says and no more. Names on lists are written by others, so the page is
built as a tree (`markup`), of what `report_view` puts into words.
A browser sends no API key, so people open a saved file: the policy stands in the page, too.
"""

import base64
import hashlib
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Final
from xml.etree.ElementTree import Element, SubElement, tostring

from app.assessments.report import view
from app.assessments.report.markup import (
    DASH,
    address,
    el,
    facts,
    fold,
    items,
    link,
    number,
    qr,
    section,
    table,
    text,
    theirs,
)
from app.assessments.report.providers import category, opinions, vendors
from app.assessments.rules.questions import AssessmentStatus
from app.assessments.rules.receipts import JsonObject, sha256_of
from app.assessments.rules.risk_words import sentence_words
from app.assessments.rules.summaries import headline, stored_summary
from app.runtime.money import plain

_STYLE_FILE: Final = Path(__file__).parents[2] / "static" / "report.css"
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
_GRADES: Final = frozenset({"none", "low", "medium", "high", "severe"})
_BAR_WIDTH: Final = 1000
_MOST_PARTIES: Final = 2


def render(content: JsonObject, receipt: bytes | None, changes: Sequence[JsonObject] = ()) -> str:
    """Return the page of a receipt's content, with the receipt's hash where there is one.

    `changes` are what later versions of lists changed.
    """
    answer = content["answer"]
    reasons = view.reasons_of(answer)
    main = el(
        "main",
        _question(content, changes),
        _verdict(answer, [*reasons.shown, *reasons.folded]),
        *_changes(changes),
        *_parties(view.parties(reasons.shown)),
        _evidence(reasons),
        _scope(content),
        *opinions(answer),
        *vendors(content),
        _sources(content["sources"]),
        _record(content),
        _proof(content["assessment_id"], receipt),
    )
    page = el("html", _head(content), el("body", main), lang="en")
    return f"<!doctype html>\n{tostring(page, encoding='unicode', method='html')}\n"


def _head(content: JsonObject) -> Element:
    return el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        el("title", f"Risk assessment {content['assessment_id']}"),
        el("style", _STYLE),
    )


def _question(content: JsonObject, changes: Sequence[JsonObject]) -> Element:
    question = content["question"]
    kind = f"Risk of this {question['currency']} {question['assessment_type']}"
    asked = [el("p", kind, class_="kind")]
    if question["tx_hash"] is not None:
        asked.append(el("h1", theirs(question["tx_hash"])))
        asked.append(el("p", "with the address ", address(question["address"])))
    else:
        asked.append(el("h1", theirs(question["address"])))
    as_of = question["as_of"]
    summary = stored_summary(
        content["answer"],
        provider=content["provider"]["name"],
        assessment_type=question["assessment_type"],
        as_of=date.fromisoformat(as_of) if as_of else None,
    )
    said = headline(
        status=AssessmentStatus.READY, summary=summary, failure_reason=None, changes=changes
    )
    return el("header", *asked, el("p", theirs(said), class_="headline"))


def _verdict(answer: JsonObject, reasons: Sequence[JsonObject]) -> Element:
    score, grade = text(answer.get("risk_score")), text(answer.get("grade"))
    word = grade if grade in _GRADES else "other"
    return el(
        "section",
        el(
            "p",
            el("span", score, class_="score"),
            el("span", " on a scale from 0 to 1 ", class_="of"),
            el("span", grade, class_=f"grade {word}"),
        ),
        _bar(answer, reasons),
        el("p", el("span", "0: no risk known"), el("span", "1: prohibited"), class_="scale"),
        class_="verdict",
    )


def _bar(answer: JsonObject, reasons: Sequence[JsonObject]) -> Element:
    parts = view.parts_of(answer, reasons)
    bar = el(
        "svg",
        class_="bar",
        viewBox=f"0 0 {_BAR_WIDTH} 40",
        preserveAspectRatio="none",
        role="img",
        aria_label=f"Score {text(answer.get('risk_score'))}, made of "
        + (", ".join(plain(part) for _, part in parts if part) or "no part"),
    )
    SubElement(bar, "rect", {"class": "rest", "width": str(_BAR_WIDTH), "height": "40"})
    left = Decimal(0)
    for colour, part in parts:
        place = {"x": plain(left * _BAR_WIDTH), "width": plain(part * _BAR_WIDTH), "height": "40"}
        SubElement(bar, "rect", {"class": colour, **place})
        left += part
    return bar


def _parties(hits: Sequence[JsonObject]) -> list[Element]:
    """Show whose address it is, as the lists say; a few parties in full, the rest folded."""
    if not hits:
        return []
    shown = [_party(hit) for hit in hits[:_MOST_PARTIES]]
    if rest := hits[_MOST_PARTIES:]:
        more = el("div", *(_party(hit) for hit in rest))
        shown.append(fold(f"{len(rest)} more", more))
    return [section("Who the lists name", *shown)]


def _party(hit: JsonObject) -> Element:
    pairs: list[tuple[str, Element | str]] = [
        (name, theirs(value)) for name, value in view.party_facts(hit)
    ]
    if url := hit["listing"].get("source_url"):
        pairs.append(("Where it says so", link(str(url))))
    return facts(pairs)


def _evidence(reasons: view.Reasons) -> Element:
    if not reasons.shown and not reasons.folded:
        return section("Evidence", el("p", "Nothing adds to the score."))
    shown = _reasons(reasons.shown) if reasons.shown else el("p", "Nothing adds to the score.")
    if not reasons.folded:
        return section("Evidence", shown)
    findings = "finding" if len(reasons.folded) == 1 else "findings"
    said = f"{len(reasons.folded)} more {findings} of small or no weight"
    more = fold(said, _reasons(reasons.folded))
    return section("Evidence", shown, more)


def _reasons(reasons: Sequence[JsonObject]) -> Element:
    rows = [
        (
            category(reason.get("category")),
            theirs(sentence_words(text(reason.get("detail")))),
            _dated(reason.get("source"), reason.get("source_date")),
            number(view.share_words(reason.get("share"))),
            number(reason.get("weight")),
            number(reason.get("contribution")),
        )
        for reason in reasons
    ]
    return table(("Category", "Found", "Source", "Share", "Weight", "Adds"), rows, "evidence")


def _dated(source: object, day: object) -> Element:
    return theirs(source) if day is None else el("span", theirs(source), " ", number(day))


def _changes(changes: Sequence[JsonObject]) -> list[Element]:
    if not changes:
        return []
    rows = [
        (
            number(change["found_at"][:10]),
            theirs(f"{change['source']}, version {change['version']}"),
            "listed" if change["is_listed"] else "no longer listed",
            theirs("; ".join(entry["label"] or entry["address"] for entry in change["entries"])),
            f"{change['score_before']}, {change['grade_before']}",
            f"{change['score_after']}, {change['grade_after']}",
        )
        for change in changes
    ]
    said = el(
        "p",
        "Later versions of lists change this. The rest of the page is the answer as it was given.",
    )
    headings = ("Found", "List", "Address", "As", "Before", "After")
    return [section("Since then", said, table(headings, rows, "changes"))]


def _scope(content: JsonObject) -> Element:
    """Say what was looked at and what was not, whether or not anything was found."""
    looked = facts((name, theirs(said)) for name, said in view.looked_at(content))
    limits = view.limits_of(content["answer"], content["provider"]["name"])
    if not limits:
        return section("What was looked at", looked)
    said = items(el("span", theirs(who), ": ", theirs(limit)) for who, limit in limits)
    return section("What was looked at", looked, el("h3", "What this does not say"), said)


def _sources(sources: Sequence[JsonObject]) -> Element:
    if not sources:
        return section("Sources", el("p", "No lists were asked."))
    rows = [
        (
            theirs(source.get("name")),
            number(source.get("version") or DASH),
            number(source.get("issued")),
            number(source.get("entries")),
            number(view.short_hash(text(source.get("sha256")))),
        )
        for source in sources
    ]
    headings = ("List", "Version", "Issued", "Entries", "SHA-256")
    said = el("p", "Hashes are shortened here; the receipt and the JSON answer have them in full.")
    return section("Sources", table(headings, rows, "sources"), said)


def _record(content: JsonObject) -> Element:
    provider = content["provider"]
    known = {
        "Assessment": content["assessment_id"],
        "Asked": content["asked_at"],
        "Answered": content["answered_at"],
        "As of": content["question"]["as_of"],
        "Provider": provider["name"],
        "Its reference": provider["reference"],
        "Ruleset": content["ruleset"],
    }
    return section(
        "Record",
        facts((name, theirs(value)) for name, value in known.items() if value is not None),
    )


def _proof(assessment_id: str, receipt: bytes | None) -> Element:
    """Show the receipt's hash, and the command that checks it, as it may be typed."""
    if receipt is None:
        return section("Proof", el("p", "This server signs no receipts."))
    digest = sha256_of(receipt)
    file, keys = f"{assessment_id}.json", "assay-keys.json"
    served = items(
        [
            _file(f"/api/assessments/{assessment_id}/receipt", file),
            _file(f"/.well-known/{keys}", keys),
        ]
    )
    words = el(
        "div",
        el(
            "p",
            "The receipt of this assessment is a signed file. Its SHA-256, here and in the code:",
        ),
        el("p", el("code", digest, class_="long")),
        el("p", "To check it without us, save two files of this server, as served, in one folder:"),
        served,
        el("p", "and run there ", el("code", f"assay verify {file}", class_="long")),
    )
    return section("Proof", el("div", qr(digest), words, class_="proof"))


def _file(path: str, name: str) -> Element:
    return el(
        "span", el("code", path, class_="long"), " as ", el("code", theirs(name), class_="name")
    )
