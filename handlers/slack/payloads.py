"""What Legwork reads of Slack's payloads; whatever else they hold is left alone.

Sources: https://docs.slack.dev/interactivity/implementing-slash-commands, https://docs.slack.dev/reference/events/message,
https://docs.slack.dev/reference/events/app_mention, https://docs.slack.dev/reference/interaction-payloads
"""

import json
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from storage.tables import EPOCH, MICROSECOND

Id = Annotated[str, Field(pattern=r"^[A-Z0-9]{1,40}$")]
Stamp = Annotated[str, Field(pattern=r"^[0-9]{1,10}\.[0-9]{6}$")]  # until 2286
Token = Annotated[str, Field(pattern=r"^[!-~]{1,200}$")]  # what Slack makes up: shown nowhere, but kept
Name = Annotated[str, BeforeValidator(lambda value: _printable(value) if isinstance(value, str) else "")]
Text = Annotated[str, BeforeValidator(lambda value: "" if value is None else value)]
Privacy = bool | None

DIRECT = {"im", "app_home"}
PRIVATE = {"channel": False, "group": True, "mpim": True, **dict.fromkeys(DIRECT, True)}
PROBLEM_CHARS = 300
HIDDEN_NAMES = {"privategroup", "directmessage"}


def _printable(name: str) -> str:
    return "".join(char for char in name if char.isprintable())


class Payload(BaseModel):
    """What all of them share."""

    model_config = ConfigDict(frozen=True)


class Kind(Payload):
    """What tells of its own kind."""

    type: str


class ViewKind(Kind):
    """A view in any payload."""

    callback_id: str = ""


class ActionKind(Payload):
    """A pressed or chosen element in any payload."""

    action_id: str


class Authorization(Payload):
    """For whom an event comes."""

    user_id: Text = ""
    team_id: Text = ""
    is_bot: bool = False
    enterprise_id: Text = ""


class Outline(Payload):
    """What Bolt takes for granted of any payload, and trips over where it is not so."""

    type: Text = ""
    event: Kind = Kind(type="")
    view: ViewKind = ViewKind(type="")
    actions: tuple[ActionKind, ...] = Field(default=(ActionKind(action_id=""),), min_length=1)
    authorizations: tuple[Authorization, ...] | None = None
    team: dict[str, Any] | str | None = None
    enterprise: dict[str, Any] | str | None = None
    user: dict[str, Any] | str | None = None
    channel: dict[str, Any] | str | None = None
    container: dict[str, Any] | None = None
    message: dict[str, Any] | None = None


class SlashCommand(Payload):
    """A slash command."""

    command: str
    text: str = ""
    trigger_id: Token
    user_id: Id
    user_name: Name = ""
    channel_id: Id
    channel_name: str = ""

    @property
    def private(self) -> bool:
        """Whether the team at large cannot read the channel."""
        return hidden(self.channel_name)


def hidden(channel_name: str) -> bool:
    """Whether a channel's name, as commands and buttons tell it, is that of one that is not public."""
    return channel_name in HIDDEN_NAMES or channel_name.startswith("mpdm-")


class Said(Payload):
    """What somebody said, as it stands in events."""

    ts: Stamp
    user: Id | Literal[""] = ""
    text: Text = ""
    thread_ts: Stamp | Literal[""] = ""
    subtype: Text = ""
    bot_id: Text = ""
    user_team: Text = ""

    @property
    def by_a_person(self) -> bool:
        """Whether a person said it just so: no bot, and no notice such as "joined the channel"."""
        plain = self.subtype in ("", "file_share", "thread_broadcast")
        return plain and bool(self.user) and not self.bot_id

    @property
    def at(self) -> datetime:
        """When it was said."""
        seconds, _, micros = self.ts.partition(".")
        return EPOCH + (int(seconds) * 1_000_000 + int(micros)) * MICROSECOND


class Place(Payload):
    """Where an event happened."""

    channel: Id
    channel_type: Text = ""

    @property
    def private(self) -> Privacy:
        """Whether the team at large cannot read it; None where the event does not tell."""
        return PRIVATE.get(self.channel_type)

    @property
    def direct(self) -> bool:
        """Whether it is between one person and the bot."""
        return self.channel_type in DIRECT or self.channel.startswith("D")


class Message(Said, Place):
    """`message` and `app_mention`."""


class Changed(Place):
    """`message_changed`."""

    message: Said


class Deleted(Place):
    """`message_deleted`."""

    deleted_ts: Stamp


class Envelope(Payload):
    """An event's surroundings."""

    event_id: Token
    team_id: Text = ""
    authorizations: tuple[Authorization, ...] = ()

    @property
    def bot(self) -> str:
        """The bot's user id; empty where the event does not tell."""
        return next((one.user_id for one in self.authorizations if one.is_bot), "")

    def from_outside(self, said: Said) -> bool:
        """Whether someone of another company says it, in a channel that is shared with them."""
        ours = {one.team_id for one in self.authorizations} - {""} or {self.team_id}
        grid = any(one.enterprise_id for one in self.authorizations)
        return bool(said.user_team) and said.user_team not in ours and not grid


class Person(Payload):
    """Who pressed or submitted."""

    id: Id
    username: Name = ""
    team_id: Text = ""


class Team(Payload):
    """The workspace that a button was pressed in."""

    id: Text = ""


class Channel(Payload):
    """Where a button was pressed."""

    id: Id
    name: Text = ""


class Container(Payload):
    """The message that holds a button."""

    message_ts: Stamp
    thread_ts: Stamp | Literal[""] = ""


class Label(Payload):
    """What is written on a button."""

    text: str = ""


class Button(Payload):
    """A pressed button."""

    action_id: str
    value: str = Field(min_length=1, max_length=2_000)
    text: Label = Label()


class Press(Payload):
    """`block_actions` of a message's button."""

    user: Person
    channel: Channel
    container: Container
    actions: tuple[Button, ...] = Field(min_length=1, max_length=1)
    trigger_id: Token
    team: Team | None = None
    enterprise: Any = None

    @property
    def from_outside(self) -> bool:
        """Whether someone of another company pressed, in a channel that is shared with them."""
        home = self.team.id if self.team else ""
        return bool(home and self.user.team_id) and self.user.team_id != home and not self.enterprise

    @property
    def button(self) -> Button:
        """The one that was pressed."""
        return self.actions[0]

    @property
    def thread(self) -> str:
        """The thread that the message stands in."""
        return self.container.thread_ts or self.container.message_ts


class Purpose(Payload):
    """What a modal is for; it travels as the modal's `private_metadata`.

    Attributes:
        value: The command text that what is entered completes.
        channel: Where its button was pressed.
        private: Whether that is private.
        thread: The thread that the button stands in.
    """

    value: str = Field(min_length=1, max_length=2_000)
    channel: Id
    private: bool
    thread: Stamp


class Submission(Payload):
    """`view_submission` of the modal that asks why."""

    user: Person
    trigger_id: Token
    purpose: Purpose
    text: str = Field(min_length=1, max_length=3_000)

    @model_validator(mode="before")
    @classmethod
    def _entered(cls, body: Any) -> Any:
        """Take what was entered from where Slack keeps it."""
        try:
            view = body["view"]
            entered = view["state"]["values"]["why"]["text"]["value"]
            purpose = json.loads(view["private_metadata"])
        except (KeyError, TypeError, RecursionError) as error:
            raise ValueError("it is no submission of this modal") from error
        return {**body, "purpose": purpose, "text": entered}


def problems(error: ValidationError) -> str:
    """Which fields are wrong; not what they hold, which may be anything."""
    return ", ".join(".".join(map(str, one["loc"])) or one["msg"] for one in error.errors())[:PROBLEM_CHARS]
