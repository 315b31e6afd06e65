"""A real run, to see whether the sandbox holds on this machine."""

import asyncio
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bot.sandbox.sandbox import Sandbox
from bot.sandbox.terms import Limits, Owner, Problem, SandboxUnavailable

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
_PYTHON = Problem("There is no python3 for the sandbox.", "Install it: `apt install python3`.")


@dataclass(frozen=True, slots=True)
class Tier:
    """How well commands are kept in on this machine.

    Attributes:
        name: `bubblewrap`, or `none`: then no command is ever run.
        holds: Whether a real run went as it must.
        version: Of bubblewrap; empty where it cannot be used.
        problems: What is wrong, and what to do about each.
    """

    name: str
    holds: bool
    version: str
    problems: tuple[Problem, ...] = ()


async def probe(scratch: Path, owner: Owner | None, *, bwrap: Path | None = None) -> Tier:
    """Try the sandbox by a real run, for `legwork doctor`.

    Args:
        scratch: The folder for scratch folders; the run's workspace is made there too, and removed.
        owner: As for `Sandbox`.
        bwrap: The same.
    """
    sandbox = Sandbox(scratch, owner, bwrap=bwrap)
    try:
        version = (await sandbox.bubblewrap()).version
        workspace = await asyncio.to_thread(_workspace, scratch, owner)
        try:
            looked = await sandbox.run(["sh", "-c", _LOOK_AROUND], workspace=workspace, limits=_LIMITS)
            python = await sandbox.run(["python3", "-c", ""], workspace=workspace, limits=_LIMITS)
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
            f"Inside the sandbox, {name} is {found.get(name)!r} and must be {wanted!r}.",
            "Do not run agents here; report it with the output of `bwrap --version` and `uname -a`.",
        )
        for name, wanted in _AS_IT_MUST_BE.items()
        if found.get(name) != wanted
    ]
    return Tier("bubblewrap", not wrong, version, (*wrong, *(() if python.exit_code == 0 else (_PYTHON,))))


def _workspace(scratch: Path, owner: Owner | None) -> Path:
    scratch.mkdir(mode=0o711 if owner else 0o700, parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix="probe-", dir=scratch))
    if owner:
        os.chown(made, owner.uid, owner.gid)
    return made
