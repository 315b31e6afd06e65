"""Slash commands, from Slack's signed request to a private answer."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from pydantic import ValidationError
from slack_bolt.async_app import AsyncAck

from bot import people
from bot.actors import Actor
from bot.commands import grammar, registry
from bot.commands.grammar import Parsed
from bot.delivery.mrkdwn import cut, from_markdown
from bot.errors import UserMistake
from bot.replies import Reply
from handlers.slack import typed
from handlers.slack.acting import Acting, origin
from handlers.slack.decode import decode
from handlers.slack.payloads import SlashCommand, problems
from storage import database, inbox

log = structlog.get_logger()

ANSWER_CHARS = 3_500


@dataclass(frozen=True, slots=True)
class Commands:
    """Carries slash commands out.

    Attributes:
        acting: Knows people and limits.
        now: The clock.
    """

    acting: Acting
    now: Callable[[], datetime]

    async def answer(self, ack: AsyncAck, command: dict[str, Any]) -> None:
        """Bolt's listener."""
        try:
            reply = await self._answer(SlashCommand.model_validate(command))
        except ValidationError as error:
            wrong = problems(error)
            reply = registry.mistake(f"Nothing was done: Slack's request has no good {wrong}. Try again.")
        except UserMistake as error:
            reply = registry.mistake(str(error), "usage")
        except database.Fault as error:
            log.exception("command not carried out", command=command["command"])
            reply = registry.mistake(f"Nothing was done: the database says “{error}”. Tell an admin.")
        await ack(response_type="ephemeral", text=cut(from_markdown(typed.shown(reply)), ANSWER_CHARS))

    async def _answer(self, command: SlashCommand) -> Reply:
        """Carry a command out: one that only reads waits for nobody, and is not noted."""
        text = f"{command.command.removeprefix('/')} {decode(command.text)}"
        parsed = grammar.parse(text, self.acting.max_chars)
        if registry.COMMANDS[parsed.name].reads:
            reply = await database.look(self._read, command, parsed)
            if reply:
                return reply
        return await database.at_once(self._run, command, parsed)

    def _read(self, command: SlashCommand, parsed: Parsed) -> Reply | None:
        """The answer; None for somebody who is new and has to be added first."""
        actor = people.known_in_slack(command.user_id, self.acting.admins)
        return registry.run(_call(command, parsed, actor), self.now()) if actor else None

    def _run(self, command: SlashCommand, parsed: Parsed) -> Reply:
        """One transaction: a request that was seen before changes nothing."""
        now = self.now()
        if not inbox.first_time(f"slack:{command.trigger_id}", now):
            return registry.mistake("This command was carried out before; nothing more was done.")
        actor = self.acting.who(command.user_id, command.user_name, now)
        return registry.run(_call(command, parsed, actor), now)


def _call(command: SlashCommand, parsed: Parsed, actor: Actor) -> registry.Call:
    where = origin(command.channel_id, "", private=command.private)
    return registry.Call(parsed.name, parsed.arguments, actor, where)
