"""Fixtures of the client's tests."""

from collections.abc import AsyncIterator, Iterator

import pytest
import respx

from tests.partners.aeonto.bench import Bench
from tests.partners.aeonto.golden import BASE_URL


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    bench = Bench()
    yield bench
    await bench.transport.aclose()


@pytest.fixture
def upstream() -> Iterator[respx.MockRouter]:
    with respx.mock(base_url=BASE_URL, assert_all_called=False) as router:
        yield router
