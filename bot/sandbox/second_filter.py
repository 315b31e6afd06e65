"""The second seccomp filter, of a sandbox without namespaces: what those would have kept in.

It stands on top of `bot.sandbox.seccomp`, and the stricter answer of the two holds: seccomp(2). It refuses
what Landlock does not know of, and a namespace or a mount would have kept away: the host's sockets, message
queues and shared memory, processes of the same user, attributes of files.
"""

import errno
import os
from collections.abc import Iterable
from typing import Literal

from bot.sandbox import seccomp
from bot.sandbox.seccomp import Instruction, Machine, Program, answer, load, refuse, when

# name: number on x86_64, number on aarch64 (None: the architecture lacks it)
REFUSED: dict[str, tuple[int | None, int | None]] = {
    # With no socket there is no network, and none of the host's own services. What a pair could become.
    "socket": (41, 198),
    "connect": (42, 203),
    "bind": (49, 200),
    "listen": (50, 201),
    "accept": (43, 202),
    "accept4": (288, 242),
    # The host's System V and POSIX IPC: by number, and by names that are no files
    "shmat": (30, 196),
    "shmctl": (31, 195),
    "msgsnd": (69, 189),
    "msgrcv": (70, 188),
    "msgctl": (71, 187),
    "semop": (65, 193),
    "semtimedop": (220, 192),
    "semctl": (66, 191),
    "mq_open": (240, 180),
    "mq_unlink": (241, 181),
    # owners and times of files by name, and news of any folder
    "chown": (92, None),
    "lchown": (94, None),
    "fchown": (93, 55),
    "fchownat": (260, 54),
    "utime": (132, None),
    "utimes": (235, None),
    "futimesat": (261, None),
    "inotify_add_watch": (254, 27),
}
# Answered as a file system without them does, which programs know to live with.
UNSUPPORTED: dict[str, tuple[int, int]] = {
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7),
    "removexattr": (197, 14),
    "lremovexattr": (198, 15),
    "fremovexattr": (199, 16),
}
# Calls that may be about another process of the same user: only about the caller (0) here.
OF_ONESELF: dict[str, tuple[int, int]] = {
    "prlimit64": (302, 261),
    "sched_setaffinity": (203, 122),
    "sched_setscheduler": (144, 119),
    "sched_setparam": (142, 118),
    "sched_setattr": (314, 274),
}
# The same, where the first argument says what the second is; PRIO_PROCESS and IOPRIO_WHO_PROCESS mean one.
PRIORITIES: dict[str, tuple[int, int]] = {"setpriority": (141, 140), "ioprio_set": (251, 30)}
PROCESS = {"setpriority": 0, "ioprio_set": 1}
# Calls that wait for the guard to make them.
ATTENDED: dict[str, tuple[int | None, int | None]] = {
    "chmod": (90, None),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "utimensat": (280, 88),
}
FCHMODAT2 = 452  # young: libc does without, and the guard knows the others
DATAGRAMS = 2  # this bit tells SOCK_DGRAM and its like from SOCK_STREAM (1) and SOCK_SEQPACKET (5)
NOTIFY = 0x7FC00000  # SECCOMP_RET_USER_NOTIF


def program(machine: str | None = None) -> bytes:
    """The filter, ready for seccomp(2) with a listener.

    Args:
        machine: As `os.uname().machine` names it; this one by default.
    """
    column = _column(machine or os.uname().machine)
    just_the_caller = {name: [(seccomp.FIRST, 0)] for name in OF_ONESELF} | {
        name: [(seccomp.FIRST, kind), (seccomp.SECOND, 0)] for name, kind in PROCESS.items()
    }
    rules: list[tuple[int | None, Program]] = [
        *((numbers[column], [refuse(errno.EPERM)]) for numbers in REFUSED.values()),
        *((numbers[column], [refuse(errno.EOPNOTSUPP)]) for numbers in UNSUPPORTED.values()),
        *((numbers[column], [answer(NOTIFY)]) for numbers in ATTENDED.values()),
        *(
            (numbers[column], _where(just_the_caller[name]))
            for name, numbers in (OF_ONESELF | PRIORITIES).items()
        ),
        (FCHMODAT2, [refuse(errno.ENOSYS)]),
        (seccomp.SOCKETPAIR[column], _pair()),
    ]
    lines = [line for number, then in rules if number for line in when(seccomp.JUMP_EQUAL, number, then)]
    return b"".join(line.packed() for line in [load(seccomp.NUMBER), *lines, answer(seccomp.ALLOW)])


def attended(machine: str | None = None) -> dict[int, str]:
    """The calls that wait for the guard, by number."""
    column = _column(machine or os.uname().machine)
    return {number: name for name, numbers in ATTENDED.items() if (number := numbers[column]) is not None}


def _column(machine: str) -> Literal[0, 1]:
    known: dict[Machine, Literal[0, 1]] = {"x86_64": 0, "aarch64": 1}
    return next(column for name, column in known.items() if name == machine)


def _where(wanted: Iterable[tuple[int, int]]) -> Program:
    """Allow where each argument has its value."""
    lines: Program = []
    for argument, value in wanted:
        lines += [load(argument), Instruction(seccomp.JUMP_EQUAL, value, if_true=1), refuse(errno.EPERM)]
    return [*lines, answer(seccomp.ALLOW)]


def _pair() -> Program:
    """A pair of datagram sockets could send anywhere on the host; the others speak to each other only."""
    return [
        load(seccomp.SECOND),
        *when(seccomp.JUMP_BITS, DATAGRAMS, [refuse(errno.EPERM)]),
        answer(seccomp.ALLOW),
    ]
