"""What is said in Slack, from an event to the act and its answer; in the caller's transaction.

Slack tells of one message in several ways (`message`, `app_mention`, a second try), at the same time and in
any order: `heard` is the one way in for all of them, and acts once.
"""

import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from bot.actors import Actor, Origin
from bot.commands import grammar, tokens
from bot.commands.words import agent_name
from bot.errors import UserMistake
from bot.replies import Reply
from bot.work.keys import key as key_of
from handlers.slack import asks
from handlers.slack.acting import Acting, answer, origin
from handlers.slack.mentions import Words
from handlers.slack.payloads import Changed, Deleted, Message
from storage import agents, discussions, inbox, messages, people, tasks
from storage.tables import Discussions, Messages, Tasks

_BARE = re.compile(r"<@([A-Z0-9]+)>")
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_MARKUP = re.compile(r"[<>|\s]+")
UNCLEAR = (
    "That is no command, and no agent is set for this place. Name one, `@coder …`, or let an admin set one: "
    "`agent channel set --agent @coder`"
)


@dataclass(frozen=True, slots=True)
class Ask:
    """What a message asks for.

    Attributes:
        command: As text of the grammar.
        kind: Something for an agent (a task, or something said to one), or a command.
        lead: What stands before the answer.
    """

    command: str
    kind: Literal["task", "said", "command"] = "command"
    lead: str = ""


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of a message.

    Attributes:
        taken: An agent will see it.
        nameless: It was said by somebody who is still called by their id.
    """

    taken: bool = False
    nameless: bool = False


NOTHING = Heard()


def known(user_id: str) -> bool:
    """Whether somebody was seen before; only reads."""
    return people.find("slack", user_id) is not None


def concerns(message: Message, words: Words) -> bool:
    """Whether a message is for the bot, or tells that a place is not as public as it was; only reads."""
    place = discussions.find("slack", message.channel)
    moved = place is not None and message.private not in (None, place.private)
    return moved or _to_bot(message, words) or _task(message) is not None


def _to_bot(message: Message, words: Words) -> bool:
    return words.mentioned or message.direct


def _task(message: Message) -> Tasks | None:
    """The task in whose thread a message stands."""
    return tasks.in_thread("slack", f"{message.channel}:{message.thread_ts}") if message.thread_ts else None


def heard(acting: Acting, event_id: str, message: Message, words: Words, now: datetime) -> Heard:
    """Act on what was said, and answer it in its thread.

    Args:
        acting: Runs commands.
        event_id: Slack's name of the event.
        message: By a person.
        words: What it says.
        now: The time.
    """
    discussion = _discussion(message)
    task = _task(message)
    if task is None and not _to_bot(message, words):
        return NOTHING
    first = inbox.first_time(f"slack:{event_id}", now)
    if not (inbox.first_time(f"slack:{message.channel}:{message.ts}", now) and first):
        return NOTHING
    if messages.find(discussion.id, message.ts):  # edited after its ids were forgotten
        return NOTHING
    actor = acting.who(message.user, "", now)
    ask = _asked(words, task, discussion)
    told = _act(acting, ask, message, actor, discussion, now) if ask else None
    messages.add(
        discussion.id,
        message.ts,
        actor.name,
        _kept(words),
        message.at,
        thread=message.thread_ts,
        person_id=actor.id,
        task_id=told,
    )
    return Heard(taken=told is not None, nameless=actor.name == message.user)


def _discussion(message: Message) -> Discussions:
    """Where it was said; private until an event tells, for a mention does not."""
    known = discussions.find("slack", message.channel)
    private = message.private
    if private is None:
        private = known.private if known else True
    return discussions.ensure("slack", message.channel, private=private)


def _asked(words: Words, task: Tasks | None, discussion: Discussions) -> Ask | None:
    """What a message asks for; None where it is only kept."""
    if task is None:
        return _asked_of_bot(words, discussion)
    key = key_of(task.id)
    shouted = words.whole.startswith("!")
    if words.mentioned or shouted:
        if found := asks.command(words.after or words.whole, key):
            return _command(found)
        if not words.whole:
            return Ask(f"task show {key}")
    if not words.whole or not (words.mentioned or task.state in tasks.OPEN):
        return None
    return Ask(f"task say {key} -- {words.whole}", "said")


def _command(text: str) -> Ask:
    return Ask(text, "task" if text.startswith("agent assign ") else "command")


def _asked_of_bot(words: Words, discussion: Discussions) -> Ask:
    """What is asked outside of a task's thread: a command, or a task for an agent."""
    for text in dict.fromkeys((words.after or words.whole, words.whole)):
        if found := asks.command(text):
            return _command(found)
        named = asks.agent(text)
        if named and agents.find(agent_name(named)):
            return Ask(f"agent assign {text}", "task")
    if discussion.agent and words.whole:
        return Ask(f"agent assign @{discussion.agent.name} {words.whole}", "task")
    if asks.agent(words.whole):
        return Ask(f"agent assign {words.whole}", "task")  # whose mistake names the agents that there are
    return Ask("help", lead=f"{UNCLEAR}\n\n" if words.whole else "")


def _act(
    acting: Acting, ask: Ask, message: Message, actor: Actor, discussion: Discussions, now: datetime
) -> int | None:
    """Run it, answer (a mistake to whoever made it alone), and name the task whose agent is told by it."""
    where = origin(message.channel, message.thread_ts or message.ts, private=discussion.private)
    reply = acting.run(_named(ask.command), actor, where, now)
    task = tasks.in_thread("slack", f"{where.place}:{where.thread}")
    if not reply.ok or ask.lead:
        # a private note in a thread is shown only where there is one already
        beside = where if message.thread_ts or message.direct else replace(where, thread="")
        answer(beside, replace(reply, text=ask.lead + reply.text), now, message.user)
    elif not _shown(ask, reply, task):
        answer(where, reply, now)
    return task.id if task and reply.ok and ask.kind != "command" else None


def _shown(ask: Ask, reply: Reply, task: Tasks | None) -> bool:
    """Whether the thread itself shows what was done: it is that of the task that it was done to."""
    about = (reply.data.get("key"), reply.data.get("task"))
    return (reply.shown or ask.kind == "task") and task is not None and key_of(task.id) in about


def _named(text: str) -> str:
    """A text with the names of those it mentions, as far as they are known: events tell only ids."""

    def named(match: re.Match[str]) -> str:
        person = people.find("slack", match[1])
        name = _MARKUP.sub(" ", person.name).strip() if person else ""
        return f"<@{match[1]}|{name}>" if name else match[0]

    return _BARE.sub(named, text)


def _kept(words: Words) -> str:
    """What is kept of what was said; a character that no table holds is `?`."""
    return _UNSTORABLE.sub("?", tokens.readable(_named(words.whole)))


def kept(event: Changed | Deleted) -> Messages | None:
    """The message that was edited or taken back, if the bot heard it; only reads."""
    discussion = discussions.find("slack", event.channel)
    ts = event.deleted_ts if isinstance(event, Deleted) else event.message.ts
    return messages.find(discussion.id, ts) if discussion else None


def changed(acting: Acting, event_id: str, event: Changed, words: Words, now: datetime) -> None:
    """Keep the new words of a message, and tell an agent that was told the old ones; no command runs again.

    Args:
        acting: Runs commands.
        event_id: Slack's name of the event.
        event: Of a person's message.
        words: What it says now.
        now: The time.
    """
    message = kept(event)
    if message is None or not inbox.first_time(f"slack:{event_id}", now):
        return
    text = _kept(words)
    if text == message.text:
        return
    messages.edit(message.id, text)
    if message.task_id is None or not tasks.is_open(message.task_id):
        return
    said = Message(channel=event.channel, channel_type=event.channel_type, **event.message.model_dump())
    discussion = _discussion(said)
    meant = _meant(acting, _asked(words, _task(said), discussion))
    if meant:
        actor = acting.who(said.user, "", now)
        where: Origin = origin(said.channel, said.thread_ts or said.ts, private=discussion.private)
        command = f"task say {key_of(message.task_id)} --answers 0 -- Correction: {_named(meant)}"
        reply = acting.run(command, actor, where, now)
        if not reply.ok:
            answer(where, reply, now, said.user)


def _meant(acting: Acting, ask: Ask | None) -> str:
    """What an agent is to read of a message; empty where it is not for one."""
    if ask is None or ask.kind == "command":
        return ""
    try:
        return str(grammar.parse(ask.command, acting.max_chars).arguments.get("text", ""))
    except UserMistake:
        return ""


def deleted(event_id: str, event: Changed | Deleted, now: datetime) -> None:
    """Forget what somebody took back. What an agent was told of it stays in the task's log."""
    message = kept(event)
    if message and inbox.first_time(f"slack:{event_id}", now):
        messages.erase(message.id)
