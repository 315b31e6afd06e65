"""One run of a task: the model takes its turn, its calls are made, each step is committed."""

import asyncio
import contextlib
import dataclasses
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from pydantic import ValidationError

from bot.agents import prompt
from bot.agents.limits import Limits
from bot.agents.speaking import Speaking
from bot.agents.story import WARNED, Story
from bot.errors import Permanent, UserMistake
from bot.events import (
    UNREADABLE,
    AnyFact,
    Call,
    Event,
    ModelTurned,
    TaskFailed,
    TaskFinished,
    ToolFinished,
    ToolStarted,
)
from bot.models.base import Model, Turn
from bot.models.choice import Models, split
from bot.tools.base import Arguments, Bench, Question, Tool, default_of, where_of
from bot.tools.keeping import keep
from bot.tools.shelf import SHELF
from bot.work import calls, runs
from bot.work.approvals import Asking, Wanted
from bot.work.runs import Claim
from bot.workspaces import Workspaces
from storage import database

log = structlog.get_logger()

PATCH = "changes.diff"
MOST_TOGETHER = 8
UNREAD = (
    "The task is not finished: people said something meanwhile that you have not read. Read it, do what it "
    "asks, and finish then."
)
SILENT = "The agent ended without a word."
STUCK = (
    "The agent made the same call {times} times with the same result, though it was told. Assign the task "
    "anew, with words that help it on."
)

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Manners:
    """How a task is carried out.

    Attributes:
        limits: What it may use up.
        asking: How people are asked.
        speak_s: Seconds between two looks at what a model is saying.
    """

    limits: Limits
    asking: Asking
    speak_s: float = 5.0


class Loop:
    """Carries one claimed task on until it is over, or waits for people.

    Args:
        claim: The right to.
        models: Decide what is done.
        names: Which of them.
        bench: Where tools work.
        workspaces: Knows what the task left behind.
        manners: How it is done.
        now: The clock.
    """

    def __init__(
        self,
        claim: Claim,
        models: Models,
        names: str,
        bench: Bench,
        workspaces: Workspaces,
        manners: Manners,
        now: Clock,
    ) -> None:
        self._claim = claim
        self._models = models
        self._names = names
        self._bench = bench
        self._workspaces = workspaces
        self._manners = manners
        self._limits = manners.limits.within(claim.budget)
        self._now = now
        self._story = Story()

    async def run(self) -> None:
        """Begin, or go on after the last committed step, until the task is over or waits.

        Raises:
            LeaseLostError: The claim was lost; nothing more may be done.
            LegworkError: It cannot be carried out.
        """
        claim, story = self._claim, self._story
        first, *_ = split(self._names)
        await asyncio.to_thread(self._workspaces.remember, claim.workspace, claim.key)
        await self._learn(await database.insist(runs.start, claim, first, self._now()))
        model = self._models.make(self._names, prompt.brief(claim, story.opened, SHELF))
        try:
            while await self._take_step(model):
                pass
        finally:
            await self._bench.shell.close()
            with contextlib.suppress(database.Fault):  # whoever goes must not wait for a disk that is full
                await self._tell_of_hosts(database.run)

    async def _take_step(self, model: Model) -> bool:
        """One turn of the model and its calls; False when the task is over, or waits."""
        story = self._story
        before: list[AnyFact] = []
        if not story.pending:
            await self._learn(await database.insist(runs.heard, self._claim, story.seq))
            if story.paused:
                return await self._set_aside()
            if why := self._why_not(model):
                return await self._end(Turn(why, gave_up=True))
            model.learn(story.news())
            heeded = story.seq
            turn = await self._turn(model)
            turned = ModelTurned(
                step=story.step + 1,
                words=turn.words,
                calls=turn.calls,
                heeded=heeded,
                model=turn.model,
                usage=turn.usage,
                wire=turn.wire,
            )
            before = [turned]
            if not turn.calls:
                return await self._end(turn, heeded, before if turn.model else ())
            story.take(turned)
        while story.pending:
            if not (await self._use_together(before) or await self._use(story.pending[0], before)):
                return False
            before = []
        return True

    def _why_not(self, model: Model) -> str:
        """Why there is to be no other turn; empty where there is."""
        story = self._story
        if story.repeats > WARNED and not model.scripted:
            return STUCK.format(times=story.repeats)
        return self._limits.reached(dataclasses.replace(story.spent, seconds=story.seconds(self._now())))

    async def _turn(self, model: Model) -> Turn:
        """The model's turn, for as long as the task may take."""
        step = self._story.step + 1
        most = self._limits.seconds
        left = None if most is None else most - self._story.seconds(self._now())
        try:
            async with asyncio.timeout(left) as time:
                return await model.turn(step, Speaking(step, self._manners.speak_s, self._commit))
        except Permanent as error:
            return Turn(str(error), gave_up=True)
        except TimeoutError:
            if most is None or not time.expired():
                raise
            spent = dataclasses.replace(self._story.spent, seconds=most)
            return Turn(self._limits.reached(spent), gave_up=True)

    async def _use_together(self, before: list[AnyFact]) -> bool:
        """Make the next calls at once, if they are of a kind that gets on with others; False if not."""
        story = self._story
        wanted, acts = [], []
        for call in story.pending[:MOST_TOGETHER]:
            tool, args, _ = _understood(call)
            if tool is None or args is None or not tool.reads(args):
                break
            wanted.append(Wanted(story.step, call, tool.does(args), tool.subjects(args), tool.default))
            acts.append((tool, args))
        if not wanted[1:]:
            return False
        begun = await database.insist(calls.begin_together, self._claim, before, wanted, self._now())
        if begun is None:
            return False
        await self._learn(begun)
        making = [self._make(one.call, *act) for one, act in zip(wanted, acts, strict=True)]
        for ended in await asyncio.gather(*making, return_exceptions=True):
            if isinstance(ended, BaseException):
                raise ended
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
        default = await default_of(tool, args, self._bench)
        where = await where_of(tool, self._bench)
        wanted = Wanted(step, call, tool.does(args), tool.subjects(args), default, where)
        begun = await database.insist(
            calls.begin, self._claim, before, wanted, self._manners.asking, self._now()
        )
        await self._learn(begun.events)
        if begun.course == "paused":
            return await self._set_aside()
        if begun.course != "go":
            return begun.course == "refused"
        return await self._make(call, tool, args)

    async def _make(self, call: Call, tool: Tool[Arguments], args: Arguments) -> bool:
        """Make a call that has begun, and record what came of it; False where the task is over, or waits."""
        step = self._story.step
        result = await tool.run(args, self._bench)
        if isinstance(result, Question):
            await database.insist(
                calls.ask_people, self._claim, step, call.id, result.text, result.options, self._now()
            )
            return False
        await self._tell_of_hosts(database.insist, call.id)
        facts = [*result.facts, result.ended(step, call.id)]
        if result.finished is not None:
            unread = ToolFinished(step=step, call_id=call.id, ok=False, output=UNREAD)
            return await self._end(Turn(result.finished), self._story.heeded, facts, [unread])
        await self._commit(facts)
        return True

    async def _tell_of_hosts(self, run: Callable[..., Awaitable[None]], call_id: str = "") -> None:
        """Record what programs asked of the network, before anything that a lost claim could prevent."""
        if facts := self._bench.shell.asked(self._story.step, call_id):
            await run(runs.tell, self._claim, facts, self._now())

    async def _set_aside(self) -> bool:
        """Let go of a paused task, and of its workspace: nothing may run there any more."""
        await self._bench.shell.close()
        await database.insist(runs.set_aside, self._claim)
        return False

    async def _commit(self, facts: list[AnyFact]) -> None:
        await self._learn(await database.insist(runs.commit, self._claim, facts, self._now()))

    async def _learn(self, events: Sequence[Event]) -> None:
        """Read what was recorded; where people said something in between, that too."""
        if events and events[0].seq > self._story.seq + 1:
            events = await database.insist(runs.heard, self._claim, self._story.seq)
        self._story.read(events)

    async def _end(
        self,
        turn: Turn,
        heeded: int | None = None,
        before: Sequence[AnyFact] = (),
        otherwise: Sequence[AnyFact] | None = None,
    ) -> bool:
        """End the task, with what led to it; True if somebody said something meanwhile, so that it goes on.

        Args:
            turn: How it ends.
            heeded: The last event that was heeded; None to end it whatever was said.
            before: What led to the end; it is recorded with it.
            otherwise: What is recorded in its place where the task goes on; the same if None.
        """
        claim = self._claim
        await self._bench.shell.close()  # what lies there now is the end of it
        left = await asyncio.to_thread(self._workspaces.difference, claim.workspace, claim.key)
        kept = await asyncio.to_thread(self._keep, left.patch)
        changes, more = left.changes, left.more
        fact: TaskFinished | TaskFailed
        if turn.gave_up:
            fact = TaskFailed(reason=turn.words, changes=changes, more_changes=more)
        else:
            fact = TaskFinished(summary=turn.words.strip() or SILENT, changes=changes, more_changes=more)
        otherwise = before if otherwise is None else otherwise
        await self._tell_of_hosts(database.insist)
        led = [*before, *kept]
        if not await database.insist(runs.end, claim, fact, self._now(), heeded, led, otherwise):
            await self._learn(await database.insist(runs.heard, claim, self._story.seq))
            return True
        await asyncio.to_thread(self._workspaces.forget, claim.workspace, claim.key)
        return False

    def _keep(self, patch: bytes) -> list[AnyFact]:
        """Keep what changed as a file, if anything did and there is room for it."""
        if not patch:
            return []
        try:
            return [keep(self._bench.artifacts, self._claim.key, PATCH, patch, "diff")]
        except UserMistake as mistake:
            log.warning("changes not kept", task=self._claim.key, why=str(mistake))
            return []


def _understood(call: Call) -> tuple[Tool[Arguments] | None, Arguments | None, str]:
    """The tool of a call with its arguments, or what is wrong with it, for the model to mend."""
    tool = SHELF.get(call.tool)
    if tool is None:
        return None, None, f"There is no tool called {call.tool}. There is: {', '.join(SHELF)}."
    if UNREADABLE in call.args:
        return None, None, f"The arguments of {call.tool} cannot be read: they are to be one JSON object."
    try:
        return tool, tool.arguments.model_validate(call.args), ""
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        return None, None, f"The arguments of {call.tool} are wrong: {wrong}."
