"""What people get to read of a command's output."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.sandbox.output import LONGEST_LINE, HeadAndTail, clean

UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\u061c]")


@pytest.mark.parametrize(
    ("printed", "shown"),
    [
        (b"plain\ttext\n", "plain\ttext\n"),
        ("grüße, 世界 🎉\n".encode(), "grüße, 世界 🎉\n"),
        (b"\x1b[1;31mred\x1b[0m \x1b[?25lx\x1b[2Ky", "red xy"),
        (b"\x1b]8;;http://evil\x07link\x1b]8;;\x1b\\", "link"),
        (b"\x1bPdevice\x1b\\after \x1b(Bset \x1bMup", "after set up"),
        (b"cut off here \x1b[38;5", "cut off here "),
        (b"a\r\nb\r\n", "a\nb\n"),
        (b"10%\r 50%\r100%\n", "100%\n"),
        (b"10%\r50%\r", "50%"),
        (b"N\x08NA\x08AM\x08ME\x08E", "NAME"),
        (b"|\x08/\x08-\x08done", "done"),
        (b"nul\0bell\x07del\x7f", "nulbelldel"),
        ("user\u202egpj.exe\u2066x\u2069".encode(), "usergpj.exex"),
        ("a\u200bb\ufeffc\U000e0041d".encode(), "abcd"),
        (b"\xff\xfeok", "\ufffd\ufffdok"),
        (b"", ""),
    ],
)
def test_output_becomes_plain_text(printed: bytes, shown: str) -> None:
    """Escapes, controls and direction characters go; newline and tab stay; progress shows its last state."""
    assert clean(printed) == shown


@given(st.binary(max_size=400))
def test_any_bytes_become_harmless_text(printed: bytes) -> None:
    """Whatever a program prints, what is shown is valid UTF-8 without anything unseen."""
    shown = clean(printed)
    shown.encode()
    assert not UNSEEN.search(shown)


@given(st.binary(max_size=600), st.integers(1, 64), st.integers(1, 200))
def test_head_and_tail_are_bounded_and_harmless(printed: bytes, kept: int, chunk: int) -> None:
    """However the bytes arrive, what is kept stays within its bound and all bytes are counted."""
    stream = HeadAndTail(kept)
    for start in range(0, len(printed), chunk):
        stream.add(printed[start : start + chunk])
    assert stream.total == len(printed)
    assert len(stream.text()) <= kept + len("\n… [600 bytes dropped] …\n") + 1
    assert not UNSEEN.search(stream.text())


def test_short_output_is_kept_whole() -> None:
    """Nothing is dropped, and no note added, up to the bound."""
    stream = HeadAndTail(10)
    stream.add(b"12345")
    stream.add(b"67890")
    assert stream.text() == "1234567890"


def test_the_middle_is_dropped_with_a_note() -> None:
    """Beginning and end stay, and the note between says how much is missing."""
    stream = HeadAndTail(10)
    stream.add(b"begin" + b"." * 1000 + b"theend")
    assert stream.text() == "begin\n… [1001 bytes dropped] …\nheend"


def test_the_cut_leaves_no_torn_character() -> None:
    """A character that the cut went through is left out on both sides."""
    stream = HeadAndTail(10)
    stream.add("abcé€€€€€€€€€€€€€€€€€€€éabc".encode())
    assert "\ufffd" not in stream.text()


def test_an_overlong_line_is_cut_with_a_note() -> None:
    """One endless line does not fill the reader's screen; its neighbours stay whole."""
    first, cut, last = clean(b"a\n" + b"x" * (LONGEST_LINE + 7) + b"\nb").split("\n")
    assert (first, last) == ("a", "b")
    assert cut == "x" * LONGEST_LINE + "… [7 more characters]"
