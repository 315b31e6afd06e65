"""The second filter, read by a small BPF interpreter for both architectures."""

import errno
import re
from pathlib import Path

import pytest

from bot.sandbox import seccomp, second_filter
from tests.fakes import bpf

MACHINES = list(seccomp.AUDIT_ARCH)
HIGH = 1 << 32
ALL = {
    **second_filter.REFUSED,
    **second_filter.UNSUPPORTED,
    **second_filter.OF_ONESELF,
    **second_filter.PRIORITIES,
    **second_filter.ATTENDED,
}


def refused(code: int) -> int:
    return 0x00050000 | code


def judge(machine: seccomp.Machine, name: str, *arguments: int) -> int | None:
    """What the filter answers; None where the machine lacks that call."""
    number = (ALL | {"socketpair": seccomp.SOCKETPAIR})[name][MACHINES.index(machine)]
    program = second_filter.program(machine)
    return None if number is None else bpf.judge(program, machine, number, *arguments)


@pytest.mark.parametrize("machine", MACHINES)
def test_each_call_has_its_answer(machine: seccomp.Machine) -> None:
    """Refused, unknown, attended by the guard: as the tables say, whatever the arguments are."""
    for names, answer in (
        (second_filter.REFUSED, refused(errno.EPERM)),
        (second_filter.UNSUPPORTED, refused(errno.EOPNOTSUPP)),
        (second_filter.ATTENDED, second_filter.NOTIFY),
    ):
        for name in names:
            assert {judge(machine, name, value, value) for value in (0, 1, HIGH)} <= {answer, None}, name
    assert bpf.judge(second_filter.program(machine), machine, 452) == refused(errno.ENOSYS)


@pytest.mark.parametrize("machine", MACHINES)
def test_whatever_is_not_named_is_left_to_the_first_filter(machine: seccomp.Machine) -> None:
    """Reading, writing, opening, starting and ending go on."""
    ordinary = {"x86_64": (0, 1, 9, 56, 59, 60, 231, 257, 262), "aarch64": (63, 64, 222, 221, 93, 94, 56, 79)}
    program = second_filter.program(machine)
    assert {bpf.judge(program, machine, number) for number in ordinary[machine]} == {seccomp.ALLOW}


@pytest.mark.parametrize("machine", MACHINES)
def test_only_the_caller_is_steered(machine: seccomp.Machine) -> None:
    """Process 0 is oneself; the upper half of a pid is nothing to the kernel."""
    for name in second_filter.OF_ONESELF:
        assert judge(machine, name, 0, 77) == judge(machine, name, HIGH) == seccomp.ALLOW
        assert {judge(machine, name, pid) for pid in (1, 4711, 0xFFFFFFFF)} == {refused(errno.EPERM)}
    for name, kind in second_filter.PROCESS.items():
        assert judge(machine, name, kind, 0) == seccomp.ALLOW
        assert {judge(machine, name, kind, pid) for pid in (1, 0xFFFFFFFF)} == {refused(errno.EPERM)}
        others = {0, 1, 2, 3} - {kind}
        assert {judge(machine, name, other, 0) for other in others} == {refused(errno.EPERM)}


@pytest.mark.parametrize("machine", MACHINES)
def test_a_pair_can_only_speak_to_itself(machine: seccomp.Machine) -> None:
    """Streams and packets pass, with or without flags; datagrams, and what becomes of raw ones, do not."""
    flags = (0, 0x800, 0x80000, 0x80800)
    assert {judge(machine, "socketpair", 1, kind | flag) for kind in (1, 5) for flag in flags} == {
        seccomp.ALLOW
    }
    assert {judge(machine, "socketpair", 1, kind | flag) for kind in (2, 3) for flag in flags} == {
        refused(errno.EPERM)
    }


def test_the_numbers_are_the_kernels() -> None:
    """Each number of the tables is the one in the kernel's own headers."""
    headers = ["/usr/include/x86_64-linux-gnu/asm/unistd_64.h", "/usr/include/asm-generic/unistd.h"]
    if not all(Path(header).exists() for header in headers):
        pytest.skip("the kernel's headers for both architectures are not installed")
    for place, header in enumerate(headers):
        text = Path(header).read_text()
        numbers = {name: int(n) for name, n in re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", text)}
        for name, both in ALL.items():
            if both[place] is not None:
                assert numbers.get(name) == both[place], name
