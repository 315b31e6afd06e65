"""Names below a workspace: which are taken, and how those that a hostile program chose are shown."""

import os
import re

from bot.errors import UserMistake

LONGEST_NAME = 255  # bytes, as most file systems have it
LONGEST_PATH = 4000  # bytes; the kernel takes 4,096 with what stands before it

# Controls, line ends, what turns the direction of text (CVE-2021-42574), bytes that are no UTF-8 (PEP 383).
_UNFIT = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def inside(path: str) -> str:
    """A path below the workspace in its one form: `a/b` for `./a//b`, and empty for the workspace itself.

    Args:
        path: As it was asked for.

    Raises:
        UserMistake: It is none, or leads elsewhere.
    """
    if _UNFIT.search(path):
        raise UserMistake(
            f"The path {shown(path)!r} holds a control character: name files with letters that can be seen."
        )
    if path.startswith("/"):
        raise UserMistake(f"The path {path} is absolute: name it from the workspace's own folder, as in a/b.")
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise UserMistake(f"The path {path} goes up with `..`: name it from the workspace's own folder.")
    joined = "/".join(parts)
    too_long = any(len(os.fsencode(part)) > LONGEST_NAME for part in parts)
    if too_long or len(os.fsencode(joined)) > LONGEST_PATH:
        raise UserMistake(f"The path {path[:60]}… is too long: choose a shorter name.")
    return joined


def shown(name: str) -> str:
    r"""A name with everything in it that cannot be seen spelled out: `\n`, `\x1b`, `\u202e`, `\udcff`."""
    return _UNFIT.sub(lambda found: found[0].encode("unicode_escape").decode(), name)
