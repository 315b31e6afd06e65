"""One run of a task: the model takes its turn, its calls are made, each step is committed."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic import ValidationError

from bot.agents.story import Story
from bot.events import (
    AnyFact,
    Call,
    Event,
    ModelTurned,
    TaskFailed,
    TaskFinished,
    ToolFinished,
    ToolStarted,
)
from bot.models.base import Model
from bot.tools.base import Arguments, Bench, Question, Tool
from bot.tools.shelf import SHELF
from bot.work import calls, runs
from bot.work.approvals import Asking, Wanted
from bot.work.runs import Claim
from bot.workspaces import Workspaces
from storage import database

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Manners:
    """How a task is carried out.

    Attributes:
        max_steps: The most turns a model gets.
        asking: How people are asked.
    """

    max_steps: int
    asking: Asking


class Loop:
    """Carries one claimed task on until it is over, or waits for people.

    Args:
        claim: The right to.
        model: Decides what is done.
        bench: Where tools work.
        workspaces: Knows what the task left behind.
        manners: How it is done.
        now: The clock.
    """

    def __init__(
        self,
        claim: Claim,
        model: Model,
        bench: Bench,
        workspaces: Workspaces,
        manners: Manners,
        now: Clock,
    ) -> None:
        self._claim = claim
        self._model = model
        self._bench = bench
        self._workspaces = workspaces
        self._manners = manners
        self._now = now
        self._story = Story()

    async def run(self) -> None:
        """Begin, or go on after the last committed step, until the task is over or waits.

        Raises:
            LeaseLostError: The claim was lost; nothing more may be done.
        """
        claim = self._claim
        await asyncio.to_thread(self._workspaces.remember, claim.workspace, claim.key)
        await self._learn(await database.insist(runs.start, self._claim, self._model.name, self._now()))
        while await self._take_step():
            pass

    async def _take_step(self) -> bool:
        """One turn of the model and its calls; False when the task is over, or waits."""
        story = self._story
        before: list[AnyFact] = []
        if not story.pending:
            await self._learn(await database.insist(runs.heard, self._claim, story.seq))
            if story.turns >= self._manners.max_steps:
                words = f"The task took more than its {self._manners.max_steps} steps."
                return await self._end(gave_up=True, words=words)
            turn = await self._model.turn(story.answers, story.told)
            if not turn.calls:
                return await self._end(gave_up=turn.gave_up, words=turn.words)
            turned = ModelTurned(step=story.step + 1, words=turn.words, calls=turn.calls)
            story.take(turned)
            before = [turned]
        for call in list(story.pending):
            if not await self._use(call, before):
                return False
            before = []
        return True

    async def _use(self, call: Call, before: list[AnyFact]) -> bool:
        """Make one call, with what led to it; False where the task is to wait."""
        step = self._story.step
        tool, args, mistake = _understood(call)
        if tool is None or args is None:
            started = ToolStarted(step=step, call=call, does=call.tool)
            finished = ToolFinished(step=step, call_id=call.id, ok=False, output=mistake)
            await self._commit([*before, started, finished])
            return True
        wanted = Wanted(step, call, tool.does(args), tool.subjects(args), tool.default)
        begun = await database.insist(
            calls.begin, self._claim, before, wanted, self._manners.asking, self._now()
        )
        await self._learn(begun.events)
        if begun.course != "go":
            return begun.course == "refused"
        result = await tool.run(args, self._bench)
        if isinstance(result, Question):
            await database.insist(
                calls.ask_people, self._claim, step, call.id, result.text, result.options, self._now()
            )
            return False
        await self._commit([*result.facts, result.ended(step, call.id)])
        if result.finished is not None:
            return await self._end(gave_up=False, words=result.finished)
        return True

    async def _commit(self, facts: list[AnyFact]) -> None:
        await self._learn(await database.insist(runs.commit, self._claim, facts, self._now()))

    async def _learn(self, events: Sequence[Event]) -> None:
        """Read what was recorded; where people said something in between, that too."""
        if events and events[0].seq > self._story.seq + 1:
            events = await database.insist(runs.heard, self._claim, self._story.seq)
        self._story.read(events)

    async def _end(self, *, gave_up: bool, words: str) -> bool:
        """End the task; True if somebody said something meanwhile, so that it goes on."""
        changes, more = await asyncio.to_thread(
            self._workspaces.changes, self._claim.workspace, self._claim.key
        )
        fact: TaskFinished | TaskFailed
        if gave_up:
            fact = TaskFailed(reason=words, changes=changes, more_changes=more)
        else:
            fact = TaskFinished(summary=words, changes=changes, more_changes=more)
        ended = await database.insist(runs.end, self._claim, fact, self._now(), self._story.seq)
        if ended:
            await asyncio.to_thread(self._workspaces.forget, self._claim.key)
        return not ended


def _understood(call: Call) -> tuple[Tool[Arguments] | None, Arguments | None, str]:
    """The tool of a call with its arguments, or what is wrong with it, for the model to mend."""
    tool = SHELF.get(call.tool)
    if tool is None:
        return None, None, f"There is no tool called {call.tool}. There is: {', '.join(SHELF)}."
    try:
        return tool, tool.arguments.model_validate(call.args), ""
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        return None, None, f"The arguments of {call.tool} are wrong: {wrong}."
