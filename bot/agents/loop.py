"""One run of a task: the model takes its turn, its calls are made, each step is committed."""

import asyncio
import dataclasses
from collections.abc import Callable, Sequence
from datetime import datetime

from pydantic import ValidationError

from bot.events import (
    AnyFact,
    Call,
    Event,
    ModelTurned,
    TaskFailed,
    TaskFinished,
    ToolFinished,
    ToolInterrupted,
    ToolStarted,
)
from bot.models.base import Answer, Model
from bot.tools.base import Arguments, Bench, Result, Tool
from bot.tools.shelf import SHELF
from bot.work import runs
from bot.work.runs import Claim
from bot.workspaces import Workspaces
from storage import database

Clock = Callable[[], datetime]


class Loop:
    """Carries one claimed task to its end.

    Args:
        claim: The right to.
        model: Decides what is done.
        bench: Where tools work.
        workspaces: Knows what the task left behind.
        max_steps: The most turns a model gets.
        now: The clock.
    """

    def __init__(
        self, claim: Claim, model: Model, bench: Bench, workspaces: Workspaces, max_steps: int, now: Clock
    ) -> None:
        self._claim = claim
        self._model = model
        self._bench = bench
        self._workspaces = workspaces
        self._max_steps = max_steps
        self._now = now
        self._answers: list[Answer] = []
        self._step = 0

    async def run(self) -> None:
        """Begin, or go on after the last committed step, until the task is over.

        Raises:
            LeaseLostError: The claim was lost; nothing more may be done.
        """
        events = await database.insist(runs.start, self._claim, self._model.name, self._now())
        self._answers = answers(events)
        self._step = max((e.fact.step for e in events if isinstance(e.fact, ModelTurned)), default=0)
        while await self._take_step():
            pass

    async def _take_step(self) -> bool:
        """One turn of the model and its calls; False when the task is over."""
        if self._step >= self._max_steps:
            await self._end(gave_up=True, words=f"The task took more than its {self._max_steps} steps.")
            return False
        turn = await self._model.turn(self._answers)
        if not turn.calls:
            await self._end(gave_up=turn.gave_up, words=turn.words)
            return False
        self._step += 1
        facts: list[AnyFact] = [ModelTurned(step=self._step, words=turn.words, calls=turn.calls)]
        for call in turn.calls:
            await self._use(call, facts)
            facts = []
        return True

    async def _use(self, call: Call, before: list[AnyFact]) -> None:
        """Make one call; what led to it is committed with its beginning."""
        tool, args, mistake = _understood(call)
        does = tool.does(args) if tool and args else call.tool
        await self._commit([*before, ToolStarted(step=self._step, call=call, does=does)])
        result = await tool.run(args, self._bench) if tool and args else Result(ok=False, output=mistake)
        finished = ToolFinished(step=self._step, call_id=call.id, **dataclasses.asdict(result))
        self._answers += answers(await self._commit([finished]))

    async def _commit(self, facts: list[AnyFact]) -> list[Event]:
        return await database.insist(runs.commit, self._claim, facts, self._now())

    async def _end(self, *, gave_up: bool, words: str) -> None:
        changes, more = await asyncio.to_thread(self._workspaces.changes, self._claim.workspace)
        fact: TaskFinished | TaskFailed
        if gave_up:
            fact = TaskFailed(reason=words, changes=changes, more_changes=more)
        else:
            fact = TaskFinished(summary=words, changes=changes, more_changes=more)
        await database.insist(runs.end, self._claim, fact, self._now())


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


def answers(events: Sequence[Event]) -> list[Answer]:
    """What became of the calls that these events tell of."""
    found = []
    for event in events:
        fact = event.fact
        if isinstance(fact, ToolFinished):
            found.append(
                Answer(
                    call_id=fact.call_id,
                    ok=fact.ok,
                    text=fact.output,
                    exit_code=fact.exit_code,
                    ended_by=fact.ended_by or "",
                )
            )
        elif isinstance(fact, ToolInterrupted):
            found.append(Answer(call_id=fact.call_id, ok=False, interrupted=True))
    return found
