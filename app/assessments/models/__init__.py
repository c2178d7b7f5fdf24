"""The tables of `assessments`."""

from app.assessments.models.assessments import Assessment
from app.assessments.models.list_reviews import AssessmentChange, ListReview
from app.assessments.models.receipt_keys import ReceiptKey

__all__ = [
    "Assessment",
    "AssessmentChange",
    "ListReview",
    "ReceiptKey",
]
