"""A mail door on a real port, before a database with people in it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes.core import Core, opened
from tests.fakes.post import Post, posted


@pytest.fixture
async def core(tmp_path: Path) -> AsyncIterator[Core]:
    """An open database with people in it."""
    with opened(tmp_path) as path:
        yield await Core.furnished(path)


@pytest.fixture
async def post(core: Core) -> AsyncIterator[Post]:
    """The core with a mail door."""
    async with posted(core) as found:
        yield found
