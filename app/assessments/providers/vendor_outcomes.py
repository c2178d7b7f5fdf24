"""What a failed request to a vendor means for the question that was asked."""

from app.assessments.providers.base import (
    FailureReason,
    ProviderFailed,
    ProviderNotAsked,
    ProviderUnknown,
)
from app.partners.failures import NotDone, OperatorNeeded, PartnerFailure, Refused


def for_the_question(failure: PartnerFailure) -> ProviderFailed | ProviderUnknown:
    """Return what a failure means for the question that was asked."""
    match failure:
        case Refused():
            return ProviderFailed(FailureReason.REFUSED)
        case OperatorNeeded():
            return ProviderFailed(FailureReason.BROKEN)
        case NotDone():
            return ProviderNotAsked()
        case _:
            return ProviderUnknown()
