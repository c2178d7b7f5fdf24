"""The view model of the report page: what the page says of an assessment, in words and numbers.

Nothing here is markup: the templates decide how it looks, and escape it. `report_of` makes the
model; what reasons, parties and providers say is put into words by `findings`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from app.assessments.report.findings import (
    NOT_GIVEN,
    BarPart,
    Finding,
    Opinion,
    Party,
    Vendor,
    findings_of,
    opinions_of,
    parties_of,
    parts_of,
    reasons_of,
    text,
    vendors_of,
)
from app.assessments.rules.questions import AssessmentStatus
from app.assessments.rules.receipts import JsonObject, sha256_of
from app.assessments.rules.risk_words import form_words, provider_words
from app.assessments.rules.summaries import headline, stored_summary
from app.lists.rules.risk import SCOPE
from app.runtime.qr import QrCode, qr_code

_FORMS: Final = {
    "valid": "valid: its checksum is right",
    "not_checkable": "not checkable: this form has no checksum, so a mistyped one looks the same",
    "not_checked": "not checked: Assay does not know this form, or the currency",
}
_GRADES: Final = frozenset({"none", "low", "medium", "high", "severe"})
_SHORT_HASH: Final = 12


@dataclass(frozen=True)
class Question:
    """What was asked: `address` alone, or with the transaction `tx_hash`."""

    assessment_type: str
    currency: str
    address: str
    tx_hash: str | None


@dataclass(frozen=True)
class Change:
    """What a later version of a list changed; `before` and `after` are score and grade."""

    found_on: str
    source: str
    entries: str
    is_listed: bool
    before: str
    after: str


@dataclass(frozen=True)
class Limit:
    """What an answer does not say, and whose answer it is."""

    provider: str
    detail: str


@dataclass(frozen=True)
class ListVersion:
    """The version of a list that was looked at, with the beginning of its SHA-256."""

    name: str
    version: str
    issued: str
    entries: str
    sha256: str


@dataclass(frozen=True)
class Proof:
    """The SHA-256 of the receipt in hexadecimal digits, also as a QR code."""

    sha256: str
    qr: QrCode


@dataclass(frozen=True)
class Report:
    """The whole page. `severity` is the grade if it is one of ours, else `other`."""

    assessment_id: str
    question: Question
    headline: str
    score: str
    grade: str
    severity: str
    parts: Sequence[BarPart]
    changes: Sequence[Change]
    parties: Sequence[Party]
    findings: Sequence[Finding]
    minor_findings: Sequence[Finding]
    looked_at: Sequence[tuple[str, str]]
    limits: Sequence[Limit]
    opinions: Sequence[Opinion]
    is_disagreement: bool
    vendors: Sequence[Vendor]
    lists: Sequence[ListVersion]
    record: Sequence[tuple[str, str]]
    proof: Proof | None


def report_of(
    content: JsonObject, receipt: bytes | None, changes: Sequence[JsonObject] = ()
) -> Report:
    """Return the view model of a receipt's content, with a proof where there is a receipt.

    `changes` are what later versions of lists changed.
    """
    answer, question = content["answer"], content["question"]
    reasons = reasons_of(answer)
    grade = text(answer.get("grade"))
    return Report(
        assessment_id=content["assessment_id"],
        question=Question(
            assessment_type=question["assessment_type"],
            currency=question["currency"],
            address=text(question["address"]),
            tx_hash=question["tx_hash"],
        ),
        headline=_headline(content, changes),
        score=text(answer.get("risk_score")),
        grade=grade,
        severity=grade if grade in _GRADES else "other",
        parts=parts_of(answer, [*reasons.shown, *reasons.minor]),
        changes=[_change(change) for change in changes],
        parties=parties_of(reasons.shown),
        findings=findings_of(reasons.shown),
        minor_findings=findings_of(reasons.minor),
        looked_at=list(_looked_at(content)),
        limits=_limits(answer, content["provider"]["name"]),
        opinions=opinions_of(answer),
        is_disagreement=bool(answer.get("disagreement")),
        vendors=vendors_of(content),
        lists=[_list_version(source) for source in content["sources"]],
        record=_record(content),
        proof=None if receipt is None else _proof(sha256_of(receipt)),
    )


def _headline(content: JsonObject, changes: Sequence[JsonObject]) -> str:
    question = content["question"]
    as_of = question["as_of"]
    summary = stored_summary(
        content["answer"],
        provider=content["provider"]["name"],
        assessment_type=question["assessment_type"],
        as_of=date.fromisoformat(as_of) if as_of else None,
    )
    return headline(
        status=AssessmentStatus.READY, summary=summary, failure_reason=None, changes=changes
    )


def _change(change: JsonObject) -> Change:
    return Change(
        found_on=change["found_at"][:10],
        source=f"{change['source']}, version {change['version']}",
        entries="; ".join(entry["label"] or entry["address"] for entry in change["entries"]),
        is_listed=change["is_listed"],
        before=f"{change['score_before']}, {change['grade_before']}",
        after=f"{change['score_after']}, {change['grade_after']}",
    )


def _looked_at(content: JsonObject) -> Iterator[tuple[str, str]]:
    """Yield what was looked at: the form, the spelling, the lists with their dates, who answered."""
    answer = content["answer"]
    if form := answer.get("address_form"):
        yield "Form of the address", _FORMS.get(str(form), form_words(str(form)))
    looked_up = answer.get("looked_up")
    if looked_up and looked_up != content["question"]["address"]:
        yield "Looked up as", str(looked_up)
    yield "Lists", "; ".join(_list_words(one) for one in content["sources"]) or "none"
    opinions = answer.get("opinions") or [{"provider": content["provider"]["name"]}]
    heard = [one for one in opinions if one.get("reason") is None]
    names = ", ".join(provider_words(str(one.get("provider"))) for one in heard)
    yield "Providers", f"{len(heard)} of {len(opinions)} answered: {names}"


def _list_words(source: JsonObject) -> str:
    kind = " (tag pack)" if source.get("is_sanctions") is False else ""
    day = source.get("issued")
    return f"{source.get('name')} {f'of {day}' if day else 'of unknown date'}{kind}"


def _limits(answer: JsonObject, provider: str) -> list[Limit]:
    """Return the limits of each provider's answer, each once, with who has it."""
    whole = {"provider": provider, **answer}
    found: dict[str, Limit] = {}
    for one in [*(answer.get("opinions") or ()), whole]:
        for item in one.get("evidence") or ():
            if item.get("category") == SCOPE:
                limit = Limit(provider_words(str(one.get("provider"))), str(item.get("detail")))
                found.setdefault(limit.detail, limit)
    return list(found.values())


def _list_version(source: JsonObject) -> ListVersion:
    sha256 = text(source.get("sha256"))
    return ListVersion(
        name=text(source.get("name")),
        version=text(source.get("version") or NOT_GIVEN),
        issued=text(source.get("issued")),
        entries=text(source.get("entries")),
        sha256=f"{sha256[:_SHORT_HASH]}…" if len(sha256) > _SHORT_HASH else sha256,
    )


def _record(content: JsonObject) -> list[tuple[str, str]]:
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
    return [(name, str(value)) for name, value in known.items() if value is not None]


def _proof(sha256: str) -> Proof:
    return Proof(sha256, qr_code(sha256))
