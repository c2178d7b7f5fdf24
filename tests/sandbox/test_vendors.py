"""The sandbox's risk vendors, on real HTTP: their shapes, their refusals, their controls."""

from typing import Any

import httpx
import pytest

from tests.sandbox.conftest import Harness

ADDRESS = {"direction": "withdrawal", "address": "0xAB", "name": "a name", "currency": "eth"}
TRANSACTION = {**ADDRESS, "direction": "deposit", "tx": "0xCD"}
KEY = {"X-Auth-Apikey": "a key"}


async def add(sandbox: Harness, form: dict[str, str] | None = None) -> httpx.Response:
    url = f"{sandbox.root}/crystal/monitor/tx/add"
    return await sandbox.http.post(url, data=form or ADDRESS, headers=KEY)


async def listed(sandbox: Harness, body: dict[str, Any]) -> list[dict[str, Any]]:
    url = f"{sandbox.root}/crystal/monitor/batch/txs"
    response = await sandbox.http.post(url, json=body, headers=KEY)
    assert response.status_code == 200, response.text
    found: list[dict[str, Any]] = response.json()["data"]
    return found


async def test_crystal_answers_an_address_with_all_members_of_a_known_answer(
    sandbox: Harness,
) -> None:
    said = (await add(sandbox)).json()
    assert said["meta"].keys() == {
        "calls_left",
        "calls_used",
        "error_code",
        "error_message",
        "fiat_code",
        "riskscore_profile",
        "server_time",
    }
    assert (said["meta"]["calls_left"], said["meta"]["calls_used"]) == (4_999, 1)
    data = said["data"]
    assert (data["status"], data["customer"]["name"]) == ("ready", "a name")
    assert len(data["signals"]) == len(data["riskscore_profile"]["signals"]) == 25
    nothing = ("amount", "fiat", "time", "tx", "alert_grade", "risky_volume")
    assert [data[name] for name in nothing] == [None] * len(nothing)


async def test_crystal_reads_json_as_well_as_forms(sandbox: Harness) -> None:
    url = f"{sandbox.root}/crystal/monitor/tx/add"
    response = await sandbox.http.post(url, json=TRANSACTION, headers=KEY)
    assert response.json()["data"]["tx"] == "0xCD"


async def test_a_name_that_comes_again_is_the_same_customer(sandbox: Harness) -> None:
    first, second = [(await add(sandbox)).json()["data"] for _ in range(2)]
    assert first["customer"] == second["customer"]
    assert first["id"] != second["id"]


@pytest.mark.parametrize("missing", ["direction", "address", "name", "currency", "tx"])
async def test_crystal_refuses_what_is_incomplete(sandbox: Harness, missing: str) -> None:
    form = {name: value for name, value in TRANSACTION.items() if name != missing}
    response = await add(sandbox, form)
    assert response.status_code == 400
    assert response.json()["data"] is None
    assert missing in response.json()["meta"]["validation_errors"]


@pytest.mark.parametrize("headers", [{}, {"X-Auth-Apikey": "wrong"}])
async def test_crystal_refuses_a_key_in_json(sandbox: Harness, headers: dict[str, str]) -> None:
    url = f"{sandbox.root}/crystal/monitor/tx/add"
    response = await sandbox.http.post(url, data=ADDRESS, headers=headers)
    assert response.status_code == 401
    assert response.json()["meta"]["error_code"] != 0


async def test_crystal_lists_by_id_or_the_newest_first(sandbox: Harness) -> None:
    ids = [(await add(sandbox)).json()["data"]["id"] for _ in range(3)]
    newest = await listed(sandbox, {"order": "created_at", "direction": "desc", "limit": 2})
    assert [row["id"] for row in newest] == [ids[2], ids[1]]
    assert [row["id"] for row in await listed(sandbox, {"filter": {"id": ids[0]}})] == [ids[0]]
    assert await listed(sandbox, {"filter": {"id": "none"}}) == []
    oldest = await listed(sandbox, {"order": "created_at", "direction": "asc", "offset": 1})
    assert [row["id"] for row in oldest] == ids[1:]


@pytest.mark.parametrize("body", [{"filter": {"name": "a name"}}, {"limit": 0}, {"order": "id"}])
async def test_crystal_knows_no_other_ways_to_list(sandbox: Harness, body: dict[str, Any]) -> None:
    url = f"{sandbox.root}/crystal/monitor/batch/txs"
    assert (await sandbox.http.post(url, json=body, headers=KEY)).status_code == 400


async def test_a_pending_question_says_nothing_until_it_was_looked_at(sandbox: Harness) -> None:
    await sandbox.control("vendors/crystal", {"pending_looks": 1, "numbered": True})
    said = (await add(sandbox)).json()["data"]
    assert (said["status"], said["riskscore"], said["signals"]) == ("pending", None, None)
    assert isinstance(said["id"], int)
    looks = [(await listed(sandbox, {"filter": {"id": said["id"]}}))[0] for _ in range(2)]
    assert [look["status"] for look in looks] == ["pending", "ready"]
    assert looks[1]["riskscore"] is not None


async def test_chainalysis_says_no_in_three_ways(sandbox: Harness) -> None:
    url = f"{sandbox.root}/chainalysis/api/v1/address/0xAB"
    none = await sandbox.http.get(url)
    assert (none.status_code, none.headers["content-type"]) == (403, "text/html; charset=utf-8")
    wrong = await sandbox.http.get(url, headers={"X-API-Key": "wrong"})
    assert (wrong.status_code, wrong.json()) == (401, {"message": "Invalid API Key"})
    unlisted = await sandbox.http.get(url, headers={"X-API-Key": "a key"})
    assert unlisted.json() == {"identifications": []}


async def test_chainalysis_identifies_what_was_listed(sandbox: Harness) -> None:
    await sandbox.control("vendors/chainalysis", {"address": "0xAB"})
    url = f"{sandbox.root}/chainalysis/api/v1/address/0xAB"
    response = await sandbox.http.get(url, headers={"X-API-Key": "a key"})
    (entry,) = response.json()["identifications"]
    assert entry.keys() == {"category", "name", "description", "url"}
    assert (await sandbox.stats())["vendors"]["chainalysis"] == {"sanctions": 1}


@pytest.mark.parametrize(
    ("source", "endpoint"),
    [("crystal", "sanctions"), ("chainalysis", "tx_add"), ("crystal", "order_create")],
)
async def test_a_fault_names_an_endpoint_of_its_own_vendor(
    sandbox: Harness, source: str, endpoint: str
) -> None:
    fault = {"kind": "500", "source": source, "endpoint": endpoint}
    response = await sandbox.http.post(f"{sandbox.root}/control/faults", json=fault)
    assert response.status_code == 400
    assert "has no endpoint" in response.json()["detail"]


async def test_a_reset_forgets_every_question(sandbox: Harness) -> None:
    await add(sandbox)
    await sandbox.control("reset")
    assert await listed(sandbox, {}) == []
