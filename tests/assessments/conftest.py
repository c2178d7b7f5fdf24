"""Vendors on real HTTP, and a caller before them."""

from collections.abc import AsyncIterator

import pytest

from tests.assessments.providers.vendors import Vendors
from tests.assessments.vendor_desk import CREDITS, AssessmentHarness, check_money
from tests.support.clock import HandClock
from tests.support.databases import LentDatabase
from tests.support.people import make_user
from tests.support.sandbox import HeldClock, serving_upstream


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
