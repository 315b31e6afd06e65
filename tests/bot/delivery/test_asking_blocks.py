"""What people are asked, as Block Kit: whole and exact, whatever it is, and dead once it is decided."""

import html
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.delivery import asking_blocks as asking
from bot.delivery import kit
from bot.practice import block_kit
from bot.reports.report import ApprovalView, QuestionView, Report
from bot.reports.visible import exact

NOON = datetime(2026, 6, 30, 12, tzinfo=UTC)
REPORT = Report(key="T-1", title="Fix it", agent="coder", asked_by="Mel", state="waiting")
LIVE = "<!channel> <!here> <@U1> <#C1> <!subteam^S1>"
HOSTILE = st.one_of(
    st.text(max_size=9_000),
    st.sampled_from(
        [
            LIVE * 200,
            "x" * 100_000,
            "&<>" * 9_000,
            "w" * 3_000 + " " + "v" * 3_000,
            "`" * 5_000,
            "```\n" * 999,
            "\n" * 9_000,
            "\u202e\U000e0041" * 2_000,
            "# a\n" * 300,
            "",
        ]
    ),
)
MENTION = re.compile(r"<[@#!]")


def approval(does: str = "git push", **values: Any) -> ApprovalView:
    """An approval that Mel and Ben may decide."""
    base: dict[str, Any] = {
        "number": 17,
        "call_id": "c1",
        "tool": "terminal",
        "rule": "Ada has @coder ask before git push.",
        "approvers": ("Mel", "Ben"),
        "addresses": (),
        "asked": NOON,
    }
    return ApprovalView(does=does, **(base | values))


def denied(does: str = "git push", note: str = "too broad") -> ApprovalView:
    return approval(does, state="deny", by="Dana", door="email", note=note, decided=NOON)


def pages(view: ApprovalView) -> list[kit.Payload]:
    """All messages that it takes to ask."""
    count = asking.messages(view.does)
    return [asking.part(REPORT, view, number) for number in range(1, count)] + [asking.approval(REPORT, view)]


def code_in(messages: list[kit.Payload]) -> str:
    """The code that messages show, put together again as a reader would."""
    shown = ""
    for block in (block for message in messages for block in message["blocks"]):
        found = re.fullmatch(
            r"```\n(.*)\n```(\n_The same line goes on:_)?", block.get("text", {}).get("text", ""), re.DOTALL
        )
        if found:
            shown += html.unescape(found[1]) + ("" if found[2] else "\n")
    return shown[:-1]


def live(message: kit.Payload) -> bool:
    """Whether anybody is called; what stands on a button is plain text."""
    read = [block for block in message["blocks"] if block["type"] != "actions"]
    return bool(MENTION.search(str([message["text"], read])))


def buttons(message: kit.Payload) -> list[tuple[str, str, str, str]]:
    """Label, action, command and style of every button."""
    return [
        (one["text"]["text"], one["action_id"], one["value"], one.get("style", ""))
        for block in message["blocks"]
        if block["type"] == "actions"
        for one in block["elements"]
    ]


@given(does=HOSTILE, rule=HOSTILE, note=HOSTILE, who=HOSTILE)
def test_slack_takes_whatever_is_asked(does: str, rule: str, note: str, who: str) -> None:
    """Every message stays within Slack's limits, and calls nobody, for any call, rule, reason and name."""
    asked = approval(does, rule=rule, approvers=(who, who), tool=who[:60])
    over = approval(does, rule=rule, state="deny", by=who, door="email", note=note, decided=NOON)
    for message in (*pages(asked), *pages(over), asking.reminder(asked), asking.reminder(over)):
        block_kit.check(message["blocks"])
        assert 0 < len(message["text"]) <= 4_000
        assert not live(message)


@given(text=HOSTILE, options=st.lists(HOSTILE, max_size=8), answer=HOSTILE)
def test_slack_takes_every_question(text: str, options: list[str], answer: str) -> None:
    """So it does for any question, options and answer, and for what people say elsewhere."""
    asked = QuestionView("c1", text, tuple(options), NOON)
    over = QuestionView("c1", text, tuple(options), NOON, answer, "Dana", "email", NOON)
    said = asking.said(answer, "email", text)
    lines = (asking.begun_anew(REPORT, answer), asking.given(REPORT, answer, text))
    for message in (asking.question(REPORT, asked, "3.2"), asking.question(REPORT, over), said, *lines):
        block_kit.check(message["blocks"])
        assert not live(message)


@given(st.text(max_size=30_000) | st.sampled_from(["x" * 99_000, "echo hello\n" * 8_000, "\n\n" * 3_000]))
def test_a_call_is_shown_to_the_byte(does: str) -> None:
    """Put together, the blocks of code are the call itself, with what is unseen spelled out."""
    assert code_in(pages(approval(does))) == exact(does).replace("```", "\u02cb\u02cb\u02cb")


def test_lines_are_kept_together_where_that_can_be() -> None:
    """A long script is parted between lines, and only a line that is too long itself within."""
    script = "".join(f"echo {number}\n" for number in range(2_000))
    assert "goes on" not in str(pages(approval(script)))
    assert "The same line goes on" in str(pages(approval("x" * 5_000)))


def test_what_does_not_fit_is_said_to_be_cut() -> None:
    """A call beyond all measure is cut, and the message that asks says so and where the whole is."""
    messages = pages(approval("x" * 500_000))
    assert len(messages) == asking.MOST_MESSAGES
    assert "It is cut here" in str(messages[-1])
    assert "`task show T-1`" in str(messages[-1])
    assert "It is cut" not in str(pages(approval("x" * 100_000)))


def test_backticks_that_cannot_be_shown_are_explained() -> None:
    """Three backticks would end the block: what stands for them is said."""
    assert "three backticks" in str(asking.approval(REPORT, approval("echo ```")))
    assert "three backticks" not in str(asking.approval(REPORT, approval("echo `id`")))


@pytest.mark.parametrize("trick", ["\x1b[2J", "\x00", "\u202e", "\U000e0041"])
def test_a_call_hides_nothing(trick: str) -> None:
    """Control characters and overrides of direction are spelled out in what is to be approved."""
    shown = str(asking.approval(REPORT, approval(f"rm {trick}x")))
    assert trick[0] not in shown
    assert f"U+{ord(trick[0]):04X}" in shown


def test_an_approval_says_why_and_who_and_has_its_buttons() -> None:
    """Approve runs its command at once, Deny asks for a reason; both are commands of the grammar."""
    message = asking.approval(REPORT, approval())
    assert buttons(message) == [
        ("Approve", "do:approve", "task approve A-17", "primary"),
        ("Deny", "why:deny", "task deny A-17", "danger"),
    ]
    shown = str(message)
    assert "Ada has @coder ask before git push." in shown
    assert "Mel, Ben may decide" in shown
    assert "Any team member" in str(asking.approval(REPORT, approval(approvers=())))


def test_what_is_decided_has_no_buttons_and_says_by_whom() -> None:
    """The same message tells who decided, by which door and when, and still shows the call."""
    message = asking.approval(REPORT, denied())
    assert buttons(message) == buttons(asking.reminder(denied())) == []
    assert "Denied by Dana by email, 30 Jun 2026, 12:00 UTC: too broad" in str(message)
    assert code_in([message]) == "git push"
    gone = approval(state="withdrawn", note="T-1 was cancelled.", decided=NOON)
    assert "Withdrawn: T-1 was cancelled." in str(asking.approval(REPORT, gone))


def test_a_reminder_has_buttons_only_beside_the_whole_call() -> None:
    """A short call stands in it once more; of a long one it points to the message that shows it."""
    short, long = asking.reminder(approval("# Tidy up\nrm -r x")), asking.reminder(approval("x" * 20_000))
    assert code_in([short]) == "# Tidy up\nrm -r x"
    assert len(buttons(short)) == 2
    assert buttons(long) == []
    assert "above has the buttons" in str(long)


def test_who_is_asked_alone_is_called_by_name() -> None:
    """A direct message mentions its one reader, who hears of it in a thread too; a channel is not called."""
    assert "<@U0ADA> " in str(asking.approval(REPORT, approval(), "U0ADA"))
    assert "<@U0ADA> " in str(asking.reminder(approval(), "U0ADA"))
    assert "<@" not in str(asking.approval(REPORT, approval(), "C0GENERAL"))


def test_a_question_has_a_button_for_each_option() -> None:
    """An option's button answers this very question; what looks like a command's option is its text."""
    asked = QuestionView("c1", "Which?", ("This", "--that", " "), NOON)
    assert buttons(asking.question(REPORT, asked, "3.2")) == [
        ("This", "do:0", "task say T-1 --answers 3.2 -- This", ""),
        ("--that", "do:1", "task say T-1 --answers 3.2 -- --that", ""),
    ]
    assert "reply in this thread" in str(asking.question(REPORT, asked))


def test_an_answered_question_says_who_answered_what() -> None:
    """No buttons are left; the answer is quoted, with its author and door."""
    over = QuestionView("c1", "Which?", ("This",), NOON, "This *one*\n<@U1>", "Dana", "email", NOON)
    message = asking.question(REPORT, over)
    assert buttons(message) == []
    assert "Answered by Dana by email" in str(message)
    assert message["blocks"][2]["text"]["text"] == ">This \u2217one\u2217\n>&lt;@U1&gt;"
    unanswered = QuestionView("c1", "Which?", ("This",), NOON, withdrawn=True)
    assert "Never answered" in str(asking.question(REPORT, unanswered))


@given(HOSTILE)
def test_a_note_fits_and_calls_nobody(text: str) -> None:
    """A note is cut to what Slack takes, entities and all."""
    shown = kit.note(text)["text"]
    assert 0 < len(shown) <= 4_000
    assert not MENTION.search(shown)
