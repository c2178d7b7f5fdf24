"""The tree of failures: what each says of the work, and its label in metrics and alarms."""

from typing import Final

from app.partners.aeonto import failures as aeonto
from app.partners.crystal.client import NotAllShown
from app.partners.esplora import failures as esplora
from app.partners.failures import (
    AnswerLost,
    DeadlinePassed,
    InvalidResponse,
    KeyRefused,
    NotDone,
    OperatorNeeded,
    OutOfCalls,
    PartnerFailure,
    RateLimited,
    Refused,
    ServerFault,
    Throttled,
    UnknownOutcome,
    Unreachable,
    WrongEndpoint,
    failure_for_status,
)
from tests.support.cases import each_case

WAYS: Final[dict[type[PartnerFailure], str]] = {
    NotDone: "NotDone",
    UnknownOutcome: "MaybeDone",
    Refused: "Refusal",
    OperatorNeeded: "OperatorNeeded",
}
# Alerts, dashboards and runbooks of operators name these: they stay, whatever a class is called.
LABELS: Final[dict[type[PartnerFailure], dict[type[PartnerFailure], str]]] = {
    NotDone: {
        Unreachable: "Unreachable",
        RateLimited: "HeldBack",
        Throttled: "Throttled",
        aeonto.SlotExpired: "SlotExpired",
        aeonto.ServiceUnavailable: "ServiceUnavailable",
        aeonto.ThirdPartyUnavailable: "ThirdPartyUnavailable",
        aeonto.InsufficientFunds: "InsufficientFunds",
        aeonto.TooManyRequests: "TooManyRequests",
    },
    UnknownOutcome: {
        AnswerLost: "AnswerLost",
        DeadlinePassed: "DeadlinePassed",
        InvalidResponse: "Nonsense",
        ServerFault: "ServerFault",
        NotAllShown: "NotAllShown",
    },
    Refused: {
        aeonto.InvalidBitcoinAmount: "InvalidBitcoinAmount",
        aeonto.BitcoinAmountOutOfBounds: "BitcoinAmountOutOfBounds",
        aeonto.OrderNotFound: "OrderNotFound",
        aeonto.PaymentProtocolFailed: "PaymentProtocolFailed",
        aeonto.MalformedPaymentProtocolUrl: "MalformedPaymentProtocolUrl",
        esplora.TransactionUnknown: "TransactionUnknown",
    },
    OperatorNeeded: {
        KeyRefused: "KeyRefused",
        OutOfCalls: "OutOfCalls",
        WrongEndpoint: "Misplaced",
        aeonto.MalformedBitcoinAddress: "MalformedBitcoinAddress",
        aeonto.UnexpectedValidationError: "UnexpectedValidationError",
        aeonto.InvalidRequest: "InvalidRequest",
        aeonto.Forbidden: "Forbidden",
        aeonto.UnknownFailure: "UnknownFailure",
        esplora.ServerRefused: "Refused",
        esplora.NotOffered: "NotOffered",
        esplora.NoSuchPath: "NoSuchPath",
        esplora.WrongNetwork: "WrongNetwork",
        esplora.CutShort: "CutShort",
        esplora.TooManyOutputs: "Flooded",
    },
}


def below(kind: type[PartnerFailure]) -> set[type[PartnerFailure]]:
    """Return the classes of `app` that are derived from one, at any depth."""
    return {
        found
        for one in kind.__subclasses__()
        if one.__module__.startswith("app.")
        for found in (one, *below(one))
    }


def test_every_failure_says_what_is_known_of_the_work_in_exactly_one_way() -> None:
    assert set(PartnerFailure.__subclasses__()) == set(WAYS)
    for way, labels in LABELS.items():
        assert below(way) == set(labels)
        for kind in labels:
            assert len(set(WAYS) & set(kind.__mro__)) == 1
            assert kind.__doc__


def test_labels_of_failures_stay_when_a_class_is_renamed() -> None:
    assert {way: way.label for way in WAYS} == WAYS
    for labels in LABELS.values():
        assert {kind: kind.label for kind in labels} == labels


@each_case(
    ("http_status", "kind"),
    [
        (204, InvalidResponse),
        (302, InvalidResponse),
        (400, Refused),
        (401, KeyRefused),
        (402, OutOfCalls),
        (403, KeyRefused),
        (404, Refused),
        (429, Throttled),
        (500, ServerFault),
        (503, ServerFault),
    ],
)
def test_status_alone_says_which_failure_it_is(
    http_status: int, kind: type[PartnerFailure]
) -> None:
    failure = failure_for_status("tx_add", http_status)
    assert type(failure) is kind
    assert failure.http_status == http_status
    assert str(failure) == f"tx_add: {failure.meaning} (HTTP {http_status})"
