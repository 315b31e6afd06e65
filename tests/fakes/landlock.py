"""A kernel that has no Landlock, as a process sees it."""

import subprocess
import sys

SHUT = """
import ctypes, errno, struct
from bot.sandbox import seccomp
lines = [
    seccomp.load(seccomp.NUMBER),
    *seccomp.when(seccomp.JUMP_EQUAL, 444, [seccomp.refuse(errno.ENOSYS)]),
    seccomp.answer(seccomp.ALLOW),
]
program = ctypes.create_string_buffer(b"".join(line.packed() for line in lines))
libc = ctypes.CDLL(None)
assert libc.prctl(38, 1, 0, 0, 0) == 0
described = struct.pack("HxxxxxxQ", len(lines), ctypes.addressof(program))
assert libc.prctl(22, 2, described, 0, 0) == 0
"""


def without_landlock(script: str) -> str:
    """Run a Python script whose calls to Landlock answer as an old kernel's; what it printed."""
    command = [sys.executable, "-c", SHUT + script]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
