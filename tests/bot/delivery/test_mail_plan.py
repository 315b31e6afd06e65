"""Which mails someone gets, by what they want to hear of; what is out of date does not go."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.delivery.mail_plan import plan
from bot.delivery.outlet import Recipient
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
    QuestionAsked,
    ReportFailed,
    RunStarted,
    TaskCancelled,
    TaskFinished,
    TaskOpened,
    TaskReassigned,
    TaskRetried,
    ToolFinished,
)
from storage.tables import Cadence

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
DANA, EVE, BEN = "dana@example.org", "eve@example.org", "ben@example.com"
OPENED = TaskOpened(title="Fix it", text="Fix it", agent="coder", asked_by="Mel", door="slack")
STARTED = RunStarted(attempt=1, worker="w1", model="runbook")
ASKED = ApprovalAsked(
    approval=17,
    step=1,
    call=Call(id="c1", tool="terminal", args={}),
    does="git push",
    digest="0",
    rule="Ada set it.",
    addresses=(DANA, EVE),
)
REMINDED = ApprovalReminded(approval=17)
APPROVED = ApprovalDecided(approval=17, call_id="c1", decision="approve", by="Mel", door="slack")
WITHDRAWN = ApprovalWithdrawn(approval=17, call_id="c1", why="T-7 was cancelled.")
QUESTION = QuestionAsked(step=2, call_id="c2", text="Which?", options=("a", "b"))
ANSWERED = InstructionGiven(text="a", by="Mel", door="slack", answers="c2")
ANSWER_TAKEN = ToolFinished(step=2, call_id="c2", ok=True, output="a")
SAID = InstructionGiven(text="Use tabs", by="Mel", door="slack")
FINISHED = TaskFinished(summary="Done.")
CANCELLED = TaskCancelled(by="Mel")
SAVED = ArtifactSaved(name="r.pdf", purpose="report", media_type="application/pdf", size=1, sha256="0")
FILE = SAVED.model_copy(update={"name": "f.csv", "purpose": "file"})
NO_REPORT = ReportFailed(why="No room.")
RETRIED = TaskRetried(by="Ada")
REASSIGNED = TaskReassigned(agent="analyst", by="Mel")
FACTS: tuple[AnyFact, ...] = (
    *(STARTED, ASKED, REMINDED, APPROVED, WITHDRAWN, QUESTION, ANSWERED, ANSWER_TAKEN, SAID, FINISHED),
    *(CANCELLED, SAVED, FILE, NO_REPORT, RETRIED, REASSIGNED),
)


def log(*facts: AnyFact) -> list[Event]:
    return [Event(seq, NOON, "x", fact) for seq, fact in enumerate(facts, 1)]


def planned(
    events: Sequence[Event], cursor: int = 0, address: str = DANA, cadence: Cadence = "all"
) -> list[str]:
    """The parts that are planned, after a check that each is told under the event that it tells of."""
    messages = plan(events, cursor, Recipient(3, address, "", "", cadence))
    assert all(message.seq == message.cursor > cursor and not message.edits for message in messages)
    assert [message.seq for message in messages] == sorted({message.seq for message in messages})
    return [message.part for message in messages]


def told(*facts: AnyFact, address: str = DANA, cadence: Cadence = "all") -> list[str]:
    """All that is mailed where each event is told as soon as it is recorded."""
    events, mailed = log(*facts), []
    for cursor in range(len(events)):
        mailed += planned(events[: cursor + 1], cursor, address, cadence)
    return mailed


WHOLE = (OPENED, STARTED, QUESTION, ANSWERED, ANSWER_TAKEN, ASKED, REMINDED, APPROVED, FINISHED, SAVED)
DECISION = ["approval", "reminder", "decided"]


@pytest.mark.parametrize(
    ("cadence", "mails"),
    [
        ("all", ["opened", "question", "answered", *DECISION, "result", "retried"]),
        ("milestones", ["opened", "question", "answered", *DECISION, "result"]),
        ("daily", [*DECISION, "result"]),
        ("result", [*DECISION, "result"]),
        ("asked", DECISION),
        ("none", []),
    ],
)
def test_everyone_hears_what_they_want_to(cadence: str, mails: list[str]) -> None:
    """A cadence decides; who is to approve is asked unless they want nothing at all: the task waits."""
    assert told(*WHOLE, RETRIED, cadence=cadence) == mails


def test_who_is_not_asked_hears_nothing_of_an_approval() -> None:
    """Others on the task hear neither the question nor the answer."""
    assert told(OPENED, ASKED, REMINDED, APPROVED, FINISHED, SAVED, address=BEN) == ["opened", "result"]


@pytest.mark.parametrize("later", [ASKED, QUESTION, FINISHED, CANCELLED])
def test_what_follows_at_once_says_that_it_was_opened(later: AnyFact) -> None:
    """No first mail goes where another is on its way."""
    assert planned(log(OPENED, STARTED)) == ["opened"]
    assert "opened" not in planned(log(OPENED, STARTED, later))


def test_the_first_mail_waits_for_news_of_ones_own() -> None:
    """An approval that others are asked for is no news to who is not."""
    assert planned(log(OPENED, ASKED), address=BEN) == ["opened"]


def test_what_is_settled_is_not_asked() -> None:
    """Somebody was quicker than the mail: neither the question nor the answer goes."""
    assert planned(log(OPENED, ASKED, REMINDED, APPROVED), 1) == []
    assert planned(log(OPENED, ASKED, WITHDRAWN), 1) == []
    assert planned(log(OPENED, QUESTION, ANSWERED, ANSWER_TAKEN), 1) == []
    assert planned(log(OPENED, QUESTION, REASSIGNED), 1) == []
    assert planned(log(OPENED, ASKED, REMINDED, REMINDED), 1) == ["approval"]
    assert planned(log(OPENED, ASKED, REMINDED, REMINDED), 2) == ["reminder"]
    assert planned(log(OPENED, ASKED, REMINDED, APPROVED), 2) == ["decided"]


def test_a_decision_counts_once() -> None:
    """What was decided or withdrawn is told once, and nobody is reminded of it."""
    assert told(ASKED, APPROVED, WITHDRAWN, REMINDED, APPROVED) == ["approval", "decided"]


@pytest.mark.parametrize(("cadence", "mails"), [("all", ["result"]), ("asked", ["withdrawn"])])
def test_what_ends_with_the_task_is_told_once(cadence: str, mails: list[str]) -> None:
    """The result says it; who gets no result is told that they need not decide."""
    assert planned(log(OPENED, ASKED, WITHDRAWN, CANCELLED, NO_REPORT), 2, cadence=cadence) == mails
    assert told(OPENED, ASKED, WITHDRAWN, REASSIGNED, cadence="asked") == ["approval", "withdrawn"]


@pytest.mark.parametrize(
    ("by", "door", "address", "mails"),
    [
        ("dana", "email", DANA, ["approval"]),
        ("dana", "email", EVE, ["approval", "decided"]),
        ("dana", "slack", DANA, ["approval", "decided"]),
        ("Dana Doe", "email", DANA, ["approval", "decided"]),
    ],
)
def test_who_decided_by_mail_is_not_told_so(by: str, door: str, address: str, mails: list[str]) -> None:
    """They know, where it is plain that it was them; everyone else who was asked is told."""
    assert told(ASKED, APPROVED.model_copy(update={"by": by, "door": door}), address=address) == mails


def test_namesakes_are_told_apart_from_nobody() -> None:
    """Where two who were asked have that name, both are told."""
    asked = ASKED.model_copy(update={"addresses": (DANA, "dana@example.net")})
    assert told(asked, APPROVED.model_copy(update={"by": "dana", "door": "email"})) == ["approval", "decided"]


def test_who_answered_by_mail_is_not_told_so() -> None:
    """They know; an instruction that answers nothing is no news either."""
    mine = ANSWERED.model_copy(update={"by": "dana", "door": "email"})
    assert told(QUESTION, mine, ANSWER_TAKEN, SAID) == ["question"]
    namesake = mine.model_copy(update={"by": "dana (dana@example.org)"})  # somebody else is called dana
    assert told(QUESTION, namesake) == ["question"]
    assert told(QUESTION, mine.model_copy(update={"by": "dana (U0DANA)"})) == ["question", "answered"]
    assert told(QUESTION, mine, address=EVE) == ["question", "answered"]


def test_a_result_of_a_task_that_began_anew_is_out_of_date() -> None:
    """It does not go; neither does word of a new beginning when its result is there."""
    assert planned(log(OPENED, FINISHED, SAVED, RETRIED), 1) == ["retried"]
    assert planned(log(OPENED, FINISHED, SAVED, RETRIED, FINISHED, FILE, SAVED), 1) == ["result"]
    assert told(OPENED, FINISHED, FILE, NO_REPORT, RETRIED) == ["opened", "result", "retried"]


@given(
    st.lists(st.sampled_from(FACTS), max_size=12),
    st.integers(0, 12),
    st.sampled_from(get_args(Cadence)),
)
def test_any_order_of_events_makes_a_plan(facts: list[AnyFact], cursor: int, cadence: Cadence) -> None:
    """Whatever was recorded, each event past the cursor is told once at most, in order."""
    events = log(OPENED, *facts)
    told_of = [message.seq for message in plan(events, cursor, Recipient(3, DANA, "", "", cadence))]
    assert told_of == sorted(set(told_of))
    assert set(told_of) <= set(range(cursor + 1, len(events) + 1))
