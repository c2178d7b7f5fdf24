"""A clock, a buyer and its order for the tests of services; a desk before real vendors."""

from collections.abc import AsyncIterator

import pytest

from tests.providers.vendors import Vendors
from tests.services.vendor_desk import CREDITS, AssessmentHarness, check_money
from tests.support.clock import HandClock
from tests.support.databases import LentDatabase
from tests.support.orders import OneOrder
from tests.support.people import Person, make_user
from tests.support.sandbox import HeldClock, serving_upstream


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


@pytest.fixture(scope="package")
async def held() -> HeldClock:
    """The clock of the vendors, on which a fault that takes time lasts until it is woken."""
    return HeldClock()


@pytest.fixture(scope="package")
async def served_vendors(held: HeldClock) -> AsyncIterator[Vendors]:
    """The sandbox's vendors on real HTTP; `desk` resets them."""
    async with serving_upstream(clock=held) as upstream:
        yield Vendors(upstream)


@pytest.fixture
async def desk(
    database: LentDatabase, clock: HandClock, served_vendors: Vendors, held: HeldClock
) -> AsyncIterator[AssessmentHarness]:
    """A desk in front of vendors as they are at first; the rules of money hold afterwards."""
    await served_vendors.upstream.press("reset")
    user = await make_user(database, clock.now(), credits_given=CREDITS)
    yield AssessmentHarness(database, clock, user, served_vendors)
    held.wake()
    await check_money(database)
