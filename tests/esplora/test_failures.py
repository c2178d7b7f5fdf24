"""What each status without a result means for the caller."""

import pytest

from app.esplora import failures
from app.esplora.failures import (
    EsploraFailure,
    OperatorNeeded,
    TransactionUnknown,
    TryLater,
    failure_for,
)


def failure(http_status: int, body: bytes = b"") -> EsploraFailure:
    return failure_for("transaction", http_status=http_status, body=body, retry_after="7")


@pytest.mark.parametrize(
    ("http_status", "kind", "to_do"),
    [
        (201, failures.Nonsense, TryLater),
        (204, failures.Nonsense, TryLater),
        (301, failures.Nonsense, TryLater),
        (400, failures.Refused, OperatorNeeded),
        (401, failures.Refused, OperatorNeeded),
        (402, failures.Refused, OperatorNeeded),
        (403, failures.Refused, OperatorNeeded),
        (404, failures.Refused, OperatorNeeded),
        (499, failures.Refused, OperatorNeeded),
        (429, failures.Throttled, TryLater),
        (500, failures.ServerFault, TryLater),
        (503, failures.ServerFault, TryLater),
        (599, failures.ServerFault, TryLater),
    ],
)
def test_status_says_what_to_do(
    http_status: int, kind: type[EsploraFailure], to_do: type[EsploraFailure]
) -> None:
    found = failure(http_status, b"some text")
    assert type(found) is kind
    assert isinstance(found, to_do)
    assert found.http_status == http_status
    assert found.endpoint == "transaction"
    assert str(found).startswith("transaction: ")
    assert str(found).endswith(f"(HTTP {http_status})")
    assert "some text" not in str(found)


@pytest.mark.parametrize("body", [b"Transaction not found", b"Transaction not found\n"])
def test_404_with_its_words_is_an_unknown_transaction(body: bytes) -> None:
    found = failure(404, body)
    assert type(found) is TransactionUnknown


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"Not found",
        b"<html>Transaction not found</html>",
        b'endpoint does not exist "/tx/7c"',
        b"Transaction not found or is unconfirmed",
    ],
)
def test_any_other_404_is_that_of_a_wrong_url(body: bytes) -> None:
    assert type(failure(404, body)) is failures.Refused


def test_words_for_an_unknown_transaction_mean_nothing_under_another_status() -> None:
    assert type(failure(400, b"Transaction not found")) is failures.Refused
    assert type(failure(500, b"Transaction not found")) is failures.ServerFault


def test_every_failure_that_leaves_the_client_says_what_to_do_in_exactly_one_way() -> None:
    ways = {TryLater, OperatorNeeded}
    assert set(EsploraFailure.__subclasses__()) == ways | {TransactionUnknown}
    for way in ways:
        for kind in way.__subclasses__():
            assert len(ways & set(kind.__mro__)) == 1
            assert kind.__doc__
