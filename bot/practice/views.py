"""Modals: the methods that open and change them, and what Slack lets through.

Sources: https://docs.slack.dev/reference/methods/views.open, …/views.push, …/views.update and
https://docs.slack.dev/reference/views/modal-views (the schema and its limits).
"""

import json
import secrets
import time
from collections.abc import Callable
from typing import Any

from bot.practice import block_kit
from bot.practice.arguments import Arguments
from bot.practice.block_rules import Problems, flags, only, required_text, say, string, text
from bot.practice.model import ApiError, Json, View
from bot.practice.slack import APP_ID, BOT_ID, TEAM_ID, SlackSide

MAX_TITLE = 24
MAX_METADATA = 3000
MAX_SIZE = 250_000
MAX_STACK = 3
_PLAIN = ("title", "submit", "close")
_SWITCHES = ("clear_on_close", "notify_on_close", "submit_disabled")
_KNOWN = {"type", "blocks", "private_metadata", "callback_id", "external_id", *_PLAIN, *_SWITCHES}


def open_view(slack: SlackSide, args: Arguments) -> Json:
    """views.open: a new modal, before whoever caused the trigger."""
    content = checked(args.decoded("view", "invalid_arguments"))
    user = slack.triggers.take(args.required("trigger_id"))
    return {"view": view_object(show(slack, user, content))}


def push_view(slack: SlackSide, args: Arguments) -> Json:
    """views.push: one more upon the modal that is open."""
    content = checked(args.decoded("view", "invalid_arguments"))
    user = slack.triggers.take(args.required("trigger_id"))
    return {"view": view_object(push(slack, user, content))}


def update_view(slack: SlackSide, args: Arguments) -> Json:
    """views.update: other content in an open modal."""
    content = checked(args.decoded("view", "invalid_arguments"))
    ids = args.text("view_id"), args.text("external_id")
    for view in slack.views:
        if view.is_open and (view.id == ids[0] or (ids[1] and view.content["external_id"] == ids[1])):
            if args.text("hash") not in ("", view.hash):
                raise ApiError("hash_conflict")
            replace(slack, view, content)
            return {"view": view_object(view)}
    raise ApiError("not_found")


def checked(view: Any) -> Json:
    """Check a view as Slack does.

    Returns:
        The view as Slack keeps it: with all fields, every block with an id.

    Raises:
        ApiError: `invalid_arguments` with a sentence per problem, or `view_too_large`.
    """
    if not isinstance(view, dict):
        raise ApiError("invalid_arguments", [say("must be an object", "/view")])
    if problems := list(_problems(view)):
        raise ApiError("invalid_arguments", problems)
    if len(json.dumps(view)) > MAX_SIZE:
        raise ApiError("view_too_large")
    return {
        "type": "modal",
        "title": view["title"],
        "submit": view.get("submit"),
        "close": view.get("close"),
        "blocks": list(map(block_kit.kept, view["blocks"])),
        **{key: view.get(key, "") for key in ("private_metadata", "callback_id", "external_id")},
        **{key: view.get(key, False) for key in ("clear_on_close", "notify_on_close")},
    }


def show(slack: SlackSide, user: str, content: Json) -> View:
    """Put a new modal before a person; it takes the place of those they had open."""
    clear(slack, user)
    id_ = _id()
    return _add(slack, View(id_, user, content, _hash(), root=id_))


def push(slack: SlackSide, user: str, content: Json) -> View:
    """Put a modal upon the one that is open.

    Raises:
        ApiError: `not_found`, `push_limit_reached`.
    """
    stack = slack.views_of(user)
    if not stack:
        raise ApiError("not_found")
    if len(stack) >= MAX_STACK:
        raise ApiError("push_limit_reached")
    top = stack[-1]
    return _add(slack, View(_id(), user, content, _hash(), root=top.root, previous=top.id))


def replace(slack: SlackSide, view: View, content: Json) -> None:
    """Put other content into an open modal."""
    view.content, view.hash, view.errors = content, _hash(), {}
    view.version = slack.changes.note()


def close(slack: SlackSide, view: View) -> None:
    """Take one modal away."""
    view.is_open = False
    view.version = slack.changes.note()


def clear(slack: SlackSide, user: str) -> None:
    """Take all of a person's modals away."""
    for view in slack.views_of(user):
        close(slack, view)


def view_object(view: View, values: Json | None = None) -> Json:
    """https://docs.slack.dev/reference/views/modal-views, with what was entered."""
    return {
        "id": view.id,
        "team_id": TEAM_ID,
        **view.content,
        "state": {"values": values or {}},
        "hash": view.hash,
        "previous_view_id": view.previous or None,
        "root_view_id": view.root,
        "app_id": APP_ID,
        "app_installed_team_id": TEAM_ID,
        "bot_id": BOT_ID,
    }


def _problems(view: Json) -> Problems:
    at = "/view"
    yield from only(view, _KNOWN, at)
    if view.get("type") != "modal":
        yield say("must be one of modal", f"{at}/type")
    yield from required_text(view, "title", at, most=MAX_TITLE)
    for key in ("submit", "close"):
        if key in view:
            yield from text(view[key], f"{at}/{key}", most=MAX_TITLE, kinds=("plain_text",))
    yield from string(view, "private_metadata", at, most=MAX_METADATA)
    yield from string(view, "callback_id", at, most=255)
    yield from string(view, "external_id", at, most=255)
    yield from flags(view, at, *_SWITCHES)
    if "blocks" not in view:
        yield say("missing required field: blocks", at)
        return
    yield from block_kit.in_view(view["blocks"], f"{at}/blocks")
    kinds = [b.get("type") for b in view["blocks"] if isinstance(b, dict)] if view["blocks"] else []
    if "input" in kinds and "submit" not in view:
        yield say("`submit` is required in a view with input blocks", at)


def _add(slack: SlackSide, view: View) -> View:
    slack.views.append(view)
    view.version = slack.changes.note()
    return view


def _id() -> str:
    return f"V0{secrets.token_hex(5).upper()}"


def _hash() -> str:
    return f"{int(time.time())}.{secrets.token_hex(4)}"


METHODS: dict[str, Callable[[SlackSide, Arguments], Json]] = {
    "views.open": open_view,
    "views.push": push_view,
    "views.update": update_view,
}
