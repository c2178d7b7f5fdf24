"""Counting failures against guessing: shared by the replicas, remembered by the process.

What costs a query anyway is counted in `failed_attempts`. What is refused by its form alone is
counted in memory, and so is every budget that is known to be used up: a flood costs no statement.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Final

from sqlalchemy import case, delete, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.errors import EmailTaken, TooManyAttempts, WrongPassword
from app.accounts.models import FailedAttempts
from app.accounts.rules.throttles import (
    WINDOW,
    Budget,
    Failures,
    Tally,
    used_up_until,
    whole_seconds_until,
)
from app.runtime.clock import Clock
from app.runtime.db.base import AnyRow
from app.runtime.db.concurrency import ConcurrencyLimit
from app.runtime.db.engine import Database
from app.runtime.errors import IdempotencyKeyReused

# About 4 MB of memory when it is full.
MOST_SUBJECTS: Final = 10_000
REAPED_AT_ONCE: Final = 1_000
# Whoever waits here learns of the failures before its own: a burst is cut off after the quota.
# Hashing takes 20 to 30 ms of a core each: more at once only slows all of them down.
_PASSWORDS_AT_ONCE: Final = 4
_PASSWORD_WITHIN_SECONDS: Final = 2.0  # as long as for a connection to the database
_PRIMARY_KEY: Final = (FailedAttempts.throttle, FailedAttempts.subject)
_COLUMNS: Final = (*_PRIMARY_KEY, FailedAttempts.failures, FailedAttempts.ends_at)


class Throttles:
    """The budgets of everybody. Nothing here is touched by a caller that makes no mistake."""

    def __init__(
        self, database: Database, clock: Clock, observe_refusal: Callable[[str], None]
    ) -> None:
        """Count on `database`, by `clock`; `observe_refusal` is told the throttle's name."""
        self._database = database
        self._clock = clock
        self._observe_refusal = observe_refusal
        self._malformed = Tally(MOST_SUBJECTS)
        self._shared = Tally(MOST_SUBJECTS)  # the last that the database told
        self._passwords = ConcurrencyLimit(
            _PASSWORDS_AT_ONCE, within_seconds=_PASSWORD_WITHIN_SECONDS
        )

    def count_malformed(self, budget: Budget) -> None:
        """Count a failure in this process alone. Raises TooManyAttempts beyond the quota."""
        now = self._clock.now()
        self._refuse_used_up((budget,), now)
        self._malformed.add(budget, now)

    async def count(self, *budgets: Budget) -> None:
        """Count a failure for all replicas. Raises TooManyAttempts beyond the quota.

        Call it while no connection is lent: it takes one, and is not undone with the request.
        """
        now = self._clock.now()
        self._refuse_used_up(budgets, now)
        counted = await self._add(budgets, now)
        for budget, failures in counted.items():
            self._shared.put(budget, failures)
        self._refuse({budget: failures.before for budget, failures in counted.items()}, now)

    @asynccontextmanager
    async def password_attempt(self, budgets: Sequence[Budget]) -> AsyncIterator[None]:
        """Guard the trial of a password, or of an e-mail that may be taken; count its failure.

        With a used up budget the body is not run, so that no hash is computed. Raises
        TooManyAttempts, and ConcurrencyLimitReached when others take too long with theirs.
        """
        now = self._clock.now()
        self._refuse_used_up(budgets, now)
        await self._learn(budgets, now)
        async with self._passwords.one():
            self._refuse_used_up(budgets, self._clock.now())
            try:
                yield
            except (EmailTaken, IdempotencyKeyReused, WrongPassword):
                await self.count(*budgets)
                raise

    def _refuse_used_up(self, budgets: Sequence[Budget], now: datetime) -> None:
        self._refuse({budget: self._shared.of(budget, now) for budget in budgets}, now)

    def _refuse(self, shared: Mapping[Budget, Failures | None], now: datetime) -> None:
        """Refuse if one of these is used up, by the one that is full again last."""
        waits = [
            (moment, budget.throttle)
            for budget, failures in shared.items()
            if (moment := used_up_until(budget.throttle, failures, self._malformed.of(budget, now)))
        ]
        if not waits:
            return
        moment, throttle = max(waits, key=itemgetter(0))
        self._observe_refusal(throttle.name)
        raise TooManyAttempts(
            throttle.name,
            quota=throttle.quota,
            window=WINDOW // timedelta(seconds=1),
            wait=whole_seconds_until(moment, now),
        )

    async def _add(self, budgets: Sequence[Budget], now: datetime) -> dict[Budget, Failures]:
        """Count one failure in each budget; return how many there are now."""
        over = FailedAttempts.ends_at <= now
        first = insert(FailedAttempts).values(
            [
                {
                    "throttle": budget.throttle.name,
                    "subject": budget.subject,
                    "failures": 1,
                    "ends_at": now + WINDOW,
                }
                for budget in budgets
            ]
        )
        statement = first.on_conflict_do_update(
            index_elements=_PRIMARY_KEY,
            set_={
                "failures": case((over, 1), else_=FailedAttempts.failures + 1),
                "ends_at": case((over, first.excluded.ends_at), else_=FailedAttempts.ends_at),
            },
        ).returning(*_COLUMNS)
        async with self._database.reading() as connection:  # outside any transaction block
            return _by_budget(budgets, (await connection.execute(statement)).all())

    async def _learn(self, budgets: Sequence[Budget], now: datetime) -> None:
        """Ask what other replicas have counted."""
        asked = [(budget.throttle.name, budget.subject) for budget in budgets]
        query = select(*_COLUMNS).where(
            tuple_(*_PRIMARY_KEY).in_(asked), FailedAttempts.ends_at > now
        )
        async with self._database.reading() as connection:
            rows = (await connection.execute(query)).all()
        for budget, failures in _by_budget(budgets, rows).items():
            self._shared.put(budget, failures)


def _by_budget(budgets: Sequence[Budget], rows: Sequence[AnyRow]) -> dict[Budget, Failures]:
    """Sort rows to their budgets; those that are counted together are of different throttles."""
    by_name = {row.throttle: Failures(row.ends_at, row.failures) for row in rows}
    return {
        budget: by_name[budget.throttle.name]
        for budget in budgets
        if budget.throttle.name in by_name
    }


async def delete_expired(session: AsyncSession, now: datetime) -> bool:
    """Delete counts that are over, at most REAPED_AT_ONCE; say whether there may be more."""
    over = (
        select(*_PRIMARY_KEY)
        .where(FailedAttempts.ends_at <= now)
        .limit(REAPED_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    async with session.begin():
        reaped = await session.scalars(
            delete(FailedAttempts)
            .where(tuple_(*_PRIMARY_KEY).in_(over))
            .returning(FailedAttempts.throttle)
        )
        return len(reaped.all()) == REAPED_AT_ONCE
