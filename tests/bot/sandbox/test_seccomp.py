"""The system call filter: read by a small BPF interpreter for both architectures, and met for real."""

import errno
import platform
import re
from pathlib import Path

import pytest

from bot.sandbox import Sandbox, seccomp
from tests.fakes import bpf

MACHINES = list(seccomp.AUDIT_ARCH)
ALLOWED = seccomp.ALLOW
KILLED = seccomp.KILL


def refused(code: int) -> int:
    return 0x00050000 | code


def judge(machine: seccomp.Machine, number: int, *arguments: int, arch: int | None = None) -> int:
    """What the filter answers to a call."""
    return bpf.judge(seccomp.program(machine), machine, number, *arguments, arch=arch)


def column(machine: seccomp.Machine) -> int:
    return MACHINES.index(machine)


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("name", seccomp.REFUSED)
def test_a_refused_call_answers_not_permitted(machine: seccomp.Machine, name: str) -> None:
    """Each call of the table fails with EPERM, on each architecture that has it."""
    number = seccomp.REFUSED[name][column(machine)]
    if number is not None:
        assert judge(machine, number) == refused(errno.EPERM)


@pytest.mark.parametrize("machine", MACHINES)
def test_ordinary_calls_pass(machine: seccomp.Machine) -> None:
    """Reading, writing, starting and ending programs is allowed."""
    ordinary = {"x86_64": (0, 1, 9, 59, 60, 231, 257, 262), "aarch64": (63, 64, 222, 221, 93, 94, 56, 79)}
    assert {judge(machine, number) for number in ordinary[machine]} == {ALLOWED}


@pytest.mark.parametrize("machine", MACHINES)
def test_another_architecture_ends_the_process(machine: seccomp.Machine) -> None:
    """32-bit calls, whose numbers mean something else, cannot get round the table."""
    i386, arm = 0x40000003, 0x40000028
    other = next(arch for known, arch in seccomp.AUDIT_ARCH.items() if known != machine)
    assert {judge(machine, 1, arch=arch) for arch in (i386, arm, other, 0)} == {KILLED}


def test_the_second_abi_of_x86_64_ends_the_process() -> None:
    """x32 numbers reach the same calls by another number, so none is let through."""
    assert {judge("x86_64", 0x40000000 + number) for number in (0, 41, 101, 0x3FFFFFFF)} == {KILLED}


@pytest.mark.parametrize("machine", MACHINES)
def test_clone_may_make_processes_but_no_namespaces(machine: seccomp.Machine) -> None:
    """New processes and threads pass, namespace flags do not; clone3 looks absent, so libc uses clone."""
    number = seccomp.CLONE[column(machine)]
    thread = 0x3D0F00
    assert judge(machine, number, 17) == judge(machine, number, thread) == ALLOWED
    namespaces = (0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000)
    assert {judge(machine, number, flag | 17) for flag in namespaces} == {refused(errno.EPERM)}
    assert judge(machine, seccomp.CLONE3[column(machine)]) == refused(errno.ENOSYS)


@pytest.mark.parametrize("machine", MACHINES)
def test_only_local_internet_and_routing_sockets(machine: seccomp.Machine) -> None:
    """vsock, packet, alg, bluetooth and every other family are unknown; netlink speaks of routes only."""
    number = seccomp.SOCKET[column(machine)]
    allowed = {family for family in range(64) if judge(machine, number, family, 1, 0) == ALLOWED}
    assert allowed == {1, 2, 10, 16}
    assert judge(machine, number, 16, 3, 0) == ALLOWED
    assert judge(machine, number, 16, 3, 9) == refused(errno.EAFNOSUPPORT)
    assert judge(machine, number, 40, 1, 0) == refused(errno.EAFNOSUPPORT)
    pair = seccomp.SOCKETPAIR[column(machine)]
    assert {family for family in range(64) if judge(machine, pair, family) == ALLOWED} == {1}


@pytest.mark.parametrize("machine", MACHINES)
def test_the_upper_half_of_an_argument_hides_nothing(machine: seccomp.Machine) -> None:
    """The kernel looks at the lower 32 bits of these arguments, and so does the filter."""
    high = 1 << 32
    assert judge(machine, seccomp.SOCKET[column(machine)], high | 40) == refused(errno.EAFNOSUPPORT)
    assert judge(machine, seccomp.IOCTL[column(machine)], 0, high | 0x5412) == refused(errno.EPERM)


@pytest.mark.parametrize("machine", MACHINES)
def test_terminals_take_no_typing(machine: seccomp.Machine) -> None:
    """TIOCSTI, TIOCLINUX and TIOCSETD are refused; asking for the window size is not."""
    number = seccomp.IOCTL[column(machine)]
    assert {judge(machine, number, 0, request) for request in (0x5412, 0x541C, 0x5423)} == {
        refused(errno.EPERM)
    }
    assert judge(machine, number, 0, 0x5413) == ALLOWED


@pytest.mark.parametrize("machine", MACHINES)
def test_a_younger_call_looks_absent(machine: seccomp.Machine) -> None:
    """What nobody has looked at yet answers ENOSYS, as on a kernel that lacks it."""
    assert {judge(machine, number) for number in range(463, 600)} == {refused(errno.ENOSYS)}


@pytest.mark.parametrize("machine", MACHINES)
def test_personality_stays_linux(machine: seccomp.Machine) -> None:
    """Asking is allowed; switching address randomisation off or another system's manners on is not."""
    number = seccomp.PERSONALITY[column(machine)]
    assert judge(machine, number, 0) == judge(machine, number, 0xFFFFFFFF) == ALLOWED
    assert judge(machine, number, 0x40000) == judge(machine, number, 8) == refused(errno.EPERM)


def test_the_numbers_are_the_kernels() -> None:
    """Each number of the table is the one in the kernel's own headers."""
    headers = ["/usr/include/x86_64-linux-gnu/asm/unistd_64.h", "/usr/include/asm-generic/unistd.h"]
    if not all(Path(header).exists() for header in headers):
        pytest.skip("the kernel's headers for both architectures are not installed")
    special = {
        "socket": seccomp.SOCKET,
        "socketpair": seccomp.SOCKETPAIR,
        "clone": seccomp.CLONE,
        "clone3": seccomp.CLONE3,
        "ioctl": seccomp.IOCTL,
        "personality": seccomp.PERSONALITY,
    }
    for place, header in enumerate(headers):
        text = Path(header).read_text()
        numbers = {name: int(n) for name, n in re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", text)}
        for name, both in {**seccomp.REFUSED, **special}.items():
            assert numbers.get(name) == both[place], name


# Each line prints one attempt's error; ctypes reports it negated.
REAL = """
import ctypes, errno, socket
libc = ctypes.CDLL(None, use_errno=True)
def call(name, number, *arguments):
    result = libc.syscall(number, *arguments)
    print(name, errno.errorcode.get(ctypes.get_errno(), '?') if result < 0 else 'ALLOWED')
def family(name, *arguments):
    try:
        socket.socket(*arguments).close()
        print(name, 'ALLOWED')
    except OSError as fault:
        print(name, errno.errorcode[fault.errno])
for name, number in NUMBERS.items():
    call(name, number, 0, 0, 0, 0, 0)
family('vsock', 40, 1)
family('alg', 38, 5)
family('packet', 17, 3)
family('audit', 16, 3, 9)
family('inet', 2, 1)
family('unix', 1, 1)
"""


async def test_the_real_kernel_refuses_what_the_filter_names(sandbox: Sandbox, workspace: Path) -> None:
    """Every refused call, made for real, fails with EPERM; sockets of other families do not exist."""
    machine = column("aarch64" if platform.machine() == "aarch64" else "x86_64")
    numbers = {name: both[machine] for name, both in seccomp.REFUSED.items() if both[machine] is not None}
    outcome = await sandbox.run(
        ["python3", "-c", REAL.replace("NUMBERS", repr(numbers))], workspace=workspace, merge_stderr=True
    )
    answers = dict(line.split(" ", 1) for line in outcome.stdout.splitlines())
    assert {name: answers.pop(name) for name in numbers} == dict.fromkeys(numbers, "EPERM")
    assert answers == {
        "vsock": "EAFNOSUPPORT",
        "alg": "EAFNOSUPPORT",
        "packet": "EAFNOSUPPORT",
        "audit": "EAFNOSUPPORT",
        "inet": "ALLOWED",
        "unix": "ALLOWED",
    }


async def test_32_bit_code_cannot_make_a_call(sandbox: Sandbox, workspace: Path) -> None:
    """`int 0x80` on x86_64 is another architecture's door: the process dies before anything happens."""
    if platform.machine() != "x86_64":
        pytest.skip("the instruction is x86's")
    code = "b8 14 00 00 00 cd 80 c3"  # mov eax, 20 (getpid); int 0x80; ret
    script = (
        "import ctypes, mmap\n"
        "page = mmap.mmap(-1, 4096, prot=7)\n"
        f"page.write(bytes.fromhex('{code}'))\n"
        "start = ctypes.addressof(ctypes.c_char.from_buffer(page))\n"
        "print('before', flush=True)\n"
        "print('after', ctypes.CFUNCTYPE(ctypes.c_int)(start)())\n"
    )
    outcome = await sandbox.run(["python3", "-c", script], workspace=workspace)
    assert outcome.stdout == "before\n"
    assert outcome.exit_code == 128 + 31
