"""People in a practice room with a bot, and workers that can be killed."""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from bot import people
from bot.actors import Door, Origin
from bot.app.house import House, now
from bot.commands import grammar, registry
from bot.practice import Delivered, Message, PracticeRoom
from bot.replies import Reply
from bot.stream import bell
from storage import database

T = TypeVar("T")
PATIENCE_S = 30.0


async def until(predicate: Callable[[], T], timeout_s: float = PATIENCE_S) -> T:
    """Wait for something outside of this process; whoever is inside it rings a bell instead."""
    deadline = time.monotonic() + timeout_s
    while not (found := predicate()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"did not come true within {timeout_s} s")
        await asyncio.sleep(0.01)
    return found


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


class Worker:
    """A worker in a process of its own, which can be killed."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    def kill(self) -> None:
        """As the kernel or a power cut would: no chance to clean up."""
        self.process.send_signal(signal.SIGKILL)

    async def stop(self) -> int:
        """As an operator does; the exit code."""
        self.process.terminate()
        return await asyncio.wait_for(self.process.wait(), PATIENCE_S)
