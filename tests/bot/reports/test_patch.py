"""The beginning of a patch, as people read it."""

from hypothesis import given
from hypothesis import strategies as st

from bot.reports.patch import LINE_CHARS, MOST_CHARS, MOST_LINES, excerpt, lines
from bot.workspaces.unified import Budget, Side, section


def patch_of(path: bytes, old: bytes | None, new: bytes | None) -> bytes:
    """A patch of one file."""
    sides = (None if text is None else Side(text) for text in (old, new))
    return section(path, *sides, Budget()).patch


def test_lines_are_told_apart() -> None:
    """A file by its name, where in it, and what came and went; what programs alone need is left out."""
    made = excerpt(b"# Not in this patch:\n" + patch_of(b"a b.txt", b"1\n2\n", b"1\n3"))
    assert [(line.kind, line.text) for line in lines(made.text)] == [
        ("note", "Not in this patch:"),
        ("file", "a b.txt"),
        ("place", "@@ -1,2 +1,2 @@"),
        ("same", " 1"),
        ("removed", "-2"),
        ("added", "+3"),
        ("note", "\\ No newline at end of file"),
    ]


@given(st.text("-+@ ad/b\n#", max_size=40), st.text("-+@ ad/b\n#", max_size=40))
def test_nothing_in_a_file_passes_for_the_patch_itself(old: str, new: str) -> None:
    """Whatever lines a file has, the patch tells of one file, and each of its lines is one of the file's."""
    hostile = "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n"
    told = list(lines(excerpt(patch_of(b"f", (old + hostile).encode(), (hostile + new).encode())).text))
    assert [line.text for line in told if line.kind == "file"] in ([], ["f"])
    for line in told:
        assert line.text.startswith(
            {"added": "+", "removed": "-", "same": " ", "place": "@@ "}.get(line.kind, "")
        )


def test_an_excerpt_is_bounded() -> None:
    """Of many lines the first are shown, of long ones the beginning, and the rest is counted."""
    many = excerpt(patch_of(b"f", None, b"x\n" * 10_000))
    assert len(many.text.split("\n")) == MOST_LINES
    assert many.more == 10_005 - MOST_LINES
    long = excerpt(patch_of(b"f", None, b"x" * 10**6))
    assert max(map(len, long.text.split("\n"))) == LINE_CHARS + 2
    wide = excerpt(patch_of(b"f", None, (b"y" * 1_900 + b"\n") * 400))
    assert len(wide.text) <= MOST_CHARS
    assert excerpt(b"").text == ""


@given(st.binary(max_size=200))
def test_any_bytes_are_read(patch: bytes) -> None:
    """What is no text in a file is no fault."""
    list(lines(excerpt(patch).text))
