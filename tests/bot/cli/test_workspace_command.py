"""`legwork workspace`: the files of a directory, through the tools' own code."""

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from tests.fakes.terminal import REPOSITORY, Ended, Legwork


@pytest.fixture
def workspace(home: Path) -> Path:
    """A directory, with a secret beside it."""
    (home / "secret").write_text("CANARY")
    path = home / "ws"
    path.mkdir()
    return path


async def write(workspace: Path, path: str, content: bytes) -> Ended:
    """`legwork workspace write`, with something to read."""
    home = str(workspace.parent)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "workspace", "write", "--workspace", str(workspace), path),
        env={"PATH": os.environ["PATH"], "LEGWORK_HOME": home, "HOME": home},
        cwd=REPOSITORY,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate(content)
    return Ended(process.returncode or 0, out.decode(), err.decode())


async def test_what_was_written_is_read_and_listed(legwork: Legwork, workspace: Path) -> None:
    """Bytes stay as they are; folders are made."""
    option = ("--workspace", str(workspace))
    wrote = await write(workspace, "a/f.bin", b"\0\xffx\n")
    assert (wrote.code, wrote.out, wrote.err) == (0, "", "")
    assert (workspace / "a" / "f.bin").read_bytes() == b"\0\xffx\n"
    (workspace / "text").write_text("hello\n")
    assert (await legwork("workspace", "read", *option, "text")).out == "hello\n"
    assert (await legwork("workspace", "list", *option)).out.split() == ["a/", "text"]
    listed = await legwork("workspace", "list", *option, "a", "--json")
    assert json.loads(listed.out) == {"path": "a/f.bin", "kind": "file", "size": 4}


async def test_a_refusal_is_a_sentence(legwork: Legwork, workspace: Path) -> None:
    """It ends with 1; nothing of what lies outside is told."""
    (workspace / "link").symlink_to("../secret")
    option = ("--workspace", str(workspace))
    for path, why in (("../secret", "goes up"), ("link", "symbolic link"), ("/etc/passwd", "absolute")):
        ended = await legwork("workspace", "read", *option, path)
        assert (ended.code, ended.out) == (1, "")
        assert why in ended.err
    assert (await write(workspace, "../new", b"x")).code == 1
    assert not (workspace.parent / "new").exists()
    assert (await legwork("workspace", "list", "--workspace", str(workspace / "gone"))).code == 1


async def test_of_a_large_file_the_beginning_is_printed(legwork: Legwork, workspace: Path) -> None:
    """And that there is more of it is said."""
    with (workspace / "zeros").open("wb") as file:
        file.truncate(1 << 30)
    ended = await legwork("workspace", "read", "--workspace", str(workspace), "zeros")
    assert (ended.code, len(ended.out)) == (0, 1 << 20)
    assert "of 1,073,741,824 bytes" in ended.err
