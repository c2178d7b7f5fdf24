"""Sanctions lists: what is read from the published formats, and what is refused."""

import hashlib
import shutil
from datetime import date
from pathlib import Path

import pytest

from app.providers.list_files import ListUnreadable
from app.providers.lists import SAMPLE_NAME, load_lists

DATA = Path(__file__).parents[1] / "data" / "sanctions"
XBT = DATA / "sanctioned_addresses_XBT.txt"
BCH = DATA / "sanctioned_addresses_BCH.txt"
OFAC = DATA / "sdn_advanced.xml"

SATOSHI = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"


def test_text_list_keeps_every_row_without_white_space_even_under_the_wrong_asset() -> None:
    lists = load_lists([XBT])
    assert len(lists) == 4
    for address in (
        SATOSHI,
        "3P14159f73E4gFr7JterCCQh9QjiTjiZrG",
        "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t",
    ):
        (listing,) = lists.find(address)
        assert (listing.address, listing.asset, listing.party) == (address, "XBT", None)


def test_text_list_is_described_by_name_hash_and_rows() -> None:
    (source,) = load_lists([XBT]).sources
    assert source.name == "sanctioned_addresses_XBT.txt"
    assert source.issued is None
    assert source.sha256 == hashlib.sha256(XBT.read_bytes()).hexdigest()
    assert source.entries == 4


def test_ofac_list_gives_addresses_with_asset_and_party_in_any_namespace() -> None:
    lists = load_lists([OFAC])
    first, second = lists.find(SATOSHI)
    assert (first.address, first.asset, first.party) == (SATOSHI, "XBT", "DOE Jane & Co")
    assert second.party is None
    (listing,) = lists.find("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed")
    assert listing.asset == "ETH"
    assert not lists.find("not an address")


def test_ofac_list_is_described_by_its_own_date() -> None:
    (source,) = load_lists([OFAC]).sources
    assert source.issued == date(2025, 11, 9)
    assert source.sha256 == hashlib.sha256(OFAC.read_bytes()).hexdigest()
    assert source.entries == 3


def test_ofac_list_may_carry_a_namespace_prefix(tmp_path: Path) -> None:
    text = OFAC.read_text(encoding="utf-8").replace("xmlns=", "xmlns:sdn=")
    prefixed = text.replace("</", "\0").replace("<?", "\1").replace("<", "<sdn:")
    file = tmp_path / "prefixed.xml"
    file.write_text(prefixed.replace("\0", "</sdn:").replace("\1", "<?"), encoding="utf-8")
    assert len(load_lists([file]).find(SATOSHI)) == 2


def test_folder_gives_every_list_in_it() -> None:
    lists = load_lists([DATA])
    assert [source.name for source in lists.sources] == [BCH.name, XBT.name, OFAC.name]
    assert len(lists.find(SATOSHI)) == 3
    assert not lists.is_sample


def test_file_that_is_named_twice_is_read_once() -> None:
    assert len(load_lists([XBT, DATA, XBT]).sources) == 3


@pytest.mark.parametrize(
    "address",
    [
        "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed",
        "0X5AAEB6053F3E94C9B9A09F33669435E7EF1BEAED",
        " 0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed\n",
        "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4",
        "qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a",
        "BITCOINCASH:QPM2QSZNHKS23Z7629MMS6S4CWEF74VCWVY22GDX6A",
        "bitcoincash:qr95sy3j9xwd2ap32xkykttr4cvcu7as4y0qverfuy",
    ],
)
def test_address_is_found_in_every_spelling_that_means_the_same(address: str) -> None:
    assert load_lists([DATA]).find(address)


@pytest.mark.parametrize(
    "address",
    [SATOSHI.lower(), SATOSHI.upper(), SATOSHI[:-1], "", "tr7nhqjekqxgtci8q8zy4pl8otszgjlj6t"],
)
def test_base58_address_is_found_as_it_is_written_only(address: str) -> None:
    assert not load_lists([DATA]).find(address)


def test_without_paths_the_built_in_sample_is_read_and_named_as_one() -> None:
    lists = load_lists([])
    assert lists.is_sample
    assert len(lists) == 12
    assert lists.find("0x098B716B8Aaf21512996dC57EB0615e2383E2f96")
    assert lists.find("149w62rY42aZBox8fGcmqNsXUzSStKeq8C")
    assert all(SAMPLE_NAME in source.name for source in lists.sources)


SDN = "<Sanctions>{}</Sanctions>"
ISSUED = "<DateOfIssue><Year>2025</Year><Month>{}</Month><Day>9</Day></DateOfIssue>"
TYPES = "<FeatureType ID='1'>Digital Currency Address - XBT</FeatureType>"


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("sanctioned_addresses_XBT.csv", "", "its name must be"),
        ("addresses.txt", "", "its name must be"),
        ("sanctioned_addresses_XBT.txt", "\n \n", "neither it nor any other list holds an address"),
        ("sdn.xml", "", "not well-formed XML: no element found"),
        ("sdn.xml", "<Sanctions>", "not well-formed XML"),
        ("sdn.xml", SDN.format("&nbsp;"), "not well-formed XML: undefined entity"),
        ("sdn.xml", "<list></list>", "root element is not Sanctions"),
        ("sdn.xml", "<sdnList></sdnList>", "no Publish_Date"),
        ("sdn.xml", SDN.format(TYPES), "no DateOfIssue"),
        ("sdn.xml", SDN.format(ISSUED.format(13) + TYPES), "DateOfIssue is not a date"),
        ("sdn.xml", SDN.format(ISSUED.format("") + TYPES), "DateOfIssue is not a date"),
        ("sdn.xml", SDN.format(ISSUED.format(11)), "defines no digital currency address"),
        ("sdn.xml", SDN.format(ISSUED.format(11) + TYPES), "holds an address"),
    ],
)
def test_unusable_file_is_refused_by_name_with_the_reason(
    tmp_path: Path, name: str, content: str, reason: str
) -> None:
    file = tmp_path / name
    file.write_text(content, encoding="utf-8")
    with pytest.raises(ListUnreadable, match=reason) as caught:
        load_lists([file])
    assert str(file) in str(caught.value)


@pytest.mark.parametrize(
    "doctype",
    [
        "<!DOCTYPE Sanctions>",
        "<!DOCTYPE Sanctions SYSTEM 'file:///etc/passwd'>",
        "<!DOCTYPE Sanctions [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;'>]>",
        "<!DOCTYPE Sanctions [<!ENTITY a SYSTEM 'file:///etc/passwd'>]>",
    ],
)
def test_document_type_is_refused_before_any_entity_is_read(tmp_path: Path, doctype: str) -> None:
    file = tmp_path / "sdn_advanced.xml"
    file.write_text(doctype + SDN.format("&a;"), encoding="utf-8")
    with pytest.raises(ListUnreadable, match="declares a document type"):
        load_lists([file])


def test_text_list_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    file = tmp_path / XBT.name
    file.write_bytes(b"\xff\xfe1\x00")
    with pytest.raises(ListUnreadable, match="not UTF-8 text"):
        load_lists([file])


def test_text_list_whose_asset_is_unclear_is_refused(tmp_path: Path) -> None:
    shutil.copy(XBT, tmp_path / "sanctioned_addresses_X-B.txt")
    with pytest.raises(ListUnreadable, match="letters and digits"):
        load_lists([tmp_path])


def test_path_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ListUnreadable, match="No such file"):
        load_lists([tmp_path / XBT.name])


def test_path_that_is_too_long_for_the_system_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ListUnreadable, match="File name too long"):
        load_lists([tmp_path / ("a" * 300)])


def test_folder_without_lists_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ListUnreadable, match="it has no sanctioned_addresses_<ASSET>"):
        load_lists([XBT, tmp_path])
