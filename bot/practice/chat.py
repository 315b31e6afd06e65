"""The Web API methods that say something: chat.* and reactions.*.

Sources: https://docs.slack.dev/reference/methods/chat.postMessage, …/chat.update, …/chat.postEphemeral,
…/chat.delete, …/reactions.add, …/reactions.remove, and https://docs.slack.dev/messaging/message-metadata.
"""

import json
import re
from collections.abc import Callable
from typing import Any

from bot.practice import block_kit
from bot.practice.arguments import Arguments
from bot.practice.emoji import EMOJI
from bot.practice.model import ApiError, Channel, Json, Message
from bot.practice.objects import message_object
from bot.practice.slack import BOT_USER, SlackSide

MAX_TEXT = 40_000  # longer texts are refused; 4,000 is Slack's recommendation
MAX_UPDATE_TEXT = 4_000  # "The text field cannot exceed 4,000 characters", of chat.update alone
MAX_METADATA = 8_000  # Slack names no figure for metadata_too_large; this is far below any seen to fail
TIMESTAMP = re.compile(r"\d{10}\.\d{6}")
_EVENT_TYPE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,254}")


def post_message(slack: SlackSide, args: Arguments) -> Json:
    """chat.postMessage."""
    channel = open_channel(slack, args.required("channel"), member=not slack.public_write)
    text, blocks = content(args, MAX_TEXT)
    message = slack.add(
        Message(
            ts=slack.clock.next(),
            channel=channel.id,
            user=BOT_USER,
            text=text,
            blocks=blocks,
            thread_ts=thread_root(slack, channel, args),
            metadata=_metadata(args),
        )
    )
    return {
        "channel": channel.id,
        "ts": message.ts,
        "message": message_object(slack, message, with_metadata=True),
    }


def post_ephemeral(slack: SlackSide, args: Arguments) -> Json:
    """chat.postEphemeral."""
    channel = open_channel(slack, args.required("channel"))
    user = args.required("user")
    if user not in channel.members:
        raise ApiError("user_not_in_channel")
    text, blocks = content(args, MAX_TEXT)
    thread = thread_root(slack, channel, args)
    return {"message_ts": slack.say_privately(user, channel.id, text, blocks, thread).ts}


def update(slack: SlackSide, args: Arguments) -> Json:
    """chat.update: what is not given stays, but a text without blocks removes the blocks."""
    channel = slack.channels.get(args.required("channel"))
    if channel is None:
        raise ApiError("channel_not_found")
    message = _own_message(slack, channel, args.required("ts"), "cant_update_message")
    if channel.is_archived:
        raise ApiError("is_inactive")
    text, blocks = content(args, MAX_UPDATE_TEXT)
    if "metadata" in args:
        message.metadata = _metadata(args)
    message.text, message.blocks = text, blocks
    message.edited_ts = slack.clock.next()
    slack.touch(message)
    return {
        "channel": channel.id,
        "ts": message.ts,
        "text": text,
        "message": message_object(slack, message, with_metadata=True),
    }


def delete(slack: SlackSide, args: Arguments) -> Json:
    """chat.delete."""
    channel = slack.channels.get(args.required("channel"))
    if channel is None:
        raise ApiError("channel_not_found")
    message = _own_message(slack, channel, args.required("ts"), "cant_delete_message")
    message.deleted = True
    slack.touch(message)
    return {"channel": channel.id, "ts": message.ts}


def add_reaction(slack: SlackSide, args: Arguments) -> Json:
    """reactions.add, with the emoji that the room knows."""
    message, name = _reaction(slack, args)
    users = message.reactions.setdefault(name, [])
    if BOT_USER in users:
        raise ApiError("already_reacted")
    users.append(BOT_USER)
    slack.touch(message)
    return {}


def remove_reaction(slack: SlackSide, args: Arguments) -> Json:
    """reactions.remove."""
    message, name = _reaction(slack, args)
    if BOT_USER not in message.reactions.get(name, ()):
        raise ApiError("no_reaction")
    message.reactions[name].remove(BOT_USER)
    if not message.reactions[name]:
        del message.reactions[name]
    slack.touch(message)
    return {}


def open_channel(slack: SlackSide, name: str, *, member: bool = True) -> Channel:
    """A channel that the bot may say something in.

    Args:
        slack: The workspace.
        name: The channel's name or id, or a person's id.
        member: Whether only a member may.

    Raises:
        ApiError: `channel_not_found`, `is_archived` or `not_in_channel`.
    """
    person = slack.users.get(name)  # posting to a person opens their direct messages
    channel = slack.direct(person) if person and not person.is_bot else slack.channel(name)
    if channel.is_archived:
        raise ApiError("is_archived")
    if member and BOT_USER not in channel.members:
        raise ApiError("not_in_channel")
    return channel


def content(args: Arguments, max_text: int) -> tuple[str, list[Json]]:
    """The text and the blocks of a message.

    Raises:
        ApiError: `no_text`, `msg_too_long`, or what `block_kit.check` says.
    """
    text = args.text("text")
    raw = args.decoded("blocks", "invalid_blocks_format")
    blocks = block_kit.check(raw) if raw is not None else []
    if not text.strip() and not blocks:
        raise ApiError("no_text")
    if len(text) > max_text:
        raise ApiError("msg_too_long")
    return text, blocks


def thread_root(slack: SlackSide, channel: Channel, args: Arguments) -> str:
    """The root that a message answers; empty at the top level.

    Raises:
        ApiError: `invalid_thread_ts`, `thread_not_found`; `cannot_reply_to_message` for a reply's own
            timestamp, with which Slack posts astray.
    """
    if "thread_ts" not in args:
        return ""
    return root_of(slack, channel, args.values["thread_ts"])


def root_of(slack: SlackSide, channel: Channel, ts: Any) -> str:
    """The same for a timestamp as it came."""
    if not isinstance(ts, str) or not TIMESTAMP.fullmatch(ts):
        raise ApiError("invalid_thread_ts", [f"{ts} is not a valid thread_ts"])
    root = slack.message(channel.id, ts)
    if root is None:
        raise ApiError("thread_not_found")
    if root.thread_ts:
        raise ApiError("cannot_reply_to_message")
    return ts


def _own_message(slack: SlackSide, channel: Channel, ts: str, error: str) -> Message:
    message = slack.message(channel.id, ts)
    if message is None:
        raise ApiError("message_not_found")
    if message.user != BOT_USER:
        raise ApiError(error)
    return message


def _metadata(args: Arguments) -> Json:
    value: Any = args.decoded("metadata", "invalid_metadata_format")
    if value is None or value == {}:
        return {}
    if not isinstance(value, dict):
        raise ApiError("invalid_metadata_format")
    if value.keys() != {"event_type", "event_payload"} or not isinstance(value["event_payload"], dict):
        raise ApiError("invalid_metadata_schema")
    if not _EVENT_TYPE.fullmatch(str(value["event_type"])):
        raise ApiError("invalid_metadata_schema")
    if len(json.dumps(value)) > MAX_METADATA:
        raise ApiError("metadata_too_large")
    return value


def _reaction(slack: SlackSide, args: Arguments) -> tuple[Message, str]:
    if "channel" not in args or "timestamp" not in args:
        raise ApiError("no_item_specified")
    channel = slack.channels.get(args.text("channel"))
    if channel is None:
        raise ApiError("channel_not_found")
    ts = args.text("timestamp")
    if not TIMESTAMP.fullmatch(ts):
        raise ApiError("bad_timestamp")
    message = slack.message(channel.id, ts)
    if message is None:
        raise ApiError("message_not_found")
    name = args.required("name")
    if name not in EMOJI:
        raise ApiError("invalid_name")
    return message, name


METHODS: dict[str, Callable[[SlackSide, Arguments], Json]] = {
    "chat.postMessage": post_message,
    "chat.postEphemeral": post_ephemeral,
    "chat.update": update,
    "chat.delete": delete,
    "reactions.add": add_reaction,
    "reactions.remove": remove_reaction,
}
