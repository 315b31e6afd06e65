"""A task that a model works on, in processes that can be killed or frozen."""

import asyncio
import contextlib
import email
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from bot import stream
from bot.app.house import now, opened
from bot.events import AnyFact, Event
from bot.practice import PracticeRoom
from bot.practice.slack import BOT_USER
from config.settings import Settings
from storage import database, tasks
from storage.tables import Runs, Streams, Subscriptions, Tasks
from tests.fakes.jam import connected, is_locked, stuck_at
from tests.fakes.models import ModelServer, model_server
from tests.fakes.team import PATIENCE_S, Part, Start, Team, in_time

INTERRUPTED = "[Interrupted: the worker died. Nobody knows how far the call got: look before you repeat it.]"


@dataclass
class Scene:
    """A task, T-1, that a model works on.

    Attributes:
        desk: The room, and a bot of which nothing runs but what is started.
        server: The model's provider.
        jams: What holds processes up; closed when they are dead.
    """

    desk: Team
    server: ModelServer
    _start: Start
    jams: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    async def worker(self) -> Part:
        """Start a worker whose agents think with the server; however slow it is, its leases last."""
        return await self._start(
            "worker",
            LEGWORK_MODEL="openai:a",
            OPENAI_BASE_URL=self.server.openai,
            LEGWORK_LEASE_SECONDS="600",
            LEGWORK_FIRST_MAIL_SECONDS="600",
        )

    async def leases_end(self) -> None:
        """Let the time of all leases be over, as it will be for whoever is dead or frozen."""

        def end() -> None:
            over = now() - timedelta(seconds=1)
            Runs.update(lease_until=over).where(~Runs.lease_until.is_null()).execute()
            Subscriptions.update(leased_until=over).where(~Subscriptions.leased_until.is_null()).execute()

        await database.run(end)

    async def freeze(self, part: Part) -> None:
        """Freeze a process, but not in mid-transaction: SQLite's lock would hold everyone up with it."""
        with contextlib.closing(connected(self._database)) as connection:
            part.freeze()
            while is_locked(connection):
                part.thaw()
                await asyncio.sleep(0)
                part.freeze()

    async def mail(self) -> Part:
        """Start a mail side."""
        part = await self._start("mail")
        self.desk.room.mail_to = (await part.says("taking mail"))["SMTP"]
        return part

    def jam(self, act: str) -> sqlite3.Connection:
        """See `tests.fakes.jam.stuck_at`; one that records a fact is `recording("ToolFinished")`."""
        return self.jams.enter_context(stuck_at(self._database, act))

    async def events(self, task_id: int = 1) -> list[Event]:
        """All that was recorded of a task."""
        return list(await database.run(lambda: stream.replay(tasks.get(task_id).stream_id)))

    async def recorded(self, kind: type[AnyFact], task_id: int = 1) -> None:
        """Wait until a fact of this kind is in the log."""

        async def there() -> bool:
            return any(isinstance(event.fact, kind) for event in await self.events(task_id))

        await in_time(there)

    async def asked(self, times: int) -> None:
        """Wait until the model was asked so often."""
        await self.server.comes_true(lambda: len(self.server.requests) >= times, PATIENCE_S)

    async def posted(self, part: str) -> None:
        """Wait until the thread has this."""
        await self.desk.room.wait_for(lambda: part in self.parts(), PATIENCE_S)

    async def settled(self, task_id: int = 1) -> None:
        """Wait until a task is over, and everyone was told all of it."""

        def look() -> bool:
            task = Tasks.get_by_id(task_id)
            behind = (Subscriptions.cursor < Streams.seq) & (Subscriptions.task == task_id)
            told = not Subscriptions.select().join(Tasks).join(Streams).where(behind).exists()
            return told and task.ended_at is not None and not task.report_due

        await in_time(lambda: database.run(look))

    @property
    def _database(self) -> Path:
        return self.desk.house.settings.home / "legwork.db"

    def parts(self) -> list[str]:
        """What the bot posted, in order: the part of each message, the name of each file."""
        ours = [one for thread in self.desk.threads() for one in thread if one.user == BOT_USER]
        return [str(one.metadata.get("event_payload", {}).get("part") or one.files[0].name) for one in ours]

    def mails(self) -> Counter[str]:
        """How often each mail arrived, by its Message-ID."""
        letters = self.desk.room.mailbox.letters
        return Counter(str(email.message_from_bytes(letter.raw)["Message-ID"]) for letter in letters)

    def answers(self) -> list[str]:
        """What became of each call, as the model was told in its last request."""
        messages = self.server.requests[-1]["messages"]
        return [str(message["content"]) for message in messages if message["role"] == "tool"]

    def told_by_people(self) -> list[str]:
        """What people told the agent, after the task itself, as its last request says."""
        messages = self.server.requests[-1]["messages"]
        return [str(message["content"]) for message in messages if message["role"] == "user"][1:]

    def forgets_nothing(self) -> bool:
        """Whether each request begins with all that the one before it said."""
        asked: list[list[Any]] = [request["messages"] for request in self.server.requests]
        return all(later[: len(earlier)] == earlier for earlier, later in pairwise(asked))


def recording(kind: str) -> str:
    """The act of recording a fact of this kind, for `Scene.jam`."""
    return f"""INSERT ON events WHEN instr(CAST(NEW.body AS TEXT), '"kind":"{kind}"')"""


@contextlib.asynccontextmanager
async def set_up(room: PracticeRoom, settings: Settings, start: Start) -> AsyncIterator[Scene]:
    """A scene without a task."""
    async with opened(settings) as house, model_server() as server:
        scene = Scene(Team(room, house), server, start)
        with scene.jams:
            yield scene


def kinds(events: Sequence[Event], *wanted: type[AnyFact]) -> list[Any]:
    """The facts of these kinds, in order."""
    return [event.fact for event in events if isinstance(event.fact, wanted)]
