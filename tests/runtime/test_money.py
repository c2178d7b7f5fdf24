"""Amounts are written in plain digits, exactly."""

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from app.runtime.money import SATOSHI, plain
from tests.support.cases import each_case


@each_case(
    ("amount", "written"),
    [
        ("0.1500", "0.15"),
        ("100", "100"),
        ("1E+2", "100"),
        ("1e-8", "0.00000001"),
        ("0.000", "0"),
        ("0", "0"),
        ("-0.50", "-0.5"),
        ("5.6605910", "5.660591"),
        ("21000000.00000000", "21000000"),
        ("0.100000000000000000000000000001", "0.100000000000000000000000000001"),
    ],
)
def test_amount_is_written_without_exponent_or_trailing_zeros(amount: str, written: str) -> None:
    assert plain(Decimal(amount)) == written


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(st.decimals(allow_nan=False, allow_infinity=False, places=12, min_value=0))
def test_what_is_written_reads_back_as_the_same_amount(amount: Decimal) -> None:
    written = plain(amount)
    assert Decimal(written) == amount
    assert set(written) <= set("0123456789.")


def test_a_satoshi_is_the_hundred_millionth_part() -> None:
    assert Decimal(1) / 10**8 == SATOSHI
