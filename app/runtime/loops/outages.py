"""What a loop does while the database cannot serve: each reason is told once, pauses grow."""

from typing import Final

from app.runtime.db.failures import Unavailable, reason_of
from app.runtime.observability.logging import get_logger

log = get_logger(__name__)

_LONGEST_PAUSE_SECONDS: Final = 4.0


class Outage:
    """The outage of one loop; it has ended when the loop has done something with the database."""

    def __init__(self, loop: str) -> None:
        self._loop = loop
        self._told: str | None = None
        self._failures = 0

    def go_on(self, why: Unavailable, fault: BaseException, first_pause_seconds: float) -> float:
        """Tell the reason unless it is the last one told; return how long to rest, in seconds."""
        reason = reason_of(fault)
        if reason != self._told:
            log.warning(why.value, loop=self._loop, reason=reason)
            self._told = reason
        pause = first_pause_seconds * 2.0 ** min(self._failures, 10)
        self._failures += 1
        return min(pause, _LONGEST_PAUSE_SECONDS)

    def end(self) -> None:
        """Tell that the database serves again, if it did not."""
        if self._told is not None:
            log.info("database_serves_again", loop=self._loop)
        self._told, self._failures = None, 0
