"""What each error number means for the caller."""

from typing import Final

from app.partners import failures
from app.partners.aeonto.failures import (
    BitcoinAmountOutOfBounds,
    Forbidden,
    InsufficientFunds,
    InvalidBitcoinAmount,
    InvalidRequest,
    MalformedBitcoinAddress,
    MalformedPaymentProtocolUrl,
    OrderNotFound,
    PaymentProtocolFailed,
    ServiceUnavailable,
    ThirdPartyUnavailable,
    TooManyRequests,
    UnexpectedValidationError,
    UnknownFailure,
    failure_for,
)
from app.partners.failures import NotDone, OperatorNeeded, PartnerFailure, Refused, Throttled
from tests.support.cases import each_case

# AEON.to API v3, "On failure"; what to do: what the solution column leaves to us.
NUMBERS: Final[dict[int, tuple[type[PartnerFailure], type[PartnerFailure]]]] = {
    1: (ServiceUnavailable, NotDone),
    2: (MalformedBitcoinAddress, OperatorNeeded),
    3: (InvalidBitcoinAmount, Refused),
    4: (BitcoinAmountOutOfBounds, Refused),
    5: (UnexpectedValidationError, OperatorNeeded),
    6: (OrderNotFound, Refused),
    7: (ThirdPartyUnavailable, NotDone),
    8: (InsufficientFunds, NotDone),
    9: (InvalidRequest, OperatorNeeded),
    10: (PaymentProtocolFailed, Refused),
    11: (MalformedPaymentProtocolUrl, Refused),
    12: (TooManyRequests, Throttled),
}


@each_case("number", sorted(NUMBERS))
@each_case("http_status", [200, 400, 404, 500, 503])
def test_the_number_decides_whatever_the_status(number: int, http_status: int) -> None:
    kind, to_do = NUMBERS[number]
    failure = failure_for("order_create", http_status=http_status, number=number)
    assert type(failure) is kind
    assert isinstance(failure, to_do)
    assert failure.number == number
    assert failure.http_status == http_status
    assert failure.endpoint == "order_create"
    assert f"error {number:03}" in str(failure)


@each_case("number", [None, 1, 3, 6, 13, 14])
def test_403_without_012_needs_the_operator(number: int | None) -> None:
    failure = failure_for("order_status_query", http_status=403, number=number)
    assert isinstance(failure, Forbidden)
    assert isinstance(failure, OperatorNeeded)
    assert failure.number == number


def test_403_with_012_is_throttling() -> None:
    failure = failure_for("order_create", http_status=403, number=12)
    assert isinstance(failure, Throttled)


@each_case("number", [0, 13, 20, 999_999])
def test_unknown_numbers_are_kept_for_the_operator(number: int) -> None:
    failure = failure_for("order_create", http_status=400, number=number)
    assert isinstance(failure, UnknownFailure)
    assert isinstance(failure, OperatorNeeded)
    assert failure.number == number


def test_status_without_a_number_is_nonsense() -> None:
    failure = failure_for("order_create", http_status=502, number=None)
    assert isinstance(failure, failures.InvalidResponse)
    assert failure.number is None
