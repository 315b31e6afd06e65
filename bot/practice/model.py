"""What a Slack workspace holds, as far as the practice room needs it."""

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from bot.errors import LegworkError

Json = dict[str, Any]
ChannelType = Literal["channel", "group", "im", "mpim"]


class ApiError(LegworkError):
    """Slack's way of saying no: `ok: false` with an error name.

    Args:
        error: The name as Slack documents it.
        problems: The sentences for `response_metadata.messages`.
    """

    def __init__(self, error: str, problems: list[str] | None = None) -> None:
        super().__init__(error)
        self.error = error
        self.problems = problems or []

    def answer(self) -> Json:
        """The body of the HTTP answer."""
        body: Json = {"ok": False, "error": self.error}
        if self.problems:
            body["response_metadata"] = {"messages": [f"[ERROR] {problem}" for problem in self.problems]}
        return body


@dataclass(slots=True)
class User:
    """A member of the workspace, or the bot."""

    id: str
    name: str
    real_name: str
    email: str
    is_admin: bool = False
    is_bot: bool = False


@dataclass(slots=True)
class Channel:
    """A conversation; tests may archive it, make it private or take the bot out of it.

    Attributes:
        name: Of direct messages the person's.
        type: As `channel_type` in events: `channel` (public), `group` (private) or `im` (direct messages).
    """

    id: str
    name: str
    topic: str
    members: set[str]
    is_archived: bool = False
    type: ChannelType = "channel"


@dataclass(slots=True)
class File:
    """An uploaded file.

    Attributes:
        id: As Slack names files, `F…`.
        name: As its sender named it; for people only, never a path.
        size: Bytes that the sender announced.
        ticket: The unguessable part of its upload address.
        path: Where the bytes lie; None until they arrived.
        shared: Whether the upload was completed.
    """

    id: str
    name: str
    size: int
    ticket: str
    created: int
    title: str = ""
    media_type: str = "application/octet-stream"
    path: Path | None = None
    shared: bool = False


@dataclass(slots=True)
class Message:
    """Something said in a channel.

    Attributes:
        ts: Slack's timestamp, which is also its id.
        thread_ts: The root's timestamp where this is a reply, else empty.
        kind: `message`, or what only the page shows: `ephemeral` (one person sees it) and `command` (what
            someone typed).
        only_for: Id of the one person who sees an ephemeral message.
        version: The room's version at its last change.
    """

    ts: str
    channel: str
    user: str
    text: str
    blocks: list[Json] = field(default_factory=list)
    thread_ts: str = ""
    metadata: Json = field(default_factory=dict)
    files: list[File] = field(default_factory=list)
    reactions: dict[str, list[str]] = field(default_factory=dict)
    edited_ts: str = ""
    kind: Literal["message", "ephemeral", "command"] = "message"
    only_for: str = ""
    deleted: bool = False
    version: int = 0


@dataclass(slots=True)
class View:
    """A modal that was opened for a person.

    Attributes:
        id: As Slack names views, `V…`.
        user: Id of the person who sees it.
        content: What the bot sent, as Slack keeps it: every block has an id.
        hash: Changes with the content.
        errors: Sentence per `block_id` that the bot refused.
        is_open: Whether the person still has it before them.
        root, previous: Ids of the views that it lies upon; the root's own is its own.
        version: The room's version at its last change.
    """

    id: str
    user: str
    content: Json
    hash: str
    root: str
    previous: str = ""
    errors: dict[str, str] = field(default_factory=dict)
    is_open: bool = True
    version: int = 0


@dataclass(frozen=True, slots=True)
class ApiCall:
    """One call of the Web API, kept so that tests can count calls and their pace.

    Attributes:
        method: Such as `chat.postMessage`; `upload`, `download` and `response_url` for those addresses.
        arguments: As they came, without the token.
        at: Seconds on the monotonic clock when it came in.
        ok: Whether Slack said yes.
        error: Slack's error name, or what the fault did instead of an answer.
    """

    method: str
    arguments: Json
    at: float
    ok: bool
    error: str = ""


class Clock:
    """Slack timestamps: seconds.micros, unique and strictly increasing."""

    def __init__(self) -> None:
        self._last = 0

    def next(self) -> str:
        """The next timestamp."""
        self._last = max(self._last + 1, time.time_ns() // 1000)
        return f"{self._last // 1_000_000}.{self._last % 1_000_000:06d}"
