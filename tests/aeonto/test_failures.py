"""What each error number means for the caller."""

import pytest

from app.partners.aeonto import failures
from app.partners.aeonto.failures import (
    AeontoFailure,
    OperatorNeeded,
    Refused,
    Throttled,
    TryLater,
    failure_for,
)

# AEON.to API v3, "On failure"; what to do: what the solution column leaves to us.
NUMBERS = {
    1: (failures.ServiceUnavailable, TryLater),
    2: (failures.MalformedBitcoinAddress, OperatorNeeded),
    3: (failures.InvalidBitcoinAmount, Refused),
    4: (failures.BitcoinAmountOutOfBounds, Refused),
    5: (failures.UnexpectedValidationError, OperatorNeeded),
    6: (failures.OrderNotFound, Refused),
    7: (failures.ThirdPartyUnavailable, TryLater),
    8: (failures.InsufficientFunds, TryLater),
    9: (failures.InvalidRequest, OperatorNeeded),
    10: (failures.PaymentProtocolFailed, Refused),
    11: (failures.MalformedPaymentProtocolUrl, Refused),
    12: (failures.TooManyRequests, Throttled),
}


@pytest.mark.parametrize("number", sorted(NUMBERS))
@pytest.mark.parametrize("http_status", [200, 400, 404, 500, 503])
def test_the_number_decides_whatever_the_status(number: int, http_status: int) -> None:
    kind, to_do = NUMBERS[number]
    failure = failure_for("order_create", http_status=http_status, number=number)
    assert type(failure) is kind
    assert isinstance(failure, to_do)
    assert failure.number == number
    assert failure.http_status == http_status
    assert failure.endpoint == "order_create"
    assert f"error {number:03}" in str(failure)


@pytest.mark.parametrize("number", [None, 1, 3, 6, 13, 14])
def test_403_without_012_needs_the_operator(number: int | None) -> None:
    failure = failure_for("order_status_query", http_status=403, number=number)
    assert isinstance(failure, failures.Forbidden)
    assert isinstance(failure, OperatorNeeded)
    assert failure.number == number


def test_403_with_012_is_throttling() -> None:
    failure = failure_for("order_create", http_status=403, number=12)
    assert isinstance(failure, Throttled)


@pytest.mark.parametrize("number", [0, 13, 20, 999_999])
def test_unknown_numbers_are_kept_for_the_operator(number: int) -> None:
    failure = failure_for("order_create", http_status=400, number=number)
    assert isinstance(failure, failures.UnknownFailure)
    assert isinstance(failure, OperatorNeeded)
    assert failure.number == number


def test_status_without_a_number_is_nonsense() -> None:
    failure = failure_for("order_create", http_status=502, number=None)
    assert isinstance(failure, failures.Nonsense)
    assert failure.number is None


def test_every_failure_says_what_to_do_in_exactly_one_way() -> None:
    ways = {TryLater, Throttled, Refused, OperatorNeeded}
    assert set(AeontoFailure.__subclasses__()) == ways
    for way in ways:
        for kind in way.__subclasses__():
            assert len(ways & set(kind.__mro__)) == 1
            assert kind.__doc__
