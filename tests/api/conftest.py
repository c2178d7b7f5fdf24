"""An application for each test of the HTTP API, on a connection that is rolled back."""

from collections.abc import AsyncIterator

import pytest

from tests.support.application import Application, open_application
from tests.support.databases import LentDatabase


@pytest.fixture
async def application(database: LentDatabase) -> AsyncIterator[Application]:
    """A running application without loops."""
    async with open_application(database) as running:
        yield running
