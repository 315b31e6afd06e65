"""The report as a PDF."""

import io
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pypdf import PdfReader
from pypdf.generic import Destination

from bot.events import (
    Change,
    HostAsked,
    InstructionGiven,
    ModelTurned,
    QuestionAsked,
    TaskFinished,
    ToolRefused,
    Usage,
)
from bot.reports.patch import excerpt
from bot.reports.pdf import MAX_PAGES, draw
from bot.reports.report import Report, StepView
from bot.workspaces.unified import Budget, Side, section

Maker = Callable[[], Report]


def opened(report: Report) -> PdfReader:
    """The drawn report, as a program reads it."""
    return PdfReader(io.BytesIO(draw(report)))


def text_of(reader: PdfReader) -> str:
    """All its text, with single spaces."""
    return " ".join(" ".join(page.extract_text() for page in reader.pages).split())


def resolved(found: Any) -> Any:
    """An object of the file; what it holds is known only when it is read."""
    return found.get_object()


def titles(entries: list[Any]) -> list[Any]:
    """The outline's titles, nested as it is."""
    return [titles(one) if isinstance(one, list) else one.title for one in entries]


def test_the_first_page_tells_it_all(samples: dict[str, Maker]) -> None:
    """Title, state, facts, outcome and timeline stand on the first page, in this order."""
    page = " ".join(opened(samples["success"]()).pages[0].extract_text().split())
    parts = (
        "Task report · T-12",
        "Fix the rounding of invoice totals",
        "Done",
        "in 8.3 s: 4 steps, 4 files changed",
        "Asked by",
        "Ana Souza, in Slack",
        "@coder",
        "21 Nov 2026, 14:03:12 UTC",
        "Outcome",
        "42 tests pass",
        "Timeline",
        "all steps",
        "What was asked",
        "page 1 of 2",
    )
    places = [page.find(part) for part in parts]
    assert -1 not in places
    assert places == sorted(places)


def test_steps_and_files_follow(samples: dict[str, Maker]) -> None:
    """Each step has its command, what it printed and how it ended; each file its row."""
    text = text_of(opened(samples["failure"]()))
    assert "failed · out of memory · exit code 137 · 1 min 1 s" in text
    assert "python import.py customers.csv" in text
    assert text.count("reading 1,204,332 rows …") == 40
    assert re.search(r"src/billing/invoice\.py changed \+12 .3 8\.4 kB", text)


def test_the_ledger_tells_who_let_what(samples: dict[str, Maker]) -> None:
    """Each decision stands with its exact call, who, when, which door and why; so does what people said."""
    reader = opened(samples["decided"]())
    text = text_of(reader)
    parts = (
        "A-17 terminal approved Asked 21 Nov 2026, 14:03 UTC · Mel Ortiz, Dana may decide",
        "git push origin main Approved by Mel Ortiz in Slack, 21 Nov 2026, 15:07 UTC After the green build",
        "region = 'north-0'",
        "region = 'north-39'",
        "Denied by Dana by email, 21 Nov 2026, 15:38 UTC Too broad:",
        "Withdrawn T-40 was cancelled.",
        "To choose from: batch 3, batch 9 Answered by Mel Ortiz in Slack, 21 Nov 2026, 15:50 UTC batch 3",
        "Told by Ana Souza in Slack, 21 Nov 2026, 15:07 UTC Leave the archived invoices alone.",
        "Told by dana@example.org by email, 21 Nov 2026, 15:50 UTC And tell me the sum",
        "Step 4 rm -rf /srv/archive refused @coder may not run rm -rf *: Ada denied it to all agents.",
    )
    places = [text.find(part) for part in parts]
    assert -1 not in places
    assert places == sorted(places)
    ledger = ["Approvals", "Questions", "Instructions", "Refused by a rule", "Steps"]
    assert [one for one in titles(reader.outline) if one in ledger] == ledger
    assert "1 h 48 min of it waiting for people" in text


def test_a_hostile_ledger_is_cut_everywhere(story: type[Any]) -> None:
    """Calls, names, reasons and answers of any length and number end in a bounded report that says so."""
    told = story("t", "").run()
    for number in range(1, 50):
        call = told.ask("c" * 2_000 + "\n" * 900, number, approvers=("n" * 2000,), rule="漢" * 2000)
        told.decide(call, "deny", number, by="b " * 2000, door="d" * 2000, note="w\n" * 2000)
        why = "no\n" * 2000
        told.add(ToolRefused(step=number, call_id=f"r{number}", does="x" * 900, why=why))
        told.add(QuestionAsked(step=1, call_id=f"q{number}", text="?\n" * 2000, options=("o " * 2000,)))
        told.add(InstructionGiven(text="a" * 20_000, by="", door="", answers=f"q{number}"))
        told.add(InstructionGiven(text="\u202e\x1b[31m\u200f" * 2000, by="\u202e", door="email"))
    reader = opened(told.add(TaskFinished(summary="s")).report())
    assert len(reader.pages) <= MAX_PAGES
    text = text_of(reader)
    assert text.count("more are left out of this PDF.") == 4
    assert "U+202E" in text
    assert re.search(r"Denied by (b )+b… [d ]+…, 21 Nov 2026", text)


def test_one_long_call_is_shown_whole(story: type[Any]) -> None:
    """What a person let has room in the ledger, up to hundreds of lines."""
    told = story("t", "").run()
    told.decide(told.ask("\n".join(f"line {number} of it" for number in range(800))), "approve")
    text = text_of(opened(told.add(TaskFinished(summary="s")).report()))
    assert all(f"line {number} of it" in text for number in range(800))


def test_the_plan_the_cost_and_the_diff_are_shown(samples: dict[str, Maker]) -> None:
    """How far each part of the plan is, what each model used and cost, and what changed line by line."""
    text = text_of(opened(samples["thinking"]()))
    for told in (
        "Find where totals are rounded",
        "done",
        "doing",
        "to do",
        "Cost",
        "openai:gpt-5.2",
        "51,000",
        "41,500",
        "$0.0690",
        "not known",
    ):
        assert told in text, told
    assert "The price of anthropic:claude-opus-5 is not known; an admin can set it." in text
    assert "What is known comes to $0.0690." in text
    for told in (
        "What changed in them",
        "src/billing/invoice.py",
        "+total = quantize(net * rate)",
        "-line 40",
    ):
        assert told in text, told
    assert "+hostile U+001B[31m red U+202E evil" in text
    assert "Tokens of each turn" in text


def test_one_turn_is_no_chart(story: type[Any]) -> None:
    """Where there is nothing to compare, nothing is drawn; a model that is free costs nothing."""
    told = story("Hi", "Hi").run()
    told.add(ModelTurned(step=1, words="Hi.", model="ollama:q", usage=Usage(read=9, written=2, usd=0.0)))
    text = text_of(opened(told.add(TaskFinished(summary="Hi.")).report()))
    assert "$0" in text
    assert "Tokens of each turn" not in text


def test_a_long_output_is_folded(story: type[Any]) -> None:
    """Its head and its tail are shown, with how many lines are missing between them."""
    output = "\n".join(f"line {number}" for number in range(1000))
    text = text_of(opened(story("Hi", "Hi").run().step("cat it", output).report()))
    assert "line 0" in text
    assert "line 999" in text
    assert "… 960 lines left out of this PDF …" in text
    assert "line 500" not in text


def test_a_diff_of_any_length_is_cut(samples: dict[str, Maker]) -> None:
    """What is left out of a diff is counted, and it is said which file has it."""
    patch = section(b"a.txt", None, Side(b"x" * 90 + b"\n" + b"y\n" * 30_000), Budget()).patch
    report = replace(samples["thinking"](), diff=excerpt(patch))
    text = text_of(opened(report))
    assert "more lines left out of this PDF: changes.diff has them all." in text


def test_a_viewer_knows_what_it_is(samples: dict[str, Maker]) -> None:
    """Title, author, language, date and an outline are in the file."""
    reader = opened(samples["success"]())
    info = reader.metadata
    assert info
    assert (info.title, info.author, info.subject) == (
        "T-12 · Fix the rounding of invoice totals",
        "Legwork",
        "Done in 8.3 s: 4 steps, 4 files changed (+60 \N{MINUS SIGN}115)",
    )
    assert info.creation_date == samples["success"]().as_of.replace(microsecond=0)  # type: ignore[union-attr]  # has one
    assert resolved(reader.trailer["/Root"])["/Lang"] == "en"
    assert titles(reader.outline) == [
        "Summary",
        "Outcome",
        "Timeline",
        "What was asked",
        "Steps",
        [
            "1. grep -rn 'round(' src/billing",
            "2. sed -i 's/round(net \\* rate, 2)/quantize(net * rate)/' src/billing/…",
            "3. python -m pytest -q",
            "4. git diff --stat",
        ],
        "Files changed",
        "Files kept",
    ]


def test_links_lead_where_they_say(samples: dict[str, Maker]) -> None:
    """An address in the text is a link; a bar of the timeline leads to its step."""
    reader = opened(samples["success"]())
    marks = [note.get_object() for note in resolved(reader.pages[0]["/Annots"])]
    assert "https://example.com/issues/481" in [mark["/A"]["/URI"] for mark in marks if "/A" in mark]
    steps = reader.outline[5]
    assert isinstance(steps, list)
    pages = {reader.get_destination_page_number(one) for one in steps if isinstance(one, Destination)}
    assert pages == {1}
    assert sum("/Dest" in mark for mark in marks) == 4


def test_fonts_are_embedded_as_what_they_are(samples: dict[str, Maker]) -> None:
    """Every font is in the file, cut to what is used, and none is CFF under a TrueType name."""
    reader = opened(samples["torture"]())
    fonts = {
        ref.idnum: ref.get_object()
        for page in reader.pages
        for ref in resolved(resolved(page["/Resources"])["/Font"]).values()
    }
    assert len(fonts) >= 6
    for font in fonts.values():
        child = font["/DescendantFonts"][0].get_object()
        program = resolved(child["/FontDescriptor"])["/FontFile2"].get_data()
        assert child["/Subtype"] == "/CIDFontType2"
        assert program[:4] == b"\0\1\0\0"
        assert len(program) < 60_000


def test_unicode_is_written_or_spelled_out(samples: dict[str, Maker]) -> None:
    """What has a glyph is there; what has none is told by its number, never left blank."""
    text = text_of(opened(samples["torture"]()))
    for part in ("Ærøskøbing naïve Ωμέγα Жуковский ễ ặ", "✓", "✗", "⇒", "𝄞", "⣿", "│└─", "€"):
        assert part in text
    for part in ("U+6F22 U+5B57", "U+1F600", "U+202E", "U+001B"):
        assert part in text
    assert "שלום" in text or "םולש" in text  # the order in which a reader gives it back is the reader's


def test_nothing_stands_outside_the_page(sample: Report) -> None:
    """However long a word, a title or a path: text begins within the margins."""
    places: list[tuple[float, float]] = []

    def visit(_text: str, _cm: Any, matrix: list[float], _font: Any, _size: Any) -> None:
        places.append((matrix[4], matrix[5]))

    for page in opened(sample).pages:
        page.extract_text(visitor_text=visit)
    assert len(places) > 20
    assert all(50 <= x <= 545 and 30 <= y <= 800 for x, y in places if (x, y) != (0, 0))


@pytest.mark.parametrize(("steps", "lines"), [(60, 30), (60, 300), (900, 40), (1, 30_000)])
def test_a_report_keeps_to_its_most_pages(samples: dict[str, Maker], steps: int, lines: int) -> None:
    """Whatever there is to tell, the pages are bounded, and what is left out is said."""
    reader = opened(samples["many"](steps, lines))  # type: ignore[call-arg]  # this maker takes its size
    assert len(reader.pages) <= MAX_PAGES
    text = text_of(reader)
    assert f"page {len(reader.pages)} of {len(reader.pages)}" in text
    told = re.search(r"lines left out of this PDF|are left out of this PDF", text)
    assert bool(told) == (steps * lines > 2000)
    if told:
        assert len(reader.pages) > (MAX_PAGES // 2 if steps > 1 else 1)
    assert "Files changed" in text


def test_a_hostile_volume_is_cut_everywhere(story: type[Any]) -> None:
    """Text, words, commands, outputs and paths of any length end in a bounded report, and quickly."""
    told = story("t " * 3000, "漢\n\n" * 9000, agent="a" * 9000, asked_by="b " * 9000).run()
    for number in range(9):
        told.step("c" * 90_000, "\n" * 90_000 + "漢" * 90_000, words="w\n" * 9000, ok=bool(number % 2))
    changes = tuple(Change(path=f"{number}/" + "漢" * 400, how="added") for number in range(900))
    told.add(TaskFinished(summary="- s\n" * 9000, changes=changes, more_changes=10**6))
    reader = opened(told.report())
    assert len(reader.pages) <= MAX_PAGES
    assert "more characters are left out of this PDF." in text_of(reader)


def test_the_same_report_gives_the_same_bytes(sample: Report) -> None:
    """Nothing of the moment or the machine is in the file."""
    assert draw(sample) == draw(sample)


def test_headings_stay_with_what_they_head(samples: dict[str, Maker]) -> None:
    """No page ends with the line that a step begins with."""
    for page in opened(samples["many"]()).pages:
        lines = page.extract_text().splitlines()
        body = [line for line in lines if line.strip() and "page" not in line and "Migrate" not in line]
        assert not re.search(r"^Step \d+$|MB memory$|^Steps$", body[-1])


TORN = st.text(max_size=30) | st.text("\u0590\u05d0\u0627(\u0301a1 \t\n\u202e[]\U0001e900`*|", max_size=40)


@settings(
    max_examples=12,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(told=st.tuples(TORN, TORN, TORN, TORN, TORN))
def test_any_text_can_be_drawn(story: type[Any], told: tuple[str, str, str, str, str]) -> None:
    """No text makes drawing fail."""
    title, text, what, output, summary = told
    report = story(title, text, agent=title, asked_by=what).run().step(what, output, words=text)
    report.decide(report.ask(what, rule=text, approvers=(title,)), "deny", by=title, door=output, note=text)
    report.add(QuestionAsked(step=2, call_id="q", text=text, options=(title,)))
    report.add(InstructionGiven(text=output, by=what, door=title, answers="q"))
    report.add(InstructionGiven(text=output, by=what, door=title))
    report.add(TaskFinished(summary=summary, changes=(Change(path=what, how="changed", added=1),)))
    assert draw(report.report(title)).startswith(b"%PDF-")


def test_a_script_that_became_a_step_is_not_shown_twice() -> None:
    """The request names the step whose script it holds; code that was not run stays where it is."""
    report = Report(
        key="T-1",
        title="Look",
        text="Look\n```sh\necho unmistakable\n```\nand not\n```\necho never\n```",
        state="done",
        steps=(StepView(1, "terminal", "echo unmistakable\n", state="ok"),),
    )
    text = "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(draw(report))).pages)
    assert text.count("echo unmistakable") == 1
    assert "The script of step 1" in text
    assert "echo never" in text


def test_a_host_is_named_to_its_end(story: type[Any]) -> None:
    """Whose host it is stands at the end of its name, however long that is."""
    told = story("Look it up", "Look it up").run()
    call = told.start("curl")
    host = "very-long-label." * 13 + "belongs.to.eve.example"
    told.add(HostAsked(step=1, call_id=call.id, host=host, port=443, outcome="refused"))
    assert "eve.example:443" in text_of(opened(told.report())).replace(" ", "")
