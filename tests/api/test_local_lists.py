"""Providers that look in the imported lists, asked over the API."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from app.assessments import rescreening
from app.assessments.providers.base import ProviderUnknown
from app.lists.parsers.files import read_list
from app.settings import ConfigurationError
from tests.addresses.test_one_account import UNIFIED
from tests.api import problems
from tests.api.asking import ask, balance_of, look, refusal
from tests.api.assessing import CREATE_OWN, DAY
from tests.support.application import Application, open_application
from tests.support.assessments import finish_due
from tests.support.databases import LentDatabase
from tests.support.lists import NOW, import_rows, listed
from tests.support.people import Person, make_access_code, make_user
from tests.support.sandbox import serving_upstream

DATA: Final = Path(__file__).parents[1] / "data"
SATOSHI: Final = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"
SAMPLED: Final = "149w62rY42aZBox8fGcmqNsXUzSStKeq8C"
ADDRESS: Final = "12Cyjf3qV6qLyXdzpLSLPdRFPUVidvnzFM"
EVM: Final = "0x098B716B8Aaf21512996dC57EB0615e2383E2f96"
BLECH32: Final = (
    "lq1qqf8er278e6nyvuwtgf39e6ewvdcnjupn9a86rzpx655y5lhkt0walu3djf9cklkxd3ryld97hu8h3xepw7sh2rlu7q"
    "45dcew5"
)
ZCASH: Final = "t1VmmGiyjVNeCjxDZzg7vZmd99WyzVby9yC"
VITALIK: Final = "0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045"
SPRING, SUMMER = date(2025, 3, 1), date(2025, 7, 1)


@pytest.fixture
async def screening(database: LentDatabase) -> AsyncIterator[Application]:
    """An application that answers from lists, of which none is imported yet."""
    async with open_application(database, scripted=False) as application:
        yield application


@pytest.fixture
async def buyer(database: LentDatabase) -> Person:
    return await make_user(database, NOW, credits_given=20)


@asynccontextmanager
async def open_ensemble(database: LentDatabase) -> AsyncIterator[Application]:
    """Run an application of all local providers, before a chain on which ADDRESS was paid."""
    async with serving_upstream() as upstream:
        root = upstream.base_url.partition("/api/")[0]
        await upstream.press("chain/send", address=ADDRESS, satoshi=50_000)
        async with open_application(
            database,
            scripted=False,
            risk_provider=("sanctions", "tags", "exposure"),
            esplora_url=f"{root}/esplora",
        ) as application:
            yield application


async def answer_to(application: Application, buyer: Person, **question: Any) -> dict[str, Any]:  # noqa: ANN401
    asked = {"assessment_type": "address", "currency": "BTC", **question}
    response = await ask(application, CREATE_OWN, asked, buyer)
    assert response.status_code == 201, response.text
    made: dict[str, Any] = response.json()
    return made


async def test_answer_is_of_the_lists_as_they_are_and_new_ones_are_a_new_question(
    screening: Application, buyer: Person, database: LentDatabase
) -> None:
    sampled = await answer_to(screening, buyer, address=SAMPLED)
    assert sampled["answer"]["risk_score"] == "1"
    assert sampled["answer"]["evidence"][-1]["detail"].startswith("screened against the built-in")
    await import_rows(database, [listed(SATOSHI, label="DOE")], issued=SPRING, source="OFAC SDN")
    screening.clock.advance(10)

    again = await answer_to(screening, buyer, address=SAMPLED)
    found = await answer_to(screening, buyer, address=SATOSHI)

    assert (again["charged"], again["answer"]["risk_score"]) == (True, "0")
    assert [one["detail"] for one in again["answer"]["evidence"]] == [
        "only this address was looked for, not whom it dealt with"
    ]
    assert again["summary"] == "Not on 1 list of 2025-03-01; form valid"
    assert found["summary"] == "Sanctioned by OFAC, on its list of 2025-03-01"
    assert found["answer"]["risk_score"] == "1"
    assert found["answer"]["evidence"][0]["detail"] == (
        f"{SATOSHI} of DOE is listed under XBT in OFAC SDN, version 1, issued 2025-03-01"
    )
    (source,) = found["answer"]["sources"]
    assert (source["name"], source["version"], source["issued"]) == ("OFAC SDN", 1, "2025-03-01")
    assert (await answer_to(screening, buyer, address=SATOSHI))["charged"] is False


async def test_hit_shows_what_is_needed_to_file_it_and_the_receipt_has_it_too(
    screening: Application, buyer: Person, database: LentDatabase
) -> None:
    read = read_list(DATA / "lists" / "sdn_advanced_cut.xml")
    await import_rows(database, read.entries, issued=read.issued, source="OFAC SDN")
    found = await answer_to(screening, buyer, address="1Kys8fqDen8NGFUJ6AFcXfFW5qquuTH4eh")
    (hit,) = found["answer"]["evidence"]
    assert (hit["source_date"], hit["listing"]) == (
        "2025-11-19",
        {
            "address": "1Kys8fqDen8NGFUJ6AFcXfFW5qquuTH4eh",
            "asset": "XBT",
            "name": "Potekhin Danil",
            "aliases": ["Потехин Данил", "cronuswar", "Sergey Kireev Valerievich"],
            "party_type": "individual",
            "list_uid": "29584",
            "programs": ["CYBER2"],
            "listed_on": "2020-09-16",
            "source_url": "https://sanctionssearch.ofac.treas.gov/Details.aspx?id=29584",
        },
    )
    receipt = await look(screening, f"assessments/{found['assessment_id']}/receipt", buyer)
    assert receipt.json()["answer"]["evidence"] == [hit]


async def test_receipt_and_report_say_which_spelling_was_looked_up_beside_the_one_that_was_asked(
    screening: Application, buyer: Person, database: LentDatabase
) -> None:
    await import_rows(database, [listed(EVM, "ETH")], issued=SPRING, source="OFAC SDN")
    asked = f"eth:{EVM}"
    found = await answer_to(screening, buyer, address=asked, currency="ETH")
    assert (found["address"], found["answer"]["looked_up"]) == (asked, EVM.lower())
    receipt = await look(screening, f"assessments/{found['assessment_id']}/receipt", buyer)
    assert receipt.json()["question"]["address"] == asked
    assert receipt.json()["answer"]["looked_up"] == EVM.lower()
    report = await look(screening, f"assessments/{found['assessment_id']}/report", buyer)
    assert "Looked up as" in report.text
    assert EVM.lower() in report.text


async def test_exposure_looks_counterparties_up_in_lists_and_tag_packs(
    buyer: Person, database: LentDatabase
) -> None:
    async with (
        serving_upstream() as upstream,
        httpx.AsyncClient(trust_env=False, timeout=60) as http,
    ):
        root = upstream.base_url.partition("/api/")[0]
        sent = await upstream.press("chain/send", address=ADDRESS, satoshi=50_000)
        shown = await http.get(f"{root}/esplora/tx/{sent['txid']}")
        payer = shown.json()["vin"][0]["prevout"]["scriptpubkey_address"]
        mixer = listed(payer, category="mixer")
        await import_rows(database, [mixer], issued=SPRING, source="GraphSense mixers")
        async with open_application(
            database, scripted=False, risk_provider=("exposure",), esplora_url=f"{root}/esplora"
        ) as application:
            made = await answer_to(application, buyer, address=ADDRESS)

    assert made["provider"] == "exposure"
    assert (made["answer"]["risk_score"], made["answer"]["grade"]) == ("1", "severe")
    hit = made["answer"]["evidence"][0]
    assert (hit["category"], hit["source"], hit["source_date"]) == (
        "mixer",
        "GraphSense mixers",
        "2025-03-01",
    )
    assert hit["detail"].startswith("Indirect: 100% of the value, 50000 satoshi")


async def test_exposure_does_not_start_without_a_server_of_the_chain(
    database: LentDatabase,
) -> None:
    with pytest.raises(ConfigurationError, match="exposure needs ASSAY_ESPLORA_URL"):
        async with open_application(database, scripted=False, risk_provider=("exposure",)):
            pass


async def in_spring_and_summer(database: LentDatabase) -> None:
    """Import a list that had one address in spring, and has another one since summer."""
    await import_rows(database, [listed(SATOSHI)], issued=SPRING, source="OFAC SDN")
    await import_rows(database, [listed(ADDRESS)], issued=SUMMER, source="OFAC SDN")


async def test_question_as_of_a_day_is_answered_by_what_the_lists_said_then(
    screening: Application, buyer: Person, database: LentDatabase
) -> None:
    await in_spring_and_summer(database)

    for address, then, now in ((SATOSHI, "1", "0"), (ADDRESS, "0", "1")):
        was = await answer_to(screening, buyer, address=address, as_of="2025-06-30")
        is_now = await answer_to(screening, buyer, address=address)
        assert (was["answer"]["risk_score"], is_now["answer"]["risk_score"]) == (then, now)
        assert (was["as_of"], is_now["as_of"]) == ("2025-06-30", None)
        assert [source["version"] for source in was["answer"]["sources"]] == [1]
        assert was["answer"]["evidence"][-1]["detail"] == (
            "screened against what the lists said on 2025-06-30"
        )


async def test_receipt_and_report_say_as_of_when(
    screening: Application, buyer: Person, database: LentDatabase
) -> None:
    await in_spring_and_summer(database)
    made = await answer_to(screening, buyer, address=SATOSHI, as_of="2025-06-30")
    path = f"assessments/{made['assessment_id']}"

    receipt = (await look(screening, f"{path}/receipt", buyer)).json()
    report = (await look(screening, f"{path}/report", buyer)).text

    assert receipt["question"]["as_of"] == "2025-06-30"
    assert receipt["sources"][0]["version"] == 1
    assert '<dt>As of</dt><dd><bdi><span class="number">2025-06-30</span></bdi></dd>' in report


async def test_another_day_is_another_question_and_the_same_day_is_answered_for_nothing(
    screening: Application, buyer: Person, database: LentDatabase
) -> None:
    await in_spring_and_summer(database)
    days = (None, "2025-06-30", "2025-07-01", "2025-06-30", None)
    made = [await answer_to(screening, buyer, address=SATOSHI, as_of=day) for day in days]

    assert [one["charged"] for one in made] == [True, True, True, False, False]
    assert made[3]["assessment_id"] == made[1]["assessment_id"]
    assert made[4]["assessment_id"] == made[0]["assessment_id"]


async def test_day_before_the_first_list_is_refused_before_any_debit(
    screening: Application, buyer: Person, database: LentDatabase
) -> None:
    question = {"assessment_type": "address", "currency": "BTC", "address": SATOSHI}
    asked = {**question, "as_of": "2025-02-28"}
    nothing = await ask(screening, CREATE_OWN, asked, buyer)
    await in_spring_and_summer(database)

    too_early = await ask(screening, CREATE_OWN, asked, buyer)
    right = await ask(screening, CREATE_OWN, {**asked, "as_of": "2025-03-01"}, buyer)

    assert refusal(nothing) == problems.must_be("as_of", "left out: no list has been imported")
    assert refusal(too_early) == problems.must_be(
        "as_of", "2025-03-01 or later: the lists go back no further"
    )
    assert right.status_code == 201
    assert await balance_of(screening, buyer) == 19


async def test_provider_that_knows_only_now_refuses_a_day_before_any_debit(
    buyer: Person, database: LentDatabase
) -> None:
    await in_spring_and_summer(database)
    question = {"assessment_type": "address", "currency": "BTC", "address": SATOSHI}
    keys = {"crystal_api_key": "a-key", "chainalysis_api_key": "a-key"}
    for name in ("crystal", "chainalysis", "exposure"):
        async with open_application(
            database,
            scripted=False,
            risk_provider=(name,),
            esplora_url="http://127.0.0.1:9/",
            **keys,
        ) as application:
            answer = await ask(application, CREATE_OWN, {**question, "as_of": "2025-03-01"}, buyer)
            assert refusal(answer) == problems.must_be(
                "as_of", f"left out: {name} answers as of now alone"
            )
            assert await balance_of(application, buyer) == 20


async def test_each_of_many_questions_has_its_own_day(
    screening: Application, database: LentDatabase
) -> None:
    await in_spring_and_summer(database)
    user = await make_user(database, NOW)
    code = await make_access_code(database, user, NOW, credits_given=5)
    question = {"assessment_type": "address", "currency": "BTC", "address": SATOSHI}
    days = ("2025-06-30", "2025-02-28", "2025-02-30", None)
    body = {
        "access_code": code.access_code,
        "questions": [{**question, "as_of": day} for day in days],
    }

    made = (await ask(screening, "create_new_assessments_for_access_code", body, code)).json()

    scores = [one["assessment"] and one["assessment"]["answer"] for one in made["outcomes"]]
    assert [one and one["risk_score"] for one in scores] == ["1", None, None, "0"]
    assert [one["error"] and one["error"]["detail"] for one in made["outcomes"]][1:3] == [
        "as_of must be 2025-03-01 or later: the lists go back no further",
        f"as_of must be {DAY}",
    ]
    assert (made["credits_charged"], made["credits_available"]) == (2, 3)


async def test_pending_question_is_asked_again_as_of_its_day(
    database: LentDatabase, buyer: Person
) -> None:
    await in_spring_and_summer(database)
    async with open_application(database) as application:
        application.provider.raises = ProviderUnknown()
        await answer_to(application, buyer, address=SATOSHI, as_of="2025-06-30")
        application.clock.advance(60)
        await finish_due(database, application.resources.ensemble, application.clock)
        assert [one.as_of for one in application.provider.asked] == [date(2025, 6, 30)] * 2


async def test_what_a_list_changed_is_shown_beside_an_answer_that_stays(
    screening: Application, buyer: Person, database: LentDatabase
) -> None:
    doe = listed(SATOSHI, label="DOE")
    await import_rows(database, [doe], issued=SPRING, source="OFAC SDN")
    made = (await answer_to(screening, buyer, address=SATOSHI))["assessment_id"]
    receipt = (await look(screening, f"assessments/{made}/receipt", buyer)).content
    await import_rows(database, [listed(ADDRESS)], issued=SUMMER, source="OFAC SDN")
    screening.clock.advance(60)
    while await rescreening.review_next(database, screening.clock):
        pass

    [shown] = (await look(screening, "assessments", buyer)).json()["items"]
    report = (await look(screening, f"assessments/{made}/report", buyer)).text

    assert shown["answer"]["risk_score"] == "1"
    assert shown["changes"] == [
        {
            "source": "OFAC SDN",
            "version": 2,
            "issued": "2025-07-01",
            "found_at": "2026-01-11T12:47:03Z",
            "is_listed": False,
            "score_before": "1",
            "grade_before": "severe",
            "score_after": "0",
            "grade_after": "not on the lists",
            "entries": [
                {
                    "address": SATOSHI,
                    "asset": "XBT",
                    "label": "DOE",
                    "reference": "",
                    "category": "sanctions",
                    "aliases": [],
                    "party_type": None,
                    "list_uid": None,
                    "programs": [],
                    "listed_on": None,
                    "source_url": None,
                }
            ],
        }
    ]
    cell = '<td data-label="As"><div>no longer listed</div></td>'
    for text in ("Since then", cell, "OFAC SDN, version 2", "DOE"):
        assert text in report
    assert (await look(screening, f"assessments/{made}/receipt", buyer)).content == receipt
    assert await balance_of(screening, buyer) == 19


async def test_tag_of_the_asked_address_is_evidence_for_every_currency(
    buyer: Person, database: LentDatabase
) -> None:
    ethereum = "0x52908400098527886E0F7030069857D2E4169EE7"
    rows = [listed(SATOSHI), listed(ethereum, "ETH", category="mixer", label="a mixer")]
    await import_rows(database, rows, issued=SPRING, source="GraphSense pack")
    await import_rows(database, [listed(SAMPLED)], issued=SPRING, source="OFAC SDN")
    asked = {"address": ethereum.lower(), "currency": "ETH"}
    async with open_application(database, scripted=False, risk_provider="tags") as application:
        tagged = await answer_to(application, buyer, **asked)
        clean = await answer_to(application, buyer, address=ADDRESS)
    async with open_application(database, scripted=False) as application:
        screened = await answer_to(application, buyer, **asked)

    [hit, limit] = tagged["answer"]["evidence"]
    assert (hit["category"], hit["contribution"], hit["hops"]) == ("mixer", "1", 0)
    assert hit["detail"] == (
        f"Direct: the address is listed in GraphSense pack: {ethereum} of a mixer"
    )
    assert limit["category"] == "scope"
    assert tagged["summary"] == "Tagged as mixer by GraphSense pack"
    assert clean["summary"] == "No tag on 2 lists of 2025-03-01; form valid"
    # Who only screens for sanctions is not left to think that nothing is known.
    assert screened["answer"]["evidence"][-1]["detail"] == (
        "tagged as mixer in GraphSense pack, which is no sanction and does not count here"
    )


async def test_tag_that_is_unsure_weighs_less_and_a_mention_is_not_whose_it_is(
    buyer: Person, database: LentDatabase, tmp_path: Path
) -> None:
    file = tmp_path / "pack.yaml"
    file.write_text(
        "currency: BTC\nlabel: a shop\nconfidence: ownership\nlastmod: 2025-03-01\ntags:\n"
        f"- {{address: {SATOSHI}, concepts: [pyramid_scheme], confidence: web_crawl}}\n"
        f"- {{address: {ADDRESS}, concepts: [market, dark_web], tag_type: mention}}\n"
        f"- {{address: {SAMPLED}, category: market}}\n"
    )
    read = read_list(file)
    await import_rows(database, read.entries, issued=read.issued, source=read.source)
    # Without a sanctions list the sample would count as well.
    await import_rows(database, [listed("1BpEi6DfDAUFd7GtittLSdBeYJvcoaVggu")], source="OFAC SDN")
    async with open_application(database, scripted=False, risk_provider="tags") as application:
        asked = [await answer_to(application, buyer, address=row.address) for row in read.entries]
    hits = [one["answer"]["evidence"][0] for one in asked]
    assert [(hit["category"], hit["weight"], hit["contribution"]) for hit in hits] == [
        ("scam", "0.4", "0.4"),
        ("other", "0.25", "0.25"),
        ("marketplace", "0", "0"),
    ]
    assert hits[1]["detail"].startswith("Direct: the address is mentioned in GraphSense pack")


async def test_same_pack_under_another_category_is_another_answer(
    buyer: Person, database: LentDatabase, tmp_path: Path
) -> None:
    file = tmp_path / "pack.yaml"
    file.write_text(f"currency: BTC\ntags:\n- {{address: {SATOSHI}, category: market}}\n")
    async with open_application(database, scripted=False, risk_provider="tags") as application:
        for category, score in ((None, "0"), ("scam", "1")):
            read = read_list(file, category=category)
            await import_rows(
                database,
                read.entries,
                issued=SPRING,
                source="pack",
                sha256=read.sha256,
                reading=read.reading,
            )
            application.clock.advance(10)
            answer = await answer_to(application, buyer, address=SATOSHI)
            assert (answer["charged"], answer["answer"]["risk_score"]) == (True, score)


async def test_headline_says_what_changed_since_and_the_receipt_what_was_answered(
    screening: Application, buyer: Person, database: LentDatabase
) -> None:
    await import_rows(database, [listed(ADDRESS)], issued=SPRING, source="OFAC SDN")
    made = await answer_to(screening, buyer, address=SATOSHI)
    await import_rows(
        database, [listed(ADDRESS), listed(SATOSHI)], issued=SUMMER, source="OFAC SDN"
    )
    screening.clock.advance(3600)
    while await rescreening.review_next(database, screening.clock):
        pass

    [now] = (await look(screening, "assessments", buyer)).json()["items"]
    receipt = await look(screening, f"assessments/{made['assessment_id']}/receipt", buyer)

    then = "Not on 1 list of 2025-03-01; form valid"
    assert made["summary"] == receipt.json()["answer"]["summary"] == then
    assert now["answer"]["summary"] == then
    assert now["summary"] == (f"Changed since: now on OFAC SDN of 2025-07-01; as answered: {then}")


PACK: Final = [listed(SATOSHI, category="mixer"), listed(ADDRESS, category="sanctions")]


async def import_pack(database: LentDatabase, issued: date) -> None:
    await import_rows(
        database, PACK, issued=issued, source="GraphSense pack", origin="lists/pack.yaml"
    )


async def test_tag_pack_alone_leaves_the_sample_and_its_warning(
    screening: Application, buyer: Person, database: LentDatabase
) -> None:
    await import_pack(database, SPRING)
    sampled = await answer_to(screening, buyer, address=SAMPLED)
    assert sampled["answer"]["risk_score"] == "1"
    assert sampled["answer"]["evidence"][-1]["detail"].startswith("screened against the built-in")
    await import_rows(database, [listed(ADDRESS)], issued=SUMMER, source="OFAC SDN")
    screening.clock.advance(10)
    again = await answer_to(screening, buyer, address=SAMPLED)
    assert (again["charged"], again["answer"]["risk_score"]) == (True, "0")


async def test_tag_pack_alone_leaves_the_sample_in_batches_panels_and_repeated_questions(
    database: LentDatabase,
) -> None:
    await import_pack(database, SPRING)
    issuer = await make_user(database, NOW)
    code = await make_access_code(database, issuer, NOW, credits_given=20)
    questions = [
        {"assessment_type": "address", "currency": "BTC", "address": address}
        for address in (SAMPLED, SATOSHI, ADDRESS)
    ]
    body = {"access_code": code.access_code, "questions": questions}
    async with open_ensemble(database) as application:

        async def made() -> list[dict[str, Any]]:
            endpoint = "create_new_assessments_for_access_code"
            answer = (await ask(application, endpoint, body, code)).json()
            return list(answer["outcomes"])

        first = [one["assessment"] for one in await made()]
        # The pack calls the last one sanctioned, which counts, and is still no sanctions list.
        for one, score in zip(first, ("1", "0", "1"), strict=True):
            by_name = {said["provider"]: said for said in one["answer"]["opinions"]}
            assert by_name["sanctions"]["risk_score"] == score, one["address"]
            assert any(
                item["detail"].startswith("screened against the built-in sample")
                for item in by_name["sanctions"]["evidence"]
            )
            names = {source["name"]: source for source in one["answer"]["sources"]}
            assert names["GraphSense pack"]["is_sanctions"] is False
            assert "built-in sample, not a complete list" in names
        assert [one["charged"] for one in await made()] == [False] * 3

        await import_rows(database, [listed(SATOSHI)], issued=SUMMER, source="OFAC SDN")
        application.clock.advance(10)
        again = await made()
        assert [one["charged"] for one in again] == [True] * 3
        assert "built-in sample" not in str(again)


async def test_answer_says_which_account_of_an_address_was_not_looked_for(
    buyer: Person, database: LentDatabase
) -> None:
    rows = [listed(SATOSHI), listed(EVM, "USDT"), listed(ZCASH, "ZEC")]
    await import_rows(database, rows, issued=SPRING, source="OFAC SDN")
    async with open_application(
        database, scripted=False, risk_provider=("sanctions", "tags")
    ) as application:
        for currency, address, limit in (
            ("USDT", BLECH32, "the plain address behind a blinded one of Liquid (Blech32)"),
            ("ZEC", UNIFIED[1], "the Sapling receiver of the unified address"),
            ("ZEC", f"zcash:{UNIFIED[1]}", "the Sapling receiver of the unified address"),
            ("ZEC", UNIFIED[2], None),
            ("ZEC", ZCASH, None),
        ):
            made = await answer_to(application, buyer, currency=currency, address=address)
            for said in made["answer"]["opinions"]:
                told = [one["detail"] for one in said["evidence"]]
                ends = [one for one in told if one.endswith(" was not looked for")]
                assert ends == ([] if limit is None else [f"{limit} was not looked for"]), address


async def test_lists_without_an_address_of_the_currency_make_no_clean_answer(
    screening: Application, database: LentDatabase
) -> None:
    await import_rows(database, [listed(SATOSHI)], issued=SPRING, source="XBT")
    await import_rows(
        database, [listed(EVM, "ETH")], issued=SUMMER, source="pack", origin="p/eth.yaml"
    )
    issuer = await make_user(database, NOW)
    code = await make_access_code(database, issuer, NOW, credits_given=9)

    async def answers() -> list[dict[str, Any]]:
        asked = [
            {"assessment_type": "address", "currency": currency, "address": address}
            for currency, address in (("ETH", VITALIK), ("ETH", EVM), ("BTC", ADDRESS))
        ]
        body = {"access_code": code.access_code, "questions": asked}
        made = await ask(screening, "create_new_assessments_for_access_code", body, code)
        return list(made.json()["outcomes"])

    blind, hit, clean = (one["assessment"] for one in await answers())
    assert (blind["answer"]["risk_score"], blind["answer"]["grade"]) == (
        "0",
        "no list of such addresses",
    )
    assert blind["summary"] == (
        "Not checked for sanctions: no sanctions list in force names any such address; form valid"
    )
    assert blind["answer"]["evidence"][0]["detail"] == (
        "no sanctions list in force names any ETH address: it could not be found"
    )
    assert [one["is_sanctions"] for one in blind["answer"]["sources"]] == [True, False]
    assert hit["answer"]["risk_score"] == "1"
    assert clean["summary"] == "Not on 1 list of 2025-03-01; form valid"
    assert [one["charged"] for one in await answers()] == [False] * 3

    # A token on Ethereum has the accounts of Ethereum: its list is one of such addresses.
    await import_rows(database, [listed(EVM, "USDC")], issued=SUMMER, source="OFAC SDN")
    screening.clock.advance(10)
    again, *_ = await answers()
    assert again["charged"] is True
    assert again["assessment"]["summary"] == (
        "Not on 2 lists of 2025-03-01 to 2025-07-01; form valid"
    )


async def test_tags_and_exposure_do_not_read_as_checked_by_lists_of_other_currencies(
    buyer: Person, database: LentDatabase
) -> None:
    await import_rows(database, [listed(EVM, "ETH")], issued=SPRING, source="OFAC SDN")
    async with open_ensemble(database) as application:
        made = await answer_to(application, buyer, address=ADDRESS)
    opinions = made["answer"]["opinions"]
    assert [one["grade"] for one in opinions] == ["no list of such addresses"] * 3
    assert made["summary"].count("not checked for") == 2
    assert made["summary"].startswith("Not checked for sanctions")


async def test_day_before_the_first_sanctions_list_is_refused_although_a_tag_pack_is_older(
    screening: Application, buyer: Person, database: LentDatabase
) -> None:
    await import_pack(database, SPRING)
    question = {"assessment_type": "address", "currency": "BTC", "address": SATOSHI}
    response = await ask(screening, CREATE_OWN, {**question, "as_of": str(SPRING)}, buyer)
    assert response.status_code == 400
    assert "no list has been imported" in response.json()["detail"]
    await import_rows(database, [listed(ADDRESS)], issued=SUMMER, source="OFAC SDN")
    screening.clock.advance(10)
    response = await ask(screening, CREATE_OWN, {**question, "as_of": "2025-06-30"}, buyer)
    assert response.status_code == 400
    assert "2025-07-01 or later" in response.json()["detail"]
    response = await ask(screening, CREATE_OWN, {**question, "as_of": str(SUMMER)}, buyer)
    assert response.status_code == 201
    assert await balance_of(screening, buyer) == 19


async def test_without_a_required_list_no_assessment_is_sold_and_an_old_one_is_told(
    database: LentDatabase, buyer: Person
) -> None:
    required = {"required_lists": ("OFAC SDN",), "list_max_age_days": timedelta(days=30)}
    async with open_application(database, scripted=False, **required) as application:
        question = {"assessment_type": "address", "currency": "BTC", "address": SATOSHI}
        response = await ask(application, CREATE_OWN, question, buyer)
        assert refusal(response) == problems.LISTS_NOT_IN_FORCE
        notes = (await application.http.get("/readyz")).json()["notes"]
        assert "the required list OFAC SDN is not in force" in notes
        assert await balance_of(application, buyer) == 20
        await import_rows(database, [listed(ADDRESS)], issued=SPRING, source="OFAC SDN")
        application.clock.advance(10)
        answer = (await answer_to(application, buyer, address=SATOSHI))["answer"]
        told = [one["detail"] for one in answer["evidence"]]
        assert any(one.startswith("the required list OFAC SDN is ") for one in told)
        notes = (await application.http.get("/readyz")).json()["notes"]
        assert any(note.endswith("days old, more than 30") for note in notes)
