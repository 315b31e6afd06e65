"""The elementary rules of Block Kit: each yields a sentence per problem, in Slack's words."""

from collections.abc import Callable, Iterator
from typing import Any

from bot.practice.model import Json

Problems = Iterator[str]


def say(what: str, at: str) -> str:
    """One sentence with its JSON pointer."""
    return f"{what} [json-pointer:{at}]"


def only(value: Json, allowed: set[str], at: str) -> Problems:
    """No property but these."""
    for key in value.keys() - allowed:
        yield say(f"invalid additional property: {key}", at)


def string(value: Json, key: str, at: str, *, most: int, required: bool = False) -> Problems:
    """A string of at most so many characters."""
    if key not in value:
        if required:
            yield say(f"missing required field: {key}", at)
    elif not isinstance(value[key], str):
        yield say("must be a string", f"{at}/{key}")
    elif required and not value[key]:
        yield say("must be more than 0 characters", f"{at}/{key}")
    elif len(value[key]) > most:
        yield say(f"must be less than {most + 1} characters", f"{at}/{key}")


def text(value: Any, at: str, *, most: int, kinds: tuple[str, ...] = ("mrkdwn", "plain_text")) -> Problems:
    """A text object of one of these kinds."""
    if not isinstance(value, dict):
        yield say("must be an object", at)
    elif value.get("type") not in kinds:
        yield say(f"must be one of {', '.join(kinds)}", f"{at}/type")
    else:
        yield from only(value, {"type", "text", "emoji" if value["type"] == "plain_text" else "verbatim"}, at)
        yield from string(value, "text", at, most=most, required=True)


def several(block: Json, key: str, at: str, *, most: int, rule: Callable[[Any, str], Problems]) -> Problems:
    """A list of one to so many items, each after a rule."""
    items = block.get(key)
    if key not in block:
        yield say(f"missing required field: {key}", at)
    elif not isinstance(items, list):
        yield say("must be an array", f"{at}/{key}")
    elif not items:
        yield say("must have at least 1 item", f"{at}/{key}")
    elif len(items) > most:
        yield say(f"no more than {most} items allowed", f"{at}/{key}")
    else:
        for index, item in enumerate(items):
            yield from rule(item, f"{at}/{key}/{index}")


def required_text(
    value: Json, key: str, at: str, *, most: int, kinds: tuple[str, ...] = ("plain_text",)
) -> Problems:
    """A text object that must be there; plain unless told."""
    if key not in value:
        yield say(f"missing required field: {key}", at)
    else:
        yield from text(value[key], f"{at}/{key}", most=most, kinds=kinds)


def number(value: Json, key: str, at: str, *, least: int, most: int) -> Problems:
    """A whole number between two."""
    given = value.get(key, least)
    if not isinstance(given, int) or isinstance(given, bool):
        yield say("must be an integer", f"{at}/{key}")
    elif not least <= given <= most:
        yield say(f"must be from {least} to {most}", f"{at}/{key}")


def flags(value: Json, at: str, *keys: str) -> Problems:
    """Switches: true or false where they are given."""
    for key in keys:
        if not isinstance(value.get(key, False), bool):
            yield say("must be a boolean", f"{at}/{key}")


def unique(items: Any, key: str, at: str, what: str) -> Problems:
    """No two items with the same id."""
    ids = [str(item[key]) for item in items or () if isinstance(item, dict) and item.get(key)]
    if len(set(ids)) < len(ids):
        yield say(f"`{key}` already exists for another {what}", at)
