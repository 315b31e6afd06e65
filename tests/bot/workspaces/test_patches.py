"""Patches: read as models write them, applied exactly or not at all."""

import difflib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import UserMistake
from bot.workspaces.patches import apply, parse

LINES = st.lists(st.sampled_from(["", "a", "b", " c", "-", "+", "--- x", "+++ y", "@@", "\\"]), max_size=12)


def applied(patch: str, text: str) -> str:
    (section,) = parse(patch)
    return apply(section, text)


def hunk(body: str, head: str = "@@ -1,9 +1,9 @@") -> str:
    return f"--- a/f\n+++ b/f\n{head}\n{body}"


@given(LINES, LINES, st.integers(0, 3))
def test_what_diff_says_is_what_comes_out(old: list[str], new: list[str], context: int) -> None:
    """Whatever the lines look like, a patch made of two texts makes the one of the other."""
    before, after = ("".join(f"{line}\n" for line in lines) for lines in (old, new))
    lines = difflib.unified_diff(old, new, "a/f", "b/f", n=context, lineterm="")
    patch = "".join(f"{line}\n" for line in lines)
    if patch:
        assert applied(patch, before) == after


@pytest.mark.parametrize(
    "head", ["@@ -1,9 +1,9 @@", "@@ -7 +7 @@", "@@ -3,2 +3,3 @@ def f():", "@@ -900,1 +1 @@"]
)
def test_a_hunk_is_found_by_its_lines(head: str) -> None:
    """Wrong numbers do no harm where the lines stand in one place."""
    assert applied(hunk(" c\n-d\n+D\n", head), "a\nb\nc\nd\ne\n") == "a\nb\nc\nD\ne\n"


@pytest.mark.parametrize(
    ("body", "text", "why"),
    [
        ("-x\n+y\n", "a\n", "'x' is not there"),
        (" b\n a\n", "a\nb\n", "do not stand so"),
        ("-a\n+y\n", "b\na\nb\na\n", "several places"),
        ("*a\n", "a\n", "has to be"),
    ],
)
def test_a_hunk_that_does_not_fit_is_refused(body: str, text: str, why: str) -> None:
    """The answer names the line that is missing, or what else is wrong."""
    with pytest.raises(UserMistake, match=why):
        applied(hunk(body), text)


@pytest.mark.parametrize(
    ("patch", "text", "result"),
    [
        ("@@ -1 +1 @@\n-a\n+b\n\\ No newline at end of file\n", "a\n", "b"),
        ("@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n", "a", "b\n"),
        ("@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n\\ No newline at end of file\n", "a", "b"),
        ("@@ -1 +1 @@\n-a\n+b\n", "a", "b"),
        ("@@ -1 +1,2 @@\n a\n+\n", "a\n", "a\n\n"),
    ],
)
def test_the_last_line_end_is_kept_or_changed(patch: str, text: str, result: str) -> None:
    """As the patch says, and where it says nothing, as it was."""
    assert applied(f"--- a/f\n+++ b/f\n{patch}", text) == result


def test_headers_are_read_as_tools_write_them() -> None:
    """With and without git's prefixes, with times, with names that look like them."""
    heads = "--- a/x\t2026-11-21\n+++ b/x\t2026-11-21\n--- src/y\n+++ src/y\n--- a/z\n+++ /dev/null\n"
    assert [(one.old, one.new) for one in parse(heads)] == [("x", "x"), ("src/y", "src/y"), ("z", "")]


@pytest.mark.parametrize(
    "patch",
    [
        "",
        "hello",
        "@@ -1 +1 @@\n-a\n+b\n",
        "--- /dev/null\n+++ /dev/null\n",
        "--- a/../f\n+++ b/../f\n",
        "--- /etc/passwd\n+++ /etc/passwd\n",
        "rename from a\nrename to /etc/b\n",
        "diff --git a/f b/f\nGIT binary patch\n",
    ],
)
def test_what_is_no_patch_is_refused(patch: str) -> None:
    """Nothing, prose, no file, paths that lead elsewhere, binary files."""
    with pytest.raises(UserMistake):
        parse(patch)


@given(st.text(alphabet="-+@ ab/\n\\019,", max_size=300))
def test_no_text_breaks_the_reader(text: str) -> None:
    """It is a patch or a mistake."""
    try:
        sections = parse(f"--- a/f\n+++ b/f\n@@ -1 +1 @@\n{text}")
        for section in sections:
            apply(section, "a\nb\n")
    except UserMistake:
        pass
