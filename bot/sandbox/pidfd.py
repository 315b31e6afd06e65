"""Processes by descriptor, so that a reused pid is never mistaken for the one that was meant.

Called by number: Python builds made with old kernel headers lack `os.pidfd_open` and
`signal.pidfd_send_signal`. See pidfd_open(2) and pidfd_send_signal(2).
"""

import contextlib
import ctypes
import os
import select
import signal
from pathlib import Path

_PIDFD_SEND_SIGNAL = 424  # the same number on every architecture
_PIDFD_OPEN = 434
_libc = ctypes.CDLL(None, use_errno=True)


def open_process(pid: int) -> int:
    """A descriptor of a process; it becomes readable when the process is dead.

    For the first process of a pid namespace that is when everything in the namespace is dead.

    Raises:
        ProcessLookupError: There is no such process.
    """
    return _call(_PIDFD_OPEN, pid, 0)


def send_kill(process: int) -> None:
    """SIGKILL to the process behind a descriptor; a dead one is left in peace."""
    send(process, signal.SIGKILL)


def send(process: int, number: signal.Signals) -> None:
    """A signal to the process behind a descriptor; a dead one is left in peace."""
    with contextlib.suppress(ProcessLookupError):
        _call(_PIDFD_SEND_SIGNAL, process, int(number), None, 0)


def wait_dead(process: int, seconds: float) -> bool:
    """Block until the process behind a descriptor is dead; False where it still lives after `seconds`."""
    poll = select.poll()
    poll.register(process, select.POLLIN)
    return bool(poll.poll(seconds * 1000))


def started(pid: int) -> int:
    """When a process started, in clock ticks after boot: field 22 of /proc/PID/stat, see proc(5).

    Raises:
        ProcessLookupError: There is no such process.
    """
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError as gone:
        raise ProcessLookupError(pid) from gone
    return int(text.rpartition(")")[2].split()[19])


def is_namespaced(pid: int) -> bool:
    """Whether a process lives in a pid namespace below ours: NSpid of /proc/PID/status, see proc(5).

    Raises:
        ProcessLookupError: There is no such process.
    """
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError as gone:
        raise ProcessLookupError(pid) from gone
    return any(line.startswith("NSpid:") and len(line.split()) > 2 for line in lines)  # noqa: PLR2004 - name, ours


def _call(number: int, *arguments: int | None) -> int:
    result = int(_libc.syscall(number, *arguments))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result
