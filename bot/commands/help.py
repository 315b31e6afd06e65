"""Help, made from the registry: it shows only what the asker may do."""

from collections.abc import Iterable
from typing import Annotated, Any

from bot import permissions
from bot.actors import Actor, Role
from bot.commands.registry import COMMANDS, Arguments, Command, Context, Text, command
from bot.errors import Refused, UserMistake
from bot.replies import Reply

SHOWN_CHARS = 60


class Topic(Arguments):
    """Arguments of `help`."""

    topic: Annotated[str, Text("TOPIC")] = ""


@command("help", needs=Role.STAKEHOLDER, arguments=Topic, reads=True)
def show_help(context: Context, arguments: Topic) -> Reply:
    """Show what you can do here, or more about one command or group."""
    return _help(context.actor, arguments.topic)


@command("agent help", needs=Role.STAKEHOLDER, arguments=Topic, reads=True)
def agent_help(context: Context, arguments: Topic) -> Reply:
    """Show what you can do with agents."""
    return _help(context.actor, _within("agent", arguments.topic))


@command("task help", needs=Role.STAKEHOLDER, arguments=Topic, reads=True)
def task_help(context: Context, arguments: Topic) -> Reply:
    """Show what you can do with tasks."""
    return _help(context.actor, _within("task", arguments.topic))


def _within(group: str, topic: str) -> str:
    """A topic of a group; one that is none there is meant as it stands: `/agent help task show`."""
    within = f"{group} {_plain(topic)}".rstrip()
    return within if _about(within, COMMANDS.values()) else topic


def _plain(topic: str) -> str:
    return " ".join(topic.lower().replace("`", "").split()).removeprefix("/")


def _help(actor: Actor, topic: str) -> Reply:
    topic = _plain(topic)
    mine = [known for known in COMMANDS.values() if permissions.may(actor, known.needs)]
    if not topic:
        lines = [*_groups(mine), "\nMore about one: `help agent`, `help task show`"]
        return _reply(actor, "What you can do", lines, mine)
    found = _about(topic, mine)
    if not found:
        name = topic[:SHOWN_CHARS]
        if _about(topic, COMMANDS.values()):
            raise Refused(f"`{name}` is not open to the role {actor.role}. An admin can change your role.")
        raise UserMistake(f"There is no command `{name}` to tell about. Try `help`.")
    near = [known for known in found if len(f" {known.name} ".partition(f" {topic} ")[2].split()) <= 1]
    deeper = [known for known in found if known not in near]
    lines = [*(_line(known, actor) for known in near), *_groups(deeper), "\nAll that you can do: `help`"]
    return _reply(actor, topic, lines, found)


def _about(topic: str, commands: Iterable[Command]) -> list[Command]:
    """The commands whose name begins with these words, else those that hold them."""
    named = {f" {known.name} ": known for known in commands}
    below = [known for name, known in named.items() if name.startswith(f" {topic} ")]
    return below or [known for name, known in named.items() if f" {topic} " in name]


def _line(known: Command, actor: Actor) -> str:
    condition = _condition(known, actor)
    return f"- `{known.usage}` — {known.about}" + (f" ({condition})" if condition else "")


def _condition(known: Command, actor: Actor) -> str:
    """When those may who have just the role that a command needs; empty for the others."""
    return known.condition if actor.role == known.needs else ""


def _groups(commands: Iterable[Command]) -> list[str]:
    """One line for each group with its verbs."""
    groups: dict[str, list[str]] = {}
    for known in commands:
        group, _, verb = known.name.rpartition(" ")
        groups.setdefault(group, []).append(verb)
    return [
        " ".join(filter(None, ["-", group and f"`{group}`", " · ".join(verbs)]))
        for group, verbs in groups.items()
    ]


def _reply(actor: Actor, title: str, lines: list[str], shown: Iterable[Command]) -> Reply:
    data: list[dict[str, Any]] = [
        {
            "name": known.name,
            "usage": known.usage,
            "about": known.about,
            "condition": _condition(known, actor),
        }
        for known in shown
    ]
    return Reply("\n".join([f"**{title}**", *lines]), {"commands": data})
