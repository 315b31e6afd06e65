"""What a run is given and what it answers."""

import os
from dataclasses import asdict, dataclass
from typing import Any, Literal

from bot.errors import LegworkError
from bot.events import Ending

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB

Kind = Literal["bubblewrap", "landlock"]  # what keeps commands in

OWNER_ID = 64123  # no distribution hands it out: above people's accounts, below the reserved ones


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that keeps the sandbox from working.

    Attributes:
        what: What is wrong, as a sentence.
        mend: What to do about it, as a sentence; with a command where one does it.
    """

    what: str
    mend: str

    def __str__(self) -> str:
        return f"{self.what} {self.mend}"


class SandboxUnavailable(LegworkError):
    """No sandbox can be had here, and nothing was run.

    Args:
        problems: What is missing and how to mend it; the text tells them all.
    """

    def __init__(self, *problems: Problem) -> None:
        told = " ".join(str(problem) for problem in problems)
        super().__init__(f"No sandbox can be had here, so nothing was run. {told}")
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one run may use before it is ended.

    Attributes:
        timeout_s: Wall time in seconds.
        memory_bytes: Memory of all its processes together.
        disk_bytes: The workspace, the scratch folders and unlinked files that are still open, together.
        inodes: Files and folders in the workspace and the scratch folders.
        processes: Processes and threads at once.
        output_bytes: Standard output and standard error together; a run that prints more is ended.
        kept_output_bytes: Of each stream; head and tail are kept, the middle is dropped with a note.
    """

    timeout_s: float = 120.0
    memory_bytes: int = GIB
    disk_bytes: int = 512 * MIB
    inodes: int = 50_000
    processes: int = 256
    output_bytes: int = 32 * MIB
    kept_output_bytes: int = 64 * KIB


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one run went.

    Attributes:
        exit_code: Of the command, 128 + N where signal N ended it; None where a limit ended it first.
        stdout: What it printed, cleaned for people to read.
        stderr: The same; empty where it was merged into `stdout`.
        ended_by: The limit that was passed.
        wall_s: Seconds from the start to the death of its last process.
        peak_rss_bytes: Most memory seen of all its processes together.
        peak_processes: Most processes seen at once.
        disk_bytes: What workspace, scratch folders and open files took when that was measured last.
    """

    exit_code: int | None
    stdout: str
    stderr: str
    ended_by: Ending | None
    wall_s: float
    peak_rss_bytes: int
    peak_processes: int
    disk_bytes: int = 0

    def to_json(self) -> dict[str, Any]:
        """The same facts as JSON-ready values, a key for each attribute."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Handle:
    """Names one sandbox for as long as the machine is up.

    Attributes:
        pid: Its first process, as this process sees it; when that dies, everything inside dies.
        started: When that process started, in clock ticks after boot, so that a reused pid is never killed.
    """

    pid: int
    started: int


@dataclass(frozen=True, slots=True)
class Owner:
    """The unprivileged user that owns the workspaces and runs inside, where the bot itself is root."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Room:
    """What one sandbox has of its own.

    Attributes:
        workspace: A descriptor of the folder that it works in.
        temporary: Of the one for temporary files; on disk, so that it is metered.
        shared_memory: Of the one for /dev/shm, where there can be one.
        user: Who runs inside; the same as outside, and never root.
    """

    workspace: int
    temporary: int
    shared_memory: int
    user: Owner


def owner_for_this_process(uid: int = OWNER_ID, gid: int = OWNER_ID) -> Owner | None:
    """Who shall own the workspaces and run inside.

    Args:
        uid: The user for a bot that runs as root; it needs no entry in /etc/passwd.
        gid: Its group.

    Returns:
        That user where this process is root; None where it is an ordinary user, whose everything is.
    """
    return Owner(uid, gid) if os.geteuid() == 0 else None
