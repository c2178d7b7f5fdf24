"""The throttles on guessing: how many failures a minute somebody has, and when there are more.

A minute begins with a failure and ends sixty seconds later. Only failures are counted, and what
is refused for a used up budget is not another failure.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

WINDOW: Final = timedelta(minutes=1)
_SECOND: Final = timedelta(seconds=1)


@dataclass(frozen=True)
class Throttle:
    """So many failures in one window; the name is shown to callers and counted by."""

    name: str
    quota: int


BAD_KEYS: Final = Throttle("bad-keys", 20)
BAD_CODES: Final = Throttle("bad-codes", 20)
LOGINS: Final = Throttle("logins", 10)
ADDRESS_LOGINS: Final = Throttle("logins-by-address", 50)


@dataclass(frozen=True)
class Budget:
    """The failures that one subject has under a throttle. No name or address is kept of it."""

    throttle: Throttle
    subject: bytes  # SHA-256


def bad_keys_of(address: str) -> Budget:
    """Return the budget for API keys and session tokens that are not valid."""
    return _budget(BAD_KEYS, address)


def bad_codes_of(account_id: str) -> Budget:
    """Return a caller's budget for access codes that are refused."""
    return _budget(BAD_CODES, account_id)


def logins_of(email: str, address: str) -> tuple[Budget, Budget]:
    """Return the budgets for passwords: of this e-mail from this address, and of the address."""
    return _budget(LOGINS, email.lower(), address), _budget(ADDRESS_LOGINS, address)


def _budget(throttle: Throttle, *subject: str) -> Budget:
    return Budget(throttle, hashlib.sha256("\0".join(subject).encode()).digest())


@dataclass(frozen=True, order=True)
class Failures:
    """How many failures were counted in a window, and when it ends. Later is greater."""

    ends_at: datetime
    count: int

    @property
    def before(self) -> "Failures":
        """What it was before the last failure."""
        return Failures(self.ends_at, self.count - 1)


def used_up_until(throttle: Throttle, *counted: Failures | None) -> datetime | None:
    """Return when a budget is full again whose failures were counted in these places.

    None when there are failures left.
    """
    known = [failures for failures in counted if failures is not None]
    if sum(failures.count for failures in known) < throttle.quota:
        return None
    return max(failures.ends_at for failures in known)


def whole_seconds_until(moment: datetime, now: datetime) -> int:
    """Return the seconds to wait, rounded up, so that whoever waits them comes late enough."""
    return max(1, -((now - moment) // _SECOND))


class Tally:
    """Failures remembered in this process, of at most so many subjects: the oldest is forgotten."""

    def __init__(self, most_subjects: int) -> None:
        self._most_subjects = most_subjects
        self._failures: dict[Budget, Failures] = {}

    def __len__(self) -> int:
        return len(self._failures)

    def of(self, budget: Budget, now: datetime) -> Failures | None:
        """Return what is remembered, unless its window is over."""
        failures = self._failures.get(budget)
        return failures if failures is not None and failures.ends_at > now else None

    def add(self, budget: Budget, now: datetime) -> None:
        """Count a failure."""
        earlier = self.of(budget, now) or Failures(now + WINDOW, 0)
        self.put(budget, Failures(earlier.ends_at, earlier.count + 1))

    def put(self, budget: Budget, failures: Failures) -> None:
        """Remember a count that was made elsewhere, unless a later one is known."""
        earlier = self._failures.pop(budget, failures)
        self._failures[budget] = max(earlier, failures)
        if len(self._failures) > self._most_subjects:
            del self._failures[next(iter(self._failures))]
