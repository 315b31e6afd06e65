"""Text for Slack in which nothing is live that we did not write ourselves.

Sources: https://docs.slack.dev/messaging/formatting-message-text, https://docs.slack.dev/reference/block-kit/blocks/markdown-block
"""

import re

_LIVE = re.compile(r"<(?=[@#!])")
_CODE = re.compile(r"(?<!`)(`++)(.+?)(?<!`)\1(?!`)", re.DOTALL)
_BOLD = re.compile(r"\*\*(.+?)\*\*")
_ITEM = re.compile(r"^- ", re.MULTILINE)


def escape(text: str) -> str:
    """Plain text as mrkdwn: the three characters that Slack reads as control are entities."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


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
    """Plain text as mrkdwn, cut so that it has no more characters than these, entities and all."""
    room = chars
    while len(shown := escape(cut(text, room))) > chars:
        room = room * chars // len(shown)
    return shown


def from_markdown(text: str) -> str:
    """The little Markdown that our own replies use, as mrkdwn: bold, lists; code is left alone."""

    def plain(part: str) -> str:
        part = _BOLD.sub(lambda bold: f"*{bold[1]}*", escape(part))
        return _ITEM.sub("• ", part)

    out, end = [], 0
    for match in _CODE.finditer(text):
        out += [plain(text[end : match.start()]), escape(match[0])]
        end = match.end()
    return "".join([*out, plain(text[end:])])
