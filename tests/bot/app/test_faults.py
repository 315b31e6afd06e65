"""What the machine or the database refuses, as people are told it."""

import errno
import os

import pytest
from peewee import OperationalError

from bot.app.faults import told


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (
            OperationalError("database is locked"),
            "database is locked. Another program holds the database: wait for it, or end it, and try again.",
        ),
        (
            OperationalError("database or disk is full"),
            "database or disk is full. Make room on its disk, and try again.",
        ),
        (
            OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/x"),
            "/x: No space left on device. Make room on that disk, and try again.",
        ),
        (
            PermissionError(errno.EACCES, os.strerror(errno.EACCES), "/x"),
            "/x: Permission denied. Let this user write there, or name another place.",
        ),
        (OSError(), "OSError. Look for more with: legwork doctor"),
    ],
)
def test_a_fault_says_what_to_do_next(fault: Exception, said: str) -> None:
    """What was refused, then what to do about it."""
    assert told(fault) == said
