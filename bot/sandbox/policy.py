"""What a sandboxed program sees and holds: bubblewrap's arguments.

Everything passes through `bwrap --args FD`, so that nothing of it shows in any command line. See bwrap(1).
"""

import functools
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from bot.errors import UserMistake
from bot.sandbox import seccomp
from bot.sandbox.terms import GIB, MIB, Limits, Owner

WORKSPACE = "/workspace"
PROXY_PORT = 3128  # where a session's listener is, on its own 127.0.0.1

_ALONE = (
    *("--unshare-user", "--disable-userns", "--unshare-ipc", "--unshare-pid"),
    *("--unshare-net", "--unshare-uts", "--unshare-cgroup-try"),
    *("--die-with-parent", "--new-session", "--cap-drop", "ALL", "--hostname", "sandbox"),
)
_SYSTEM_LINKS = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
# What programs below /usr look for in /etc; each is left out where this machine has none.
_ETC = (
    *("/etc/ssl/certs", "/etc/ssl/openssl.cnf", "/etc/ca-certificates.conf", "/etc/pki/tls/certs"),
    *("/etc/pki/ca-trust/extracted", "/etc/alternatives", "/etc/ld.so.cache", "/etc/ld.so.conf"),
    *("/etc/ld.so.conf.d", "/etc/localtime", "/etc/mime.types"),
)
_ETC_PYTHON = "python3*"
_FURNITURE = ("--proc", "/proc", "--ro-bind-try", "/proc/sys", "/proc/sys", "--dev", "/dev")
_READ_ONLY = ("--remount-ro", "/dev", "--remount-ro", "/")  # both are writable tmpfs otherwise


def arguments(
    give: Callable[[bytes], int],
    *,
    workspace: int,
    temporary: int,
    shared_memory: int,
    user: Owner,
    env: Mapping[str, str] | None,
    first: bool = False,
) -> list[str]:
    """The policy as bubblewrap arguments, without the command.

    Args:
        give: Turns bytes into a descriptor that bubblewrap can read them from.
        workspace: A descriptor of the folder that becomes /workspace.
        temporary: Of the one that becomes /tmp; on disk, so that it is metered.
        shared_memory: Of the one that becomes /dev/shm.
        user: Who runs inside; the same as outside, and never root.
        env: Variables on top of the usual ones.
        first: Whether the command itself is process 1 inside; bubblewrap's own otherwise.

    Raises:
        UserMistake: A variable's name or value cannot be passed on.
    """
    files = (
        word
        for path, text in _etc_files(user).items()
        for word in ("--perms", "0444", "--file", str(give(text.encode())), path)
    )
    python = _own_python()
    setting = (("--setenv", *pair) for pair in variables(env or {}).items())
    return [
        *_ALONE,
        *(("--as-pid-1",) if first else ()),
        *_system(),
        *files,
        *_FURNITURE,
        *("--bind-fd", str(temporary), "/tmp"),  # noqa: S108 - a mount point inside
        *("--bind-fd", str(shared_memory), "/dev/shm"),  # noqa: S108 - the same
        *(("--ro-bind", python, python) if python else ()),
        # No mount point may ever lie below the workspace: a symbolic link there would lead bubblewrap astray.
        *("--bind-fd", str(workspace), WORKSPACE, "--chdir", WORKSPACE),
        *_READ_ONLY,
        *("--seccomp", str(give(seccomp.program()))),
        "--clearenv",
        *(word for words in setting for word in words),
    ]


def launcher(limits: Limits) -> list[str]:
    """What sets the command's kernel limits: inside the user namespace, so that processes count per sandbox.

    Hard limits all, so that nothing inside can raise them. CORE is 1 rather than 0: that stops a piped core
    handler of the host too. AS is wide for WebAssembly and Go, which reserve much more than they use.
    """
    hard = {
        "data": max(4 * GIB, limits.memory_bytes),
        "as": 64 * GIB,
        "nproc": limits.processes,
        "fsize": limits.disk_bytes,
        "nofile": 1024,
        "stack": 8 * MIB,
        "memlock": 8 * MIB,
        "msgqueue": 819_200,
        "sigpending": 4096,
        "core": 1,
    }
    return ["/usr/bin/prlimit", *(f"--{name}={value}:{value}" for name, value in hard.items()), "--"]


def proxied() -> dict[str, str]:
    """The variables that lead programs to a session's listener, whichever of the two forms they know."""
    proxy = f"http://127.0.0.1:{PROXY_PORT}"
    variables = dict.fromkeys(("http_proxy", "https_proxy", "all_proxy"), proxy)
    variables["no_proxy"] = "localhost,127.0.0.1,::1"
    return variables | {name.upper(): value for name, value in variables.items()}


def interpreter() -> str:
    """The system's Python, as it is found inside: whatever a workspace may call python3."""
    own = _own_python()
    base = Path(sys.base_prefix).resolve()
    usr = base if base.is_relative_to("/usr") else Path("/usr")
    return f"{own or usr}/bin/python3"


def packed(words: Iterable[str]) -> bytes:
    """Arguments as `--args` reads them: each ended by a NUL."""
    return b"".join(os.fsencode(word) + b"\0" for word in words)


@functools.cache
def _system() -> tuple[str, ...]:
    words = ["--ro-bind", "/usr", "/usr"]
    for name in _SYSTEM_LINKS:
        path = Path(name)
        if path.is_symlink():
            words += ["--symlink", str(path.readlink()), name]
        elif path.is_dir():
            words += ["--ro-bind", name, name]
    for name in etc():
        words += ["--ro-bind-try", name, name]
    return tuple(words)


def etc() -> tuple[str, ...]:
    """What programs may read of /etc; not all of it is on each machine."""
    return (*_ETC, *map(str, Path("/etc").glob(_ETC_PYTHON)))


def programs() -> tuple[str, ...]:
    """The folders that hold the system's programs, and this interpreter's own where it lies elsewhere."""
    real = (name for name in _SYSTEM_LINKS if Path(name).is_dir() and not Path(name).is_symlink())
    return ("/usr", *real, *filter(None, [_own_python()]))


def _etc_files(user: Owner) -> dict[str, str]:
    return {
        "/etc/passwd": "root:x:0:0:root:/root:/bin/sh\n"
        f"agent:x:{user.uid}:{user.gid}:agent:{WORKSPACE}:/bin/bash\n"
        "nobody:x:65534:65534:nobody:/:/bin/false\n",
        "/etc/group": f"root:x:0:\nagent:x:{user.gid}:\nnogroup:x:65534:\n",
        "/etc/hosts": "127.0.0.1 localhost sandbox\n::1 localhost\n",
        "/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
        "/etc/resolv.conf": "",
        "/etc/gitconfig": "[safe]\n\tdirectory = *\n",
    }


@functools.cache
def _own_python() -> str | None:
    """This interpreter's folder where it lies outside /usr; root's may be shut to the sandbox's user."""
    base = Path(sys.base_prefix).resolve()
    inside = any(base.is_relative_to(known) for known in ("/usr", WORKSPACE, "/proc", "/dev"))
    return None if inside or base == Path("/") or os.geteuid() == 0 else str(base)


def variables(
    extra: Mapping[str, str],
    *,
    workspace: str = WORKSPACE,
    temporary: str = "/tmp",  # noqa: S108 - inside, and this run's own
) -> dict[str, str]:
    """The environment of a command.

    Args:
        extra: Variables on top of the usual ones.
        workspace: What the workspace is called inside.
        temporary: What the folder for temporary files is called inside.

    Raises:
        UserMistake: A variable's name or value cannot be passed on.
    """
    python = _own_python()
    own = [f"{python}/bin"] if python else []
    found = {
        "PATH": ":".join([f"{workspace}/.venv/bin", *own, "/usr/local/bin", "/usr/bin", "/bin"]),
        "HOME": workspace,
        "USER": "agent",
        "LANG": "C.UTF-8",
        "TERM": "dumb",
        "TMPDIR": temporary,
        "PYTHONUNBUFFERED": "1",
        "GIT_TERMINAL_PROMPT": "0",
        **extra,
    }
    for name, value in found.items():
        # A NUL would end the argument, and what follows would be read as options of bubblewrap.
        if not name or "=" in name or "\0" in name or "\0" in value:
            raise UserMistake(
                f"The environment variable {name!r} cannot be set: use a plain name and no NUL bytes."
            )
    return found
