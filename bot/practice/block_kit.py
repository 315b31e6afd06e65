"""The judge of Block Kit: refuses what Slack refuses, in Slack's words.

Limits: https://docs.slack.dev/reference/block-kit/blocks and /composition-objects. Where the documentation is
silent, what people measured holds: Slack takes a `markdown` block apart into a block for each heading, each
rule and each text between them, and counts those against the limit of 50; and it answers
`msg_blocks_too_long` when all text in a message's blocks comes to somewhat more than 12,000 characters
(slackapi/bolt-js#2509, #2867). Only blocks that the room can show are known to it.
"""

import re
import secrets
from collections.abc import Callable, Iterator
from typing import Any

from bot.practice.model import ApiError, Json

MAX_BLOCKS = 50
MAX_TEXT_OF_ALL = 12_000
Problems = Iterator[str]

_HEADING = re.compile(r"#{1,6}\s")
_RULE = re.compile(r"(-{3,}|\*{3,}|_{3,})$")
_LINK = re.compile(r"https?://\S+$")


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
    problems = [
        problem for index, block in enumerate(blocks) for problem in _block(block, f"/blocks/{index}")
    ]
    ids = [block["block_id"] for block in blocks if isinstance(block, dict) and block.get("block_id")]
    if len({str(id_) for id_ in ids}) < len(ids):
        problems.append(_say("`block_id` already exists for another block", "/blocks"))
    if sum(map(_expanded, blocks)) > MAX_BLOCKS:
        problems.append(_say(f"no more than {MAX_BLOCKS} items allowed", "/blocks"))
    if problems:
        raise ApiError("invalid_blocks", problems)
    if sum(map(_length, blocks)) > MAX_TEXT_OF_ALL:
        raise ApiError("msg_blocks_too_long")
    return [_kept(block) for block in blocks]


def _say(what: str, at: str) -> str:
    return f"{what} [json-pointer:{at}]"


def _kept(block: Json) -> Json:
    if block["type"] == "markdown":  # its block_id is ignored and not retained
        return {"type": "markdown", "text": block["text"]}
    return {**block, "block_id": block.get("block_id") or secrets.token_urlsafe(4)}


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


def _block(block: Any, at: str) -> Problems:
    if not isinstance(block, dict):
        yield _say("must be an object", at)
    elif not isinstance(block.get("type"), str):
        yield _say("missing required field: type", at)
    elif block["type"] not in _BLOCKS:
        yield _say(f"unsupported type: {block['type']}", f"{at}/type")
    else:
        fields, rule = _BLOCKS[block["type"]]
        yield from _only(block, {"type", "block_id", *fields}, at)
        yield from _string(block, "block_id", at, most=255)
        yield from rule(block, at)


def _only(value: Json, allowed: set[str], at: str) -> Problems:
    for key in value.keys() - allowed:
        yield _say(f"invalid additional property: {key}", at)


def _string(value: Json, key: str, at: str, *, most: int, required: bool = False) -> Problems:
    if key not in value:
        if required:
            yield _say(f"missing required field: {key}", at)
    elif not isinstance(value[key], str):
        yield _say("must be a string", f"{at}/{key}")
    elif required and not value[key]:
        yield _say("must be more than 0 characters", f"{at}/{key}")
    elif len(value[key]) > most:
        yield _say(f"must be less than {most + 1} characters", f"{at}/{key}")


def _text(value: Any, at: str, *, most: int, kinds: tuple[str, ...] = ("mrkdwn", "plain_text")) -> Problems:
    if not isinstance(value, dict):
        yield _say("must be an object", at)
    elif value.get("type") not in kinds:
        yield _say(f"must be one of {', '.join(kinds)}", f"{at}/type")
    else:
        yield from _only(
            value, {"type", "text", "emoji" if value["type"] == "plain_text" else "verbatim"}, at
        )
        yield from _string(value, "text", at, most=most, required=True)


def _several(block: Json, key: str, at: str, *, most: int, rule: Callable[[Any, str], Problems]) -> Problems:
    items = block.get(key)
    if key not in block:
        yield _say(f"missing required field: {key}", at)
    elif not isinstance(items, list):
        yield _say("must be an array", f"{at}/{key}")
    elif not items:
        yield _say("must have at least 1 item", f"{at}/{key}")
    elif len(items) > most:
        yield _say(f"no more than {most} items allowed", f"{at}/{key}")
    else:
        for index, item in enumerate(items):
            yield from rule(item, f"{at}/{key}/{index}")


def _section(block: Json, at: str) -> Problems:
    if "text" not in block and "fields" not in block:
        yield _say("must define either `text` or `fields`", at)
    if "text" in block:
        yield from _text(block["text"], f"{at}/text", most=3000)
    if "fields" in block:
        yield from _several(
            block, "fields", at, most=10, rule=lambda item, here: _text(item, here, most=2000)
        )
    if "accessory" in block:
        yield from _accessory(block["accessory"], f"{at}/accessory")


def _header(block: Json, at: str) -> Problems:
    if "text" not in block:
        yield _say("missing required field: text", at)
    else:
        yield from _text(block["text"], f"{at}/text", most=150, kinds=("plain_text",))


def _divider(_block: Json, _at: str) -> Problems:
    yield from ()


def _markdown(block: Json, at: str) -> Problems:
    yield from _string(block, "text", at, most=12_000, required=True)


def _context(block: Json, at: str) -> Problems:
    def element(item: Any, here: str) -> Problems:
        if isinstance(item, dict) and item.get("type") == "image":
            yield from _picture(item, here)
        else:
            yield from _text(item, here, most=2000)

    yield from _several(block, "elements", at, most=10, rule=element)


def _actions(block: Json, at: str) -> Problems:
    yield from _several(block, "elements", at, most=25, rule=_button)
    ids = [
        e.get("action_id") for e in block.get("elements") or () if isinstance(e, dict) and e.get("action_id")
    ]
    if len({str(id_) for id_ in ids}) < len(ids):
        yield _say("`action_id` already exists for another element", f"{at}/elements")


def _image(block: Json, at: str) -> Problems:
    yield from _picture({key: value for key, value in block.items() if key not in ("block_id", "title")}, at)
    if "title" in block:
        yield from _text(block["title"], f"{at}/title", most=2000, kinds=("plain_text",))


def _picture(item: Json, at: str) -> Problems:
    yield from _only(item, {"type", "image_url", "alt_text"}, at)
    yield from _string(item, "image_url", at, most=3000, required=True)
    yield from _string(item, "alt_text", at, most=2000, required=True)
    if not _LINK.match(str(item.get("image_url", ""))):
        yield _say("must be a valid URL", f"{at}/image_url")


def _accessory(item: Any, at: str) -> Problems:
    if isinstance(item, dict) and item.get("type") == "image":
        yield from _picture(item, at)
    else:
        yield from _button(item, at)


def _button(item: Any, at: str) -> Problems:
    if not isinstance(item, dict):
        yield _say("must be an object", at)
        return
    if item.get("type") != "button":
        yield _say(f"unsupported type: {item.get('type')}", f"{at}/type")
        return
    known = {"type", "text", "action_id", "url", "value", "style", "confirm", "accessibility_label"}
    yield from _only(item, known, at)
    if "text" not in item:
        yield _say("missing required field: text", at)
    else:
        yield from _text(item["text"], f"{at}/text", most=75, kinds=("plain_text",))
    yield from _string(item, "action_id", at, most=255)
    yield from _string(item, "value", at, most=2000)
    yield from _string(item, "url", at, most=3000)
    yield from _string(item, "accessibility_label", at, most=75)
    if item.get("style", "primary") not in ("primary", "danger"):
        yield _say("must be one of primary, danger", f"{at}/style")


_BLOCKS: dict[str, tuple[set[str], Callable[[Json, str], Problems]]] = {
    "section": ({"text", "fields", "accessory", "expand"}, _section),
    "header": ({"text"}, _header),
    "divider": (set(), _divider),
    "markdown": ({"text"}, _markdown),
    "context": ({"elements"}, _context),
    "actions": ({"elements"}, _actions),
    "image": ({"image_url", "alt_text", "title"}, _image),
}
