"""A real run, to see whether the sandbox holds on this machine."""

import asyncio
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bot.sandbox.policy import interpreter
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.terms import Kind, Limits, Owner, Problem, SandboxUnavailable

_LIMITS = Limits(timeout_s=20.0, processes=64)
_LOOK_AROUND = """
echo root=$([ $(id -u) = 0 ] && echo yes || echo no)
echo network=$(grep -c : /proc/net/dev)
echo capabilities=$(sed -n 's/^CapBnd:\\t0*//p' /proc/self/status)
echo filter=$(sed -n 's/^Seccomp:\\t//p' /proc/self/status)
echo first=$(tr '\\0' ' ' < /proc/1/environ)
echo processes=$(sed -n 's/^Max processes *[0-9]* *\\([0-9]*\\).*/\\1/p' /proc/self/limits)
echo system=$( (: > /usr/probe) 2>/dev/null && echo writable || echo read-only)
echo workspace=$( (: > /workspace/probe) 2>/dev/null && echo writable || echo read-only)
"""
_AS_IT_MUST_BE = {
    "root": "no",
    "network": "1",  # the loopback device of its own
    "capabilities": "",
    "filter": "2",  # SECCOMP_MODE_FILTER
    "first": "",  # the environment of bubblewrap itself
    "processes": str(_LIMITS.processes),
    "system": "read-only",
    "workspace": "writable",
}
_LOOK_AROUND_BY_HAND = """
import os, socket, sys
def tried(what, *how):
    try:
        what(*how)
    except OSError:
        return "refused"
    return "possible"
bot, outside = int(sys.argv[1]), sys.argv[2]
print("root=" + ("no" if os.getuid() else "yes"))
print("signals=" + tried(os.kill, bot, 0))
print("limits=" + tried(os.sched_setaffinity, bot, [0]))
print("proc=" + tried(os.listdir, "/proc"))
print("folders=" + tried(os.listdir, outside))
print("modes=" + tried(os.chmod, outside, 0o711))
print("sockets=" + tried(socket.socket, socket.AF_UNIX))
print("datagrams=" + tried(socket.socketpair, socket.AF_UNIX, socket.SOCK_DGRAM))
print("workspace=" + tried(open, "probe", "w"))
print("own modes=" + tried(os.chmod, "probe", 0o700))
"""
_REFUSED_BY_LANDLOCK = ("signals", "limits", "proc", "folders", "modes", "sockets", "datagrams")
_AS_LANDLOCK_MUST_HAVE_IT = {
    "root": "no",
    **dict.fromkeys(_REFUSED_BY_LANDLOCK, "refused"),
    **dict.fromkeys(("workspace", "own modes"), "possible"),
}
_LANDLOCK_LACKS = (
    "files and network are kept in; bombs of processes and memory only as far as meters see them, and which"
    " files and processes the host has can be asked for"
)


@dataclass(frozen=True, slots=True)
class Tier:
    """How well commands are kept in on this machine.

    Attributes:
        name: `bubblewrap`, `landlock`, or `none`: then no command is ever run.
        holds: Whether a real run went as it must.
        version: Of bubblewrap, or of Landlock's ABI; empty where it cannot be used.
        problems: What is wrong, and what to do about each.
        lacks: What it holds less than bubblewrap; empty where that is nothing.
        cgroup: The version of the cgroups that hold memory and processes; 0 where only meters do.
    """

    name: str
    holds: bool
    version: str
    problems: tuple[Problem, ...] = ()
    lacks: str = ""
    cgroup: int = 0


async def probe(
    scratch: Path, owner: Owner | None, *, bwrap: Path | None = None, kind: Kind = "bubblewrap"
) -> Tier:
    """Try the sandbox by a real run, for `legwork doctor`.

    Args:
        scratch: The folder for scratch folders; the run's workspace is made there too, and removed.
        owner: As for `Sandbox`.
        bwrap: The same.
        kind: The same.
    """
    sandbox = Sandbox(scratch, owner, bwrap=bwrap, kind=kind)
    look, wanted = ["sh", "-c", _LOOK_AROUND], _AS_IT_MUST_BE
    if kind == "landlock":
        look = [interpreter(), "-I", "-S", "-c", _LOOK_AROUND_BY_HAND, str(os.getpid()), str(scratch)]
        wanted = _AS_LANDLOCK_MUST_HAVE_IT
    try:
        version = (await sandbox.wall()).version
        workspace = await asyncio.to_thread(_workspace, scratch, owner)
        try:
            looked = await sandbox.run(look, workspace=workspace, limits=_LIMITS)
            await (await sandbox.open(workspace, _LIMITS)).close()
        finally:
            await asyncio.to_thread(shutil.rmtree, workspace)
    except SandboxUnavailable as missing:
        return Tier("none", holds=False, version="", problems=missing.problems)
    except OSError as fault:
        what = f"The scratch folder {scratch} cannot be used ({fault})."
        disk = Problem(what, "Give the bot's user that folder, with room on its disk.")
        return Tier("none", holds=False, version="", problems=(disk,))
    found = dict(line.split("=", 1) for line in looked.stdout.splitlines() if "=" in line)
    wrong = [
        Problem(
            f"Inside the sandbox, {name} is {found.get(name)!r} and must be {must!r}.",
            "Do not run agents here; report it with the output of `bwrap --version` and `uname -a`.",
        )
        for name, must in wanted.items()
        if found.get(name) != must
    ]
    lacks = _LANDLOCK_LACKS if kind == "landlock" else ""
    cgroup = sandbox.groups.version if sandbox.groups else 0
    return Tier(kind, not wrong, version, tuple(wrong), lacks, cgroup)


def _workspace(scratch: Path, owner: Owner | None) -> Path:
    scratch.mkdir(mode=0o711 if owner else 0o700, parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix="probe-", dir=scratch))
    if owner:
        os.chown(made, owner.uid, owner.gid)
    return made
