"""Providers that look in the imported lists, asked over the API."""

from collections.abc import AsyncIterator
from datetime import date
from typing import Any, Final

import httpx
import pytest

from app.settings import ConfigurationError
from tests.api.asking import ask
from tests.api.assessing import CREATE_OWN
from tests.support.application import Application, open_application
from tests.support.databases import LentDatabase
from tests.support.lists import NOW, import_rows, listed
from tests.support.people import Person, make_user
from tests.support.sandbox import serving_upstream

SATOSHI: Final = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"
SAMPLED: Final = "149w62rY42aZBox8fGcmqNsXUzSStKeq8C"
ADDRESS: Final = "12Cyjf3qV6qLyXdzpLSLPdRFPUVidvnzFM"
SPRING, SUMMER = date(2025, 3, 1), date(2025, 7, 1)


@pytest.fixture
async def screening(database: LentDatabase) -> AsyncIterator[Application]:
    """An application that answers from lists, of which none is imported yet."""
    async with open_application(database, scripted=False) as application:
        yield application


@pytest.fixture
async def buyer(database: LentDatabase) -> Person:
    return await make_user(database, NOW, credits_given=20)


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
    assert again["answer"]["evidence"] == []
    assert found["answer"]["risk_score"] == "1"
    assert found["answer"]["evidence"][0]["detail"] == (
        f"{SATOSHI} of DOE is listed under XBT in OFAC SDN, version 1, issued 2025-03-01"
    )
    (source,) = found["answer"]["sources"]
    assert (source["name"], source["version"], source["issued"]) == ("OFAC SDN", 1, "2025-03-01")
    assert (await answer_to(screening, buyer, address=SATOSHI))["charged"] is False


async def test_exposure_looks_counterparties_up_in_lists_and_tag_packs(
    buyer: Person, database: LentDatabase
) -> None:
    async with serving_upstream() as upstream, httpx.AsyncClient(trust_env=False) as http:
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
    assert hit["detail"].startswith("Indirect: 1 of the value, 50000 satoshi")


async def test_exposure_does_not_start_without_a_server_of_the_chain(
    database: LentDatabase,
) -> None:
    with pytest.raises(ConfigurationError, match="exposure needs ASSAY_ESPLORA_URL"):
        async with open_application(database, scripted=False, risk_provider=("exposure",)):
            pass
