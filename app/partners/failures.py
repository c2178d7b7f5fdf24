"""What can go wrong with a request to a partner, sorted by what is known of the work afterwards.

    NotDone         the partner did no work, and may do it later
    UnknownOutcome  nobody knows whether the work was done; it may be asked for again later
    Refused         this order, amount, address or question is refused: asking again changes nothing
    OperatorNeeded  a person must look, and asking again is harmless

Each partner adds its own codes to these in a module of its own.
"""

from http import HTTPStatus
from typing import ClassVar, Final

from typing_extensions import override

_KEY_REFUSED: Final = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


class PartnerFailure(Exception):
    """A request that brought no usable answer. Its message holds nothing that was received.

    `endpoint` is the name of what was requested, `http_status` the status of the answer if one
    came, `number` the partner's own error number if it gave one. `label` names the failure in
    metrics and alarms. Operators' queries and alerts use it, so it stays when a class is renamed:
    it is the name of the class unless `label=` is given to the class.
    """

    label: ClassVar[str] = "PartnerFailure"
    number: int | None = None
    meaning: str = "the request failed"

    @override
    def __init_subclass__(cls, *, label: str | None = None) -> None:
        """Set the label of a class: its own name unless `label` is another one."""
        super().__init_subclass__()
        cls.label = label or cls.__name__

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


class NotDone(PartnerFailure):
    """The partner did no work."""


class UnknownOutcome(PartnerFailure, label="MaybeDone"):
    """The partner may have done the work, and charged for it."""


class Refused(PartnerFailure, label="Refusal"):
    """The partner refuses this request, whoever sends it."""

    meaning = "the question was refused"


class OperatorNeeded(PartnerFailure):
    """Something that only a person can put right: the key, what is paid for, the URL."""


class Unreachable(NotDone):
    """No connection was made, so nothing was sent."""

    meaning = "no connection could be made; nothing was sent"


class RateLimited(NotDone, label="HeldBack"):
    """Our own limit, or a pause that the partner requested, leaves no permit soon enough."""

    meaning = "no permit came soon enough; nothing was sent"


class Throttled(NotDone):
    """The partner says that we sent too many requests.

    `retry_after` is that header as received, empty without one.
    """

    meaning = "too many requests"

    def __init__(
        self,
        endpoint: str,
        *,
        http_status: int | None = None,
        number: int | None = None,
        retry_after: str = "",
    ) -> None:
        super().__init__(endpoint, http_status=http_status, number=number)
        self.retry_after = retry_after


class AnswerLost(UnknownOutcome):
    """The connection broke before the whole answer was here."""

    meaning = "the connection broke before the answer was complete"


class DeadlinePassed(UnknownOutcome):
    """The answer was not complete in time."""

    meaning = "the answer was not complete in time"


class InvalidResponse(UnknownOutcome, label="Nonsense"):
    """An answer came that the API does not define."""

    meaning = "the answer is not one that this API gives"


class ServerFault(UnknownOutcome):
    """5xx: the server failed, before its work or after it."""

    meaning = "the server failed"


class KeyRefused(OperatorNeeded):
    """401 or 403: the key is missing, wrong, or not good for this."""

    meaning = "the key was refused"


class OutOfCalls(OperatorNeeded):
    """What was paid for is used up."""

    meaning = "no calls are left"


class WrongEndpoint(OperatorNeeded, label="Misplaced"):
    """A 4xx that is not in the API's words: something else is served at this URL."""

    meaning = "refused by something else; is the URL that of the API?"


def failure_for_status(endpoint: str, http_status: int) -> PartnerFailure:
    """Return the failure that a status other than 200 means, where the status alone decides."""
    kind: type[PartnerFailure] = InvalidResponse
    if http_status in _KEY_REFUSED:
        kind = KeyRefused
    elif http_status == HTTPStatus.PAYMENT_REQUIRED:
        kind = OutOfCalls
    elif http_status == HTTPStatus.TOO_MANY_REQUESTS:
        kind = Throttled
    elif HTTPStatus.BAD_REQUEST <= http_status < HTTPStatus.INTERNAL_SERVER_ERROR:
        kind = Refused
    elif http_status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        kind = ServerFault
    return kind(endpoint, http_status=http_status)
