"""The seccomp filter: which system calls a sandboxed program may not make.

Written straight as classic BPF, so that no library is needed. What a filter sees and answers:
https://docs.kernel.org/userspace-api/seccomp_filter.html. Numbers: the kernel's `syscall_64.tbl` and
`asm-generic/unistd.h`.

Everything that is not named here is allowed: compilers, browsers and databases shall run. Refused is what
reaches past the namespaces (keyrings, handles, vsock), what opens a door to new kernel surface (io_uring,
bpf, nested namespaces, mounts) and whatever is younger than this table.
"""

import errno
import functools
import os
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Machine = Literal["x86_64", "aarch64"]
Program = list["Instruction"]

# name: number on x86_64, number on aarch64 (None: the architecture lacks it)
REFUSED: dict[str, tuple[int | None, int | None]] = {
    # other processes
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "kcmp": (312, 272),
    "pidfd_getfd": (438, 438),
    "process_madvise": (440, 440),
    "process_mrelease": (448, 448),
    # mounts and namespaces
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "setns": (308, 268),
    "unshare": (272, 97),
    # kernel keyrings belong to a uid, not to a namespace
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    # System V IPC: its memory outlives processes and shows in none of them
    "shmget": (29, 194),
    "msgget": (68, 186),
    "semget": (64, 190),
    "memfd_secret": (447, 447),
    # much kernel, rarely needed
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "fanotify_init": (300, 262),
    "fanotify_mark": (301, 263),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "vmsplice": (278, 75),
    "modify_ldt": (154, None),
    "lookup_dcookie": (212, 18),
    "uselib": (134, None),
    "ustat": (136, None),
    "sysfs": (139, None),
    "nfsservctl": (180, 42),
    "mbind": (237, 235),
    "set_mempolicy": (238, 237),
    "get_mempolicy": (239, 236),
    "migrate_pages": (256, 238),
    "move_pages": (279, 239),
    "set_mempolicy_home_node": (450, 450),
    # files by handle walk past every bind mount
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    # the machine itself
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "reboot": (169, 142),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "acct": (163, 89),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "adjtimex": (159, 171),
    "clock_adjtime": (305, 266),
    "syslog": (103, 116),
    "vhangup": (153, 58),
    "iopl": (172, None),
    "ioperm": (173, None),
}

# Calls that are judged by an argument.
SOCKET = (41, 198)
SOCKETPAIR = (53, 199)
CLONE = (56, 220)
IOCTL = (16, 29)
PERSONALITY = (135, 92)

CLONE3 = (435, 435)  # its flags lie in memory, out of a filter's sight: libc falls back to clone
LAST_VETTED = 462  # mseal, Linux 6.10; younger calls are answered as a kernel of that age would

AF_UNIX, AF_INET, AF_INET6, AF_NETLINK = 1, 2, 10, 16
NETLINK_ROUTE = 0  # getaddrinfo and `ip` ask it; it changes nothing without capabilities
NEW_NAMESPACES = 0x7E020000  # CLONE_NEW{NS,CGROUP,UTS,IPC,USER,PID,NET}
REFUSED_IOCTLS = (
    0x5412,
    0x541C,
    0x5423,
)  # TIOCSTI and TIOCLINUX type into a terminal, TIOCSETD loads modules
PERSONALITIES = (0, 0xFFFFFFFF)  # Linux itself, and the question which one it is

ALLOW = 0x7FFF0000  # SECCOMP_RET_ALLOW
KILL = 0x80000000  # SECCOMP_RET_KILL_PROCESS
_ERRNO = 0x00050000  # SECCOMP_RET_ERRNO

AUDIT_ARCH: dict[Machine, int] = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_X32_BIT = 0x40000000  # numbers of the x32 ABI, a second door to the same calls

# Where a filter finds things: struct seccomp_data, both architectures little-endian.
NUMBER, _ARCHITECTURE = 0, 4
FIRST, SECOND, _THIRD = 16, 24, 32  # the lower halves of the arguments; each is an int in the kernel

_LOAD, JUMP_EQUAL, _JUMP_GREATER, _JUMP_AT_LEAST, JUMP_BITS, _RETURN = 0x20, 0x15, 0x25, 0x35, 0x45, 0x06


@dataclass(frozen=True, slots=True)
class Instruction:
    """One `struct sock_filter`: what to do, how many instructions to skip when true or false, a constant."""

    code: int
    constant: int
    if_true: int = 0
    if_false: int = 0

    def packed(self) -> bytes:
        """As the kernel reads it."""
        return struct.pack("<HBBI", self.code, self.if_true, self.if_false, self.constant)


@functools.cache
def program(machine: str | None = None) -> bytes:
    """The filter, ready for `bwrap --seccomp`.

    Args:
        machine: As `os.uname().machine` names it; this one by default.

    Raises:
        KeyError: No table exists for that machine.
    """
    known = {"x86_64": _x86_64, "aarch64": _aarch64}
    return b"".join(line.packed() for line in known[machine or os.uname().machine]())


def supported(machine: str) -> bool:
    """Whether there is a table for that machine."""
    return machine in AUDIT_ARCH


def _x86_64() -> Program:
    return [*_same_architecture("x86_64"), *when(_JUMP_AT_LEAST, _X32_BIT, [answer(KILL)]), *_rules(0)]


def _aarch64() -> Program:
    return [*_same_architecture("aarch64"), *_rules(1)]


def _same_architecture(machine: Machine) -> Program:
    """Another architecture (32-bit code on a 64-bit kernel) has other numbers: its calls end the process."""
    return [
        load(_ARCHITECTURE),
        Instruction(JUMP_EQUAL, AUDIT_ARCH[machine], if_true=1),
        answer(KILL),
        load(NUMBER),
    ]


def _rules(column: Literal[0, 1]) -> Program:
    lines: Program = []
    for numbers in REFUSED.values():
        if (number := numbers[column]) is not None:
            lines += when(JUMP_EQUAL, number, [refuse(errno.EPERM)])
    lines += when(JUMP_EQUAL, CLONE3[column], [refuse(errno.ENOSYS)])
    lines += when(_JUMP_GREATER, LAST_VETTED, [refuse(errno.ENOSYS)])
    for numbers, judged in (
        (SOCKET, _socket()),
        (SOCKETPAIR, _only(FIRST, [AF_UNIX], errno.EAFNOSUPPORT)),
        (CLONE, _clone()),
        (IOCTL, _ioctl()),
        (PERSONALITY, _only(FIRST, PERSONALITIES, errno.EPERM)),
    ):
        lines += when(JUMP_EQUAL, numbers[column], judged)
    return [*lines, answer(ALLOW)]


def _socket() -> Program:
    """Local, internet and routing sockets; the network namespace decides what the internet is."""
    route = _only(_THIRD, [NETLINK_ROUTE], errno.EAFNOSUPPORT)
    return [
        load(FIRST),
        *when(JUMP_EQUAL, AF_NETLINK, route),
        *_only(FIRST, [AF_UNIX, AF_INET, AF_INET6], errno.EAFNOSUPPORT),
    ]


def _clone() -> Program:
    return [load(FIRST), *when(JUMP_BITS, NEW_NAMESPACES, [refuse(errno.EPERM)]), answer(ALLOW)]


def _ioctl() -> Program:
    refused = [
        line for request in REFUSED_IOCTLS for line in when(JUMP_EQUAL, request, [refuse(errno.EPERM)])
    ]
    return [load(SECOND), *refused, answer(ALLOW)]


def _only(argument: int, values: Iterable[int], otherwise: int) -> Program:
    """Allow where the argument is one of the values; an error code otherwise."""
    allowed = [line for value in values for line in when(JUMP_EQUAL, value, [answer(ALLOW)])]
    return [load(argument), *allowed, refuse(otherwise)]


def when(test: int, constant: int, then: Program) -> Program:
    """Run `then`, which must end in an answer, where the test holds; go past it otherwise."""
    return [Instruction(test, constant, if_false=len(then)), *then]


def load(offset: int) -> Instruction:
    """Look at a number of the call: which it is, or an argument."""
    return Instruction(_LOAD, offset)


def answer(action: int) -> Instruction:
    """Say what becomes of the call."""
    return Instruction(_RETURN, action)


def refuse(code: int) -> Instruction:
    """Let the call fail with an errno."""
    return answer(_ERRNO | code)
