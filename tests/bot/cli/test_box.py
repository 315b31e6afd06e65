"""Which folders `sandbox run` gives to the sandbox's user, and which it leaves alone."""

import os
from pathlib import Path

import pytest

from bot.sandbox import owner_for_this_process
from tests.fakes.terminal import Ended, Legwork

OWNER = owner_for_this_process()
pytestmark = pytest.mark.skipif(OWNER is None, reason="an ordinary user's sandbox has that user's own rights")


async def run(legwork: Legwork, workspace: Path) -> Ended:
    return await legwork("sandbox", "run", "--workspace", str(workspace), "--", "sh", "-c", "echo > made")


async def test_roots_own_folder_is_given_alone(legwork: Legwork, home: Path) -> None:
    """A folder that a script made as root can be written to; what lies in it stays root's."""
    for number, kept in enumerate(((), ("kept",))):
        workspace = home / str(number)
        workspace.mkdir(mode=0o700)
        for name in kept:
            (workspace / name).touch()
        ended = await run(legwork, workspace)
        assert (ended.code, ended.err) == (0, "")
        assert OWNER
        assert workspace.stat().st_uid == (workspace / "made").stat().st_uid == OWNER.uid
        assert all((workspace / name).stat().st_uid == 0 for name in kept)


@pytest.mark.parametrize(
    "place", ["/", "/root", "/home", "/etc", "/etc/ssl", "/usr/lib", "/var/lib", "/tmp", "/opt"]
)
async def test_folders_of_the_system_are_refused(legwork: Legwork, place: str) -> None:
    """They are named by mistake, and keep their owner."""
    before = Path(place).stat()
    ended = await run(legwork, Path(place))
    assert ended.code == 1
    assert "is a folder of the system" in ended.err
    after = Path(place).stat()
    assert (before.st_uid, before.st_gid, before.st_mode) == (after.st_uid, after.st_gid, after.st_mode)


async def test_a_link_is_judged_by_where_it_leads(legwork: Legwork, home: Path) -> None:
    """No link leads around the refusal."""
    (home / "ws").symlink_to("/etc")
    ended = await run(legwork, home / "ws")
    assert ended.code == 1
    assert "/etc is a folder of the system" in ended.err


async def test_a_shared_folder_is_refused(legwork: Legwork, home: Path) -> None:
    """The sticky bit says that many people use it."""
    (home / "shared").mkdir()
    (home / "shared").chmod(0o1777)
    assert "of many people" in (await run(legwork, home / "shared")).err


async def test_somebody_elses_folder_is_refused_with_how_to_give_it(legwork: Legwork, home: Path) -> None:
    """Nobody's folder changes hands by being named; given as said, it works."""
    assert OWNER
    workspace = home / "ws"
    workspace.mkdir()
    os.chown(workspace, 12_345, 12_345)
    ended = await run(legwork, workspace)
    assert ended.code == 1
    assert f"chown {OWNER.uid} {workspace}" in ended.err
    assert workspace.stat().st_uid == 12_345
    os.chown(workspace, OWNER.uid, -1)
    assert (await run(legwork, workspace)).code == 0


async def test_a_folder_that_all_may_write_is_left_as_it_is(legwork: Legwork, home: Path) -> None:
    """Where the sandbox's user may write already, nothing is changed."""
    workspace = home / "ws"
    workspace.mkdir()
    workspace.chmod(0o777)
    os.chown(workspace, 12_345, 12_345)
    assert (await run(legwork, workspace)).code == 0
    assert workspace.stat().st_uid == 12_345
