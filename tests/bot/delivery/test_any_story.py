"""Whatever happens to a task, and whatever people and models write, can be told in Slack and by mail."""

import re
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from bot.delivery import mail_of_task, mail_plan, mail_view, slack_plan, slack_view
from bot.delivery.mail_view import Answer
from bot.delivery.outlet import Letter, Message, Recipient
from bot.events import (
    AnyFact,
    ApprovalAsked,
    ApprovalDecided,
    ApprovalReminded,
    ArtifactSaved,
    Call,
    Event,
    HostAsked,
    InstructionGiven,
    MailAsked,
    ModelTurned,
    PlanItem,
    PlanUpdated,
    QuestionAsked,
    ReportFailed,
    RunStarted,
    TaskCancelled,
    TaskFailed,
    TaskFinished,
    TaskOpened,
    TaskPaused,
    TaskReassigned,
    TaskResumed,
    TaskRetried,
    ToolFinished,
    ToolRefused,
    ToolStarted,
    Usage,
    WordsCame,
)
from bot.practice import block_kit
from bot.reports import summary

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
DANA = "dana@example.org"
LIVE = re.compile(r"<[@#!]")
LONG = {  # by names, so that what fails can be read
    "grows when escaped": "&<>" * 9_000,
    "marks": "*_~`" * 4_000,
    "mentions": "<!channel> <@U1>",
    "headings": "# a\n" * 99,
    "fences": "```\n" * 99,
    "unseen": "\u202e\0x",
    "one line": "x" * 99_000,
}


def _facts(text: str) -> tuple[AnyFact, ...]:
    """One of every kind, with this text wherever there may be any."""
    call = Call(id="c1", tool="terminal", args={"command": text})
    asks = {"approval": 1, "step": 1, "call": call, "does": text, "digest": "0", "rule": text}
    plan = tuple(PlanItem(text=text, state=state) for state in ("done", "doing", "todo") * 4)
    return (
        RunStarted(attempt=2, worker=text, model=text),
        ModelTurned(step=1, words=text, calls=(call,), model=text, usage=Usage(read=1, written=1)),
        WordsCame(step=1, words=text),
        ToolStarted(step=1, call=call, does=text),
        ToolFinished(step=1, call_id="c1", ok=False, output=text, exit_code=1),
        ToolRefused(step=1, call_id="c1", does=text, why=text),
        HostAsked(step=1, call_id="c1", host=text[:250], port=443, outcome="refused", why=text),
        PlanUpdated(items=plan),
        ApprovalAsked(**asks, approvers=(text,), addresses=(DANA,)),
        ApprovalReminded(approval=1),
        ApprovalDecided(approval=1, call_id="c1", decision="deny", by=text, door="email", note=text),
        QuestionAsked(step=2, call_id="c2", text=text, options=(text, text, "yes")),
        InstructionGiven(text=text, by=text, door="email", answers="c2"),
        InstructionGiven(text=text, by=text, door="cli"),
        MailAsked(to=(DANA,), subject=text, text=text),
        TaskPaused(by=text),
        TaskResumed(by=text),
        TaskReassigned(agent="analyst", by=text),
        TaskRetried(by=text),
        TaskFinished(summary=text),
        TaskFailed(reason=text),
        TaskCancelled(by=text),
        ArtifactSaved(name="r.pdf", purpose="report", media_type="application/pdf", size=1, sha256="0"),
        ReportFailed(why=text),
    )


TEXT = st.sampled_from(sorted(LONG)) | st.text(max_size=300)
PLACES = st.lists(st.integers(0, len(_facts("")) - 1), max_size=12)


def _story(title: str, text: str, places: list[int]) -> list[Event]:
    """A task in which people are asked, and then these things happen in this order."""
    title, text = LONG.get(title, title), LONG.get(text, text)
    opened = TaskOpened(title=title, text=text, agent="coder", asked_by=title, door="slack")
    facts = _facts(text)
    asked = [fact for fact in facts if isinstance(fact, ApprovalAsked | QuestionAsked)]
    told = [opened, *asked, *(facts[place] for place in places)]
    return [Event(seq, NOON, "x", fact) for seq, fact in enumerate(told, 1)]


def _letters(messages: list[Message], events: list[Event], to: Recipient) -> list[Letter]:
    report = summary.read("T-7", events)
    return [Letter(message, to, report, events[message.seq - 1], {}) for message in messages]


def _strings(value: object) -> list[str]:
    """What Slack reads as its own markup: buttons hold none."""
    if isinstance(value, dict):
        return [] if value.get("type") == "button" else _strings(list(value.values()))
    if isinstance(value, list):
        return [text for inner in value for text in _strings(inner)]
    return [value] if isinstance(value, str) else []


@given(TEXT, TEXT, PLACES)
def test_slack_takes_any_story(title: str, text: str, places: list[int]) -> None:
    """Every post and every edit is within Slack's limits, calls nobody, and no part is planned twice."""
    events = _story(title, text, places)
    planned = slack_plan.plan(events, 0, "all")
    names = [(one.seq, one.part) for one in planned]
    assert len(set(names)) == len(names)
    for letter in _letters(planned, events, Recipient(3, "C1", "", "U1")):
        for part in letter.message.edits or (letter.message.part,):
            if part in (slack_plan.REPORT, slack_plan.FILE):
                continue
            shown = slack_view.view(letter, part)
            block_kit.check(shown["blocks"])
            assert 0 < len(shown["text"]) <= 4_000
            assert not [text for text in _strings(shown) if LIVE.search(text)]


@given(TEXT, TEXT, PLACES)
def test_mail_programs_take_any_story(title: str, text: str, places: list[int]) -> None:
    """Every mail can be written, and nothing of people's is markup in it."""
    events = _story(title, text, places)
    to = Recipient(3, DANA, "", "")
    for letter in _letters(mail_plan.plan(events, 0, to), events, to):
        said = mail_of_task.view(letter, Answer("task+x@example.org"), "[T-7]")
        assert mail_view.text(said, marked=True)
        assert "<!channel>" not in mail_view.page(said, "[T-7]", marked=True)
