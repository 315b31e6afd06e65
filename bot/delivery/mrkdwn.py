"""Text for Slack in which nothing is live that we did not write ourselves.

Sources: https://docs.slack.dev/messaging/formatting-message-text, https://docs.slack.dev/reference/block-kit/blocks/markdown-block
"""

import re

_LIVE = re.compile(r"<(?=[@#!])")
# Slack takes no escape for its marks. What may be one is shown by its likeness, unless it stands inside a
# word or an address; an invisible joiner parts the name of an emoji.
_MARKS = re.compile(
    r"(?P<kept>https?://[^\s<>|*`'\"]+|(?<=[A-Za-z0-9])[*_~](?=[A-Za-z0-9]))|(?P<mark>[*_~`])"
    r"|:(?=[\w+'-]*[^\W\d_][\w+'-]*:|[+-]1:)"
)
_LIKENESS = {"*": "\u2217", "_": "\u02cd", "~": "\u223c", "`": "\u02cb"}
_CODE = re.compile(r"(?<!`)(?:(```++)(?P<block>.+?)(?<!`)\1|(``?)(?P<span>[^\n]+?)(?<!`)\3)(?!`)", re.DOTALL)
_BOLD = re.compile(r"\*\*(.+?)\*\*")
_OURS = "\0"  # stands for a mark of ours while those of people are made inert
_ITEM = re.compile(r"^- ", re.MULTILINE)


def escape(text: str) -> str:
    """Plain text as mrkdwn: the three characters that Slack reads as control are entities."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def inert(text: str) -> str:
    """Plain text as mrkdwn that reads as it was written: bold, emoji and code of people's look like ours."""

    def dead(found: re.Match[str]) -> str:
        if found["kept"]:
            return found[0]
        return _LIKENESS[found["mark"]] if found["mark"] else ":\u2060"

    return escape(_MARKS.sub(dead, text))


def neutral(markdown: str) -> str:
    """Standard Markdown whose mentions are dead: `<@U1>` and `<!channel>` notify nobody."""
    return _LIVE.sub("<\u2060", markdown)


def code(text: str) -> str:
    """Text as an inline code span, in one line."""
    line = " ".join(text.split()).replace("`", "\u02cb")
    return f"`{escape(line)}`" if line else ""


def fenced(text: str) -> str:
    """Text as a block of code; a fence inside it cannot end it."""
    return "```\n" + escape(text.replace("```", "\u02cb\u02cb\u02cb")) + "\n```"


def cut(text: str, chars: int) -> str:
    """Text cut to a length, with a sign that it was."""
    return text if len(text) <= chars else text[: chars - 1].rstrip() + "…"


def fitted(text: str, chars: int) -> str:
    """Plain text as inert mrkdwn, cut so that it has no more characters than these, entities and all."""
    room = chars
    while len(shown := inert(cut(text, room))) > chars:
        room = room * chars // len(shown)
    return shown


def from_markdown(text: str) -> str:
    """The little Markdown that our own replies use, as mrkdwn: bold, lists; code is left alone.

    Any other mark in it stands in a text of people's, and is inert.
    """

    def plain(part: str) -> str:
        marked = _BOLD.sub(f"{_OURS}\\1{_OURS}", part.replace(_OURS, ""))
        return _ITEM.sub("• ", inert(marked).replace(_OURS, "*"))

    out, end = [], 0
    for match in _CODE.finditer(text):
        shown = code(match["span"]) if match["span"] else fenced(match["block"].strip("\n"))
        out += [plain(text[end : match.start()]), shown]
        end = match.end()
    return "".join([*out, plain(text[end:])])
