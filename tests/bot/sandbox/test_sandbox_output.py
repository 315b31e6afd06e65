"""What people get to read of a command's output."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.sandbox.output import LONGEST_LINE, HeadAndTail, clean

LARGE = 1 << 18
UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\u061c]")
# Bytes and pieces that mean something to a terminal or to the order and look of text.
PIECES = st.lists(
    st.one_of(
        st.sampled_from(
            [
                "\x1b",
                "[",
                "]",
                "P",
                "_",
                "X",
                "^",
                "\\",
                "m",
                "31",
                ";",
                "\x07",
                "\n",
                "\r",
                "\b",
                "\t",
                "\v",
                "\x18",
            ]
        ),
        st.sampled_from(
            ["\x9b", "\x9d", "\x9c", "\x90", "\x85", "\u2028", "\u202e", "\u2066", "\u061c", "\u00ad"]
        ),
        st.sampled_from(
            ["\u200b", "\u200c", "\u200d", "\ufe0e", "\ufe0f", "\U000e0041", "\U000e0101", "👩", "❤", "ی"]
        ),
        st.text(max_size=3),
    ),
    max_size=40,
).map("".join)


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
        (b"ab\x08\x08XY", "XY"),
        (b"50%\x08\x08\x0860%", "60%"),
        (b"\x08\x08a", "a"),
        (b"one\vtwo\fthree", "one\ntwo\nthree"),
        ("\x9b31mred\x9b0m \x9d0;title\x9cshown \x90q\x9cend".encode(), "red shown end"),
        (b"\x1b]0;no end\nnext \x1bPno end\nnext \x1b_no end", "0;no end\nnext no end\nnext no end"),
        (b"\x1bXstart of string\x1b\\a\x1b^private\x1b\\b\x1b_application\x1b\\c", "abc"),
        (b"\x1b\x1b[0m[31mred", "[31mred"),
        (b"100%\r    \r", "    "),
        (b"text\r\r\nnext", "text\nnext"),
        (
            "family 👨‍👩‍👧 heart ❤️‍🔥 tone 👍🏽 flag 🇩🇪 key 1️⃣".encode(),
            "family 👨‍👩‍👧 heart ❤️‍🔥 tone 👍🏽 flag 🇩🇪 key 1️⃣",
        ),
        ("می‌خواهم क्‍ष שלום عليكم".encode(), "می‌خواهم क्‍ष שלום عليكم"),
        ("pass\u200dword pass\u200cword".encode(), "password password"),
        ("a\ufe0f\ufe0e\ufe0f\ufe0eb\U000e0100\U000e01efc".encode(), "a\ufe0fbc"),
        ("😀\ufe0f\u200d\ufe0f\u200d\ufe0e".encode(), "😀\ufe0f"),
        ("soft\u00adhyphen fill\u3164er".encode(), "softhyphen filler"),
        ("e\u0301 ﬁ\u3000世".encode(), "e\u0301 ﬁ\u3000世"),
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


@given(PIECES)
def test_what_is_clean_stays_as_it_is(printed: str) -> None:
    """Nothing that is dropped uncovers something else to drop: what was cleaned once is clean."""
    shown = clean(printed.encode(errors="replace"))
    assert not UNSEEN.search(shown)
    assert clean(shown.encode()) == shown


@given(
    st.text(
        st.characters(categories=["L", "N", "P", "S"], exclude_characters="\u3164\u115f\u1160\uffa0\ufffc")
    )
)
def test_ordinary_text_survives(text: str) -> None:
    """Letters, digits, signs and symbols of every script are shown as they were printed."""
    assert clean(f"{text} {text}".encode()) == f"{text} {text}"


@given(
    st.lists(
        st.sampled_from(["\x1b]", "\x1bP", "\x1b_", "\x1b[", "\x9d", "\x1b]8;;x", "\x1b[31;"]), max_size=8
    )
)
def test_no_sequence_swallows_the_next_line(begun: list[str]) -> None:
    """Whatever was begun and not ended, the line after it is shown."""
    assert clean(("".join(begun) + "\nshown\n").encode()).endswith("\nshown\n")


def test_hostile_output_takes_no_time() -> None:
    """The work grows with what was printed, whatever that is."""
    began = time.process_time()
    for piece in (
        b"\x1b]",
        b"\x1b[",
        b"\x1b[0;",
        b"\x1bP",
        b"\x08",
        b"a\x08",
        b"\r",
        b"\x1b(",
        "\u200d".encode(),
        "\x90".encode(),
        "\x9d".encode(),
        "\x9da".encode(),
        "\x90\x9d".encode(),
        b"\xff",
    ):
        clean(piece * (LARGE // len(piece)))
        clean(b"\x1b[" + piece[-1:] * LARGE)
    assert time.process_time() - began < 10


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
