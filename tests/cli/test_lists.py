"""`assay lists`: importing, showing and checking lists, on a database of their own."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.addresses import encode_base58check
from app.runtime.db.engine import Database
from tests.support.commands import Assay, commands_on, printed
from tests.support.list_server import NAME, serve_lists
from tests.support.lists import import_rows, listed

DATA = Path(__file__).parents[1] / "data"
ADVANCED = str(DATA / "sanctions" / "sdn_advanced.xml")
CLASSIC = str(DATA / "lists" / "sdn.xml")
CLASSIC_TEXT = Path(CLASSIC).read_text(encoding="utf-8")
TAG_PACK = str(DATA / "lists" / "example.yaml")


@pytest.fixture
def assay(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Assay]:
    """Run a command on this test's database."""
    with commands_on(database_url, monkeypatch) as run:
        yield run


async def test_lists_are_imported_shown_and_checked(assay: Assay) -> None:
    imported = await printed(assay, "lists", "import", CLASSIC)
    assert (imported["source"], imported["version"], imported["is_new"]) == ("OFAC SDN", 1, True)
    assert imported["unknown_assets"] == {"NEWCOIN": 1}
    assert (await printed(assay, "lists", "import", CLASSIC))["is_new"] is False
    assert (await printed(assay, "lists", "import", TAG_PACK))["left_out"] == 1

    shown = await printed(assay, "lists", "show")
    assert [(one["source"], one["issued"], one["entries"]) for one in shown] == [
        ("GraphSense example", "2023-01-31", 4),
        ("OFAC SDN", "2025-11-09", 3),
    ]
    checked = await printed(assay, "lists", "check", "--random", "2")
    assert checked["is_right"]
    assert sum(one["found"] for one in checked["assets"]) == 7
    assert {one["false_hits"] for one in checked["random"]} == {0}
    then = await printed(assay, "lists", "check", "--as-of", "2024-01-01", "--random", "0")
    assert {one["source"] for one in then["assets"]} == {"GraphSense example"}
    for command in (("import", CLASSIC), ("show",), ("check", "--random", "1")):
        assert (await assay("lists", *command)).exit_code == 0


async def test_check_fails_on_a_list_whose_date_is_in_the_future(
    assay: Assay, committed_database: Database
) -> None:
    now = datetime.now(UTC) + timedelta(days=9)  # imported where the clock is wrong
    row = listed("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa")
    await import_rows(committed_database, [row], issued=now.date(), source="OFAC SDN", now=now)
    checked = await assay("lists", "check", "--random", "0", "--json")
    assert checked.exit_code == 1
    record = json.loads(checked.stdout)
    assert record["dated_in_future"] == {"OFAC SDN": str(now.date())}
    assert record["is_right"] is False
    assert f"OFAC SDN is dated {now.date()}, which is in the future" in checked.stderr


async def test_import_warns_of_tags_that_no_provider_looks_at(
    assay: Assay, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pack = tmp_path / "mixers.yaml"
    pack.write_text(
        "title: t\ncreator: c\nsource: s\nabuse: mixing_service\ncurrency: ETH\n"
        "lastmod: 2025-01-01\nlabel: a mixer\ntags:\n"
        "- address: '0x52908400098527886E0F7030069857D2E4169EE7'\n"
    )
    warned = await assay("lists", "import", str(pack))
    assert warned.exit_code == 0
    assert warned.stderr == (
        "warning: 1 of its rows say other things than sanctions (mixer); no provider of"
        " ASSAY_RISK_PROVIDER looks at those when their addresses are asked about: add `tags`\n"
    )
    monkeypatch.setenv("ASSAY_RISK_PROVIDER", "exposure")  # reads the chain of bitcoin alone
    assert "add `tags`" in (await assay("lists", "import", str(pack))).stderr
    monkeypatch.setenv("ASSAY_RISK_PROVIDER", "sanctions,tags")
    assert (await assay("lists", "import", str(pack))).stderr == ""


async def test_text_list_is_given_its_date_and_name(assay: Assay) -> None:
    folder = str(DATA / "sanctions")
    words = ("lists", "import", folder, "--issued", "2025-11-09", "--source", "mine")
    imported = await printed(assay, *words)
    assert (imported["source"], imported["issued"], imported["entries"]) == (
        "mine",
        "2025-11-09",
        6,
    )


async def test_share_that_may_be_lost_is_a_setting(
    assay: Assay, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / NAME
    rows = [encode_base58check(b"\0", bytes([number] * 20)) + "\n" for number in range(10)]
    file.write_text("".join(rows))
    assert (await assay("lists", "import", str(file))).exit_code == 0
    file.write_text("".join(rows[:7]))
    refused = await assay("lists", "import", str(file))
    assert refused.exit_code == 1
    assert "--confirm-shrink" in refused.stderr
    monkeypatch.setenv("ASSAY_LIST_MAX_SHRINK", "0.3")
    assert (await printed(assay, "lists", "import", str(file)))["removed"] == 3
    file.write_text(rows[0])
    words = ("lists", "import", str(file), "--confirm-shrink")
    assert (await printed(assay, *words))["removed"] == 6


async def test_list_from_a_url_is_fetched_once_and_kept_without_its_query(assay: Assay) -> None:
    with serve_lists() as url:
        words = ("lists", "import", f"{url}/{NAME}?token=secret")
        first = await printed(assay, *words)
        assert (first["source"], first["entries"]) == ("sanctioned addresses XBT", 2)
        assert await printed(assay, *words) == {"origin": f"{url}/{NAME}", "is_new": False}
        (shown,) = await printed(assay, "lists", "show")
        assert shown["origin"] == f"{url}/{NAME}"
        missing = await assay("lists", "import", f"{url}/nothing")
    assert missing.exit_code == 1
    assert "answered 404" in missing.stderr


async def test_what_a_server_answers_in_the_place_of_a_list_leaves_the_old_version(
    assay: Assay, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve_lists() as url:
        packed = await printed(assay, "lists", "import", f"{url}/{NAME}.gz")
        called_packed = [
            await printed(assay, "lists", "import", f"{url}/packed/{name}")
            for name in (NAME, f"{NAME}.gz")
        ]
        page = await assay("lists", "import", f"{url}/page/{NAME}")
        choosy = await assay("lists", "import", f"{url}/choosy?file={NAME}")
        monkeypatch.setenv("ASSAY_LIST_USER_AGENT", "Mozilla/5.0")
        named = await printed(assay, "lists", "import", f"{url}/choosy?file={NAME}")
    assert (packed["source"], packed["entries"]) == ("sanctioned addresses XBT", 2)
    for again in (*called_packed, named):  # the same content, unpacked
        assert (again["version"], again["is_new"]) == (1, False)
    assert (page.exit_code, choosy.exit_code) == (1, 1)
    assert f"list {url}/page/{NAME}: line 1: it is a web page" in page.stderr
    assert "ASSAY_LIST_USER_AGENT" in choosy.stderr


async def test_row_that_no_question_can_hit_makes_import_and_check_exit_with_1(
    assay: Assay, tmp_path: Path
) -> None:
    file = tmp_path / NAME
    rows = [encode_base58check(b"\0", bytes([number] * 20)) + "\n" for number in range(10)]
    file.write_text("".join(rows) + "1A1zP1\u0415P5QGefi2DMPTfTL5SLmv7DivfNa\n", encoding="utf-8")
    imported = await assay("lists", "import", str(file), "--json")
    assert imported.exit_code == 1
    assert json.loads(imported.stdout)["unaskable_rows"] == [
        "XBT 1A1zP1\u0415P5QGefi2DMPTfTL5SLmv7DivfNa"
    ]
    checked = await assay("lists", "check", "--random", "0", "--json")
    assert checked.exit_code == 1
    (asset,) = json.loads(checked.stdout)["assets"]
    assert (asset["listed"], asset["unaskable"]) == (
        11,
        ["1A1zP1\u0415P5QGefi2DMPTfTL5SLmv7DivfNa"],
    )


async def test_list_under_the_name_of_another_asset_is_refused_with_its_line(
    assay: Assay, tmp_path: Path
) -> None:
    file = tmp_path / "sanctioned_addresses_ETH.txt"
    rows = [encode_base58check(b"\0", bytes([number] * 20)) for number in range(3)]
    file.write_text("\n" + "\n".join(rows))
    refused = await assay("lists", "import", str(file))
    assert refused.exit_code == 1
    assert f"3 of 3 rows are no address of their asset, as {rows[0]!r} under ETH in line 2" in (
        refused.stderr
    )
    confirmed = await printed(assay, "lists", "import", str(file), "--confirm-misfiled")
    assert (confirmed["misfiled"], confirmed["unaskable"]) == (3, 0)


async def test_text_of_digital_currency_that_is_not_understood_is_refused_unless_confirmed(
    assay: Assay, tmp_path: Path
) -> None:
    file = tmp_path / "sdn.xml"
    file.write_text(CLASSIC_TEXT.replace("Address - NEWCOIN", "Wallet NEWCOIN"))
    refused = await assay("lists", "import", str(file))
    assert refused.exit_code == 1
    assert "'Digital Currency Wallet NEWCOIN'" in refused.stderr
    taken = await printed(assay, "lists", "import", str(file), "--confirm-unread")
    assert (taken["entries"], taken["unread"]) == (2, ["Digital Currency Wallet NEWCOIN"])


async def test_category_of_a_tag_pack_is_overridden_and_unknown_concepts_are_told(
    assay: Assay,
) -> None:
    first = await printed(assay, "lists", "import", TAG_PACK)
    again = await printed(assay, "lists", "import", TAG_PACK, "--category", "scam")
    assert (first["unknown_concepts"], again["is_new"], again["added"]) == ({}, True, 4)
    assert (await printed(assay, "lists", "import", TAG_PACK, "--category", "scam"))[
        "is_new"
    ] is False
    wrong = await assay("lists", "import", TAG_PACK, "--category", "nonsense")
    assert wrong.exit_code == 2


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("import", "nothing-here.xml"), 1),
        (("import", "http://lists.example/sdn.xml"), 1),
        (("import", CLASSIC, "--issued", "yesterday"), 2),
        (("import", CLASSIC, "--issued", "2025-11-08"), 1),
        (("check", "--as-of", "2025-13-01"), 2),
        (("check", "--random", "-1"), 2),
    ],
)
async def test_what_cannot_be_done_exits_with_the_reason(
    assay: Assay, words: tuple[str, ...], status: int
) -> None:
    assert (await assay("lists", "import", ADVANCED)).exit_code == 0
    result = await assay("lists", *words)
    assert result.exit_code == status
    assert result.stderr
