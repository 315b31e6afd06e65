"""Whether a message speaks to the bot, and what it says to it: pure functions over Slack's text.

Source: https://docs.slack.dev/messaging/formatting-message-text#retrieving-messages
"""

import itertools
import re
from dataclasses import dataclass

from handlers.slack.decode import decode

# What somebody quotes or shows they do not say: code, and lines behind `>`, which comes as an entity.
_SHOWN = re.compile(r"```.+?```|`[^`\n]+`|^[ \t]*(?:&gt;&gt;&gt;.*|&gt;[^\n]*)", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Words:
    """What a message says, decoded, without the mentions that make it one to the bot.

    Attributes:
        whole: All of it.
        after: What follows the first such mention; all of it where there is none.
        mentioned: Whether there is one.
    """

    whole: str
    after: str
    mentioned: bool


def read(text: str, bot: str) -> Words:
    """Read a message's text.

    Args:
        text: As Slack sends it.
        bot: The bot's user id.
    """
    said = _SHOWN.sub(lambda match: " " * len(match[0]), text)
    found = list(re.finditer(rf"<@{re.escape(bot)}(?:\|[^<>]*)?>[ \t]*[:,]?[ \t]*", said))
    if not found:
        whole = decode(text).strip()
        return Words(whole, whole, mentioned=False)
    cuts = [(0, 0), *(match.span() for match in found), (len(text), len(text))]
    pieces = [text[end:begin] for (_, end), (begin, _) in itertools.pairwise(cuts)]
    return Words(
        whole=decode("".join(pieces)).strip(), after=decode("".join(pieces[1:])).strip(), mentioned=True
    )
