"""Search the files below a folder: run inside the sandbox, where a slow pattern hurts nobody.

It is given to the sandbox's Python as a script, and imports nothing of the house. It reads what to look for
as JSON from standard input and prints `path:line: text` for each line that matches.
"""

import fnmatch
import json
import os
import re
import stat
import sys
from collections.abc import Iterator

TEXT_BYTES = 16 << 20
LOOKED_AT = 8192  # a NUL among so many bytes, and it is no text
LINE_CHARS = 300
SKIPPED = {".git", ".venv", ".cache", "__pycache__", "node_modules", ".pytest_cache"}


def matches(path: str, pattern: str) -> bool:
    """Whether a pattern stands for a path: `*`, `?` and `[ab]` within a name, `**` for any folders.

    A pattern without a slash is about the name alone. Every part is compared once with every name, so that
    no pattern takes long.
    """
    wanted = pattern.split("/") if "/" in pattern else ["**", pattern]
    reached = _spread({0}, wanted)
    for name in path.split("/"):
        beyond = {
            place if wanted[place] == "**" else place + 1
            for place in reached
            if place < len(wanted) and (wanted[place] == "**" or fnmatch.fnmatchcase(name, wanted[place]))
        }
        reached = _spread(beyond, wanted)
    return len(wanted) in reached


def _spread(places: set[int], wanted: list[str]) -> set[int]:
    """These places of a pattern, and those after a `**` that stands for nothing."""
    spread = set(places)
    for place in range(len(wanted)):
        if place in spread and wanted[place] == "**":
            spread.add(place + 1)
    return spread


def paths(top: str) -> Iterator[str]:
    """The files below a folder, or the file itself; links, caches and version control are left out."""
    if not os.path.isdir(top):  # noqa: PTH112 - quicker than pathlib
        yield top
    for folder, folders, files in os.walk(top):
        folders[:] = sorted(set(folders) - SKIPPED)
        for file in sorted(files):
            yield os.path.relpath(os.path.join(folder, file), ".")  # noqa: PTH118 - the same


def text_of(path: str) -> str:
    """A file as text; empty where it is none, is too large, or cannot be read."""
    try:
        opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return ""
    with open(opened, "rb") as file:  # noqa: PTH123 - a descriptor
        about = os.fstat(opened)
        if not stat.S_ISREG(about.st_mode) or about.st_size > TEXT_BYTES:
            return ""
        content = file.read(TEXT_BYTES)
    return "" if b"\0" in content[:LOOKED_AT] else content.decode("utf-8", "replace")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def main() -> int:
    """Print what is found; 0 if anything was, 1 if nothing was, 2 if the pattern is wrong."""
    wanted = json.load(sys.stdin)
    flags = re.IGNORECASE if wanted["ignore_case"] else 0
    try:
        sought = re.compile(wanted["pattern"] if wanted["regex"] else re.escape(wanted["pattern"]), flags)
    except (re.error, OverflowError, RecursionError) as error:
        _say(f"The pattern is no regular expression of Python: {error}.")
        return 2
    found = 0
    for path in paths(wanted["path"]):
        if not matches(path, wanted["glob"]):
            continue
        shown = path if path.isprintable() else path.encode("unicode_escape").decode()
        for number, line in enumerate(text_of(path).split("\n"), 1):
            if sought.search(line):
                found += 1
                if found > wanted["most"]:
                    _say(f"… more than {wanted['most']} lines match: search for something rarer.")
                    return 0
                _say(f"{shown}:{number}: {line[:LINE_CHARS].rstrip()}")
    return 0 if found else 1


if __name__ == "__main__":
    sys.exit(main())
