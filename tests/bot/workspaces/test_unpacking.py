"""Archives that people attach: unpacked whole into a folder of their own, or not at all."""

import asyncio
import bz2
import gzip
import io
import os
import stat
import struct
import tarfile
import tempfile
import zipfile
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import UserMistake
from bot.sandbox import Limits, Owner, Sandbox, SandboxUnavailable, owner_for_this_process
from bot.sandbox.availability import find_bwrap
from bot.workspaces import extraction, names
from bot.workspaces.unpacking import MOST_ARCHIVE_BYTES, Unpacked, folder_name, unpack

MIB = 1 << 20
SECRET = b"CANARY-SECRET"
Unpack = Callable[..., Awaitable[Unpacked]]


@pytest.fixture
def workspace(home: Path) -> Path:
    """A workspace, with a secret beside it."""
    (home / "secret").write_bytes(SECRET)
    path = home / "ws"
    path.mkdir()
    if owner := owner_for_this_process():
        os.chown(path, owner.uid, owner.gid)
    return path


@pytest.fixture
def unpacks(home: Path, workspace: Path) -> Unpack:
    """Unpacks an archive there, in the sandbox."""
    owner: Owner | None = owner_for_this_process()
    try:
        find_bwrap(None, owner)
    except SandboxUnavailable as missing:
        pytest.skip(str(missing))
    sandbox = Sandbox(home / "scratch", owner)

    async def run(archive: bytes, name: str = "sent.tar", **limits: int) -> Unpacked:
        return await unpack(name, archive, workspace=workspace, sandbox=sandbox, limits=Limits(**limits))

    return run


def tar_of(*members: tarfile.TarInfo | tuple[str, bytes], mode: str = "w:", pax: bool = False) -> bytes:
    """A tar of files, given by name and content, and of whatever else is given as it is."""
    written = io.BytesIO()
    form = tarfile.PAX_FORMAT if pax else tarfile.GNU_FORMAT
    with tarfile.open(fileobj=written, mode=mode, format=form) as tar:  # type: ignore[call-overload]  # a mode by name
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                tar.addfile(member)
            else:
                about = tarfile.TarInfo(member[0])
                about.size = len(member[1])
                tar.addfile(about, io.BytesIO(member[1]))
    return written.getvalue()


def special(name: str, kind: bytes, target: str = "", mode: int = 0o777) -> tarfile.TarInfo:
    """A member without content."""
    about = tarfile.TarInfo(name)
    about.type, about.linkname, about.mode = kind, target, mode
    return about


def zip_of(*members: tuple[str | zipfile.ZipInfo, bytes], deflate: bool = True) -> bytes:
    """A zip of files."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED if deflate else zipfile.ZIP_STORED) as packed:
        for about, content in members:
            packed.writestr(about, content)
    return written.getvalue()


def zip_special(name: str, mode: int) -> zipfile.ZipInfo:
    """A member with a mode of Unix."""
    about = zipfile.ZipInfo(name)
    about.external_attr = mode << 16
    return about


def patched(archive: bytes, signature: bytes, at: int, form: str, value: int) -> bytes:
    """A zip whose every header with a signature has another value in a place."""
    changed, start = bytearray(archive), 0
    while (start := archive.find(signature, start)) >= 0:
        struct.pack_into(form, changed, start + at, value)
        start += 4
    return bytes(changed)


LOCAL, CENTRAL = b"PK\3\4", b"PK\1\2"
GOOD = (("docs/a.txt", b"alpha"), ("b c.bin", bytes(range(256))))
TARS = {"w:": "sent.tar", "w:gz": "sent.tar.gz", "w:bz2": "sent.tbz2", "w:xz": "sent.TXZ"}


@pytest.mark.parametrize(("mode", "name"), TARS.items(), ids=TARS.values())
async def test_a_tar_is_unpacked(unpacks: Unpack, workspace: Path, mode: str, name: str) -> None:
    """Whatever it is compressed with; its folder is called after it, and holds what it held."""
    done = await unpacks(tar_of(*GOOD, mode=mode), name)
    assert done == Unpacked("inbox/sent", 2, 5 + 256, (), 0)
    assert {file: (workspace / done.folder / file).read_bytes() for file, _ in GOOD} == dict(GOOD)


@pytest.mark.parametrize("deflate", [True, False], ids=["deflate", "stored"])
async def test_a_zip_is_unpacked(unpacks: Unpack, workspace: Path, *, deflate: bool) -> None:
    """Folders of its own, and folders that are only named in paths."""
    done = await unpacks(zip_of(("empty/", b""), *GOOD, deflate=deflate), "sent.zip")
    assert (done.folder, done.files) == ("inbox/sent", 2)
    assert {path.name for path in (workspace / done.folder).iterdir()} == {"empty", "docs", "b c.bin"}
    assert (workspace / done.folder / "docs/a.txt").read_bytes() == b"alpha"


async def test_nothing_is_replaced(unpacks: Unpack, workspace: Path) -> None:
    """The second of one name goes beside the first, and so does one whose place a link has."""
    first = await unpacks(tar_of(("f", b"one")))
    (workspace / "inbox/sent-2").symlink_to("/")
    second = await unpacks(tar_of(("f", b"two")))
    assert (first.folder, second.folder) == ("inbox/sent", "inbox/sent-3")
    assert (workspace / "inbox/sent/f").read_bytes() == b"one"


async def test_files_are_the_owners_and_run_only_where_they_did(unpacks: Unpack, workspace: Path) -> None:
    """Set-user-id bits and permissions for others to write are not taken over; owners in it mean nothing."""
    tool = special("tool", tarfile.REGTYPE, mode=0o6777)
    plain = special("plain", tarfile.REGTYPE, mode=0o2666)
    tool.uid = plain.uid = 0
    done = await unpacks(tar_of(tool, plain, special("shut", tarfile.DIRTYPE, mode=0o7000)))
    there = {path.name: path.stat() for path in (workspace / done.folder).iterdir()}
    modes = {name: stat.S_IMODE(about.st_mode) for name, about in there.items()}
    assert modes == {"tool": 0o755, "plain": 0o644, "shut": 0o755}
    assert {about.st_uid for about in there.values()} == {workspace.stat().st_uid}


async def test_links_are_left_out_and_named(unpacks: Unpack, workspace: Path) -> None:
    """Honest archives have some, so the rest is unpacked; none is made, wherever it leads."""
    links = [special(f"l{n}", tarfile.SYMTYPE, "/etc/passwd") for n in range(30)]
    done = await unpacks(tar_of(special("hard", tarfile.LNKTYPE, "f"), *links, ("f", b"x")))
    assert (done.files, done.left_out[:2], done.left_out_in_all) == (1, ("'hard'", "'l0'"), 31)
    assert [path.name for path in (workspace / done.folder).iterdir()] == ["f"]
    zipped = await unpacks(zip_of((zip_special("l", stat.S_IFLNK | 0o777), b"/etc/passwd"), ("f", b"x")))
    assert (zipped.files, zipped.left_out) == (1, ("'l'",))


HOSTILE = {
    "up": (tar_of(("ok", b""), ("../x", b"x")), "leads out"),
    "up in the middle": (tar_of(("a/../../x", b"x")), "leads out"),
    "up at the end": (tar_of(("a/..", b"x")), "leads out"),
    "absolute": (tar_of(("/tmp/x", b"x")), "does not start from"),
    "drive": (tar_of(("C:x", b"x")), "does not start from"),
    "backslash": (tar_of(("..\\x", b"x")), "does not start from"),
    "control": (tar_of(("a\x1b[2Jb", b"x")), "cannot be seen"),
    "line end": (tar_of(("a\nb", b"x")), "cannot be seen"),
    "direction": (tar_of(("a\u202eb", b"x")), "cannot be seen"),
    "broken bytes": (tar_of(("a\udcff", b"x")), "cannot be seen"),
    "a file without name": (tar_of((".", b"x")), "twice"),
    "twice": (tar_of(("a", b"x"), ("./a", b"y")), "twice"),
    "below a link": (tar_of(special("a", tarfile.SYMTYPE, "/tmp"), ("a/x", b"x")), "no folder"),
    "below a hard link": (tar_of(special("a", tarfile.LNKTYPE, "b"), ("a/x", b"x")), "no folder"),
    "a link in place of a folder": (tar_of(("a/x", b"x"), special("a", tarfile.SYMTYPE, "/")), "twice"),
    "below a file": (tar_of(("a", b"x"), ("a/x", b"x")), "no folder"),
    "device": (tar_of(special("d", tarfile.BLKTYPE)), "device"),
    "terminal": (tar_of(special("d", tarfile.CHRTYPE)), "device"),
    "pipe": (tar_of(special("p", tarfile.FIFOTYPE)), "pipe"),
    "of no known kind": (tar_of(special("p", b"Z")), "no file"),
    "holes": (tar_of(special("s", tarfile.GNUTYPE_SPARSE)), "holes"),
    "deep": (tar_of(("a/" * 50 + "x", b"x")), "deep"),
    "long": (tar_of(("a" * 256, b"x")), "too long"),
    "long path": (tar_of(("/".join(["a" * 200] * 6), b"x"), pax=True), "too long"),
    "zip up": (zip_of(("ok", b""), ("../x", b"x")), "leads out"),
    "zip absolute": (zip_of(("/tmp/x", b"x")), "does not start from"),
    "zip backslash": (zip_of(("a\\..\\..\\x", b"x")), "does not start from"),
    "zip twice": (zip_of(("a", b"x"), ("a/b", b"x")), "no folder"),
    "zip NUL": (zip_of(("aXb", b"x")).replace(b"aXb", b"a\0b"), "cannot be seen"),
    "zip device": (zip_of((zip_special("d", stat.S_IFCHR | 0o666), b"")), "device"),
    "zip encrypted": (
        patched(patched(zip_of(("a", b"x")), LOCAL, 6, "<H", 1), CENTRAL, 8, "<H", 1),
        "encrypted",
    ),
    "zip bzip2": (patched(zip_of(("a", b"x")), CENTRAL, 10, "<H", 12), "not usual"),
    "zip over each other": (patched(zip_of(("a", b"x" * 99), ("b", b"y")), CENTRAL, 42, "<I", 0), "bomb"),
    "zip behind something": (LOCAL + b"MZ" * 20 + zip_of(("a", b"x")), "bomb"),
    "zip that holds more than it claims": (
        patched(zip_of(("a", bytes(9 * MIB))), CENTRAL, 24, "<I", 10),
        "damaged",
    ),
    "zip that holds less than it claims": (
        patched(zip_of(("a", b"x")), CENTRAL, 24, "<I", 1000),
        "damaged",
    ),
    "zip whose names differ": (zip_of(("aa", b"x")).replace(b"aa", b"bb", 1), "damaged"),
    "torn tar": (tar_of(("a", bytes(9000)))[:5000], "damaged"),
    "torn gzip": (tar_of(("a", os.urandom(9000)), mode="w:gz")[:5000], "damaged"),
    "torn zip": (zip_of(*GOOD)[:-30], "damaged"),
    "tar with a broken header": (
        tar_of(("a", b"x")).rstrip(b"\0").ljust(1024, b"\0") + b"?" * 1024,
        "damaged",
    ),
    "text": (b"hello, world", "no tar"),
    "nothing": (b"", "no tar"),
    "one file in gzip": (gzip.compress(b"hello"), "no tar"),
    "one file in bzip2": (bz2.compress(b"hello"), "no tar"),
    "pretended xz": (b"\xfd7zXZ\0hello", "damaged"),
}


@pytest.mark.parametrize("what", HOSTILE)
async def test_what_no_honest_program_packs_is_refused(
    unpacks: Unpack, workspace: Path, home: Path, what: str
) -> None:
    """Whole, with a sentence that names it; nothing of it stays, and nothing outside is touched."""
    archive, why = HOSTILE[what]
    with pytest.raises(UserMistake, match=why) as refused:
        await unpacks(archive)
    assert str(refused.value).startswith("sent.tar is not unpacked. ")
    assert str(refused.value).isprintable()
    assert not [path for path in workspace.rglob("*") if path.name != "inbox"]
    assert (home / "secret").read_bytes() == SECRET
    assert {path.name for path in home.iterdir()} <= {"secret", "ws", "scratch"}


def bombs() -> Iterator[tuple[str, bytes, str]]:
    """Archives that are much larger than they look."""
    zeros = bytes(extraction.MOST_FILE_BYTES)
    yield "one large file", tar_of(("a", zeros + b"x"), mode="w:gz"), "too much for one file"
    yield "large in all", tar_of(("a", zeros), ("b", zeros), ("c", b"x"), mode="w:gz"), "more than 128 MiB"
    yield "zip, one large file", zip_of(("a", zeros + b"x")), "too much for one file"
    yield "zip, large in all", zip_of(("a", zeros), ("b", zeros), ("c", b"x")), "more than 128 MiB"
    yield "gzip of zeros", gzip.compress(bytes(extraction.MOST_TAR_BYTES + 1), 1), "more than 128 MiB"
    many = [(str(number), b"") for number in range(extraction.MOST_MEMBERS)]
    yield "many files", tar_of(*many, mode="w:gz"), "more than 5,000 files"
    yield "zip, many files", zip_of(*many), "more than 5,000 files"
    folders = [(f"{number}/" * 30 + "f", b"") for number in range(200)]
    yield "folders that only paths name", tar_of(*folders, mode="w:gz"), "more than 5,000 files"


async def test_a_bomb_is_refused(unpacks: Unpack, workspace: Path) -> None:
    """By what its index claims: nothing is written."""
    for _, archive, why in bombs():
        with pytest.raises(UserMistake, match=why):
            await unpacks(archive)
    assert list(workspace.iterdir()) == []


async def test_an_archive_that_keeps_its_reader_busy_is_ended(unpacks: Unpack, workspace: Path) -> None:
    """Headers about headers, which would have no end, are a damaged archive."""
    header = special("a", tarfile.XHDTYPE).tobuf(tarfile.USTAR_FORMAT)
    with pytest.raises(UserMistake, match="damaged"):
        await unpacks(header * 5000)
    assert list(workspace.iterdir()) == []


async def test_a_full_workspace_takes_no_archive(unpacks: Unpack, workspace: Path) -> None:
    """The limits of the workspace hold here too, and what was written before they were met is removed."""
    with pytest.raises(UserMistake, match="more than it may"):
        await unpacks(tar_of(*((str(n), bytes(MIB)) for n in range(60)), mode="w:gz"), disk_bytes=20 * MIB)
    with pytest.raises(UserMistake, match="more than it may"):
        await unpacks(tar_of(*((str(n), b"") for n in range(400))), inodes=200)
    # Ended in the instant between its new name and its answer, a folder that is whole may stay.
    assert {path.name for path in (workspace / "inbox").iterdir()} <= {"sent"}


async def test_a_large_archive_is_not_even_read(unpacks: Unpack) -> None:
    """It is held in memory, so it has a bound of its own."""
    with pytest.raises(UserMistake, match="in parts"):
        await unpacks(bytes(MOST_ARCHIVE_BYTES + 1))


@pytest.mark.parametrize("planted", ["link", "file", "pipe"])
async def test_an_inbox_that_is_no_folder_is_not_gone_through(
    unpacks: Unpack, workspace: Path, planted: str
) -> None:
    """A link there could lead anywhere: the archive is refused."""
    inbox = workspace / "inbox"
    (workspace / "elsewhere").mkdir()
    (workspace / "elsewhere").chmod(0o777)
    if planted == "link":
        inbox.symlink_to("elsewhere")
    elif planted == "file":
        inbox.touch()
    else:
        os.mkfifo(inbox)
    with pytest.raises(UserMistake, match="ordinary folder"):
        await unpacks(tar_of(("f", b"x")))
    assert list((workspace / "elsewhere").iterdir()) == []


async def test_nothing_of_the_workspace_is_imported(unpacks: Unpack, workspace: Path) -> None:
    """The unpacker's Python looks for its modules in its own folders alone."""
    for module in ("json", "tarfile", "zipfile", "sitecustomize", "usercustomize"):
        (workspace / f"{module}.py").write_text("open('/workspace/MARK', 'w')")
    assert (await unpacks(tar_of(("f", b"x")))).files == 1
    assert not (workspace / "MARK").exists()


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("report.tar.gz", "report"),
        ("Bericht März.ZIP", "Bericht März"),
        ("../../etc/cron.d/x.tgz", "x"),
        ("C:\\Users\\x\\data.zip", "data"),
        ("-rf.zip", "rf"),
        (".ssh.tar", "ssh"),
        ("a\nb\x1b[31m\u202ec.zip", "a-b-31m-c"),
        ("..", "archive"),
        (".zip", "archive"),
        ("", "archive"),
        ("x" * 300 + ".zip", "x" * 60),
        ("報告.zip", "報告"),
    ],
)
def test_the_folder_has_a_plain_name(name: str, folder: str) -> None:
    """However hostile the name of an attachment is: no path, no option, no hidden file, no control."""
    assert folder_name(name) == folder


@given(st.text(max_size=80))
def test_any_name_gives_a_folder_that_the_file_tools_can_name(name: str) -> None:
    """It is one name below `inbox/`, and stays as it is."""
    folder = folder_name(name)
    assert names.inside(f"inbox/{folder}") == f"inbox/{folder}"
    assert folder not in (".", "..")
    assert not folder.startswith((".", "-", " "))


def test_the_unpacker_refuses_the_names_that_the_file_tools_refuse() -> None:
    """It imports nothing of the house, and so has its own copy of the rule."""
    for code in range(0x11000):
        assert bool(extraction.UNFIT.search(chr(code))) == (names.shown(chr(code)) != chr(code))


# Fuzzing: the script itself, without the sandbox around it.

PARTS = [
    "..",
    ".",
    "",
    "a",
    "b",
    "inbox",
    "ws",
    "secret",
    "C:",
    "\\",
    "a\\b",
    "\n",
    "é",
    "-rf",
    "~",
    "a" * 256,
]
PATHS = st.one_of(
    st.lists(st.sampled_from(PARTS), min_size=1, max_size=5).map("/".join),
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=12),
    st.sampled_from(["/etc/passwd", "../../secret", "./", "a/./b", "/", "a/"]),
)
KINDS = [
    *(tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE),
    *(tarfile.FIFOTYPE, tarfile.CONTTYPE, tarfile.GNUTYPE_SPARSE, tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE),
]
MEMBERS = st.lists(
    st.tuples(PATHS, st.sampled_from(KINDS), PATHS, st.integers(0, 0o7777), st.binary(max_size=20)),
    min_size=1,
    max_size=6,
)


def unpacked_here(archive: bytes) -> None:
    """Unpack by the script alone, with all rights of this process, and see that it stayed in its place."""
    with tempfile.TemporaryDirectory() as folder:
        outside = Path(folder)
        (outside / "secret").write_bytes(SECRET)
        (outside / "ws").mkdir()
        (outside / "ws/mine").write_bytes(b"mine")
        before = Path.cwd()
        os.chdir(outside / "ws")
        try:
            told = extraction.attempt({"staged": ".staged", "name": "sent"}, archive)
        finally:
            os.chdir(before)
        assert ("why" in told) or told["folder"] == "inbox/sent"
        assert {path.name for path in outside.iterdir()} == {"secret", "ws"}
        assert (outside / "secret").read_bytes() == SECRET
        assert (outside / "ws/mine").read_bytes() == b"mine"
        assert {path.name for path in (outside / "ws").iterdir()} <= {"mine", "inbox"}
        for path in (outside / "ws/inbox").rglob("*"):
            about = path.lstat()
            assert stat.S_ISREG(about.st_mode) or stat.S_ISDIR(about.st_mode)
            assert stat.S_IMODE(about.st_mode) in (0o755, 0o644)
            assert about.st_nlink == 1 or stat.S_ISDIR(about.st_mode)


@given(MEMBERS, st.sampled_from(["w:", "w:gz"]), st.booleans())
def test_no_tar_leaves_its_folder(
    members: list[tuple[str, bytes, str, int, bytes]],
    mode: str,
    pax: bool,  # noqa: FBT001 - hypothesis gives them by place
) -> None:
    """Whatever its members are called and are: files and folders below the fresh folder, or nothing."""
    unpacked_here(
        tar_of(
            *(
                special(name, kind, target, bits) if kind not in tarfile.REGULAR_TYPES else (name, content)
                for name, kind, target, bits, content in members
            ),
            mode=mode,
            pax=pax,
        )
    )


@given(
    st.lists(
        st.tuples(
            PATHS, st.sampled_from([0, stat.S_IFREG, stat.S_IFLNK, stat.S_IFDIR]), st.binary(max_size=20)
        ),
        min_size=1,
        max_size=6,
        unique_by=lambda member: member[0],
    )
)
def test_no_zip_leaves_its_folder(members: list[tuple[str, int, bytes]]) -> None:
    """The same of a zip."""
    unpacked_here(zip_of(*((zip_special(name, kind | 0o6777), content) for name, kind, content in members)))


@given(
    st.sampled_from([tar_of(*GOOD), tar_of(*GOOD, mode="w:gz"), tar_of(*GOOD, pax=True), zip_of(*GOOD)]),
    st.lists(st.tuples(st.integers(0, 11_000), st.integers(0, 255)), min_size=1, max_size=8),
)
def test_no_damage_leaves_the_folder(archive: bytes, changes: list[tuple[int, int]]) -> None:
    """An archive with some bytes changed is unpacked in its place, or refused."""
    damaged = bytearray(archive)
    for place, byte in changes:
        damaged[place % len(damaged)] = byte
    unpacked_here(bytes(damaged))


@given(
    st.sampled_from([b"", b"PK\3\4", b"PK\5\6", b"\x1f\x8b", b"BZh9", b"\xfd7zXZ\0"]), st.binary(max_size=600)
)
def test_no_bytes_break_the_unpacker(magic: bytes, rest: bytes) -> None:
    """Anything at all is an archive, or is refused."""
    unpacked_here(magic + rest)


async def test_several_at_once_have_a_folder_each(unpacks: Unpack, workspace: Path) -> None:
    """Archives of one name that come together are all there."""
    done = await asyncio.gather(*(unpacks(tar_of(("f", str(n).encode()))) for n in range(4)))
    assert sorted(one.folder for one in done) == ["inbox/sent", *(f"inbox/sent-{n}" for n in (2, 3, 4))]
    assert {(workspace / one.folder / "f").read_bytes() for one in done} == {b"0", b"1", b"2", b"3"}
