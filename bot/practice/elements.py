"""The elements of Block Kit that the room can show.

Limits: https://docs.slack.dev/reference/block-kit/block-elements/button-element, …/plain-text-input-element,
…/image-element and https://docs.slack.dev/reference/block-kit/composition-objects/confirmation-dialog-object.
"""

import re
from typing import Any

from bot.practice.block_rules import Problems, flags, number, only, required_text, say, string, text
from bot.practice.model import Json

MAX_INPUT = 3000
_STYLES = ("primary", "danger")
_LINK = re.compile(r"https?://\S+$")


def picture(item: Json, at: str) -> Problems:
    """An image."""
    yield from only(item, {"type", "image_url", "alt_text"}, at)
    yield from string(item, "image_url", at, most=3000, required=True)
    yield from string(item, "alt_text", at, most=2000, required=True)
    if not _LINK.match(str(item.get("image_url", ""))):
        yield say("must be a valid URL", f"{at}/image_url")


def accessory(item: Any, at: str) -> Problems:
    """What stands beside a section: an image or a button."""
    if isinstance(item, dict) and item.get("type") == "image":
        yield from picture(item, at)
    else:
        yield from button(item, at)


def button(item: Any, at: str) -> Problems:
    """A button."""
    if not isinstance(item, dict):
        yield say("must be an object", at)
        return
    if item.get("type") != "button":
        yield say(f"unsupported type: {item.get('type')}", f"{at}/type")
        return
    known = {"type", "text", "action_id", "url", "value", "style", "confirm", "accessibility_label"}
    yield from only(item, known, at)
    yield from required_text(item, "text", at, most=75)
    yield from string(item, "action_id", at, most=255)
    yield from string(item, "value", at, most=2000)
    yield from string(item, "url", at, most=3000)
    yield from string(item, "accessibility_label", at, most=75)
    yield from _style(item, at)
    if "confirm" in item:
        yield from _confirmation(item["confirm"], f"{at}/confirm")


def text_input(item: Any, at: str) -> Problems:
    """A field for plain text."""
    if not isinstance(item, dict):
        yield say("must be an object", at)
        return
    if item.get("type") != "plain_text_input":
        yield say(f"unsupported type: {item.get('type')}", f"{at}/type")
        return
    lengths = {"min_length", "max_length"}
    known = {"type", "action_id", "initial_value", "multiline", "placeholder", "focus_on_load"}
    yield from only(item, known | lengths | {"dispatch_action_config"}, at)
    yield from string(item, "action_id", at, most=255)
    yield from string(item, "initial_value", at, most=MAX_INPUT)
    yield from flags(item, at, "multiline", "focus_on_load")
    yield from number(item, "min_length", at, least=0, most=MAX_INPUT)
    yield from number(item, "max_length", at, least=1, most=MAX_INPUT)
    if "placeholder" in item:
        yield from text(item["placeholder"], f"{at}/placeholder", most=150, kinds=("plain_text",))


def _confirmation(item: Any, at: str) -> Problems:
    """The question before a button acts."""
    if not isinstance(item, dict):
        yield say("must be an object", at)
        return
    yield from only(item, {"title", "text", "confirm", "deny", "style"}, at)
    yield from required_text(item, "title", at, most=100)
    yield from required_text(item, "text", at, most=300, kinds=("mrkdwn", "plain_text"))
    yield from required_text(item, "confirm", at, most=30)
    yield from required_text(item, "deny", at, most=30)
    yield from _style(item, at)


def _style(item: Json, at: str) -> Problems:
    if item.get("style", _STYLES[0]) not in _STYLES:
        yield say("must be one of primary, danger", f"{at}/style")
