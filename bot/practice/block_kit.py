"""The judge of Block Kit: refuses what Slack refuses, in Slack's words.

Limits: https://docs.slack.dev/reference/block-kit/blocks and /composition-objects. Where the documentation is
silent, what people measured holds: Slack takes a `markdown` block apart into a block for each heading, each
rule and each text between them, and counts those against the limit of 50; and it answers
`msg_blocks_too_long` when all text in a message's blocks comes to somewhat more than 12,000 characters
(slackapi/bolt-js#2509, #2867). Only blocks that the room can show are known to it.
"""

import re
import secrets
from collections.abc import Callable
from typing import Any

from bot.practice import elements
from bot.practice.block_rules import Problems, flags, only, required_text, say, several, string, text, unique
from bot.practice.model import ApiError, Json

MAX_BLOCKS = 50
MAX_VIEW_BLOCKS = 100
MAX_TEXT_OF_ALL = 12_000

_HEADING = re.compile(r"#{1,6}\s")
_RULE = re.compile(r"(-{3,}|\*{3,}|_{3,})$")


def check(blocks: Any) -> list[Json]:
    """Check the blocks of one message as Slack does.

    Args:
        blocks: The decoded `blocks` argument.

    Returns:
        The blocks as Slack keeps them, each with a `block_id`.

    Raises:
        ApiError: `invalid_blocks_format`, `invalid_blocks` with a sentence per problem, or
            `msg_blocks_too_long`.
    """
    if not isinstance(blocks, list):
        raise ApiError("invalid_blocks_format")
    problems = list(_all(blocks, "/blocks", except_for="input"))
    if sum(map(_expanded, blocks)) > MAX_BLOCKS:
        problems.append(say(f"no more than {MAX_BLOCKS} items allowed", "/blocks"))
    if problems:
        raise ApiError("invalid_blocks", problems)
    if sum(map(_length, blocks)) > MAX_TEXT_OF_ALL:
        raise ApiError("msg_blocks_too_long")
    return list(map(kept, blocks))


def in_view(blocks: Any, at: str) -> Problems:
    """What is wrong with the blocks of a modal: input blocks are at home there, Markdown is not."""
    if not isinstance(blocks, list):
        yield say("must be an array", at)
        return
    yield from _all(blocks, at, except_for="markdown")
    if len(blocks) > MAX_VIEW_BLOCKS:
        yield say(f"no more than {MAX_VIEW_BLOCKS} items allowed", at)


def kept(block: Json) -> Json:
    """A block as Slack keeps it: with an id, and every element with one."""
    if block["type"] == "markdown":  # its block_id is ignored and not retained
        return {"type": "markdown", "text": block["text"]}
    made = {**block, "block_id": block.get("block_id") or secrets.token_urlsafe(4)}
    for key in ("accessory", "element"):
        if key in made:
            made[key] = _with_id(made[key])
    if made["type"] == "actions":
        made["elements"] = list(map(_with_id, made["elements"]))
    return made


def _with_id(element: Json) -> Json:
    if element["type"] == "image":
        return element
    return {**element, "action_id": element.get("action_id") or secrets.token_urlsafe(4)}


def _all(blocks: list[Any], at: str, *, except_for: str) -> Problems:
    for index, block in enumerate(blocks):
        yield from _block(block, f"{at}/{index}", except_for)
    yield from unique(blocks, "block_id", at, "block")


def _expanded(block: Any) -> int:
    """How many blocks Slack makes of this one."""
    if not isinstance(block, dict) or block.get("type") != "markdown":
        return 1
    count, fenced, in_text = 0, False, False
    for line in str(block.get("text", "")).split("\n"):
        line = line.strip()  # noqa: PLW2901  only the stripped line matters
        fence = line.startswith("```")
        fenced ^= fence
        if not line or (fenced and in_text):
            continue
        alone = not (fenced or fence) and bool(_HEADING.match(line) or _RULE.match(line))
        count += alone or not in_text
        in_text = not alone
    return count


def _length(value: Any) -> int:
    """The characters of all `text` inside a block."""
    if isinstance(value, dict):
        return sum(
            len(inner) if key == "text" and isinstance(inner, str) else _length(inner)
            for key, inner in value.items()
        )
    return sum(map(_length, value)) if isinstance(value, list) else 0


def _block(block: Any, at: str, except_for: str) -> Problems:
    if not isinstance(block, dict):
        yield say("must be an object", at)
    elif not isinstance(block.get("type"), str):
        yield say("missing required field: type", at)
    elif block["type"] not in _BLOCKS or block["type"] == except_for:
        yield say(f"unsupported type: {block['type']}", f"{at}/type")
    else:
        fields, rule = _BLOCKS[block["type"]]
        yield from only(block, {"type", "block_id", *fields}, at)
        yield from string(block, "block_id", at, most=255)
        yield from rule(block, at)


def _section(block: Json, at: str) -> Problems:
    if "text" not in block and "fields" not in block:
        yield say("must define either `text` or `fields`", at)
    if "text" in block:
        yield from text(block["text"], f"{at}/text", most=3000)
    if "fields" in block:
        yield from several(block, "fields", at, most=10, rule=lambda item, here: text(item, here, most=2000))
    if "accessory" in block:
        yield from elements.accessory(block["accessory"], f"{at}/accessory")


def _header(block: Json, at: str) -> Problems:
    yield from required_text(block, "text", at, most=150)


def _divider(_block: Json, _at: str) -> Problems:
    yield from ()


def _markdown(block: Json, at: str) -> Problems:
    yield from string(block, "text", at, most=12_000, required=True)


def _context(block: Json, at: str) -> Problems:
    def element(item: Any, here: str) -> Problems:
        if isinstance(item, dict) and item.get("type") == "image":
            yield from elements.picture(item, here)
        else:
            yield from text(item, here, most=2000)

    yield from several(block, "elements", at, most=10, rule=element)


def _actions(block: Json, at: str) -> Problems:
    yield from several(block, "elements", at, most=25, rule=elements.button)
    yield from unique(block.get("elements"), "action_id", f"{at}/elements", "element")


def _input(block: Json, at: str) -> Problems:
    yield from required_text(block, "label", at, most=2000)
    if "hint" in block:
        yield from text(block["hint"], f"{at}/hint", most=2000, kinds=("plain_text",))
    yield from flags(block, at, "optional", "dispatch_action")
    if "element" in block:
        yield from elements.text_input(block["element"], f"{at}/element")
    else:
        yield say("missing required field: element", at)


def _image(block: Json, at: str) -> Problems:
    yield from elements.picture(
        {key: value for key, value in block.items() if key not in ("block_id", "title")}, at
    )
    if "title" in block:
        yield from text(block["title"], f"{at}/title", most=2000, kinds=("plain_text",))


_BLOCKS: dict[str, tuple[set[str], Callable[[Json, str], Problems]]] = {
    "section": ({"text", "fields", "accessory", "expand"}, _section),
    "header": ({"text"}, _header),
    "divider": (set(), _divider),
    "markdown": ({"text"}, _markdown),
    "context": ({"elements"}, _context),
    "actions": ({"elements"}, _actions),
    "input": ({"label", "element", "hint", "optional", "dispatch_action"}, _input),
    "image": ({"image_url", "alt_text", "title"}, _image),
}
