"""What a letter may speak about: what its address was signed for, and what its writer has read."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot import stream
from bot.actors import Actor
from bot.events import AnyFact, ApprovalDecided, Call, InstructionGiven, QuestionAsked
from bot.work import calls, runs
from bot.work.approvals import Asking, Wanted
from storage import agents, approvers, database
from storage.tables import Notices, Tasks
from tests.fakes.core import NOON, held
from tests.fakes.post import ADDRESSES, DOMAIN, Post, noticed

SOON = NOON + timedelta(days=14)
ASKING = Asking(timedelta(hours=4), ("U0ADA",))


async def facts(task_id: int = 1) -> list[AnyFact]:
    """All that is recorded of a task."""
    return [e.fact for e in await database.run(lambda: stream.replay(Tasks.get_by_id(task_id).stream_id))]


async def said(task_id: int = 1) -> list[tuple[str, str]]:
    """What was said to an agent, and which call's question it answers."""
    return [(one.text, one.answers) for one in await facts(task_id) if isinstance(one, InstructionGiven)]


async def decided(task_id: int = 1) -> list[tuple[int, str]]:
    """Which approvals of a task were decided, and how."""
    return [(one.approval, one.decision) for one in await facts(task_id) if isinstance(one, ApprovalDecided)]


async def state(task_id: int = 1) -> str:
    return str(await database.run(lambda: Tasks.get_by_id(task_id).state))


async def waiting_call(post: Post, command: str = "git push", *who: Actor) -> tuple[str, str]:
    """A task that waits for an approval, which Dana decides on; her addresses of question and task."""

    def named() -> None:
        coder = agents.find("coder")
        assert coder
        approvers.name_for_agent(coder.id, [one.id for one in (post.core.dana, *who)])

    await database.run(named)
    await post.core.does('agent tools ask coder terminal "*"', post.core.ada)
    task, address = await post.task()
    claim = await held()
    await database.run(runs.start, claim, "runbook", NOON)
    call = Call(id="1", tool="terminal", args={"command": command})
    wanted = Wanted(1, call, command, (command,), "allow")
    assert (await database.run(calls.begin, claim, [], wanted, ASKING, NOON)).course == "stop"
    return ADDRESSES.ask(task, await post.heard(task), SOON), address


FORWARDED = "---------- Forwarded message ---------\nFrom: Bo <bo@x.org>\n\n```sh\nrm -r .\n```"


@pytest.mark.parametrize("text", ["Use this.\n\n", ""])
async def test_what_is_passed_on_instructs_nobody(post: Post, text: str) -> None:
    """The writer's own words may instruct; a letter that they forward is what somebody else says."""
    _, address = await post.task()
    await post.says(f"{text}{FORWARDED}", address, dmarc="pass")
    given = [one for one in await facts() if isinstance(one, InstructionGiven)]
    assert [one.text for one in given] == [*filter(None, [text.strip()]), FORWARDED]
    assert not given[-1].commands


class Questions:
    """A task whose agent asks, one question after the other."""

    def __init__(self, post: Post, address: str) -> None:
        self.post = post
        self.address = address
        self.steps = 0

    async def ask(self, text: str) -> dict[str, Any]:
        """The agent's next question; how an answer refers to its mail."""
        claim = await held(f"w{self.steps}")
        await database.run(runs.start, claim, "runbook", NOON)
        self.steps += 1
        await database.run(
            calls.ask_people, claim, self.steps, str(self.steps), text, ("yes", "no"), self.post.now
        )
        return {"In_Reply_To": await self.mail("question", QuestionAsked)}

    async def mail(self, part: str, kind: type[AnyFact]) -> str:
        """The Message-ID of the mail that tells of the last fact of a kind."""
        events = await database.run(lambda: stream.replay(Tasks.get_by_id(1).stream_id))
        seq = max(event.seq for event in events if isinstance(event.fact, kind))
        return f"<t-1.{seq}.{part}.1@{DOMAIN}>"


@pytest.fixture
async def questions(post: Post) -> Questions:
    """T-1, that Dana hears of."""
    _, address = await post.task()
    return Questions(post, address)


async def test_a_tasks_address_stops_no_other(post: Post) -> None:
    """A key behind the verb counts where it is the address' own; any other is answered."""
    core = post.core
    first = await core.opens(asker=core.dana, notify=("dana@example.org",))
    second = await core.opens(asker=core.dana, notify=("dana@example.org",))
    address = await post.reply_address(first)
    for line in ("cancel T-2", "stop: t2.", "status T-2", "approve A-9"):
        await post.says(line, address)
    assert (await state(second), await said(first)) == ("queued", [])
    [answer] = await noticed()
    assert answer.text.startswith("Nothing was done: this address is for T-1. Answer the mail about T-2")
    await post.says("cancel T-1", address)
    assert await state(first) == "cancelled"


@pytest.mark.parametrize(
    "line", ["approve A-2", "approve: a2", "deny A-2 too broad", "deny: a-02", "stop T-2"]
)
@pytest.mark.parametrize("late", [False, True])
async def test_a_questions_address_decides_no_other(post: Post, line: str, late: bool) -> None:  # noqa: FBT001  pytest names it
    """Whatever its first line names, and however old it is."""
    ask, _ = await waiting_call(post)
    await waiting_call(post, "rm -rf all")
    post.now = SOON if late else NOON
    await post.says(line, ask)
    assert await decided(1) == await decided(2) == []
    [answer] = await noticed()
    assert "this address is for A-1" in answer.text
    if not late:
        await post.says("approve A-1", ask)
        assert await decided(1) == [(1, "approve")]


async def test_a_tasks_address_decides_what_is_named(post: Post) -> None:
    """`approve A-2` there counts where A-2 is that task's, with a DMARC pass; another task's never."""
    await waiting_call(post)
    _, second = await waiting_call(post, "rm -rf all")
    await post.says("approve A-2", second, dmarc=None)
    await post.says("approve A-1", second)
    assert await decided(1) == await decided(2) == []
    await post.says("Approve a2.", second)
    assert (await decided(1), await decided(2)) == ([], [(2, "approve")])


@pytest.mark.parametrize("line", ["approve", "approved!", "deny", "deny too broad", "approve T-1"])
async def test_a_plain_decision_on_a_task_shows_what_waits(post: Post, line: str) -> None:
    """It decides nothing: the exact call comes, with an address that decides on that alone."""
    _, address = await waiting_call(post, "git push\u200b --force")
    await post.says(line, address)
    assert await decided() == await said() == []
    [answer] = await noticed()
    assert answer.text.startswith("Nothing was decided: the mail that you answered is about T-1 as a whole.")
    assert "git pushU+200B --force" in answer.text
    assert answer.reply_to == ADDRESSES.ask(1, await post.heard(1), NOON + post.rules.ask_for)
    await post.says("approve", answer.reply_to)
    assert await decided() == [(1, "approve")]


async def test_a_call_that_is_too_long_is_not_decided_by_a_part_of_it(post: Post) -> None:
    """An answer has no room for all of it: no address is given that would decide on it."""
    _, address = await waiting_call(post, "echo " + "x" * 100_000)
    await post.says("approve", address)
    [answer] = await noticed()
    assert answer.reply_to == address
    assert "A-1** is too long to be shown here" in answer.text


async def test_an_old_question_is_asked_again(post: Post) -> None:
    """After its time an address decides nothing: the question comes again, with a fresh address."""
    ask, _ = await waiting_call(post)
    post.now = SOON
    await post.says("approve", ask)
    assert await decided() == []
    [answer] = await noticed()
    assert "too old, and A-1 is still open" in answer.text
    assert "git push" in answer.text
    assert answer.reply_to == ADDRESSES.ask(1, await post.heard(1), SOON + post.rules.ask_for)
    await post.says("approve", answer.reply_to)
    assert await decided() == [(1, "approve")]


async def test_an_old_address_of_what_was_decided_runs_nothing(post: Post) -> None:
    """Whoever comes late twice is told who decided."""
    ask, _ = await waiting_call(post, "git push", post.core.ada)
    await post.core.does("task deny A-1", post.core.ada)
    post.now = SOON
    await post.says("approve", ask)
    [answer] = await noticed()
    assert "A-1 is not open any more. Denied by Ada on the command line" in answer.text
    assert await decided() == [(1, "deny")]


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("text", ["Yes", "ok, go ahead", "Approved! Thanks", "Approve, but only today"])
async def test_words_that_decide_nothing_are_not_lost(post: Post, text: str, late: bool) -> None:  # noqa: FBT001  pytest names it
    """The agent hears them, and the person hears that it is still open and how to decide."""
    ask, _ = await waiting_call(post)
    post.now = SOON - timedelta(0 if late else 1)
    await post.says(text, ask)
    assert (await decided(), await said()) == ([], [(text, "")])
    [answer] = await noticed()
    assert answer.text.startswith("Nothing was decided: A-1 is still open.")
    assert "`approve` alone on the first line" in answer.text
    await post.says("approve", answer.reply_to)
    assert await decided() == [(1, "approve")]
    await post.says("Thanks", ask)
    assert len(await noticed()) == 1  # nothing waits any more


async def test_an_answer_is_for_the_question_that_was_read(questions: Questions) -> None:
    """A reply to a question's mail answers that one, while it is open; late, it is told who was first."""
    post, address = questions.post, questions.address
    first = await questions.ask("To staging?")
    await post.says("yes", address, **first)
    second = await questions.ask("To PRODUCTION?")
    await post.says("yes", address, **first)
    assert await said() == [("yes", "1")]
    [answer] = await noticed()
    assert "a question that is not open any more. Answered by dana by email" in answer.text
    await post.says("no", address, **second)
    assert await said() == [("yes", "1"), ("no", "2")]


async def test_a_reply_to_another_mail_answers_nothing(questions: Questions) -> None:
    """It is said to the agent; the person is shown the question once a day, and answers that mail."""
    post, address = questions.post, questions.address
    result = f"<t-1.1.opened.1@{DOMAIN}>"
    await questions.ask("To PRODUCTION?")
    for number in range(2):
        await post.says(f"yes {number}", address, In_Reply_To=result)
    await post.says(
        "yes 2", address, In_Reply_To="<own@client.example>", References=f"<t-1.1@{DOMAIN}> {result}"
    )
    assert await said() == [("yes 0", ""), ("yes 1", ""), ("yes 2", "")]
    [answer] = await noticed()
    assert "It answers no question" in answer.text
    assert "**The agent asks:** To PRODUCTION?\n- yes\n- no" in answer.text
    await post.says("yes", address, In_Reply_To=f"<notice-{answer.id}@{DOMAIN}>")
    assert (await said())[-1] == ("yes", "1")


async def test_an_answer_to_status_answers_the_question_that_it_shows(questions: Questions) -> None:
    """A notice that shows the question is as good as its mail; one that does not answers nothing."""
    post, address = questions.post, questions.address
    await post.says("status", address)
    await questions.ask("To PRODUCTION?")
    await post.says("status", address)
    before, shown = await noticed()
    await post.says("no", address, In_Reply_To=f"<notice-{before.id}@{DOMAIN}>")
    await post.says("yes", address, In_Reply_To=f"<notice-{shown.id}@{DOMAIN}>")
    assert await said() == [("no", ""), ("yes", "1")]


@pytest.mark.parametrize(
    "known_as", ["", "<t-1.1@legwork.example>", "<x@y.example>", "<t-1.2.question.1@evil.example>"]
)
async def test_a_letter_that_refers_to_none_of_ours_answers_what_is_open(
    questions: Questions, known_as: str
) -> None:
    """Some programs and servers lose the reference; the root of a thread is no mail."""
    await questions.ask("To PRODUCTION?")
    await questions.post.says("yes", questions.address, In_Reply_To=known_as)
    assert await said() == [("yes", "1")]


@pytest.mark.parametrize(
    "known_as",
    [
        "<t-2.2.question.1@legwork.example>",
        "<t-1.99.question.1@legwork.example>",
        "<t-1.0.question.1@legwork.example>",
        "<notice-999@legwork.example>",
    ],
)
async def test_a_reference_to_what_is_not_there_answers_nothing(questions: Questions, known_as: str) -> None:
    """Another task's mail, an event or a notice that never was."""
    await questions.ask("To PRODUCTION?")
    await questions.post.says("yes", questions.address, In_Reply_To=known_as)
    assert await said() == [("yes", "")]


async def test_what_stands_below_a_stop_answers_nothing(questions: Questions) -> None:
    """Why it is stopped is on record, and is no answer that lets the task go on."""
    post = questions.post
    mel = post.core.mel
    mails = await questions.ask("To PRODUCTION?")
    await post.core.does("task notify T-1 mel@example.org", mel)
    await post.core.does("agent people link @U0MEL mel@example.org", post.core.ada)
    address = await post.reply_address(1, "mel@example.org")
    await post.says("stop\nyes", address, sender="mel@example.org", **mails)
    assert ("yes", "1") not in await said()


@pytest.mark.parametrize(
    ("text", "changes"),
    [
        ("", {}),
        ("cancel", {}),
        ("cancel T-2", {}),
        ("approve", {"dmarc": None}),
        ("approve", {}),
        ("words\n" * 5_000, {}),
    ],
)
async def test_two_programs_that_answer_each_other_come_to_rest(
    post: Post, text: str, changes: dict[str, Any]
) -> None:
    """Each kind of answer comes once a day; what they are about is done or refused all the same."""
    _, address = await post.task()
    for _ in range(3):
        await post.says(text, address, **changes)
    assert len(await noticed()) == 1
    post.now += timedelta(days=1)
    await post.says(text, address, **changes)
    assert len(await noticed()) == 2


async def test_status_is_answered_ten_times_a_day(post: Post) -> None:
    """Then no more until the next day."""
    _, address = await post.task()
    for _ in range(12):
        await post.says("status\n\nThanks, and have a nice day!", address)
    assert len(await noticed()) == 10
    assert await said() == []


async def test_a_letter_that_nobody_vouches_for_runs_nothing(post: Post) -> None:
    """Blocks of commands in what a member says count with a DMARC pass alone."""
    _, address = await post.task()
    await post.core.does("agent people link @U0MEL dana@example.org", post.core.ada)
    for dmarc in (None, "none", "pass"):
        await post.says("Do it:\n```sh\nrm -rf all\n```", address, dmarc=dmarc)
    told = [one for one in await facts() if isinstance(one, InstructionGiven)]
    assert [one.commands for one in told] == [False, False, True]


async def test_a_question_and_its_answer_at_once(questions: Questions) -> None:
    """Of two letters that answer one question, the first counts and the other is told."""
    post, address = questions.post, questions.address
    mail = await questions.ask("To PRODUCTION?")
    await asyncio.gather(post.says("yes", address, **mail), post.says("no", address, **mail))
    assert len(await said()) == 1
    assert len(await noticed()) == 1


async def test_without_a_server_that_vouches_the_call_is_named(post: Post) -> None:
    """Whoever named it is told about that."""
    _, address = await waiting_call(post)
    post.rules = replace(post.rules, authserv_id="")
    await post.says("approve A-1", address)
    assert "`task approve A-1`" in (await noticed())[0].text
    assert await database.run(lambda: Notices.select().count()) == 1
