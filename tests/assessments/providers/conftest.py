"""One sandbox on real HTTP for all tests of vendors; reset for each test."""

from collections.abc import AsyncIterator

import pytest

from tests.assessments.providers.vendors import Vendors
from tests.support.sandbox import serving_upstream


@pytest.fixture(scope="session")
async def served_vendors() -> AsyncIterator[Vendors]:
    async with serving_upstream() as upstream:
        yield Vendors(upstream)


@pytest.fixture
async def vendors(served_vendors: Vendors) -> Vendors:
    await served_vendors.upstream.press("reset")
    return served_vendors
