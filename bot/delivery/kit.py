"""The pieces of Block Kit that our messages are made of.

Limits: https://docs.slack.dev/reference/block-kit/blocks (3,000 characters of text in a section, 2,000 in a
context's element, 25 elements in actions), …/block-elements/button-element (75 characters on a button, 2,000
in its value), https://docs.slack.dev/reference/methods/chat.update (4,000 characters of fallback text).
"""

import re
from collections.abc import Sequence
from typing import Any, Literal

from bot.delivery.mrkdwn import cut, fitted, from_markdown, inert
from bot.reports.visible import revealed

Block = dict[str, Any]
Payload = dict[str, Any]

SECTION_CHARS = 2_900
CONTEXT_CHARS = 1_900
FALLBACK_CHARS = 300
NOTE_CHARS = 3_900
NAME_CHARS = 200
BUTTON_CHARS = 75
VALUE_CHARS = 2_000
BUTTONS = 25
PERSON = re.compile(r"[UW][A-Z0-9]+")  # ids of people, as addresses and in mentions
CHANNEL = re.compile(r"[CG][A-Z0-9]+")  # ids of channels that have more than two members


def payload(text: str, blocks: Sequence[Block]) -> Payload:
    """One message: `text` is plain, and what a notification shows of it."""
    return {"text": fallback(text), "blocks": list(blocks)}


def note(markdown: str) -> Payload:
    """A message without blocks, of the little Markdown that our own replies use."""
    text, room = revealed(markdown), NOTE_CHARS
    while len(shown := from_markdown(cut(text, room))) > NOTE_CHARS:
        room = room * NOTE_CHARS // len(shown)
    return {"text": shown or "…"}


def fallback(text: str) -> str:
    """Plain text as what a notification shows."""
    return inert(cut(revealed(text), FALLBACK_CHARS))


def section(mrkdwn: str) -> Block:
    """A paragraph, which Slack is not to fold."""
    return {"type": "section", "text": {"type": "mrkdwn", "text": mrkdwn}, "expand": True}


def context(mrkdwn: str) -> Block:
    """Small print."""
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": cut(mrkdwn, CONTEXT_CHARS)}]}


def actions(buttons: Sequence[Block]) -> Block:
    """A row of buttons."""
    return {"type": "actions", "elements": list(buttons[:BUTTONS])}


def button(label: str, command: str, action_id: str, style: Literal["", "primary", "danger"] = "") -> Block:
    """A button that stands for a command.

    Args:
        label: Plain text.
        command: What it does, in the grammar's words.
        action_id: `do:…` runs the command, `why:…` asks for a reason first and appends it.
        style: Green, red, or neither.
    """
    text = {"type": "plain_text", "text": cut(revealed(label), BUTTON_CHARS), "emoji": False}
    made: Block = {"type": "button", "text": text, "action_id": action_id, "value": command[:VALUE_CHARS]}
    return made | {"style": style} if style else made


def name(text: str) -> str:
    """A name, a title or another short text of people's as mrkdwn, in one line."""
    return inert(cut(" ".join(revealed(text).split()), NAME_CHARS))


def prose(text: str, chars: int) -> str:
    """Plain text of people's as mrkdwn of at most so many characters."""
    return fitted(revealed(text).strip(), chars)
