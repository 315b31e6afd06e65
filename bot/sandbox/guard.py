"""The guard of a sandbox without namespaces: sets it up, attends to it, and ends all that is in it.

Runs on the system's Python, outside of what it guards. It is three processes, each in a Landlock domain
within that of the one before, and signals go inwards only (landlock(7), ABI 6):

- the outer guard, which the bot started and which dies with it;
- the inner guard, which becomes the parent of whatever loses its own, and attends to the command;
- the command, confined for good, with all that it starts.

So `kill(-1)` of a guard reaches every process of the sandbox and none besides, all at one instant that no
fork outruns, and nothing inside reaches a guard. Where one guard dies, the other ends everything.

Landlock says nothing about the modes and times of files. Whoever wants to change those is held by seccomp
until the inner guard has done it for them, to what lies in the sandbox's own folders (seccomp_unotify(2)).

Called as `python3 -I -S -c SCRIPT ORDER STATUS GATE COMMAND…`; the three in the middle are descriptors. ORDER
is JSON, made by `bot.sandbox.landlock`. STATUS and GATE are as bubblewrap has them: it reports `child-pid`,
waits for a byte, lets the command go, and reports its `exit-code`.
"""

import _thread
import contextlib
import ctypes
import errno
import fcntl
import json
import os
import signal
import socket
import struct
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:  # the system's Python shall start quickly
    from collections.abc import Callable
    from typing import Any

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER, _PR_SET_NO_NEW_PRIVS = 1, 36, 38
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same numbers on every architecture
_FILES, _TCP, _ABSTRACT_SOCKETS, _SIGNALS = 0xFFFF, 3, 1, 2  # all that ABI 6 knows
_PATH_BENEATH = 1
_OF_A_FILE = 0xC007  # execute, write, read, truncate, ioctl: the rights that are not about a folder
_SET_MODE_FILTER, _NEW_LISTENER = 1, 8
_RECEIVE, _SEND = 0xC0502100, 0xC0182101  # SECCOMP_IOCTL_NOTIF_RECV and _SEND
_NOTICE, _ANSWER = struct.Struct("<QIIiIQ6Q"), struct.Struct("<QqiI")  # struct seccomp_notif, and _resp
_AT_FDCWD, _NOT_FOLLOWED = -100, 0x100
_PATH_MAX, _TIMES = 4096, 32
_INT, _MODE = 0xFFFFFFFF, 0o7777
_ENDS = {signal.SIGCHLD, signal.SIGTERM}

_libc = ctypes.CDLL(None, use_errno=True)


def main() -> None:
    """The outer guard: wait for the inner one, then see that everything is dead."""
    order_end, status, gate = map(int, sys.argv[1:4])
    with open(order_end, "rb") as file:  # noqa: PTH123 - a descriptor
        order = json.loads(file.read())
    for end in (status, gate, *order["folders"]):
        os.set_inheritable(end, False)  # noqa: FBT003 - its only form
    os.setsid()
    _die_with(order["bot"], signal.SIGKILL)
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    _confine(struct.pack("QQQ", 0, 0, _SIGNALS), {})
    outer = os.getpid()
    inner = os.fork()
    if not inner:
        _or_fail(_guard, order, status, gate, outer)
    for end in order["folders"]:
        os.close(end)
    os.write(status, b'{"child-pid": %d}\n' % inner)
    ended = os.waitstatus_to_exitcode(os.waitpid(inner, 0)[1])
    _end_all()
    os._exit(ended if ended >= 0 else 128 - ended)


def _guard(order: "dict[str, Any]", status: int, gate: int, outer: int) -> None:
    """The inner guard: start the command, attend to it, and end all with it or on SIGTERM."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    _die_with(outer, signal.SIGTERM)
    _confine(struct.pack("QQQ", 0, 0, _SIGNALS), {})
    os.read(gate, 1)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDS)
    ours, theirs = socket.socketpair()
    inner = os.getpid()
    command = os.fork()
    if not command:
        _or_fail(_become, order, theirs, before, inner)
    theirs.close()
    _, listener, _, _ = socket.recv_fds(ours, 1, 1)
    if not listener:
        _end_all()
        os._exit(1)  # it has told why
    ours.close()
    _thread.start_new_thread(_attend, (listener[0], order))
    code = _wait_for(command)
    _end_all()
    if code is not None:
        os.write(status, b'{"exit-code": %d}\n' % code)
    os._exit(0)


def _become(
    order: "dict[str, Any]", control: "socket.socket", mask: "set[signal.Signals]", inner: int
) -> None:
    """The command: confined, it hands out what its calls are heard at, and begins."""
    _die_with(inner, signal.SIGKILL)
    os.setsid()
    os.fchdir(order["folders"][0])
    for ignored in (signal.SIGPIPE, signal.SIGXFSZ):  # by Python
        signal.signal(ignored, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    rules = dict.fromkeys(order["folders"], order["own"])
    for path, rights in order["rights"].items():
        with contextlib.suppress(FileNotFoundError):
            rules[os.open(path, os.O_PATH | os.O_CLOEXEC)] = rights
    _confine(struct.pack("QQQ", _FILES, _TCP, _ABSTRACT_SOCKETS | _SIGNALS), rules)
    _filter(order, "filter", 0)
    socket.send_fds(control, [b"\n"], [_filter(order, "second_filter", _NEW_LISTENER)])
    os.execvpe(sys.argv[4], sys.argv[4:], order["env"])  # noqa: S606 - its whole purpose


def _confine(handled: bytes, rules: "dict[int, int]") -> None:
    """Enter a Landlock domain of one's own: what is handled and not allowed by a rule is refused."""
    ruleset = _call(_CREATE_RULESET, handled, ctypes.c_size_t(len(handled)), 0)
    for place, rights in rules.items():
        fit = rights if os.path.isdir(f"/proc/self/fd/{place}") else rights & _OF_A_FILE  # noqa: PTH112
        _call(_ADD_RULE, ruleset, _PATH_BENEATH, struct.pack("=Qi", fit, place), 0)
    _call(_RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)


def _filter(order: "dict[str, Any]", name: str, flags: int) -> int:
    program = ctypes.create_string_buffer(bytes.fromhex(order[name]))
    described = struct.pack("HxxxxxxQ", len(program) // 8, ctypes.addressof(program))
    return _call(order["seccomp"], _SET_MODE_FILTER, flags, described)


def _wait_for(command: int) -> "int | None":
    """Bury whoever ends until the command does; its exit code, or None where all shall end."""
    while signal.sigwait(_ENDS) != signal.SIGTERM:
        while True:
            ended, status = os.waitpid(-1, os.WNOHANG)
            if ended == command:
                code = os.waitstatus_to_exitcode(status)
                return code if code >= 0 else 128 - code
            if not ended:
                break
    return None


def _end_all() -> None:
    """SIGKILL to all that this domain holds, this process aside, and see it dead."""
    with contextlib.suppress(OSError):  # there is nobody any more
        os.kill(-1, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        while True:
            os.waitpid(-1, 0)


def _attend(listener: int, order: "dict[str, Any]") -> None:
    """Change modes and times for the command, as long as it lives."""
    while True:
        notice = bytearray(_NOTICE.size)
        with contextlib.suppress(OSError):  # whoever asked is dead
            fcntl.ioctl(listener, _RECEIVE, notice)
            key, thread, _, number, _, _, *arguments = _NOTICE.unpack(notice)
            fault = 0
            try:
                _change(order["attended"][str(number)], f"/proc/{thread}", arguments, order["folders"])
            except OSError as refused:
                fault = refused.errno or errno.EPERM
            except (ValueError, OverflowError):
                fault = errno.EFAULT
            fcntl.ioctl(listener, _SEND, _ANSWER.pack(key, 0, -fault, 0))


def _change(call: str, process: str, arguments: "list[int]", folders: "list[int]") -> None:
    """Do what a call asks for, if it is about something in the folders.

    The thread may die meanwhile, and its number be another's: then it goes wrong in these folders at worst.
    """
    if call == "chmod":
        arguments = [_AT_FDCWD & _INT, *arguments]
    at, name, value, flags, *_ = arguments
    if call == "fchmod":
        name, value = 0, name
    follow = call != "utimensat" or not flags & _NOT_FOLLOWED
    place = _place(process, at, _text(process, name) if name else b"", follow=follow)
    try:
        where = _where(place)
        if not any(where.startswith(_where(own)) for own in folders):
            raise PermissionError(errno.EPERM, "not its own")
        if call == "utimensat":
            times = _memory(process, value, _TIMES) if value else None
            if times is not None and len(times) < _TIMES:
                raise OSError(errno.EFAULT, call)
            if _libc.utimensat(_AT_FDCWD, b"/proc/self/fd/%d" % place, times, 0):
                raise OSError(ctypes.get_errno(), call)
        else:
            os.chmod(b"/proc/self/fd/%d" % place, value & _MODE)  # noqa: PTH101 - a descriptor
    finally:
        os.close(place)


def _place(process: str, at: int, name: bytes, *, follow: bool) -> int:
    """A handle of what a path of another process means; its own name says where that lies."""
    folder = "cwd" if at & _INT == _AT_FDCWD & _INT else f"fd/{at & _INT}"
    base = os.open(f"{process}/{folder}", os.O_PATH | os.O_CLOEXEC)
    if not name:
        return base
    try:
        return os.open(name, os.O_PATH | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW), dir_fd=base)
    finally:
        os.close(base)


def _where(place: int) -> bytes:
    return os.readlink(b"/proc/self/fd/%d" % place) + b"/"  # noqa: PTH115 - bytes, as the kernel has them


def _text(process: str, address: int) -> bytes:
    text, end, _ = _memory(process, address, _PATH_MAX).partition(b"\0")
    if not end:
        raise OSError(errno.ENAMETOOLONG, "path")
    if not text:
        raise FileNotFoundError(errno.ENOENT, "path")
    return text


def _memory(process: str, address: int, size: int) -> bytes:
    memory = os.open(f"{process}/mem", os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.pread(memory, size, address)
    finally:
        os.close(memory)


def _die_with(parent: int, number: int) -> None:
    _prctl(_PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:  # it was faster
        os._exit(1)


def _or_fail(work: "Callable[..., None]", *arguments: object) -> None:
    try:
        work(*arguments)
    except BaseException as fault:  # noqa: BLE001 - nothing may go back to what the parent was about
        os.write(2, f"the guard failed: {fault}\n".encode(errors="replace"))
    finally:
        os._exit(1)


def _prctl(option: int, value: int) -> None:
    if _libc.prctl(option, value, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


def _call(number: int, *arguments: object) -> int:
    result = int(_libc.syscall(number, *arguments))
    if result < 0:
        raise OSError(ctypes.get_errno(), f"system call {number}")
    return result


if __name__ == "__main__":
    _or_fail(main)
