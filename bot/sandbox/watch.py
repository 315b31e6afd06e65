"""Holding a running sandbox to its limits: what is measured, how often, and when it is too much."""

import contextlib
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event, Lock

from bot.events import Ending
from bot.sandbox import meters
from bot.sandbox.cgroups import Group
from bot.sandbox.meters import Space
from bot.sandbox.terms import MIB, Limits

_PAUSE_S = 0.1
_FIRST_PAUSE_S = 0.01  # most commands are short, and shall have been looked at all the same
_BACK_OFF = 4  # a look is followed by a pause of at least so many times what it took

_ALWAYS_S = 0.2  # runs as long as this are always looked at when they end

_HIDDEN = 3  # times the memory limit, but not less than the next line, may vanish where no meter looks
_HIDDEN_LEAST = 512 * MIB
_SPARE = 20  # one part in so many of the host's memory, but not more than the next line, stays free
_SPARE_MOST = 256 * MIB


@dataclass(slots=True)
class Account:
    """What is known about a workspace's disk use from its earlier runs.

    Attributes:
        cost_s: How long the last look took.
        unseen_s: How long runs wrote since the last look.
        full: Whether the last look found too much.
        used: Bytes that the last look found, with the scratch folders and files that are only open.
    """

    cost_s: float = 0.0
    unseen_s: float = 0.0
    full: bool = False
    used: int = 0


class Watch:
    """The meters of one sandbox. The looks block, run in threads, and are done once `close` has returned.

    Args:
        limits: What is allowed.
        folders: Descriptors of the workspace and the scratch folders.
        account: Of the workspace.
        peers: The watches of all runs of this bot, to find the heaviest.
        processes: Finds the sandbox's processes by its first.
        group: What the kernel holds it to, where that can be had.
    """

    def __init__(
        self,
        limits: Limits,
        folders: list[int],
        account: Account,
        peers: "set[Watch]",
        processes: Callable[[int], meters.Proc],
        group: Group | None = None,
    ) -> None:
        self.memory = 0
        self.processes = 0
        self.peak_memory = 0
        self.peak_processes = 1
        self._limits = limits
        self._folders = [os.dup(folder) for folder in folders]
        self._devices = {os.fstat(folder).st_dev for folder in folders}
        self._most = Space(limits.disk_bytes, limits.inodes)
        self._account = account
        self._peers = peers
        self._find_processes = processes
        self._group = group
        self._pid = 0
        self._proc: meters.Proc | None = None
        self._in_memory_files = self._own_memory = self._own_processes = 0
        self._stop = Event()
        self._crowd, self._disk, self._opening = Lock(), Lock(), Lock()
        self._crowd_pause_s = _FIRST_PAUSE_S
        _, self._available, self._anonymous = meters.memory_of_the_host()
        peers.add(self)

    def begin(self, pid: int) -> None:
        """The sandbox has its first process now, and can be measured."""
        self._pid = pid
        with contextlib.suppress(OSError):  # dead already
            self.peak_memory = meters.resident(pid)

    def leave_out(self) -> None:
        """What runs by now is the house's own, and no part of a peak; the limits include it all the same."""
        self.look_at_crowd()
        self._own_memory, self._own_processes = self.memory, self.processes
        self.processes = 0

    def begin_call(self) -> None:
        """One more command begins in a sandbox that goes on: its peaks are its own.

        What vanishes where no meter looks is reckoned from here: over hours the host has ups and downs.
        """
        self.peak_memory, self.peak_processes = 0, 1
        self._crowd_pause_s = _FIRST_PAUSE_S
        _, self._available, self._anonymous = meters.memory_of_the_host()

    def look_after_call(self, wall_s: float) -> Ending | None:
        """What a command left behind: what runs in the background, and what lies on the disk."""
        return self.look_at_crowd() or self.look_once_more(wall_s)

    def allow_what_is_there(self) -> None:
        """A full workspace must be cleared up from inside: allow what it holds, but no more."""
        limits = self._limits
        with self._disk:
            self._most = Space(sys.maxsize, sys.maxsize)
            found = self._space()
            self._most = Space(max(limits.disk_bytes, found.used), max(limits.inodes, found.inodes))

    def look_at_crowd(self) -> Ending | None:
        """Measure processes and memory; the limit that is passed, if any."""
        with self._crowd:
            if self._group is not None and self._group.starved():
                return "memory"
            proc = self._open_proc()
            if proc is None:
                return None
            began = time.monotonic()
            crowd = proc.crowd()
            self.memory = crowd.memory
            if crowd.memory > self._limits.memory_bytes:
                self.memory = min(crowd.memory, proc.proportional() or crowd.memory)
            self.peak_memory = max(self.peak_memory, self.memory - self._own_memory)
            # Counted one after the other, a bomb's come and go; the kernel never lets more be at once.
            self.processes = min(crowd.processes, self._limits.processes) - self._own_processes
            self.peak_processes = max(self.peak_processes, self.processes)
            all_memory = self.memory + self._in_memory_files + proc.in_sockets()
            if all_memory > self._limits.memory_bytes or self._host_suffers():
                return "memory"
            took = time.monotonic() - began
            self._crowd_pause_s = max(min(2 * self._crowd_pause_s, _PAUSE_S), _BACK_OFF * took)
            return "processes" if crowd.tasks >= self._limits.processes else None

    def look_at_disk(self) -> Ending | None:
        """Measure the folders and the unlinked files; the limit that is passed, if any."""
        with self._disk:
            if self._stop.is_set():
                return None
            began = time.monotonic()
            space = self._space()
            if (proc := self._open_proc()) is not None:
                on_disk, self._in_memory_files = proc.unlinked(self._devices)
                space += Space(used=on_disk)
            if self._stop.is_set():
                return None
            self._account.cost_s = time.monotonic() - began
            self._account.unseen_s = 0.0
            full = space.used > self._limits.disk_bytes, space.inodes > self._limits.inodes
            self._account.full = any(full)
            self._account.used = space.used
            if not any(full):  # what was there when it began is cleared up
                self._most = Space(self._limits.disk_bytes, self._limits.inodes)
            if space.inodes > self._most.inodes:
                return "inodes"
            return "disk" if space.used > self._most.used else None

    def look_once_more(self, wall_s: float) -> Ending | None:
        """After the end: whom the kernel killed, and the disk, if that is cheap: short runs add up."""
        if self._group is not None and self._group.starved():
            return "memory"
        self._account.unseen_s += wall_s
        owed = self._account.unseen_s >= min(_BACK_OFF * self._account.cost_s, _ALWAYS_S)
        return self.look_at_disk() if owed else None

    @property
    def disk_bytes(self) -> int:
        """On disk when somebody looked last; short runs are not looked at each."""
        return self._account.used

    def crowd_pause_s(self) -> float:
        """Seconds until the next look at the processes."""
        return self._crowd_pause_s

    def disk_pause_s(self) -> float:
        """Seconds until the next look at the disk."""
        return max(_PAUSE_S, _BACK_OFF * self._account.cost_s)

    def close(self) -> None:
        """Stop measuring: ends a look that is under way and waits for it."""
        self._stop.set()
        self._peers.discard(self)
        with self._crowd, self._disk:
            for folder in self._folders:
                os.close(folder)
            self._folders.clear()
            if self._proc is not None:
                self._proc.close()
                self._proc = None

    def _open_proc(self) -> meters.Proc | None:
        with self._opening:
            if self._proc is None and self._pid and not self._stop.is_set():
                with contextlib.suppress(OSError):  # not set up yet, or over already
                    self._proc = self._find_processes(self._pid)
            return self._proc

    def _space(self) -> Space:
        space = Space()
        for folder in self._folders:
            space += meters.measure(folder, self._most, self._stop)
        return space

    def _host_suffers(self) -> bool:
        """Whether the host runs out of memory by this run, or much of it went where no meter looks."""
        total, available, anonymous = meters.memory_of_the_host()
        hidden = (self._available - available) - max(0, anonymous - self._anonymous)
        if hidden > max(_HIDDEN * self._limits.memory_bytes, _HIDDEN_LEAST):
            return True
        scarce = available < min(total // _SPARE, _SPARE_MOST)
        return scarce and all(self.memory >= peer.memory for peer in list(self._peers))
