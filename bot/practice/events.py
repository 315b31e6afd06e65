"""Events as Slack words them: pure functions from what happened to the object that is sent.

Sources: https://docs.slack.dev/reference/events/message, …/message/message_changed,
…/message/message_deleted, …/app_mention, https://docs.slack.dev/apis/events-api (the envelope).
An edited mention comes again as an `app_mention` with `edited` (slackapi/bolt-js#960).
"""

import secrets
import time
import uuid

from bot.practice.deliveries import VERIFICATION_TOKEN
from bot.practice.model import Channel, Json, Message
from bot.practice.objects import message_object
from bot.practice.slack import APP_ID, BOT_USER, TEAM_ID, SlackSide


def envelope(event: Json, event_id: str | None = None) -> Json:
    """An event in its `event_callback`."""
    return {
        "token": VERIFICATION_TOKEN,
        "team_id": TEAM_ID,
        "context_team_id": TEAM_ID,
        "context_enterprise_id": None,
        "api_app_id": APP_ID,
        "event": event,
        "type": "event_callback",
        "event_id": event_id or f"Ev0{secrets.token_hex(5).upper()}",
        "event_time": int(time.time()),
        "authorizations": [
            {
                "enterprise_id": None,
                "team_id": TEAM_ID,
                "user_id": BOT_USER,
                "is_bot": True,
                "is_enterprise_install": False,
            }
        ],
        "is_ext_shared_channel": False,
        "event_context": f"4-{secrets.token_urlsafe(24)}",
    }


def said(slack: SlackSide, message: Message) -> Json:
    """`message`: somebody said something."""
    where = slack.channels[message.channel]
    return inner(slack, message) | _where(where, message.ts)


def mention(slack: SlackSide, message: Message) -> Json:
    """`app_mention`: the same words, because the bot is named in them; it has no `channel_type`."""
    event = inner(slack, message) | {"type": "app_mention", "channel": message.channel}
    return event | {"event_ts": message.edited_ts or message.ts}


def changed(slack: SlackSide, message: Message, previous: Json, ts: str) -> Json:
    """`message_changed`: `previous` is the nested message as it was; `ts` that of the change."""
    event: Json = {"type": "message", "subtype": "message_changed", "hidden": True, "ts": ts}
    event |= {"message": inner(slack, message), "previous_message": previous}
    return event | _where(slack.channels[message.channel], ts)


def deleted(slack: SlackSide, message: Message, previous: Json, ts: str) -> Json:
    """`message_deleted`; a root with replies stays as a tombstone, which is a `message_changed`."""
    where = _where(slack.channels[message.channel], ts)
    event: Json = {"type": "message", "hidden": True, "ts": ts, "previous_message": previous}
    if not previous.get("reply_count"):
        return event | {"subtype": "message_deleted", "deleted_ts": message.ts} | where
    tombstone = previous | {"subtype": "tombstone", "text": "This message was deleted.", "hidden": True}
    tombstone |= {"user": "USLACKBOT"}
    return event | {"subtype": "message_changed", "message": tombstone} | where


def inner(slack: SlackSide, message: Message) -> Json:
    """A message as events nest it."""
    body = message_object(slack, message)
    if message.user != BOT_USER:
        body["client_msg_id"] = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{message.channel}{message.ts}"))
    return body


def mentions_bot(message: Message) -> bool:
    """Whether a message names the bot."""
    return f"<@{BOT_USER}>" in message.text


def _where(channel: Channel, ts: str) -> Json:
    return {"channel": channel.id, "event_ts": ts, "channel_type": channel.type}
