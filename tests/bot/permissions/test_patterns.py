"""Patterns: what they stand for, how specific they are, and that nobody can make them slow."""

import itertools
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.permissions import patterns

LETTERS = "ab\n"
TEXTS = st.text(LETTERS + "*?\\", max_size=12)
WRITTEN = st.text(LETTERS + "*?\\", max_size=8)
ALL_TEXTS = ["".join(text) for length in range(5) for text in itertools.product("ab", repeat=length)]


def stands_for(pattern: str, text: str) -> bool:
    """What a pattern stands for, told as simply as can be."""
    if not pattern:
        return not text
    first, rest = pattern[0], pattern[1:]
    if first == "*":
        return any(stands_for(rest, text[place:]) for place in range(len(text) + 1))
    if first == "?":
        return bool(text) and stands_for(rest, text[1:])
    if first == "\\" and rest:
        first, rest = rest[0], rest[1:]
    return text[:1] == first and stands_for(rest, text[1:])


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("git push *", "git push origin main", True),
        ("git push *", "git push", False),
        ("git push*", "git push", True),
        ("git push *", "cd x && git push origin", False),
        ("* git push *", "cd x && git push origin", True),
        ("git *", "Git push", False),
        ("git *", "git commit -m 'one\ntwo'", True),
        ("", "anything", True),
        ("", "", True),
        ("*", "", True),
        ("?", "\n", True),
        ("?", "", False),
        ("a*a", "a", False),
        ("*.py", "a.pyc", False),
        ("*.py", "a.py\n", False),
        ("a.c", "abc", False),
        (r"\*", "*", True),
        (r"\*", "x", False),
        (r"what\?", "what?", True),
        (r"a\\b", r"a\b", True),
        (r"\a", "a", True),
        ("a\\", "a\\", True),
        ("[ab]", "a", False),
        ("héllo*", "héllo wörld", True),
    ],
)
def test_a_pattern_is_an_anchored_glob(pattern: str, text: str, *, fits: bool) -> None:
    """`*` is any characters, `?` one, a backslash takes the next as it is, and nothing else is special."""
    assert patterns.read(pattern).matches(text) is fits


@given(WRITTEN, TEXTS)
@example("*a*aa", "aaa")
@example("ab*ba", "aba")
@example("*?*", "")
def test_every_pattern_stands_for_what_the_plain_telling_says(pattern: str, text: str) -> None:
    """The quick way and the simple way agree; only the empty pattern, which is any, is its own case."""
    assert patterns.read(pattern).matches(text) is (not pattern or stands_for(pattern, text))


@given(st.text(max_size=30))
def test_an_escaped_text_stands_for_itself_alone(text: str) -> None:
    """Whatever is written can be named exactly."""
    pattern = patterns.read("".join(f"\\{char}" for char in text) or "\\")
    assert pattern.matches(text or "\\")
    assert not pattern.matches(text + "x")
    assert pattern.literals == max(1, len(text))


@pytest.mark.parametrize(
    ("pattern", "literals"), [("", 0), ("*", 0), ("??*", 0), ("git *", 4), (r"\*\?", 2), ("a\\", 2)]
)
def test_longer_counts_the_characters_that_are_named(pattern: str, literals: int) -> None:
    """What stands for others does not make a pattern more specific."""
    assert patterns.read(pattern).literals == literals


@given(st.text("ab*?", max_size=6), st.text("ab*?", max_size=6))
@example("a*", "*b")
@example("", "?")
def test_patterns_overlap_where_a_text_fits_both(one: str, other: str) -> None:
    """Both ways round; a text that fits both proves it, and short patterns have short texts in common."""
    mine, theirs = patterns.read(one), patterns.read(other)
    shared = any(mine.matches(text) and theirs.matches(text) for text in ALL_TEXTS)
    found = patterns.overlap(one, other)
    assert found is patterns.overlap(other, one)
    if shared:
        assert found
    if found and mine.literals + theirs.literals + (one + other).count("?") <= 4:
        assert shared


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("*a" * 100, "a" * 99 + "b" * 100_000),
        ("*" + "a?" * 98 + "b*", "a" * 100_000),
        ("*" + "a" * 197 + "b*", "a" * 100_000),
        ("*" * 199 + "b", "a" * 100_000),
        ("*?" * 100, "a" * 99),
    ],
)
def test_nobody_can_make_a_pattern_slow(pattern: str, text: str) -> None:
    """The longest command against the worst pattern that can be set: no choice is taken back."""
    read = patterns.Pattern(pattern)
    before = time.process_time()
    assert not read.matches(text)
    assert time.process_time() - before < 1
