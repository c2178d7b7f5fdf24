"""What can go wrong with a request to AEON.to, sorted by what the caller should do about it.

    TryLater        nobody is to blame for long: ask again after a pause
    Throttled       we asked too often: everybody pauses, then one probes
    Refused         what was asked can never be: asking again changes nothing
    OperatorNeeded  a person must look, and asking again is harmless

Error numbers and their meanings: AEON.to API v3, the "On failure" tables. Only the number
decides, neither the text beside it nor the prefix before it; of the HTTP statuses only 403 says
something of its own, since addresses and regions are refused with it.
"""

from types import MappingProxyType
from typing import Final

HTTP_FORBIDDEN: Final = 403


class AeontoFailure(Exception):
    """A request that brought no usable answer. Its message holds nothing that was received.

    `endpoint` is the name of the endpoint, `number` the AEONTO-ERROR number if one was given,
    `http_status` the status of the answer if one came.
    """

    number: int | None = None
    meaning: str = "the request failed"

    def __init__(
        self,
        endpoint: str,
        *,
        http_status: int | None = None,
        number: int | None = None,
        detail: str | None = None,
    ) -> None:
        self.endpoint = endpoint
        self.http_status = http_status
        if number is not None:
            self.number = number
        error = "" if self.number is None else f"error {self.number:03}: "
        status = "" if http_status is None else f" (HTTP {http_status})"
        super().__init__(f"{endpoint}: {error}{detail or self.meaning}{status}")


class TryLater(AeontoFailure):
    """It may work later, with no change on our side."""


class Throttled(AeontoFailure):
    """We asked more often than the endpoint allows."""


class Refused(AeontoFailure):
    """This order, amount, uuid or URL will never do."""


class OperatorNeeded(AeontoFailure):
    """Something that only a person can put right: our address, our request, our standing."""


# Without a usable answer


class SlotExpired(TryLater):
    """The slot's time to leave had passed, so nothing was sent."""

    meaning = "the slot was not used in time; nothing was sent"


class Unreachable(TryLater):
    """No connection was made, so nothing was sent."""

    meaning = "no connection could be made; nothing was sent"


class AnswerLost(TryLater):
    """The connection broke before the whole answer was here: the work may have been done."""

    meaning = "the connection broke before the answer was complete"


class DeadlinePassed(TryLater):
    """The answer was not complete in time: the work may have been done."""

    meaning = "the answer was not complete in time"


class Nonsense(TryLater):
    """An answer came that the API does not know: the work may have been done."""

    meaning = "the answer is not one that this API gives"


# With an error number


class ServiceUnavailable(TryLater):
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


class ThirdPartyUnavailable(TryLater):
    """007: a service that AEON.to depends on is down."""

    number = 7
    meaning = "third party service not available"


class InsufficientFunds(TryLater):
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
    """An error number that the specification does not list."""

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


def failure_for(endpoint: str, *, http_status: int, number: int | None) -> AeontoFailure:
    """Return the failure that an answer without a result means."""
    if http_status == HTTP_FORBIDDEN and number != TooManyRequests.number:
        return Forbidden(endpoint, http_status=http_status, number=number)
    if number is None:
        detail = "neither a result nor an error number"
        return Nonsense(endpoint, http_status=http_status, detail=detail)
    kind = NUMBERED.get(number, UnknownFailure)
    return kind(endpoint, http_status=http_status, number=number)
