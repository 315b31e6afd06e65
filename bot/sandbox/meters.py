"""Measuring what a running sandbox uses. Everything here blocks, and is called from threads.

Processes are read through the sandbox's own /proc: it lists all of them at once, so that none hides by
forking faster than a tree of parents and children can be followed.
"""

import contextlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from bot.sandbox import tree
from bot.sandbox.terms import KIB, MIB

_PAGE = os.sysconf("SC_PAGE_SIZE")
_BLOCK = 512  # st_blocks counts in these, stat(2)
_SOCKET_BUFFER = 208 * KIB  # net.core.wmem_default: what one socket may keep in the kernel unread


@dataclass(frozen=True, slots=True)
class Crowd:
    """The processes of a sandbox at one moment.

    Attributes:
        memory: Bytes resident in all of them.
        processes: How many there are, without bubblewrap's own.
        tasks: Processes and threads, as RLIMIT_NPROC counts them.
    """

    memory: int
    processes: int
    tasks: int


@dataclass(frozen=True, slots=True)
class Space:
    """Disk in use: bytes allocated, and names."""

    used: int = 0
    inodes: int = 0

    def __add__(self, other: "Space") -> "Space":
        return Space(self.used + other.used, self.inodes + other.inodes)


class Proc:
    """The sandbox's own /proc, as a descriptor; it shows nothing once the sandbox is dead.

    Args:
        pid: The sandbox's first process.

    Raises:
        FileNotFoundError: The sandbox is not set up yet, or dead already.
    """

    def __init__(self, pid: int) -> None:
        self.folder = os.open(f"/proc/{pid}/root/proc", tree.FOLDER)
        if os.fstat(self.folder).st_dev == os.stat("/proc").st_dev:  # noqa: PTH116 - beside fstat
            os.close(self.folder)
            raise FileNotFoundError(f"The sandbox of process {pid} has no /proc of its own yet.")

    def close(self) -> None:
        """Let go of it."""
        os.close(self.folder)

    def pids(self) -> list[str]:
        """Every process inside, as numbered inside."""
        # A listing moves the place of its descriptor, and several threads list at once: to each its own.
        own = os.open(".", tree.FOLDER, dir_fd=self.folder)
        try:
            return [name for name in os.listdir(own) if name.isdigit()]  # noqa: PTH208 - a descriptor
        finally:
            os.close(own)

    def read(self, path: str) -> bytes:
        """One file, whole.

        Raises:
            OSError: The process is gone.
        """
        opened = os.open(path, os.O_RDONLY | os.O_CLOEXEC, dir_fd=self.folder)
        try:
            return b"".join(iter(lambda: os.read(opened, MIB), b""))
        finally:
            os.close(opened)

    def crowd(self) -> Crowd:
        """Count processes and their memory: proc(5), /proc/PID/stat fields 20 (threads) and 24 (pages)."""
        memory = processes = tasks = 0
        for pid in self.pids():
            with contextlib.suppress(OSError):
                fields = self.read(f"{pid}/stat").rpartition(b")")[2].split()
                memory += int(fields[21]) * _PAGE
                tasks += int(fields[17])
                processes += pid != "1"
        return Crowd(memory, processes, tasks)

    def proportional(self) -> int:
        """Memory with each shared page counted once: a fork shares its parent's. Slower than `crowd`."""
        return sum(
            int(line.split()[1]) * KIB
            for pid in self.pids()
            for line in self._lines(f"{pid}/smaps_rollup")
            if line.startswith(b"Pss:")
        )

    def in_sockets(self) -> int:
        """The most that sockets of the sandbox may hold in the kernel, where no process shows it."""
        pids = self.pids()
        sockets = max((sum(1 for _ in self._lines(f"{pid}/net/unix")) - 1 for pid in pids[:1]), default=0)
        return max(sockets, 0) * _SOCKET_BUFFER

    def unlinked(self, devices: set[int]) -> tuple[int, int]:
        """Bytes in files that have no name any more but are held open, or mapped.

        Args:
            devices: The file systems of the workspace and the scratch folders.

        Returns:
            Bytes on disk, bytes in memory (memfd_create).
        """
        disk: dict[tuple[int, int], int] = {}
        memory: dict[tuple[int, int], int] = {}
        for pid in self.pids():
            for found, target in self._descriptors(pid):
                kind = memory if target.startswith("/memfd:") else disk
                kind[found.st_dev, found.st_ino] = found.st_blocks * _BLOCK
            for line in self._lines(f"{pid}/maps"):
                if line.endswith(b" (deleted)"):
                    span, _, offset, numbers, inode = line.split()[:5]
                    device = os.makedev(*(int(part, 16) for part in numbers.split(b":")))
                    if device in devices:
                        start, end = (int(edge, 16) for edge in span.split(b"-"))
                        disk.setdefault((device, int(inode)), int(offset, 16) + end - start)
        return sum(disk.values()), sum(memory.values())

    def _lines(self, path: str) -> list[bytes]:
        with contextlib.suppress(OSError):
            return self.read(path).splitlines()
        return []

    def _descriptors(self, pid: str) -> Iterator[tuple[os.stat_result, str]]:
        """The open files of a process that have no name any more, and what the kernel calls them."""
        with contextlib.suppress(OSError):
            folder = os.open(f"{pid}/fd", tree.FOLDER, dir_fd=self.folder)
            try:
                for name in os.listdir(folder):  # noqa: PTH208 - a descriptor
                    with contextlib.suppress(OSError):
                        found = os.stat(name, dir_fd=folder)
                        if found.st_nlink == 0 and stat.S_ISREG(found.st_mode):
                            yield found, os.readlink(name, dir_fd=folder)
            finally:
                os.close(folder)


class Below(Proc):
    """All that descends from a guard, where a sandbox has no /proc of its own.

    Between two reads a process may lose its parent and be missed; by the next look it is the guard's own.

    Args:
        guard: The process that becomes the parent of whatever loses its own.
    """

    def __init__(self, guard: int) -> None:
        self.folder = os.open("/proc", tree.FOLDER)
        self._guard = str(guard)

    def pids(self) -> list[str]:
        """Every process inside, without its guard."""
        children: dict[str, list[str]] = {}
        for pid in super().pids():
            with contextlib.suppress(OSError):
                parent = self.read(f"{pid}/stat").rpartition(b")")[2].split()[1].decode()
                children.setdefault(parent, []).append(pid)
        found = children.get(self._guard, [])
        for pid in found:
            found += children.get(pid, [])
        return found

    def in_sockets(self) -> int:
        """Not known: the host's list of sockets is of all processes."""
        return 0


def measure(folder: int, most: Space, stop: Event) -> Space:
    """What a tree takes on disk; a file with several names is counted once, its names each.

    Args:
        folder: A descriptor of it.
        most: Counting ends where either figure is passed.
        stop: Counting also ends when this is set.
    """
    used = inodes = 0
    linked: set[int] = set()
    with contextlib.suppress(tree.Moved):
        for _, entry in tree.walk(folder):
            if isinstance(entry, str):
                continue
            inodes += 1
            try:
                found = entry.stat(follow_symlinks=False)
            except OSError:  # deleted since it was listed
                continue
            if found.st_nlink > 1 and stat.S_ISREG(found.st_mode):
                if found.st_ino in linked:
                    continue
                linked.add(found.st_ino)
            used += found.st_blocks * _BLOCK
            if used > most.used or inodes > most.inodes or stop.is_set():
                break
    return Space(used, inodes)


def resident(pid: int) -> int:
    """Bytes of memory of one process, as numbered outside.

    Raises:
        OSError: It is gone.
    """
    return int(Path(f"/proc/{pid}/statm").read_bytes().split()[1]) * _PAGE


def memory_of_the_host() -> tuple[int, int, int]:
    """Bytes of memory in all, available, and held by programs themselves (anonymous), from /proc/meminfo."""
    wanted = {}
    for line in Path("/proc/meminfo").read_bytes().splitlines():
        name, _, rest = line.partition(b":")
        if name in {b"MemTotal", b"MemAvailable", b"AnonPages"}:
            wanted[name] = int(rest.split()[0]) * KIB
    return wanted[b"MemTotal"], wanted[b"MemAvailable"], wanted[b"AnonPages"]
