"""The headline of an assessment: one sentence for each way that an answer may be."""

from datetime import date
from decimal import Decimal
from typing import Any, Final

from app.assessments.rules.risk_words import category_words, percent, sentence_words
from app.assessments.rules.summaries import headline, stored_summary, summary_of
from app.lists.rules.risk import CATEGORIES
from tests.support.cases import each_case

JsonObject = dict[str, Any]

DAY: Final = "2025-11-19"
SAMPLE: Final = "built-in sample, not a complete list"


def sources(*days: str | None) -> list[JsonObject]:
    return [{"name": f"list {n}", "issued": day, "version": 1} for n, day in enumerate(days)]


def hit(
    source: str = "OFAC SDN",
    listed_on: str | None = None,
    programs: tuple[str, ...] = (),
    **more: object,
) -> JsonObject:
    listing = {"listed_on": listed_on, "programs": list(programs)}
    fixed = {"category": "sanctions", "share": "1", "contribution": "1", "hops": 0}
    return {**fixed, "source": source, "source_date": DAY, "listing": listing, **more}


def seen(category: str, share: str, adds: str, hops: int | None = None) -> JsonObject:
    return {
        "category": category,
        "share": share,
        "contribution": adds,
        "source": "GraphSense mixers",
        "hops": hops,
    }


def answer(score: str = "1", grade: str = "severe", **more: object) -> JsonObject:
    return {"risk_score": score, "grade": grade, "address_form": "valid", "evidence": [], **more}


def clean(*days: str | None, **more: object) -> JsonObject:
    return answer("0", "not on the lists", sources=sources(*days), **more)


def opinion(provider: str, score: str | None, grade: str | None, *evidence: object) -> JsonObject:
    reason = "could not answer" if score is None else None
    return {
        "provider": provider,
        "reason": reason,
        "risk_score": score,
        "grade": grade,
        "evidence": list(evidence),
    }


def said(one: JsonObject, provider: str = "sanctions", **asked: Any) -> str:  # noqa: ANN401
    fixed: JsonObject = {"assessment_type": "address", "as_of": None}
    return summary_of(one, provider=provider, **{**fixed, **asked})


HITS: Final = [
    ([hit(listed_on="2020-09-16", programs=("CYBER2",))], "by OFAC since 2020-09-16 (CYBER2)"),
    (
        [
            hit(listed_on="2022-11-08", programs=("CYBER2", "DPRK3")),
            hit(listed_on="2022-08-08", programs=("CYBER2",)),
        ],
        "by OFAC since 2022-08-08 (CYBER2, DPRK3)",
    ),
    ([hit(listed_on="2020-09-16")], "by OFAC since 2020-09-16"),
    ([hit(programs=("CYBER2",))], f"by OFAC (CYBER2), on its list of {DAY}"),
    ([hit()], f"by OFAC, on its list of {DAY}"),
    ([hit(source_date=None)], "by OFAC"),
    ([hit("EU consolidated", listed_on="2024-01-02")], "by the EU since 2024-01-02"),
    ([hit("the house list", source_date=None)], "according to the house list"),
    (
        [hit("texts XBT"), hit(listed_on="2020-09-16", programs=("CYBER2",))],
        "by OFAC since 2020-09-16 (CYBER2); on 2 lists",
    ),
]


@each_case(("evidence", "words"), HITS)
def test_a_hit_says_who_sanctions_since_when_and_why(
    evidence: list[JsonObject], words: str
) -> None:
    assert said(answer(evidence=evidence)) == f"Sanctioned {words}"


@each_case(
    ("one", "words"),
    [
        (clean(DAY, DAY, DAY), f"Not on 3 lists of {DAY}; form valid"),
        (clean(DAY), f"Not on 1 list of {DAY}; form valid"),
        (clean(DAY, "2025-10-01"), f"Not on 2 lists of 2025-10-01 to {DAY}; form valid"),
        (clean(DAY, None), f"Not on 2 lists of {DAY} or unknown date; form valid"),
        (clean(None), "Not on 1 list of unknown date; form valid"),
        (clean(DAY, address_form="not_checkable"), f"Not on 1 list of {DAY}; form not checkable"),
        (clean(DAY, address_form="not_checked"), f"Not on 1 list of {DAY}; form not checked"),
        (  # a tag pack is looked in, too, and is no sanctions list
            answer(
                "0",
                "not on the lists",
                sources=[
                    {**sources(DAY)[0], "is_sanctions": True},
                    {**sources("2026-01-01")[0], "is_sanctions": False},
                ],
            ),
            f"Not on 1 list of {DAY}; form valid",
        ),
        (
            answer("0", "no list of such addresses", sources=sources(DAY)),
            "Not checked for sanctions: no sanctions list in force names any such address;"
            " form valid",
        ),
        (
            answer("0", "not on the lists", sources=[{"name": SAMPLE, "version": None}]),
            f"Not in the {SAMPLE}; form valid",
        ),
    ],
)
def test_nothing_found_says_where_and_of_which_day(one: JsonObject, words: str) -> None:
    assert said(one) == words


def test_the_day_that_was_asked_about_and_a_transaction_are_said() -> None:
    day = date(2025, 1, 31)
    words = f"Not on 1 list of {DAY}; form valid; as of 2025-01-31"
    assert said(clean(DAY), as_of=day) == words
    assert said(clean(DAY), assessment_type="transaction") == (
        f"Not on 1 list of {DAY}; the transaction itself was not screened; form valid"
    )
    crystal = answer("0", "none")
    assert said(crystal, "crystal", assessment_type="transaction") == (
        "Crystal says none; form valid"
    )


@each_case(
    ("provider", "one", "words"),
    [
        (
            "exposure",
            answer("0.06", "low", evidence=[seen("mixer", "0.05", "0.05", 1)]),
            "Exposure one hop away: 5% mixer; risk low",
        ),
        (
            "exposure",
            answer(
                "0.07",
                "low",
                evidence=[
                    seen("sanctions", "0.02", "0.02", 1),
                    seen("mixer", "0.02", "0.02", 1),
                    seen("mixer", "0.03", "0.03", 1),
                ],
            ),
            "Exposure one hop away: 5% mixer, 2% sanctions; risk low",
        ),
        (
            "exposure",
            answer(evidence=[hit(listed_on="2020-09-16")]),
            "Sanctioned by OFAC since 2020-09-16",
        ),
        # The whole of what passed came from a sanctioned party, which this address is not.
        (
            "exposure",
            answer(evidence=[hit(hops=1)]),
            "Exposure one hop away: 100% sanctions; risk severe",
        ),
        (
            "exposure",
            answer("0", "no exposure found", sources=sources(DAY)),
            "No exposure found one hop away; form valid",
        ),
        (
            "tags",
            answer(evidence=[seen("mixer", "1", "1", 0)]),
            "Tagged as mixer by GraphSense mixers",
        ),
        (
            "tags",
            answer("0.25", "medium", evidence=[seen("other", "1", "0.25", 0)]),
            "Tagged by GraphSense mixers",
        ),
        (
            "tags",
            answer("0", "no tag found", sources=sources(DAY, DAY)),
            f"No tag on 2 lists of {DAY}; form valid",
        ),
        (
            "crystal",
            answer(
                "0.3134", "medium", evidence=[seen("p2p_exchange_unlicensed", "0.484", "0.2904")]
            ),
            "Crystal says medium: 48.4% unlicensed P2P exchange",
        ),
        (
            "chainalysis",
            answer("0", "not on the lists"),
            "Not known to Chainalysis as sanctioned; form valid",
        ),
    ],
)
def test_each_provider_has_words_of_its_own(provider: str, one: JsonObject, words: str) -> None:
    assert said(one, provider) == words


def test_disagreement_leads_with_what_each_said() -> None:
    opinions = [opinion("sanctions", "1", "severe"), opinion("crystal", "0.3", "medium")]
    assert said(answer(opinions=opinions, disagreement=True)) == (
        "Providers disagree: sanctions says severe, Crystal medium; the highest counts"
    )
    silent = [*opinions, opinion("exposure", None, None), opinion("chainalysis", None, None)]
    assert said(answer(opinions=silent, disagreement=True)) == (
        "Providers disagree: sanctions says severe, Crystal medium; the highest counts;"
        " 2 of 4 answered"
    )


def test_of_several_that_found_nothing_each_is_heard_and_who_was_silent_counted() -> None:
    opinions = [
        opinion("sanctions", "0", "not on the lists"),
        opinion("exposure", "0", "no exposure found"),
        opinion("crystal", None, None),
        opinion("chainalysis", None, None),
    ]
    assert said(clean(DAY, opinions=opinions)) == (
        f"Not on 1 list of {DAY}; no exposure found one hop away; form valid; 2 of 4 answered"
    )


def test_of_several_that_agree_the_worst_is_heard() -> None:
    opinions = [
        opinion("sanctions", "1", "severe", hit(listed_on="2020-09-16", programs=("CYBER2",))),
        opinion("chainalysis", "1", "severe", hit("Chainalysis sanctions API")),
    ]
    assert said(answer(opinions=opinions)) == "Sanctioned by OFAC since 2020-09-16 (CYBER2)"


def test_what_is_not_ready_says_so() -> None:
    fixed: JsonObject = {"summary": None, "changes": []}
    assert headline(status="pending", failure_reason=None, **fixed) == "Not answered yet"
    failed = headline(status="failed", failure_reason="it was refused", **fixed)
    assert failed == "Not answered: it was refused; the credit was refunded"


def test_what_changed_since_leads_and_the_newest_of_a_list_counts() -> None:
    taken = {"source": "OFAC SDN", "is_listed": True, "issued": "2026-02-01"}
    dropped = {"source": "OFAC SDN", "is_listed": False, "issued": None}
    fixed: JsonObject = {"status": "ready", "failure_reason": None, "summary": "Not on 1 list"}
    assert headline(changes=[taken], **fixed) == (
        "Changed since: now on OFAC SDN of 2026-02-01; as answered: Not on 1 list"
    )
    assert headline(changes=[taken, dropped], **fixed) == (
        "Changed since: no longer on OFAC SDN; as answered: Not on 1 list"
    )


def test_what_was_stored_is_not_made_anew_and_old_or_odd_answers_have_a_headline() -> None:
    asked: JsonObject = {"provider": "sanctions", "assessment_type": "address", "as_of": None}
    assert stored_summary({**clean(DAY), "summary": "as it was"}, **asked) == "as it was"
    old = {
        "risk_score": "1",
        "grade": "sanctioned",
        "evidence": [{"category": "sanctions", "source": "OFAC SDN"}],
    }
    assert stored_summary(old, **asked) == "Sanctioned by OFAC"
    assert stored_summary({}, **asked) == "Not on any list"
    odd = {"risk_score": "<b>", "grade": "<b>", "evidence": [{"category": "scope"}]}
    assert stored_summary(odd, **asked) == "Not on any list"


def test_every_category_has_words_and_a_share_is_a_percentage() -> None:
    assert [name for name in CATEGORIES if "_" in category_words(name)] == []
    assert category_words("of_another_house") == "of another house"
    old = "0.48 of the value is connected with p2p_exchange_unlicensed"
    assert sentence_words(old) == "0.48 of the value is connected with unlicensed P2P exchange"
    shares = ("0", "0.000001", "0.3134", "0.484", "0.999999", "1")
    written = ("0%", "<0.01%", "31.34%", "48.4%", ">99.99%", "100%")
    assert tuple(percent(Decimal(share)) for share in shares) == written
