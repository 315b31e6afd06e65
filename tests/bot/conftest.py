"""The core, for the tests of what stands on it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes.core import Core, opened


@pytest.fixture
async def core(tmp_path: Path) -> AsyncIterator[Core]:
    """An open database with people in it."""
    with opened(tmp_path) as path:
        yield await Core.furnished(path)
