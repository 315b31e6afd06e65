"""A provider on a loopback port."""

from collections.abc import AsyncIterator

import pytest

from tests.fakes.models import ModelServer, model_server


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    """A provider that plays a script."""
    async with model_server() as one:
        yield one
