"""Block Kit payloads: what Slack takes, whatever agents and people write."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.delivery import blocks
from bot.delivery.mrkdwn import code, escape, fenced, from_markdown, neutral
from bot.practice import block_kit
from bot.reports.report import ApprovalView, QuestionView, Report, RunView, StepView

NOON = datetime(2026, 6, 30, 12, tzinfo=UTC)
ANYTHING = st.one_of(
    st.text(max_size=4_000), st.sampled_from(["# a\n" * 200, "---\n\n" * 200, "x" * 9_000, "```\n" * 99])
)
LIVE = "<!channel> <!here> <@U1> <#C1> <!subteam^S1>"


def report(**values: object) -> Report:
    """A report with a failed step."""
    base: dict[str, object] = {
        "key": "T-1",
        "title": "Fix it",
        "text": "Fix it",
        "agent": "coder",
        "asked_by": "alice",
        "state": "failed",
        "outcome": "Step 1 of 1 failed.",
        "opened": NOON,
        "steps": (StepView(1, "terminal", "false", state="failed", output="no\n"),),
    }
    return Report(**(base | values))  # type: ignore[arg-type]  # tests name the fields they change


def strings(value: object) -> Iterator[str]:
    """Every string inside a payload."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from strings(list(value.values()))
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from strings(inner)


@given(title=ANYTHING, text=ANYTHING, outcome=ANYTHING, what=ANYTHING, output=ANYTHING)
def test_slack_takes_every_payload(title: str, text: str, outcome: str, what: str, output: str) -> None:
    """Root, progress and result stay within Slack's limits and rules for any text."""
    steps = tuple(StepView(n, "terminal", what, state="failed", output=output) for n in range(1, 40))
    told = report(title=title, text=text, outcome=outcome, steps=steps)
    for payload in (blocks.root(told), blocks.progress(told), blocks.result(told)):
        block_kit.check(payload["blocks"])
        assert 0 < len(payload["text"]) <= 4_000


@pytest.mark.parametrize("field", ["title", "text", "outcome", "asked_by", "agent"])
def test_nobody_is_called_by_a_text_of_an_agent(field: str) -> None:
    """Mentions in any text are dead in every message: in mrkdwn they are escaped, in Markdown broken."""
    told = report(**{field: LIVE})
    for payload in (blocks.root(told), blocks.progress(told), blocks.result(told)):
        shown = str(payload)
        assert not any(live in shown for live in LIVE.split())


def test_mentions_in_commands_and_outputs_are_dead_too() -> None:
    """What a command is called, and what it printed, calls nobody."""
    told = report(steps=(StepView(1, "terminal", LIVE, state="failed", output=LIVE),))
    assert not any(live in str((blocks.progress(told), blocks.result(told))) for live in LIVE.split())


@pytest.mark.parametrize("text", ["<&>\n" * 900, "&" * 5_000, "\u202e" * 5_000, ("\u202e" * 99 + "\n") * 60])
def test_what_grows_when_it_is_escaped_still_fits(text: str) -> None:
    """Entities and spelled-out characters count: a message full of them is cut, and is not refused."""
    steps = tuple(StepView(n, "terminal", text, state="failed", output=text) for n in range(1, 40))
    told = report(title=text, text=f"Fix it\n{text}", outcome=text, steps=steps)
    for payload in (blocks.root(told), blocks.progress(told), blocks.result(told)):
        block_kit.check(payload["blocks"])


def test_an_output_is_shown_where_it_is_why() -> None:
    """A task that used up its budget did not fail by what its last step printed."""
    fine = (StepView(1, "terminal", "true", state="ok", output="fine\n"),)
    assert "fine" not in str(blocks.result(report(steps=fine)))
    assert "no" in str(blocks.result(report())["blocks"][2])


def test_who_let_a_task_rest_is_said_with_what_lets_it_go_on() -> None:
    """Nobody has to ask around, or to look it up."""
    paused = blocks.root(report(state="paused", paused_by="*bob*"))["blocks"][-1]["elements"][0]["text"]
    assert paused == "alice asked @coder · paused by \u2217bob\u2217; `/task resume T-1` lets it go on"


def test_what_never_began_is_not_getting_ready() -> None:
    """The progress of a task that is over promises nothing."""
    assert "Getting ready" in str(blocks.progress(report(steps=(), state="running")))
    assert "Nothing was run." in str(blocks.progress(report(steps=(), ended=NOON)))


def test_a_denial_is_told_once() -> None:
    """Why a step was refused is what the outcome says: it is no output to be shown below."""
    steps = (StepView(1, "terminal", "ls", state="refused", output="Denied by Mel: too broad"),)
    told = report(outcome="Denied by Mel: too broad", steps=steps)
    assert str(blocks.result(told)["blocks"]).count("too broad") == 1


def test_an_output_is_shown_by_its_end() -> None:
    """Whole lines from the end, as many as fit; of one endless line its end."""
    lines = "".join(f"line {n}\n" for n in range(900))
    for output, end in ((lines, "line 898\nline 899\n```"), ("x" * 9_000 + "end", "xend\n```")):
        told = report(steps=(StepView(1, "terminal", "x", state="failed", output=output),))
        shown = blocks.result(told)["blocks"][2]["text"]["text"]
        assert shown.startswith("```\n…")
        assert shown.endswith(end)


@pytest.mark.parametrize("trick", ["\x1b[2J", "\x00", "\u202e", "\U000e0041"])
def test_nothing_is_shown_that_cannot_be_seen(trick: str) -> None:
    """Control characters and overrides of direction are spelled out, wherever they stand."""
    steps = (StepView(1, "terminal", f"a{trick}b", state="failed", output=trick),)
    told = report(title=trick, text=f"Fix\n{trick}", outcome=trick, asked_by=trick, agent=trick, steps=steps)
    shown = (blocks.root(told), blocks.progress(told), blocks.result(told), blocks.no_report(told, trick))
    assert trick[0] not in "".join(strings(shown))
    assert f"U+{ord(trick[0]):04X}" in str(shown)


def test_the_progress_shows_the_last_steps_and_how_many_came_before() -> None:
    """Long work shows its end."""
    steps = tuple(StepView(n, "terminal", f"echo {n}", state="ok", seconds=1) for n in range(1, 21))
    shown = blocks.progress(report(state="running", steps=steps))["blocks"][0]["text"]["text"]
    assert "12 earlier" in shown
    assert "`echo 20`" in shown
    assert "`echo 12`" not in shown


def test_the_progress_tells_what_waits_and_what_was_refused() -> None:
    """A step that waits for people names what it waits for; one that was refused says so."""
    asked = ApprovalView(17, "c1", "terminal", "git push", "Asked.", (), (), NOON)
    let = ApprovalView(18, "c1", "terminal", "git push", "Asked.", (), (), NOON, state="approve")
    wonders = QuestionView("c2", "Which?", (), NOON)
    steps = (
        StepView(1, "terminal", "git push", state="waiting", approval=asked),
        StepView(2, "terminal", "git push", state="waiting", approval=let),
        StepView(3, "ask", "Which?", state="waiting", question=wonders),
        StepView(4, "terminal", "rm -r x", state="refused"),
    )
    told = report(state="waiting", steps=steps, approvals=(asked,))
    lines = blocks.progress(told)["blocks"][0]["text"]["text"].split("\n")
    assert [line.rpartition(" · ")[2] for line in lines] == [
        "waits for A-17",
        "waits for a worker",
        "waits for an answer",
        "refused",
    ]
    assert "waiting for approval A-17 since 30 Jun 2026, 12:00 UTC" in str(blocks.root(told))


def test_a_takeover_is_said() -> None:
    """People see that a worker was lost, and who went on."""
    runs = (RunView(1, "one:1", "runbook", NOON), RunView(2, "two:2", "runbook", NOON))
    assert "Taken over by two:2" in str(blocks.progress(report(state="running", runs=runs)))


def test_a_handover_in_order_is_no_takeover() -> None:
    """A worker that was told to stop is not lost: nothing is said of it."""
    runs = (RunView(1, "one:1", "runbook", NOON), RunView(1, "two:2", "runbook", NOON))
    assert "two:2" not in str(blocks.progress(report(state="running", runs=runs)))


def test_code_in_a_request_is_shown_in_short() -> None:
    """The root shows prose whole, short code whole, and of long code what it does and its length."""
    long = "# Count\n" + "\n".join(f"echo {n}" for n in range(30))
    text = f"Fix it\nSoon, please.\n```sh\n{long}\n```\nThen:\n```sh\necho `id`\n```\nThanks!"
    shown = blocks.root(report(text=text))["blocks"][1]["text"]["text"]
    assert shown == "Soon, please.\n▸ `Count` · 31 lines\nThen:\n```\necho `id`\n```\nThanks!"


@given(st.text())
def test_escaped_text_holds_no_control_of_slacks(text: str) -> None:
    """After escaping, no `<` or `>` is left, and nothing but the three entities begins with `&`."""
    shown = escape(text)
    assert "<" not in shown
    assert ">" not in shown
    assert shown.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") == text


@given(st.text())
def test_code_cannot_end_before_its_end(text: str) -> None:
    """A span stays in one line, a block closes only where we close it."""
    assert "\n" not in code(text)
    assert code(text).count("`") in (0, 2)
    assert fenced(text).count("```") == 2


def test_our_own_markdown_becomes_mrkdwn() -> None:
    """Bold and lists of replies are Slack's, code is untouched, text is escaped."""
    assert from_markdown("- **T-1** `a **b** <c>` & d") == "• *T-1* `a **b** &lt;c&gt;` &amp; d"


def test_markdown_is_neutral_but_else_unchanged() -> None:
    """Only what would call somebody is touched."""
    assert neutral("a < b, <https://x.y> and <@U1>") == "a < b, <https://x.y> and <\u2060@U1>"
