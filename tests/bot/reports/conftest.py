"""Sample tasks, told by events, for the tests of their reports."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from bot.events import (
    ApprovalReminded,
    ApprovalWithdrawn,
    ArtifactSaved,
    Change,
    InstructionGiven,
    ModelTurned,
    PlanItem,
    PlanUpdated,
    QuestionAsked,
    RunStarted,
    TaskCancelled,
    TaskFailed,
    TaskFinished,
    TaskReassigned,
    TaskRetried,
    ToolFinished,
    ToolInterrupted,
    ToolRefused,
    ToolStarted,
    Usage,
)
from bot.reports.patch import excerpt
from bot.reports.report import Report
from bot.workspaces.unified import Budget, Side, section
from tests.bot.reports.story import Story

CHANGES = (
    Change(path="src/billing/invoice.py", how="changed", size=8_412, added=12, removed=3),
    Change(path="tests/billing/test_rounding.py", how="added", size=1_920, added=48, removed=0),
    Change(path="docs/old-notes.md", how="deleted", removed=112),
    Change(path="assets/logo.png", how="changed", size=48_213),
)

PYTEST_OUTPUT = """\
============================= test session starts ==============================
platform linux -- Python 3.11.9, pytest-9.2.0, pluggy-1.7.0
rootdir: /srv/billing
collected 42 items

tests/billing/test_invoice.py ...........................                [ 64%]
tests/billing/test_rounding.py ...............                           [100%]

============================== 42 passed in 3.18s ==============================
"""


def success() -> Report:
    text = """\
The invoice total is **one cent off** when a discount applies (see https://example.com/issues/481).

1. Find the cause in `src/billing/invoice.py`
2. Fix it, with a test
3. Run the whole suite

```sh
python -m pytest -q
git diff --stat
```
"""
    story = Story("Fix the rounding of invoice totals", text).run()
    story.step(
        "grep -rn 'round(' src/billing", "src/billing/invoice.py:88:    total = round(net * rate, 2)\n", 0.034
    )
    story.step(
        "sed -i 's/round(net \\* rate, 2)/quantize(net * rate)/' src/billing/invoice.py",
        seconds=0.012,
        words="The total is rounded twice: once per line, once for the sum. I round it once instead.",
    )
    story.step("python -m pytest -q", PYTEST_OUTPUT, 6.3, peak_rss_bytes=96_500_000)
    story.step("git diff --stat", " src/billing/invoice.py | 15 +++++++++------\n 1 file changed\n", 0.021)
    story.add(
        TaskFinished(
            summary="The rounding is fixed, and **42 tests pass**.\n\n"
            "- Totals are now rounded once, half to even.\n"
            "- `tests/billing/test_rounding.py` holds 15 new cases.",
            changes=CHANGES,
        ),
        1.1,
    )
    story.add(
        ArtifactSaved(
            name="coverage.html", purpose="file", media_type="text/html", size=82_311, sha256="ab" * 32
        )
    )
    return story.report()


def failure() -> Report:
    story = Story(
        "Nightly import of the customers' file", "Run the import.", door="email", asked_by="ops@example.com"
    )
    story.run(after=14)
    story.step("curl -fsSO https://example.com/customers.csv", seconds=2.2)
    printed = "reading 1,204,332 rows …\n" * 40
    story.step("python import.py customers.csv", printed, 61, ok=False, ended_by="memory", exit_code=137)
    story.add(
        TaskFailed(
            reason="Step 2 ran out of memory (512 MB). Give the agent more with `agent edit coder`, or read "
            "the file in parts.",
            changes=CHANGES[:1],
        ),
        0.3,
    )
    return story.report("T-107")


def cancelled() -> Report:
    story = Story("Rebuild the search index", "Rebuild it, please.").run()
    story.step("./index --prepare", "ok\n", 40)
    story.start("./index --rebuild --all", think=3600 * 5)
    story.add(RunStarted(attempt=2, worker="atlas-2", model="runbook"), 7200)
    story.add(ToolInterrupted(step=2, call_id="c2"))
    story.start("./index --rebuild --all --resume", think=86_400)
    story.add(TaskCancelled(by="Ben Okri"), 9_000)
    return story.report("T-31")


def many(count: int = 60, lines: int = 30) -> Report:
    story = Story(
        f"Migrate {count} services to the new base image", "For each service: build, test, push."
    ).run()
    for number in range(count):
        bad = number % 17 == 11
        story.step(
            f"make -C services/svc-{number:03} build test push",
            "\n".join(
                f"svc-{number:03} [{line:3}/{lines}] layer sha256:{line * 7919:012x} pushed"
                for line in range(lines)
            ),
            3 + number % 9,
            ok=not bad,
            exit_code=2 if bad else 0,
            think=1 + number % 4,
        )
    changes = tuple(
        Change(
            path=f"services/svc-{number:03}/Dockerfile", how="changed", size=900 + number, added=2, removed=1
        )
        for number in range(count)
    )
    story.add(TaskFinished(summary=f"{count} services were built.", changes=changes, more_changes=12), 1)
    return story.report("T-1204")


TORTURE = (
    "Ærøskøbing naïve Ωμέγα Жуковский ễ ặ e\u0301\u0323 שלום (abc) עולם! مرحبا 漢字 한 ✓ ✗ → ⇒ 😀 "
    "👩\u200d👩\u200d👧 🇩🇪 \U0001d400 𝄞 ⣿ │└─ ‰ € \u202egnp.exe"
)


def torture() -> Report:
    text = f"{TORTURE}\n\n* {TORTURE}\n\n```\n\ttab\there\n{TORTURE}\n```\n" + "w" * 300 + "/" + "path/" * 60
    story = Story(TORTURE + " " + "long " * 60, text, asked_by="Zoë \u202e漢 " * 8, agent="x" * 90).run()
    story.step(
        "printf '\\t%s' " + TORTURE,
        TORTURE + "\n" + "a\tb\tc\n" + "─" * 130 + "\n" + "x" * 400 + "\n\x1b[31mred",
        0.03,
    )
    story.step(
        "# ``` \n```\n## Steps",
        "```\n## Files changed\n````\n<script>alert(1)</script>",
        0.002,
        ok=False,
        exit_code=1,
    )
    change = Change(path="very/" * 80 + TORTURE + ".py", how="added", size=3, added=1, removed=0)
    story.add(
        TaskFinished(
            summary=TORTURE + "\n# Steps\n<b>x</b> | a | b |\n![i](http://x/y.png)", changes=(change,)
        ),
        3,
    )
    return story.report("T-9")


def running() -> Report:
    story = Story("Count the words", "wc").run()
    story.step("wc -w *.md", "120\n", 0.03)
    story.start("sleep 100")
    return story.report()


LONG_COMMAND = (
    "psql production <<'SQL'\n"
    + "".join(
        f"UPDATE invoices SET total = quantize(total, 2), revised_at = now() WHERE batch = {number} "
        f"AND state = 'open' AND customer_id IN (SELECT id FROM customers WHERE region = 'north-{number}');\n"
        for number in range(40)
    )
    + "SQL"
)


def decided() -> Report:
    """Approvals of every kind, a question, instructions, refusals and a retry."""
    story = Story("Round the open invoices anew", "Fix the totals of the open invoices in production.").run()
    story.step("git status --short", " M billing/invoice.py\n", 0.02)
    call = story.ask("git push origin main", approvers=("Mel Ortiz", "Dana"), addresses=("dana@example.org",))
    story.add(ApprovalReminded(approval=17), 3600)
    story.decide(call, "approve", after=240, by="Mel Ortiz", note="After the green build, fine.").run()
    story.add(ToolStarted(step=story.steps, call=call, does="git push origin main", approval=17), 0.1)
    story.add(ToolFinished(step=story.steps, call_id=call.id, ok=True, output="main -> main", exit_code=0), 2)
    story.add(InstructionGiven(text="Leave the archived invoices alone.", by="Ana Souza", door="slack"), 3)
    call = story.ask(LONG_COMMAND, 18, approvers=("Dana",), addresses=("dana@example.org",))
    story.decide(
        call, "deny", 18, 1900, by="Dana", door="email", note="Too broad:\n\n- one batch first\n- then all"
    ).run()
    why = "Dana denied it: Too broad"
    story.add(ToolRefused(step=story.steps, call_id=call.id, does=LONG_COMMAND, why=why))
    call = story.want("rm -rf /srv/archive")
    why = "@coder may not run `rm -rf *`: Ada denied it to all agents. An admin can change it."
    story.add(ToolRefused(step=story.steps, call_id=call.id, does="rm -rf /srv/archive", why=why))
    call = story.start("Which batch is to be first?", tool="ask")
    asked = QuestionAsked(
        step=story.steps,
        call_id=call.id,
        text="Which batch is to be first?\n\nBatch 3 is the smallest, batch 9 the oldest.",
        options=("batch 3", "batch 9"),
    )
    story.add(asked)
    story.add(InstructionGiven(text="batch 3", by="Mel Ortiz", door="slack", answers=call.id), 700)
    story.add(ToolFinished(step=story.steps, call_id=call.id, ok=True, output="batch 3")).run()
    story.add(
        InstructionGiven(
            text="And tell me the sum before and after.\n\n1. open\n2. closed",
            by="dana@example.org",
            door="email",
        ),
        20,
    )
    call = story.ask("psql production -f batch-3.sql", 19)
    story.add(ApprovalWithdrawn(approval=19, call_id=call.id, why="T-40 was cancelled."), 60)
    story.add(TaskCancelled(by="Ana Souza"))
    story.add(TaskRetried(by="Ana Souza"), 5000)
    story.add(TaskReassigned(agent="dba", by="Ana Souza"), 1).run()
    story.step("psql production -f batch-3.sql", "UPDATE 12\n", 4)
    story.add(InstructionGiven(text="Thank you, that is all.", by="Mel Ortiz", door="cli"), 2)
    story.add(TaskFinished(summary="Batch 3 is rounded: 12 invoices."), 1)
    return story.report("T-40")


def waiting() -> Report:
    """A call waits for an approval."""
    story = Story("Push it", "Push it.").run()
    story.step("git status", "clean\n", 0.1)
    story.ask("git push")
    return story.report()


def single() -> Report:
    story = Story("Say hello", "```sh\necho hello\n```", door="cli").run()
    return story.step("echo hello", "hello\n", 0.03).add(TaskFinished(summary="Ran 1 step."), 0.002).report()


PARTS = (
    PlanItem(text="Find where totals are rounded", state="done"),
    PlanItem(text="Round once, half to even, with a test that fails before it", state="done"),
    PlanItem(text="Run the whole suite", state="doing"),
    PlanItem(text="Push the branch", state="todo"),
)
GPT, CLAUDE = "openai:gpt-5.2", "anthropic:claude-opus-5"


def thinking() -> Report:
    """A model with a plan at work, of a known price and of none, and what it changed."""
    story = Story("Fix the rounding of invoice totals", "The total is **one cent off**.").run()
    story.add(PlanUpdated(items=PARTS))
    for turn, model in enumerate((GPT,) * 6 + (CLAUDE,)):
        used = {"read": 4_000 + 1_800 * turn, "cached": turn and 3_500 + 1_600 * turn, "written": 120 * turn}
        usd = 0.004 + 0.003 * turn if model == GPT else None
        story.add(ModelTurned(step=turn + 1, words="", model=model, usage=Usage(**used, usd=usd)), 1)
        story.step("make test", f"turn {turn}\n" * 90, 2.5, ok=turn != 1)
    old = b"".join(b"line %d\n" % number for number in range(120))
    new = old.replace(b"line 40\n", b"total = quantize(net * rate)\n").replace(b"line 90\n", b"")
    new = new.replace(b"line 60\n", "hostile \x1b[31m red \u202e evil ```\n".encode())
    patch = section(b"src/billing/invoice.py", Side(old), Side(new), Budget()).patch
    patch += section(b"tests/test_rounding.py", None, Side(b"def test_it() -> None:\n" * 40), Budget()).patch
    saved = ("changes.diff", "text/x-diff", len(patch), "ab" * 32)
    kept = dict(zip(("name", "media_type", "size", "sha256"), saved, strict=True))
    story.add(ArtifactSaved(purpose="diff", **kept))
    story.add(TaskFinished(summary="The rounding is fixed.", changes=CHANGES), 1.1)
    return replace(story.report(), diff=excerpt(patch))


SAMPLES: dict[str, Callable[[], Report]] = {
    maker.__name__: maker
    for maker in (success, failure, cancelled, many, torture, running, decided, waiting, single, thinking)
}


@pytest.fixture(params=SAMPLES)
def sample(request: pytest.FixtureRequest) -> Report:
    """Each of the sample reports in turn."""
    return SAMPLES[request.param]()


@pytest.fixture
def samples() -> dict[str, Callable[[], Report]]:
    """The makers of the sample reports, by name."""
    return SAMPLES


@pytest.fixture
def story() -> type[Story]:
    """What tells a task's events."""
    return Story
