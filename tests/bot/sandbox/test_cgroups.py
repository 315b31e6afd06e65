"""Groups of the kernel, on the machine's own hierarchies."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bot.sandbox import cgroups, pidfd
from bot.sandbox.cgroups import Groups
from bot.sandbox.terms import Limits

MIB = 1 << 20
HOG = "x = [bytearray(1 << 20) for _ in range(400)]"
CROWD = """
import os, time
started = 0
try:
    while started < 40:
        if not os.fork():
            os.close(1)
            time.sleep(60)
        started += 1
except BlockingIOError:
    print(started)
"""


@pytest.fixture(params=[1, 2])
def groups(request: pytest.FixtureRequest) -> Groups:
    """Where this machine lets us make groups, of either version."""
    found = cgroups.find()
    if found is None or found.version != request.param:
        pytest.skip(f"no cgroup of version {request.param} with memory and pids is delegated to this process")
    return found


def run(groups: Groups, limits: Limits, script: str) -> tuple["subprocess.CompletedProcess[str]", bool]:
    """Run Python in a group of its own: how it went, and whether the kernel killed it for want of memory."""
    group = groups.make(limits)
    wait = "import sys; sys.stdin.readline();"
    process = subprocess.Popen(
        [sys.executable, "-c", wait + script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        group.take_in(process.pid)
        said, _ = process.communicate("\n", timeout=30)
        starved = group.starved()
    finally:
        for member in map(pidfd.open_process, _members(groups)):
            pidfd.send_kill(member)
            assert pidfd.wait_dead(member, 10)
            os.close(member)
        process.wait()
    group.remove()
    return subprocess.CompletedProcess([], process.returncode, said), starved


def _members(groups: Groups) -> set[int]:
    own = f"legwork-{os.getpid()}-*/cgroup.procs"
    return {
        int(pid) for parent in groups.parents for file in parent.glob(own) for pid in file.read_text().split()
    }


def test_memory_is_held_by_the_kernel(groups: Groups) -> None:
    """What needs more than the limit is killed, and the group knows why."""
    killed, starved = run(groups, Limits(memory_bytes=100 * MIB), HOG)
    assert killed.returncode == -9
    assert starved


def test_what_keeps_to_its_limit_is_left_alone(groups: Groups) -> None:
    """The same with room for it ends by itself."""
    ended, starved = run(groups, Limits(memory_bytes=800 * MIB), HOG)
    assert ended.returncode == 0
    assert not starved


def test_processes_are_held_by_the_kernel(groups: Groups) -> None:
    """No more than the limit can be started, whoever starts them; four are bubblewrap's."""
    crowd, _ = run(groups, Limits(processes=10), CROWD)
    assert int(crowd.stdout) == 10 + 4 - 1


def test_nothing_is_left(groups: Groups) -> None:
    """A group is gone after its sandbox, and those of dead processes are swept up with the next start."""
    run(groups, Limits(), "")
    dead = subprocess.Popen(["true"])
    dead.wait()
    for parent in groups.parents:
        (parent / f"legwork-{dead.pid}-1-1").mkdir()
    groups.sweep()
    left = [path for parent in groups.parents for path in parent.glob(f"legwork-{os.getpid()}-*")]
    left += [path for parent in groups.parents for path in parent.glob(f"legwork-{dead.pid}-*")]
    assert left == []


def test_groups_of_living_processes_are_not_swept_up(groups: Groups) -> None:
    """Another bot's group is left to it, though nothing is in it yet."""
    group = groups.make(Limits())
    try:
        groups.sweep()
        assert all(any(parent.glob(f"legwork-{os.getpid()}-*")) for parent in groups.parents)
    finally:
        group.remove()


def test_a_machine_without_groups_has_none(tmp_path: Path) -> None:
    """Where nothing is mounted or ours, none are found, and nothing fails."""
    assert cgroups.find(tmp_path) is None
    (tmp_path / "mounts").write_text(f"cgroup2 {tmp_path} cgroup2 rw 0 0\n")
    (tmp_path / "cgroup").write_text("0::/\n")
    assert cgroups.find(tmp_path) is None
    assert {path.name for path in tmp_path.iterdir()} == {"mounts", "cgroup"}
