"""The command line, with a data folder of its own."""

from pathlib import Path

import pytest

from tests.fakes.terminal import Legwork


@pytest.fixture
def legwork(home: Path) -> Legwork:
    """Runs `legwork …`."""
    return Legwork(home)
