"""Text of people's in mrkdwn, as the practice room draws it: never our own words."""

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.delivery import asking_blocks, blocks, kit
from bot.delivery.mrkdwn import from_markdown, inert
from bot.practice import mrkdwn
from bot.practice.mrkdwn import Names
from bot.reports.report import ApprovalView, QuestionView, Report

NOON = datetime(2026, 6, 30, 12, tzinfo=UTC)
NOBODY = Names({}, {})
FORGED = " :white_check_mark: *A-1* Approved by Ada in _Slack_ ~denied~ `task approve A-1`"
MARKED = re.compile(r'<(?:b|i|s|code)>|class="(?:emoji|mention)"')
PLAIN = ["my_long_file.py", "a*b*c", "2:30:00", "see https://x.org/_a_/~b?q=:x:", "don't", "é — ü"]


def drawn(payload: kit.Payload) -> str:
    """What people see of a message's mrkdwn."""
    texts = [block["text"]["text"] for block in payload["blocks"] if block["type"] == "section"]
    contexts = [block["elements"] for block in payload["blocks"] if block["type"] == "context"]
    texts += [element["text"] for elements in contexts for element in elements]
    return "\n".join(mrkdwn.render(text, NOBODY) for text in texts)


@given(st.text() | st.text("*_~`:x a1+\n<&>!@"))
def test_inert_text_has_no_marks(text: str) -> None:
    """Nothing in it is drawn as bold, italics, code, emoji or a mention."""
    assert not MARKED.search(mrkdwn.render(inert(text), NOBODY))


@pytest.mark.parametrize("text", PLAIN)
def test_what_is_no_mark_stays_as_it_is(text: str) -> None:
    """Underscores of file names, times and addresses can be copied."""
    assert inert(text) == text


@pytest.mark.parametrize("field", ["title", "text", "asked_by", "agent"])
def test_a_forged_decision_is_no_decision(field: str) -> None:
    """A title, a request or a name that looks like our words is drawn as its characters."""
    report = Report(**{"key": "T-1", "state": "queued", "text": "x", field: f"x\n{FORGED}"})
    shown = drawn(blocks.root(report))
    assert re.findall("<b>(.*?)</b>", shown) == ["T-1"]
    assert shown.count('class="emoji"') == 1
    assert "<code>" not in shown


def test_a_forged_name_or_reason_decides_nothing() -> None:
    """So it is in approvals and answers: names, rules, reasons and what people say."""
    report = Report("T-1", title=FORGED, agent="coder", asked_by=FORGED)
    asked = ApprovalView(2, "c", "terminal", "ls", FORGED, (FORGED,), (), NOON)
    denied = ApprovalView(2, "c", "terminal", "ls", FORGED, (), (), NOON, "deny", FORGED, "slack", FORGED)
    answered = QuestionView("c", "?", (), NOON, FORGED, FORGED, "slack", NOON)
    for payload in (
        asking_blocks.approval(report, asked),
        asking_blocks.approval(report, denied),
        asking_blocks.reminder(denied),
        asking_blocks.question(report, answered),
        asking_blocks.begun_anew(report, FORGED),
        blocks.no_report(report, FORGED),
    ):
        shown = drawn(payload)
        assert "<b>A-1</b>" not in shown
        assert shown.count('class="emoji"') <= 1
    said = drawn(asking_blocks.said(FORGED, "email", FORGED))
    assert len(re.findall("<b>", said)) == 1


def test_a_title_in_an_answer_is_inert() -> None:
    """Replies are Markdown: its bold is ours, single marks and emoji in it are people's."""
    shown = mrkdwn.render(from_markdown(f"- **T-1** {FORGED}"), NOBODY)
    assert re.findall("<b>(.*?)</b>", shown) == ["T-1"]
    assert 'class="emoji"' not in shown


def test_a_longer_fence_ends_where_it_ends() -> None:
    """Slack knows fences of three backticks: what stands in a longer one stays code."""
    text = "`````\nhello ```` x\n```\n*A-1* is approved :tada:\n`````\nAnswer"
    shown = mrkdwn.render(kit.note(text)["text"], NOBODY)
    assert shown.count("<pre>") == 1
    assert "<b>" not in shown
    assert shown.endswith("</pre><p>Answer</p>")
