"""What can go wrong with a request to AEON.to, beside what can go wrong with any partner.

Error numbers and their meanings: AEON.to API v3, the "On failure" tables. Only the number
decides, neither the text beside it nor the prefix before it; of the HTTP statuses only 403 says
something of its own, since addresses and regions are refused with it.
"""

from types import MappingProxyType
from typing import Final

from app.partners.failures import (
    InvalidResponse,
    NotDone,
    OperatorNeeded,
    PartnerFailure,
    Refused,
    Throttled,
)

HTTP_FORBIDDEN: Final = 403


class SlotExpired(NotDone):
    """The slot's time to leave had passed, so nothing was sent."""

    meaning = "the slot was not used in time; nothing was sent"


class ServiceUnavailable(NotDone):
    """001: AEON.to's own services are down."""

    number = 1
    meaning = "internal services not available"


class MalformedBitcoinAddress(OperatorNeeded):
    """002: the merchant's address was refused, which no buyer can mend."""

    number = 2
    meaning = "malformed bitcoin address"


class InvalidBitcoinAmount(Refused):
    """003: the amount is not one."""

    number = 3
    meaning = "invalid bitcoin amount"


class BitcoinAmountOutOfBounds(Refused):
    """004: the amount is below or above what AEON.to takes now."""

    number = 4
    meaning = "bitcoin amount out of bounds"


class UnexpectedValidationError(OperatorNeeded):
    """005: AEON.to refused the request for a reason that it has no number for."""

    number = 5
    meaning = "unexpected validation error"


class OrderNotFound(Refused):
    """006: the order never existed, or was purged."""

    number = 6
    meaning = "requested order not found"


class ThirdPartyUnavailable(NotDone):
    """007: a service that AEON.to depends on is down."""

    number = 7
    meaning = "third party service not available"


class InsufficientFunds(NotDone):
    """008: AEON.to has not enough bitcoin at the moment."""

    number = 8
    meaning = "insufficient funds available"


class InvalidRequest(OperatorNeeded):
    """009: our request is malformed."""

    number = 9
    meaning = "invalid request"


class PaymentProtocolFailed(Refused):
    """010: the payment protocol URL served invalid or outdated data."""

    number = 10
    meaning = "payment protocol failed"


class MalformedPaymentProtocolUrl(Refused):
    """011: the payment protocol URL is malformed, or cannot be contacted."""

    number = 11
    meaning = "malformed payment protocol url"


class TooManyRequests(Throttled):
    """012: the endpoint's rate limit was exceeded."""

    number = 12
    meaning = "too many requests"


class Forbidden(OperatorNeeded):
    """A 403 without the number 012: an address, a region or we ourselves are shut out."""

    meaning = "forbidden"


class UnknownFailure(OperatorNeeded):
    """An error number that AEON.to API v3 does not list."""

    meaning = "unknown error number"


NUMBERED: Final = MappingProxyType(
    {
        kind.number: kind
        for kind in (
            ServiceUnavailable,
            MalformedBitcoinAddress,
            InvalidBitcoinAmount,
            BitcoinAmountOutOfBounds,
            UnexpectedValidationError,
            OrderNotFound,
            ThirdPartyUnavailable,
            InsufficientFunds,
            InvalidRequest,
            PaymentProtocolFailed,
            MalformedPaymentProtocolUrl,
            TooManyRequests,
        )
    }
)


def failure_for(endpoint: str, *, http_status: int, number: int | None) -> PartnerFailure:
    """Return the failure that an answer without a result means."""
    if http_status == HTTP_FORBIDDEN and number != TooManyRequests.number:
        return Forbidden(endpoint, http_status=http_status, number=number)
    if number is None:
        detail = "neither a result nor an error number"
        return InvalidResponse(endpoint, http_status=http_status, detail=detail)
    kind = NUMBERED.get(number, UnknownFailure)
    return kind(endpoint, http_status=http_status, number=number)
