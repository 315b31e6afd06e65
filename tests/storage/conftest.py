"""A database in a folder of the test's own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes.core import Core, opened


@pytest.fixture
async def core(tmp_path: Path) -> AsyncIterator[Core]:
    """An open database with people in it."""
    with opened(tmp_path) as path:
        yield await Core.furnished(path)
