"""Kept files."""

import hashlib
import stat
from pathlib import Path

import pytest

from bot.artifacts import Artifacts
from bot.errors import Permanent


@pytest.fixture
def artifacts(tmp_path: Path) -> Artifacts:
    return Artifacts(tmp_path / "deep" / "artifacts")


def test_what_is_kept_is_read_back(artifacts: Artifacts) -> None:
    """A kept file is told of with its size and hash, and read as it was."""
    saved = artifacts.save("T-1", "a.pdf", b"%PDF\0", "application/pdf", "report")
    assert saved.model_dump(exclude={"v", "kind"}) == {
        "name": "a.pdf",
        "purpose": "report",
        "media_type": "application/pdf",
        "size": 5,
        "sha256": hashlib.sha256(b"%PDF\0").hexdigest(),
    }
    assert artifacts.read("T-1", saved) == b"%PDF\0"
    assert artifacts.path("T-1", "a.pdf").read_bytes() == b"%PDF\0"


def test_a_file_is_replaced_as_a_whole(artifacts: Artifacts) -> None:
    """The second file of a name takes the place of the first; nothing half-written stays beside it."""
    first = artifacts.save("T-1", "a", b"first, longer", "text/plain", "file")
    second = artifacts.save("T-1", "a", b"second", "text/plain", "file")
    assert artifacts.read("T-1", second) == b"second"
    with pytest.raises(Permanent, match="is not the file that was kept"):
        artifacts.read("T-1", first)
    assert [path.name for path in artifacts.path("T-1", "a").parent.iterdir()] == ["a"]


def test_tasks_do_not_share_files(artifacts: Artifacts) -> None:
    """The same name in two tasks is two files."""
    one = artifacts.save("T-1", "a", b"one", "text/plain", "file")
    two = artifacts.save("T-2", "a", b"two", "text/plain", "file")
    assert (artifacts.read("T-1", one), artifacts.read("T-2", two)) == (b"one", b"two")


def test_only_the_bot_looks_in(artifacts: Artifacts) -> None:
    """The folder of all of them is closed to everyone else."""
    root = artifacts.path("T-1", "a").parents[1]
    assert stat.S_IMODE(root.stat().st_mode) == 0o700


@pytest.mark.parametrize("content", [b"", b"Kept", b"kept "])
def test_a_file_that_was_changed_is_refused(artifacts: Artifacts, content: bytes) -> None:
    """What is not byte for byte what was kept is never handed out, and trying again is useless."""
    saved = artifacts.save("T-1", "a", b"kept", "text/plain", "file")
    artifacts.path("T-1", "a").write_bytes(content)
    with pytest.raises(Permanent, match=r"a of T-1 is not the file that was kept\."):
        artifacts.read("T-1", saved)


def test_a_file_that_is_gone_says_so(artifacts: Artifacts) -> None:
    """A file that is gone, or no file any more, is a final no with its reason."""
    saved = artifacts.save("T-1", "a", b"kept", "text/plain", "file")
    path = artifacts.path("T-1", "a")
    path.unlink()
    with pytest.raises(Permanent, match=r"a of T-1 cannot be read: No such file or directory\."):
        artifacts.read("T-1", saved)
    path.mkdir()
    with pytest.raises(Permanent, match="cannot be read: Is a directory"):
        artifacts.read("T-1", saved)
