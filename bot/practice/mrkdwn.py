"""Slack's own markup to HTML.

Source: https://docs.slack.dev/messaging/formatting-message-text. Only tags made here go out: every piece of
text passes through `html.escape`.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape

from bot.practice.emoji import EMOJI

_ENTITY = re.compile(r"&(amp|lt|gt);")
_PLAIN = {"amp": "&", "lt": "<", "gt": ">"}
SAFE_LINK = re.compile(r"(https?://|mailto:)[^\s]+$", re.IGNORECASE)
_FENCE = re.compile(r"```\n?(.+?)\n?```", re.DOTALL)
_ITEM = re.compile(r"\s*[•◦-]\s+\S")
_QUOTE = re.compile(r"(?:&gt;|>) ?")
_INLINE = re.compile(
    r"`(?P<code>[^`\n]+)`"
    r"|<(?P<control>[^<>\n]+)>"
    r"|(?<![\w*])\*(?=\S)(?P<b>[^*\n]+)(?<=\S)\*(?![\w*])"
    r"|(?<![\w_])_(?=\S)(?P<i>[^_\n]+)(?<=\S)_(?![\w_])"
    r"|(?<![\w~])~(?=\S)(?P<s>[^~\n]+)(?<=\S)~(?![\w~])"
    r"|:(?P<emoji>[a-z0-9_+-]{1,40}):"
    r"|(?P<url>https?://[^\s<>|\"']+[^\s<>|\"'.,:;!?)\]}*_~`])"
)


@dataclass(frozen=True, slots=True)
class Names:
    """What ids are called: people and channels."""

    users: Mapping[str, str]
    channels: Mapping[str, str]


def plain(text: str) -> str:
    """Text without markup, as HTML: the three entities decoded, emoji drawn."""
    return re.sub(r":([a-z0-9_+-]{1,40}):", lambda found: _emoji(found[1]), _escaped(text))


def unmarked(text: str) -> str:
    """Text without its entities, not yet HTML."""
    return _ENTITY.sub(lambda found: _PLAIN[found[1]], text)


def render(text: str, names: Names) -> str:
    """A mrkdwn text as HTML blocks."""
    pieces = _FENCE.split(text)
    out = []
    for index, piece in enumerate(pieces):
        if index % 2:
            out.append(f"<pre>{_escaped(piece)}</pre>")
        elif piece.strip("\n"):
            out.append(_lines(piece.strip("\n").split("\n"), names))
    return "".join(out)


def link(url: str, label: str) -> str:
    """A link that opens elsewhere; only its label where the address is not one that people may follow.

    Args:
        url: The address, entities decoded.
        label: HTML.
    """
    if not SAFE_LINK.match(url):
        return label
    return f'<a href="{escape(url)}" target="_blank" rel="noopener noreferrer">{label}</a>'


def _escaped(text: str) -> str:
    return escape(unmarked(text))


def _emoji(name: str) -> str:
    drawn = EMOJI.get(name)
    return f'<span class="emoji" title=":{escape(name)}:">{drawn}</span>' if drawn else f":{escape(name)}:"


def _lines(lines: list[str], names: Names) -> str:
    """Group lines into quotes, lists and paragraphs."""
    out: list[str] = []
    while lines:
        if _QUOTE.match(lines[0]):
            taken = _taken(lines, _QUOTE.match)
            inner = "<br>".join(_inline(_QUOTE.sub("", line, count=1), names) for line in taken)
            out.append(f"<blockquote>{inner}</blockquote>")
        elif _ITEM.match(lines[0]):
            taken = _taken(lines, _ITEM.match)
            items = "".join(f"<li>{_inline(line.lstrip()[1:].strip(), names)}</li>" for line in taken)
            out.append(f"<ul>{items}</ul>")
        else:
            taken = _taken(lines, lambda line: not _QUOTE.match(line) and not _ITEM.match(line))
            out.append(f"<p>{'<br>'.join(_inline(line, names) for line in taken)}</p>")
    return "".join(out)


def _taken(lines: list[str], belongs: Callable[[str], object]) -> list[str]:
    """Take the leading lines that belong together."""
    count = next((index for index, line in enumerate(lines) if not belongs(line)), len(lines))
    taken = lines[:count]
    del lines[:count]
    return taken


def _inline(text: str, names: Names) -> str:
    out, end = [], 0
    for found in _INLINE.finditer(text):
        out += [_escaped(text[end : found.start()]), _span(found, names)]
        end = found.end()
    return "".join([*out, _escaped(text[end:])])


def _span(found: re.Match[str], names: Names) -> str:
    kind, inner = found.lastgroup or "", found[found.lastgroup or 0]
    match kind:
        case "code":
            return f"<code>{_escaped(inner)}</code>"
        case "control":
            return _control(inner, names)
        case "emoji":
            return _emoji(inner)
        case "url":
            return link(unmarked(inner), _escaped(inner))
        case _:
            return f"<{kind}>{_inline(inner, names)}</{kind}>"


def _control(inner: str, names: Names) -> str:
    """What stands between angle brackets: a mention, a link or a date."""
    target, bar, label = inner.partition("|")
    if target.startswith("@"):
        return _mention(f"@{names.users.get(target[1:], label or target[1:])}")
    if target.startswith("#"):
        return _mention(f"#{names.channels.get(target[1:], label or target[1:])}")
    if target.startswith("!date"):
        return _escaped(label)
    if target.startswith("!"):
        return _mention(f"@{label.removeprefix('@') if label else target[1:]}")
    url = unmarked(target)
    if SAFE_LINK.match(url):
        return link(url, _escaped(label) if bar and label else _escaped(target))
    return _escaped(f"<{inner}>")


def _mention(text: str) -> str:
    return f'<span class="mention">{_escaped(text)}</span>'
