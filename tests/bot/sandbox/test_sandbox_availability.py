"""No sandbox: nothing runs, and the refusal says what is missing and how to mend it."""

import os
import stat
from pathlib import Path

import pytest

from bot.sandbox import Owner, Sandbox, SandboxUnavailable, owner_for_this_process, probe
from bot.sandbox.availability import why_it_failed


def program(path: Path, script: str) -> Path:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


async def refusal(scratch: Path, workspace: Path, owner: Owner | None, bwrap: Path) -> str:
    with pytest.raises(SandboxUnavailable) as caught:
        await Sandbox(scratch, owner, bwrap=bwrap).run(["touch", "ran"], workspace=workspace)
    assert not (workspace / "ran").exists()
    return str(caught.value)


async def test_without_bubblewrap_nothing_runs(
    scratch: Path, workspace: Path, owner: Owner | None, room: Path
) -> None:
    """A missing program is named with the command that installs it."""
    told = await refusal(scratch, workspace, owner, room / "missing")
    assert "apt install bubblewrap" in told
    assert "nothing was run" in told


async def test_a_setuid_bubblewrap_is_refused(
    scratch: Path, workspace: Path, owner: Owner | None, room: Path
) -> None:
    """A setuid one would hand root's rights to whoever finds its next fault."""
    bwrap = program(room / "bwrap", "echo bubblewrap 0.11.0")
    bwrap.chmod(0o755 | stat.S_ISUID)
    assert "chmod u-s" in await refusal(scratch, workspace, owner, bwrap)


@pytest.mark.parametrize(
    ("version", "told"),
    [
        ("bubblewrap 0.7.0", "too old"),
        ("bubblewrap 0.4.1", "too old"),
        ("something else 1.0", "no bubblewrap"),
    ],
)
async def test_an_old_or_strange_bubblewrap_is_refused(
    scratch: Path, workspace: Path, owner: Owner | None, room: Path, version: str, told: str
) -> None:
    """Before 0.8 it cannot forbid nested user namespaces."""
    bwrap = program(room / "bwrap", f"echo {version}")
    assert told in await refusal(scratch, workspace, owner, bwrap)


@pytest.mark.parametrize(
    ("said", "mend"),
    [
        (
            "bwrap: No permissions to create new namespace, likely because …",
            "kernel.unprivileged_userns_clone=1",
        ),
        (
            "bwrap: Creating new namespace failed: Operation not permitted",
            "--security-opt seccomp=unconfined",
        ),
        ("bwrap: setting up uid map: Permission denied", "bwrap-userns-restrict"),
        ("bwrap: loopback: Failed RTM_NEWADDR: Operation not permitted", "bwrap-userns-restrict"),
        ("bwrap: Can't mount proc on /newroot/proc: Operation not permitted", "systempaths=unconfined"),
        ("bwrap: Unknown option --bind-fd", "0.10 or later"),
        ("bwrap: execvp /usr/bin/prlimit: No such file or directory", "apt install util-linux"),
        ("bwrap: something new", "bwrap --ro-bind / / true"),
        ("", "it said nothing"),
    ],
)
async def test_each_refusal_of_the_kernel_says_how_to_mend_it(
    scratch: Path, workspace: Path, owner: Owner | None, room: Path, said: str, mend: str
) -> None:
    """What bubblewrap says when it cannot set up is translated for whoever runs the machine."""
    (room / "said").write_text(said)
    script = f'[ "$1" = --version ] && echo bubblewrap 0.9.0 || {{ cat {room}/said >&2; exit 1; }}'
    bwrap = program(room / "bwrap", script)
    assert mend in await refusal(scratch, workspace, owner, bwrap)
    assert list(scratch.iterdir()) == []


async def test_a_folder_that_the_owner_cannot_pass_is_named(room: Path) -> None:
    """Root's own home is the usual case: the wall is named with the command that opens it."""
    wall = room / "wall"
    wall.mkdir(mode=0o700)
    owner = Owner(64123, 64123)
    assert f"chmod o+x {wall}" in why_it_failed("bwrap: Can't find source path", owner, [wall / "ws"]).mend


async def test_root_finds_the_wall_by_a_real_run(room: Path, owner: Owner | None) -> None:
    """The same through the real bubblewrap."""
    if owner is None:
        pytest.skip("an ordinary user runs the sandbox as itself")
    workspace = room / "wall/ws"
    workspace.mkdir(parents=True)
    workspace.parent.chmod(0o700)
    with pytest.raises(SandboxUnavailable, match=f"chmod o\\+x {workspace.parent}"):
        await Sandbox(room / "scratch", owner).run(["true"], workspace=workspace)


async def test_nothing_ever_runs_as_root(room: Path, workspace: Path) -> None:
    """A root bot without an unprivileged owner gets no sandbox; nor does an ordinary one with another's."""
    wrong = Owner(0, 0) if os.geteuid() == 0 else Owner(os.geteuid() + 1, os.getegid())
    for owner in (wrong, None) if os.geteuid() == 0 else (wrong,):
        with pytest.raises(SandboxUnavailable, match="owner"):
            await Sandbox(room / "scratch", owner).run(["true"], workspace=workspace)


def test_the_owner_is_named_only_where_the_bot_is_root() -> None:
    """Root hands over to the uid it is told; an ordinary user keeps everything."""
    owner = owner_for_this_process(70001, 70002)
    assert owner == (Owner(70001, 70002) if os.geteuid() == 0 else None)


async def test_the_probe_says_what_holds(scratch: Path, owner: Owner | None, sandbox: Sandbox) -> None:
    """A real run on a machine that can: the tier, its version, nothing to mend, nothing left behind."""
    tier = await probe(scratch, owner)
    assert (tier.name, tier.holds, tier.problems) == ("bubblewrap", True, ())
    assert tier.version == (await sandbox.wall()).version
    assert list(scratch.iterdir()) == []


async def test_the_probe_says_what_is_missing(scratch: Path, owner: Owner | None, room: Path) -> None:
    """Where there is no sandbox the tier is none, and what mends it comes along."""
    tier = await probe(scratch, owner, bwrap=room / "missing")
    assert (tier.name, tier.holds, tier.version) == ("none", False, "")
    assert "apt install bubblewrap" in tier.problems[0].mend


async def test_the_probe_copes_with_a_scratch_folder_that_cannot_be(owner: Owner | None, room: Path) -> None:
    """A scratch path that is no folder is a problem to mend, not a crash of the doctor."""
    (room / "file").touch()
    tier = await probe(room / "file", owner)
    assert not tier.holds
    assert "scratch folder" in tier.problems[0].what


async def test_a_scratch_folder_that_cannot_be_is_told(
    workspace: Path, owner: Owner | None, room: Path
) -> None:
    """Where the scratch folders cannot be made, nothing runs and the disk is named as the place to look."""
    (room / "file").touch()
    with pytest.raises(SandboxUnavailable, match="disk"):
        await Sandbox(room / "file", owner).run(["true"], workspace=workspace)
