"""The errors of credits."""

from app.runtime.errors import AppError


class InsufficientCredits(AppError):
    """The account holds fewer credits than the call costs."""

    code = "insufficient_credits"
    status = 402

    def __init__(self) -> None:
        super().__init__("Insufficient credits")
