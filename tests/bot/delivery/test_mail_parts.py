"""Pieces of a mail: a box shows a call to the letter, a button opens an answer that is ready."""

import html
import re
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.delivery.mail_parts import BOX_BYTES, Box, Bullets, Choice, Line, Prose, Quote, Steps
from bot.reports.report import StepView

ASK = "ask+h.3.tpkmsg.zwcgiowbw6pijrsqinycaopc6i@example.com"


@pytest.mark.parametrize("call", ["git push origin main", "\n  a\t<b> && 'c'\n\n", "x" * 70_000, "é\n" * 9])
def test_a_box_shows_a_call_whole(call: str) -> None:
    """What is approved is what runs: every letter of it stands in both forms."""
    box = Box.around(call)
    assert (box.whole, box.shown, box.is_cut) == (call, call, False)
    assert html.unescape(re.sub(r"<[^>]*>", "", box.html())) == call
    assert box.text() == "\n".join(f"    {line}" for line in call.rstrip("\n").split("\n"))


@pytest.mark.parametrize("unit", ["x", "<", "é", "🎉", "x\n"])
def test_a_box_that_is_too_full_is_cut(unit: str) -> None:
    """It holds so many bytes of HTML, and knows that there is more."""
    call = unit * (BOX_BYTES + 1)
    box = Box.around(call)
    assert box.is_cut
    assert box.whole == call
    assert call.startswith(box.shown)
    assert BOX_BYTES * 0.9 < len(html.escape(box.shown).encode()) <= BOX_BYTES


@pytest.mark.parametrize("unseen", ["\u200b", "\u202e", "\u2060", "\ufeff", "\u00ad", "\x1b", "\U000e0041"])
def test_nothing_in_a_box_is_unseen(unseen: str) -> None:
    """A character without a shape, or that moves others, is spelled out in both forms and in the whole."""
    box = Box.around(f"rm{unseen} a")
    shown = f"rmU+{ord(unseen):04X} a"
    assert box.whole == box.shown == shown
    assert shown in box.html()
    assert shown in box.text()


@given(st.text())
def test_any_call_fits_a_box(call: str) -> None:
    """Its text is set in to the last line, and its HTML holds no tag but its own."""
    box = Box.around(call)
    assert all(line.startswith("    ") for line in box.text().split("\n"))
    assert re.findall(r"<[^>]*>", box.html()) == ['<pre class="box">', "<code>", "</code>", "</pre>"]


@given(st.text(min_size=1), st.text())
def test_a_button_opens_an_answer_that_is_ready(subject: str, words: str) -> None:
    """Address, subject and body survive their way through a mailto link, whatever is in them (RFC 6068)."""
    choice = Choice(ASK, subject, ("Approve", "Deny …"), ("approve", words))
    yes, no = (urlsplit(html.unescape(href)) for href in re.findall(r'href="([^"]*)"', choice.html()))
    assert (yes.scheme, unquote(yes.path)) == ("mailto", ASK)
    assert "+" not in yes.path + yes.query
    assert parse_qs(yes.query) == {"subject": [subject], "body": ["approve"]}
    assert parse_qs(no.query, keep_blank_values=True)["body"] == [words]


def test_words_of_people_stay_text() -> None:
    """Markup in a line, a list, a quotation or a label is shown as it is; backticks of ours make code."""
    trick = "<script>`x`</script>"
    steps = Steps((StepView(1, "terminal", trick),))
    for piece in (Line(trick), Bullets((trick,)), Quote(trick), steps, Prose(trick)):
        assert "<script" not in piece.html()
        assert "&lt;script&gt;" in piece.html()
        assert trick in piece.text()
    assert Line("say `yes`").html() == "<p>say <code>yes</code></p>"


def test_a_long_task_names_its_first_steps() -> None:
    """A mail says how many more there were."""
    steps = Steps(tuple(StepView(n, "terminal", f"step-{n}-", state="ok") for n in range(1, 24)))
    for shown in (steps.text(), steps.html()):
        assert "step-20-" in shown
        assert "step-21-" not in shown
        assert "and 3 more" in shown
