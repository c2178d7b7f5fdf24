"""A clock, a buyer and its order for the tests of services."""

import pytest

from tests.support.clock import HandClock
from tests.support.databases import LentDatabase
from tests.support.orders import OneOrder
from tests.support.people import Person, make_user


@pytest.fixture
def clock() -> HandClock:
    """Time that stands still until a test moves it."""
    return HandClock()


@pytest.fixture
async def buyer(database: LentDatabase, clock: HandClock) -> Person:
    """A user without credits."""
    return await make_user(database, clock.now())


@pytest.fixture
async def order(database: LentDatabase, clock: HandClock, buyer: Person) -> OneOrder:
    """An order of ten credits that upstream has accepted and waits to be paid."""
    placed = await OneOrder.place(database, clock, buyer)
    await placed.created()
    await placed.reported("UNPAID")
    return placed
