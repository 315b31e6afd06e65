"""The smallest pieces of a command: words, values in quotes, mentions of people."""

import re

from bot.errors import UserMistake

SHOWN_CHARS = 60
# A mention is one word, although the name in it may hold spaces: <@U012ABC|Mel Stone>.
_WORD = re.compile(r"\s*((?:[^\s<]++|<@[^<>\s|]++\|[^<>\n]*+>|<)++)")
_MENTION = re.compile(r"<@([A-Z0-9]++)(?:\|([^<>\n]*+))?>")
# By what opens them. Phones open with curly quotes what they close with straight ones, and the reverse at
# times; only straight ones must match, so that curly ones can stand inside.
_QUOTED = {
    '"': re.compile(r'"((?:[^"\\]++|\\.)*+)(")', re.DOTALL),
    "'": re.compile(r"'((?:[^'\\]++|\\.)*+)(')", re.DOTALL),
    **dict.fromkeys(
        "\u201c\u201d\u201e\u201f",
        re.compile('[\u201c-\u201f]((?:[^\u201c-\u201f"\\\\]++|\\\\.)*+)([\u201c-\u201f"])', re.DOTALL),
    ),
    **dict.fromkeys(
        "\u2018\u2019\u201a\u201b",
        re.compile("[\u2018-\u201b]((?:[^\u2018-\u201b'\\\\]++|\\\\.)*+)([\u2018-\u201b'])", re.DOTALL),
    ),
}
_ESCAPED_QUOTE = re.compile("\\\\([\"'\u2018-\u201f])")


def word(text: str) -> tuple[str, str]:
    """The first word of a text, and what follows it untouched; empty if there is none."""
    match = _WORD.match(text)
    return (match[1], text[match.end() :]) if match else ("", "")


def value(text: str) -> tuple[str, str]:
    r"""The first value of a text, a word or what stands in quotes, and what follows it untouched.

    In quotes `\"` is a quote; any other backslash stays, for patterns have their own use for it.

    Raises:
        UserMistake: The quotes are not closed, or something sticks to them.
    """
    text = text.lstrip()
    quotes = _QUOTED.get(text[:1])
    if quotes is None:
        return word(text)
    match = quotes.match(text)
    if match is None:
        raise UserMistake(f"The quote before `{cut(text[1:])}` is never closed. Close it and send it again.")
    after = text[match.end() :]
    if after and not after[0].isspace():
        raise UserMistake(
            f"Something sticks to the quote after `{cut(match[1])}`: put a space between, "
            'or `\\"` for a quote inside the quotes.'
        )
    return _ESCAPED_QUOTE.sub(r"\1", match[1]), after


def assigned(tail: str) -> tuple[str, str]:
    """The value right behind an `=`, and what follows it; empty where white space stands there.

    Raises:
        UserMistake: Its quotes are not closed, or something sticks to them.
    """
    return value(tail) if tail[:1].strip() else ("", tail)


def mention(text: str) -> tuple[str, str] | None:
    """The Slack id and the name of a word that is a mention; the name is empty where Slack gave none."""
    match = _MENTION.fullmatch(text)
    return (match[1], match[2] or "") if match else None


def readable(text: str) -> str:
    """A text with its mentions as people read them: `@mel`."""
    return _MENTION.sub(lambda match: f"@{match[2] or match[1]}", text) if "<@" in text else text


def cut(text: str) -> str:
    """So much of what was written as a sentence about it can hold, on one line."""
    return " ".join(text[:SHOWN_CHARS].split())
