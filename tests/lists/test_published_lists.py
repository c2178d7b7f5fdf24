"""Sanctions lists: what is read from the published formats, and what is refused."""

import hashlib
from datetime import date
from pathlib import Path

import pytest

from app.addresses.spelling import canonicalize
from app.lists.parsers.files import ListUnreadable, read_list
from app.lists.rules.listings import ListedAddress
from app.lists.sample_list import SAMPLE_NAME, sample
from tests.support.cases import each_case

DATA = Path(__file__).parents[1] / "data" / "sanctions"
XBT = DATA / "sanctioned_addresses_XBT.txt"
OFAC = DATA / "sdn_advanced.xml"

SATOSHI = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"


def rows(path: Path, address: str | None = None) -> list[ListedAddress]:
    """Return the rows of a list, or those of one address in it."""
    return [
        row
        for row in read_list(path).entries
        if address is None or canonicalize(row.address) == canonicalize(address)
    ]


def test_text_list_keeps_every_row_without_white_space_even_under_the_wrong_asset() -> None:
    assert len(rows(XBT)) == 4
    for address in (
        SATOSHI,
        "3P14159f73E4gFr7JterCCQh9QjiTjiZrG",
        "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t",
    ):
        (row,) = rows(XBT, address)
        assert (row.address, row.asset, row.label) == (address, "XBT", "")


def test_text_list_is_described_by_name_hash_and_rows() -> None:
    read = read_list(XBT)
    assert read.source == "sanctioned addresses XBT"
    assert read.issued is None
    assert read.sha256 == hashlib.sha256(XBT.read_bytes()).hexdigest()
    assert len(read.entries) == 4


def test_ofac_list_gives_addresses_with_asset_and_party_in_any_namespace() -> None:
    first, second = rows(OFAC, SATOSHI)
    assert (first.address, first.asset, first.label) == (SATOSHI, "XBT", "DOE Jane & Co")
    assert second.label == ""
    (row,) = rows(OFAC, "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed")
    assert row.asset == "ETH"
    assert not rows(OFAC, "not an address")


def test_ofac_list_is_described_by_its_own_date() -> None:
    read = read_list(OFAC)
    assert read.issued == date(2025, 11, 9)
    assert read.sha256 == hashlib.sha256(OFAC.read_bytes()).hexdigest()
    assert len(read.entries) == 3


def test_ofac_list_may_carry_a_namespace_prefix(tmp_path: Path) -> None:
    text = OFAC.read_text(encoding="utf-8").replace("xmlns=", "xmlns:sdn=")
    prefixed = text.replace("</", "\0").replace("<?", "\1").replace("<", "<sdn:")
    file = tmp_path / "prefixed.xml"
    file.write_text(prefixed.replace("\0", "</sdn:").replace("\1", "<?"), encoding="utf-8")
    assert len(rows(file, SATOSHI)) == 2


@each_case(
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
    assert any(rows(file, address) for file in DATA.iterdir())


@each_case(
    "address",
    [SATOSHI.lower(), SATOSHI.upper(), SATOSHI[:-1], "", "tr7nhqjekqxgtci8q8zy4pl8otszgjlj6t"],
)
def test_base58_address_is_found_as_it_is_written_only(address: str) -> None:
    assert not any(rows(file, address) for file in DATA.iterdir())


def test_built_in_sample_is_named_as_one() -> None:
    listings = sample()
    assert len(listings) == 12
    addresses = {listing.row.address for listing in listings}
    assert addresses > {
        "0x098B716B8Aaf21512996dC57EB0615e2383E2f96",
        "149w62rY42aZBox8fGcmqNsXUzSStKeq8C",
    }
    assert {listing.version.source for listing in listings} == {SAMPLE_NAME}
    assert all(listing.version.is_sample for listing in listings)


SDN = "<Sanctions>{}</Sanctions>"
ISSUED = "<DateOfIssue><Year>2025</Year><Month>{}</Month><Day>9</Day></DateOfIssue>"
TYPES = "<FeatureType ID='1'>Digital Currency Address - XBT</FeatureType>"


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("sanctioned_addresses_XBT.csv", "", "its name must be"),
        ("addresses.txt", "", "its name must be"),
        ("sanctioned_addresses_X-B.txt", "", "letters and digits"),
        ("sdn.xml", "", "it is empty"),
        ("sdn.xml", "<Sanctions>", "not well-formed XML"),
        ("sdn.xml", SDN.format("&nbsp;"), "not well-formed XML: undefined entity"),
        ("sdn.xml", "<list></list>", "root element is not Sanctions"),
        ("sdn.xml", "<sdnList></sdnList>", "no Publish_Date"),
        ("sdn.xml", SDN.format(TYPES), "no DateOfIssue"),
        ("sdn.xml", SDN.format(ISSUED.format(13) + TYPES), "DateOfIssue is not a date"),
        ("sdn.xml", SDN.format(ISSUED.format("") + TYPES), "DateOfIssue is not a date"),
        ("sdn.xml", SDN.format(ISSUED.format(11)), "defines no digital currency address"),
    ],
)
def test_unusable_file_is_refused_by_name_with_the_reason(
    tmp_path: Path, name: str, content: str, reason: str
) -> None:
    file = tmp_path / name
    file.write_text(content, encoding="utf-8")
    with pytest.raises(ListUnreadable, match=reason) as caught:
        read_list(file)
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
        read_list(file)


def test_text_list_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    file = tmp_path / XBT.name
    file.write_bytes(b"\xff\xfe1\x00")
    with pytest.raises(ListUnreadable, match="not UTF-8 text"):
        read_list(file)


def test_path_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ListUnreadable, match="No such file"):
        read_list(tmp_path / XBT.name)


def test_path_that_is_too_long_for_the_system_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ListUnreadable, match="File name too long"):
        read_list(tmp_path / ("a" * 300))


def test_folder_without_lists_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ListUnreadable, match="the folder has no sanctioned_addresses_<ASSET>"):
        read_list(tmp_path)
