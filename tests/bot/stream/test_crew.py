"""A crew does pieces of work as the bell rings: some at a time, each on its own, all ended with it."""

import asyncio

from structlog.testing import capture_logs

from bot.stream import bell
from bot.stream.crew import Crew
from tests.fakes.team import until


class Work:
    """Pieces that are done as the test says.

    Attributes:
        waiting: Those that nobody has begun.
        begun: Those that were, in order.
        ended: Those that are over, and whether they were cancelled.
        done: Set when the pieces may end.
    """

    def __init__(self, *pieces: str) -> None:
        self.crew = Crew(2)
        self.waiting = list(pieces)
        self.begun: list[str] = []
        self.ended: dict[str, bool] = {}
        self.done = asyncio.Event()

    async def dispatch(self) -> None:
        """Start what there is room for."""
        while self.waiting and self.crew.room > 0:
            name = self.waiting.pop(0)
            self.crew.start(name, self.piece(name))

    async def piece(self, name: str) -> None:
        """Be done when the test says; a bad piece dies then."""
        self.begun.append(name)
        self.ended[name] = True
        await self.done.wait()
        self.ended[name] = False
        if name == "bad":
            raise ZeroDivisionError


async def test_so_many_at_a_time_and_the_next_when_one_is_over() -> None:
    """The end of a piece, even a bad one, makes room for another, without anybody else's bell."""
    work = Work("bad", "b", "c")
    driving = asyncio.create_task(work.crew.drive(work.dispatch))
    await until(lambda: len(work.begun) == 2)
    assert (work.crew.room, work.crew.names) == (0, frozenset({"bad", "b"}))
    bell.ring()
    work.done.set()
    await until(lambda: work.crew.room == 2 and not work.waiting)
    assert work.begun == ["bad", "b", "c"]
    assert not driving.done()
    driving.cancel()
    await asyncio.wait([driving])


async def test_the_death_of_a_piece_is_told() -> None:
    """The log names the piece and the error; a cancelled one is no news."""
    work = Work("bad", "b")
    work.done.set()
    with capture_logs() as logs:
        driving = asyncio.create_task(work.crew.drive(work.dispatch))
        await until(lambda: work.ended == {"bad": False, "b": False} and work.crew.room == 2)
        work.done.clear()
        work.waiting.append("cancelled")
        bell.ring()
        await until(lambda: "cancelled" in work.begun)
        driving.cancel()
        await asyncio.wait([driving])
    assert [(entry["what"], type(entry["exc_info"])) for entry in logs] == [("bad", ZeroDivisionError)]


async def test_all_end_with_their_crew() -> None:
    """Whoever cancels the drive finds every piece over."""
    work = Work("a", "b")
    driving = asyncio.create_task(work.crew.drive(work.dispatch))
    await until(lambda: len(work.begun) == 2)
    driving.cancel()
    await asyncio.wait([driving])
    assert work.ended == {"a": True, "b": True}
    assert work.crew.room == 2
