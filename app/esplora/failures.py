"""What can go wrong with a request to an Esplora server, sorted by what the caller should do.

    TryLater        nobody is to blame for long: ask again after a pause
    OperatorNeeded  a person must look, and asking again is harmless

That a transaction is unknown is an answer: `TransactionUnknown` never leaves the client.
"""

from http import HTTPStatus
from typing import Final

# What the server says of a transaction that it does not know (Blockstream/electrs, src/rest.rs);
# any other 404 is that of an address at which there is no Esplora.
UNKNOWN_TEXT: Final = b"Transaction not found"


class EsploraFailure(Exception):
    """A request that brought no usable answer. Its message holds nothing that was received.

    `endpoint` is "transaction", "tip_height" or "payments", or "settlement" for a whole look at
    one; `http_status` the status of the answer if one came.
    """

    meaning: str = "the request failed"

    def __init__(
        self, endpoint: str, *, http_status: int | None = None, detail: str | None = None
    ) -> None:
        self.endpoint = endpoint
        self.http_status = http_status
        status = "" if http_status is None else f" (HTTP {http_status})"
        super().__init__(f"{endpoint}: {detail or self.meaning}{status}")


class TransactionUnknown(EsploraFailure):
    """404 and the words for it: neither in a block nor in the server's mempool."""

    meaning = "no such transaction"


class TryLater(EsploraFailure):
    """It may work later, with no change on our side."""


class OperatorNeeded(EsploraFailure):
    """Something that only a person can put right: the URL, our standing."""


class HeldBack(TryLater):
    """Our own limit, or a pause that the server asked for, leaves no turn soon enough."""

    meaning = "no turn came soon enough; nothing was sent"


class Unreachable(TryLater):
    """No connection was made, so nothing was sent."""

    meaning = "no connection could be made; nothing was sent"


class AnswerLost(TryLater):
    """The connection broke before the whole answer was here."""

    meaning = "the connection broke before the answer was complete"


class DeadlinePassed(TryLater):
    """The answer was not complete in time."""

    meaning = "the answer was not complete in time"


class Nonsense(TryLater):
    """An answer came that the API does not know."""

    meaning = "the answer is not one that this API gives"


class ServerFault(TryLater):
    """5xx: the server, or what it depends on, is down."""

    meaning = "the server failed"


class Throttled(TryLater):
    """429: we asked too often. `retry_after` is that header as received, empty without one."""

    meaning = "too many requests"

    def __init__(self, endpoint: str, *, http_status: int, retry_after: str) -> None:
        super().__init__(endpoint, http_status=http_status)
        self.retry_after = retry_after


class Refused(OperatorNeeded):
    """Another 4xx: the URL is not that of an Esplora, or it will not serve us."""

    meaning = "refused; is the URL that of an Esplora, up to its API?"


class Flooded(OperatorNeeded):
    """So many transactions touch one address that not all were read: dust, or a busy address."""

    meaning = "more transactions touch the address than are read; somebody floods it, or shares it"


def failure_for(
    endpoint: str, *, http_status: int, body: bytes, retry_after: str
) -> EsploraFailure:
    """Return the failure that an answer with a status other than 200 means."""
    if http_status == HTTPStatus.TOO_MANY_REQUESTS:
        return Throttled(endpoint, http_status=http_status, retry_after=retry_after)
    if http_status == HTTPStatus.NOT_FOUND and body.strip() == UNKNOWN_TEXT:
        return TransactionUnknown(endpoint, http_status=http_status)
    if HTTPStatus.BAD_REQUEST <= http_status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return Refused(endpoint, http_status=http_status)
    if http_status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return ServerFault(endpoint, http_status=http_status)
    return Nonsense(endpoint, http_status=http_status)
