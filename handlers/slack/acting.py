"""From what somebody wrote or pressed in Slack to the act of the one command layer, and back."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from bot import people
from bot.actors import Actor, Door, Origin
from bot.commands import grammar, registry
from bot.errors import UserMistake
from bot.replies import Reply
from handlers.slack import typed
from storage import notices


@dataclass(frozen=True, slots=True)
class Acting:
    """How commands are run for people of a Slack workspace; in the caller's transaction.

    Attributes:
        admins: Ids of those who are admins by the settings.
        max_chars: The longest command that is read.
    """

    admins: Collection[str]
    max_chars: int

    def who(self, user_id: str, name: str, now: datetime) -> Actor:
        """The person who acts; one who is new is called by the id where Slack tells no name."""
        return people.from_slack(user_id, name, self.admins, now)

    def run(self, text: str, actor: Actor, origin: Origin, now: datetime) -> Reply:
        """Run the text of a command with the actor's own rights."""
        try:
            parsed = grammar.parse(text, self.max_chars)
        except UserMistake as error:
            return registry.mistake(str(error), "usage")
        return registry.run(registry.Call(parsed.name, parsed.arguments, actor, origin), now)


def origin(channel: str, thread: str, *, private: bool) -> Origin:
    """Where in Slack something was said or pressed."""
    return Origin(Door.SLACK, channel, private=private, thread=thread)


def answer(where: Origin, reply: Reply, now: datetime, only_for: str = "") -> None:
    """Say something in a thread; to one person alone where a channel has others.

    Args:
        where: Channel and thread.
        reply: What.
        now: The time.
        only_for: Slack id of that person.
    """
    direct = where.place.startswith("D")
    only_for = "" if direct else only_for
    notices.add("slack", where.place, typed.shown(reply), now, thread=where.thread, only_for=only_for)
