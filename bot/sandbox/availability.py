"""Whether a sandbox can be had on this machine; if not, what is missing and how to mend it."""

import os
import platform
import re
import shutil
import stat
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bot.sandbox import pidfd, policy, seccomp
from bot.sandbox.box import Order
from bot.sandbox.meters import Proc
from bot.sandbox.spawn import Ends
from bot.sandbox.terms import Owner, Problem, Room, SandboxUnavailable

_OLDEST = (0, 8)  # the first with --disable-userns
_VERSION_S = 10.0


@dataclass(frozen=True, slots=True)
class Bubblewrap:
    """A bubblewrap that may be used."""

    path: Path
    version: str
    networks = True
    processes = Proc

    def command(self, ends: Ends, room: Room, order: Order) -> list[str]:
        """See `bot.sandbox.box.Wall`."""
        own = policy.arguments(
            ends.give,
            workspace=room.workspace,
            temporary=room.temporary,
            shared_memory=room.shared_memory,
            user=room.user,
            env=order.env,
            first=order.first,
        )
        words = [*own, "--json-status-fd", str(ends.status), "--block-fd", str(ends.gate)]
        given = str(ends.give(policy.packed(words)))
        return [str(self.path), "--args", given, "--", *policy.launcher(order.limits), *order.argv]

    def why_it_failed(self, said: str, owner: Owner | None, folders: Iterable[Path]) -> Problem:
        """See `bot.sandbox.box.Wall`."""
        return why_it_failed(said, owner, folders)


_INSTALL = "Install it: `apt install bubblewrap` (or your distribution's equivalent)."
_NO_NAMESPACES = Problem(
    "The kernel refuses user namespaces to ordinary users.",
    "Allow them: `sysctl -w kernel.unprivileged_userns_clone=1` or"
    " `sysctl -w user.max_user_namespaces=15000`, whichever exists; in Docker: `--security-opt"
    " seccomp=unconfined --security-opt apparmor=unconfined --security-opt systempaths=unconfined`.",
)
_APPARMOR = Problem(
    "AppArmor restricts what bubblewrap may do in a user namespace (Ubuntu 24.04 and later).",
    "Load the distribution's profile: `apt install apparmor-profiles &&"
    " cp /usr/share/apparmor/extra-profiles/bwrap-userns-restrict /etc/apparmor.d/ &&"
    " systemctl reload apparmor`; in Docker: `--security-opt apparmor=unconfined`.",
)
_MASKED_PROC = Problem(
    "A new /proc cannot be mounted, because the container hides parts of its own.",
    "Start the container with `--security-opt systempaths=unconfined`.",
)
_NO_PRLIMIT = Problem("The program /usr/bin/prlimit is missing.", "Install it: `apt install util-linux`.")
_OLD_OPTIONS = Problem(
    "This bubblewrap lacks an option that the sandbox needs.",
    "Update bubblewrap to 0.10 or later, or to a distribution's maintained 0.8.",
)

# What bubblewrap says when it fails, and what that means; the first match counts.
_MEANINGS: tuple[tuple[str, Problem], ...] = (
    (r"[Uu]nknown option", _OLD_OPTIONS),
    (r"execvp \S*prlimit", _NO_PRLIMIT),
    (r"loopback: |setting up uid map: Permission denied", _APPARMOR),
    (r"[Cc]an't mount proc", _MASKED_PROC),
    (
        r"[Nn]o permissions to creat|[Cc]reating new namespace failed|disable-userns|max_user_namespaces",
        _NO_NAMESPACES,
    ),
)


def find_bwrap(path: Path | None, owner: Owner | None) -> Bubblewrap:
    """The bubblewrap to use. Blocks for a few milliseconds.

    Args:
        path: Where it is; searched on PATH by default.
        owner: Who will run it, where this process is root.

    Raises:
        SandboxUnavailable: There is none that may be used, or this process cannot use it.
    """
    if problems := [*wrong_host(owner)]:
        raise SandboxUnavailable(*problems)
    found = path or Path(shutil.which("bwrap") or "/usr/bin/bwrap")
    try:
        mode = found.stat().st_mode
    except OSError:
        raise SandboxUnavailable(Problem(f"The program bubblewrap is missing ({found}).", _INSTALL)) from None
    if mode & (stat.S_ISUID | stat.S_ISGID):
        setuid = Problem(
            f"{found} is setuid, which hands out root's rights.", f"Take that away: `chmod u-s,g-s {found}`."
        )
        raise SandboxUnavailable(setuid)
    version = _version(found)
    if tuple(int(part) for part in version.split(".")[:2]) < _OLDEST:
        old = Problem(
            f"{found} is version {version}, too old to hold.", "Update bubblewrap to 0.10 or later."
        )
        raise SandboxUnavailable(old)
    return Bubblewrap(found, version)


def why_it_failed(said: str, owner: Owner | None, folders: Iterable[Path]) -> Problem:
    """Read what bubblewrap said when it could not set up the sandbox.

    Args:
        said: Its standard error.
        owner: Who ran it, where this process is root.
        folders: The workspace and the scratch folder.
    """
    if out_of_reach := reach(owner, folders):
        return out_of_reach
    for pattern, problem in _MEANINGS:
        if re.search(pattern, said):
            return problem
    last = said.strip().rpartition("\n")[2] or "it said nothing"
    return Problem(
        f"bubblewrap cannot set it up here ({last}).", "Try `bwrap --ro-bind / / true` as the bot's user."
    )


def reach(owner: Owner | None, folders: Iterable[Path]) -> Problem | None:
    """What keeps the owner from the folders, if something does."""
    for folder in folders:
        if owner and (wall := _wall(folder, owner)):
            return Problem(
                f"The user {owner.uid}, who runs the sandbox, cannot pass through {wall} to reach {folder}.",
                f"Let it: `chmod o+x {wall}`, or keep the bot's home below /var/lib.",
            )
    return None


def wrong_host(owner: Owner | None) -> Iterable[Problem]:
    """What keeps any sandbox from working for this process."""
    yield from _wrong_user(owner)
    yield from _wrong_machine()


def _wrong_user(owner: Owner | None) -> Iterable[Problem]:
    root = os.geteuid() == 0
    if root and (owner is None or 0 in (owner.uid, owner.gid)):
        yield Problem(
            "The bot runs as root, and nothing may run inside as root.", "Name an unprivileged owner."
        )
    if not root and owner is not None and owner.uid != os.geteuid():
        yield Problem(
            "Only root can run the sandbox as somebody else.",
            "Leave the owner out, or start the bot as root.",
        )


def _wrong_machine() -> Iterable[Problem]:
    if not seccomp.supported(machine := platform.machine()):
        yield Problem(f"There is no system call filter for {machine}.", "Use an x86_64 or aarch64 machine.")
    try:
        os.close(pidfd.open_process(os.getpid()))
    except OSError:
        yield Problem("The kernel cannot name processes safely (pidfd_open).", "Use Linux 5.3 or later.")


def _version(found: Path) -> str:
    try:
        said = subprocess.run(  # noqa: S603 - the administrator's own program
            [found, "--version"],
            env={},
            cwd="/",
            capture_output=True,
            text=True,
            timeout=_VERSION_S,
            check=False,
        ).stdout
    except (OSError, subprocess.TimeoutExpired) as fault:
        raise SandboxUnavailable(Problem(f"{found} does not start ({fault}).", _INSTALL)) from fault
    match = re.fullmatch(r"bubblewrap (\d+\.\d+[\w.]*)\s*", said)
    if match is None:
        raise SandboxUnavailable(Problem(f"{found} is no bubblewrap.", _INSTALL))
    return match[1]


def _wall(folder: Path, owner: Owner) -> Path | None:
    """The first folder above that the owner cannot pass through."""
    for parent in reversed(folder.resolve().parents):
        found = parent.stat()
        own, group = found.st_uid == owner.uid, found.st_gid == owner.gid
        needed = stat.S_IXUSR if own else stat.S_IXGRP if group else stat.S_IXOTH
        if not found.st_mode & needed:
            return parent
    return None
