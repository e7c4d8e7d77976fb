"""One gateway for the tests that change nothing about it."""

from collections.abc import AsyncIterator

import pytest
from running_gateway import Gateway, open_gateway


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    async with open_gateway() as running:
        yield running
