"""The sandbox of a host without user namespaces: Landlock and seccomp, for whoever asked for it.

What it keeps in and what not is in docs/sandbox.md. Sources: https://docs.kernel.org/userspace-api/landlock.html
and seccomp(2). The processes are those of `bot.sandbox.guard`.
"""

import contextlib
import ctypes
import functools
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from bot.sandbox import policy, seccomp, second_filter
from bot.sandbox.availability import reach, wrong_host
from bot.sandbox.box import Order
from bot.sandbox.meters import Below
from bot.sandbox.spawn import Ends
from bot.sandbox.terms import Owner, Problem, Room, SandboxUnavailable

_OLDEST = 6  # the first that keeps signals and abstract sockets in
_CREATE_RULESET, _ASK_VERSION = 444, 1
_SECCOMP = {"x86_64": 317, "aarch64": 277}  # the number of seccomp(2)
_EXECUTE, _WRITE, _READ, _LIST = 1, 2, 4, 8  # LANDLOCK_ACCESS_FS_*
_DEVICES_AND_IOCTL = 1 << 6 | 1 << 11 | 1 << 15  # what nobody does in a workspace: make devices, steer them
_OWN = 0xFFFF & ~_DEVICES_AND_IOCTL
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
# In bubblewrap they are missing, which programs expect; over one that is there and shut, some give up.
_DISTRIBUTION = ("/etc/os-release", "/etc/lsb-release", "/etc/debian_version", "/etc/redhat-release")
_GUARD = Path(__file__).with_name("guard.py")
_GIT = {"GIT_CONFIG_NOSYSTEM": "1"}  # the host's is shut, and git gives up over that


@dataclass(frozen=True, slots=True)
class Landlock:
    """Landlock, as this kernel has it.

    Attributes:
        version: Of its interface, as the kernel's documentation counts.
    """

    version: str
    networks = False
    processes = Below

    def command(self, ends: Ends, room: Room, order: Order) -> list[str]:
        """See `bot.sandbox.box.Wall`."""
        workspace, temporary = (
            str(Path(f"/proc/self/fd/{folder}").readlink()) for folder in (room.workspace, room.temporary)
        )
        given = {
            "bot": os.getpid(),
            "folders": [room.workspace, room.temporary, room.shared_memory],
            "own": _OWN,
            "rights": _rights(),
            "env": policy.variables({**_GIT, **(order.env or {})}, workspace=workspace, temporary=temporary),
            "seccomp": _SECCOMP[os.uname().machine],
            "filter": seccomp.program().hex(),
            "second_filter": second_filter.program().hex(),
            "attended": second_filter.attended(),
        }
        numbers = ends.give(json.dumps(given).encode()), ends.status, ends.gate
        guard = [policy.interpreter(), "-I", "-S", "-c", _GUARD.read_text(), *map(str, numbers)]
        # Without a user namespace the kernel counts all processes of a user together.
        most = order.limits.processes + _tasks(room.user.uid)
        return [*guard, *policy.launcher(replace(order.limits, processes=most)), *order.argv]

    def why_it_failed(self, said: str, owner: Owner | None, folders: Iterable[Path]) -> Problem:
        """See `bot.sandbox.box.Wall`."""
        last = said.strip().rpartition("\n")[2] or "it said nothing"
        return reach(owner, folders) or Problem(
            f"Landlock cannot be set up here ({last}).",
            "Look that /usr/bin/python3 and /usr/bin/prlimit work for the bot's user.",
        )


def find(owner: Owner | None) -> Landlock:
    """Landlock, if this kernel has what is needed of it.

    Args:
        owner: Who will run inside, where this process is root.

    Raises:
        SandboxUnavailable: It has not, or this process cannot use it.
    """
    problems = [*wrong_host(owner)]
    version = _version()
    if version < _OLDEST:
        has = f"only version {version} of Landlock" if version > 0 else "no Landlock, or it is off"
        problems.append(
            Problem(
                f"This kernel has {has}.",
                "Use Linux 6.12 or later with `landlock` in its `lsm=` list, and in a container one whose"
                " seccomp profile allows landlock_create_ruleset; or take LEGWORK_SANDBOX=landlock away, and"
                " use bubblewrap.",
            )
        )
    if problems:
        raise SandboxUnavailable(*problems)
    return Landlock(f"ABI {version}")


@functools.cache
def _rights() -> dict[str, int]:
    """What is there beside a run's own folders, with what may be done to it."""
    reads = dict.fromkeys((*policy.etc(), *_DISTRIBUTION), _READ | _LIST)
    runs = dict.fromkeys(policy.programs(), _EXECUTE | _READ | _LIST)
    return reads | runs | dict.fromkeys(_DEVICES, _READ | _WRITE)


def _version() -> int:
    return int(ctypes.CDLL(None).syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _ASK_VERSION))


def _tasks(uid: int) -> int:
    """How many processes and threads a user has now."""
    found = 0
    with os.scandir("/proc") as entries:
        for entry in entries:
            with contextlib.suppress(OSError):  # gone
                if entry.name.isdigit() and entry.stat().st_uid == uid:
                    found += len(os.listdir(f"{entry.path}/task"))  # noqa: PTH208 - beside scandir
    return found
