"""The plan tool: the last plan holds, and every view shows it."""

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from bot.delivery import blocks
from bot.events import AnyFact, Event, PlanItem, PlanUpdated, RunStarted, TaskOpened, TaskRetried
from bot.reports import summary
from bot.reports.pdf import draw
from bot.tools.base import Bench
from bot.tools.plan import MOST_ITEMS, Plan, PlanArguments

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
OPENED = TaskOpened(title="Mend it", text="Mend it", agent="coder", asked_by="Mel", door="slack")


def plan(*states: str) -> PlanUpdated:
    return PlanUpdated(
        items=tuple(
            PlanItem.model_validate({"text": f"Part {n}", "state": s}) for n, s in enumerate(states, 1)
        )
    )


def report(*facts: AnyFact) -> summary.Report:
    begun = RunStarted(attempt=1, worker="w", model="runbook")
    return summary.read(
        "T-1", [Event(n, NOON, "", fact) for n, fact in enumerate((OPENED, begun, *facts), 1)]
    )


@pytest.mark.parametrize(
    "items",
    [
        [],
        [{"text": " "}],
        [{"text": "x", "state": "later"}],
        [{"text": "x" * 301}],
        [{"text": "x"}] * (MOST_ITEMS + 1),
    ],
)
def test_a_plan_has_a_few_short_items(items: list[dict[str, str]]) -> None:
    """Neither none nor very many, and each says something."""
    with pytest.raises(ValidationError):
        PlanArguments.model_validate({"items": items})


async def test_a_plan_is_recorded(bench: Bench) -> None:
    """As a fact of the task, each item in one line."""
    args = PlanArguments.model_validate(
        {"items": [{"text": "Look\nhard", "state": "done"}, {"text": "Mend"}]}
    )
    result = await Plan().run(args, bench)
    assert result.facts == (
        PlanUpdated(items=(PlanItem(text="Look hard", state="done"), PlanItem(text="Mend", state="todo"))),
    )
    assert result.output == "1 of 2 done, 1 to go."
    assert Plan().does(args) == "Plan\n[x] Look\nhard\n[ ] Mend"


def test_the_last_plan_holds() -> None:
    """Until the task is begun anew."""
    assert report(plan("todo"), plan("done", "doing")).plan == plan("done", "doing").items
    assert report(plan("todo"), TaskRetried(by="Mel")).plan == ()


def test_the_thread_shows_what_matters_now() -> None:
    """What is under way and comes next; the rest is counted."""
    shown = blocks.progress(report(plan(*["done"] * 9, "doing", *["todo"] * 9)))["blocks"][0]["text"]["text"]
    lines = shown.split("\n")
    assert (lines[0], lines[-1]) == ("_8 done before_", "_… 5 more_")
    assert lines[1:4] == [
        ":white_check_mark: Part 9",
        ":arrow_forward: Part 10",
        ":white_small_square: Part 11",
    ]
    all_of_it = blocks.progress(report(plan("done", "done")))["blocks"][0]["text"]["text"]
    assert all_of_it == ":white_check_mark: Part 1\n:white_check_mark: Part 2"


def test_an_item_is_text_and_no_markup() -> None:
    """A plan pings nobody and forges nothing."""
    nasty = PlanUpdated(items=(PlanItem(text="<!channel> | **x** \u202e", state="todo"),))
    assert "<!channel>" not in str(blocks.progress(report(nasty)))
    assert "- &lt;!channel&gt; \\| \\*\\*x\\*\\* U+202E (to do)" in summary.markdown(report(nasty))


def test_the_pdf_has_it() -> None:
    """Whatever it holds."""
    assert draw(report(plan("done", "doing", "todo"))).startswith(b"%PDF-")
