"""Text that people and models wrote, read into a few harmless shapes.

A task's text and an agent's words are Markdown of a kind, and not to be trusted. Both views of them,
Markdown and PDF, are made from what is read here: paragraphs, list items, code, and within a line bold,
italic, code and web addresses. Everything else (headings, HTML, images, named links, tables) is text and
stays text, so that nobody's words can pass for a part of the report.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

LONGEST_LINE = 4000  # of a line beyond it, nothing is looked at more closely

_FENCE = re.compile(r" {0,3}(?P<fence>`{3,}(?!`)|~{3,}(?!~))(?P<info>[^`]*)$")
_ITEM = re.compile(r"(?P<indent>[ \t]*)(?P<marker>[-*+•]|\d{1,3}[.)])[ \t]+(?P<text>\S.*)$")
_HEADING = re.compile(r" {0,3}#{1,6}[ \t]+(?P<text>.*?)[ \t#]*$")
_TABLE_ROW = re.compile(r"[ \t]*\|.*\|[ \t]*$")
_LANGUAGE = re.compile(r"[A-Za-z0-9_+-]{1,20}")
_URL = r"https?://[^\s<>\"'`|\\^{}\[\]()]*[^\s<>\"'`|\\^{}\[\]().,;:!?*_]"
_INLINE = re.compile(
    rf"""
      `(?P<code>[^`]+)`
    | \[(?P<label>[^\[\]]{{1,300}})\]\((?P<target>{_URL})\)
    | (?P<url>{_URL})
    | (?<!\*)\*\*(?P<bold>[^*\s](?:[^*]*[^*\s])?)\*\*(?!\*)
    | (?<![\w*])\*(?P<star>[^*\s](?:[^*]*[^*\s])?)\*(?![\w*])
    | (?<!\w)_(?P<line>[^_\s](?:[^_]*[^_\s])?)_(?!\w)
    """,
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Words:
    """A stretch of text in one style; `url` is an http address that is shown as it is."""

    text: str
    bold: bool = False
    italic: bool = False
    code: bool = False
    url: str = ""


Line = tuple[Words, ...]


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Lines that belong together; their breaks are kept."""

    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of a list; `marker` is `•` or its number with a dot, `depth` counts from 0."""

    marker: str
    depth: int
    line: Line


@dataclass(frozen=True, slots=True)
class Code:
    """Text that is shown letter by letter."""

    text: str
    language: str = ""


Block = Paragraph | Item | Code


def blocks(text: str) -> Iterator[Block]:
    """Read untrusted text.

    Args:
        text: Anything; it takes time in proportion to its length.
    """
    lines = text.splitlines()
    paragraph: list[Line] = []
    depth = -1
    place = 0
    while place < len(lines):
        line = lines[place]
        special = _special(lines, place, depth)
        if paragraph and (special or not line.strip()):
            yield Paragraph(tuple(paragraph))
            paragraph = []
        if special:
            block, place = special
            depth = block.depth if isinstance(block, Item) else -1
            yield block
            continue
        place += 1
        if line.strip():
            depth = -1
            heading = _HEADING.match(line[:LONGEST_LINE])
            bold = heading is not None
            paragraph.append(tuple(_inline(heading["text"] if heading else line.strip(), bold=bold)))
    if paragraph:
        yield Paragraph(tuple(paragraph))


def _special(lines: list[str], place: int, depth: int) -> tuple[Code | Item, int] | None:
    """The block other than a paragraph that begins at a line, and the line after it."""
    if code := fenced(lines, place):
        return code
    line = lines[place][:LONGEST_LINE]
    if _TABLE_ROW.match(line):
        end = place + 1
        while end < len(lines) and _TABLE_ROW.match(lines[end][:LONGEST_LINE]):
            end += 1
        return (Code("\n".join(lines[place:end])), end) if end > place + 1 else None
    if item := _ITEM.match(line):
        marker = item["marker"][:-1] + "." if item["marker"][0].isdigit() else "•"
        deep = min(len(item["indent"].expandtabs(4)) // 2, depth + 1, 3)
        rest = item["text"] + lines[place][LONGEST_LINE:]
        return Item(marker, max(deep, 0), tuple(_inline(rest))), place + 1
    return None


def fenced(lines: list[str], place: int) -> tuple[Code, int] | None:
    """The fenced code that begins at a line, and the line after it; an open one reaches to the end.

    https://spec.commonmark.org/0.31.2/#fenced-code-blocks
    """
    fence = _FENCE.match(lines[place])
    if fence is None:
        return None
    tick, least = fence["fence"][0], len(fence["fence"])
    end = place + 1
    while end < len(lines) and not _closes(lines[end], tick, least):
        end += 1
    language = _LANGUAGE.match(fence["info"].strip())
    return Code("\n".join(lines[place + 1 : end]), language[0] if language else ""), end + 1


def _closes(line: str, tick: str, least: int) -> bool:
    bare = line.strip(" \t")
    return len(bare) >= least and not bare.strip(tick) and not line.startswith(("    ", "\t"))


def _inline(text: str, *, bold: bool = False) -> Iterator[Words]:
    done = 0
    for found in _INLINE.finditer(text, 0, LONGEST_LINE):
        if found.start() > done:
            yield Words(text[done : found.start()], bold=bold)
        done = found.end()
        match found.lastgroup:
            case "code":
                yield Words(found["code"], code=True, bold=bold)
            case "target":  # the label is shown with its address: neither can lie about the other
                yield Words(f"{found['label']} (", bold=bold)
                yield Words(found["target"], url=found["target"], bold=bold)
                yield Words(")", bold=bold)
            case "url":
                yield Words(found["url"], url=found["url"], bold=bold)
            case "bold":
                yield from _inline(found["bold"], bold=True)
            case "star" | "line" as name:
                yield Words(found[name], italic=True, bold=bold)
    if done < len(text):
        yield Words(text[done:], bold=bold)


def cut(text: str, characters: int, lines: int) -> tuple[str, int]:
    """The beginning of a text.

    Returns:
        What may be shown, and how many characters of it are left out.
    """
    kept = "".join(text[:characters].splitlines(keepends=True)[:lines])
    return kept, len(text) - len(kept)
