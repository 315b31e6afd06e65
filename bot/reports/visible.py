"""Text without tricks: what would be unseen, or would change how other text is seen, is spelled out."""

import re
import unicodedata

_LINE_ENDS = re.compile(r"\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")
# Controls other than line end and tab, marks and overrides of direction (CVE-2021-42574), and tag characters.
_TRICKS = re.compile(
    r"[\x00-\x08\x0e-\x1b\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]"
)

_UNSEEN = {"Cf", "Zs", "Zl", "Zp"}  # format characters, and spaces that are not what they seem
# Letters and marks that are drawn as nothing (Default_Ignorable_Code_Point), and the blank of Braille.
_BLANK = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufff8"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


def revealed(text: str) -> str:
    r"""The text with `\n` for every kind of line end and `U+XXXX` for every control character."""
    return _TRICKS.sub(lambda found: code(found[0]), _LINE_ENDS.sub("\n", text))


def exact(text: str) -> str:
    """The text as `revealed` has it, with nothing in it that a reader could miss: what is to be approved."""
    shown = revealed(text)
    unseen = {char for char in set(shown) if _is_unseen(char)}
    return shown.translate({ord(char): code(char) for char in unseen})


def _is_unseen(char: str) -> bool:
    return char not in " \n" and (unicodedata.category(char) in _UNSEEN or bool(_BLANK.match(char)))


def code(char: str) -> str:
    """A character's code point: `U+202E`."""
    return f"U+{ord(char):04X}"
