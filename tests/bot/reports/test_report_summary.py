"""Events into a report, and its headline."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from bot.events import (
    AnyFact,
    ApprovalAsked,
    ApprovalDecided,
    ApprovalReminded,
    ApprovalWithdrawn,
    ArtifactSaved,
    Call,
    DeliveryAbandoned,
    Event,
    HostAsked,
    InstructionGiven,
    ModelTurned,
    QuestionAsked,
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
    ToolInterrupted,
    ToolRefused,
    ToolStarted,
    Usage,
)
from bot.reports import phrases
from bot.reports.report import Report
from bot.reports.summary import headline, markdown, read

Maker = Callable[[], Report]

ids = st.sampled_from(["a", "b", "c"])
numbers = st.integers(1, 3)
calls = st.builds(Call, id=ids, tool=st.text(), args=st.just({}))
facts: st.SearchStrategy[AnyFact] = st.one_of(
    st.from_type(TaskOpened),
    st.from_type(RunStarted),
    st.builds(ModelTurned, step=st.integers(), words=st.text(), calls=st.lists(calls).map(tuple)),
    st.builds(ToolStarted, step=st.integers(), call=calls, does=st.text()),
    st.builds(ToolFinished, step=st.integers(), call_id=ids, ok=st.booleans(), output=st.text()),
    st.builds(ToolFinished, call_id=ids, seconds=st.floats(), peak_rss_bytes=st.integers()),
    st.builds(ToolInterrupted, step=st.integers(), call_id=ids),
    st.from_type(TaskFinished),
    st.from_type(TaskFailed),
    st.from_type(TaskCancelled),
    st.from_type(ArtifactSaved),
    st.builds(InstructionGiven, answers=ids | st.just("")),
    st.builds(QuestionAsked, call_id=ids),
    st.builds(ApprovalAsked, approval=numbers, call=calls),
    st.builds(ApprovalDecided, approval=numbers, call_id=ids),
    st.builds(ApprovalWithdrawn, approval=numbers, call_id=ids),
    st.builds(ApprovalReminded, approval=numbers),
    st.builds(ToolRefused, call_id=ids),
    st.from_type(TaskReassigned),
    st.from_type(TaskRetried),
)


def test_headlines_tell_how_it_went(samples: dict[str, Maker]) -> None:
    """The headline says the state, the time, and what is to be counted."""
    assert {name: headline(make()) for name, make in samples.items()} == {
        "success": "Done in 8.3 s: 4 steps, 4 files changed (+60 \N{MINUS SIGN}115)",
        "failure": "Failed after 1 min 4 s: 2 steps, 1 failed, 1 file changed (+12 \N{MINUS SIGN}3)",
        "cancelled": "Cancelled after 1 d 10 h: 3 steps, 2 interrupted",
        "many": "Done in 9 min 23 s: 60 steps, 3 failed, 72 files changed",
        "torture": "Done in 3.5 s: 2 steps, 1 failed, 1 file changed (+1)",
        "running": "Running for 450 ms so far: 2 steps",
        "decided": "Done in 7.2 s: 7 steps, 2 refused, 1 interrupted, no files changed",
        "waiting": "Waiting for approval A-17 since 21 Nov 2026, 14:03 UTC: 2 steps",
        "single": "Done in 242 ms: 1 step, no files changed",
        "thinking": "Done in 27 s: 7 steps, 1 failed, 4 files changed (+60 \N{MINUS SIGN}115), 68,320 tokens",
    }


def test_a_report_holds_who_asked_whom_and_when(samples: dict[str, Maker]) -> None:
    """Asker, agent, door and moments come from the first events."""
    report = samples["failure"]()
    assert (report.asked_by, report.door, report.agent, report.state) == (
        "ops@example.com",
        "email",
        "coder",
        "failed",
    )
    assert report.opened
    assert report.started
    assert report.started - report.opened == timedelta(seconds=14)
    assert report.outcome.startswith("Step 2 ran out of memory")


def test_steps_tell_how_they_ended(samples: dict[str, Maker]) -> None:
    """A step carries its output, its exit code, the limit that ended it, its time and its memory."""
    first, second = samples["failure"]().steps
    assert (first.number, first.state, first.exit_code, first.seconds) == (1, "ok", 0, 2.2)
    assert (second.state, second.exit_code, second.ended_by) == ("failed", 137, "memory")
    assert second.output.startswith("reading")


def test_a_call_begun_again_is_one_step_with_two_attempts(story: type[Any]) -> None:
    """What was interrupted and begun again keeps its place; the attempt before is not forgotten."""
    told = story("t", "").run()
    call = told.start("make")
    told.run(2, after=60)
    told.add(ToolInterrupted(step=1, call_id=call.id))
    told.add(ToolStarted(step=1, call=call, does="make"), 5)
    (step,) = told.report().steps
    assert (step.attempts, step.state) == (2, "running")
    assert [span.seconds for span in step.earlier] == [60]
    assert len(told.report().runs) == 2


@pytest.mark.parametrize(
    ("attempts", "lost", "told"),
    [
        ((1,), 0, None),
        ((1, 1), 0, "2: handed over"),
        ((1, 2), 1, "2: taken over from 1 lost worker"),
        ((1, 2, 2), 1, "3: taken over from 1 lost worker"),
        ((1, 2, 3), 2, "3: taken over from 2 lost workers"),
    ],
)
def test_only_a_lost_worker_is_called_lost(
    story: type[Any], attempts: tuple[int, ...], lost: int, told: str | None
) -> None:
    """A worker that ended in order handed its run over: the next one's attempt is the same."""
    task = story("t", "")
    for attempt in attempts:
        task.run(attempt)
    report = task.report()
    assert report.lost_workers == lost
    assert dict(phrases.facts(report)).get("Runs") == told


def test_what_was_running_when_the_task_ended_was_interrupted(story: type[Any]) -> None:
    """Nothing is left running in a report of a task that is over."""
    told = story("t", "").run()
    told.start("sleep 1000")
    (step,) = told.add(TaskCancelled(by="Ben"), 30).report().steps
    assert (step.state, step.seconds) == ("interrupted", 30)
    assert told.report().outcome == "Cancelled by Ben."


def test_an_empty_summary_gives_way_to_the_last_words(story: type[Any]) -> None:
    """An agent that ends without a summary is quoted."""
    told = story("t", "").run().step("true", words="All is well.").add(TaskFinished(summary=" "))
    assert told.report().outcome == "All is well."


def test_a_task_that_nobody_claimed_is_queued(story: type[Any]) -> None:
    """Before the first claim there is only what was asked."""
    report = story("t", "x").report()
    assert (report.state, report.started, headline(report)) == (
        "queued",
        None,
        "Queued until a worker is free",
    )


def test_facts_of_the_house_are_passed_over(story: type[Any]) -> None:
    """A fact that is not the task's changes nothing but the report's age."""
    told = story("t", "x")
    before = told.report()
    told.add(DeliveryAbandoned(task="T-12", outlet="slack", address="C1", seq=1, why="gone"))
    assert told.report() == before


def test_a_figure_that_is_no_time_counts_as_none(story: type[Any]) -> None:
    """Infinity, no number and negative times, which JSON-born floats may be, do not reach the views."""
    told = story("t", "x").run()
    for seconds in (float("inf"), float("nan"), -3.0):
        told.step("true", seconds=0.0)
        told.events[-1].fact.__dict__["seconds"] = seconds
    assert [step.seconds for step in told.report().steps] == [0, 0, 0]


def test_a_report_survives_json(sample: Report) -> None:
    """What a child process reads is what was written."""
    adapter = TypeAdapter(Report)
    assert adapter.validate_json(adapter.dump_json(sample)) == sample


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(told=st.lists(facts, max_size=12))
def test_any_events_in_any_order_can_be_read(told: list[AnyFact], samples: dict[str, Maker]) -> None:
    """No order of facts and nothing in them makes reading fail."""
    at = samples["single"]().opened
    assert at
    events = [Event(place, at + timedelta(seconds=place), "x", fact) for place, fact in enumerate(told, 1)]
    report = read("T-1", events)
    assert headline(report)
    assert [step.number for step in report.steps] == list(range(1, len(report.steps) + 1))
    assert markdown(report)
    if told and isinstance(
        told[-1], TaskFinished | TaskFailed | TaskCancelled | TaskRetried | TaskReassigned
    ):
        assert not {"running", "waiting"} & {step.state for step in report.steps}
        assert not any(view.state == "open" for view in report.approvals)
        assert not any(question.open for question in report.questions)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_more_changes_are_counted(story: type[Any], count: int) -> None:
    """Files beyond the ones that are listed count as changed."""
    report = story("t", "").run().add(TaskFinished(summary="s", more_changes=count)).report()
    assert report.files_changed == count


def test_the_model_is_the_one_that_thought(story: type[Any]) -> None:
    """Where the first of the list failed at once, the one that went on is named."""
    told = story("Fix it", "Fix it").run()
    told.add(ModelTurned(step=1, words="Done.", model="anthropic:b", usage=Usage(read=1, written=1)))
    assert dict(phrases.facts(told.report()))["Model"] == "anthropic:b"
    assert dict(phrases.facts(story("Fix it", "Fix it").run().report()))["Model"] == "runbook"


def test_refused_hosts_are_in_the_headline(story: type[Any]) -> None:
    """Every view tells at first sight that a program asked for what it may not reach."""
    told = story("Fix it", "Fix it").run()
    call = told.start("curl")
    for host, outcome in (("a.example", "refused"), ("a.example", "refused"), ("b.example", "allowed")):
        told.add(HostAsked(step=1, call_id=call.id, host=host, port=443, outcome=outcome))
    assert phrases.headline(told.report()).endswith(": 1 step, 1 host refused")


def test_who_paused_a_task_is_told(story: type[Any]) -> None:
    """By name, for as long as it rests."""
    told = story("Fix it", "Fix it").run().add(TaskPaused(by="Bob  B"), 3)
    assert phrases.headline(told.report()) == "Paused by Bob B after 3 s: no steps"
    assert told.add(TaskResumed(by="Ana")).report().paused_by == ""
