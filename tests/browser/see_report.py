"""The report page in a real browser, as `./run browser` drives it: on a phone, at a desk, on paper.

Not one of `./run test`: it needs Chromium. Screenshots and the PDF stay in `.browser/`.
"""

import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from sqlalchemy import text

from app.runtime.db.engine import Database
from tests.browser.chromium import Chromium, open_chromium
from tests.support.people import make_user
from tests.support.server import serve_application

_FOLDER: Final = Path(__file__).parents[2] / ".browser"
_PHONE: Final = (390, 844)
_WINDOW: Final = (1000, 800)
_DESK: Final = (1280, 900)
_LONG: Final = "W" * 200  # a word that no line holds
_HOSTILE: Final = (
    "<script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\">"
)
_PARTS: Final = (
    ("sanctions", "0.3"),
    ("darknet_market", "0.2"),
    ("mixer", "0.15"),
    ("atm", "0.05"),
)
_PARTY: Final[dict[str, Any]] = {
    "address": "bc1qgdjqv0av3q56jvd82tkdjpy7gdp9ut8tlqmgrpmv24sq90ecnvqqjwvw97",
    "asset": "XBT",
    "name": "POTEKHIN, Danil",
    "aliases": ["CRONUSWAR", "GIVEON", "Потехин Данил"],
    "party_type": "individual",
    "list_uid": "29584",
    "programs": ["CYBER2"],
    "listed_on": "2020-09-16",
    "source_url": "https://sanctionssearch.ofac.treas.gov/Details.aspx?id=29584",
}
_SIGNALS: Final = {
    **{"exchange_licensed": "0.4681", "p2p_exchange_unlicensed": "0.484", "wallet": "0.0479"},
    **dict.fromkeys(
        (
            *("child_exploitation", "dark_market", "dark_service", "enforcement_action"),
            *("exchange_fraudulent", "gambling", "illegal_service", "liquidity_pools"),
            *("marketplace", "miner", "mixer", "ransom", "scam", "stolen_coins", "payment"),
        ),
        "0",
    ),
}
_FINDINGS: Final = [
    {
        "category": name,
        "detail": f"{share} of the value is connected with {name}",
        "share": "0.0484",
        "weight": "0.1",
        "contribution": "0.00484",
    }
    for name, share in (("exchange_licensed", "46.81%"), ("wallet", "4.79%"), ("atm", "48.4%"))
]
ANSWER: Final[dict[str, Any]] = {
    "risk_score": "0.7",
    "grade": "high",
    "address_form": "valid",
    "evidence": [
        {
            "category": category,
            "source": "OFAC SDN",
            "source_date": "2025-11-19",
            "detail": f"a counterparty, {_HOSTILE if category == 'mixer' else 'HYDRA MARKET'},"
            f" is listed under XBT {_LONG if category == 'atm' else ''}",
            "share": contribution,
            "weight": "1",
            "contribution": contribution,
            "hops": 1,
            "listing": _PARTY if category == "sanctions" else None,
        }
        for category, contribution in _PARTS
    ]
    + [{"category": "scope", "source": "exposure", "detail": "only one hop was looked at"}],
    "summary": "Providers disagree: Crystal says high, sanctions not on the lists; the highest"
    " counts; 2 of 4 answered",
    "sources": [
        {"name": name, "issued": "2025-11-19", "sha256": "ab" * 32, "entries": 760}
        for name in ("OFAC SDN", "GraphSense mixers", "a list with a long name")
    ],
    "vendor": {"score": "0.3134", "signals": _SIGNALS, "weights": dict.fromkeys(_SIGNALS, "0.1")},
    "ruleset": "1",
    "opinions": [
        {
            "provider": "crystal",
            "reason": None,
            "risk_score": "0.7",
            "grade": "high",
            "evidence": [*_FINDINGS, {"category": "mixer", "detail": f"a mixer, {_HOSTILE}"}],
            "vendor": {"score": "0.3134", "signals": _SIGNALS, "weights": {}},
        },
        {"provider": "sanctions", "reason": None, "risk_score": "0", "grade": "not on the lists"},
        {"provider": "chainalysis", "reason": f"{_LONG} could not answer"},
        {"provider": "exposure", "reason": "the risk provider answers no such question"},
    ],
    "disagreement": True,
}
_WIDER_THAN_THE_SCREEN: Final = "return document.documentElement.scrollWidth - window.innerWidth"
_BEYOND_THE_EDGE: Final = """
    return [...document.querySelectorAll('body *')]
        .filter(each => each.getBoundingClientRect().right > window.innerWidth + 0.5)
        .map(each => each.tagName)
"""
# Words up to the length of a name or a number that stand on more than one line, or in a cell that
# is narrower than they are.
_BROKEN_WORDS: Final = """
    const broken = [];
    const texts = document.createTreeWalker(document.querySelector('main'), NodeFilter.SHOW_TEXT);
    for (let node = texts.nextNode(); node; node = texts.nextNode()) {
        for (const word of node.data.matchAll(/\\S{1,24}(?!\\S)/g)) {
            if (word.index > 0 && !/\\s/.test(node.data[word.index - 1])) continue;
            const range = document.createRange();
            range.setStart(node, word.index);
            range.setEnd(node, word.index + word[0].length);
            const lines = new Set([...range.getClientRects()].map(each => Math.round(each.top)));
            if (lines.size > 1) broken.push(word[0]);
        }
    }
    return broken;
"""
_VISIBLE: Final = """
    const seen = each => {
        const box = each.getBoundingClientRect();
        return box.width > 0 && box.height > 0 && getComputedStyle(each).visibility === 'visible';
    };
    const all = selector => [...document.querySelectorAll(selector)].filter(seen);
    return {
        score: all('.score').map(each => each.textContent),
        foldScore: all('.score').every(each => each.getBoundingClientRect().bottom < innerHeight),
        grade: all('.grade').map(each => each.textContent),
        parts: all('.bar rect[x]').map(each => each.getBoundingClientRect().width),
        bar: document.querySelector('.bar').getBoundingClientRect().width,
        colours: [...new Set(all('.bar rect[x]').map(each => getComputedStyle(each).fill))].length,
        rows: all('.evidence tbody tr').length,
        adds: all('.evidence tbody td:last-child').map(each => each.textContent),
        findings: all('.opinions tr:first-child td:last-child li').length,
        open: document.querySelectorAll('details[open]').length,
        qr: all('.qr').map(each => each.getBoundingClientRect().width),
    }
"""


@dataclass(frozen=True)
class Report:
    """Where the page is, and the key that opens it."""

    url: str
    headers: dict[str, str]


@pytest.fixture
async def report(committed_database: Database) -> AsyncIterator[Report]:
    """A served report of a rich answer, with names that attack the page."""
    async with serve_application(committed_database) as served:
        user = await make_user(committed_database, served.clock.now(), credits_given=1)
        question = {
            "assessment_type": "address",
            "address": "12Cyjf3qV6qLyXdzpLSLPdRFPUVidvnzFM",
            "currency": "BTC",
        }
        async with httpx.AsyncClient(base_url=served.base_url, trust_env=False, timeout=60) as http:
            answer = await http.post(
                "/api/create_new_assessment", json=question, headers=user.headers
            )
        assessment_id = answer.json()["assessment_id"]
        async with committed_database.sessions() as session, session.begin():
            await session.execute(text("ALTER TABLE assessments DISABLE TRIGGER keep_answer"))
            await session.execute(
                text("UPDATE assessments SET answer = CAST(:answer AS jsonb) WHERE id = :id"),
                {"answer": json.dumps(ANSWER), "id": assessment_id},
            )
        yield Report(f"{served.base_url}/api/assessments/{assessment_id}/report", user.headers)


@pytest.fixture
async def browser() -> AsyncIterator[Chromium]:
    """A window, and a folder for what is seen in it."""
    _FOLDER.mkdir(exist_ok=True)
    async with open_chromium() as chromium:
        yield chromium


@pytest.mark.parametrize("screen", [_PHONE, _WINDOW, _DESK], ids=["phone", "window", "desk"])
async def test_the_report_fits_the_screen_and_shows_score_and_parts(
    report: Report, browser: Chromium, screen: tuple[int, int]
) -> None:
    await browser.be_wide(*screen, mobile=screen == _PHONE)
    await browser.open(report.url, report.headers)
    (_FOLDER / f"report-{screen[0]}.png").write_bytes(await browser.screenshot())

    assert await browser.run("return innerWidth") == screen[0]
    assert await browser.run(_WIDER_THAN_THE_SCREEN) == 0
    assert await browser.run(_BEYOND_THE_EDGE) == []
    assert await browser.run(_BROKEN_WORDS) == []
    seen = await browser.run(_VISIBLE)
    assert (seen["score"], seen["grade"], seen["foldScore"]) == (["0.7"], ["high"], True)
    shares = [float(contribution) for _, contribution in _PARTS]
    assert [part / seen["bar"] for part in seen["parts"]] == pytest.approx(shares, abs=0.01)
    assert seen["colours"] == len(_PARTS)
    assert seen["rows"] == len(_PARTS)
    assert seen["adds"] == [contribution for _, contribution in _PARTS]
    assert seen["findings"] == len(_FINDINGS) + 1
    assert seen["open"] == 0
    assert "p2p_exchange" not in await browser.run("return document.body.innerText")
    assert seen["qr"][0] >= 120  # pixels; a phone reads it from a hand's breadth


async def test_nothing_but_the_page_is_loaded_and_nothing_in_it_runs(
    report: Report, browser: Chromium
) -> None:
    await browser.open(report.url, report.headers)

    assert (await browser.run("return document.title")).startswith("Risk assessment asm_")
    loaded = "return performance.getEntriesByType('resource').map(each => each.name)"
    assert [name for name in await browser.run(loaded) if not name.endswith("/favicon.ico")] == []
    complaints = await browser.complaints()
    assert [said for said in complaints if "favicon" not in said] == []
    assert await browser.run("return document.scripts.length + document.images.length") == 0


async def test_the_report_prints_on_one_page_or_two(report: Report, browser: Chromium) -> None:
    await browser.open(report.url, report.headers)

    pdf = await browser.pdf()

    (_FOLDER / "report.pdf").write_bytes(pdf)
    boxes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", pdf)
    assert 1 <= len(boxes) <= 2, "a usual report is of two pages at most"
    assert {(round(float(width)), round(float(height))) for width, height in boxes} == {(595, 842)}
