"""What people type, as Slack hands it on: three characters as entities, mentions and links in brackets.

Sources: https://docs.slack.dev/messaging/formatting-message-text (entities, links, mentions) and
https://docs.slack.dev/interactivity/implementing-slash-commands ("Escape channels, users, and links"). In
code nothing but the entities is replaced.
"""

import re

from bot.practice.slack import SlackSide

_CODE = re.compile(r"(```.*?```|`[^`\n]+`)", re.DOTALL)
_FOUND = re.compile(
    r"(?P<url>https?://[^\s<>|]*[^\s<>|.,:;!?)\]}'\"*_~`])"
    r"|(?P<mail>[A-Za-z0-9][\w.+-]*@[\w-]+(?:\.[\w-]+)+)"
    r"|(?<![\w./@:-])(?P<site>[a-z0-9](?:[\w.-]*\w)?\.(?:com|org|net|io|dev|sh|py))(?![\w/@:-]|\.\w)"
    r"|(?<![\w@/.])@(?P<user>\w(?:[\w.-]*\w)?)"
    r"|(?<![\w#&/])#(?P<channel>\w(?:[\w-]*\w)?)"
)


def encode(text: str) -> str:
    """The three characters that Slack's markup needs for itself, as entities."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def in_message(slack: SlackSide, text: str) -> str:
    """A message's text: `<@U…>` for a known person or the bot, `<#C…|>` for a known channel, links."""
    return _encoded(slack, text, named=False)


def in_command(slack: SlackSide, text: str) -> str:
    """A slash command's text: the same with names, `<@U…|alice>` and `<#C…|general>`."""
    return _encoded(slack, text, named=True)


def _encoded(slack: SlackSide, text: str, *, named: bool) -> str:
    pieces = _CODE.split(text)
    return "".join(
        encode(piece) if index % 2 else _prose(slack, piece, named=named)
        for index, piece in enumerate(pieces)
    )


def _prose(slack: SlackSide, text: str, *, named: bool) -> str:
    out, end = [], 0
    for found in _FOUND.finditer(text):
        out += [encode(text[end : found.start()]), _replaced(slack, found, named=named)]
        end = found.end()
    return "".join([*out, encode(text[end:])])


def _replaced(slack: SlackSide, found: re.Match[str], *, named: bool) -> str:
    typed = encode(found[0])
    match found.lastgroup:
        case "url":
            return f"<{typed}>"
        case "mail":
            return f"<mailto:{typed}|{typed}>"
        case "site":
            return f"<http://{typed}|{typed}>"
        case "user":
            for user in slack.users.values():
                if found["user"].lower() == user.name:
                    return f"<@{user.id}|{user.name}>" if named else f"<@{user.id}>"
        case _:
            for channel in slack.channels.values():
                if found["channel"] == channel.name and channel.type == "channel":
                    return f"<#{channel.id}|{channel.name if named else ''}>"
    return typed
