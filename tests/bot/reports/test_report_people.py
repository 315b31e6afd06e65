"""What people were asked and said, read into a report."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Literal

import pytest

from bot.events import (
    ApprovalDecided,
    ApprovalReminded,
    ApprovalWithdrawn,
    Call,
    InstructionGiven,
    QuestionAsked,
    TaskCancelled,
    TaskFailed,
    TaskFinished,
    TaskReassigned,
    TaskRetried,
    ToolFinished,
    ToolInterrupted,
    ToolRefused,
    ToolStarted,
)
from bot.reports import phrases
from bot.reports.report import Report, StepView
from bot.reports.summary import headline

Maker = Callable[[], Report]


def last(told: Any) -> StepView:
    """The newest step."""
    step: StepView = told.report().steps[-1]
    return step


def test_a_call_waits_until_it_is_approved_and_begun(story: type[Any]) -> None:
    """A call that is asked about is a step that waits; with the worker's next claim it runs."""
    told = story("t", "").run()
    call = told.ask("git push", approvers=("Mel",), addresses=("dana@example.org",))
    told.add(ApprovalReminded(approval=17), 60)
    report = told.report()
    (view,), (step,) = report.approvals, report.steps
    assert (report.state, step.state, step.what, step.started) == ("waiting", "waiting", "git push", None)
    assert (view.key, view.state, view.approvers, view.reminded) == ("A-17", "open", ("Mel",), 1)
    assert step.approval == view
    told.decide(call, "approve")
    assert (told.report().state, last(told).state) == ("queued", "waiting")
    told.run().add(ToolStarted(step=1, call=call, does="git push", approval=17))
    report = told.report()
    assert (report.state, report.steps[0].state, report.steps[0].attempts) == ("running", "running", 1)
    assert phrases.decided(report.approvals[0]) == "Approved by Mel in Slack, 21 Nov 2026, 14:05 UTC"
    assert "Runs" not in dict(phrases.facts(report))


def test_a_denied_call_is_refused_and_says_why(story: type[Any]) -> None:
    """A no is seen at once; what reaches the agent is the step's output."""
    told = story("t", "").run()
    call = told.ask("git push")
    told.decide(call, "deny", by="Dana", door="email", note="too\nbroad")
    assert (told.report().state, last(told).state, last(told).output) == ("queued", "refused", "")
    told.run().add(ToolRefused(step=1, call_id=call.id, does="git push", why="Dana denied it: too broad"))
    step = last(told)
    assert (step.state, step.output) == ("refused", "Dana denied it: too broad")
    assert step.approval
    assert phrases.decided(step.approval) == "Denied by Dana by email, 21 Nov 2026, 14:04 UTC: too broad"
    assert headline(told.report()).endswith("1 step, 1 refused")


def test_a_call_that_a_rule_refuses_is_a_step(story: type[Any]) -> None:
    """What nobody was asked about and was not made is told all the same."""
    told = story("t", "").run()
    call = told.want("rm -rf /", words="I clean up.")
    told.add(ToolRefused(step=1, call_id=call.id, does="rm -rf /", why="Ada denied it."))
    step = last(told)
    assert (step.state, step.what, step.words, step.tool) == (
        "refused",
        "rm -rf /",
        "I clean up.",
        "terminal",
    )
    assert phrases.step(step) == ["refused"]


def test_the_first_answer_counts(story: type[Any]) -> None:
    """A second answer changes nothing, nor does one to what was never asked."""
    told = story("t", "").run()
    call = told.ask("git push")
    told.decide(call, "approve", by="Mel").decide(call, "deny", by="Dana").decide(call, "deny", 99)
    (view,) = told.report().approvals
    assert (view.state, view.by, last(told).state) == ("approve", "Mel", "waiting")


@pytest.mark.parametrize(
    "fact",
    [
        TaskCancelled(by="Ana"),
        TaskFailed(reason="r"),
        TaskFinished(summary="s"),
        TaskRetried(by="Ana"),
        TaskReassigned(agent="dba", by="Ana"),
    ],
    ids=lambda fact: fact.kind,
)
def test_what_is_open_ends_with_the_task(story: type[Any], fact: Any) -> None:
    """When the task is over or goes another way, nobody is asked any more."""
    told = story("t", "").run()
    asking = told.start("Which?", tool="ask")
    told.add(QuestionAsked(step=1, call_id=asking.id, text="Which?"))
    told.ask("git push")
    report = told.add(fact, 5).report()
    (view,), (question,) = report.approvals, report.questions
    assert (view.state, view.decided) == ("withdrawn", report.as_of)
    assert phrases.decided(view).startswith("Withdrawn: ")
    assert question.withdrawn
    assert report.state != "waiting"
    assert [step.state for step in report.steps] == ["interrupted", "interrupted"]
    assert phrases.step(report.steps[1]) == ["withdrawn"]


def test_an_approval_can_be_withdrawn(story: type[Any]) -> None:
    """One that is no longer asked says why, and cannot be decided."""
    told = story("t", "").run()
    call = told.ask("git push")
    told.add(ApprovalWithdrawn(approval=17, call_id=call.id, why="Another call is asked about."))
    told.decide(call, "approve")
    assert phrases.decided(told.report().approvals[0]) == "Withdrawn: Another call is asked about."
    assert last(told).state == "interrupted"


@pytest.mark.parametrize("begun", [True, False])
def test_a_question_waits_for_its_answer(story: type[Any], *, begun: bool) -> None:
    """The agent's question is a step that waits; what a person says is its result."""
    told = story("t", "").run()
    call = told.start("Which?", tool="ask") if begun else told.want("Which?", tool="ask")
    told.add(QuestionAsked(step=1, call_id=call.id, text="Which?", options=("a", "b")))
    assert headline(told.report()) == "Waiting for an answer since 21 Nov 2026, 14:03 UTC: 1 step"
    assert (last(told).state, last(told).tool, last(told).what) == ("waiting", "ask", "Which?")
    told.add(InstructionGiven(text="a", by="Dana", door="email", answers=call.id), 60)
    told.add(ToolFinished(step=1, call_id=call.id, ok=True, output="a"))
    report = told.report()
    (question,), (said,) = report.questions, report.instructions
    assert (question.answer, question.by, question.door, question.withdrawn) == ("a", "Dana", "email", False)
    assert question.answered == report.as_of
    assert phrases.answered(question) == "Answered by Dana by email, 21 Nov 2026, 14:04 UTC"
    assert (said.text, said.answers) == ("a", call.id)
    assert (report.state, report.steps[0].state, report.steps[0].question) == ("queued", "ok", question)


def test_a_question_whose_call_ended_is_not_waited_for(story: type[Any]) -> None:
    """A result that no person gave closes the question."""
    told = story("t", "").run()
    call = told.start("Which?", tool="ask")
    told.add(QuestionAsked(step=1, call_id=call.id, text="Which?"))
    told.add(ToolFinished(step=1, call_id=call.id, ok=False, output="Nobody answered."))
    (question,) = told.report().questions
    assert (question.withdrawn, phrases.answered(question)) == (True, "Never answered")


def test_instructions_stand_in_order(samples: dict[str, Maker]) -> None:
    """What people told the agent is there with who, when and by which door."""
    told = [(said.by, said.door) for said in samples["decided"]().instructions if not said.answers]
    assert told == [("Ana Souza", "slack"), ("dana@example.org", "email"), ("Mel Ortiz", "cli")]


@pytest.mark.parametrize("how", ["retry", "reassign"])
def test_a_call_of_an_earlier_try_is_another_one(story: type[Any], how: Literal["retry", "reassign"]) -> None:
    """After a retry names of calls repeat, and mean new steps; another agent goes on with the same calls."""
    told = story("t", "").run()
    call = told.start("make")
    if how == "retry":
        told.add(TaskFailed(reason="r"), 5).add(TaskRetried(by="Ana"), 60)
    else:
        told.add(TaskReassigned(agent="dba", by="Ana"), 5)
    assert (told.report().state, told.report().outcome, told.report().ended) == ("queued", "", None)
    told.add(ToolInterrupted(step=1, call_id=call.id), 1).run()
    assert [(step.state, step.seconds) for step in told.report().steps] == [("interrupted", 5)]
    told.add(ToolStarted(step=2, call=call, does="make"))
    told.add(ToolFinished(step=2, call_id=call.id, ok=True, output="made"))
    report = told.report()
    states = [(step.number, step.state, step.attempts) for step in report.steps]
    assert states == ([(1, "interrupted", 1), (2, "ok", 1)] if how == "retry" else [(1, "ok", 2)])
    assert (report.retries, report.agent) == ((1, "coder") if how == "retry" else (0, "dba"))
    assert report.lost_workers == 0
    assert dict(phrases.facts(report)).get("Retried") == ("once" if how == "retry" else None)


def test_time_counts_from_the_retry(story: type[Any]) -> None:
    """The days that a failed task lay there are no time that its work took."""
    told = story("t", "").run().add(TaskFailed(reason="r")).add(TaskRetried(by="Ana"), 86_400)
    report = told.run().add(TaskFinished(summary="s"), 2).report()
    assert report.seconds == 2
    assert report.started
    assert report.ended
    assert report.ended - report.started > timedelta(days=1)


def test_workers_lost_in_each_try_are_counted(story: type[Any]) -> None:
    """Attempts count anew after a retry; a task that waited lost nobody, and was handed to nobody."""
    told = story("t", "").run().run(2).add(TaskFailed(reason="r")).add(TaskRetried(by="Ana"))
    told.run()
    call = told.ask("git push")
    told.decide(call, "approve").run().run(2).run(3)
    report = told.report()
    assert report.lost_workers == 3
    assert [run.follows for run in report.runs] == ["", "", "retry", "wait", "", ""]


def test_a_task_that_is_retried_and_reassigned_began_anew(story: type[Any]) -> None:
    """Where both happen before a worker comes, the retry is what counts."""
    told = story("t", "").run().add(TaskFailed(reason="r")).add(TaskRetried(by="Ana"))
    assert told.add(TaskReassigned(agent="dba", by="Ana")).run().report().runs[-1].follows == "retry"


def test_an_approval_can_be_asked_again_for_a_call(story: type[Any]) -> None:
    """A call that was let and broke off is asked about anew; it stays one step."""
    told = story("t", "").run()
    call: Call = told.ask("git push")
    told.decide(call, "approve").run().add(ToolStarted(step=1, call=call, does="git push", approval=17))
    told.add(ToolInterrupted(step=1, call_id=call.id), 30).run(2)
    told.steps = 0
    again = told.ask("git push", 18)
    assert again.id == call.id
    step = last(told)
    assert (step.state, step.attempts, [span.seconds for span in step.earlier]) == ("waiting", 1, [30])
    assert step.approval
    assert step.approval.key == "A-18"
    assert [view.state for view in told.report().approvals] == ["approve", "open"]


def test_hostile_names_stay_on_one_line(story: type[Any]) -> None:
    """Whoever decides cannot break the line that says so."""
    told = story("t", "").run()
    call = told.ask("git push")
    told.add(
        ApprovalDecided(
            approval=17, call_id=call.id, decision="deny", by="a\n# b", door="x\ny", note="\n\n# z"
        )
    )
    assert phrases.decided(told.report().approvals[0]) == "Denied by a # b x y, 21 Nov 2026, 14:03 UTC: # z"
