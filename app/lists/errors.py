"""The errors of lists."""

from collections.abc import Sequence

from app.runtime.errors import AppError


class ListsNotInForce(AppError):
    """A list that the operator wants in force was never imported."""

    code = "lists_not_in_force"
    status = 503

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(
            f"No assessment is sold without the required lists: {', '.join(names)} is not in"
            " force; try again later",
            headers={"Retry-After": "300"},
        )
