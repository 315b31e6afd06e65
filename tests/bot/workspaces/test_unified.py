"""Patches: what `git apply` and `patch` make of them is what was there afterwards."""

import contextlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.workspaces import patches
from bot.workspaces.unified import Budget, Side, differing, section

PROGRAMS = {
    "git": ("git", "apply", "--whitespace=nowarn", "-"),
    "patch": ("patch", "--binary", "--no-backup-if-mismatch", "-s", "-f", "-p1"),
}
ENVIRONMENT = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "GIT_CONFIG_GLOBAL": "/dev/null"}

lines = st.sampled_from(
    [b"a\n", b"b\n", b"\n", b"c\r\n", b"-- a\n", b"++ b\n", b"@@ -1 +1 @@\n", b"\xff\x1b[0m\n"]
)
texts = st.builds(
    lambda told, end: b"".join(told) + end, st.lists(lines, max_size=12), st.sampled_from([b"", b"z"])
)
sides = st.none() | st.builds(Side, texts, st.booleans())
letters = st.sampled_from(
    [b"a", b"B", b" ", b"\t", b'"', b"\\", b"\n", b"\xc3\xa9", b"\xff", b"\xe2\x80\xae", b"-", b"+"]
)
names = st.lists(letters, min_size=1, max_size=5).map(b"".join)


def put(root: Path, path: bytes, side: Side | None) -> None:
    """Lay a file down."""
    if side is not None:
        place = root / os.fsdecode(path)
        place.write_bytes(side.text)
        place.chmod(0o755 if side.program else 0o644)


def applied(program: str, path: bytes, old: Side | None, patch: bytes) -> Side | None:
    """What a program makes of a file and a patch of it."""
    with contextlib.ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        put(root, path, old)
        done = subprocess.run(
            PROGRAMS[program], input=patch, cwd=root, env=ENVIRONMENT, capture_output=True, check=False
        )
        assert done.returncode == 0, (done.stdout, done.stderr, patch)
        place = root / os.fsdecode(path)
        if not place.exists():
            return None
        return Side(place.read_bytes(), os.access(place, os.X_OK) and bool(place.stat().st_mode & 0o100))


@settings(max_examples=60, deadline=None)
@given(names, sides, sides)
def test_a_patch_makes_the_new_file_of_the_old(path: bytes, old: Side | None, new: Side | None) -> None:
    """Whatever a file is called and holds: applied to what was there, its patch gives what is there."""
    if old != new:
        assert applied("git", path, old, section(path, old, new, Budget()).patch) == new


@pytest.mark.skipif(shutil.which("patch") is None, reason="GNU patch is not installed")
@settings(max_examples=30, deadline=None)
@given(texts, texts)
def test_gnu_patch_takes_it_too(old: bytes, new: bytes) -> None:
    """The same with `patch -p1`."""
    if old != new and old and new:
        made = section(b"a b.txt", Side(old), Side(new), Budget()).patch
        assert applied("patch", b"a b.txt", Side(old), made) == Side(new)


@given(st.lists(lines, max_size=30), st.lists(lines, max_size=30), st.sampled_from([0, 10, 10_000]))
def test_what_differs_is_all_that_differs(old: list[bytes], new: list[bytes], steps: int) -> None:
    """With the places that differ replaced, the old lines are the new ones, whatever may be spent on it."""
    made, place = [], 0
    for i, j, m, n in differing(old, new, Budget(steps)):
        made += old[place:i] + new[m:n]
        place = j
    assert made + old[place:] == new


def test_our_own_reading_agrees() -> None:
    """The files tool's patch reads what this writes."""
    old = "".join(f"{number}\n" for number in range(40))
    new = old.replace("7\n", "seven\n", 1).replace("33\n", "")
    made = section(b"a/b.txt", Side(old.encode()), Side(new.encode()), Budget())
    (read,) = patches.parse(made.patch.decode())
    assert patches.apply(read, old) == new
    assert (made.added, made.removed) == (1, 2)


def test_a_hostile_pair_ends_soon() -> None:
    """Two texts of many equal lines in another order cost no more than the budget, and the diff is true."""
    old = [b"%d\n" % (number * 7919 % 50) for number in range(20_000)]
    new = [b"%d\n" % (number * 104_729 % 53) for number in range(20_000)]
    budget = Budget(100_000)
    ((i, j, m, n),) = differing(old, new, budget)
    assert old[:i] + new[m:n] + old[j:] == new
    assert budget.steps > -200_000


def test_few_lines_are_told_of_a_small_change() -> None:
    """A line that changes is told with three lines around it, once where changes are near each other."""
    old = b"".join(b"%d\n" % number for number in range(100))
    new = old.replace(b"50\n", b"x\n").replace(b"53\n", b"")
    made = section(b"f", Side(old), Side(new), Budget())
    assert made.patch.count(b"@@ ") == 1
    assert b"@@ -48,10 +48,9 @@" in made.patch
    assert (made.added, made.removed) == (1, 2)
