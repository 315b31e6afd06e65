"""Limits that the kernel holds over all processes of a sandbox together, where this process may set them.

The meters look every so often; a group never blinks, and it counts what the kernel keeps for its processes
too. See cgroups(7), and the kernel's admin-guide/cgroup-v1 and cgroup-v2. Everything here blocks, shortly.
"""

import contextlib
import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bot.sandbox import pidfd
from bot.sandbox.terms import Limits

_PREFIX = "legwork-"
_OWN = 4  # processes of bubblewrap's, which its own limit counts elsewhere
_TOGETHER = ("memory", "pids")
_SELF = Path("/proc/self")
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a folder of groups can hold.

    Attributes:
        settings: File names and what is written there; those that a kernel may lack end with `?`.
        killed: The file that counts processes killed for want of memory; empty where none does.
    """

    settings: Callable[[Limits], Mapping[str, str]]
    killed: str = ""


_MEMORY_V1 = _Kind(
    lambda limits: {
        "memory.limit_in_bytes": str(limits.memory_bytes),
        "memory.memsw.limit_in_bytes?": str(limits.memory_bytes),
    },
    "memory.oom_control",
)
_PIDS_V1 = _Kind(lambda limits: {"pids.max": str(limits.processes + _OWN)})
_V2 = _Kind(
    lambda limits: {
        "memory.max": str(limits.memory_bytes),
        "memory.swap.max?": "0",
        "memory.oom.group?": "1",
        "pids.max": str(limits.processes + _OWN),
    },
    "memory.events",
)


class Group:
    """The group of one sandbox.

    Args:
        folders: Where it lies, with what each of them holds.
        limits: What its processes may use together.

    Raises:
        OSError: It cannot be made.
    """

    def __init__(self, folders: Mapping[Path, _Kind], limits: Limits) -> None:
        self._folders = folders
        with contextlib.ExitStack() as made:
            for folder, kind in folders.items():
                folder.mkdir()
                made.callback(folder.rmdir)
                for name, value in kind.settings(limits).items():
                    file = folder / name.removesuffix("?")
                    if not name.endswith("?") or file.exists():
                        file.write_text(value)
            made.pop_all()

    def take_in(self, pid: int) -> None:
        """Put a process into it; what that starts from now on is in it too.

        Raises:
            OSError: It cannot be put there; ProcessLookupError where it is dead.
        """
        for folder in self._folders:
            (folder / "cgroup.procs").write_text(str(pid))

    def starved(self) -> bool:
        """Whether the kernel killed one of its processes for want of memory."""
        return any(_killed(folder / kind.killed) for folder, kind in self._folders.items() if kind.killed)

    def remove(self) -> None:
        """Take it away; its processes are dead."""
        for folder in self._folders:
            with contextlib.suppress(OSError):  # the kernel still buries the last one: swept up later
                folder.rmdir()


@dataclass(frozen=True, slots=True)
class Groups:
    """Where this process may make groups.

    Attributes:
        version: 1 or 2.
        parents: The folders, with what each can hold.
    """

    version: int
    parents: Mapping[Path, _Kind]

    def make(self, limits: Limits) -> Group:
        """A group for one sandbox.

        Args:
            limits: What it may use.

        Raises:
            OSError: It cannot be made.
        """
        name = f"{_PREFIX}{os.getpid()}-{pidfd.started(os.getpid())}-{next(_numbers)}"
        return Group({parent / name: kind for parent, kind in self.parents.items()}, limits)

    def sweep(self) -> None:
        """Take away the groups of processes that are dead."""
        for parent in self.parents:
            for group in parent.glob(f"{_PREFIX}*-*-*"):
                pid, started, _ = group.name.removeprefix(_PREFIX).split("-", 2)
                if not _lives(int(pid), int(started)):
                    with contextlib.suppress(OSError):  # somebody is faster, or it is still in use
                        group.rmdir()


def find(process: Path = _SELF) -> Groups | None:
    """Where this process may make groups, found by making one; None where nothing was delegated to it.

    Args:
        process: What the kernel tells of this process.
    """
    for version, found in ((2, _second(process)), (1, _first(process))):
        groups = Groups(version, found)
        with contextlib.suppress(OSError):
            if found:
                groups.make(Limits()).remove()
                groups.sweep()
                return groups
    return None


def _first(process: Path) -> dict[Path, _Kind]:
    """Our own groups of version 1, if both are there."""
    kinds = dict(zip(_TOGETHER, (_MEMORY_V1, _PIDS_V1), strict=True))
    found = {
        mounted / below: kinds[controller]
        for controller in _TOGETHER
        for mounted in _mounts(process, "cgroup", controller)
        for below in _ours(process, controller)
    }
    return found if len(found) == len(kinds) else {}


def _second(process: Path) -> dict[Path, _Kind]:
    """Our own group of version 2, or the one above where a manager keeps us in a group below its own."""
    for mounted in _mounts(process, "cgroup2"):
        for below in _ours(process, ""):
            own = mounted / below
            for folder in (own.parent, own):
                if _delegated(folder, mounted) and _shares_out(folder):
                    return {folder: _V2}
            if _delegated(own, mounted) and _make_room(own):
                return {own: _V2}
    return {}


def _delegated(folder: Path, mounted: Path) -> bool:
    """Whether what lies below a folder is ours, and no service manager's. See systemd's CGROUP_DELEGATION."""
    if folder == mounted:  # a container's, or there is no manager
        return True
    with contextlib.suppress(OSError):
        if os.geteuid() and folder.is_relative_to(mounted):
            return folder.stat().st_uid == os.geteuid()
        return any(name.endswith(".delegate") for name in os.listxattr(folder))
    return False


def _shares_out(folder: Path) -> bool:
    """Whether groups below a folder hold what we want."""
    return set(_TOGETHER) <= set(" ".join(_lines(folder / "cgroup.subtree_control")).split())


def _make_room(own: Path) -> bool:
    """Go down into a group of our own: one of version 2 that has processes cannot share out controllers."""
    rest = own / f"{_PREFIX}bot"
    with contextlib.suppress(OSError):
        if not set(_TOGETHER) <= set(" ".join(_lines(own / "cgroup.controllers")).split()):
            return False
        rest.mkdir(exist_ok=True)
        (rest / "cgroup.procs").write_text(str(os.getpid()))
        try:
            (own / "cgroup.subtree_control").write_text(" ".join(f"+{name}" for name in _TOGETHER))
        except OSError:  # we are not alone in it: back to the others
            (own / "cgroup.procs").write_text(str(os.getpid()))
            rest.rmdir()
            return False
        return True
    return False


def _mounts(process: Path, kind: str, controller: str = "") -> Iterator[Path]:
    for line in _lines(process / "mounts"):
        _, where, found, options, *_ = line.split(" ")
        if found == kind and (not controller or controller in options.split(",")):
            yield Path(where)


def _ours(process: Path, controller: str) -> Iterator[str]:
    """Where this process is in a hierarchy, below its mount."""
    for line in _lines(process / "cgroup"):
        _, controllers, where = line.split(":", 2)
        if controller in controllers.split(","):
            yield where.strip("/")


def _lines(file: Path) -> Iterable[str]:
    try:
        return file.read_text().splitlines()
    except OSError:
        return ()


def _killed(counts: Path) -> bool:
    return any(line.startswith("oom_kill ") and line != "oom_kill 0" for line in _lines(counts))


def _lives(pid: int, started: int) -> bool:
    try:
        return pidfd.started(pid) == started
    except ProcessLookupError:
        return False
