"""The number of how files are read changes with every row that is read otherwise.

A file that has not changed is read again only under another number, so without one an operator's list
would keep the rows of an earlier version.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import astuple
from pathlib import Path
from typing import Final

from app.lists.parsers.files import READING, ListFile, read_list
from app.lists.rules.graphsense import CONFIDENCE

DATA: Final = Path(__file__).parents[1] / "data"
# By number, what the readers make of all files below. Other rows of the same files are a new number
# and a new line; only a file that is added changes a line that there is.
DIGESTS: Final = {
    "4": "2bfbc3052a54b2ddbb442da4aa35e45530d07bbc96520fea097d54aa792c8a53",
    "5": "725330382cb34619218811be55cc12b2784d171bc001edfc578cc61d1c21b0d4",
}
# Addresses as their chains' documents and OFAC's list have them, and assets that lists file them under.
ADDRESSES: Final = (
    ("XBT", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"),
    ("XBT", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"),
    ("BCH", "bitcoincash:qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a"),
    ("LTC", "MNgkMjafxzVNmJAMVzKhDw8aKsNBTkqzFv"),
    ("ETH", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"),
    ("ETH", "5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"),
    ("USDT", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"),
    ("TRX", "41a614f803b6fd780986a42c78ec9c7f77e6ded13c"),
    ("XRP", "r9cZA1mLK5R5Am25ArfXFmqgNwjZgnfk59"),
    ("SOL", "4Nd1mBQtrMJVYVfKf2PJy9NZUZdTAsp7D4xWLs4gDB4T"),
    ("TON", "EQDtFpEwcFAEcRe5mLVh2N6C0x-_hJEM7W61_JLnSF74p4q2"),
    ("DOT", "15oF4uVJwmo4TdGW7VfQxNLavjCXviqxT9S1MgbjMNHr6Sp5"),
    ("XMR", "not an address of it"),
    ("NEWCOIN", "nc-0001"),
)
SECOND: Final = "3P14159f73E4gFr7JterCCQh9QjiTjiZrG"
CONCEPTS: Final = (
    *("exchange", "market", "darknet_market", "mixing_service", "coinjoin", "gambling", "atm"),
    *(
        "scam",
        "pyramid_scheme",
        "investment_fraud",
        "phishing",
        "ransomware",
        "sextortion",
        "drugs",
    ),
    *("terrorism", "child_sexual_abuse", "sanction", "service_hack", "victim", "miner", "defi_dex"),
    *(
        "hosted_wallet",
        "mixer",
        "Phish / Hack",
        "Scamming",
        "payment_processor",
        "donation",
        "forum_mention",
        "unheard_of",
    ),
)
FEATURE_TYPES: Final = (
    *("Digital Currency Address - XBT", "Digital Currency Address \u2013 ETH"),
    *("DIGITAL CURRENCY ADDRESSES: USDT", "Digital Currency Wallet XBT", "Passport"),
)


def written(address: str) -> Iterator[str]:
    """Yield ways in which lists write an address."""
    yield address
    yield f"\ufeff{address[:4]}\u200b{address[4:]},"
    yield f"{address[:9]} {address[9:]}"
    yield f"BTC: {address} (since 2021)"
    yield f"{address}; {SECOND}"
    yield f"{address}/{SECOND}"
    yield f"{address}, {SECOND} | {SECOND} and {SECOND}"


def pack_of(tags: list[dict[str, str]]) -> str:
    """Return a tag pack; what JSON writes is YAML, too."""
    return json.dumps({"lastmod": "2024-02-29", "source": "https://example.org/", "tags": tags})


def generated() -> Iterator[tuple[str, str]]:
    """Yield names and texts of files beside those that are kept in the repository."""
    spelt = [(asset, text) for asset, address in ADDRESSES for text in written(address)]
    yield "spelt.yaml", pack_of([{"address": text, "currency": asset} for asset, text in spelt])
    sure = (*CONFIDENCE, "100", "50", "0", "101", "high")
    words = [{"abuse": one} for one in CONCEPTS] + [{"confidence": one} for one in sure]
    common = {"address": SECOND, "currency": "btc", "label": " A label "}
    yield "words.yaml", pack_of([common | word for word in [*words, {"tag_type": "mention"}]])
    lines = [SECOND, "", f"\u200b{SECOND},", f"{SECOND} ; 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"]
    yield "sanctioned_addresses_XBT.txt", "\r\n".join(lines)
    ids = [f"<id><idType>{one}</idType><idNumber>{SECOND}</idNumber></id>" for one in FEATURE_TYPES]
    yield (
        "sdn.xml",
        (
            "<sdnList><publshInformation><Publish_Date>02/29/2024</Publish_Date></publshInformation>"
            f"<sdnEntry><uid>7</uid><lastName> A </lastName><idList>{''.join(ids)}</idList></sdnEntry>"
            "</sdnList>"
        ),
    )


def lists(folder: Path) -> Iterator[ListFile]:
    """Read every file, a folder as one list, and a tag pack that gets another category."""
    for file in sorted([*(DATA / "lists").iterdir(), *(DATA / "sanctions").iterdir()]):
        yield read_list(file)
    yield read_list(DATA / "sanctions")
    for name, text in generated():
        (folder / name).write_text(text, encoding="utf-8")
        yield read_list(folder / name)
    yield read_list(folder / "words.yaml", category="mixer")


def digest(folder: Path) -> str:
    said = [
        json.dumps([one.source, one.issued, one.left_out, astuple(row)], default=str)
        for one in lists(folder)
        for row in one.entries
    ]
    return hashlib.sha256("\n".join(said).encode()).hexdigest()


def test_rows_that_are_read_otherwise_are_a_reading_of_another_number(tmp_path: Path) -> None:
    assert list(DIGESTS)[-1] == READING
    assert DIGESTS[READING] == digest(tmp_path), (
        "files are read otherwise: raise READING in"
        " app/lists/parsers/files.py, and add its digest to those above"
    )
