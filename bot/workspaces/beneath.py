"""Opening what lies below a folder, and nothing else: openat2(2), Linux 5.6 and later.

The kernel itself refuses to leave the folder and to follow a link, at each step of the path and at the moment
of opening. A check beforehand would be of yesterday: in a race it leaked thousands of times a second.
"""

import ctypes
import errno
import os
import struct

from bot.errors import LegworkError

_OPENAT2 = 437  # the same number on every architecture
_NO_MAGICLINKS, _NO_SYMLINKS, _BENEATH = 0x02, 0x04, 0x08
_RESOLVE = _NO_MAGICLINKS | _NO_SYMLINKS | _BENEATH
_TRIES = 8  # openat2 asks for another one where something is renamed in the same moment

_libc = ctypes.CDLL(None, use_errno=True)


def open_beneath(folder: int, path: str, flags: int, mode: int = 0) -> int:
    """Open a path below a folder; `O_CLOEXEC` is added.

    Args:
        folder: A descriptor of it.
        path: As `bot.workspaces.names.inside` gives it; empty for the folder itself.
        flags: As for `os.open`.
        mode: Of a file that is made.

    Returns:
        A descriptor.

    Raises:
        LegworkError: The kernel has no openat2, or the container forbids it.
        OSError: The path cannot be opened so; ELOOP where a link is in it, EXDEV where it leads out.
    """
    how = struct.pack("QQQ", flags | os.O_CLOEXEC, mode, _RESOLVE)
    fault = errno.EAGAIN
    for _ in range(_TRIES):
        opened = int(_libc.syscall(_OPENAT2, folder, os.fsencode(path or "."), how, len(how)))
        if opened >= 0:
            return opened
        fault = ctypes.get_errno()
        if fault == errno.ENOSYS:
            raise LegworkError(
                "This machine's kernel has no openat2, so files of a workspace cannot be opened safely. "
                "An admin can start Linux 5.6 or later, or a container whose seccomp profile allows it."
            )
        if fault not in (errno.EAGAIN, errno.EINTR):
            break
    raise OSError(fault, os.strerror(fault), path)
