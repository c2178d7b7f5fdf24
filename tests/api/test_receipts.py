"""Receipts, reports and public keys over HTTP: who gets them, and that they prove what was said."""

import asyncio
import base64
import hashlib
import importlib
import json
import re
from collections.abc import AsyncIterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from jinja2 import Environment, UndefinedError
from typer.testing import CliRunner
from typing_extensions import override

from app.assessments.providers.base import FailureReason, ProviderFailed, ProviderUnknown
from app.assessments.rules.receipts import SigningKey, verify
from app.cli import main
from app.runtime import pages
from tests.api import problems
from tests.api.asking import anonymised, ask, execute, look, read, refusal
from tests.api.assessing import ABSENT, CREATE, QUESTION, TRANSACTION, create, paid_by
from tests.api.conftest import ApiFixture
from tests.support.application import RECEIPT_KEY, Application, open_application
from tests.support.cases import each_case
from tests.support.people import Person

KEY: Final = SigningKey.from_text(RECEIPT_KEY)
NEXT_KEY: Final = SigningKey(bytes(range(32)))
HOSTILE: Final = (
    "<script>alert(1)</script><img src=x onerror=alert(1)>\"'&amp;]]>--> \u202eevil"
    " {{ 7 * 7 }}{% raw %}{#"
)
REASON: Final = {
    "category": "darknet_market",
    "source": HOSTILE,
    "source_date": "2025-11-19",
    "detail": HOSTILE,
    "share": "0.5",
    "weight": "0.5",
    "contribution": "0.25",
}


async def get_receipt(application: Application, assessment_id: str, by: Person) -> httpx.Response:
    return await look(application, f"assessments/{assessment_id}/receipt", by)


async def get_report(application: Application, assessment_id: str, by: Person) -> httpx.Response:
    return await look(application, f"assessments/{assessment_id}/report", by)


async def get_keys(application: Application) -> list[dict[str, Any]]:
    answer = await application.http.get("/.well-known/assay-keys.json")
    assert answer.status_code == 200
    keys: list[dict[str, Any]] = answer.json()["keys"]
    return keys


async def public_keys(application: Application) -> dict[str, bytes]:
    return {key["key_id"]: bytes.fromhex(key["public_key"]) for key in await get_keys(application)}


async def answered_with(application: Application, code: Person, answer: object) -> str:
    """Create an assessment, and let this be its answer; return its id."""
    application.provider.raises = ProviderUnknown()
    pending = await create(application, code)
    await execute(
        application,
        "UPDATE assessments SET answer = CAST(:answer AS jsonb), status = 'ready',"
        " next_try_at = NULL, answered_at = updated_at WHERE id = :id",
        answer=json.dumps(answer),
        id=pending,
    )
    return pending


@pytest.fixture
async def unsigned(application: Application) -> AsyncIterator[Application]:
    """Another process on the same database, where no key is set."""
    async with open_application(application.database, receipt_key=None) as other:
        yield other


async def test_a_receipt_is_checked_with_nothing_but_the_public_keys(
    application: Application, code: Person
) -> None:
    made = await create(application, code)

    answer = await get_receipt(application, made, code)

    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{made}.json"'
    found = verify(answer.content, await public_keys(application))
    assert found.key_id == KEY.key_id
    assert found.content["assessment_id"] == made
    assert found.content["question"] == {**QUESTION, "tx_hash": None, "as_of": None}


async def test_a_receipt_is_the_same_bytes_under_either_type(
    application: Application, code: Person
) -> None:
    made = await create(application, code)

    answers = [
        await application.http.get(
            f"/api/assessments/{made}/receipt", headers={**code.headers, "Accept": accepted}
        )
        for accepted in (
            "*/*",
            "application/octet-stream",
            "application/octet-stream, application/json",
        )
    ]

    assert [answer.headers["Content-Type"] for answer in answers] == [
        "application/json",
        "application/octet-stream",
        "application/octet-stream",
    ]
    assert len({answer.content for answer in answers}) == 1


async def test_a_receipt_says_what_the_answer_said(application: Application, code: Person) -> None:
    made = (await ask(application, CREATE, paid_by(code, TRANSACTION), code)).json()

    receipt = (await get_receipt(application, made["assessment_id"], code)).json()

    assert receipt["question"] == {**TRANSACTION, "as_of": None}
    assert receipt["provider"]["name"] == made["provider"]
    assert (receipt["asked_at"], receipt["answered_at"]) == (made["created_at"], made["updated_at"])
    assert receipt["answer"]["risk_score"] == made["answer"]["risk_score"]
    assert receipt["answer"]["grade"] == made["answer"]["grade"]
    assert [item["detail"] for item in receipt["answer"]["evidence"]] == [
        item["detail"] for item in made["answer"]["evidence"]
    ]
    assert receipt["sources"] == made["answer"]["sources"]


async def test_a_receipt_is_the_same_bytes_whenever_and_by_whom_it_is_asked_for(
    application: Application, api: ApiFixture
) -> None:
    made = await create(application, api.code)
    first = await get_receipt(application, made, api.code)
    application.clock.advance(86_400)

    second = await get_receipt(application, made, api.user)
    async with open_application(application.database) as other:
        third = await get_receipt(other, made, api.code)

    assert first.content == second.content == third.content


@pytest.mark.parametrize("what", ["receipt", "report"])
@pytest.mark.parametrize("of", ["another's", "the issuer's"])
async def test_what_another_asked_is_as_if_it_had_never_been(
    application: Application, api: ApiFixture, what: str, of: str
) -> None:
    made = await create(application, api.code)
    if of == "the issuer's":
        made = (await ask(application, "create_new_assessment", QUESTION, api.user)).json()[
            "assessment_id"
        ]
    other = api.foreign_code if of == "another's" else api.code

    answer = await look(application, f"assessments/{made}/{what}", other)
    of_nothing = await look(application, f"assessments/{ABSENT}/{what}", other)

    assert refusal(answer) == problems.ASSESSMENT_NOT_FOUND
    assert anonymised(answer) == anonymised(of_nothing)


@each_case("what", ["receipt", "report"])
@each_case("name", ["x", "%00", "asm_%00", "asm_" + "ü" * 25, "a" * 300, "%ff"])
async def test_what_is_no_id_is_not_found(
    application: Application, code: Person, what: str, name: str
) -> None:
    answer = await look(application, f"assessments/{name}/{what}", code)

    assert refusal(answer) == problems.ASSESSMENT_NOT_FOUND


@pytest.mark.parametrize("what", ["receipt", "report"])
async def test_an_assessment_without_an_answer_proves_nothing(
    application: Application, code: Person, what: str
) -> None:
    application.provider.raises = ProviderUnknown()
    pending = await create(application, code)
    application.provider.raises = ProviderFailed(FailureReason.REFUSED)
    await ask(application, CREATE, {**paid_by(code), "fresh": True}, code)
    [(failed,)] = await read(application, "SELECT id FROM assessments WHERE status = 'failed'")

    of_pending = await look(application, f"assessments/{pending}/{what}", code)
    of_failed = await look(application, f"assessments/{failed}/{what}", code)

    assert refusal(of_pending) == problems.ASSESSMENT_PENDING
    assert refusal(of_failed) == problems.ASSESSMENT_FAILED


async def test_without_a_key_there_are_reports_but_no_receipts(
    unsigned: Application, application: Application, code: Person
) -> None:
    made = await create(application, code)

    for asked in (made, ABSENT):
        assert refusal(await get_receipt(unsigned, asked, code)) == problems.NOT_SIGNED
    report = await get_report(unsigned, made, code)
    assert report.status_code == 200
    assert "This server signs no receipts." in report.text
    assert await get_keys(unsigned) == []


async def test_a_report_that_gets_no_turn_in_time_is_refused_as_busy(
    application: Application, code: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await create(application, code)
    concurrency = application.resources.report_limit
    monkeypatch.setattr(concurrency, "_within_seconds", 0.01)
    async with concurrency.one(), concurrency.one():
        assert refusal(await get_report(application, made, code)) == problems.BUSY
    assert (await get_report(application, made, code)).status_code == 200


async def test_a_key_is_shown_before_it_signs_and_with_its_first_use_after(
    application: Application, code: Person
) -> None:
    made = await create(application, code)
    shown = {
        "key_id": KEY.key_id,
        "algorithm": "Ed25519",
        "public_key": KEY.public_key.hex(),
        "until": None,
    }

    before = await get_keys(application)
    await get_receipt(application, made, code)
    application.clock.advance(60)
    await get_receipt(application, made, code)

    assert before == [{**shown, "since": None}]
    assert await get_keys(application) == [{**shown, "since": "2026-01-11T12:46:03Z"}]


async def test_rotation_keeps_old_receipts_good(application: Application, code: Person) -> None:
    made = await create(application, code)
    old = (await get_receipt(application, made, code)).content
    text = base64.b64encode(bytes(range(32))).decode()
    async with open_application(application.database, receipt_key=text) as rotated:
        rotated.clock.advance(3600)
        new = (await get_receipt(rotated, made, code)).content
        keys = await get_keys(rotated)
    found = await public_keys(application)

    assert [key["key_id"] for key in keys] == [NEXT_KEY.key_id, KEY.key_id]
    assert keys[0]["until"] is None
    assert keys[1]["until"] == keys[0]["since"] > keys[1]["since"]
    assert verify(old, found).content["answer"] == verify(new, found).content["answer"]
    assert verify(new, found).key_id == NEXT_KEY.key_id
    # A replica that still has the old key says of both keys what the others say.
    assert await get_keys(application) == keys


class Reader(HTMLParser):
    """Collects what a browser would see: elements, and texts with blanks put right."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self._of_others: list[str] = []
        self.feed(page)

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag == "bdi":
            self._of_others = []

    @override
    def handle_data(self, data: str) -> None:
        self.texts.append(data)
        self._of_others.append(data)

    @override
    def handle_endtag(self, tag: str) -> None:
        if tag == "bdi" and len(self._of_others) > 1:  # a day within has an element of its own
            self.texts.append("".join(self._of_others))

    def widths(self) -> list[str]:
        """Return the widths of the parts of the bar, in thousandths."""
        parts = [found for tag, found in self.elements if tag == "rect" and "x" in found]
        return [str(part["width"]) for part in parts]


async def test_a_report_shows_score_parts_evidence_sources_and_the_receipts_hash(
    application: Application, code: Person
) -> None:
    source = {"name": "OFAC SDN", "issued": "2025-11-19", "sha256": "ab" * 32, "entries": 760}
    small = {**REASON, "category": "mixer", "contribution": "0.0625", "source_date": None}
    limit = {"category": "scope", "source": "x", "detail": "one hop alone was looked at"}
    vendor = {"score": "0.42", "signals": {"atm": "0.001"}, "weights": {"atm": "0.25"}}
    answer = {
        "risk_score": "0.3125",
        "grade": "medium",
        "evidence": [REASON, small, limit],
        "sources": [source],
        "vendor": vendor,
        "ruleset": "7",
        "provider_reference": "ref-1",
    }
    made = await answered_with(application, code, answer)

    report = await get_report(application, made, code)
    receipt = await get_receipt(application, made, code)

    assert report.headers["Content-Type"] == "text/html; charset=utf-8"
    page = Reader(report.text)
    digest = hashlib.sha256(receipt.content).hexdigest()
    assert page.widths() == ["250", "62.5"]
    for text in (
        *("0.3125", "medium", "darknet market", "mixer", "0.25", "0.0625", "2025-11-19"),
        *("OFAC SDN", "ab" * 6 + "…", "760", "one hop alone was looked at", made, "7", "ref-1"),
        *("crypto ATM", "0.1%", "50%", QUESTION["address"], digest),
        *(
            "0: no risk known",
            "1: prohibited",
            "OFAC SDN of 2025-11-19",
            "1 of 1 answered: scripted",
        ),
    ):
        assert text in page.texts
    assert f"QR code: {digest}" in [found.get("aria-label") for _, found in page.elements]


async def test_a_report_of_several_providers_shows_what_each_said_and_that_they_disagree(
    application: Application, code: Person
) -> None:
    heard = {"provider": "stern", "reason": None, "risk_score": "0.25", "grade": "medium"}
    calm = {"provider": "calm", "reason": None, "risk_score": "0", "grade": "none"}
    silent = {"provider": "broken", "reason": "could not answer", "risk_score": None, "grade": None}
    answer = {
        "risk_score": "0.25",
        "grade": "medium",
        "evidence": [REASON],
        "opinions": [{**heard, "evidence": [REASON]}, calm, silent],
        "disagreement": True,
    }
    made = await answered_with(application, code, answer)

    page = Reader((await get_report(application, made, code)).text)

    for text in ("What each provider said", "stern", "calm", "broken", "could not answer", "—"):
        assert text in page.texts
    assert "nothing" in page.texts
    assert "2 of 3 answered: stern, calm" in page.texts
    assert (
        "Providers disagree: stern says medium, calm none; the highest counts; 2 of 3 answered"
    ) in page.texts
    assert "Each was asked, and the highest score counts. They disagree." in page.texts


async def test_an_answer_of_an_earlier_version_is_shown_with_what_it_has(
    application: Application, code: Person
) -> None:
    reason = {"category": "sanctions", "source": "OFAC SDN", "detail": "is on the list"}
    answer = {"risk_score": "1", "grade": "sanctioned", "evidence": [reason]}
    made = await answered_with(application, code, answer)

    page = Reader((await get_report(application, made, code)).text)

    assert page.widths() == ["1000"]
    assert "is on the list" in page.texts
    assert "not known" in page.texts


async def test_a_report_of_a_hit_shows_whose_address_it_is_and_links_to_the_source(
    application: Application, code: Person
) -> None:
    listing = {
        "address": QUESTION["address"],
        "asset": "XBT",
        "name": "POTEKHIN, Danil",
        "aliases": ["CRONUSWAR", "GIVEON"],
        "party_type": "individual",
        "list_uid": "29584",
        "programs": ["CYBER2"],
        "listed_on": "2020-09-16",
        "source_url": "https://sanctionssearch.ofac.treas.gov/Details.aspx?id=29584",
    }
    hit = {**REASON, "category": "sanctions", "source": "OFAC SDN", "detail": "it is listed"}
    evidence = [{**hit, "hops": 0, "listing": listing}]
    odd = 'https://a.test/?a=1&b="><script>'
    no_links = ("javascript:alert(1)", "data:text/html,x", "http://[no-address")
    for uid, url in enumerate((*no_links, odd)):
        one = {**listing, "list_uid": str(uid), "source_url": url}
        evidence.append({**hit, "hops": 0, "listing": one})
    answer = {"risk_score": "1", "grade": "severe", "evidence": evidence, "sources": []}
    made = await answered_with(application, code, answer)

    page = Reader((await get_report(application, made, code)).text)

    for text in (
        *("POTEKHIN, Danil", "CRONUSWAR; GIVEON", "individual", "29584", "CYBER2", "2020-09-16"),
        *("2025-11-19", f"{QUESTION['address']} (XBT)", *no_links, odd),
    ):
        assert text in page.texts
    links = [found["href"] for tag, found in page.elements if tag == "a"]
    assert links == [listing["source_url"], odd]


async def test_the_command_on_a_report_checks_the_files_as_they_are_served(
    application: Application, code: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await create(application, code)
    page = Reader((await get_report(application, made, code)).text)
    [command] = [text for text in page.texts if text.startswith("assay verify ")]
    served = await get_receipt(application, made, code)
    name = re.fullmatch(r'attachment; filename="(.*)"', served.headers["Content-Disposition"])
    assert name is not None
    monkeypatch.chdir(tmp_path)
    (tmp_path / name[1]).write_bytes(served.content)
    keys = await application.http.get("/.well-known/assay-keys.json")
    (tmp_path / "assay-keys.json").write_bytes(keys.content)

    checked = await asyncio.to_thread(CliRunner().invoke, main, command.split()[1:])

    assert (checked.exit_code, checked.stderr) == (0, "")


async def test_signals_without_a_share_are_folded_and_categories_are_in_words(
    application: Application, code: Person
) -> None:
    signals = {"p2p_exchange_unlicensed": "0.484", **dict.fromkeys(("atm", "scam", "mixer"), "0")}
    vendor = {"score": "0.3134", "signals": signals, "weights": dict.fromkeys(signals, "0.6")}
    answer = {"risk_score": "0.2904", "grade": "medium", "evidence": [], "vendor": vendor}
    made = await answered_with(application, code, answer)

    page = Reader((await get_report(application, made, code)).text)

    shown = page.texts.index("unlicensed P2P exchange")
    folded = page.texts.index("3 signals with a share of 0%")
    assert shown < page.texts.index("48.4%") < folded < page.texts.index("crypto ATM")
    assert "p2p_exchange_unlicensed" not in " ".join(page.texts)


async def test_tag_that_adds_nothing_beside_a_heavier_one_is_shown_by_its_provider(
    application: Application, code: Person
) -> None:
    tag = {**REASON, "detail": "Direct: in pack 2", "share": "0", "contribution": "0", "hops": 0}
    signal = {**tag, "detail": "0% of the value"}
    tag["listing"] = {"address": "x", "asset": "XBT", "name": "Some Mixer"}
    evidence = [REASON, tag, signal]
    said = {"provider": "tags", "reason": None, "risk_score": "0.25", "grade": "medium"}
    answer = {"risk_score": "0.25", "grade": "medium", "evidence": evidence}
    answer["opinions"] = [{**said, "evidence": evidence}]
    made = await answered_with(application, code, answer)

    page = Reader((await get_report(application, made, code)).text)

    assert page.texts.count("Direct: in pack 2") == 2
    assert page.texts.count("0% of the value") == 1  # folded away in the evidence
    assert "1 more finding of small or no weight" in page.texts


async def test_hostile_names_stay_text(application: Application, code: Person) -> None:
    everywhere = {
        "risk_score": HOSTILE,
        "grade": HOSTILE,
        "evidence": [{**dict.fromkeys(REASON, HOSTILE)}, {"category": "scope", "detail": HOSTILE}],
        "sources": [dict.fromkeys(("name", "issued", "sha256", "entries"), HOSTILE)],
        "vendor": {"score": HOSTILE, "signals": {HOSTILE: HOSTILE}, "weights": {HOSTILE: HOSTILE}},
        "opinions": [
            {"provider": HOSTILE, "reason": HOSTILE, "risk_score": None, "grade": None},
            {"provider": HOSTILE, "risk_score": HOSTILE, "grade": HOSTILE, "evidence": [REASON]},
        ],
        "ruleset": HOSTILE,
        "provider_reference": HOSTILE,
        "address_form": HOSTILE,
    }
    made = await answered_with(application, code, everywhere)

    report = await get_report(application, made, code)

    page = Reader(report.text)
    harmless = {
        *("html", "head", "meta", "title", "style", "body", "main", "header", "section", "p"),
        *(
            "details",
            "summary",
            "h1",
            "h2",
            "h3",
            "span",
            "b",
            "bdi",
            "code",
            "div",
            "ul",
            "li",
            "dl",
            "dt",
            "dd",
        ),
        *("table", "thead", "tbody", "tr", "th", "td", "svg", "rect", "path"),
    }
    assert {tag for tag, _ in page.elements} <= harmless
    assert not [name for _, found in page.elements for name in found if name.startswith("on")]
    assert page.texts.count(HOSTILE.replace("\u202e", "\ufffd")) > 10
    assert "\u202e" not in report.text
    assert json.loads((await get_receipt(application, made, code)).content)["ruleset"] == HOSTILE


def test_no_template_lets_markup_of_a_text_through() -> None:
    found = {path.name: path.read_text() for path in pages.TEMPLATES.iterdir()}
    assert "report.html" in found
    for name, template in found.items():
        assert not re.search(r"\|\s*safe\b|autoescape", template), name


def test_a_template_that_names_what_is_not_there_is_an_error() -> None:
    template = pages.ENVIRONMENT.from_string("{{ report.absent }}")
    with pytest.raises(UndefinedError, match="absent"):
        template.render(report=object())


async def test_templates_are_compiled_at_import_and_at_no_request(
    application: Application, code: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await create(application, code)
    importlib.reload(pages)
    monkeypatch.delattr(Environment, "compile")

    assert (await get_report(application, made, code)).status_code == 200


async def test_a_report_allows_itself_nothing_but_its_own_style(
    application: Application, code: Person
) -> None:
    made = await create(application, code)

    report = await get_report(application, made, code)

    [style] = re.findall(r"<style>(.*?)</style>", report.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert report.headers["Content-Security-Policy"] == f"{policy}; frame-ancestors 'none'"
    assert report.headers["X-Content-Type-Options"] == "nosniff"
    page = Reader(report.text)
    assert ("meta", {"http-equiv": "Content-Security-Policy", "content": policy}) in page.elements
    attributes = {name for _, found in page.elements for name in found}
    assert not attributes & {"href", "src", "style", "action", "srcset", "data"}
    assert "url(" not in style
    assert "@import" not in style
