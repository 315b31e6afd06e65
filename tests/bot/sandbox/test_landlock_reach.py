"""What a command reaches for beyond its sandbox of Landlock, on a host that is all the same user's."""

import os
import platform
import socket
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.sandbox import Owner, Sandbox
from bot.sandbox.policy import interpreter

FRAME = """
import ctypes, fcntl, os, resource, shutil, socket, subprocess, sys
libc = ctypes.CDLL(None, use_errno=True)
victim, out, tcp, udp, abstract = int(sys.argv[1]), sys.argv[2], *map(int, sys.argv[3:5]), sys.argv[5]
def call(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result
open("mine", "w").close()
try:
    {attempt}
except OSError as held:
    print("HELD", held)
else:
    print("REACHED")
"""
ATTEMPTS = {
    "unix socket": "socket.socket(socket.AF_UNIX).connect(f'{out}/docker.sock')",
    "abstract socket": "socket.socket(socket.AF_UNIX).connect('\\0' + abstract)",
    "tcp": "socket.create_connection(('127.0.0.1', tcp), 5)",
    "udp": "socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', udp))",
    "listen": "socket.create_server(('127.0.0.1', 0))",
    "a pair that is led astray": (
        "socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)[0].sendto(b'x', f'{out}/log.sock')"
    ),
    "a pair that is connected": (
        "socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)[0].connect(f'{out}/log.sock')"
    ),
    "signal": "os.kill(victim, 0)",
    "signal by descriptor": "call(libc.syscall(424, call(libc.syscall(434, victim, 0)), 0, None, 0))",
    "environment": "open(f'/proc/{victim}/environ').read()",
    "memory": "open(f'/proc/{victim}/mem', 'rb')",
    "its links": "os.readlink(f'/proc/{victim}/cwd')",
    "its files": "call(libc.syscall(438, call(libc.syscall(434, victim, 0)), 0, 0))",
    "trace": "call(libc.ptrace(0x4206, victim, 0, 0))",
    "limits": "resource.prlimit(victim, resource.RLIMIT_CPU, (1000, 1000))",
    "priority": "os.setpriority(os.PRIO_PROCESS, victim, 19)",
    "processors": "os.sched_setaffinity(victim, [0])",
    "scheduling": "os.sched_setscheduler(victim, os.SCHED_BATCH, os.sched_param(0))",
    "list": "os.listdir(out)",
    "read": "open(f'{out}/secret').read()",
    "write": "open(f'{out}/secret', 'w')",
    "go there": "os.chdir(out); open('secret').read()",
    "by dots": "open(os.path.relpath(f'{out}/secret')).read()",
    "by a link": "os.symlink(f'{out}/secret', 'link'); open('link').read()",
    "by a handle": "open('secret', opener=lambda n, f: os.open(n, f, dir_fd=os.open(out, os.O_PATH)))",
    "link in": "os.link(f'{out}/secret', 'theirs')",
    "link out": "os.link('mine', f'{out}/left')",
    "rename in": "os.rename(f'{out}/secret', 'theirs')",
    "rename out": "os.rename('mine', f'{out}/left')",
    "truncate": "os.truncate(f'{out}/secret', 0)",
    "delete": "os.unlink(f'{out}/secret')",
    "make a folder": "os.mkdir(f'{out}/left')",
    "make a link": "os.symlink('/', f'{out}/left')",
    "mode": "os.chmod(f'{out}/secret', 0o777)",
    "mode by a link": "os.symlink(f'{out}/secret', 'link'); os.chmod('link', 0o777)",
    "mode by a handle": "os.chmod('secret', 0o777, dir_fd=os.open(out, os.O_PATH))",
    "mode by dots": "os.chmod(os.path.relpath(f'{out}/secret'), 0o777)",
    "mode of the folder": "os.chmod(out, 0o777)",
    "time": "os.utime(f'{out}/secret', (1, 1))",
    "time of a link": "os.symlink('/', 'l'); os.utime(f'{out}/to', (1, 1), follow_symlinks=False)",
    "owner": "os.chown(f'{out}/secret', -1, os.getgid())",
    "attribute": "os.setxattr(f'{out}/secret', 'user.left', b'x')",
    "news of a folder": "call(libc.inotify_add_watch(call(libc.inotify_init()), out.encode(), 0x100))",
    "run": "subprocess.run([f'{out}/tool'], check=True)",
    "a program without a name": (
        "made = os.memfd_create('cat'); os.write(made, open('/usr/bin/cat', 'rb').read());"
        " subprocess.run([f'/proc/self/fd/{made}', f'{out}/secret'], pass_fds=[made]).returncode and"
        " call(-1)"
    ),
    "steer a device": "fcntl.ioctl(open('/dev/urandom'), 0x80045200, bytes(4))",
    "io_uring": "call(libc.syscall(425, 1, ctypes.create_string_buffer(120)))",
    "shared memory": "open('/dev/shm/legwork-left-over', 'w')",
    "temporary files of all": "open('/tmp/legwork-left-over', 'w')",
}
# Not shown outside: what it would change on the machine that tests, or what that may refuse by itself.
UNCONTROLLED = {"shared memory", "temporary files of all", "trace", "its files", "io_uring", "attribute"}
CONTROLLED = sorted(ATTEMPTS.keys() - UNCONTROLLED)


@dataclass(frozen=True, slots=True)
class Host:
    """A process, a folder and servers that belong to the user who runs the sandbox."""

    out: Path
    arguments: tuple[str, ...]

    def state(self) -> list[tuple[object, ...]]:
        """Everything about the folder that an attempt may not change."""
        found = []
        for path in (self.out, *sorted(self.out.iterdir())):
            seen = path.lstat()
            text = path.read_text() if stat.S_ISREG(seen.st_mode) else ""
            found.append((path.name, seen.st_mode, seen.st_mtime_ns, seen.st_ctime_ns, seen.st_nlink, text))
        return found


@pytest.fixture
def host(room: Path, owner: Owner | None) -> Iterator[Host]:
    out = room / "out"
    out.mkdir()
    (out / "secret").write_text("CANARY")
    (out / "tool").write_text("#!/bin/sh\n")
    (out / "tool").chmod(0o755)
    (out / "to").symlink_to("nowhere")
    ids = {"user": owner.uid, "group": owner.gid, "extra_groups": []} if owner else {}
    victim = subprocess.Popen(
        ["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, env={"S": "CANARY"}, cwd="/", **ids
    )
    servers = [
        (socket.AF_UNIX, socket.SOCK_STREAM, f"{out}/docker.sock"),
        (socket.AF_UNIX, socket.SOCK_DGRAM, f"{out}/log.sock"),
        (socket.AF_UNIX, socket.SOCK_STREAM, f"\0{room.name}"),
        (socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0)),
        (socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0)),
    ]
    listening = []
    for family, kind, address in servers:
        listening.append(socket.socket(family, kind))
        listening[-1].bind(address)
        if kind == socket.SOCK_STREAM:
            listening[-1].listen()
    if owner:
        for path in (out, *out.iterdir()):
            os.chown(path, owner.uid, owner.gid, follow_symlinks=False)
    tcp, udp = (str(server.getsockname()[1]) for server in listening[3:])
    yield Host(out, (str(victim.pid), str(out), tcp, udp, room.name))
    for server in listening:
        server.close()
    victim.kill()
    victim.communicate()


@pytest.mark.parametrize("attempt", ATTEMPTS)
async def test_the_host_is_out_of_reach(
    attempt: str, host: Host, landlocked: Sandbox, workspace: Path
) -> None:
    """Each attempt is refused, and leaves the host as it was: though all of it is the same user's."""
    before = host.state()
    script = FRAME.format(attempt=ATTEMPTS[attempt])
    outcome = await landlocked.run([interpreter(), "-c", script, *host.arguments], workspace=workspace)
    assert outcome.stdout.startswith("HELD"), outcome
    assert "CANARY" not in outcome.stdout
    assert host.state() == before


@pytest.mark.parametrize("attempt", CONTROLLED)
def test_the_same_attempt_reaches_the_host_outside(
    attempt: str, host: Host, workspace: Path, owner: Owner | None
) -> None:
    """Without a sandbox the same user succeeds: the test above would notice one that does not hold."""
    ids = {"user": owner.uid, "group": owner.gid, "extra_groups": []} if owner else {}
    script = FRAME.format(attempt=ATTEMPTS[attempt])
    printed = subprocess.run(
        [interpreter(), "-c", script, *host.arguments],
        cwd=workspace,
        capture_output=True,
        text=True,
        check=True,
        **ids,
    )
    assert "REACHED" in printed.stdout, printed


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the instruction is x86's")
async def test_the_second_abi_is_shut(landlocked: Sandbox, workspace: Path) -> None:
    """x32 numbers end the process."""
    script = "import ctypes; print(ctypes.CDLL(None).syscall(0x40000000 + 39))"
    outcome = await landlocked.run([interpreter(), "-c", script], workspace=workspace)
    assert (outcome.stdout, outcome.exit_code) == ("", 128 + 31)


async def test_no_rights_are_gained(landlocked: Sandbox, workspace: Path, owner: Owner | None) -> None:
    """Nobody is root inside, and no setuid program changes that."""
    script = "cp /usr/bin/id i; chmod 4755 i; ./i -u; ./i -ru; su -c id </dev/null"
    outcome = await landlocked.run(["bash", "-c", script], workspace=workspace)
    uid = owner.uid if owner else os.getuid()
    assert outcome.stdout == f"{uid}\n{uid}\n"


async def test_limits_cannot_be_raised(landlocked: Sandbox, workspace: Path) -> None:
    """Hard limits hold, and a limit of another process is nobody's business."""
    script = "for l in -Hn -Hu -Hf; do ulimit $l unlimited && echo raised; done; prlimit -p $$ -f=unlimited"
    outcome = await landlocked.run(["bash", "-c", script], workspace=workspace)
    assert "raised" not in outcome.stdout
    assert outcome.exit_code != 0


async def test_no_descriptor_of_the_guard_leaks_in(landlocked: Sandbox, workspace: Path) -> None:
    """A command starts with its three streams and nothing else."""
    script = """
import os
for number in range(1024):
    try:
        os.fstat(number)
        print(number)
    except OSError:
        pass
"""
    outcome = await landlocked.run([interpreter(), "-c", script], workspace=workspace)
    assert outcome.stdout == "0\n1\n2\n"
