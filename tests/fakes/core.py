"""The core with its cast, for tests that need no network and no worker: a database, people, a clock."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot import people, stream
from bot.actors import Actor, Door, Origin
from bot.commands import grammar, registry
from bot.replies import Reply
from bot.vault import Keyring
from bot.work import runs, tasks
from bot.work.runs import Claim
from bot.work.tasks import Order
from storage import agents, database

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
LEASE = timedelta(seconds=15)
KEYRING = Keyring(("the secret of the tests",))
CLI = Origin(Door.CLI)
GENERAL = Origin(Door.SLACK, "C0GENERAL")
BACK_ROOM = Origin(Door.SLACK, "C0BACKROOM", private=True)


def after(seconds: float) -> datetime:
    """So long after noon."""
    return NOON + timedelta(seconds=seconds)


@contextlib.contextmanager
def opened(folder: Path) -> Iterator[Path]:
    """An open database with keys; where it is."""
    stream.seal_with(KEYRING)
    path = folder / "legwork.db"
    database.open(f"sqlite:///{path}")
    try:
        yield path
    finally:
        database.close()


@dataclass(frozen=True)
class Core:
    """An open database and the people in it.

    Attributes:
        path: The database.
        ada: An admin.
        mel: A member.
        ben: Another member.
        dana: A stakeholder, dana@example.org.
        eve: Another stakeholder, eve@example.org.
    """

    path: Path
    ada: Actor
    mel: Actor
    ben: Actor
    dana: Actor
    eve: Actor

    @classmethod
    async def furnished(cls, path: Path) -> "Core":
        """Everyone moves in, and two agents."""

        def furnish() -> Core:
            agents.add("coder", "Runs shell and Python.")
            agents.add("analyst", "Works through data.")
            return cls(
                path=path,
                ada=people.from_slack("U0ADA", "Ada", ("U0ADA",), NOON),
                mel=people.from_slack("U0MEL", "Mel", (), NOON),
                ben=people.from_slack("U0BEN", "Ben", (), NOON),
                dana=people.from_address("dana@example.org", (), NOON),
                eve=people.from_address("eve@example.org", (), NOON),
            )

        return await database.run(furnish)

    async def does(self, text: str, actor: Actor, origin: Origin = CLI, now: datetime = NOON) -> Reply:
        """Someone runs a command."""

        def run() -> Reply:
            parsed = grammar.parse(text, 40_000)
            return registry.run(registry.Call(parsed.name, parsed.arguments, actor, origin), now)

        return await database.run(run)

    async def opens(
        self,
        text: str = "Say hello",
        asker: Actor | None = None,
        origin: Origin = CLI,
        notify: Sequence[str] = (),
    ) -> int:
        """Someone, Mel unless told, gives @coder a task; its number."""
        asker = asker or self.mel
        order = Order("coder", text, notify=tuple(notify))
        return await database.run(lambda: int(tasks.open_task(asker, order, origin, NOON).id))

    async def cancels(self, task_id: int, now: datetime = NOON) -> None:
        """Mel cancels a task."""
        key = tasks.key(task_id)
        await database.run(lambda: tasks.cancel(tasks.find(key, self.mel, CLI), self.mel, now))


async def claimed(
    worker: str = "w1", now: datetime = NOON, host: str = "here", task_id: int | None = None
) -> Claim | None:
    """A worker claims what is free, if anything is."""
    return await database.run(runs.claim, worker, host, LEASE, now, task_id)


async def held(worker: str = "w1", now: datetime = NOON) -> Claim:
    """A worker claims what must be free."""
    claim = await claimed(worker, now)
    assert claim is not None
    return claim
