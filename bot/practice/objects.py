"""Slack's JSON objects, made from the room's own."""

from bot.practice.model import Channel, File, Json, Message, User
from bot.practice.slack import APP_ID, BOT_ID, BOT_USER, TEAM_ID, SlackSide


def message_object(slack: SlackSide, message: Message, *, with_metadata: bool = False) -> Json:
    """https://docs.slack.dev/reference/events/message, as history and replies return it."""
    body: Json = {
        "type": "message",
        "user": message.user,
        "text": message.text,
        "ts": message.ts,
        "team": TEAM_ID,
    }
    if message.user == BOT_USER:
        body |= {"bot_id": BOT_ID, "app_id": APP_ID}
    if message.blocks:
        body["blocks"] = message.blocks
    if message.files:
        body |= {"files": [file_object(slack, file) for file in message.files], "upload": True}
    if message.edited_ts:
        body["edited"] = {"user": message.user, "ts": message.edited_ts}
    if message.reactions:
        body["reactions"] = [
            {"name": name, "users": list(users), "count": len(users)}
            for name, users in message.reactions.items()
        ]
    if message.metadata and with_metadata:
        body["metadata"] = message.metadata
    return body | _thread_fields(slack, message)


def _thread_fields(slack: SlackSide, message: Message) -> Json:
    if message.thread_ts:
        root = slack.message(message.channel, message.thread_ts)
        return {"thread_ts": message.thread_ts} | ({"parent_user_id": root.user} if root else {})
    replies = slack.thread(message.channel, message.ts)[1:]
    if not replies:
        return {}
    users = list(dict.fromkeys(reply.user for reply in replies))
    return {
        "thread_ts": message.ts,
        "reply_count": len(replies),
        "reply_users": users,
        "reply_users_count": len(users),
        "latest_reply": replies[-1].ts,
    }


def file_object(slack: SlackSide, file: File) -> Json:
    """https://docs.slack.dev/reference/objects/file-object."""
    address = f"{slack.url}/files-pri/{TEAM_ID}-{file.id}"
    return {
        "id": file.id,
        "created": file.created,
        "timestamp": file.created,
        "name": file.name,
        "title": file.title or file.name,
        "mimetype": file.media_type,
        "filetype": file.name.rpartition(".")[2].lower(),
        "user": BOT_USER,
        "size": file.size,
        "mode": "hosted",
        "is_external": False,
        "url_private": address,
        "url_private_download": f"{address}/download",
    }


def user_object(user: User) -> Json:
    """https://docs.slack.dev/reference/objects/user-object."""
    body: Json = {
        "id": user.id,
        "team_id": TEAM_ID,
        "name": user.name,
        "real_name": user.real_name,
        "deleted": False,
        "is_admin": user.is_admin,
        "is_owner": False,
        "is_bot": user.is_bot,
        "tz": "Etc/UTC",
        "profile": {"real_name": user.real_name, "display_name": user.name},
    }
    body["profile"] |= {"bot_id": BOT_ID, "api_app_id": APP_ID} if user.is_bot else {"email": user.email}
    return body


def channel_object(channel: Channel) -> Json:
    """https://docs.slack.dev/reference/objects/conversation-object."""
    body: Json = {"id": channel.id, "created": 0, "is_archived": channel.is_archived, "is_im": False}
    if channel.type == "im":
        person = next(user for user in channel.members if user != BOT_USER)
        return body | {"is_im": True, "user": person, "is_user_deleted": False, "is_open": True}
    return body | {
        "name": channel.name,
        "name_normalized": channel.name,
        "is_channel": True,
        "is_group": False,
        "is_mpim": channel.type == "mpim",
        "is_private": channel.type != "channel",
        "is_general": channel.name == "general",
        "is_member": BOT_USER in channel.members,
        "topic": {"value": channel.topic, "creator": "", "last_set": 0},
        "purpose": {"value": "", "creator": "", "last_set": 0},
        "num_members": len(channel.members),
    }
