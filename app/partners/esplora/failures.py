"""What can go wrong with a request to an Esplora server, beside what can with any partner.

That a transaction is unknown is an answer: `TransactionUnknown` never leaves the client. So is
that a server does not offer something: `NotOffered` leaves it only as what it is, a refusal.

`endpoint` of a failure is "transaction", "tip_height", "payments", "count", "genesis" or
"block_hash", or "settlement" for a whole look at one.
"""

from http import HTTPStatus
from typing import Final

from app.partners.failures import (
    InvalidResponse,
    OperatorNeeded,
    PartnerFailure,
    Refused,
    ServerFault,
    Throttled,
)

# What servers say of a transaction that they do not know: electrs; Bitcoin Core, and what passes
# its words on (mempool's backend, Fulcrum, romanz's electrs); and others. Any status may go with it.
_UNKNOWN_WORDS: Final = (
    "transaction not found",
    "tx not found",
    "no such mempool or blockchain transaction",
    "no such mempool transaction",
    "no such transaction",
    "missing transaction",
    "unknown transaction",
)
# What servers say of a path that they do not serve: electrs, and Express (mempool's backend).
_NO_PATH_WORDS: Final = ("endpoint does not exist", "cannot get /")
_LONGEST_WORDS_BYTES: Final = 1000
# What servers say that do not offer what was asked for. mempool's electrs: 422 for a cursor that it
# does not know; its backend: 405 and 501 for what its index cannot answer.
_NOT_OFFERED: Final = frozenset(
    {
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.METHOD_NOT_ALLOWED,
        HTTPStatus.GONE,
        HTTPStatus.UNPROCESSABLE_ENTITY,
        HTTPStatus.NOT_IMPLEMENTED,
    }
)


class TransactionUnknown(Refused):
    """The server's words for it: neither in a block nor in its mempool."""

    meaning = "no such transaction"


class ServerRefused(OperatorNeeded, label="Refused"):
    """Another 4xx: the URL is not that of an Esplora, or it will not serve us."""

    meaning = "refused; is the URL that of an Esplora, up to its API?"


class NotOffered(ServerRefused):
    """Such a 4xx, or 501, as a server gives for a path or a cursor that it does not serve."""

    @property
    def is_about_cursor(self) -> bool:
        """Say whether only this very cursor is not known, as mempool's electrs says by 422."""
        return self.http_status == HTTPStatus.UNPROCESSABLE_ENTITY


class NoSuchPath(NotOffered):
    """404 and the words for a path that the server does not serve."""


class WrongNetwork(OperatorNeeded):
    """The first block of the server's chain is that of another network."""

    meaning = "the server shows another network"


class CutShort(OperatorNeeded):
    """The server counts more transactions than it shows, so that a payment may be missing."""

    meaning = "the server counts more transactions of the address than it shows"


class TooManyOutputs(OperatorNeeded, label="Flooded"):
    """So many transactions touch one address that not all were read: dust, or a busy address."""

    meaning = "more transactions touch the address than are read; somebody floods it, or shares it"


def failure_for(
    endpoint: str, *, http_status: int, body: bytes, retry_after: str
) -> PartnerFailure:
    """Return the failure that an answer with a status other than 200 means."""
    if http_status == HTTPStatus.TOO_MANY_REQUESTS:
        return Throttled(endpoint, http_status=http_status, retry_after=retry_after)
    if http_status < HTTPStatus.BAD_REQUEST:
        return InvalidResponse(endpoint, http_status=http_status)
    words = body[:_LONGEST_WORDS_BYTES].decode("utf-8", "replace").lower()
    if http_status == HTTPStatus.NOT_FOUND and any(known in words for known in _NO_PATH_WORDS):
        return NoSuchPath(endpoint, http_status=http_status)
    if endpoint == "transaction" and any(known in words for known in _UNKNOWN_WORDS):
        return TransactionUnknown(endpoint, http_status=http_status)
    if endpoint == "payments" and http_status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return TooManyOutputs(endpoint, http_status=http_status)
    if http_status in _NOT_OFFERED:
        return NotOffered(endpoint, http_status=http_status)
    if http_status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return ServerRefused(endpoint, http_status=http_status)
    return ServerFault(endpoint, http_status=http_status)
