"""Whether a worker is alive on this machine: it holds a lock that dies with it."""

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

LOCK = "worker.lock"


@contextlib.contextmanager
def alive(home: Path) -> Iterator[None]:
    """Show other processes of this machine that a worker is alive, for as long as it is."""
    with (home / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield


def worker_alive(home: Path) -> bool:
    """Whether a worker of this data folder is alive on this machine."""
    with (home / LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
