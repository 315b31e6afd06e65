"""People in a practice room with a bot, and parts of it that can be killed."""

import asyncio
import contextlib
import json
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from bot import people, stream
from bot.actors import Door, Origin
from bot.app.house import House, now
from bot.commands import grammar, registry
from bot.events import InstructionGiven
from bot.practice import Delivered, Message, PracticeRoom
from bot.practice.slack import BOT_USER
from bot.replies import Reply
from bot.stream import bell
from storage import database
from storage.tables import Tasks

T = TypeVar("T")
PATIENCE_S = 90.0  # of a machine on which much else goes on
Start = Callable[..., Awaitable["Part"]]


async def until(predicate: Callable[[], T], timeout_s: float = PATIENCE_S) -> T:
    """Wait for something outside of this process; whoever is inside it rings a bell instead."""
    deadline = time.monotonic() + timeout_s
    while not (found := predicate()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"did not come true within {timeout_s} s")
        await asyncio.sleep(0.01)
    return found


async def in_time(look: Callable[[], Awaitable[bool]]) -> None:
    """Wait for what another process brings about: it rings no bell here."""
    async with asyncio.timeout(PATIENCE_S):
        while not await look():  # noqa: ASYNC110  no event tells of it
            await asyncio.sleep(0.02)


@dataclass
class Team:
    """People in a practice room with a bot, as a test uses them."""

    room: PracticeRoom
    house: House

    async def types(self, text: str, **options: Any) -> Delivered:
        """Someone types a slash command: `/agent …`."""
        command, _, rest = text.partition(" ")
        return await self.room.command(command, rest, **options)

    def threads(self, channel: str = "general") -> list[list[Message]]:
        """Every thread of a channel, the root first."""
        slack = self.room.slack
        return [slack.thread(channel, root.ts) for root in slack.history(channel)]

    async def thread_with_report(self, channel: str = "general") -> list[Message]:
        """The channel's thread, once the PDF is in it."""

        def there() -> list[Message] | None:
            return next((t for t in self.threads(channel) if t[-1].files), None)

        found = await self.room.wait_for(there, PATIENCE_S)
        assert found
        return found

    async def comes_true(self, look: Callable[[], Awaitable[bool]], timeout_s: float = PATIENCE_S) -> None:
        """Wait until something holds in the bot; looked at again whenever its bell rings."""
        heard = bell.rung
        async with asyncio.timeout(timeout_s):
            while not await look():
                heard = await bell.wait(heard)

    async def message(self, saying: str, thread: str = "", channel: str = "general") -> Message:
        """The bot's first message in a channel, or in one of its threads, that says this, once it does."""

        def there() -> Message | None:
            slack = self.room.slack
            found = [slack.thread(channel, thread)] if thread else self.threads(channel)
            ours = (one for messages in found for one in messages if one.user == BOT_USER)
            return next((one for one in ours if _says(one, saying)), None)

        found = await self.room.wait_for(there, PATIENCE_S)
        assert found
        return found

    async def note(self, saying: str, user: str = "alice") -> Message:
        """What one person alone is told, once it says this."""

        def there() -> Message | None:
            told = self.room.slack.ephemerals(user)
            return next((one for one in told if _says(one, saying)), None)

        found = await self.room.wait_for(there, PATIENCE_S)
        assert found
        return found

    async def settled(self, state: str, key: str = "T-1") -> dict[str, Any]:
        """A task once it is in this state."""
        found: dict[str, Any] = {}

        async def look() -> bool:
            found.update((await self.does(f"task show {key}")).data)
            return bool(found["state"] == state)

        await self.comes_true(look)
        return found

    async def told(self, task_id: int = 1) -> list[InstructionGiven]:
        """What people told a task's agent."""

        def read() -> list[InstructionGiven]:
            facts = (event.fact for event in stream.replay(Tasks.get_by_id(task_id).stream_id))
            return [fact for fact in facts if isinstance(fact, InstructionGiven)]

        return await database.run(read)

    def workspace(self, task_id: int = 1) -> Path:
        """Where a task works."""
        return self.house.workspaces.path(f"t-{task_id}")

    async def does(self, text: str) -> Reply:
        """The operator runs a command on the bot's own machine."""
        return await database.run(self._do, text, Origin(Door.CLI))

    async def assigned_in_slack(self, text: str, channel: str = "general") -> int:
        """A task that came from a channel, without a web side to take it; its number."""
        place = self.room.slack.channel(channel).id
        reply = await database.run(self._do, f"agent assign @coder {text}", Origin(Door.SLACK, place))
        return int(reply.data["id"])

    def _do(self, text: str, origin: Origin) -> Reply:
        parsed = grammar.parse(text, self.house.settings.max_command_chars)
        operator = people.local_operator("operator", now())
        return registry.run(registry.Call(parsed.name, parsed.arguments, operator, origin), now())


def _says(message: Message, text: str) -> bool:
    return text in message.text or text in str(message.blocks)


class Part:
    """A part of the bot in a process of its own, which can be killed.

    Attributes:
        process: The process.
        logged: What it logged so far.
    """

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.logged: list[dict[str, Any]] = []
        self._reading = asyncio.create_task(self._read())

    async def says(self, event: str) -> dict[str, Any]:
        """The first thing it logs under this name."""

        def said() -> dict[str, Any] | None:
            assert not self._reading.done(), f"it ended before it said {event!r}"
            return next((line for line in self.logged if line.get("event") == event), None)

        found = await until(said)
        assert found
        return found

    def kill(self) -> None:
        """As the kernel or a power cut would: no chance to clean up."""
        self.process.send_signal(signal.SIGKILL)

    def freeze(self) -> None:
        """As a machine that swaps, or is suspended: it notices nothing of the time that goes by."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on where it was."""
        self.process.send_signal(signal.SIGCONT)

    async def stop(self) -> int:
        """As an operator does; the exit code."""
        self.process.terminate()
        return await asyncio.wait_for(self.ended(), PATIENCE_S)

    async def ended(self) -> int:
        """The exit code, once it is over."""
        await asyncio.shield(self._reading)
        return await self.process.wait()

    async def _read(self) -> None:
        assert self.process.stderr
        async for line in self.process.stderr:
            sys.stderr.write(line.decode())
            with contextlib.suppress(ValueError):  # a traceback, say
                self.logged.append(dict(json.loads(line)))
