"""Slash commands, from Slack's signed request to a private answer.

Bolt runs with `process_before_response=True`: a listener does one short transaction and returns.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from pydantic import BaseModel, Field, ValidationError
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.signature import SignatureVerifier

from bot import people
from bot.actors import Actor, Door, Origin
from bot.commands import grammar, registry
from bot.commands.grammar import Parsed
from bot.delivery.mrkdwn import cut, from_markdown
from bot.errors import UserMistake
from bot.replies import Reply
from handlers.slack.decode import decode
from handlers.slack.requests import SlackRequests
from storage import database, inbox

log = structlog.get_logger()

ANSWER_CHARS = 3_500
COMMANDS = re.compile("^/(agent|task)$")
PRIVATE = {"privategroup", "directmessage"}


class SlashCommand(BaseModel):
    """What Legwork reads of a slash command.

    Source: https://docs.slack.dev/interactivity/implementing-slash-commands
    """

    command: str
    text: str = ""
    trigger_id: str = Field(min_length=1)
    user_id: str = Field(min_length=1)
    user_name: str = ""
    channel_id: str = Field(min_length=1)
    channel_name: str = ""


@dataclass(frozen=True, slots=True)
class SlackDoor:
    """What the door needs to know.

    Attributes:
        bot_token: Speaks for the bot.
        signing_secret: Proves that a request is Slack's.
        admins: Ids of those who are admins by the settings.
        max_chars: The longest command that is read.
        now: The clock.
    """

    bot_token: str
    signing_secret: str
    admins: tuple[str, ...]
    max_chars: int
    now: Callable[[], datetime]

    def requests(self) -> SlackRequests:
        """What answers Slack's HTTP requests."""

        async def authorize(team_id: str | None, enterprise_id: str | None) -> AuthorizeResult:
            """Who the bot is, without asking Slack: an ack waits for no network."""
            return AuthorizeResult(enterprise_id=enterprise_id, team_id=team_id, bot_token=self.bot_token)

        app = AsyncApp(
            signing_secret=self.signing_secret,
            authorize=authorize,
            process_before_response=True,
            request_verification_enabled=False,  # SlackRequests has done it
        )
        app.command(COMMANDS)(self._command)
        return SlackRequests(app, SignatureVerifier(self.signing_secret))

    async def _command(self, ack: AsyncAck, command: dict[str, Any]) -> None:
        try:
            reply = await self._answer(SlashCommand.model_validate(command))
        except ValidationError as error:
            missing = ", ".join(str(problem["loc"][0]) for problem in error.errors())
            reply = registry.mistake(f"Nothing was done: Slack's request has no {missing}. Try again.")
        except UserMistake as error:
            reply = registry.mistake(str(error), "usage")
        except database.Fault as error:
            log.exception("command not carried out", command=command["command"])
            reply = registry.mistake(f"Nothing was done: the database says “{error}”. Tell an admin.")
        await ack(response_type="ephemeral", text=cut(from_markdown(reply.text), ANSWER_CHARS))

    async def _answer(self, command: SlashCommand) -> Reply:
        """Carry a command out: one that only reads waits for nobody, and is not noted."""
        parsed = grammar.parse(f"{command.command.removeprefix('/')} {decode(command.text)}", self.max_chars)
        if registry.COMMANDS[parsed.name].reads:
            reply = await database.look(self._read, command, parsed)
            if reply:
                return reply
        return await database.at_once(self._run, command, parsed)

    def _read(self, command: SlashCommand, parsed: Parsed) -> Reply | None:
        """The answer; None for somebody who is new and has to be added first."""
        actor = people.known_in_slack(command.user_id, self.admins)
        return registry.run(_call(command, parsed, actor), self.now()) if actor else None

    def _run(self, command: SlashCommand, parsed: Parsed) -> Reply:
        """One transaction: a request that was seen before changes nothing."""
        now = self.now()
        if not inbox.first_time(f"slack:{command.trigger_id}", now):
            return registry.mistake("This command was carried out before; nothing more was done.")
        actor = people.from_slack(command.user_id, command.user_name, self.admins, now)
        return registry.run(_call(command, parsed, actor), now)


def _call(command: SlashCommand, parsed: Parsed, actor: Actor) -> registry.Call:
    origin = Origin(Door.SLACK, command.channel_id, private=command.channel_name in PRIVATE)
    return registry.Call(parsed.name, parsed.arguments, actor, origin)
