"""What the meters count, while others of them count the same."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bot.sandbox import tree
from bot.sandbox.meters import Proc

PROCESSES = {str(number) for number in range(1, 60)}


@pytest.fixture
def proc(tmp_path: Path) -> Iterator[Proc]:
    """A /proc that holds still."""
    for name in (*PROCESSES, "self", "meminfo"):
        (tmp_path / name).mkdir()
    proc = Proc.__new__(Proc)
    proc.folder = os.open(tmp_path, tree.FOLDER)
    yield proc
    proc.close()


def test_looks_at_the_same_time_count_each_process_once(proc: Proc) -> None:
    """Crowd and disk are looked at by threads of their own: none moves another's place there."""

    def look(_: int) -> list[str]:
        return proc.pids()

    with ThreadPoolExecutor(4) as threads:
        for pids in threads.map(look, range(2_000)):
            assert len(pids) == len(PROCESSES)
            assert set(pids) == PROCESSES
