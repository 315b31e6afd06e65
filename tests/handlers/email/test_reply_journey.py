"""People who never open Slack answer mails of the whole bot, by real SMTP, and the task goes on."""

import re
from collections.abc import Callable

from bot import people
from bot.app.house import now
from bot.practice import PracticeRoom
from bot.practice.letter import Letter
from storage import database
from storage.tables import Letters, Tasks
from tests.fakes.post import until
from tests.fakes.team import PATIENCE_S, Team

PUSH = "/agent assign @coder --notify dana@example.org Publish it\n```sh\necho published > out; cat out\n```"

TWO_QUESTIONS = """/agent assign @coder --notify dana@example.org Deploy
```ask
Deploy to staging?
```
```ask
Deploy to PRODUCTION?
```"""


async def mailed(room: PracticeRoom, wanted: Callable[[Letter], bool]) -> Letter:
    """The newest letter of this kind that reached the mailbox, once there is one."""
    found = await room.wait_for(
        lambda: [one for one in room.mailbox.letters if wanted(one)] or None, PATIENCE_S
    )
    assert found
    return found[-1]


def asks(letter: Letter) -> bool:
    """Whether a mail asks for a decision."""
    return letter.reply_to.startswith("ask+")


async def waits_for_dana(team: Team) -> Letter:
    """T-1 waits for what Dana decides; the mail that asks her."""
    await database.run(people.from_address, "dana@example.org", (), now())
    for command in ("agent edit @coder --approvers dana@example.org", 'agent tools ask coder terminal "*"'):
        reply = await team.does(command)
        assert reply.ok, reply.text
    await team.types(PUSH)
    return await mailed(team.room, asks)


async def state() -> str:
    return str(await database.run(lambda: Tasks.get_by_id(1).state))


async def test_an_approval_by_mail_lets_the_task_go_on(team: Team) -> None:
    """`approve` as an answer to the mail that asks: the call runs, and the result comes by mail."""
    question = await waits_for_dana(team)
    assert "echo published" in question.text
    answer = await team.room.mailbox.reply(question, "approve")
    assert answer.code == 250
    result = await mailed(team.room, lambda one: bool(one.attachments))
    assert "published" in result.text
    assert await state() == "done"


async def test_a_denial_by_mail_reaches_the_task_with_its_reason(team: Team) -> None:
    """`deny` and why: the call is not made, and the thread in Slack says who said no."""
    question = await waits_for_dana(team)
    assert (await team.room.mailbox.reply(question, "deny: not on a Friday")).code == 250
    await until(lambda: _is("failed"))
    thread = await team.thread_with_report()
    assert any("not on a Friday" in str(message.blocks) + message.text for message in thread)


async def test_a_forged_answer_changes_nothing(team: Team) -> None:
    """A letter that fails DMARC, a stranger's and a changed address: the task waits, and Dana is told."""
    question = await waits_for_dana(team)
    mailbox = team.room.mailbox
    assert (await mailbox.reply(question, "approve", dmarc="fail")).code == 250
    assert (await mailbox.reply(question, "approve", sender="mallory@evil.example")).code == 250
    proof = question.reply_to.partition("@")[0][-26:]
    other = question.reply_to.replace(proof, proof[::-1])
    assert (await mailbox.reply(question, "approve", to=other)).code == 550
    await until(_all_settled)
    assert await database.run(lambda: [row.state for row in Letters]) == ["quarantined"] * 2
    assert await state() == "waiting"
    await mailed(team.room, lambda one: "in your name" in one.text)
    await mailed(team.room, lambda one: "mallory@evil.example" in one.text)


async def test_status_comes_back_in_the_conversation(team: Team) -> None:
    """An answer is mailed to whom the address was made for, in their thread, and can be answered again."""
    question = await waits_for_dana(team)
    await team.room.mailbox.reply(question, "status", headers={"Reply-To": "mallory@evil.example"})
    asked = team.room.mailbox.sent[-1]
    answer = await mailed(team.room, lambda one: asked.message_id in one.references)
    assert answer.recipients == ("dana@example.org",)
    assert answer.reply_to.startswith("task+")
    assert re.search(r"T-1\b.*Publish it", answer.text, re.DOTALL)
    assert (await team.room.mailbox.reply(answer, "approve")).code == 250
    shown = await mailed(team.room, lambda one: asks(one) and one.number != question.number)
    assert "echo published" in shown.text
    assert (await team.room.mailbox.reply(shown, "approve")).code == 250
    await until(lambda: _is("done"))


async def test_a_late_answer_to_a_question_is_none_to_the_next(team: Team) -> None:
    """`yes` to the mail of the first question, when the second waits: it is told, and the task waits on."""
    await team.types(TWO_QUESTIONS)
    first = await mailed(team.room, lambda one: "staging" in one.text)
    root = team.room.slack.history("general")[0]
    await team.room.say("yes", thread_ts=root.ts)
    second = await mailed(team.room, lambda one: "PRODUCTION" in one.text)
    await team.room.mailbox.reply(first, "yes")
    answer = await mailed(team.room, lambda one: "not open any more" in one.text)
    assert "alice" in answer.text
    assert await state() == "waiting"
    await team.room.mailbox.reply(second, "no")
    await until(lambda: _is("done"))


async def _is(wanted: str) -> bool:
    return await state() == wanted


async def _all_settled() -> bool:
    return not await database.run(lambda: Letters.select().where(Letters.state == "new").exists())
