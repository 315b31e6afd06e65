"""`legwork workspace`: the files of a directory, through the tools' own code."""

import asyncio
import json
import os
import sys
import tarfile
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


def tar(path: Path, *names: str) -> Path:
    """A tar with some files and a link."""
    with tarfile.open(path, "w:gz") as written:
        for name in names:
            written.addfile(tarfile.TarInfo(name))
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        written.addfile(link)
    return path


async def test_an_archive_is_unpacked(legwork: Legwork, workspace: Path) -> None:
    """From the workspace or from elsewhere, into a new folder of `inbox/`; what is left out is said."""
    option = ("--workspace", str(workspace))
    within = tar(workspace / "sent.tgz", "a/f", "g")
    for name in (within.name, str(within), str(tar(workspace.parent / "sent.tgz", "a/f", "g"))):
        ended = await legwork("workspace", "unpack", *option, name)
        if "No sandbox" in ended.err:
            pytest.skip(ended.err)
        assert (ended.code, ended.err) == (0, "Left out, as links are: 'link'\n")
    assert ended.out == "inbox/sent-3/  2 files, no bytes\n"
    assert {path.name for path in (workspace / "inbox").iterdir()} == {"sent", "sent-2", "sent-3"}
    told = json.loads((await legwork("workspace", "unpack", *option, within.name, "--json")).out)
    assert told == {
        "folder": "inbox/sent-4",
        "files": 2,
        "size": 0,
        "left_out": ["'link'"],
        "left_out_in_all": 1,
    }


async def test_a_refused_archive_is_a_sentence(legwork: Legwork, workspace: Path) -> None:
    """It ends with 1, and nothing was written."""
    option = ("--workspace", str(workspace))
    hostile = tar(workspace.parent / "x.tar", "ok", "../out")
    (workspace / "planted.tar").symlink_to(hostile)
    for name, why in (
        (str(hostile), "leads out"),
        ("planted.tar", "symbolic link"),
        (str(workspace / "planted.tar"), "symbolic link"),
        ("../x.tar", "goes up"),
        ("gone.tar", "There is no"),
        (str(workspace.parent / "gone.tar"), "cannot be read"),
        (str(workspace.parent / "secret"), "no tar"),
    ):
        ended = await legwork("workspace", "unpack", *option, name)
        if "No sandbox" in ended.err:
            pytest.skip(ended.err)
        assert (ended.code, ended.out) == (1, "")
        assert why in ended.err
        assert ended.err.count("\n") == 1
    assert not (workspace / "inbox").exists()
