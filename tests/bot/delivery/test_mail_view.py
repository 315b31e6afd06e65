"""What each mail of a task says, in text and in HTML."""

import html
import re
from datetime import UTC, datetime, timedelta

import pytest

from bot.delivery import mail_of_task, mail_view
from bot.delivery.mail_parts import BOX_BYTES
from bot.delivery.mail_view import Answer
from bot.delivery.outlet import Letter, Message, Recipient
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
    ReportFailed,
    TaskFinished,
    TaskOpened,
    TaskRetried,
    ToolFinished,
    ToolStarted,
)
from bot.reply_marker import MARKER
from bot.reports import summary

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
ASK = Answer("ask+h.3.zwc@example.com", NOON + timedelta(days=14))
REPLY = Answer("task+c.3.buo@example.com")
SUBJECT = "[T-7] Fix it"
CALL = Call(id="c1", tool="terminal", args={})
OPENED = TaskOpened(title="Fix it", text="Fix **it**\n\nNow.", agent="coder", asked_by="Mel", door="slack")
TURNED = ModelTurned(step=1, calls=(CALL,))
ASKED = ApprovalAsked(
    approval=17,
    step=1,
    call=CALL,
    does="# Ship it\ngit push && echo '<b>'",
    digest="0",
    rule="`git push *` is asked for: Ada set it.",
    approvers=("Ada", "Dana"),
    addresses=("dana@example.org",),
)
REMINDED = ApprovalReminded(approval=17)
DENIED = ApprovalDecided(
    approval=17, call_id="c1", decision="deny", by="Mel", door="slack", note="Too\nbroad."
)
APPROVED = DENIED.model_copy(update={"decision": "approve", "note": ""})
WITHDRAWN = ApprovalWithdrawn(approval=17, call_id="c1", why="@analyst goes on with the task.")
QUESTION = QuestionAsked(step=2, call_id="c2", text="Which **one**?", options=("The first", "", "cancel"))
ANSWERED = InstructionGiven(text="The first.\nPlease.", by="Ben", door="email", answers="c2")
FINISHED = TaskFinished(summary="All **done**.")
SAVED = ArtifactSaved(name="r.pdf", purpose="report", media_type="application/pdf", size=1, sha256="0")


def bodies(*facts: AnyFact, answer: Answer | None = REPLY) -> tuple[str, str]:
    """What is mailed of the last of these: text, and what is read in the HTML."""
    events = [Event(seq, NOON + timedelta(minutes=seq), "x", fact) for seq, fact in enumerate(facts, 1)]
    to = Recipient(3, "dana@example.org", "", "")
    message = Message(len(events), "part", len(events))
    letter = Letter(message, to, summary.read("T-7", events), events[-1], {})
    view = mail_of_task.view(letter, answer, SUBJECT)
    page = mail_view.page(view, SUBJECT, marked=answer is not None)
    read = html.unescape(re.sub(r"<style.*?</style>|<[^>]*>", "", page, flags=re.DOTALL))
    return mail_view.text(view, marked=answer is not None), read


def test_the_first_mail_says_what_was_asked_and_how_to_steer() -> None:
    """Whoever hears of a task for the first time knows who asked for what, and that a reply reaches it."""
    text, page = bodies(OPENED)
    for body in (text, page):
        assert "@coder is on it; Mel asked." in body
        assert "Steer it by replying" in body
        assert "Now." in body
    assert text.startswith(f"{MARKER}\n\nOn it: Fix it\nT-7 · ")


@pytest.mark.parametrize("again", [False, True])
def test_an_approval_is_asked_for_with_all_that_one_needs_to_decide(*, again: bool) -> None:
    """The exact call, why it is asked, who else may decide, how and until when to answer."""
    facts = [OPENED, TURNED, ASKED, REMINDED] if again else [OPENED, TURNED, ASKED]
    text, page = bodies(*facts, answer=ASK)
    for body in (text, page):
        assert "git push && echo '<b>'" in body
        assert "git push *" in body
        assert "Ada, Dana may decide; the first answer counts." in body
        assert "5 Dec 2026, 12:00 UTC" in body
        assert ("waited for an answer since 21 Nov 2026, 12:03 UTC" in body) is again
    assert "Reply with `approve` or `deny: why` on the first line" in text
    assert text.startswith(
        f"{MARKER}\n\n{'Still waiting' if again else 'Approval needed'}: May @coder do this?"
    )


def test_a_call_that_is_too_long_goes_with_the_mail() -> None:
    """It is said plainly that it is cut, and the whole is attached, as it would have been shown."""
    does = "echo \u200b" + "x" * BOX_BYTES
    events = [Event(1, NOON, "x", OPENED), Event(2, NOON, "x", ASKED.model_copy(update={"does": does}))]
    letter = Letter(
        Message(2, "approval", 2),
        Recipient(3, "dana@example.org", "", ""),
        summary.read("T-7", events),
        events[1],
        {},
    )
    view = mail_of_task.view(letter, ASK, SUBJECT)
    (file,) = view.files
    assert (file.name, file.media_type) == ("A-17.txt", "text/plain")
    assert file.content == does.replace("\u200b", "U+200B").encode()
    assert "It is cut here, being too long for a mail: you see 80 kB of 80 kB." in mail_view.text(
        view, marked=True
    )


@pytest.mark.parametrize(
    ("fact", "words", "why"),
    [
        (APPROVED, "Approved by Mel in Slack, 21 Nov 2026, 12:04 UTC", ""),
        (DENIED, "Denied by Mel in Slack, 21 Nov 2026, 12:04 UTC", "broad."),
        (WITHDRAWN, "Withdrawn", "@analyst goes on with the task."),
    ],
)
def test_a_decision_says_who_when_and_by_which_door(fact: AnyFact, words: str, why: str) -> None:
    """Whoever was asked knows that nothing is left to do, and why."""
    text, page = bodies(OPENED, TURNED, ASKED, fact)
    for body in (text, page):
        assert "Ship it" in body
        assert words in body
        assert why in body
        assert ("The reason" in body) is bool(why)


def test_a_question_lists_its_options_and_a_reply_is_enough() -> None:
    """Options are there to choose from; one without words is none."""
    text, page = bodies(OPENED, QUESTION)
    assert "Which **one**?" in text
    assert "Which one?" in page
    assert "  - The first\n  - cancel\n" in text
    for body in (text, page):
        assert "Just reply: with one of these, or in your own words." in body
    assert "Just reply." in bodies(OPENED, QUESTION.model_copy(update={"options": ()}))[0]


def test_an_answer_says_whose_it_is() -> None:
    """Whoever was asked sees the question, the answer, and who was quicker."""
    text, page = bodies(OPENED, QUESTION, ANSWERED)
    for body in (text, page):
        assert "Answered by Ben by email, 21 Nov 2026, 12:03 UTC" in body
        assert "Please." in body
    assert "    The first.\n    Please." in text


def test_a_result_is_an_equal_view_of_the_task() -> None:
    """Outcome, steps, who let them, what people said, who asked, and the report's name: in both bodies."""
    started = ToolStarted(step=1, call=CALL, does=ASKED.does, approval=17)
    finished = ToolFinished(step=1, call_id="c1", ok=True, output="", seconds=2)
    said = InstructionGiven(text="Use `tabs`", by="Ben", door="slack")
    text, page = bodies(OPENED, TURNED, ASKED, APPROVED, said, started, finished, FINISHED, SAVED)
    for body in (text, page):
        assert "Ship it" in body
        assert "A-17: Approved by Mel in Slack" in body
        assert "Ben in Slack: Use" in body
        assert "Mel asked @coder." in body
        assert "r.pdf" in body
    assert "All **done**." in text
    assert "All done." in page
    assert text.startswith(f"{MARKER}\n\nDone: Fix it\n")


def test_without_a_report_it_says_so() -> None:
    """A PDF that could not be drawn is not promised."""
    assert "could not be drawn" in bodies(OPENED, FINISHED, ReportFailed(why="No room."))[0]


def test_a_new_beginning_says_whose_it_is() -> None:
    """Who began a task anew, and who is on it."""
    for body in bodies(OPENED, FINISHED, SAVED, TaskRetried(by="Ada")):
        assert "Ada began it anew; @coder is on it." in body


@pytest.mark.parametrize(
    "facts",
    [
        (OPENED,),
        (OPENED, TURNED, ASKED),
        (OPENED, TURNED, ASKED, REMINDED),
        (OPENED, TURNED, ASKED, DENIED),
        (OPENED, QUESTION),
        (OPENED, QUESTION, ANSWERED),
        (OPENED, FINISHED, SAVED),
        (OPENED, FINISHED, SAVED, TaskRetried(by="Ada")),
    ],
)
def test_where_no_mail_reaches_us_nobody_is_told_to_reply(facts: tuple[AnyFact, ...]) -> None:
    """Without reply addresses no mail asks for a reply, and what is asked names another way."""
    for body in bodies(*facts, answer=None):
        assert "reply" not in body.lower()
    if facts[-1] in (ASKED, REMINDED):
        assert "task approve A-17" in bodies(*facts, answer=None)[0]
    if facts[-1] == QUESTION:
        assert "task say T-7" in bodies(*facts, answer=None)[0]


def test_no_line_of_a_call_passes_for_words_of_ours() -> None:
    """Text that imitates the end of a mail stays set in, and cannot hide the question."""
    forged = ASKED.model_copy(update={"does": "ls\n\nReply with approve: it is harmless.\n" + MARKER})
    text, _ = bodies(OPENED, TURNED, forged, answer=ASK)
    assert "\n    Reply with approve: it is harmless.\n" in text
    assert text.startswith(MARKER)
    assert text.count(f"\n{MARKER}") == 0
