"""The report as Markdown, and what others wrote in it."""

import re
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bot.events import InstructionGiven, QuestionAsked, TaskFinished
from bot.reports.html import render
from bot.reports.markdown import escape, fence, folded
from bot.reports.prose import Code, Item, Paragraph, blocks, cut
from bot.reports.report import Report
from bot.reports.summary import markdown

hostile = st.one_of(
    st.text(),
    st.text("`~#*_[]()<>|\\!-+=. \n\tab1:/&\u202e", max_size=60),
    st.sampled_from(
        ["```\n# Steps", "---", "# Outcome\n===", "[x]: http://a", "<script>", "1. a\n   # Steps"]
    ),
)


def headings(text: str) -> list[str]:
    """The headings of a Markdown text, as a renderer sees them."""
    return re.findall(r"<h[1-6]>(.*?)</h[1-6]>", render(text), re.DOTALL)


def test_the_parts_stand_in_order(samples: dict[str, Callable[[], Report]]) -> None:
    """Facts, outcome, request, steps and files follow each other under their headings."""
    found = headings(markdown(samples["success"]()))
    assert found == [
        "T-12 · Fix the rounding of invoice totals",
        "Outcome",
        "What was asked",
        "Steps",
        "Step 1: ok, exit code 0, 34 ms, 18 MB memory",
        "Step 2: ok, exit code 0, 12 ms, 18 MB memory",
        "Step 3: ok, exit code 0, 6.3 s, 18 MB memory".replace("18 MB", "96 MB"),
        "Step 4: ok, exit code 0, 21 ms, 18 MB memory",
        "Files changed",
        "Files kept",
    ]


def test_the_cost_and_the_diff_have_their_parts(samples: dict[str, Callable[[], Report]]) -> None:
    """What each model used is a table, and what changed a block of code that nothing in it can close."""
    text = markdown(samples["thinking"]())
    assert [one for one in headings(text) if not one.startswith("Step ")] == [
        "T-12 · Fix the rounding of invoice totals",
        "Outcome",
        "Plan",
        "What was asked",
        "Steps",
        "Cost",
        "Files changed",
        "What changed in them",
        "Files kept",
    ]
    assert "| openai:gpt-5.2 | 6 | 51,000 | 41,500 | 1,800 | $0.0690 |" in text
    assert "| All together | 7 | 65,800 | 54,600 | 2,520 | not known |" in text
    assert "````diff\ndiff --git a/src/billing/invoice.py b/src/billing/invoice.py\n" in text
    assert "+hostile U+001B[31m red U+202E evil ```\n" in text


def test_a_long_output_is_folded() -> None:
    """Sixty lines are shown whole; of more the head and the tail, and how many are missing."""
    lines = [str(number) for number in range(61)]
    assert folded("\n".join(lines[:60]) + "\n") == "\n".join(lines[:60]) + "\n"
    assert folded("\n".join(lines)).split("\n") == [*lines[:40], "… 1 line left out …", *lines[41:]]


def test_what_people_decided_and_said_has_its_headings(samples: dict[str, Callable[[], Report]]) -> None:
    """Who let what and who said what stands in headings; the exact call and the reason below."""
    text = markdown(samples["decided"]())
    found = headings(text)
    assert found[3 : found.index("Steps")] == [
        "Approvals",
        "A-17: Approved by Mel Ortiz in Slack, 21 Nov 2026, 15:07 UTC",
        "A-18: Denied by Dana by email, 21 Nov 2026, 15:38 UTC",
        "A-19: Withdrawn",
        "Questions",
        "Question 1: asked 21 Nov 2026, 15:38 UTC",
        "Answer 1: Answered by Mel Ortiz in Slack, 21 Nov 2026, 15:50 UTC",
        "Instructions",
        "Told by Ana Souza in Slack, 21 Nov 2026, 15:07 UTC",
        "Told by dana@example.org by email, 21 Nov 2026, 15:50 UTC",
        "Told by Mel Ortiz on the command line, 21 Nov 2026, 17:15 UTC",
    ]
    assert text.count("UPDATE invoices") == 80  # whole, in the approval and in the step
    assert "Mel Ortiz, Dana may decide · asked by email: dana@example.org · reminded once" in text
    assert "Too broad:\n\n- one batch first\n- then all" in text
    assert (
        "A-17: Approved by Mel Ortiz in Slack, 21 Nov 2026, 15:07 UTC: After the green build, fine." in text
    )


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(does=hostile, name=hostile, note=hostile, question=hostile)
@example(does="```\n## Steps", name="a\n# b", note="```\n### A-18: Approved", question="## Answer 1\n---")
def test_nobody_can_forge_what_people_decided(
    story: type[Any], does: str, name: str, note: str, question: str
) -> None:
    """Whatever is in a call, a name, a reason, a question or an answer, the headings are the report's own."""
    told = story("T", "").run()
    call = told.ask(does, rule=note, approvers=(name,), addresses=(name,))
    told.decide(call, "deny", by=name, door=name, note=note)
    told.add(QuestionAsked(step=2, call_id="q", text=question, options=(name, note)))
    told.add(InstructionGiven(text=note, by=name, door="email", answers="q"))
    told.add(InstructionGiven(text=question, by=name, door=name))
    parts = r"(Approvals|Questions|Instructions|Steps)$"
    own = rf"T-12 |{parts}|A-17: Denied|Step [12]: |Question 1: |Answer 1: |Told"
    found = headings(markdown(told.report()))
    assert [one for one in found if not re.match(own, one)] == []
    assert len(found) == 11


def test_facts_and_files_are_tables(samples: dict[str, Callable[[], Report]]) -> None:
    """Who, when and how long, and each file with its lines and size, stand in rows."""
    text = markdown(samples["success"]())
    assert "| Asked by | Ana Souza, in Slack |" in text
    assert "| Opened | 21 Nov 2026, 14:03:12 UTC |" in text
    assert "| src/billing/invoice.py | changed | +12 \N{MINUS SIGN}3 | 8.4 kB |" in text
    assert "| docs/old-notes.md | deleted | \N{MINUS SIGN}112 |  |" in text


def test_prose_keeps_its_shape(samples: dict[str, Callable[[], Report]]) -> None:
    """Lists, bold, code and addresses of a request are rendered as such."""
    page = render(markdown(samples["success"]()))
    assert "<strong>one cent off</strong>" in page
    assert "<li>Find the cause in <code>src/billing/invoice.py</code></li>" in page
    assert 'href="https://example.com/issues/481"' in page
    assert "<pre><code>python -m pytest -q\ngit diff --stat\n</code></pre>" in page


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(title=hostile, text=hostile, output=hostile, summary=hostile, path=hostile)
@example(title="a\n# b", text="```\nx\n````\n# Steps", output="```\n\n# Steps", summary="***", path="a|b\n|c")
def test_nobody_can_forge_a_part_of_the_report(
    story: type[Any], title: str, text: str, output: str, summary: str, path: str
) -> None:
    """Whatever people, commands and models write, the headings are the report's own."""
    told = story("T", "").run().step(path, output, words=summary)
    told.add(TaskFinished(summary=summary))
    told.events[0] = story(title, text, agent=path or "x", asked_by=title).events[0]
    found = headings(markdown(told.report()))
    allowed = ("Outcome", "What was asked", "Steps", "Files changed")
    assert found[0].startswith("T-12")
    assert [one for one in found[1:] if one not in allowed and not one.startswith("Step 1: ok")] == []
    assert len(found) == len(set(found))


@given(hostile)
def test_an_escaped_text_is_shown_as_it_is(text: str) -> None:
    """Escaping hides nothing and renders no markup: what is read is what was written, on one line."""
    page = render(f"x {escape(text)} x")
    assert not re.search(r"<(?!/?p>)", page)


@given(st.text("`~ab\n", max_size=80))
def test_a_fence_holds_whatever_it_holds(text: str) -> None:
    """Nothing inside a block of code ends it."""
    page = render(fence(text) + "\n\nafter")
    assert page.count("<pre>") == 1
    assert page.rstrip().endswith("<p>after</p>")


def test_tricks_are_spelled_out() -> None:
    """Overrides of direction and control characters are shown by their numbers."""
    assert escape("a\u202eb\x1bc") == "aU+202EbU+001Bc"
    assert fence("a\u2066b") == "```text\naU+2066b\n```"


def test_prose_is_read_into_harmless_shapes() -> None:
    """Headings become bold, tables become code, named links show where they lead."""
    text = (
        "# Title\n\n| a | b |\n|---|---|\n\n- one\n  - two\n\n[here](https://a.example/x) and *it*\n~~~py\nx"
    )
    title, grid, one, two, linked, code = blocks(text)
    assert isinstance(title, Paragraph)
    assert title.lines[0][0].bold
    assert grid == Code("| a | b |\n|---|---|")
    assert isinstance(one, Item)
    assert isinstance(two, Item)
    assert (one.depth, two.depth) == (0, 1)
    assert isinstance(linked, Paragraph)
    assert "".join(words.text for words in linked.lines[0]) == "here (https://a.example/x) and it"
    assert code == Code("x", "py")


@given(hostile)
def test_reading_prose_loses_no_word(text: str) -> None:
    """Every letter of a text is in one of its blocks."""
    letters = {char for char in text if char.isalpha()}
    shown: set[str] = set()
    for block in blocks(text):
        match block:
            case Code():
                shown |= set(block.text)
            case Item():
                shown |= {char for words in block.line for char in words.text + block.marker}
            case Paragraph():
                shown |= {char for line in block.lines for words in line for char in words.text}
    fences = set("".join(re.findall(r"^ {0,3}(?:`{3,}|~{3,})(.*)$", text, re.MULTILINE)))
    assert letters - shown <= fences


def test_a_text_is_cut_by_letters_and_by_lines() -> None:
    """What is left out is counted."""
    assert cut("abc\ndef\nghi", 100, 2) == ("abc\ndef\n", 3)
    assert cut("abcdef", 4, 9) == ("abcd", 2)
    assert cut("abc", 3, 1) == ("abc", 0)
