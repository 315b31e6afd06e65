"""Whether a worker is alive on this machine: it holds a lock that dies with it."""

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

LOCK = "worker.lock"
TURN = "worker.look.lock"


@contextlib.contextmanager
def alive(home: Path) -> Iterator[None]:
    """Show other processes of this machine that a worker is alive, for as long as it is."""
    with (home / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield


def worker_alive(home: Path) -> bool:
    """Whether a worker of this data folder is alive on this machine.

    To look is to try to lock out every worker for an instant. Those who look take turns: else one of them
    would take another for a worker.
    """
    with (home / TURN).open("w") as turn, (home / LOCK).open("w") as lock:
        fcntl.flock(turn, fcntl.LOCK_EX)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
