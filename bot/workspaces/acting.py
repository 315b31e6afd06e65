"""Acting on files as another user, in one thread and for a while: setfsuid(2).

A bot that was started as root must not touch a workspace with root's rights: what it makes there would be
root's, and what root may read the agent could have it read. The kernel keeps this identity for each thread,
and takes root's rights over files away with it; the rest of the process goes on as it is.
"""

import contextlib
import ctypes
import os
import platform
from collections.abc import Iterator

from bot.errors import LegworkError
from bot.sandbox import Owner

# setgroups(2), past the C library, which would change the groups of every thread.
_SETGROUPS = {"x86_64": 116, "aarch64": 159}.get(platform.machine())

_libc = ctypes.CDLL(None, use_errno=True)
_ASK = -1  # no user: the call fails, and tells who it is now


@contextlib.contextmanager
def acting_as(owner: Owner | None) -> Iterator[None]:
    """Touch files as this user until the context ends; in it, do not await, nor start threads or processes.

    Args:
        owner: The user; None to go on as oneself.

    Raises:
        LegworkError: This process may not, or not on this machine.
    """
    if owner is None:
        yield
        return
    me, mine, groups = os.geteuid(), os.getegid(), os.getgroups()
    try:
        _set_groups([])
        _libc.setfsgid(owner.gid)
        _libc.setfsuid(owner.uid)
        if _libc.setfsuid(_ASK) != owner.uid or _libc.setfsgid(_ASK) != owner.gid:
            raise LegworkError(
                f"The bot may not act as the user {owner.uid}, who owns the workspaces. "
                "An admin can start it as root with its capabilities, or as an ordinary user."
            )
        yield
    finally:
        _libc.setfsuid(me)
        _libc.setfsgid(mine)
        _set_groups(groups)


def _set_groups(groups: list[int]) -> None:
    if _SETGROUPS is None:
        raise LegworkError(
            f"Files cannot be touched as another user on {platform.machine()}. "
            "An admin can start the bot as an ordinary user."
        )
    packed = (ctypes.c_uint32 * len(groups))(*groups)
    if _libc.syscall(_SETGROUPS, len(groups), packed):
        raise LegworkError(
            "The bot may not give up root's groups, so it cannot touch the workspaces' files as their owner. "
            "An admin can start it with the capability SETGID, or as an ordinary user."
        )
