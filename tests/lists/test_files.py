"""Files of lists that are imported: OFAC's classic format, tag packs, folders of text files."""

import hashlib
import re
from datetime import date
from pathlib import Path
from typing import Final

import pytest

from app.lists.parsers.files import ListUnreadable, read_list
from app.lists.rules.listings import ListingFacts, PartyType
from tests.support.big_list import write_big_list

DATA = Path(__file__).parents[1] / "data"
SATOSHI = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"
XBT_OF = {
    "lists/sdn.xml": SATOSHI,
    "lists/sdn_advanced_cut.xml": "1Kys8fqDen8NGFUJ6AFcXfFW5qquuTH4eh",
}
EVM = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"


def test_classic_list_gives_addresses_without_white_space_and_assets_that_nobody_knew() -> None:
    read = read_list(DATA / "lists" / "sdn.xml")
    assert (read.source, read.issued) == ("OFAC SDN", date(2025, 11, 9))
    assert [(row.asset, row.address, row.label, row.reference) for row in read.entries] == [
        ("XBT", SATOSHI, "Jane DOE & CO", "uid 1"),
        ("ETH", EVM, "Jane DOE & CO", "uid 1"),
        ("NEWCOIN", "nc-0001", "NEW COIN BANK", "uid 2"),
    ]
    assert {row.category for row in read.entries} == {"sanctions"}


def test_real_piece_of_the_advanced_list_gives_the_facts_of_each_party() -> None:
    read = read_list(DATA / "lists" / "sdn_advanced_cut.xml")
    facts = {row.label: row.facts for row in read.entries}
    assert {row.address for row in read.entries if row.label == "Potekhin Danil"} >= {
        "1Kys8fqDen8NGFUJ6AFcXfFW5qquuTH4eh",
        "0x7F367cC41522cE07553e823bf3be79A889DEbe1B",
    }
    assert facts == {
        "YAN Xiaobing": ListingFacts(
            aliases=("颜 晓兵", "顏 曉兵", "ZHOU William", "YAN Steven"),
            party_type=PartyType.INDIVIDUAL,
            list_uid="25308",
            programs=("SDNTK",),
            listed_on=date(2019, 8, 21),
            source_url="https://sanctionssearch.ofac.treas.gov/Details.aspx?id=25308",
        ),
        "Potekhin Danil": ListingFacts(
            aliases=("Потехин Данил", "cronuswar", "Sergey Kireev Valerievich"),
            party_type=PartyType.INDIVIDUAL,
            list_uid="29584",
            programs=("CYBER2",),
            listed_on=date(2020, 9, 16),
            source_url="https://sanctionssearch.ofac.treas.gov/Details.aspx?id=29584",
        ),
    }
    assert read.issued == date(2025, 11, 19)


@pytest.mark.parametrize(
    ("sub_type", "wanted"),
    [
        ("1", PartyType.VESSEL),
        ("2", PartyType.AIRCRAFT),
        ("3", PartyType.ENTITY),
        ("4", PartyType.INDIVIDUAL),
        ("5", None),
    ],
)
def test_kind_of_party_is_read_from_the_tables_of_the_file(
    tmp_path: Path, sub_type: str, wanted: PartyType | None
) -> None:
    text = (DATA / "lists" / "sdn_advanced_cut.xml").read_text(encoding="utf-8")
    file = tmp_path / "sdn_advanced.xml"
    file.write_text(text.replace('PartySubTypeID="4"', f'PartySubTypeID="{sub_type}"'))
    assert {row.facts.party_type for row in read_list(file).entries} == {wanted}


def test_party_with_several_entries_is_listed_since_the_first_under_all_programs(
    tmp_path: Path,
) -> None:
    text = (DATA / "lists" / "sdn_advanced_cut.xml").read_text(encoding="utf-8")
    later = (
        '<SanctionsEntry ID="9" ProfileID="29584"><EntryEvent><Date><Year>2021</Year>'
        "<Month>1</Month><Day>2</Day></Date></EntryEvent>"
        '<SanctionsMeasure SanctionsTypeID="1"><Comment>NPWMD</Comment></SanctionsMeasure>'
        '<SanctionsMeasure SanctionsTypeID="1"><Comment>CYBER2</Comment></SanctionsMeasure>'
        '<SanctionsMeasure SanctionsTypeID="1705"><Comment>no program</Comment></SanctionsMeasure>'
        "</SanctionsEntry>"
    )
    file = tmp_path / "sdn_advanced.xml"
    file.write_text(text.replace("<SanctionsEntries>", f"<SanctionsEntries>{later}"))
    facts = next(row.facts for row in read_list(file).entries if row.facts.list_uid == "29584")
    assert (facts.listed_on, facts.programs) == (date(2020, 9, 16), ("NPWMD", "CYBER2"))


def test_classic_list_gives_the_facts_that_it_has() -> None:
    first, *_, last = read_list(DATA / "lists" / "sdn.xml").entries
    assert first.facts == ListingFacts(
        aliases=("Jenny ROE", "J."),
        party_type=PartyType.INDIVIDUAL,
        list_uid="1",
        programs=("CYBER2", "DPRK3"),
        source_url="https://sanctionssearch.ofac.treas.gov/Details.aspx?id=1",
    )
    assert (last.facts.party_type, last.facts.list_uid) == (PartyType.ENTITY, "2")


def test_both_formats_of_ofac_are_one_source() -> None:
    advanced = read_list(DATA / "sanctions" / "sdn_advanced.xml")
    assert advanced.source == read_list(DATA / "lists" / "sdn.xml").source
    assert advanced.entries[0].reference == "uid 1"


def test_tag_pack_gives_what_its_head_says_where_a_tag_says_nothing() -> None:
    read = read_list(DATA / "lists" / "example.yaml")
    assert (read.source, read.issued, read.left_out) == (
        "GraphSense example",
        date(2023, 1, 31),
        1,
    )
    assert [(row.address, row.asset, row.category, row.label) for row in read.entries] == [
        (SATOSHI, "BTC", "mixer", "Example Mixer"),
        (EVM, "ETH", "stolen_coins", "Example Heist"),
        ("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "BTC", "other", "Example Exchange"),
        ("3P14159f73E4gFr7JterCCQh9QjiTjiZrG", "BTC", "ransom", "Example Mixer"),
    ]
    assert read.entries[0].reference == "https://example.org/mixer"
    assert read.entries[0].facts == ListingFacts(source_url="https://example.org/mixer")
    assert read.entries[0].noted_on == date(2022, 5, 16)
    assert read.entries[1].noted_on == date(2023, 1, 31)


def test_folder_of_text_files_is_one_list_whose_hash_is_that_of_its_manifest(
    tmp_path: Path,
) -> None:
    (tmp_path / "sanctioned_addresses_XBT.txt").write_text(f"{SATOSHI}\n")
    (tmp_path / "sanctioned_addresses_eth.txt").write_text(f" {EVM}\n\n")
    read = read_list(tmp_path)
    names = ("sanctioned_addresses_XBT.txt", "sanctioned_addresses_eth.txt")
    manifest = "".join(
        f"{hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()}  {name}\n" for name in names
    )
    assert read.sha256 == hashlib.sha256(manifest.encode()).hexdigest()
    assert [(row.asset, row.address) for row in read.entries] == [("XBT", SATOSHI), ("ETH", EVM)]
    assert read.source == "sanctioned addresses"


PACK = "currency: BTC\ntags:\n- address: {}\n"


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("sdn.xml", "<sdnList><publshInformation/></sdnList>", "Publish_Date is not a date"),
        ("pack.yaml", "", "it is empty"),
        ("pack.yaml", "tags: 1", "no list of tags"),
        ("pack.yaml", "- tags", "no list of tags"),
        ("pack.yaml", "tags: [1]", "tag 1 is not a mapping"),
        ("pack.yaml", f"tags: [{{address: {SATOSHI}}}]", "tag 1 has no currency and no network"),
        ("pack.yaml", "lastmod: soon\n" + PACK.format(SATOSHI), "lastmod is not a date"),
        ("pack.yaml", "a: &a [1]\nb: *a\n" + PACK.format(SATOSHI), "uses aliases"),
        ("pack.yaml", "a: " + "[" * 5000 + "]" * 5000, "nested deeper"),
        ("pack.yaml", "title: x\ntags: [1\nb: 2", "line 3: it is not YAML"),
        ("pack.yaml", "a: \ufffe", "not YAML"),
        ("pack.yaml", "? [a]\n: 1", "keys is not a text"),
        ("pack.yaml", PACK.format(SATOSHI) + "---\n", "more than one document"),
        ("pack.yaml", PACK.format(f"[{SATOSHI}]"), "the address of tag 1 is not a text"),
        ("pack.yaml", PACK.format(f"a\n  address: {SATOSHI}"), "line 4: its key 'address' stands"),
        ("pack.yaml", PACK.format("1" * 257), "more than 256 characters"),
        ("pack.yaml", PACK.format('"1\\0"'), "zero byte"),
        ("pack.json", "{}", "its name must be"),
    ],
)
def test_unusable_file_is_refused_with_the_reason(
    tmp_path: Path, name: str, content: str, reason: str
) -> None:
    file = tmp_path / name
    file.write_text(content, encoding="utf-8")
    with pytest.raises(ListUnreadable, match=reason):
        read_list(file)


def test_object_that_a_tag_pack_asks_for_is_never_made(tmp_path: Path) -> None:
    marker = tmp_path / "made"
    file = tmp_path / "pack.yaml"
    file.write_text(PACK.format(f'!!python/object/apply:pathlib.Path.touch ["{marker}"]'))
    with pytest.raises(ListUnreadable, match="the address of tag 1 is not a text"):
        read_list(file)
    assert not marker.exists()


def test_file_of_the_shape_of_the_real_list_gives_every_address_of_it(tmp_path: Path) -> None:
    file = tmp_path / "sdn_advanced.xml"
    written = write_big_list(file, megabytes=1)
    read = read_list(file)
    assert len(read.entries) == written > 5
    assert {row.asset for row in read.entries} <= {"XBT", "ETH", "TRX"}


GOOD: Final = f"{SATOSHI}\n3P14159f73E4gFr7JterCCQh9QjiTjiZrG\n"


def test_text_that_is_no_list_is_refused_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "sanctioned_addresses_XBT.txt"
    for content, reason in (
        ("<!DOCTYPE html>\n<html><body>Sign in</body></html>", "line 1: it is a web page"),
        ("\ufeff\n <html lang=en>", "line 1: it is a web page"),
        ("Forbidden\n", "line 1 is no address, but 'Forbidden'"),
        (f"{SATOSHI[:-1]}2\n", "line 1: no line of it is an address of XBT"),
        (f"; a\n{GOOD}", "line 1 is no address, but '; a'"),
        (f"BTC\n{GOOD}", "line 1 is no address, but 'BTC'"),
        (f"btc_address\n{GOOD}", "line 1 is no address, but 'btc_address'"),
        (f"---\n{GOOD}", "line 1 is no address, but '---'"),
        (f"{GOOD}{'-' * 34}\n", "line 3 is no address, but '------"),
        (f"{GOOD}{'=' * 30}\n", "line 3 is no address, but '======"),
        (f"{GOOD}EndOfTheListOfAddresses\n", "line 3 is no address, but 'EndOf"),
        ("ServiceTemporarilyUnavailable\n", "line 1 is no address, but 'Service"),
        (f"2\n{GOOD}", "line 1 is no address, but '2'"),
        (f"{GOOD}EOF\n", "line 3 is no address, but 'EOF'"),
        ("404: Not Found", "line 1 is no address, but '404: Not Found'"),
        (f'["{SATOSHI}"]', "line 1 is no address"),
        (f'{{"address": "{SATOSHI}"}}', "line 1 is no address"),
        (f"[\n{GOOD}]", "line 1 is no address"),
        (f"address,name\n{SATOSHI},Doe", "line 1 is no address, but 'address,name'"),
        (f"wallet name;address\n{SATOSHI};Doe", "line 1 is no address"),
        (f"{SATOSHI},Doe", "line 1 is no address"),
        (f"{SATOSHI}\tDoe", "line 1 is no address"),
        (f"Address\n{GOOD}", "line 1 is no address, but 'Address'"),
        (f"{GOOD}# a comment\n", "line 3 is no address, but '# a comment'"),
        (f"{GOOD}// a comment\n", "line 3 is no address"),
        ("", "it is empty"),
        (" \n\n", "it is empty"),
    ):
        file.write_text(content, encoding="utf-8")
        with pytest.raises(ListUnreadable, match=re.escape(reason)) as caught:
            read_list(file, shown="https://lists.example/a.txt")
        assert str(caught.value).startswith("list https://lists.example/a.txt: "), content


def test_text_of_an_asset_that_nobody_checks_is_no_list_where_it_is_words(tmp_path: Path) -> None:
    file = tmp_path / "sanctioned_addresses_NEWCOIN.txt"
    for content in ("NotFound", "Not Found\n", "wallet_address\nnc-0001\n", f"nc-0001\n{'-' * 30}"):
        file.write_text(content)
        with pytest.raises(ListUnreadable, match=r"line [12]"):
            read_list(file)
    file.write_text("nc-0001\nalice\n")  # what an authority published is kept
    assert [row.address for row in read_list(file).entries] == ["nc-0001", "alice"]


def test_web_page_in_the_place_of_xml_or_yaml_is_called_one(tmp_path: Path) -> None:
    for name in ("sdn_advanced.xml", "pack.yaml"):
        (tmp_path / name).write_text("<!doctype HTML>\n<html></html>")
        with pytest.raises(ListUnreadable, match="web page"):
            read_list(tmp_path / name)


def test_rows_are_cleaned_and_parted_and_counted(tmp_path: Path) -> None:
    file = tmp_path / "sanctioned_addresses_XBT.txt"
    other = "3P14159f73E4gFr7JterCCQh9QjiTjiZrG"
    file.write_text(f"\ufeff{SATOSHI}\n\u200b{other},\n", encoding="utf-8")
    read = read_list(file)
    assert ([row.address for row in read.entries], read.cleaned) == ([SATOSHI, other], 1)
    xml = tmp_path / "sdn.xml"
    text = (DATA / "lists" / "sdn.xml").read_text()
    xml.write_text(text.replace(EVM, f"{EVM[2:]}; 0x{'ab' * 20}"))
    rows = [row.address for row in read_list(xml).entries if row.asset == "ETH"]
    assert rows == [EVM, f"0x{'ab' * 20}"]


@pytest.mark.parametrize("name", ["lists/sdn_advanced_cut.xml", "lists/sdn.xml"])
def test_type_of_an_address_is_read_with_any_dash_blank_or_case(tmp_path: Path, name: str) -> None:
    text = (DATA / name).read_text(encoding="utf-8")
    file = tmp_path / "sdn.xml"
    wanted = read_list(DATA / name).entries
    for kind in (
        "Digital Currency Address \u2013 ",
        "Digital Currency Address \u2014",
        "digital currency address - ",
        "Digital Currency\u00a0Address -\u200b",
        "Digital  Currency Address: ",
        "DIGITAL CURRENCY ADDRESS \u2212 ",
    ):
        file.write_text(text.replace("Digital Currency Address - ", kind), encoding="utf-8")
        read = read_list(file)
        assert (read.entries, read.unread) == (wanted, ()), kind


@pytest.mark.parametrize("name", ["lists/sdn_advanced_cut.xml", "lists/sdn.xml"])
def test_type_that_speaks_of_digital_currency_and_is_not_understood_is_told(
    tmp_path: Path, name: str
) -> None:
    text = (DATA / name).read_text(encoding="utf-8")
    file = tmp_path / "sdn.xml"
    kinds = {
        "Digital Currency Wallet XBT": "Digital Currency Wallet XBT",
        "Virtual Currency Address - XBT": "Virtual Currency Address - XBT",
        "Digital Currency Address - ": "Digital Currency Address -",
        "Account number": f"Account number: {XBT_OF[name]}",
    }
    for kind, unread in kinds.items():
        file.write_text(text.replace("Digital Currency Address - XBT", kind), encoding="utf-8")
        assert unread in read_list(file).unread, kind


def test_address_that_stands_in_a_remark_or_among_documents_is_told(tmp_path: Path) -> None:
    file = tmp_path / "sdn.xml"
    remark = f"Digital Currency Address - XBT {SATOSHI}; alt."
    classic = (DATA / "lists" / "sdn.xml").read_text()
    advanced = (DATA / "lists" / "sdn_advanced_cut.xml").read_text(encoding="utf-8")
    types = '<IDRegDocType ID="7">Passport</IDRegDocType><IDRegDocType ID="8">Digital Currency ID'
    document = (
        f"{types}</IDRegDocType>"
        '<IDRegDocument IDRegDocTypeID="7"><IDRegistrationNo>A1234</IDRegistrationNo></IDRegDocument>'
        f'<IDRegDocument IDRegDocTypeID="7"><IDRegistrationNo>{SATOSHI}</IDRegistrationNo>'
        '</IDRegDocument><IDRegDocument IDRegDocTypeID="8"><IDRegistrationNo>x</IDRegistrationNo>'
        "</IDRegDocument>"
    )
    for text, unread in (
        (classic.replace("<sdnType>", f"<remarks>{remark}</remarks><sdnType>", 1), (remark,)),
        (classic.replace("<sdnType>", "<remarks>Linked To: DOE</remarks><sdnType>", 1), ()),
        (advanced.replace("<Comment />", f"<Comment>{remark}</Comment>", 1), (remark,)),
        (
            advanced.replace("<DistinctParties>", f"{document}<DistinctParties>", 1),
            (f"Passport: {SATOSHI}", "Digital Currency ID"),
        ),
    ):
        file.write_text(text, encoding="utf-8")
        assert read_list(file).unread == unread


def test_value_that_yaml_calls_null_is_none_of_a_tag(tmp_path: Path) -> None:
    file = tmp_path / "pack.yaml"
    tag = f"address: {SATOSHI}, label: ~, confidence: null, abuse: null, source: 'null'"
    file.write_text(f"currency: BTC\ntags:\n- {{{tag}}}\n")
    read = read_list(file)
    (row,) = read.entries
    assert (row.label, row.confidence, row.category, row.reference) == ("", None, "other", "null")
    assert read.unknown_concepts == {}


def test_confidence_of_an_older_pack_is_the_number_itself(tmp_path: Path) -> None:
    """As in GraphSense's `packs/address/lazarus.yaml`, where 60 is what authorities say."""
    file = tmp_path / "pack.yaml"
    written = ("100", "'50'", "0", "07", "101", "-1", "0.5", "\u0661")
    tags = "".join(f"- {{address: {SATOSHI}, confidence: {one}}}\n" for one in written)
    file.write_text(f"currency: BTC\ntags:\n{tags}- entity: 96423525\n", encoding="utf-8")
    read = read_list(file)
    assert [row.confidence for row in read.entries] == [100, 50, 0, 7, 5, 5, 5, 5]
    assert sum(read.unknown_concepts.values()) == 4
    assert read.left_out == 1


def test_tag_that_is_unsure_or_a_mention_says_so_and_a_category_can_be_given(
    tmp_path: Path,
) -> None:
    file = tmp_path / "pack.yaml"
    file.write_text(
        "currency: BTC\nconfidence: web_crawl\ntags:\n"
        f"- {{address: {SATOSHI}, category: market, concepts: [nft]}}\n"
        f"- {{address: {SATOSHI}, concepts: [pyramid_scheme], confidence: ownership}}\n"
        f"- {{address: {SATOSHI}, abuse: scam, tag_type: mention}}\n"
        f"- {{address: {SATOSHI}, concepts: [market, dark_web, forum_mention]}}\n"
        f"- {{address: {SATOSHI}, category: market, concepts: [dark_web], confidence: sure}}\n"
    )
    read = read_list(file)
    assert [(row.category, row.confidence, row.is_mention) for row in read.entries] == [
        ("marketplace", 20, False),
        ("scam", 100, False),
        ("other", 20, True),
        ("other", 20, True),
        ("dark_market", 5, False),
    ]
    assert read.unknown_concepts == {"confidence sure": 1, "nft": 1}
    given = read_list(file, category="scam")
    assert {row.category for row in given.entries} == {"scam"}
    assert given.reading != read.reading
    with pytest.raises(ListUnreadable, match="no tag pack"):
        read_list(DATA / "lists" / "sdn.xml", category="scam")
