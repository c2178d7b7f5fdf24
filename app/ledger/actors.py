"""Who does something, and what caused it: what every audit line carries."""

from dataclasses import dataclass
from typing import Final

OPERATOR: Final = "operator"
WORKER: Final = "worker"


@dataclass(frozen=True)
class Actor:
    """`name` is an account id, `operator` or `worker`; `request_id` is the cause.

    `api_key` is the prefix of the key that an account acts by; None for a session.
    """

    name: str
    request_id: str
    api_key: str | None = None
