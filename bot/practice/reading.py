"""The Web API methods that say nothing: auth.test, conversations.* and users.*.

Sources: https://docs.slack.dev/reference/methods/conversations.replies, …/conversations.history,
…/conversations.info, …/conversations.join, …/conversations.list, …/conversations.open, …/users.info,
…/users.list, …/auth.test, and https://docs.slack.dev/apis/web-api/pagination.
"""

import base64
import binascii
import re
from collections.abc import Callable, Sequence
from typing import TypeVar

from bot.practice.arguments import Arguments
from bot.practice.chat import TIMESTAMP
from bot.practice.model import ApiError, Channel, Json, Message, User
from bot.practice.objects import channel_object, message_object, user_object
from bot.practice.slack import BOT_ID, BOT_USER, TEAM_ID, SlackSide

T = TypeVar("T")
_MOMENT = re.compile(r"\d+(\.\d+)?")
_KINDS = {"channel": "public_channel", "group": "private_channel", "mpim": "mpim", "im": "im"}


def auth_test(slack: SlackSide, _args: Arguments) -> Json:
    """auth.test."""
    return {
        "url": f"{slack.url}/",
        "team": "Practice room",
        "team_id": TEAM_ID,
        "user": slack.users[BOT_USER].name,
        "user_id": BOT_USER,
        "bot_id": BOT_ID,
        "is_enterprise_install": False,
    }


def replies(slack: SlackSide, args: Arguments) -> Json:
    """conversations.replies: a thread, oldest first; a reply's own timestamp gives that reply alone."""
    channel = _channel(slack, args)
    ts = args.text("ts")
    message = slack.message(channel.id, ts) if TIMESTAMP.fullmatch(ts) else None
    if message is None:
        raise ApiError("thread_not_found")
    found = _between([message] if message.thread_ts else slack.thread(channel.id, ts), args)
    page, rest = _page(found, args, default=1000, most=1000)
    return {"messages": _objects(slack, page, args), "has_more": bool(rest)} | rest


def history(slack: SlackSide, args: Arguments) -> Json:
    """conversations.history: the top level of a channel, newest first."""
    channel = _channel(slack, args)
    if BOT_USER not in channel.members:
        raise ApiError("not_in_channel")
    found = _between(slack.history(channel.id), args)[::-1]
    page, rest = _page(found, args, default=100, most=999)
    return {"messages": _objects(slack, page, args), "has_more": bool(rest), "pin_count": 0} | rest


def conversation(slack: SlackSide, args: Arguments) -> Json:
    """conversations.info."""
    return {"channel": channel_object(_channel(slack, args))}


def conversations(slack: SlackSide, args: Arguments) -> Json:
    """conversations.list."""
    types = set((args.text("types") or "public_channel").replace(" ", "").split(","))
    if not types <= set(_KINDS.values()):
        raise ApiError("invalid_types")
    found = [
        channel
        for channel in slack.channels.values()
        if _KINDS[channel.type] in types and not (channel.is_archived and args.flag("exclude_archived"))
    ]
    page, rest = _page(found, args, default=100, most=1000, error="invalid_limit")
    return {"channels": [channel_object(channel) for channel in page]} | rest


def open_conversation(slack: SlackSide, args: Arguments) -> Json:
    """conversations.open: the direct messages with one person."""
    if name := args.text("channel"):
        channel = slack.channels.get(name)
        if channel is None or channel.type != "im":
            raise ApiError("channel_not_found")
    else:
        channel = slack.direct(_person(slack, args))
    full = args.flag("return_im")
    return {"channel": channel_object(channel) if full else {"id": channel.id}}


def _person(slack: SlackSide, args: Arguments) -> User:
    names = list(filter(None, args.text("users").replace(" ", "").split(",")))
    if not names:
        raise ApiError("users_list_not_supplied")
    if len(names) > 1:
        raise ApiError("too_many_users", ["the practice room has direct messages with one person alone"])
    if names[0] not in slack.users:
        raise ApiError("user_not_found")
    if slack.users[names[0]].is_bot:
        raise ApiError("cannot_dm_bot")
    return slack.users[names[0]]


def join(slack: SlackSide, args: Arguments) -> Json:
    """conversations.join: the bot becomes a member of a public channel."""
    channel = _channel(slack, args)
    if channel.type != "channel":
        raise ApiError("method_not_supported_for_channel_type")
    if channel.is_archived:
        raise ApiError("is_archived")
    known = BOT_USER in channel.members
    channel.members.add(BOT_USER)
    slack.changes.note()
    body: Json = {"channel": channel_object(channel)}
    if known:
        body |= {"warning": "already_in_channel", "response_metadata": {"warnings": ["already_in_channel"]}}
    return body


def user(slack: SlackSide, args: Arguments) -> Json:
    """users.info."""
    found = slack.users.get(args.text("user"))
    if found is None:
        raise ApiError("user_not_found")
    return {"user": user_object(found)}


def users(slack: SlackSide, args: Arguments) -> Json:
    """users.list."""
    page, rest = _page(list(slack.users.values()), args, default=1000, most=1000)
    return {"members": [user_object(found) for found in page]} | rest


def _channel(slack: SlackSide, args: Arguments) -> Channel:
    channel = slack.channels.get(args.text("channel"))  # reading takes ids alone, no names
    if channel is None:
        raise ApiError("channel_not_found")
    return channel


def _objects(slack: SlackSide, page: Sequence[Message], args: Arguments) -> list[Json]:
    full = args.flag("include_all_metadata")
    return [message_object(slack, message, with_metadata=full) for message in page]


def _between(found: list[Message], args: Arguments) -> list[Message]:
    for name in ("oldest", "latest"):
        if (moment := args.text(name)) and not _MOMENT.fullmatch(moment):
            raise ApiError(f"invalid_ts_{name}")
    oldest, latest, inclusive = args.text("oldest"), args.text("latest"), args.flag("inclusive")
    return [
        message
        for message in found
        if (not oldest or float(message.ts) > float(oldest) or (inclusive and message.ts == oldest))
        and (not latest or float(message.ts) < float(latest) or (inclusive and message.ts == latest))
    ]


def _page(
    found: list[T], args: Arguments, *, default: int, most: int, error: str = "invalid_arguments"
) -> tuple[list[T], Json]:
    """One page, and the fields that lead to the next; none at the last."""
    limit = args.number("limit", default, most=most, error=error)
    start = 0
    if cursor := args.text("cursor"):
        try:
            start = int(base64.b64decode(cursor, validate=True).decode().removeprefix("next:"))
        except (binascii.Error, ValueError):
            raise ApiError("invalid_cursor") from None
    end = start + limit
    if end >= len(found):
        return found[start:], {}
    return found[start:end], {
        "response_metadata": {"next_cursor": base64.b64encode(f"next:{end}".encode()).decode()}
    }


METHODS: dict[str, Callable[[SlackSide, Arguments], Json]] = {
    "auth.test": auth_test,
    "conversations.replies": replies,
    "conversations.history": history,
    "conversations.info": conversation,
    "conversations.join": join,
    "conversations.list": conversations,
    "conversations.open": open_conversation,
    "users.info": user,
    "users.list": users,
}
