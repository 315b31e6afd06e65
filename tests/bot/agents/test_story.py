"""What a run knows of its task: the same for whoever reads its events, whenever they read them."""

from datetime import timedelta

from bot.agents.story import Story
from bot.events import (
    AnyFact,
    ApprovalAsked,
    Call,
    Event,
    InstructionGiven,
    ModelTurned,
    RunStarted,
    TaskOpened,
    TaskRetried,
    ToolFinished,
    ToolInterrupted,
    ToolStarted,
    Usage,
)
from bot.models.base import Answer, News, Told
from tests.fakes.core import NOON, after

CALL = Call(id="1.1", tool="terminal", args={"command": "make"})
OPENED = TaskOpened(title="x", text="x", agent="coder", asked_by="Mel", door="cli")
RUN = RunStarted(attempt=1, worker="w", model="openai:a")
ENDED = ToolFinished(step=1, call_id="1.1", ok=True, output="ok")


def say(text: str) -> InstructionGiven:
    return InstructionGiven(text=text, by="Mel", door="email")


def turn(heeded: int, step: int = 1, **more: object) -> ModelTurned:
    calls = (CALL.model_copy(update={"id": f"{step}.1"}),)
    return ModelTurned.model_validate({"step": step, "calls": calls, "heeded": heeded, **more})


def read(*facts: AnyFact, every_s: float = 1.0) -> Story:
    story = Story()
    story.read([Event(seq, after(seq * every_s), "x", fact) for seq, fact in enumerate(facts, 1)])
    return story


def kinds(news: list[News]) -> list[str]:
    return [item.text if isinstance(item, Told | Answer) else f"turn {item.step}" for item in news]


def test_what_is_said_during_a_turn_comes_after_it() -> None:
    """A turn that did not know of an instruction stands before it, and so do the answers to its calls."""
    story = read(
        OPENED,
        RUN,
        say("first"),
        say("second"),
        turn(heeded=3),
        ToolStarted(step=1, call=CALL, does=""),
        ENDED,
    )
    assert kinds(story.news()) == ["first", "turn 1", "ok", "second"]
    assert story.news() == []


def test_the_order_does_not_depend_on_when_it_is_read() -> None:
    """A worker that reads as it goes, and one that takes over, tell the model the same."""
    facts = [OPENED, RUN, say("a"), turn(3), say("b"), ENDED, turn(6, step=2), say("c")]
    events = [Event(seq, after(seq), "x", fact) for seq, fact in enumerate(facts, 1)]
    whole, bit_by_bit, told = Story(), Story(), []
    whole.read(events)
    for end in range(1, len(events) + 1):
        bit_by_bit.read(events[:end])
        if end in (3, 6, 8):  # where a turn begins
            told += bit_by_bit.news()
    assert told == whole.news()


def test_a_retried_task_begins_anew() -> None:
    """Nothing of what was before counts: no words, no calls, nothing spent."""
    story = read(OPENED, RUN, turn(2, usage=Usage(read=5)), TaskRetried(by="Mel"), RUN)
    assert (story.news(), story.pending, story.spent.tokens, story.step) == ([], [], 0, 1)


def test_what_is_spent_is_summed() -> None:
    """Turns, tokens and dollars; a model without a price is named."""
    used = Usage(read=100, cached=50, written=10, usd=0.5)
    story = read(
        OPENED,
        turn(1, usage=used),
        ENDED,
        turn(3, 2, usage=used),
        turn(4, 3, model="a:b", usage=Usage(read=1)),
    )
    spent = story.spent
    assert (spent.steps, spent.tokens, spent.usd, spent.unpriced) == (3, 221, 1.0, "a:b")


def test_time_that_a_task_waits_does_not_count() -> None:
    """Time counts from a claim until people are asked, and again from the next claim."""
    asked = ApprovalAsked(approval=1, step=1, call=CALL, does="", digest="", rule="")
    story = read(OPENED, RUN, turn(2), asked, say("soon"), RUN, turn(6, 2), every_s=10)
    assert story.seconds(NOON + timedelta(seconds=75)) == 20 + 10 + 5


def test_repeats_are_counted_in_a_row() -> None:
    """The same call with the same result; anything else in between begins anew."""
    facts: list[AnyFact] = [OPENED]
    for step in range(1, 4):
        facts += [turn(0, step), ENDED.model_copy(update={"call_id": f"{step}.1"})]
    story = read(*facts)
    assert story.repeats == 3
    assert sum("same call" in item.words for item in story.news() if isinstance(item, Told)) == 1
    other = ENDED.model_copy(update={"call_id": "4.1", "output": "other"})
    assert read(*facts, turn(0, 4), other).repeats == 1


def test_an_interrupted_call_is_answered() -> None:
    """The model is told of it, and nothing waits for it."""
    story = read(
        OPENED, RUN, turn(2), ToolStarted(step=1, call=CALL, does=""), ToolInterrupted(step=1, call_id="1.1")
    )
    assert story.pending == []
    assert story.news()[-1] == Answer("1.1", ok=False, interrupted=True)


def test_an_answer_is_no_instruction() -> None:
    """What answers a question is the result of the call that asked, and comes once."""
    answer = InstructionGiven(text="```sh\nx\n```", by="Mel", door="email", answers="1.1", commands=True)
    told = ToolFinished(step=1, call_id="1.1", ok=True, output=answer.text)
    news = read(OPENED, RUN, turn(2), answer, told).news()
    assert kinds(news) == ["turn 1", answer.text]
    assert isinstance(news[-1], Answer)
    assert news[-1].by == "Mel, by email, answers"
