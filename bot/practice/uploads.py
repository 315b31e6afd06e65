"""The three steps of a file upload, and fetching a file with the token.

Sources: https://docs.slack.dev/reference/methods/files.getUploadURLExternal,
…/files.completeUploadExternal and https://docs.slack.dev/messaging/working-with-files.
"""

import hmac
import mimetypes
import re
import secrets
import time
from collections.abc import Callable
from pathlib import Path

from starlette.datastructures import UploadFile
from starlette.requests import Request

from bot.practice.arguments import Arguments
from bot.practice.chat import open_channel, thread_root
from bot.practice.model import ApiError, Channel, File, Json, Message
from bot.practice.slack import BOT_USER, SlackSide

MAX_SIZE = 1 << 30  # 1 GB, Slack's own limit


def get_upload_url(slack: SlackSide, args: Arguments) -> Json:
    """files.getUploadURLExternal: step one."""
    name = args.required("filename")
    if "length" not in args or str(args.values["length"]) == "0":
        raise ApiError("missing_argument")
    size = args.number("length", 0, most=MAX_SIZE)
    file = File(
        id=f"F{len(slack.files) + 1:08d}",
        name=name,
        size=size,
        ticket=secrets.token_urlsafe(24),
        created=int(time.time()),
        media_type=mimetypes.guess_type(name)[0] or "application/octet-stream",
    )
    slack.files[file.id] = file
    return {"upload_url": f"{slack.url}/upload/v1/{file.ticket}", "file_id": file.id}


async def receive(slack: SlackSide, request: Request) -> str:
    """Take the bytes: step two, raw or as a form's file.

    Returns:
        What Slack answers.

    Raises:
        ApiError: `file_not_found` for an unknown or used address, `file_update_failed` for another size than
            announced.
    """
    ticket = str(request.path_params["ticket"])
    file = next((f for f in slack.files.values() if hmac.compare_digest(f.ticket, ticket)), None)
    if file is None or file.path is not None:
        raise ApiError("file_not_found")
    content = await _bytes(request)
    if len(content) != file.size:
        raise ApiError("file_update_failed")
    file.path = _store(slack.folder / "files", file, content)
    slack.changes.note()
    return f"OK - {file.size}"


def complete_upload(slack: SlackSide, args: Arguments) -> Json:
    """files.completeUploadExternal: step three, which says the files in a channel or thread."""
    entries = args.decoded("files", "invalid_arguments")
    if not isinstance(entries, list) or not entries or not all(isinstance(e, dict) for e in entries):
        raise ApiError("invalid_arguments", ["missing required field: files"])
    files = [_uploaded(slack, str(entry.get("id", ""))) for entry in entries]
    channels = _channels(slack, args)
    if len(channels) > 1 and "thread_ts" in args:
        raise ApiError("invalid_arguments", ["thread_ts needs exactly one channel"])
    roots = [thread_root(slack, channel, args) for channel in channels]
    for file, entry in zip(files, entries, strict=True):
        file.title, file.shared = str(entry.get("title") or file.name), True
    for channel, root in zip(channels, roots, strict=True):
        slack.add(
            Message(
                ts=slack.clock.next(),
                channel=channel.id,
                user=BOT_USER,
                text=args.text("initial_comment"),
                thread_ts=root,
                files=files,
            )
        )
    return {"files": [{"id": file.id, "title": file.title} for file in files]}


def _uploaded(slack: SlackSide, id_: str) -> File:
    file = slack.files.get(id_)
    if file is None or file.path is None or file.shared:
        raise ApiError("file_not_found")
    return file


def _channels(slack: SlackSide, args: Arguments) -> list[Channel]:
    ids = [args.text("channel_id"), *args.text("channels").split(",")]
    for id_ in filter(None, ids):
        if id_ not in slack.channels:
            raise ApiError("channel_not_found")
    return [open_channel(slack, id_) for id_ in dict.fromkeys(filter(None, ids))]


async def _bytes(request: Request) -> bytes:
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        return await request.body()
    async with request.form() as form:
        for part in form.values():
            if isinstance(part, UploadFile):
                return await part.read()
    return b""


def _store(folder: Path, file: File, content: bytes) -> Path:
    """Keep the bytes under a name of our own making; the sender's is only quoted."""
    folder.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", file.name).strip("-.")[-80:] or "file"
    path = folder / f"{file.id}-{name}"
    path.write_bytes(content)
    return path


METHODS: dict[str, Callable[[SlackSide, Arguments], Json]] = {
    "files.getUploadURLExternal": get_upload_url,
    "files.completeUploadExternal": complete_upload,
}
