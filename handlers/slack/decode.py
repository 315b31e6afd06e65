"""Slack's way of writing text, undone.

Source: https://docs.slack.dev/messaging/formatting-message-text#retrieving-messages
"""

import re

_ENTITY = re.compile(r"&(amp|lt|gt);")
_CHARACTERS = {"amp": "&", "lt": "<", "gt": ">"}
_LINK = re.compile(r"<([^<>|\s]+)(?:\|([^<>]*))?>")


def decode(text: str) -> str:
    """What a person typed: links and channels as they read, the three entities as characters.

    People stay as Slack writes them, `<@U012|mel>`: the grammar knows them by their ids. Literal `<` and `>`
    reach us as entities, so that what stands in real ones is always Slack's own.
    """
    return _ENTITY.sub(lambda match: _CHARACTERS[match[1]], _LINK.sub(_written, text))


def _written(match: re.Match[str]) -> str:
    target, label = match[1], match[2]
    if target.startswith("mailto:"):
        return target.removeprefix("mailto:")
    if target[0] == "@":
        return match[0]
    if target[0] == "#":
        return f"#{label}" if label else match[0]
    if target.startswith("!"):
        return label or f"@{target[1:].partition('^')[0]}"
    if label and target in {f"http://{label}", f"https://{label}"}:
        return label  # Slack makes links of `deploy.sh` and `setup.py` too
    return target
