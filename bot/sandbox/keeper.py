"""The first program of a session: starts its commands, one after the other. Runs inside the sandbox.

It is process 1 there, so that nothing inside can kill or stop it, and shut to all others, so that none can
reach its memory or its descriptors (PR_SET_DUMPABLE, prctl(2)). What it says is trusted no more for that.
It imports only what is compiled in, or nearly so, and starts within milliseconds.

Called as `python3 -I -S /dev/fd/SCRIPT CONTROL PORT`. CONTROL is its end of a socket of packets, where it
says `0` when it is ready; unless PORT is 0, that packet carries a listener on that port of 127.0.0.1. Each
packet that it gets is a command, as four descriptors: a file with the arguments, each ended by a NUL, and
standard input, output and error. It answers with the exit code, when that very command has ended.
"""

import _ctypes
import _signal  # type: ignore[import-not-found]  # the stubs know only `signal`, which takes longer
import _socket
import posix
import sys

_PR_SET_DUMPABLE = 4
_INT = 4  # bytes of a descriptor in a packet
_STREAMS = 3
_BACKLOG = 64
_NOT_FOUND, _NOT_STARTED = 127, 126  # as shells have it
_CHUNK = 1 << 20


def main() -> None:
    """Start commands until nobody wants any more."""
    control = _socket.socket(fileno=int(sys.argv[1]))
    posix.set_inheritable(control.fileno(), False)  # noqa: FBT003 - its only form
    posix.close(int(sys.argv[0].rpartition("/")[2]))
    _prctl(_PR_SET_DUMPABLE, 0)
    _signal.signal(_signal.SIGINT, _signal.SIG_DFL)  # which process 1 never hears of
    _signal.signal(_signal.SIGCHLD, _reap)
    mask = _signal.pthread_sigmask(_signal.SIG_BLOCK, {_signal.SIGCHLD})
    _greet(control, int(sys.argv[2]))
    while True:
        _signal.pthread_sigmask(_signal.SIG_UNBLOCK, {_signal.SIGCHLD})
        packet, carried, _, _ = control.recvmsg(
            1, _socket.CMSG_SPACE(_INT * (1 + _STREAMS)), _socket.MSG_CMSG_CLOEXEC
        )
        _signal.pthread_sigmask(_signal.SIG_BLOCK, {_signal.SIGCHLD})
        if not packet:
            return
        control.send(b"%d" % _run(_descriptors(carried), mask))


def _prctl(option: int, value: int) -> None:
    libc = _ctypes.dlopen(None, posix.RTLD_NOW)  # type: ignore[arg-type]  # None is the program itself
    prctl = _ctypes.dlsym(libc, "prctl")
    if _ctypes.call_function(prctl, (option, value, 0, 0, 0)):
        raise SystemExit("prctl failed")


def _greet(control: "_socket.socket", port: int) -> None:
    if not port:
        control.send(b"0")
        return
    listener = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
    listener.bind(("127.0.0.1", port))
    listener.listen(_BACKLOG)
    end = listener.fileno().to_bytes(_INT, sys.byteorder)
    control.sendmsg([b"0"], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, end)])
    listener.close()


def _descriptors(carried: "list[tuple[int, int, bytes]]") -> "list[int]":
    data = carried[0][2]
    return [int.from_bytes(data[at : at + _INT], sys.byteorder) for at in range(0, len(data), _INT)]


def _run(descriptors: "list[int]", mask: "set[int]") -> int:
    """Start one command and wait for its end; its exit code."""
    words, *streams = descriptors
    argv = _read(words).split(b"\0")[:-1]
    try:
        command = posix.posix_spawnp(
            argv[0],
            argv,
            posix.environ,
            file_actions=[(posix.POSIX_SPAWN_DUP2, end, number) for number, end in enumerate(streams)],
            setsid=True,
            setsigmask=mask,
            setsigdef=(_signal.SIGPIPE, _signal.SIGXFSZ),  # which Python ignores
        )
    except OSError as fault:
        posix.write(streams[2], b"%s: %s\n" % (argv[0], str(fault.strerror).encode()))
        return _NOT_FOUND if isinstance(fault, FileNotFoundError) else _NOT_STARTED
    finally:
        for end in descriptors:
            posix.close(end)
    while True:
        ended, status = posix.waitpid(-1, 0)
        if ended == command:
            code = posix.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code


def _read(file: int) -> bytes:
    data = b""
    while chunk := posix.pread(file, _CHUNK, len(data)):
        data += chunk
    return data


def _reap(_number: int, _frame: object) -> None:
    """Bury whoever ended between two commands: process 1 is everybody's parent in the end."""
    try:
        while posix.waitpid(-1, posix.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


if __name__ == "__main__":
    main()
