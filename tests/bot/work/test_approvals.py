"""Calls that need a person's word: who decides, what counts, what becomes of the task."""

from dataclasses import replace

import pytest

from bot import people
from bot.actors import Door, Origin
from bot.events import (
    ApprovalAsked,
    ApprovalDecided,
    ApprovalReminded,
    Call,
    InstructionGiven,
    QuestionAsked,
    ToolFinished,
)
from bot.replies import Reply
from bot.work import approvals, calls, runs
from bot.work.approvals import Wanted
from storage import database, subscriptions
from storage.tables import Approvers
from tests.fakes.asking import ASKING, asked, begins, facts, state
from tests.fakes.core import CLI, NOON, Core, after, claimed, held


async def test_a_call_that_is_asked_waits_without_a_worker(core: Core) -> None:
    """The task waits, its run is nobody's, and no worker can claim it before the answer."""
    claim = await asked(core)
    assert await state() == "waiting"
    assert not await database.run(runs.holds, claim)
    assert await claimed("w2") is None
    assert await claimed("w2", after(3_600)) is None


async def test_the_exact_call_runs_once_when_it_is_approved(core: Core) -> None:
    """After the approval any worker goes on; the approval is used up by the call it was given for."""
    await asked(core)
    assert (await core.does("task approve A-1", core.ben)).ok
    assert await state() == "queued"
    claim = await held("w2")
    begun = await begins(claim)
    assert begun.course == "go"
    assert [getattr(event.fact, "approval", None) for event in begun.events] == [1]
    assert (await begins(claim)).course == "stop"  # the same call again is a new question


async def test_another_call_is_not_covered(core: Core) -> None:
    """An approval is bound to tool and arguments: a call that differs in one character is asked anew."""
    await asked(core)
    await core.does("task approve A-1", core.ben)
    other = Call(id="1", tool="terminal", args={"command": "git push origin main "})
    assert (await begins(await held("w2"), other)).course == "stop"


async def test_a_denial_reaches_the_agent_with_its_reason(core: Core) -> None:
    """The call is not made, and the agent is told who denied it and why."""
    await asked(core)
    assert (await core.does("task deny A-1 not on a Friday", core.ben)).ok
    begun = await begins(await held("w2"))
    assert begun.course == "refused"
    assert getattr(begun.events[-1].fact, "why", "") == "Ben denied it: not on a Friday"


async def test_the_first_answer_counts(core: Core) -> None:
    """Of two answers the second is told who was first."""
    await asked(core)
    assert (await core.does("task approve A-1", core.ben)).ok
    late = await core.does("task deny A-1", core.ada)
    assert not late.ok
    assert "Ben decided A-1" in late.text


@pytest.mark.parametrize("decision", ["approve", "deny"])
async def test_stakeholders_do_not_decide(core: Core, decision: str) -> None:
    """Whoever is neither named nor a member may not, even on a task they hear of."""
    await asked(core)
    await database.run(subscriptions.add, 1, "email", "dana@example.org")
    answer = await core.does(f"task {decision} A-1", core.dana)
    assert not answer.ok
    assert "team member" in answer.text
    assert await state() == "waiting"


async def test_named_approvers_alone_decide(core: Core) -> None:
    """Where approvers are named for the agent, a stakeholder among them may, and other members may not."""
    await database.run(lambda: Approvers.create(agent=1, person=core.dana.id))
    await asked(core)
    assert not (await core.does("task approve A-1", core.ben)).ok
    assert (await core.does("task approve A-1", core.dana)).ok


async def test_named_approvers_are_asked_by_mail(core: Core) -> None:
    """An approver who did not hear of the task does from now on, of what they are to decide alone."""
    await database.run(lambda: Approvers.create(agent=1, person=core.dana.id))
    await asked(core)
    (told,) = [fact for fact in await facts() if isinstance(fact, ApprovalAsked)]
    assert (told.approvers, told.addresses) == (("dana",), ("dana@example.org",))
    heard = await database.run(subscriptions.of_task, 1)
    assert [(sub.address, sub.cadence) for sub in heard if sub.outlet == "email"] == [
        ("dana@example.org", "called")
    ]


async def test_who_asked_may_not_approve_what_an_admin_wants_asked(core: Core) -> None:
    """The requester rule: not where an admin set the rule, though they may deny it."""
    await asked(core)
    refused = await core.does("task approve A-1", core.mel)
    assert not refused.ok
    assert "somebody else" in refused.text
    assert (await core.does("task deny A-1", core.mel)).ok


async def test_an_agent_may_let_its_requesters_approve(core: Core) -> None:
    """`--own-approval yes` lifts the rule for one agent."""
    assert (await core.does("agent edit coder --own-approval yes", core.ada)).ok
    await asked(core)
    assert (await core.does("task approve A-1", core.mel)).ok


async def test_cancelling_withdraws_the_question(core: Core) -> None:
    """Nobody can decide what is asked no more, and it is not asked again when the task is retried."""
    await asked(core)
    assert (await core.does("task cancel T-1", core.mel)).ok
    late = await core.does("task approve A-1", core.ben)
    assert not late.ok
    assert "withdrawn" in late.text


@pytest.mark.parametrize("answer", ["approve", "deny"])
async def test_an_answer_is_not_used_after_a_retry(core: Core, answer: str) -> None:
    """A task that was stopped and begins anew asks anew, though its calls are called the same."""
    await asked(core)
    await core.does(f"task {answer} A-1", core.ben)
    await core.does("task cancel T-1", core.mel)
    assert (await core.does("task retry T-1", core.mel)).ok
    claim = await held("w2")
    assert (await begins(claim)).course == "stop"
    assert (await core.does("task show T-1", core.mel)).data["state"] == "waiting"


async def test_a_policy_that_changed_meanwhile_holds(core: Core) -> None:
    """What was approved and is denied by now is not made."""
    await asked(core)
    await core.does("task approve A-1", core.ben)
    await core.does('agent tools deny coder terminal "git push *"', core.ada)
    assert (await begins(await held("w2"))).course == "refused"


async def test_people_decide_on_what_they_name(core: Core) -> None:
    """`task approve T-1` decides nothing: what T-1 asks may have changed since it was read."""
    await asked(core)
    named = await core.does("task approve T-1", core.ben)
    assert (named.ok, named.text) == (False, "T-1 waits for A-1: read it, and name it.")
    assert await state() == "waiting"
    await core.does("task deny A-1", core.ben)
    assert "waits for no approval" in (await core.does("task approve T-1", core.ben)).text


async def test_strangers_see_no_approval(core: Core) -> None:
    """Whoever may not see the task learns nothing of its questions."""
    await asked(core)
    for text in ("task approve A-1", "task approve A-99"):
        assert "no approval" in (await core.does(text, core.eve)).text


async def test_it_is_asked_again_after_a_while(core: Core) -> None:
    """A reminder after the settable time, and again after as long; none once it is decided."""
    await asked(core)

    async def reminders() -> int:
        return sum(isinstance(fact, ApprovalReminded) for fact in await facts())

    await database.run(approvals.remind, ASKING, after(3_600))
    assert await reminders() == 0
    for hours in (4, 5, 8):
        await database.run(approvals.remind, ASKING, after(hours * 3_600))
    assert await reminders() == 2
    await core.does("task approve A-1", core.ben)
    await database.run(approvals.remind, ASKING, after(99 * 3_600))
    assert await reminders() == 2


async def test_where_nobody_hears_of_a_task_admins_are_asked(core: Core) -> None:
    """A task without a thread and without a member who hears of it asks the admins of the settings."""
    await core.does('agent tools ask coder terminal "git push *"', core.ada)
    await core.opens(origin=CLI, notify=["dana@example.org"])
    await begins(await held())
    heard = await database.run(subscriptions.of_task, 1)
    assert [(sub.outlet, sub.address, sub.cadence) for sub in heard][1:] == [("slack", "U0ADA", "called")]


async def test_an_answer_to_a_question_is_the_result_of_the_call(core: Core) -> None:
    """The task waits for a reply; the first thing that is said to it is that, and it goes on."""
    await core.opens()
    claim = await held()
    await database.run(calls.ask_people, claim, 1, "1", "Which branch?", ("main", "dev"), NOON)
    assert await state() == "waiting"
    said: Reply = await core.does("task say T-1 dev, please", core.ben)
    assert said.data["answered"]
    assert await state() == "queued"
    told = [fact for fact in await facts() if isinstance(fact, InstructionGiven | ToolFinished)]
    assert [(fact.answers if isinstance(fact, InstructionGiven) else fact.output) for fact in told] == [
        "1",
        "dev, please",
    ]


async def test_what_is_said_last_is_not_lost(core: Core) -> None:
    """A task does not end over the head of somebody who has just said something."""
    await core.opens()
    claim = await held()
    events = await database.run(runs.start, claim, "runbook", NOON)
    await core.does("task say T-1 one more thing", core.ben)
    from bot.events import TaskFinished

    assert not await database.run(runs.end, claim, TaskFinished(summary=""), NOON, events[-1].seq)
    assert await state() == "running"
    assert await database.run(runs.end, claim, TaskFinished(summary=""), NOON, events[-1].seq + 1)


async def test_a_question_is_answered_by_what_was_meant_for_it(core: Core) -> None:
    """An answer to a question that is settled answers no other one; who answered first is told."""
    await core.opens()
    claim = await held()
    await database.run(calls.ask_people, claim, 1, "1", "To staging?", ("yes",), NOON)
    assert (await core.does("task say T-1 --answers 1 yes", core.ben)).data["answered"]
    claim = await held("w2")
    await database.run(calls.ask_people, claim, 2, "2", "To production?", ("yes",), NOON)
    late = await core.does("task say T-1 --answers 1 yes", core.mel)
    assert (late.ok, "Ben answered that" in late.text) == (False, True)
    remark = await core.does("task say T-1 --answers 0 -- Correction: yes, please", core.ben)
    assert not remark.data["answered"]
    assert await state() == "waiting"
    assert (await core.does("task say T-1 --answers 2 no", core.mel)).data["answered"]


async def test_two_questions_of_one_step_are_told_apart(core: Core) -> None:
    """An answer names the call that asked; a button that only knows the step is understood too."""
    await core.opens()
    asked = [QuestionAsked(step=3, call_id=f"3.{place}", text="?", options=("yes",)) for place in (1, 2)]
    assert [one.named for one in asked] == ["3.1", "3.2"]
    assert QuestionAsked(step=3, call_id="1", text="?").named == "3"  # of a runbook, one call a step
    await database.run(calls.ask_people, await held(), 3, "3.1", "To staging?", ("yes",), NOON)
    assert (await core.does("task say T-1 --answers 3.1 yes", core.ben)).data["answered"]
    await database.run(calls.ask_people, await held("w2"), 3, "3.2", "To production?", ("yes",), NOON)
    late = await core.does("task say T-1 --answers 3.1 yes", core.mel)
    assert (late.ok, "Ben answered that" in late.text) == (False, True)
    assert not (await core.does("task say T-1 --answers 3.x yes", core.mel)).ok
    assert (await core.does("task say T-1 --answers 3 no", core.mel)).data["answered"]


@pytest.mark.parametrize("named", [True, False])
async def test_who_may_decide_is_called_wherever_the_task_came_from(core: Core, named: bool) -> None:  # noqa: FBT001
    """In a conversation with the bot alone nobody else reads along: an approver, or an admin, is called."""
    if named:
        await core.does("agent edit coder --approvers <@U0BEN>", core.ada)
    await core.does('agent tools ask coder terminal "git push *"', core.ada)
    await core.opens(origin=Origin(Door.SLACK, "D0MEL", private=True))
    await begins(await held())
    heard = {sub.address: sub.cadence for sub in await database.run(subscriptions.of_task, 1)}
    assert heard == {"D0MEL": "all", ("U0BEN" if named else "U0ADA"): "called"}
    assert (await core.does("task show T-1", core.ben if named else core.ada)).ok


async def test_others_are_asked_when_others_are_named(core: Core) -> None:
    """An approval that is open goes to those who were named since; the one before is withdrawn."""
    await asked(core)
    await core.does("agent edit coder --approvers dana@example.org", core.ada)
    await database.run(approvals.readdress, ASKING, after(60))
    await database.run(approvals.readdress, ASKING, after(90))
    assert "withdrawn" in (await core.does("task approve A-1", core.dana)).text
    assert (await core.does("task approve A-2", core.dana)).ok
    assert (await begins(await held("w2"))).course == "go"


async def test_where_the_only_approver_asked_an_admin_decides(core: Core) -> None:
    """A task does not wait for somebody who may not: admins are asked in their place."""
    await core.does("agent edit coder --approvers <@U0MEL>", core.ada)
    await asked(core)
    assert "somebody else" in (await core.does("task approve A-1", core.mel)).text
    assert "an admin" in (await core.does("task approve A-1", core.ben)).text
    assert (await core.does("task approve A-1", core.ada)).ok


async def test_who_was_called_sees_no_more_than_they_decide_on(core: Core) -> None:
    """An approver of a private task loses sight of it when they are named no more."""
    await core.does("agent edit coder --approvers dana@example.org", core.ada)
    await asked(core)
    assert (await core.does("task show T-1", core.dana)).ok
    await core.does("agent edit coder --approvers none", core.ada)
    assert not (await core.does("task show T-1", core.dana)).ok


async def test_namesakes_are_told_apart(core: Core) -> None:
    """Where two are called the same, the record says by what else who decided is known."""
    await core.does("agent edit coder --approvers dana@example.org,dana@partner.example", core.ada)
    await asked(core)
    partner = await database.run(people.from_address, "dana@partner.example", (), NOON)
    await core.does("task approve A-1", partner)
    asked_of = next(fact for fact in await facts() if isinstance(fact, ApprovalAsked))
    decided = next(fact for fact in await facts() if isinstance(fact, ApprovalDecided))
    assert set(asked_of.approvers) == {"dana (dana@example.org)", "dana (dana@partner.example)"}
    assert decided.by == "dana (dana@partner.example)"


async def test_a_refusal_tells_namesakes_apart(core: Core) -> None:
    """Who may not decide is told who may by more than a name that two have."""
    await core.does("agent edit coder --approvers dana@example.org,dana@partner.example", core.ada)
    await asked(core)
    refused = await core.does("task approve A-1", core.ben)
    assert refused.text.startswith(
        "A-1 is for dana (dana@example.org), dana (dana@partner.example) to decide."
    )


async def test_a_call_is_approved_for_the_place_that_it_was_asked_for(core: Core) -> None:
    """People are shown the folder; a call that would be made in another one is asked about anew."""
    await core.does('agent tools ask coder terminal "*"', core.ada)
    await core.opens()
    call = Call(id="1.1", tool="terminal", args={"command": "rm -r ."})
    elsewhere = Wanted(1, call, "rm -r .", ("rm -r .",), "allow", "/workspace/build")
    claim = await held()
    await database.run(runs.start, claim, "runbook", NOON)
    begun = await database.run(calls.begin, claim, [], elsewhere, ASKING, NOON)
    (question,) = [event.fact for event in begun.events if isinstance(event.fact, ApprovalAsked)]
    assert question.does == "In /workspace/build:\n\nrm -r ."
    assert question.digest != approvals.digest(call)
    assert (await core.does(f"task approve A-{question.approval}", core.ada)).ok
    claim = await held("w2")
    await database.run(runs.start, claim, "runbook", NOON)
    here = replace(elsewhere, where="")
    assert (await database.run(calls.begin, claim, [], here, ASKING, NOON)).course == "stop"
