"""What each status without a result means for the caller."""

import pytest

from app.partners import failures
from app.partners.esplora.failures import (
    NoSuchPath,
    NotOffered,
    ServerRefused,
    TransactionUnknown,
    failure_for,
)
from app.partners.failures import NotDone, OperatorNeeded, PartnerFailure, UnknownOutcome
from tests.support.cases import each_case


def failure(http_status: int, body: bytes = b"") -> PartnerFailure:
    return failure_for("transaction", http_status=http_status, body=body, retry_after="7")


@each_case(
    ("http_status", "kind", "to_do"),
    [
        (201, failures.InvalidResponse, UnknownOutcome),
        (204, failures.InvalidResponse, UnknownOutcome),
        (301, failures.InvalidResponse, UnknownOutcome),
        (400, NotOffered, OperatorNeeded),
        (401, ServerRefused, OperatorNeeded),
        (402, ServerRefused, OperatorNeeded),
        (403, ServerRefused, OperatorNeeded),
        (404, NotOffered, OperatorNeeded),
        (405, NotOffered, OperatorNeeded),
        (410, NotOffered, OperatorNeeded),
        (422, NotOffered, OperatorNeeded),
        (499, ServerRefused, OperatorNeeded),
        (429, failures.Throttled, NotDone),
        (500, failures.ServerFault, UnknownOutcome),
        (501, NotOffered, OperatorNeeded),
        (503, failures.ServerFault, UnknownOutcome),
        (599, failures.ServerFault, UnknownOutcome),
    ],
)
def test_status_says_what_to_do(
    http_status: int, kind: type[PartnerFailure], to_do: type[PartnerFailure]
) -> None:
    found = failure(http_status, b"some text")
    assert type(found) is kind
    assert isinstance(found, to_do)
    assert found.http_status == http_status
    assert found.endpoint == "transaction"
    assert str(found).startswith("transaction: ")
    assert str(found).endswith(f"(HTTP {http_status})")
    assert "some text" not in str(found)


# As electrs, mempool's backend, Fulcrum and others write it.
UNKNOWN = [
    b"Transaction not found",
    b"Transaction not found\n",
    b"transaction not found",
    b"No such mempool or blockchain transaction",
    b"No such mempool or blockchain transaction. Use gettransaction for wallet transactions.",
    b"No such mempool transaction. Use -txindex or provide a block hash to enable queries.",
    b'{"error": "No such mempool or blockchain transaction"}',
    b'{"error":"Transaction not found","code":-5}',
]


@each_case("http_status", [400, 404, 422, 500, 501])
def test_words_for_an_unknown_transaction_are_known_under_every_status(http_status: int) -> None:
    for body in UNKNOWN:
        assert type(failure(http_status, body)) is TransactionUnknown


def test_words_for_an_unknown_transaction_mean_nothing_elsewhere() -> None:
    for endpoint in ("payments", "tip_height", "count", "genesis"):
        found = failure_for(endpoint, http_status=404, body=UNKNOWN[0], retry_after="")
        assert type(found) is NotOffered
    assert type(failure(200, UNKNOWN[0])) is failures.InvalidResponse
    assert type(failure(429, UNKNOWN[0])) is failures.Throttled


@each_case("body", [b"", b"Not found", b"<html>404 Not Found</html>"])
def test_404_with_other_words_is_neither(body: bytes) -> None:
    assert type(failure(404, body)) is NotOffered


@pytest.mark.parametrize(
    "body",
    [b'endpoint does not exist "/tx/7c"', b"<!DOCTYPE html><pre>Cannot GET /api/v1/tx/7c</pre>"],
)
def test_404_that_names_the_path_is_that_of_a_wrong_url(body: bytes) -> None:
    assert type(failure(404, body)) is NoSuchPath
