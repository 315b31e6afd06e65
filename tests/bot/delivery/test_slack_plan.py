"""What a thread is told: everything once, in order, and what stands there already shows how things are."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.delivery.outlet import Message
from bot.delivery.slack_plan import plan
from bot.events import (
    AnyFact,
    ApprovalAsked,
    ApprovalDecided,
    ApprovalReminded,
    ApprovalWithdrawn,
    ArtifactSaved,
    Call,
    Event,
    InstructionGiven,
    ModelTurned,
    QuestionAsked,
    RunStarted,
    TaskCancelled,
    TaskFinished,
    TaskOpened,
    TaskReassigned,
    TaskRetried,
)

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
OPENED = TaskOpened(title="Fix it", text="Fix it", agent="coder", asked_by="Mel", door="slack")
BEGUN = RunStarted(attempt=1, worker="w1", model="runbook")
TURNED = ModelTurned(step=1)
DONE = TaskFinished(summary="Done.")
RETRIED = TaskRetried(by="Mel")
SAVED = ArtifactSaved(name="r.pdf", purpose="report", media_type="application/pdf", size=1, sha256="0")


def call(number: int) -> Call:
    return Call(id=f"c{number}", tool="terminal", args={})


def asked(number: int, does: str = "git push") -> ApprovalAsked:
    return ApprovalAsked(approval=number, step=1, call=call(number), does=does, digest="0", rule="Asked.")


def decided(number: int) -> ApprovalDecided:
    return ApprovalDecided(approval=number, call_id=f"c{number}", decision="approve", by="Mel", door="email")


def withdrawn(number: int) -> ApprovalWithdrawn:
    return ApprovalWithdrawn(approval=number, call_id=f"c{number}", why="The task was cancelled.")


def wonders(number: int) -> QuestionAsked:
    return QuestionAsked(step=1, call_id=f"c{number}", text="Which?", options=("This", "That"))


def says(door: str = "email", answers: str = "") -> InstructionGiven:
    return InstructionGiven(text="This", by="Dana", door=door, answers=answers)


def log(*facts: AnyFact) -> list[Event]:
    return [Event(seq=seq, at=NOON, actor="x", fact=fact) for seq, fact in enumerate(facts, 1)]


class Thread:
    """A thread, and a pump that can be stopped after any message.

    Attributes:
        posts: What was posted, by event and part, in order.
        shown: How far the log was when each part was last posted or changed.
    """

    def __init__(self, cadence: str = "all") -> None:
        self.cadence = cadence
        self.cursor = 0
        self.posts: list[tuple[int, str]] = []
        self.shown: dict[str, int] = {}

    def pump(self, events: list[Event], most: int = 10_000) -> bool:
        """Tell so many messages at most; whether all is told."""
        for _ in range(most):
            message = self._next(events)
            if message is None:
                return True
            if not message.edits:
                self.posts.append((message.seq, message.part))
            for part in message.edits or (message.part,):
                if part in self.shown or not message.edits:
                    self.shown[part] = events[-1].seq
            self._advance(message.cursor)
        return False

    def _next(self, events: list[Event]) -> Message | None:
        for message in plan(events, self.cursor, self.cadence):
            if message.edits and self.shown.keys() & set(message.edits):
                return message
            if not message.edits and (message.seq, message.part) not in self.posts:
                return message
            self._advance(message.cursor)
        self._advance(events[-1].seq)
        return None

    def _advance(self, cursor: int) -> None:
        assert cursor >= self.cursor
        self.cursor = cursor

    @property
    def parts(self) -> list[str]:
        """What was posted, by part."""
        return [part for _, part in self.posts]


def told(*facts: AnyFact, cadence: str = "all") -> Thread:
    thread = Thread(cadence)
    assert thread.pump(log(*facts))
    return thread


NUMBERS = st.integers(1, 3)
FACTS: st.SearchStrategy[AnyFact] = st.one_of(
    st.sampled_from(
        [BEGUN, TURNED, DONE, RETRIED, SAVED, TaskCancelled(by="Mel"), TaskReassigned(agent="b", by="Mel")]
    ),
    st.builds(asked, NUMBERS),
    st.builds(asked, NUMBERS, st.just("x" * 11_000)),
    st.builds(decided, NUMBERS),
    st.builds(withdrawn, NUMBERS),
    st.builds(wonders, NUMBERS),
    st.builds(lambda number: ApprovalReminded(approval=number), NUMBERS),
    st.builds(says, st.sampled_from(["email", "slack"]), st.sampled_from(["", "c1", "c2"])),
)


@given(st.lists(FACTS, max_size=15), st.lists(st.integers(0, 4), min_size=16, max_size=16))
def test_nothing_is_posted_twice_however_often_a_pump_is_stopped(
    facts: list[AnyFact], mosts: list[int]
) -> None:
    """Told bit by bit, the cursor never goes back, each part of an event is posted once, and it ends."""
    events, thread = log(OPENED, *facts), Thread()
    for end, most in enumerate(mosts[: len(events)], 1):
        thread.pump(events[:end], most)
    assert thread.pump(events)
    assert len(set(thread.posts)) == len(thread.posts)
    assert thread.cursor == len(events)


@given(st.lists(FACTS, max_size=15), st.lists(st.integers(0, 4), min_size=16, max_size=16))
def test_whatever_is_asked_is_told_and_its_message_follows(facts: list[AnyFact], mosts: list[int]) -> None:
    """Every approval has its message, which is changed when it is closed, and the root when the task is."""
    events, thread = log(OPENED, *facts), Thread()
    for end, most in enumerate(mosts[: len(events)], 1):
        thread.pump(events[:end], most)
    assert thread.pump(events)
    opened: set[str] = set()
    for event in events:
        match event.fact:
            case ApprovalAsked() as fact:
                assert (event.seq, f"approval-{fact.approval}") in thread.posts
                opened.add(f"approval-{fact.approval}")
            case ApprovalDecided() | ApprovalWithdrawn() as fact if f"approval-{fact.approval}" in opened:
                assert thread.shown[f"approval-{fact.approval}"] >= event.seq
                opened.discard(f"approval-{fact.approval}")
            case TaskReassigned():
                assert all(thread.shown[part] >= event.seq for part in opened)
                opened.clear()
            case TaskFinished() | TaskCancelled():
                assert thread.shown["root"] >= event.seq
                assert all(thread.shown[part] >= event.seq for part in opened)
                opened.clear()


def test_a_short_task_is_root_result_and_report() -> None:
    """Work that is over before it is told needs no progress message."""
    assert told(OPENED, BEGUN, TURNED, DONE, SAVED).parts == ["root", "result", "report"]


def test_an_approval_is_asked_decided_and_over() -> None:
    """Its message stands once, and is changed when somebody decides, and the root with it."""
    facts = (OPENED, BEGUN, TURNED, asked(17))
    thread = Thread()
    thread.pump(log(*facts))
    assert thread.parts == ["root", "approval-17", "progress"]
    assert thread.shown["root"] == 4
    thread.pump(log(*facts, decided(17)))
    assert (thread.shown["approval-17"], thread.shown["root"]) == (5, 5)
    assert thread.parts == ["root", "approval-17", "progress"]


def test_a_long_call_is_shown_in_several_messages_and_the_last_has_the_buttons() -> None:
    """The parts come in order before the message that asks."""
    thread = told(OPENED, asked(17, "x" * 25_000))
    assert thread.parts == ["root", "approval-17.1", "approval-17.2", "approval-17"]


def test_what_is_open_when_a_task_ends_is_changed_too() -> None:
    """Neither an approval nor its reminder nor a question keeps its buttons after the end."""
    thread = told(OPENED, asked(17), ApprovalReminded(approval=17), wonders(2), TaskCancelled(by="Mel"))
    assert {thread.shown[part] for part in ("approval-17", "reminder-17.3", "question-c2", "root")} == {5}


@pytest.mark.parametrize(("door", "parts"), [("email", ["root", "said"]), ("slack", ["root"])])
def test_what_was_said_elsewhere_is_told(door: str, parts: list[str]) -> None:
    """An instruction by mail is shown in the thread; one from Slack stands there already."""
    assert told(OPENED, says(door)).parts == parts


def test_an_answer_changes_its_question_and_is_no_message_of_its_own() -> None:
    """Whoever answers by mail is shown in the question's message."""
    thread = told(OPENED, wonders(1), says("email", "c1"))
    assert thread.parts == ["root", "question-c1"]
    assert thread.shown["question-c1"] == 3


def test_a_retry_begins_a_progress_message_of_its_own() -> None:
    """The old messages stay as they ended; root and new progress show the new go."""
    thread = Thread()
    for end in range(1, 8):
        thread.pump(log(OPENED, BEGUN, TURNED, DONE, RETRIED, BEGUN, TURNED)[:end])
    assert thread.parts == ["root", "progress", "result", "note", "progress-5"]
    assert (thread.shown["progress"], thread.shown["root"], thread.shown["progress-5"]) == (4, 6, 7)


def test_a_result_that_a_retry_overtook_is_not_told() -> None:
    """What was not told before the task began anew is out of date."""
    assert told(OPENED, BEGUN, DONE, RETRIED, BEGUN, DONE).posts[-1] == (6, "result")
    assert told(OPENED, BEGUN, DONE, RETRIED, BEGUN, DONE).parts == ["root", "note", "result"]


EVERYTHING = (OPENED, BEGUN, asked(1), decided(1), wonders(2), says(answers="c2"), says(), DONE, SAVED)


@pytest.mark.parametrize(
    ("cadence", "parts"),
    [
        ("none", []),
        ("asked", ["approval-1", "question-c2"]),
        ("result", ["root", "approval-1", "question-c2", "result", "report"]),
        ("daily", ["root", "approval-1", "question-c2", "said", "result", "report"]),
        ("milestones", ["root", "approval-1", "question-c2", "said", "result", "report"]),
    ],
)
def test_people_hear_as_often_as_they_want(cadence: str, parts: list[str]) -> None:
    """None hears nothing and the cursor moves; asked hears what is to be decided, result no talk between."""
    thread = told(*EVERYTHING, cadence=cadence)
    assert thread.parts == parts
    assert thread.cursor == len(EVERYTHING)
