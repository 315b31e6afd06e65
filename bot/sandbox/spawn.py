"""Starting a sandbox without an `await`: no cancellation falls between the start and the knowledge of it."""

import contextlib
import errno
import os
import signal
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.errors import UserMistake
from bot.sandbox.terms import KIB, Owner

NO_COMMAND = "There is no command to run; name a program."
UNFIT = "The command holds a NUL byte or a character that cannot be passed on; leave it out."
TOO_LONG = "The command is too long; write it into a file and run the file."
_PIPE = 64 * KIB  # what a pipe takes without a reader, pipe(7)
_EASY_VICTIM = "1000"  # when memory runs out, the kernel shall take the sandbox before the bot


@dataclass(frozen=True, slots=True)
class Spawned:
    """A sandbox that has been started, and our ends of the pipes to it.

    Attributes:
        process: The outer process. The sandbox's first process is its child.
        status: Where it reports that child, and the command's exit code, as lines of JSON.
        gate: A byte written here lets the command go, once the sandbox is set up.
    """

    process: subprocess.Popen[bytes]
    status: int
    gate: int


@dataclass(frozen=True, slots=True)
class Ends:
    """What a sandbox's first program is given.

    Attributes:
        give: Turns bytes into a descriptor to read them from.
        status: Where it reports the child, and the exit code.
        gate: What it waits at.
    """

    give: Callable[[bytes], int]
    status: int
    gate: int


def spawn(
    command: Callable[[Ends], list[str]],
    *,
    inherited: Sequence[int],
    streams: tuple[int, int, int],
    owner: Owner | None,
) -> Spawned:
    """Start it on the calling thread, the loop's: when its thread ends, the sandbox dies.

    Args:
        command: Makes its command line.
        inherited: Descriptors that the policy or the command names.
        streams: Standard input, output and error.
        owner: Who runs it, where this process is root.

    Raises:
        UserMistake: The command cannot be passed on: too long, or a NUL in it.
        OSError: The program cannot be started.
    """
    with contextlib.ExitStack() as ours, contextlib.ExitStack() as theirs:
        status, status_end = os.pipe()
        ours.callback(os.close, status)
        theirs.callback(os.close, status_end)
        gate, gate_end = _gate()
        ours.callback(os.close, gate)
        theirs.callback(os.close, gate_end)
        given = [*inherited, status_end, gate_end]

        def give(data: bytes) -> int:
            end = _filled(data)
            theirs.callback(os.close, end)
            given.append(end)
            return end

        process = _start(command(Ends(give, status_end, gate_end)), given, streams, owner)
        ours.pop_all()
    with contextlib.suppress(OSError):
        Path(f"/proc/{process.pid}/oom_score_adj").write_text(_EASY_VICTIM)  # and its children inherit it
    return Spawned(process, status, gate)


def _start(
    command: list[str], given: list[int], streams: tuple[int, int, int], owner: Owner | None
) -> subprocess.Popen[bytes]:
    # Blocked, the signal for a file beyond its limit leaves the write to fail with "File too large".
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGXFSZ})
    stdin, stdout, stderr = streams
    try:
        return subprocess.Popen(  # noqa: S603 - its whole purpose: the policy is what makes it safe
            command,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            env={},  # bubblewrap's own would show in the sandbox's /proc
            cwd="/",
            pass_fds=given,
            user=owner.uid if owner else None,
            group=owner.gid if owner else None,
            extra_groups=[] if owner else None,
        )
    except ValueError as nul:
        raise UserMistake(UNFIT) from nul
    except OSError as fault:
        if fault.errno == errno.E2BIG:
            raise UserMistake(TOO_LONG) from fault
        raise
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _gate() -> tuple[int, int]:
    """A pipe whose reading end holds it open too: if the bot dies, the sandbox waits on and runs nothing."""
    reading, writing = os.pipe()
    try:
        return writing, os.open(f"/proc/self/fd/{reading}", os.O_RDWR | os.O_CLOEXEC)
    finally:
        os.close(reading)


def _filled(data: bytes) -> int:
    if len(data) > _PIPE:
        raise UserMistake("The environment is too large; put long values into files in the workspace.")
    reading, writing = os.pipe()
    os.write(writing, data)
    os.close(writing)
    return reading
