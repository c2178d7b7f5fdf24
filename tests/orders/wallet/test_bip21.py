"""A payment request reads back as what was asked."""

from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

from hypothesis import given
from hypothesis import strategies as st

from app.orders.wallet.bip21 import bitcoin_uri
from tests.support.cases import each_case

ADDRESS = "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu"


@each_case(
    ("amount", "text"),
    [
        ("0.00000001", "0.00000001"),
        ("1E-8", "0.00000001"),
        ("0.01500000", "0.015"),
        ("20.30", "20.3"),
        ("50", "50"),
        ("50.00000000", "50"),
        ("1E+1", "10"),
    ],
)
def test_amount_is_plain_decimal_without_trailing_zeros(amount: str, text: str) -> None:
    assert bitcoin_uri(ADDRESS, Decimal(amount)) == f"bitcoin:{ADDRESS}?amount={text}"


def test_label_is_percent_encoded() -> None:
    uri = bitcoin_uri(ADDRESS, Decimal("0.5"), "10 credits & more")
    assert uri == f"bitcoin:{ADDRESS}?amount=0.5&label=10%20credits%20%26%20more"


@given(satoshi=st.integers(1, 21 * 10**14), label=st.text(min_size=1))
def test_uri_reads_back_as_what_was_asked(satoshi: int, label: str) -> None:
    amount = Decimal(satoshi).scaleb(-8)
    parts = urlsplit(bitcoin_uri(ADDRESS, amount, label))
    asked = parse_qs(parts.query, strict_parsing=True)
    assert (parts.scheme, parts.path) == ("bitcoin", ADDRESS)
    assert Decimal(asked["amount"][0]) == amount
    assert asked["label"] == [label]
