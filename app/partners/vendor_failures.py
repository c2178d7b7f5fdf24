"""What can go wrong with a request to a vendor, sorted by what is known of the work afterwards.

NotDone         no work was done, and it may be later
MaybeDone       nobody knows whether the work was done
Refusal         the vendor will not answer this question
OperatorNeeded  it answers none: a person must look
"""

from http import HTTPStatus
from typing import Final

_KEY_REFUSED: Final = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


class VendorFailure(Exception):
    """A request that brought no usable answer. Its message holds nothing that was received.

    `http_status` is that of the answer if one came.
    """

    meaning: str = "the request failed"

    def __init__(
        self, endpoint: str, *, http_status: int | None = None, detail: str | None = None
    ) -> None:
        self.endpoint = endpoint
        self.http_status = http_status
        status = "" if http_status is None else f" (HTTP {http_status})"
        super().__init__(f"{endpoint}: {detail or self.meaning}{status}")


class NotDone(VendorFailure):
    """The vendor did no work."""


class MaybeDone(VendorFailure):
    """The vendor may have done the work, and charged for it."""


class OperatorNeeded(VendorFailure):
    """Something that only a person can put right: the key, what is paid for, the URL."""


class Unreachable(NotDone):
    """No connection was made, so nothing was sent."""

    meaning = "no connection could be made; nothing was sent"


class Throttled(NotDone):
    """429: we asked too often."""

    meaning = "too many requests"


class AnswerLost(MaybeDone):
    """The connection broke before the whole answer was here."""

    meaning = "the connection broke before the answer was complete"


class DeadlinePassed(MaybeDone):
    """The answer was not complete in time."""

    meaning = "the answer was not complete in time"


class Nonsense(MaybeDone):
    """An answer came that the API does not know."""

    meaning = "the answer is not one that this API gives"


class NotAllShown(MaybeDone):
    """What was looked for may stand where it was not looked."""

    meaning = "more was asked since than it shows"


class ServerFault(MaybeDone):
    """5xx: the server failed, before its work or after it."""

    meaning = "the server failed"


class Refusal(VendorFailure):
    """The vendor does not answer this question, whoever asks."""

    meaning = "the question was refused"


class KeyRefused(OperatorNeeded):
    """401 or 403: the key is missing, wrong, or not good for this."""

    meaning = "the key was refused"


class OutOfCalls(OperatorNeeded):
    """What was paid for is used up."""

    meaning = "no calls are left"


class Misplaced(OperatorNeeded):
    """A 4xx that is not in the API's words: something else lives at this URL."""

    meaning = "refused by something else; is the URL that of the API?"


def failure_for(endpoint: str, http_status: int) -> VendorFailure:
    """Return the failure that an answer with a status other than 200 means."""
    kind: type[VendorFailure] = Nonsense
    if http_status in _KEY_REFUSED:
        kind = KeyRefused
    elif http_status == HTTPStatus.PAYMENT_REQUIRED:
        kind = OutOfCalls
    elif http_status == HTTPStatus.TOO_MANY_REQUESTS:
        kind = Throttled
    elif HTTPStatus.BAD_REQUEST <= http_status < HTTPStatus.INTERNAL_SERVER_ERROR:
        kind = Refusal
    elif http_status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        kind = ServerFault
    return kind(endpoint, http_status=http_status)
