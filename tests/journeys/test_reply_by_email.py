"""A stakeholder who never opens Slack: steers, approves and stops by answering mails, through real SMTP."""

import pytest

from bot.practice import Letter
from config.settings import Settings
from tests.fakes.team import PATIENCE_S, Team

DANA = "dana@example.org"
TOUCH = "/agent assign @coder --notify dana@example.org Touch it\n```sh\ntouch made && ls\n```"
ASK = """/agent assign @coder --notify dana@example.org Deploy
```ask
Which branch shall go out?
- main
- dev
```
```sh
echo "deploying $ANSWER"
```"""


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """The first mail of a task goes at once."""
    return settings.model_copy(update={"first_mail_seconds": 0.0, "admins": ("local",)})


async def letter(team: Team, saying: str) -> Letter:
    """The first mail that says this, once it has come."""

    def there() -> Letter | None:
        return next((one for one in team.room.mailbox.letters if saying in one.text), None)

    found = await team.room.wait_for(there, PATIENCE_S)
    assert found
    return found


async def test_an_approval_by_mail(team: Team) -> None:
    """The call waits, an approver answers `approve`, it runs once; the thread shows who decided and how."""
    await team.does("agent edit coder --approvers dana@example.org")
    await team.does('agent tools ask coder terminal "touch *"')
    await team.types(TOUCH)
    asked = await letter(team, "A-1")
    assert (await team.settled("waiting"))["approvals"]
    assert asked.reply_to.startswith("ask+")
    answer = await team.room.mailbox.reply(asked, "approve")
    assert answer.code == 250
    done = await team.settled("done")
    assert [step["output"] for step in done["steps"]] == ["made\n"]
    thread = await team.thread_with_report()
    (shown,) = [message for message in thread if "A-1" in str(message.blocks)]
    assert "Approved by dana by email" in str(shown.blocks)
    assert "button" not in str(shown.blocks)
    await team.room.wait_for(lambda: any(one.attachments for one in team.room.mailbox.letters), PATIENCE_S)


async def test_a_denial_by_mail_reaches_the_agent(team: Team) -> None:
    """`deny: why` on the first line: the call is not made, and the reason is what the task ends with."""
    await team.does("agent edit coder --approvers dana@example.org")
    await team.does('agent tools ask coder terminal "touch *"')
    await team.types(TOUCH)
    await team.room.mailbox.reply(await letter(team, "A-1"), "Deny: not before Monday\n\nDana")
    done = await team.settled("failed")
    assert "not before Monday" in str(done["outcome"])
    assert done["steps"][0]["state"] == "refused"


async def test_without_a_dmarc_pass_nothing_is_approved(team: Team) -> None:
    """A mail that anybody could have written decides nothing; the same answer with a pass does."""
    await team.does("agent edit coder --approvers dana@example.org")
    await team.does('agent tools ask coder terminal "touch *"')
    await team.types(TOUCH)
    asked = await letter(team, "A-1")
    assert (await team.room.mailbox.reply(asked, "approve", dmarc="fail")).code == 250
    await letter(team, "DMARC")
    assert (await team.does("task show T-1")).data["state"] == "waiting"
    await team.room.mailbox.reply(asked, "approve")
    await team.settled("done")


async def test_a_question_is_answered_by_mail(team: Team) -> None:
    """What is written above the quotation is the answer; the task goes on with it, the thread shows it."""
    await team.types(ASK)
    asked = await letter(team, "It offers:")
    await team.room.mailbox.reply(asked, "main, please")
    done = await team.settled("done")
    assert done["steps"][-1]["output"] == "deploying main, please\n"
    thread = await team.thread_with_report()
    (shown,) = [
        message
        for message in thread
        if "Which branch" in str(message.blocks) and "main, please" in str(message.blocks)
    ]
    assert "by email" in str(shown.blocks)


async def test_a_member_stops_a_task_by_mail(team: Team) -> None:
    """`cancel` alone on the first line stops the task, as its sender's role allows."""
    await team.does("agent people role dana@example.org member")
    await team.types(ASK)
    await team.room.mailbox.reply(await letter(team, "It offers:"), "Cancel.\n\nThanks")
    await team.settled("cancelled")


async def test_status_is_answered_in_the_same_thread(team: Team) -> None:
    """`status` is answered by mail, to the one address that the reply address was made for."""
    await team.types(ASK)
    asked = await letter(team, "It offers:")
    before = len(team.room.mailbox.letters)
    await team.room.mailbox.reply(asked, "status")
    answer = await team.room.wait_for(lambda: team.room.mailbox.letters[before:], PATIENCE_S)
    assert answer[0].recipients == (DANA,)
    assert "T-1" in answer[0].text
    assert asked.references[0] in answer[0].references or answer[0].parsed.header("In-Reply-To")


async def test_a_forged_reply_address_is_refused(team: Team) -> None:
    """An address that we did not make is refused while the sender still listens."""
    await team.types(ASK)
    asked = await letter(team, "It offers:")
    forged = asked.reply_to.replace("task+1.", "task+2.")
    assert forged != asked.reply_to
    assert (await team.room.mailbox.reply(asked, "cancel", to=forged)).code == 550


async def test_an_agent_offers_no_word_that_stops_or_decides(team: Team) -> None:
    """`cancel` by mail must stop a task whatever its agent asks: an agent that offers it is told so."""
    await team.types(ASK.replace("- dev", "- cancel"))
    ended = await team.settled("failed")
    assert "offer other words" in str(ended["outcome"])
