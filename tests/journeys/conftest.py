"""A scene whose processes can be killed or frozen."""

from collections.abc import AsyncIterator

import pytest

from bot.practice import PracticeRoom
from config.settings import Settings
from tests.fakes.scene import Scene, set_up
from tests.fakes.team import Start


@pytest.fixture
async def scene(room: PracticeRoom, settings: Settings, start: Start) -> AsyncIterator[Scene]:
    """A bot of which nothing runs but what the test starts, and a model's provider."""
    async with set_up(room, settings, start) as one:
        yield one
